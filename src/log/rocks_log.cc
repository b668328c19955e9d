// RocksLog: append, read, trim and the small things; see the header. Opening and recovery are in
// rocks_log_open.cc, dead letters in rocks_log_letters.cc.
#include "log/rocks_log.h"

#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "format/block.h"
#include "log/records.h"
#include "log/store.h"
#include "model/errors.h"

namespace tributary {

namespace {

// Trimmed bytes that make one range deletion worth its tombstone, and one deletion of whole files
// worth its manifest write.
constexpr std::uint64_t kRangeDeleteBytes = 256U << 10U;
constexpr std::uint64_t kFileDeleteBytes = 32U << 20U;
// A batch that grew beyond this (one huge entry) gives its memory back.
constexpr std::size_t kBatchKeepBytes = 4U << 20U;
// What a write takes on disk at worst before the WAL is dropped: the WAL and the flushed table.
constexpr std::uint64_t kDiskBytesPerByte = 2;

[[nodiscard]] std::string name_of(StreamId stream) {
    return "stream " + std::to_string(stream.value());
}

[[nodiscard]] Error unknown_stream(StreamId stream) {
    return {errors::kInternal, name_of(stream) + " is not in this log"};
}

[[nodiscard]] bool of_stream(const rocksdb::Iterator& at, StreamId stream) {
    const BlockKey prefix = block_key(stream, Sequence());
    return at.Valid() && at.key().starts_with({prefix.data(), sizeof(std::uint32_t)});
}

[[nodiscard]] rocksdb::ReadOptions read_once() {
    rocksdb::ReadOptions options;
    options.verify_checksums = true;
    options.fill_cache = false;  // blocks are read once; the cache is for indexes
    return options;
}

[[nodiscard]] std::string_view to_view(const rocksdb::Slice& slice) {
    return {slice.data(), slice.size()};
}

}  // namespace

LogId RocksLog::id() const {
    return id_;
}

SteadyTime RocksLog::now() const {
    return options_.clock != nullptr ? options_.clock->now() : std::chrono::steady_clock::now();
}

std::uint64_t RocksLog::headroom_bytes() const {
    return 3 * options_.memtable_bytes + (64ULL << 20U);
}

std::uint64_t RocksLog::floor_bytes() const {
    return std::max(options_.min_free_disk_bytes, headroom_bytes());
}

Result<void> RocksLog::readable() const {
    if (!store_) {
        return Error(errors::kLogIo, "the log is closed after a failure and was not reopened yet");
    }
    return success();
}

Result<void> RocksLog::writable() const {
    TRIBUTARY_TRY_VOID(readable());
    if (read_only_) {
        return Error(errors::kLogIo, "the log was opened for reading only");
    }
    if (failed_.load(std::memory_order_acquire)) {
        return Error(errors::kLogIo, "a write failed before; the log must be reopened");
    }
    return success();
}

std::unique_ptr<rocksdb::Iterator> RocksLog::iterate() const {
    return std::unique_ptr<rocksdb::Iterator>(
        store_->db().NewIterator(read_once(), store_->blocks()));
}

Result<void> RocksLog::write(rocksdb::WriteBatch& batch, bool sync, std::string_view what) {
    rocksdb::WriteOptions options;
    options.sync = sync;
    const rocksdb::Status status = store_->db().Write(options, &batch);
    if (!status.ok()) {
        failed_.store(true, std::memory_order_release);
        return store_error(status, what);
    }
    return success();
}

// --- Streams ------------------------------------------------------------------------------------

Result<std::optional<StreamInfo>> RocksLog::find_stream(std::string_view pipeline) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    const std::lock_guard lock(streams_mutex_);
    for (const auto& [id, state] : streams_) {
        if (!state.info.set_aside && state.info.pipeline == pipeline) {
            std::optional<StreamInfo> info = state.info;
            info->bytes = state.sizes.bytes();
            return info;
        }
    }
    return std::optional<StreamInfo>();
}

Result<std::vector<StreamInfo>> RocksLog::streams() {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    const std::lock_guard lock(streams_mutex_);
    std::vector<StreamInfo> infos;
    for (const auto& [id, state] : streams_) {
        infos.push_back(state.info);
        infos.back().bytes = state.sizes.bytes();
    }
    return infos;
}

