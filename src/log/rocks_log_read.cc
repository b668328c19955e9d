// RocksLog: reading and verifying blocks, schemas and side values; see the header.
#include <algorithm>

#include "format/block.h"
#include "log/records.h"
#include "log/rocks_log.h"
#include "log/store.h"
#include "model/errors.h"

namespace tributary {

namespace {

[[nodiscard]] rocksdb::ReadOptions read_once() {
    rocksdb::ReadOptions options;
    options.verify_checksums = true;
    options.fill_cache = false;  // blocks are read once; the cache is for indexes
    return options;
}

}  // namespace

std::unique_ptr<rocksdb::Iterator> RocksLog::iterate() const {
    return std::unique_ptr<rocksdb::Iterator>(
        store_->db().NewIterator(read_once(), store_->blocks()));
}

// --- Blocks
// -----------------------------------------------------------------------------------------

Result<BlockPtr> RocksLog::read(StreamId stream, Sequence at) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    {
        const std::lock_guard lock(streams_mutex_);
        const auto found = streams_.find(stream.value());
        if (found == streams_.end()) {
            return unknown_stream(stream);
        }
        const LogExtent& extent = found->second.info.extent;
        if (extent.last.value() == 0 || at > extent.last) {
            return BlockPtr();
        }
        at = std::max(at, extent.first);
    }
    const BlockKey key = block_key(stream, at);
    rocksdb::PinnableSlice exact;
    const rocksdb::Status got = store_->db().Get(read_once(), store_->blocks(), view(key), &exact);
    if (got.ok()) {
        return format::unpack_block(stream, at, to_view(exact));
    }
    if (!got.IsNotFound()) {
        return store_error(got, "read " + name_of(stream));
    }
    return read_around(stream, at);
}

// `at` is not the first sequence of a block: the block before it holds it, or there is a hole.
Result<BlockPtr> RocksLog::read_around(StreamId stream, Sequence at) const {
    const auto iterator = iterate();
    iterator->SeekForPrev(view(block_key(stream, at)));
    if (is_block_of(*iterator, stream)) {
        TRIBUTARY_TRY(block,
                      format::unpack_block(
                          stream, first_of(to_view(iterator->key())), to_view(iterator->value())));
        if (block->last >= at) {
            return block;
        }
    }
    if (iterator->status().ok()) {
        iterator->Seek(view(block_key(stream, at)));
    }
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "read " + name_of(stream));
    }
    if (!is_block_of(*iterator, stream)) {
        return BlockPtr();
    }
    return format::unpack_block(
        stream, first_of(to_view(iterator->key())), to_view(iterator->value()));
}

// Files may still hold blocks before it.
Sequence RocksLog::first_kept(StreamId stream) const {
    const std::lock_guard lock(streams_mutex_);
    const auto found = streams_.find(stream.value());
    return found == streams_.end() ? Sequence() : found->second.info.extent.first;
}

Result<LogVerification> RocksLog::verify(StreamId stream) {
    LogVerification found;
    Sequence at;
    while (true) {
        const std::shared_lock store_lock(store_mutex_);
        TRIBUTARY_TRY_VOID(readable());
        if (at.value() == 0) {
            at = first_kept(stream);
        }
        const auto iterator = iterate();
        iterator->Seek(view(block_key(stream, at)));
        if (!iterator->status().ok()) {
            return store_error(iterator->status(), "verify " + name_of(stream));
        }
        if (!is_block_of(*iterator, stream)) {
            return found;
        }
        const Sequence first = first_of(to_view(iterator->key()));
        auto checked = verify_block(stream, first, to_view(iterator->value()));
        ++found.blocks;
        found.bytes += iterator->value().size();
        if (checked && at.value() > 0 && at != first) {
            checked = Error(errors::kEntryCorrupt,
                            name_of(stream) + ": sequences " + std::to_string(at.value()) + " to " +
                                std::to_string(first.value() - 1) + " are missing");
        }
        if (!checked && found.damage.size() < kDamageMax) {
            found.damage.push_back(checked.error());
        }
        found.entries += checked ? checked.value() : 0;
        at = Sequence(first.value() + std::max<std::uint64_t>(1, checked ? checked.value() : 0));
    }
}

