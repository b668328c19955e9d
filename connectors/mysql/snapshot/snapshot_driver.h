// SnapshotDriver: the snapshots of one source beside its stream: when one begins or goes on, what
// an operator asks for, and what the stream waits for meanwhile. Everything of the server comes by
// ports and facts. Threads: the intake thread. One object per source, over all its connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connectors/mysql/intake/intake.h"
#include "connectors/mysql/options.h"
#include "connectors/mysql/server/server_checks.h"
#include "connectors/mysql/snapshot/chunk_port.h"
#include "connectors/mysql/snapshot/snapshot.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/side.h"
#include "ports/snapshot.h"
#include "ports/source.h"

namespace tributary::mysql {

[[nodiscard]] ChunkRule chunk_rule(ServerKind kind, bool by_gtid);

class SnapshotDriver {
  public:
    // They outlive it.
    struct Surroundings {
        const Options& options;
        ChunkReader& reader;
        const Clock& clock;
        Observer& observer;
    };
    explicit SnapshotDriver(const Surroundings& surroundings) : with_(surroundings) {}

    // Changes that the server no longer has: the error, save where a snapshot is to make them good,
    // which the next open() begins.
    [[nodiscard]] Result<void> miss(const Error& error);
    [[nodiscard]] bool missed() const noexcept { return !missed_.empty(); }

    // What a connection begins with.
    struct Opening {
        const ServerFacts& facts;
        const ResumePoint& from;
        bool fresh = false;  // the pipeline begins there
        // Of a run; asked only where one begins.
        std::function<Result<std::vector<Snapshot::RunTable>>()> tables;
        Place appended_below{};  // as SnapshotOptions
    };
    // Goes on with a snapshot, or begins one where the mode wants it.
    [[nodiscard]] Result<void> open(const Opening& opening, const SideReader& side, Intake& intake);
    void close();

    // Before each poll: what can be done between two transactions.
    [[nodiscard]] Result<void> step(Intake& intake, EntrySink& sink);
    // After each event: appends rows whose place has come; false: they come first.
    [[nodiscard]] Result<bool> on_event(EntrySink& sink);
    // Nothing more is taken from the stream now: rows have to come first, or there is to be no
    // more.
    [[nodiscard]] bool stops_stream() const;
    // A heartbeat would say how far the stream is when nothing else comes.
    [[nodiscard]] bool runs() const noexcept { return runs_; }
    // How long a poll may wait; at most `wait`.
    [[nodiscard]] std::chrono::milliseconds patience(std::chrono::milliseconds wait) const;
    // snapshot.mode initial_only has said all.
    [[nodiscard]] bool complete() const;

    // ports/snapshot.h; ask() and stop() only while ready().
    [[nodiscard]] bool ready(Intake& intake) const;
    [[nodiscard]] Result<void> ask(const core::snapshot::TableName& table,
                                   const std::string& where,
                                   Intake& intake,
                                   EntrySink& sink);
    [[nodiscard]] Result<void> stop(const std::string& table, Intake& intake, EntrySink& sink);
    [[nodiscard]] SnapshotStatus status() const;
    void allow(std::uint64_t rows) noexcept { allowed_rows_ = rows; }

  private:
    [[nodiscard]] Result<bool> lost(const ResumePoint& from, const SideReader& side) const;
    void end(Intake& intake);

    Surroundings with_;
    std::unique_ptr<Snapshot> snapshot_;
    bool begun_ = false;  // by this process
    bool runs_ = false;   // it is told of the stream
    std::uint64_t allowed_rows_ = UINT64_MAX;
    std::string missed_;
};

}  // namespace tributary::mysql
