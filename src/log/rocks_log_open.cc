// RocksLog: opening, recovery and closing; see the header. Opening trusts nothing but what it
// reads: extents come from the blocks themselves.
#include <rocksdb/write_batch.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <utility>

#include "format/block.h"
#include "log/records.h"
#include "log/rocks_log.h"
#include "log/store.h"
#include "model/errors.h"
#include "ports/quiet_observer.h"

namespace tributary {

namespace {

constexpr const char* kFormatFile = "format";
constexpr const char* kLockFile = "lock";
constexpr const char* kTripwireFile = "tripwire";
constexpr const char* kBallastFile = "ballast";
constexpr const char* kDatabase = "rocksdb";
// A stream's size is asked of RocksDB in this many parts when the log is opened.
constexpr std::uint64_t kSizeSlices = 64;

[[nodiscard]] Result<LogId> random_log_id() {
    LogId id;
    if (::getrandom(id.bytes.data(), id.bytes.size(), 0) != static_cast<ssize_t>(id.bytes.size())) {
        return file_error("getrandom for", "a new log id");
    }
    return id;
}

[[nodiscard]] Error rolled_back(StreamId stream, Sequence found, Sequence synced) {
    return {errors::kLogRolledBack,
            "stream " + std::to_string(stream.value()) + " ends at sequence " +
                std::to_string(found.value()) + ", but " + std::to_string(synced.value()) +
                " was once on disk"};
}

}  // namespace

RocksLog::RocksLog(const LogOptions& options, Observer* observer, bool read_only)
    : options_(options),
      quiet_(observer != nullptr ? nullptr : std::make_unique<QuietObserver>()),
      observer_(observer != nullptr ? observer : quiet_.get()),
      read_only_(read_only),
      batch_(std::make_unique<rocksdb::WriteBatch>()) {}

RocksLog::~RocksLog() {
    if (!store_ || read_only_ || failed_) {
        return;
    }
    if (store_->db().FlushWAL(true).ok()) {
        tripwire_behind_ = true;
        mark_synced(true);
    }
}

Result<std::unique_ptr<RocksLog>> RocksLog::open(const LogOptions& options, Observer* observer) {
    std::unique_ptr<RocksLog> log(new RocksLog(options, observer, false));
    TRIBUTARY_TRY_VOID(log->prepare_directory());
    TRIBUTARY_TRY_VOID(log->open_store());
    TRIBUTARY_TRY_VOID(log->check_tripwire());
    log->tripwire_behind_ = true;
    log->mark_synced(true);
    log->adjust_ballast();
    return log;
}

Result<std::unique_ptr<RocksLog>> RocksLog::open_read_only(const LogOptions& options,
                                                           Observer* observer) {
    std::unique_ptr<RocksLog> log(new RocksLog(options, observer, true));
    TRIBUTARY_TRY(exists, check_format_file(options.directory / kFormatFile));
    if (!exists) {
        return Error(errors::kStateDirUnusable, "there is no log in " + options.directory.string());
    }
    TRIBUTARY_TRY_VOID(log->open_store());
    return log;
}

// Everything before the database: directory, lock, format, tripwire, ballast.
Result<void> RocksLog::prepare_directory() {
    const auto& directory = options_.directory;
    TRIBUTARY_TRY_VOID(make_directory(directory));
    TRIBUTARY_TRY(lock, lock_file(directory / kLockFile));
    lock_ = std::move(lock);
    TRIBUTARY_TRY(has_format, check_format_file(directory / kFormatFile));
    std::error_code ignored;
    const bool has_database = std::filesystem::exists(directory / kDatabase / "CURRENT", ignored);
    if (!has_format && has_database) {
        return Error(errors::kLogCorrupt,
                     directory.string() + " has a database but no format file");
    }
    TRIBUTARY_TRY(tripwire, Tripwire::open(directory / kTripwireFile, false));
    tripwire_.emplace(std::move(tripwire));
    if (!has_database && tripwire_->state() && !tripwire_->state()->marks.empty()) {
        const TripwireMark& mark = tripwire_->state()->marks.front();
        return rolled_back(mark.stream, Sequence(), mark.last);
    }
    if (!has_format) {
        TRIBUTARY_TRY_VOID(write_format_file(directory / kFormatFile));
    }
    // RocksDB calls it an error when it has to make the directory itself.
    TRIBUTARY_TRY_VOID(make_directory(directory / kDatabase));
    ballast_.emplace(directory / kBallastFile, options_.ballast_bytes, observer_);
    adjust_ballast();
    return success();
}

Result<void> RocksLog::open_store() {
    const std::filesystem::path database = options_.directory / kDatabase;
    std::error_code ignored;
    const bool exists = std::filesystem::exists(database / "CURRENT", ignored);
    const Store::Mode mode = read_only_ ? Store::Mode::read_only
                             : exists   ? Store::Mode::existing
                                        : Store::Mode::create;
    TRIBUTARY_TRY(store, Store::open(database, options_, mode, observer_));
    store_ = std::move(store);
    auto loaded = load_identity();
    if (loaded) {
        loaded = load_streams();
    }
    if (loaded) {
        loaded = load_letters();
    }
    if (!loaded) {
        store_.reset();
    }
    return loaded;
}

Result<void> RocksLog::load_identity() {
    const std::uint64_t host = host_hash(options_.machine_id_file);
    std::string stored;
    const rocksdb::Status got =
        store_->db().Get(rocksdb::ReadOptions(), store_->meta(), kIdentityKey, &stored);
    if (got.ok()) {
        TRIBUTARY_TRY(identity, unpack_identity(stored));
        if (!read_only_ && host != 0 && identity.host != 0 && identity.host != host) {
            return Error(errors::kLogForeignHost,
                         "log " + to_string(identity.id) + " in " + options_.directory.string() +
                             " was made on another host");
        }
        id_ = identity.id;
        return success();
    }
    if (!got.IsNotFound() || read_only_) {
        return store_error(got, "read the log's identity");
    }
    TRIBUTARY_TRY(id, random_log_id());
    rocksdb::WriteBatch batch;
    batch.Put(store_->meta(), kIdentityKey, pack_identity({id, host}));
    TRIBUTARY_TRY_VOID(write(batch, true, "write the log's identity"));
    id_ = id;
    return success();
}

Result<void> RocksLog::load_streams() {
    std::map<std::uint32_t, StreamState> streams;
    std::uint64_t total = 0;
    const std::unique_ptr<rocksdb::Iterator> iterator(
        store_->db().NewIterator(rocksdb::ReadOptions(), store_->meta()));
    const std::string prefix(1, kStreamPrefix);
    for (iterator->Seek(prefix); iterator->Valid() && iterator->key().starts_with(prefix);
         iterator->Next()) {
        TRIBUTARY_TRY(record, unpack_stream(to_view(iterator->value())));
        const StreamId id = stream_of(to_view(iterator->key()));
        StreamState state;
        state.info = {.id = id,
                      .pipeline = std::move(record.pipeline),
                      .base = record.base,
                      .extent = {},
                      .bytes = 0,
                      .appended_bytes = 0,
                      .set_aside = record.set_aside,
                      .dropped_from = {},
                      .dropped_before = {}};
        TRIBUTARY_TRY_VOID(load_extent(state));
        TRIBUTARY_TRY_VOID(load_dropped(state.info));
        load_sizes(state);
        total += state.sizes.bytes();
        streams.emplace(id.value(), std::move(state));
    }
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "list the streams");
    }
    const std::lock_guard lock(streams_mutex_);
    for (auto& [id, state] : streams) {
        const auto known = streams_.find(id);
        state.floor = known != streams_.end() ? known->second.floor : Sequence();
    }
    streams_ = std::move(streams);
    total_bytes_ = total;
    return success();
}

