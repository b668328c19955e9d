// SimDisk: the edge host's disk with the log on it, and SimLog, the EventLog that a process has
// open on it. Blocks, schemas and positions are the real stored bytes (src/format). A write is
// atomic, as a RocksDB batch is; one that was not fsynced may be gone after a power cut, and with
// it all that came later; a process that is only killed leaves everything. Which errors come when
// is RocksLog's: the contract suite holds both to the same port.
// One thread (the agent's fibers).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/event_log.h"
#include "tests/sim/scheduler.h"

namespace tributary::sim {

struct DiskFaults {
    std::uint64_t write_fails = 0;  // in a thousand appends
    std::uint64_t sync_fails = 0;
    bool full = false;
    bool dead = false;  // nothing can be written or opened for now
};

class SimDisk {
  public:
    SimDisk(Scheduler& scheduler, Rng random);

    DiskFaults faults;
    bool remembers = false;  // the platter as it was, for lose_synced()

    void kill_process() {}  // the page cache outlives a process
    void power_cut();
    // What was fsynced is not there after all: the newest `writes` of it.
    void lose_synced(std::size_t writes);
    void replace();      // an empty disk
    void take_backup();  // and
    void restore_backup();
    [[nodiscard]] bool has_backup() const { return backup_.has_value(); }
    // One bit of a stored block. False: there is none.
    bool flip_bit();

    // The greatest resume position that is durable for the live stream, as bytes.
    [[nodiscard]] Position durable_resume() const;
    [[nodiscard]] LogId id() const { return current_.id; }
    // Whether an entry of the transaction that commits at `lsn` or later is in the live log.
    [[nodiscard]] Position newest_done() const;

  private:
    friend class SimLog;
    struct StreamImage {
        std::string pipeline;
        StreamBase base;
        bool set_aside = false;
        std::map<std::uint64_t, std::shared_ptr<const std::string>> blocks;  // stored form
        std::map<std::uint32_t, std::string> schemas;
        std::map<std::string, std::string, std::less<>> side;
        std::uint64_t bytes = 0;
        Sequence last;
        Position resume;
        Position done;
    };
    struct Image {
        LogId id;
        std::map<std::uint32_t, StreamImage> streams;
        std::map<std::string, std::string, std::less<>> cache;
        std::vector<DeadLetter> letters;
        std::map<std::uint32_t, Sequence> tripwire;
        std::uint64_t writes = 0;
    };
    using Write = std::function<void(Image&)>;

    void write(Write change);  // into the page cache
    void sync();
    void settle(std::size_t survive);  // the first so many unsynced writes come true
    [[nodiscard]] LogId new_id();

    Scheduler& scheduler_;
    Rng random_;
    Image current_;  // as a process sees it
    Image synced_;   // as it is on the platter
    std::vector<Write> unsynced_;
    std::deque<Image> before_;  // the platter before the newest syncs
    std::optional<Image> backup_;
};

class SimLog final : public EventLog {
  public:
    // kLogIo, kLogRolledBack, kEntryCorrupt.
    [[nodiscard]] static Result<std::unique_ptr<SimLog>> open(SimDisk& disk);
    void close();  // a clean end

    [[nodiscard]] LogId id() const override { return id_; }
    [[nodiscard]] Result<std::optional<StreamInfo>> find_stream(std::string_view pipeline) override;
    [[nodiscard]] Result<StreamInfo> create_stream(std::string_view pipeline,
                                                   const StreamBase& base) override;
    [[nodiscard]] Result<std::vector<StreamInfo>> streams() override;
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
    [[nodiscard]] Result<std::optional<std::string>> cached(std::string_view pipeline) override;
    [[nodiscard]] Result<void> cache(std::string_view pipeline, std::string_view value) override;
    [[nodiscard]] Result<std::uint64_t> put_dead_letter(const DeadLetter& letter) override;
    [[nodiscard]] Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                               std::size_t limit) override;
    [[nodiscard]] Result<void> mark_replayed(std::uint64_t id) override;
    [[nodiscard]] Result<void> drop(StreamId stream, Sequence before) override;
    [[nodiscard]] Result<LogUsage> usage() override;

  private:
    explicit SimLog(SimDisk& disk) : disk_(disk) {}
    [[nodiscard]] Result<void> load();
    [[nodiscard]] Result<void> check_durable(
        const std::map<std::uint32_t, Sequence>& durable) const;
    [[nodiscard]] Result<void> write(SimDisk::Write change);
    [[nodiscard]] Result<void> writable() const;
    void mark_synced(bool at_once);
    [[nodiscard]] StreamInfo info_of(std::uint32_t id, const SimDisk::StreamImage& image) const;
    [[nodiscard]] Result<SimDisk::StreamImage*> find(StreamId stream);

    SimDisk& disk_;
    LogId id_;
    bool failed_ = false;
    bool open_ = false;
    std::int64_t tripwire_us_ = 0;
};

}  // namespace tributary::sim