Result<StreamInfo> RocksLog::create_stream(std::string_view pipeline, const StreamBase& base) {
    TRIBUTARY_ASSERT(base.first.value() > 0);
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    rocksdb::WriteBatch batch;
    std::optional<std::uint32_t> older;
    StreamInfo info;
    info.id = StreamId(1);
    info.pipeline = pipeline;
    info.base = base;
    info.extent.log_id = id_;
    {
        const std::lock_guard lock(streams_mutex_);
        if (!streams_.empty()) {
            info.id = StreamId(streams_.rbegin()->first + 1);
        }
        for (const auto& [id, state] : streams_) {
            if (!state.info.set_aside && state.info.pipeline == pipeline) {
                older = id;
                batch.Put(store_->meta(),
                          stream_key(StreamId(id)),
                          pack_stream({info.pipeline, state.info.base, true}));
            }
        }
    }
    batch.Put(store_->meta(), stream_key(info.id), pack_stream({info.pipeline, base, false}));
    TRIBUTARY_TRY_VOID(write(batch, true, "create " + name_of(info.id)));
    const std::lock_guard lock(streams_mutex_);
    if (older) {
        streams_.at(*older).info.set_aside = true;
    }
    StreamState& state = streams_[info.id.value()];
    state.info = info;
    state.sizes = new_size_index();
    return info;
}

SizeIndex RocksLog::new_size_index() const {
    // Some thousand runs at the most, whatever the bound.
    return SizeIndex(std::clamp<std::uint64_t>(options_.max_bytes / 8192, 4096, 1U << 20U));
}

void RocksLog::set_floor(StreamId stream, Sequence keep_from) {
    const std::lock_guard lock(streams_mutex_);
    const auto found = streams_.find(stream.value());
    TRIBUTARY_ASSERT(found != streams_.end());
    found->second.floor = keep_from;
}

Result<void> RocksLog::drop_set_aside(StreamId stream) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    const std::lock_guard trim_lock(trim_mutex_);
    {
        const std::lock_guard lock(streams_mutex_);
        const auto found = streams_.find(stream.value());
        if (found == streams_.end()) {
            return unknown_stream(stream);
        }
        TRIBUTARY_ASSERT(found->second.info.set_aside);
    }
    const StreamId after(stream.value() + 1);
    const BlockKey blocks_begin = block_key(stream, Sequence());
    const BlockKey blocks_end = block_key(after, Sequence());
    const SchemaKey schemas_begin = schema_key(stream, SchemaId());
    const SchemaKey schemas_end = schema_key(after, SchemaId());
    rocksdb::WriteBatch batch;
    batch.DeleteRange(store_->blocks(), view(blocks_begin), view(blocks_end));
    batch.DeleteRange(store_->schemas(), view(schemas_begin), view(schemas_end));
    batch.DeleteRange(store_->side(), side_key(stream, {}), side_key(after, {}));
    batch.Delete(store_->meta(), stream_key(stream));
    batch.Delete(store_->meta(), trim_key(stream));
    batch.Delete(store_->meta(), drop_key(stream));
    TRIBUTARY_TRY_VOID(write(batch, true, "drop " + name_of(stream)));
    {
        const std::lock_guard lock(streams_mutex_);
        total_bytes_ -= streams_.at(stream.value()).sizes.bytes();
        streams_.erase(stream.value());
    }
    return delete_files(stream, after, Sequence());
}

// --- Append -------------------------------------------------------------------------------------

Result<void> RocksLog::check_bounds(StreamId stream) const {
    const std::lock_guard lock(streams_mutex_);
    const auto found = streams_.find(stream.value());
    if (found == streams_.end()) {
        return unknown_stream(stream);
    }
    const std::uint64_t own = found->second.sizes.bytes();
    const std::uint64_t bound = options_.max_bytes_per_pipeline;
    if (bound != 0 && own >= bound) {
        return Error(errors::kLogFull,
                     "pipeline " + found->second.info.pipeline + " holds " + std::to_string(own) +
                         " bytes, its bound is " + std::to_string(bound));
    }
    if (total_bytes_ >= options_.max_bytes) {
        return Error(errors::kLogFull,
                     "the log holds " + std::to_string(total_bytes_) + " bytes, its bound is " +
                         std::to_string(options_.max_bytes));
    }
    return success();
}

Result<void> RocksLog::check_disk(std::uint64_t floor) const {
    TRIBUTARY_TRY(free_bytes, free_disk_bytes(options_.directory));
    observer_->set(Gauge::free_disk_bytes, "", static_cast<std::int64_t>(free_bytes));
    if (free_bytes < floor) {
        return Error(errors::kLogFull,
                     "the disk has " + std::to_string(free_bytes) + " bytes left, " +
                         std::to_string(floor) + " are needed");
    }
    return success();
}

