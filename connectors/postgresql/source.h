// PostgresqlSource: a PostgreSQL database as a Source. Two connections: the replication stream, and
// an ordinary one for catalogue, checks and pressure, whose death also tells that the server shuts
// down. Threads: ports/source.h. identity() and reconcile() share one mutex with open(); the rest
// is the intake thread's. Spec: DESIGN 3 "Confirming to the source", 5 "PostgreSQL".
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "connectors/postgresql/intake/intake.h"
#include "connectors/postgresql/intake/uncarried_key.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/catalogue.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/server/server_checks.h"
#include "connectors/postgresql/snapshot/chunk_reader.h"
#include "connectors/postgresql/snapshot/snapshot_driver.h"
#include "connectors/postgresql/stream/confirm.h"
#include "connectors/postgresql/stream/pace.h"
#include "connectors/postgresql/stream/replication_stream.h"
#include "connectors/postgresql/stream/shutdown_watch.h"
#include "model/table_filter.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/snapshot.h"
#include "ports/source.h"

namespace tributary::postgresql {

class PostgresqlSource final : public Source, private Snapshots {
  public:
    PostgresqlSource(Options options, const Clock& clock, Observer& observer);

    [[nodiscard]] Result<void> open(const StartPoint& start, const SideReader& side) override;
    [[nodiscard]] Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> idle(std::chrono::milliseconds wait) override;
    void confirm(const Position& position) override;
    [[nodiscard]] bool notices_gaps() const override { return true; }
    [[nodiscard]] Result<std::optional<Pressure>> pressure() override;
    void close(std::chrono::milliseconds budget) override;
    [[nodiscard]] Verdict reconcile(const LogExtent& log,
                                    const Checkpoint& checkpoint) const override;
    [[nodiscard]] std::unique_ptr<Decoder> make_decoder() const override;
    [[nodiscard]] std::string identity() const override;
    [[nodiscard]] std::string describe(const Position& position) const override;
    void interrupt() override { interrupter_.interrupt(); }
    [[nodiscard]] Snapshots* snapshots() override { return this; }
    [[nodiscard]] bool complete() const override { return snapshots_.complete(); }

  private:
    Result<void> connect(const StartPoint& start, const SideReader& side);
    Result<Session*> sql();
    Result<Session> replication();
    Result<void> check_server(ServerFacts& facts,
                              const TableFilter& filter,
                              const StartPoint& start);
    Result<void> check_history(Session& session, const StartPoint& start, const SideReader& side);
    Result<void> create_publication(ServerFacts& facts, const TableFilter& filter);
    Result<Lsn> create_slot(Session& session);
    Result<void> step_snapshots(EntrySink& sink, std::chrono::milliseconds& wait);
    Result<void> miss(const Error& error, ServerFacts& facts);

    [[nodiscard]] Result<bool> start(const SnapshotRequest& request, EntrySink& sink) override;
    [[nodiscard]] Result<bool> stop(const std::string& table, EntrySink& sink) override;
    [[nodiscard]] SnapshotStatus status() const override { return snapshots_.status(); }
    void allow(std::uint64_t rows) override { snapshots_.allow(rows); }

    struct Drained {
        std::size_t bytes = 0;
        bool more = false;  // complete messages may be left in the buffer
    };
    Result<Drained> drain(EntrySink& sink);
    void tell_of_uncarried_keys();
    Result<void> take(const StreamMessage& message, std::int64_t now_us, EntrySink& sink);
    Result<void> tend(SteadyTime now);
    Result<void> send_status(SteadyTime now);
    Result<void> watch_shutdown(SteadyTime now);
    [[nodiscard]] bool status_due(SteadyTime now) const;
    [[nodiscard]] std::chrono::milliseconds until_due(SteadyTime now,
                                                      std::chrono::milliseconds wait) const;

    Options options_;
    const Clock& clock_;
    Observer& observer_;
    Interrupter interrupter_;
    SqlCatalogue catalogue_;
    Confirmer confirmer_;  // over all connections

    std::optional<Session> sql_;
    std::optional<ReplicationStream> stream_;
    std::unique_ptr<Intake> intake_;
    SqlChunkReader chunks_;
    SnapshotDriver snapshots_;
    std::set<UncarriedKey> told_keys_;  // that the log has a warning of
    std::string missed_;  // changes that the server no longer has, which a snapshot makes good

    // Of the connection
    std::chrono::milliseconds status_interval_{10000};
    std::uint32_t timeline_to_store_ = 0;  // 0: the log has it
    SteadyTime status_sent_;
    SteadyTime asked_;  // for a keepalive, by a snapshot
    Feedback status_;   // last sent
    bool reply_requested_ = false;
    bool buffered_ = false;  // the last poll() left messages in the buffer
    Pace pace_;
    ShutdownWatch shutdown_;
    SteadyTime sql_probe_at_;  // not before this: another try to connect sql_
    std::uint64_t pressure_limit_ = 0;

    mutable std::mutex mutex_;
    KnownSystem known_;     // guarded
    std::string identity_;  // guarded
};

}  // namespace tributary::postgresql
