// SnapshotDriver: the snapshots of one source beside its stream: when one begins or goes on, what
// an operator asks for, and what the stream waits for meanwhile. Everything of the server comes by
// ports and facts. Threads: the intake thread. One object per source, over all its connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/postgresql/intake/intake.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/server_checks.h"
#include "connectors/postgresql/snapshot/chunk_port.h"
#include "connectors/postgresql/snapshot/snapshot.h"
#include "model/table_filter.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/side.h"
#include "ports/snapshot.h"
#include "ports/source.h"

namespace tributary::postgresql {

class SnapshotDriver {
  public:
    // They outlive it.
    struct Surroundings {
        const Options& options;
        ChunkReader& reader;
        CatalogueReader& catalogue;
        const Clock& clock;
        Observer& observer;
    };
    explicit SnapshotDriver(const Surroundings& surroundings) : with_(surroundings) {}

    // What a connection begins with.
    struct Opening {
        const ServerFacts& facts;
        const TableFilter& filter;
        const StartPoint& start;
        const std::string& missed;  // changes that the server no longer has; empty: none
    };
    using Begin = std::optional<std::vector<RunTable>>;
    // The tables of the snapshot that begins now; nothing where none does. It is asked before a
    // slot is made, which would hold WAL for nobody. kSourceRights: one of them cannot be read.
    [[nodiscard]] Result<Begin> tables_to_begin(const Opening& opening,
                                                const SideReader& side) const;
    // Goes on with a snapshot, or begins the one of `begin`. `intake` is made anew where the
    // pipeline begins at the slot's own position, `slot_at`.
    [[nodiscard]] Result<void> open(const Opening& opening,
                                    Begin begin,
                                    std::optional<Lsn> slot_at,
                                    const SideReader& side,
                                    std::unique_ptr<Intake>& intake);

    // Before each poll: what can be done between two transactions.
    [[nodiscard]] Result<void> step(Intake& intake, EntrySink& sink);
    // After each message: appends rows whose place has come.
    [[nodiscard]] Result<void> on_message(Intake& intake, EntrySink& sink);
    // Nothing more is taken from the stream now: rows have to come first, or there is to be no
    // more.
    [[nodiscard]] bool stops_stream() const;
    // A keepalive would say how far the stream is when nothing else comes.
    [[nodiscard]] bool waits_for_word(const Intake& intake) const;
    // How long a poll may wait; at most `wait`.
    [[nodiscard]] std::chrono::milliseconds patience(const Intake& intake,
                                                     std::chrono::milliseconds wait) const;
    // snapshot.mode initial_only has said all.
    [[nodiscard]] bool complete() const;

    // ports/snapshot.h; ask() and stop() only while ready().
    [[nodiscard]] bool ready(const Intake& intake) const;
    [[nodiscard]] Result<void> ask(const SnapshotChoice& table,
                                   const std::string& where,
                                   Intake& intake,
                                   EntrySink& sink);
    [[nodiscard]] Result<void> stop(const std::string& table, Intake& intake, EntrySink& sink);
    [[nodiscard]] SnapshotStatus status() const;
    void allow(std::uint64_t rows) noexcept { allowed_rows_ = rows; }

  private:
    [[nodiscard]] Result<bool> lost(const StartPoint& start, const SideReader& side) const;
    void tell_of_missed(const std::string& missed) const;
    Result<void> watch(Intake& intake);
    void end(Intake& intake);

    Surroundings with_;
    std::unique_ptr<Snapshot> snapshot_;
    bool begun_ = false;  // by this process
    bool runs_ = false;   // it is told of the stream
    std::uint64_t allowed_rows_ = UINT64_MAX;
};

}  // namespace tributary::postgresql