// Where trim() left the stream's beginning; 0: it never dropped anything.
Result<Sequence> RocksLog::load_trimmed(StreamId stream) const {
    std::string stored;
    const rocksdb::Status got =
        store_->db().Get(rocksdb::ReadOptions(), store_->meta(), trim_key(stream), &stored);
    if (got.IsNotFound()) {
        return Sequence();
    }
    if (!got.ok()) {
        return store_error(got, "read where stream " + std::to_string(stream.value()) + " begins");
    }
    TRIBUTARY_TRY(first, unpack_id(stored));
    return Sequence(first);
}

Result<void> RocksLog::load_dropped(StreamInfo& info) const {
    std::string stored;
    const rocksdb::Status got =
        store_->db().Get(rocksdb::ReadOptions(), store_->meta(), drop_key(info.id), &stored);
    if (got.IsNotFound()) {
        return success();
    }
    if (!got.ok()) {
        return store_error(got, "read what was dropped of " + info.pipeline);
    }
    TRIBUTARY_TRY(record, unpack_drop(stored));
    info.dropped_from = record.from;
    info.dropped_before = record.before;
    return success();
}

// The oldest block that was not trimmed and the newest block say where the stream begins and ends.
Result<void> RocksLog::load_extent(StreamState& state) const {
    const StreamId stream = state.info.id;
    LogExtent& extent = state.info.extent;
    extent.log_id = id_;
    const BlockKey begin = block_key(stream, Sequence());
    const rocksdb::Slice prefix(begin.data(), sizeof(std::uint32_t));
    const auto iterator = iterate();
    iterator->SeekForPrev(view(block_key(stream, Sequence(~0ULL))));
    if (!iterator->status().ok()) {
        return store_error(iterator->status(), "read the newest block");
    }
    if (!iterator->Valid() || !iterator->key().starts_with(prefix)) {
        return success();
    }
    TRIBUTARY_TRY(newest,
                  format::unpack_block(
                      stream, first_of(to_view(iterator->key())), to_view(iterator->value())));
    TRIBUTARY_TRY(kept_from, load_trimmed(stream));
    iterator->Seek(view(block_key(stream, kept_from)));
    if (!iterator->status().ok() || !iterator->Valid()) {
        return store_error(iterator->status(), "read the oldest block");
    }
    extent.first = first_of(to_view(iterator->key()));
    extent.last = newest->last;
    extent.resume = newest->resume;
    extent.done = newest->done;
    return success();
}

