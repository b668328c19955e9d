// RocksLog: streams, append and the small things; see the header. Beside it: rocks_log_open.cc
// (opening and recovery), rocks_log_read.cc, rocks_log_trim.cc, rocks_log_letters.cc.
#include "log/rocks_log.h"

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

// A batch that grew beyond this (one huge entry) gives its memory back.
constexpr std::size_t kBatchKeepBytes = 4U << 20U;
// What a write takes on disk at worst before the WAL is dropped: the WAL and the flushed table.
constexpr std::uint64_t kDiskBytesPerByte = 2;

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

// --- Streams
// ----------------------------------------------------------------------------------------

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

// --- Append
// -----------------------------------------------------------------------------------------

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

// --- Cache and usage
// --------------------------------------------------------------------------------

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
