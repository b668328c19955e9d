// SimSource: a Source over SimPostgres. The checks at open, the intake, the confirm automaton and
// the messages' bytes are the connector's own; only what the connector does through libpq (connect,
// wait for the socket, send) is done here, in the order of source.cc.
// One thread (the agent's intake fiber).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/postgresql/intake/intake.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/server_checks.h"
#include "connectors/postgresql/snapshot/snapshot_driver.h"
#include "connectors/postgresql/stream/confirm.h"
#include "ports/source.h"
#include "tests/sim/sim_chunks.h"
#include "tests/sim/sim_postgres.h"
#include "tests/sim/snapshot_board.h"

namespace tributary::sim {

struct SourceWeather {
    std::uint64_t cut = 0;          // in a thousand messages: the connection breaks
    std::uint64_t open_fails = 0;   // in a thousand steps of open()
    std::uint64_t status_lost = 0;  // in a thousand status updates
};

struct SourcePace {
    std::uint64_t pressure_limit = 0;
    std::size_t messages_per_poll = 0;
};

class SimSource final : public Source, private postgresql::CatalogueReader, private Snapshots {
  public:
    struct Parts {
        Scheduler& scheduler;
        SimPostgres& server;
        const SimClock& clock;
        Observer& observer;
        const SourceWeather& weather;
        const SourcePace& pace;
        SnapshotBoard* board = nullptr;  // null: it has no snapshots
    };
    SimSource(const Parts& parts, Rng random, postgresql::Options options);

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
    [[nodiscard]] std::string identity() const override { return identity_; }
    [[nodiscard]] std::string describe(const Position& position) const override;
    void interrupt() override { interrupted_ = true; }
    [[nodiscard]] Snapshots* snapshots() override { return board_ == nullptr ? nullptr : this; }

    // Each position that a status update confirms, when it is sent.
    std::function<void(std::uint64_t flush)> on_confirm;

  private:
    [[nodiscard]] Result<void> round_trip(const char* doing);
    [[nodiscard]] Result<void> check_history(const StartPoint& start, const SideReader& side);
    [[nodiscard]] Result<void> drain(EntrySink& sink);
    [[nodiscard]] Result<void> tend();
    [[nodiscard]] bool status_due() const;
    void send_status();
    void post_status(bool ask);
    [[nodiscard]] Result<void> create_slot();
    [[nodiscard]] Result<void> miss(const Error& error, std::string& missed);
    [[nodiscard]] Result<void> open_snapshots(const StartPoint& start,
                                              const SideReader& side,
                                              const std::string& missed);
    [[nodiscard]] Result<void> step_snapshots(EntrySink& sink, std::chrono::milliseconds& wait);
    [[nodiscard]] Result<bool> start(const SnapshotRequest& request, EntrySink& sink) override;
    [[nodiscard]] Result<bool> stop(const std::string& table, EntrySink& sink) override;
    [[nodiscard]] SnapshotStatus status() const override { return driver_.status(); }
    void allow(std::uint64_t rows) override { driver_.allow(rows); }
    [[nodiscard]] Error broken() const;
    [[nodiscard]] Result<postgresql::CatalogueTable> read(
        std::uint32_t relation_oid, std::span<const std::uint32_t> type_oids) override;

    Scheduler& scheduler_;
    SimPostgres& server_;
    const SimClock& clock_;
    const SourceWeather& weather_;
    const SourcePace& pace_;
    SnapshotBoard* board_;
    Rng random_;
    const postgresql::Options options_;
    postgresql::Confirmer confirmer_;
    std::unique_ptr<postgresql::Intake> intake_;
    SimChunkReader chunks_;
    postgresql::SnapshotDriver driver_;
    std::shared_ptr<SimPostgres::Sender> sender_;
    postgresql::KnownSystem known_;
    std::string identity_;
    postgresql::Feedback status_;
    std::uint32_t timeline_to_store_ = 0;
    std::int64_t status_sent_us_ = 0;
    std::int64_t asked_us_ = 0;  // for a keepalive, by a snapshot
    bool reply_requested_ = false;
    bool buffered_ = false;
    bool interrupted_ = false;
};

}  // namespace tributary::sim