void RocksLog::adjust_ballast() {
    const auto free_bytes = free_disk_bytes(options_.directory);
    if (free_bytes) {
        ballast_->adjust(free_bytes.value(), headroom_bytes() / 2, floor_bytes());
    }
}

Result<void> RocksLog::room_for(StreamId stream) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    TRIBUTARY_TRY_VOID(check_bounds(stream));
    return check_disk(floor_bytes());
}

// The blocks' places in their streams: dense after what is there and after each other.
void RocksLog::assert_continuous(std::span<const BlockPtr> blocks) const {
    const std::lock_guard lock(streams_mutex_);
    std::map<std::uint32_t, Sequence> expected;
    for (const BlockPtr& block : blocks) {
        const auto found = streams_.find(block->stream.value());
        TRIBUTARY_ASSERT(found != streams_.end() && !found->second.info.set_aside);
        const StreamInfo& info = found->second.info;
        const Sequence after =
            info.extent.last.value() == 0 ? info.base.first : next(info.extent.last);
        Sequence& due = expected.try_emplace(block->stream.value(), after).first->second;
        TRIBUTARY_ASSERT(block->first == due && block->last >= block->first);
        due = next(block->last);
    }
}

Result<void> RocksLog::append(std::span<const BlockPtr> blocks) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    if (blocks.empty()) {
        return success();
    }
    assert_continuous(blocks);
    adjust_ballast();
    for (const BlockPtr& block : blocks) {
        TRIBUTARY_TRY_VOID(check_bounds(block->stream));
    }
    batch_->Clear();
    std::vector<std::uint64_t> stored_bytes;
    stored_bytes.reserve(blocks.size());
    for (const BlockPtr& block : blocks) {
        const std::string stored = format::pack_block(*block);
        batch_->Put(store_->blocks(), view(block_key(block->stream, block->first)), stored);
        for (const NewSchema& fresh : block->schemas) {
            batch_->Put(store_->schemas(),
                        view(schema_key(block->stream, fresh.id)),
                        format::pack_schema(*fresh.schema));
        }
        for (const SideWrite& write : block->side) {
            const std::string key = side_key(block->stream, write.key);
            if (write.value) {
                batch_->Put(store_->side(), key, *write.value);
            } else {
                batch_->Delete(store_->side(), key);
            }
        }
        stored_bytes.push_back(stored.size());
    }
    TRIBUTARY_TRY_VOID(check_disk(floor_bytes() + kDiskBytesPerByte * batch_->GetDataSize()));
    const bool sync = options_.durability == Durability::power;
    TRIBUTARY_TRY_VOID(write(*batch_, sync, "append"));
    note_memtable(blocks);
    if (batch_->GetDataSize() > kBatchKeepBytes) {
        batch_ = std::make_unique<rocksdb::WriteBatch>();
    }
    for (std::size_t index = 0; index < blocks.size(); ++index) {
        advance(*blocks[index], stored_bytes[index]);
    }
    observer_->add(Counter::log_appends, "", 1);
    if (sync) {
        tripwire_behind_ = true;
        mark_synced(false);
    }
    return success();
}

// Where the memtable that took these blocks begins, for trim(). A memtable that another thread
// closed in between only makes that a little late.
void RocksLog::note_memtable(std::span<const BlockPtr> blocks) {
    const std::lock_guard lock(streams_mutex_);
    const std::uint64_t sealed = store_->memtables_sealed();
    if (sealed != memtables_sealed_) {
        memtables_sealed_ = sealed;
        for (auto& [id, state] : streams_) {
            state.in_memtable = Sequence();
        }
    }
    for (const BlockPtr& block : blocks) {
        Sequence& begin = streams_.at(block->stream.value()).in_memtable;
        begin = begin.value() == 0 ? block->first : begin;
    }
}

void RocksLog::advance(const Block& block, std::uint64_t stored_bytes) {
    const std::lock_guard lock(streams_mutex_);
    StreamState& state = streams_.at(block.stream.value());
    LogExtent& extent = state.info.extent;
    if (extent.first.value() == 0) {
        extent.first = block.first;
    }
    extent.last = block.last;
    extent.resume = block.resume;
    extent.done = block.done;
    state.sizes.add(block.last, stored_bytes);
    state.info.appended_bytes += stored_bytes;
    total_bytes_ += stored_bytes;
    observer_->add(Counter::log_bytes_appended, state.info.pipeline, stored_bytes);
    observer_->set(
        Gauge::log_bytes, state.info.pipeline, static_cast<std::int64_t>(state.sizes.bytes()));
}