void RocksLog::load_sizes(StreamState& state) const {
    state.sizes = new_size_index();
    const std::uint64_t first = state.info.extent.first.value();
    const std::uint64_t last = state.info.extent.last.value();
    if (last == 0) {
        return;
    }
    const std::uint64_t step = (last - first) / kSizeSlices + 1;
    for (std::uint64_t at = first; at <= last; at += step) {
        const std::uint64_t end = std::min(at + step, last + 1);
        const BlockKey begin_key = block_key(state.info.id, Sequence(at));
        const BlockKey end_key = block_key(state.info.id, Sequence(end));
        const rocksdb::Range range(view(begin_key), view(end_key));
        rocksdb::SizeApproximationOptions both;
        both.include_memtables = true;
        std::uint64_t bytes = 0;
        if (store_->db().GetApproximateSizes(both, store_->blocks(), &range, 1, &bytes).ok()) {
            state.sizes.add(Sequence(end - 1), bytes);
        }
    }
}

Result<void> RocksLog::check_tripwire() const {
    if (!tripwire_->state()) {
        return success();
    }
    const TripwireState& state = *tripwire_->state();
    if (state.log_id != id_) {
        return Error(errors::kLogRolledBack,
                     "the tripwire belongs to log " + to_string(state.log_id) +
                         ", the database is log " + to_string(id_));
    }
    std::map<std::uint32_t, Sequence> synced;
    for (const TripwireMark& mark : state.marks) {
        synced.emplace(mark.stream.value(), mark.last);
    }
    return check_durable(synced);
}

Result<void> RocksLog::check_durable(const std::map<std::uint32_t, Sequence>& durable) const {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& [id, synced] : durable) {
        const auto found = streams_.find(id);
        const Sequence last = found != streams_.end() ? found->second.info.extent.last : Sequence();
        if (last < synced) {
            return rolled_back(StreamId(id), last, synced);
        }
    }
    return success();
}

Result<void> RocksLog::reopen() {
    const std::unique_lock store_lock(store_mutex_);
    if (read_only_) {
        return Error(errors::kLogIo, "the log was opened for reading only");
    }
    std::map<std::uint32_t, Sequence> acknowledged;
    {
        const std::lock_guard lock(streams_mutex_);
        for (const auto& [id, state] : streams_) {
            acknowledged.emplace(id, state.info.extent.last);
        }
    }
    store_.reset();
    adjust_ballast();
    TRIBUTARY_TRY_VOID(open_store());
    if (auto whole = check_durable(acknowledged); !whole) {
        store_.reset();
        return whole;
    }
    failed_ = false;
    observer_->add(Counter::log_reopens, "", 1);
    return success();
}

}  // namespace tributary
