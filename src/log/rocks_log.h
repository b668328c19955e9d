// RocksLog: the EventLog of the agent, over RocksDB (DESIGN 4; bytes on disk: docs/log-format.md).
//
// Beyond the port: opening read-only for the command's verbs, floors for trim, removal of streams
// that were set aside, verification.
//
// What an extent says: `first` is of the oldest block kept and trim always keeps the newest block,
// so extents are a function of the blocks alone and `last`, `resume` and `done` survive a trim of
// everything.
//
// Threads: as in the port. Any call may run beside any other; reopen() waits for those under way.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "log/files.h"
#include "log/log_options.h"
#include "log/size_index.h"
#include "log/tripwire.h"
#include "ports/event_log.h"
#include "ports/observer.h"

namespace rocksdb {
class Iterator;
class WriteBatch;
}  // namespace rocksdb

namespace tributary {

class Store;

// What verify() found in one stream.
struct LogVerification {
    std::uint64_t blocks = 0;
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;    // as stored
    std::vector<Error> damage;  // at most kDamageMax
};
inline constexpr std::size_t kDamageMax = 100;

class RocksLog final : public EventLog {
  public:
    // Opens the log in options.directory, or makes one. `observer` (may be null) outlives the log.
    //   kStateDirUnusable  the directory cannot be made or written
    //   kStateDirLocked    another process has it
    //   kLogTooNew         a later agent wrote it
    //   kLogForeignHost    it was made on another host
    //   kLogRolledBack     it ends before what was once fsynced
    //   kLogCorrupt        damage that is not a torn tail
    //   kLogIo             anything else
    [[nodiscard]] static Result<std::unique_ptr<RocksLog>> open(const LogOptions& options,
                                                                Observer* observer);
    // Reads a log that no agent runs on, without lock, host and tripwire checks; whatever would
    // write fails with kLogIo. kStateDirUnusable when there is no log.
    [[nodiscard]] static Result<std::unique_ptr<RocksLog>> open_read_only(const LogOptions& options,
                                                                          Observer* observer);
    RocksLog(const RocksLog&) = delete;
    RocksLog& operator=(const RocksLog&) = delete;
    ~RocksLog() override;  // syncs what `process` durability left, writes the tripwire

    [[nodiscard]] LogId id() const override;
    [[nodiscard]] Result<std::optional<StreamInfo>> find_stream(std::string_view pipeline) override;
    [[nodiscard]] Result<StreamInfo> create_stream(std::string_view pipeline,
                                                   const StreamBase& base) override;
    [[nodiscard]] Result<std::vector<StreamInfo>> streams() override;
    // Bounds are checked before anything is written and are soft by one call: a log at its bound
    // takes nothing, one below it takes the whole call.
    [[nodiscard]] Result<void> append(std::span<const BlockPtr> blocks) override;
    [[nodiscard]] Result<void> reopen() override;
    [[nodiscard]] Result<BlockPtr> read(StreamId stream, Sequence at) override;
    [[nodiscard]] Result<std::shared_ptr<const TableSchema>> schema(StreamId stream,
                                                                    SchemaId id) override;
    [[nodiscard]] Result<std::vector<NewSchema>> schemas(StreamId stream) override;
    [[nodiscard]] Result<std::optional<std::string>> side(StreamId stream,
                                                          std::string_view key) override;
    [[nodiscard]] Result<std::vector<SideEntry>> scan_side(StreamId stream,
                                                           std::string_view prefix,
                                                           std::string_view after,
                                                           std::size_t limit) override;
    [[nodiscard]] Result<void> trim(StreamId stream, Sequence through) override;
    [[nodiscard]] Result<void> drop(StreamId stream, Sequence before) override;
    [[nodiscard]] Result<std::optional<std::string>> cached(std::string_view pipeline) override;
    [[nodiscard]] Result<void> cache(std::string_view pipeline, std::string_view value) override;
    [[nodiscard]] Result<std::uint64_t> put_dead_letter(const DeadLetter& letter) override;
    // An empty pipeline: those of all. Oldest first.
    [[nodiscard]] Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                               std::size_t limit) override;
    [[nodiscard]] Result<void> mark_replayed(std::uint64_t id) override;
    [[nodiscard]] Result<LogUsage> usage() override;

    // From now on trim() keeps entries from `keep_from` on; Sequence(0) lifts the floor. Not kept
    // across a restart: the step that declares it does so again.
    void set_floor(StreamId stream, Sequence keep_from);

    // Whether append() would take a block of `stream` now. kLogFull says which bound is reached.
    [[nodiscard]] Result<void> room_for(StreamId stream);

