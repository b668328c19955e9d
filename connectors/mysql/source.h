// MysqlSource: a MySQL or MariaDB server as a Source. Two connections: the binlog dump, and an
// ordinary one for checks and catalogue, made when it is needed; one more while a snapshot runs.
// Nothing is confirmed to the server: it keeps its binlog by its own rules, and positions are ours.
// Threads: ports/source.h. identity() shares a mutex with open(); the rest is the intake thread's.
// Spec: DESIGN 5 "MySQL and MariaDB".
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/interrupter.h"
#include "base/recurrence.h"
#include "connectors/mysql/intake/dump_reader.h"
#include "connectors/mysql/intake/intake.h"
#include "connectors/mysql/options.h"
#include "connectors/mysql/server/catalogue.h"
#include "connectors/mysql/server/server_checks.h"
#include "connectors/mysql/server/sql.h"
#include "connectors/mysql/server/wire.h"
#include "connectors/mysql/snapshot/chunk_reader.h"
#include "connectors/mysql/snapshot/snapshot_driver.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/snapshot.h"
#include "ports/source.h"

namespace tributary::mysql {

class MysqlSource final : public Source, private Snapshots, private DumpConnection {
  public:
    MysqlSource(Options options, const Clock& clock, Observer& observer);

    [[nodiscard]] Result<void> open(const StartPoint& start, const SideReader& side) override;
    [[nodiscard]] Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> idle(std::chrono::milliseconds wait) override;
    void confirm(const Position& position) override;
    [[nodiscard]] Result<std::optional<Pressure>> pressure() override;
    void close(std::chrono::milliseconds budget) override;
    [[nodiscard]] Verdict reconcile(const LogExtent& log,
                                    const Checkpoint& checkpoint) const override;
    [[nodiscard]] std::unique_ptr<Decoder> make_decoder() const override;
    [[nodiscard]] std::string identity() const override;
    [[nodiscard]] std::string describe(const Position& position) const override;
    void interrupt() override { interrupter_.interrupt(); }
    [[nodiscard]] Snapshots* snapshots() override { return this; }
    [[nodiscard]] bool complete() const override { return driver_.complete(); }

  private:
    // What lives as long as a dump connection.
    struct Stream {
        Stream(Wire wire_in, const EventLimits& limits, Place start)
            : wire(std::move(wire_in)), reader(limits, std::move(start)) {}
        Wire wire;
        DumpReader reader;
        // Joined messages: the client library may hold some; one was read in this poll.
        bool held = true;
        bool asked = false;
    };

    Result<void> connect(const StartPoint& start, const SideReader& side);
    Result<ResumePoint> starting_point(const StartPoint& start, ServerFacts& facts);
    Result<void> await_executed(ServerFacts& facts,
                                const ResumePoint& resume,
                                const Position& done);
    Result<void> open_snapshots(const ServerFacts& facts,
                                const ResumePoint& from,
                                const SideReader& side);
    Result<std::vector<Snapshot::RunTable>> tables_of_run(const ServerFacts& facts);

    [[nodiscard]] Result<bool> start(const SnapshotRequest& request, EntrySink& sink) override;
    [[nodiscard]] Result<bool> stop(const std::string& table, EntrySink& sink) override;
    [[nodiscard]] SnapshotStatus status() const override { return driver_.status(); }
    void allow(std::uint64_t rows) override { driver_.allow(rows); }

    Result<void> start_stream(const ResumePoint& from);
    Result<void> compare_nothing(const Error& said);
    Result<SqlSession*> sql();
    Result<void> drain(EntrySink& sink);
    Error weigh(const Error& error);
    Result<void> notice_reset();
    [[nodiscard]] Result<std::size_t> read_more() override;
    [[nodiscard]] Result<bool> goes_on(EntrySink& sink) override;
    [[nodiscard]] Error not_connected() const;

    Options options_;
    const Clock& clock_;
    Observer& observer_;
    Interrupter interrupter_;
    SqlCatalogue catalogue_;
    SqlChunkReader chunks_;
    SnapshotDriver driver_;

    std::optional<SqlSession> sql_;
    std::string server_;  // server_name_of() the one that was looked at; the dump is of the same
    SteadyTime sql_used_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<Intake> intake_;
    std::vector<char> buffer_;
    bool fresh_ = false;  // where it starts is not appended yet
    bool more_ = false;   // the last poll() left events in the buffer, or in the client library
    SteadyTime heard_;    // the last byte of the server
    SteadyTime asked_;    // where its log ends
    Recurrence clashes_;  // another reader took the stream

    mutable std::mutex mutex_;
    std::string identity_;  // guarded
};

}  // namespace tributary::mysql