void RocksLog::mark_synced(bool at_once) {
    if (!tripwire_behind_ || (!at_once && now() - tripwire_written_ < options_.tripwire_interval)) {
        return;
    }
    std::vector<TripwireMark> marks;
    {
        const std::lock_guard lock(streams_mutex_);
        for (const auto& [id, state] : streams_) {
            if (!state.info.set_aside && state.info.extent.last.value() > 0) {
                marks.push_back({StreamId(id), state.info.extent.last});
            }
        }
    }
    const auto written = tripwire_->write(id_, marks);
    tripwire_written_ = now();
    tripwire_behind_ = !written;
    if (!written) {
        observer_->error("", written.error());  // the log itself is whole; tried again in a second
    }
}

// --- Read ---------------------------------------------------------------------------------------

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
    if (of_stream(*iterator, stream)) {
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
    if (!of_stream(*iterator, stream)) {
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
        if (!of_stream(*iterator, stream)) {
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

// --- Schemas ------------------------------------------------------------------------------------

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

// --- Side ---------------------------------------------------------------------------------------

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

// --- Trim ---------------------------------------------------------------------------------------

// The first sequence of the block that holds what follows `through`, or of the newest block.
Result<Sequence> RocksLog::keep_boundary(StreamId stream, Sequence through) const {
    const auto iterator = iterate();
    iterator->SeekForPrev(view(block_key(stream, next(through))));
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "trim " + name_of(stream));
    }
    return of_stream(*iterator, stream) ? first_of(to_view(iterator->key())) : Sequence();
}

Result<void> RocksLog::trim(StreamId stream, Sequence through) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    const std::lock_guard trim_lock(trim_mutex_);
    Sequence oldest;
    {
        const std::lock_guard lock(streams_mutex_);
        const auto found = streams_.find(stream.value());
        if (found == streams_.end()) {
            return unknown_stream(stream);
        }
        StreamState& state = found->second;
        through = std::min(through, state.info.extent.last);
        if (state.floor.value() > 0) {
            through = std::min(through, Sequence(state.floor.value() - 1));
        }
        if (through <= state.trimmed) {
            return success();
        }
        state.trimmed = through;
        const std::uint64_t freed = state.sizes.trim(through);
        total_bytes_ -= freed;
        state.unranged += freed;
        observer_->set(
            Gauge::log_bytes, state.info.pipeline, static_cast<std::int64_t>(state.sizes.bytes()));
        if (through < state.info.extent.last && state.unranged < kRangeDeleteBytes) {
            return success();
        }
        oldest = state.info.extent.first;
    }
    TRIBUTARY_TRY(keep_from, keep_boundary(stream, through));
    return keep_from > oldest ? range_delete(stream, oldest, keep_from) : success();
}

// Drops the blocks [from, keep_from). Those still in the memtable get a range tombstone, so that
// they never reach a file. Those in files go with their files when enough has come together: a
// tombstone over them would make the files overlap, and RocksDB would write everything once more
// to merge them. Where the stream begins is kept in `meta`.
Result<void> RocksLog::range_delete(StreamId stream, Sequence from, Sequence keep_from) {
    {
        const std::lock_guard lock(streams_mutex_);
        const Sequence in_memtable = streams_.at(stream.value()).in_memtable;
        from = in_memtable.value() == 0 ? keep_from : std::max(from, in_memtable);
    }
    const BlockKey begin = block_key(stream, from);
    const BlockKey end = block_key(stream, keep_from);
    rocksdb::WriteBatch batch;
    batch.Put(store_->meta(), trim_key(stream), pack_id(keep_from.value()));
    if (from < keep_from) {
        batch.DeleteRange(store_->blocks(), view(begin), view(end));
    }
    TRIBUTARY_TRY_VOID(write(batch, false, "trim " + name_of(stream)));
    {
        const std::lock_guard lock(streams_mutex_);
        StreamState& state = streams_.at(stream.value());
        state.info.extent.first = keep_from;
        state.undeleted += std::exchange(state.unranged, 0);
        if (state.undeleted < kFileDeleteBytes) {
            return success();
        }
        state.undeleted = 0;
    }
    return delete_files(stream, stream, keep_from);
}

