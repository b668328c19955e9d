// RocksLog: how space is given back: trim, drop, and streams that were set aside; see the header.
#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/records.h"
#include "log/rocks_log.h"
#include "log/store.h"
#include "model/errors.h"

namespace tributary {

namespace {

// Trimmed bytes that make one range deletion worth its tombstone, and one deletion of whole files
// worth its manifest write.
constexpr std::uint64_t kRangeDeleteBytes = 256U << 10U;
constexpr std::uint64_t kFileDeleteBytes = 32U << 20U;

}  // namespace

// The first sequence of the block that holds what follows `through`, or of the newest block.
Result<Sequence> RocksLog::keep_boundary(StreamId stream, Sequence through) const {
    const auto iterator = iterate();
    iterator->SeekForPrev(view(block_key(stream, next(through))));
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "trim " + name_of(stream));
    }
    return is_block_of(*iterator, stream) ? first_of(to_view(iterator->key())) : Sequence();
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
            return Error(errors::kArgumentInvalid,
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

}  // namespace tributary