Result<std::uint64_t> RocksLog::verify_block(StreamId stream,
                                             Sequence first,
                                             std::string_view stored) const {
    TRIBUTARY_TRY(block, format::unpack_block(stream, first, stored));
    format::BlockReader reader(*block);
    Entry entry;
    std::uint64_t entries = 0;
    while (true) {
        TRIBUTARY_TRY(more, reader.next(entry));
        if (!more) {
            return entries;
        }
        ++entries;
    }
}

// --- Schemas
// ----------------------------------------------------------------------------------------

Result<std::shared_ptr<const TableSchema>> RocksLog::schema(StreamId stream, SchemaId id) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    std::string stored;
    const rocksdb::Status got = store_->db().Get(
        rocksdb::ReadOptions(), store_->schemas(), view(schema_key(stream, id)), &stored);
    const std::string what = "schema " + std::to_string(id.value()) + " of " + name_of(stream);
    if (got.IsNotFound()) {
        return Error(errors::kLogCorrupt, what + " is missing");
    }
    if (!got.ok()) {
        return store_error(got, what);
    }
    TRIBUTARY_TRY(unpacked, format::unpack_schema(stored));
    return std::make_shared<const TableSchema>(std::move(unpacked));
}

Result<std::vector<NewSchema>> RocksLog::schemas(StreamId stream) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    const SchemaKey begin = schema_key(stream, SchemaId());
    const rocksdb::Slice prefix(begin.data(), sizeof(std::uint32_t));
    const std::unique_ptr<rocksdb::Iterator> iterator(
        store_->db().NewIterator(rocksdb::ReadOptions(), store_->schemas()));
    std::vector<NewSchema> found;
    for (iterator->Seek(view(begin)); iterator->Valid() && iterator->key().starts_with(prefix);
         iterator->Next()) {
        TRIBUTARY_TRY(unpacked, format::unpack_schema(to_view(iterator->value())));
        found.push_back({schema_of(to_view(iterator->key())),
                         std::make_shared<const TableSchema>(std::move(unpacked))});
    }
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "schemas of " + name_of(stream));
    }
    return found;
}

// --- Side
// -------------------------------------------------------------------------------------------

Result<std::optional<std::string>> RocksLog::side(StreamId stream, std::string_view key) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    std::string value;
    const rocksdb::Status got =
        store_->db().Get(rocksdb::ReadOptions(), store_->side(), side_key(stream, key), &value);
    if (got.IsNotFound()) {
        return std::optional<std::string>();
    }
    if (!got.ok()) {
        return store_error(got, "side value of " + name_of(stream));
    }
    return std::optional(std::move(value));
}

Result<std::vector<SideEntry>> RocksLog::scan_side(StreamId stream,
                                                   std::string_view prefix,
                                                   std::string_view after,
                                                   std::size_t limit) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    const std::string begin = side_key(stream, prefix);
    const std::string past = side_key(stream, after);
    const std::unique_ptr<rocksdb::Iterator> iterator(
        store_->db().NewIterator(rocksdb::ReadOptions(), store_->side()));
    std::vector<SideEntry> found;
    for (iterator->Seek(std::max(begin, past));
         iterator->Valid() && found.size() < limit && iterator->key().starts_with(begin);
         iterator->Next()) {
        const std::string_view key = side_key_of_source(to_view(iterator->key()));
        if (after.empty() || key > after) {
            found.push_back({std::string(key), iterator->value().ToString()});
        }
    }
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "side values of " + name_of(stream));
    }
    return found;
}

}  // namespace tributary