// The record of what is given up, where the stream now begins and what is still in the memtable go
// in one write; whole files after it, which a crash only leaves for later.
Result<void> RocksLog::drop(StreamId stream, Sequence before) {
    const std::unique_lock store_lock(store_mutex_);  // readers see all of it or nothing
    TRIBUTARY_TRY_VOID(writable());
    DropRecord record;
    Sequence oldest;
    Sequence newest;
    Sequence floor;
    Sequence in_memtable;
    {
        const std::lock_guard lock(streams_mutex_);
        const auto found = streams_.find(stream.value());
        if (found == streams_.end()) {
            return unknown_stream(stream);
        }
        const StreamInfo& info = found->second.info;
        oldest = info.extent.first;
        newest = info.extent.last;
        floor = found->second.floor;
        in_memtable = found->second.in_memtable;
        // Not what was trimmed, which is in Kafka.
        const Sequence from = std::max(oldest, next(found->second.trimmed));
        record = {from > info.dropped_before ? from : info.dropped_from, before};
        if (newest.value() == 0 || before > next(newest)) {
            return Error(errors::kConfigInvalid,
                         "source " + info.pipeline + ": the log ends at sequence " +
                             std::to_string(newest.value()));
        }
        if (before <= oldest || before <= info.dropped_before) {
            return success();
        }
    }
    Sequence needed = std::min(before, newest);
    if (floor.value() > 0) {
        needed = std::min(needed, floor);
    }
    // The block that holds `needed`, or the oldest when that is kept.
    TRIBUTARY_TRY(boundary, keep_boundary(stream, Sequence(needed.value() - 1)));
    const Sequence keep_from = std::max(boundary, oldest);
    rocksdb::WriteBatch batch;
    batch.Put(store_->meta(), drop_key(stream), pack_drop(record));
    batch.Put(store_->meta(), trim_key(stream), pack_id(keep_from.value()));
    const Sequence from = in_memtable.value() == 0 ? keep_from : std::max(oldest, in_memtable);
    const BlockKey begin = block_key(stream, from);
    const BlockKey end = block_key(stream, keep_from);
    if (from < keep_from) {
        batch.DeleteRange(store_->blocks(), view(begin), view(end));
    }
    TRIBUTARY_TRY_VOID(write(batch, true, "drop from " + name_of(stream)));
    {
        const std::lock_guard lock(streams_mutex_);
        StreamState& state = streams_.at(stream.value());
        state.info.extent.first = keep_from;
        state.info.dropped_from = record.from;
        state.info.dropped_before = record.before;
        state.trimmed = std::max(state.trimmed, Sequence(keep_from.value() - 1));
        total_bytes_ -= state.sizes.trim(Sequence(keep_from.value() - 1));
        state.undeleted = 0;
        observer_->set(
            Gauge::log_bytes, state.info.pipeline, static_cast<std::int64_t>(state.sizes.bytes()));
    }
    return delete_files(stream, stream, keep_from);
}

// Deletes the files that hold nothing but blocks from the start of `stream` up to (end, keep_from).
Result<void> RocksLog::delete_files(StreamId stream, StreamId end, Sequence keep_from) {
    const BlockKey first_key = block_key(stream, Sequence());
    const BlockKey end_key = block_key(end, keep_from);
    const rocksdb::Slice from(first_key.data(), first_key.size());
    const rocksdb::Slice until(end_key.data(), end_key.size());
    const rocksdb::Status status =
        rocksdb::DeleteFilesInRange(&store_->db(), store_->blocks(), &from, &until, false);
    if (!status.ok()) {
        return store_error(status, "delete files of " + name_of(stream));
    }
    return success();
}

// --- Cache and usage ----------------------------------------------------------------------------

Result<std::optional<std::string>> RocksLog::cached(std::string_view pipeline) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(readable());
    std::string value;
    const rocksdb::Status got =
        store_->db().Get(rocksdb::ReadOptions(), store_->meta(), cache_key(pipeline), &value);
    if (got.IsNotFound()) {
        return std::optional<std::string>();
    }
    if (!got.ok()) {
        return store_error(got, "read what is cached for " + std::string(pipeline));
    }
    return std::optional(std::move(value));
}

Result<void> RocksLog::cache(std::string_view pipeline, std::string_view value) {
    const std::shared_lock store_lock(store_mutex_);
    TRIBUTARY_TRY_VOID(writable());
    rocksdb::WriteBatch batch;
    batch.Put(store_->meta(), cache_key(pipeline), value);
    return write(batch, false, "cache for " + std::string(pipeline));
}

Result<LogUsage> RocksLog::usage() {
    TRIBUTARY_TRY(free_bytes, free_disk_bytes(options_.directory));
    const std::lock_guard lock(streams_mutex_);
    return LogUsage{.bytes = total_bytes_, .free_disk_bytes = free_bytes};
}

}  // namespace tributary
