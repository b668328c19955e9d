// SimSource: a Source over SimPostgres. The checks at open, the intake, the confirm automaton and
// the messages' bytes are the connector's own; only what the connector does through libpq (connect,
// wait for the socket, send) is done here, in the order of source.cc.
// One thread (the agent's intake fiber).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "connectors/postgresql/confirm.h"
#include "connectors/postgresql/intake.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server_checks.h"
#include "ports/source.h"
#include "tests/sim/sim_postgres.h"

namespace tributary::sim {

struct SourceWeather {
    std::uint64_t cut = 0;          // in a thousand messages: the connection breaks
    std::uint64_t open_fails = 0;   // in a thousand steps of open()
    std::uint64_t status_lost = 0;  // in a thousand status updates
    std::uint64_t pressure_limit = 0;
    std::size_t messages_per_poll = 20;
};

class SimSource final : public Source, private postgresql::CatalogueReader {
  public:
    SimSource(Scheduler& scheduler,
              SimPostgres& server,
              const SimClock& clock,
              const SourceWeather& weather,
              Rng random,
              postgresql::Options options);

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

    // Each position that a status update confirms, when it is sent.
    std::function<void(std::uint64_t flush)> on_confirm;

  private:
    [[nodiscard]] Result<void> round_trip(const char* doing);
    [[nodiscard]] Result<void> check_history(const StartPoint& start, const SideReader& side);
    [[nodiscard]] Result<void> drain(EntrySink& sink);
    [[nodiscard]] Result<void> tend();
    [[nodiscard]] bool status_due() const;
    void send_status();
    [[nodiscard]] Error broken() const;
    [[nodiscard]] Result<postgresql::CatalogueTable> read(
        std::uint32_t relation_oid, std::span<const std::uint32_t> type_oids) override;

    Scheduler& scheduler_;
    SimPostgres& server_;
    const SimClock& clock_;
    const SourceWeather& weather_;
    Rng random_;
    const postgresql::Options options_;
    postgresql::Confirmer confirmer_;
    std::unique_ptr<postgresql::Intake> intake_;
    std::shared_ptr<SimPostgres::Sender> sender_;
    postgresql::KnownSystem known_;
    std::string identity_;
    postgresql::Feedback status_;
    std::uint32_t timeline_to_store_ = 0;
    std::int64_t status_sent_us_ = 0;
    bool reply_requested_ = false;
    bool buffered_ = false;
    bool interrupted_ = false;
};

}  // namespace tributary::sim
