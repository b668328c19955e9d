// SimMysqlSource: a Source over SimMysql. The checks at open, the reader of the dump's packets and
// events, the intake and its positions are the connector's own; only what the connector does
// through the client library (connect, ask, wait for the socket) is done here, in the order of
// source.cc.
// One thread (the agent's intake fiber).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/recurrence.h"
#include "connectors/mysql/intake/dump_reader.h"
#include "connectors/mysql/intake/intake.h"
#include "connectors/mysql/options.h"
#include "ports/observer.h"
#include "ports/source.h"
#include "tests/sim/sim_mysql.h"
#include "tests/sim/sim_source.h"

namespace tributary::sim {

class SimDump;

class SimMysqlSource final : public Source, private mysql::DumpConnection {
  public:
    struct Parts {
        Scheduler& scheduler;
        SimMysql& server;
        const SimClock& clock;
        const SourceWeather& weather;
    };
    SimMysqlSource(const Parts& parts, Rng random, mysql::Options options);

    [[nodiscard]] Result<void> open(const StartPoint& start, const SideReader& side) override;
    [[nodiscard]] Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> idle(std::chrono::milliseconds wait) override;
    void confirm(const Position& /*position*/) override {}
    [[nodiscard]] Result<std::optional<Pressure>> pressure() override {
        return std::optional<Pressure>();
    }
    void close(std::chrono::milliseconds budget) override;
    [[nodiscard]] Verdict reconcile(const LogExtent& log,
                                    const Checkpoint& checkpoint) const override;
    [[nodiscard]] std::unique_ptr<Decoder> make_decoder() const override;
    [[nodiscard]] std::string identity() const override { return identity_; }
    [[nodiscard]] std::string describe(const Position& position) const override;
    void interrupt() override { interrupted_ = true; }

    std::function<void()> on_begin;  // of a new pipeline

  private:
    [[nodiscard]] Result<void> round_trip(const char* doing);
    [[nodiscard]] Result<mysql::ResumePoint> starting_point(const StartPoint& start,
                                                            const mysql::ServerFacts& facts);
    [[nodiscard]] Result<void> start_stream(const mysql::ResumePoint& from);
    [[nodiscard]] Result<void> drain(EntrySink& sink);
    [[nodiscard]] Result<std::size_t> read_more() override;
    [[nodiscard]] Error weigh(const Error& error);
    [[nodiscard]] Error broken() const;

    Scheduler& scheduler_;
    SimMysql& server_;
    const SimClock& clock_;
    const SourceWeather& weather_;
    Rng random_;
    const mysql::Options options_;
    std::shared_ptr<SimDump> dump_;
    std::optional<mysql::DumpReader> reader_;
    std::unique_ptr<mysql::Intake> intake_;
    std::string buffer_;
    std::string identity_;
    std::uint64_t connected_to_ = 0;  // history of the server
    Recurrence clashes_;
    bool fresh_ = false;
    bool more_ = false;
    bool interrupted_ = false;
};

}  // namespace tributary::sim