    // Removes a stream that was set aside, with its schemas. Asserts that it was.
    [[nodiscard]] Result<void> drop_set_aside(StreamId stream);

    // Reads every block of the stream and checks every checksum and that sequences are dense.
    [[nodiscard]] Result<LogVerification> verify(StreamId stream);

  private:
    struct StreamState {
        StreamInfo info;
        Sequence trimmed;             // no longer needed up to here
        Sequence floor;               // trim keeps from here on; 0: none
        SizeIndex sizes{0};           // of what is still needed
        Sequence in_memtable;         // the open memtable's blocks begin here; 0: it has none
        std::uint64_t undeleted = 0;  // bytes trimmed since their files were last deleted
        std::uint64_t unranged = 0;   // bytes trimmed since the last range deletion
    };

    RocksLog(const LogOptions& options, Observer* observer, bool read_only);

    // Opening and reopening; the caller holds store_mutex_ alone.
    [[nodiscard]] Result<void> prepare_directory();
    [[nodiscard]] Result<void> open_store();
    [[nodiscard]] Result<void> load_identity();
    [[nodiscard]] Result<void> load_streams();
    [[nodiscard]] Result<Sequence> load_trimmed(StreamId stream) const;
    [[nodiscard]] Result<void> load_extent(StreamState& state) const;
    [[nodiscard]] Result<void> load_dropped(StreamInfo& info) const;
    void load_sizes(StreamState& state) const;
    [[nodiscard]] SizeIndex new_size_index() const;
    [[nodiscard]] Result<void> load_letters();
    [[nodiscard]] Result<void> check_tripwire() const;
    [[nodiscard]] Result<void> check_durable(
        const std::map<std::uint32_t, Sequence>& durable) const;

    // The caller holds store_mutex_ shared or alone.
    [[nodiscard]] Result<void> readable() const;
    [[nodiscard]] Result<void> writable() const;
    [[nodiscard]] Result<void> check_disk(std::uint64_t floor) const;
    [[nodiscard]] Result<void> check_bounds(StreamId stream) const;
    [[nodiscard]] Sequence first_kept(StreamId stream) const;
    [[nodiscard]] Result<Sequence> keep_boundary(StreamId stream, Sequence through) const;
    [[nodiscard]] Result<void> write(rocksdb::WriteBatch& batch, bool sync, std::string_view what);
    [[nodiscard]] Result<void> range_delete(StreamId stream, Sequence from, Sequence keep_from);
    [[nodiscard]] Result<void> delete_files(StreamId stream, StreamId end, Sequence keep_from);
    [[nodiscard]] Result<BlockPtr> read_around(StreamId stream, Sequence at) const;
    [[nodiscard]] Result<std::uint64_t> verify_block(StreamId stream,
                                                     Sequence first,
                                                     std::string_view stored) const;
    [[nodiscard]] Result<std::optional<DeadLetter>> find_letter(std::uint64_t id) const;
    void assert_continuous(std::span<const BlockPtr> blocks) const;
    void note_memtable(std::span<const BlockPtr> blocks);
    void advance(const Block& block, std::uint64_t stored_bytes);
    void mark_synced(bool at_once);
    [[nodiscard]] std::uint64_t headroom_bytes() const;
    [[nodiscard]] std::uint64_t floor_bytes() const;
    void adjust_ballast();
    [[nodiscard]] SteadyTime now() const;
    [[nodiscard]] std::unique_ptr<rocksdb::Iterator> iterate() const;

    const LogOptions options_;
    const std::unique_ptr<Observer> quiet_;  // used when none was given
    Observer* const observer_;
    const bool read_only_;
    UniqueFd lock_;
    std::optional<Ballast> ballast_;    // log writer thread
    std::optional<Tripwire> tripwire_;  // log writer thread
    SteadyTime tripwire_written_;
    bool tripwire_behind_ = false;
    LogId id_;

    std::shared_mutex store_mutex_;    // alone: the store is being replaced
    std::unique_ptr<Store> store_;     // null after a reopen() that failed
    std::atomic<bool> failed_{false};  // a write failed: nothing is written until reopen()
    std::unique_ptr<rocksdb::WriteBatch> batch_;  // append()'s, kept for its memory

    std::mutex trim_mutex_;             // one trim at a time; taken before streams_mutex_
    mutable std::mutex streams_mutex_;  // guards what follows; never held over I/O of RocksDB's
    std::map<std::uint32_t, StreamState> streams_;
    std::uint64_t memtables_sealed_ = 0;  // of the store, when in_memtable was set last
    std::uint64_t total_bytes_ = 0;
    std::mutex letters_mutex_;       // one dead-letter write at a time
    std::uint64_t next_letter_ = 1;  // by letters_mutex_
};

}  // namespace tributary
