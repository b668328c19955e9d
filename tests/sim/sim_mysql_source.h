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
#include "connectors/mysql/snapshot/snapshot_driver.h"
#include "ports/observer.h"
#include "ports/source.h"
#include "tests/sim/sim_mysql.h"
#include "tests/sim/sim_mysql_chunks.h"
#include "tests/sim/sim_source.h"
#include "tests/sim/snapshot_board.h"

namespace tributary::sim {

class SimDump;

class SimMysqlSource final : public Source, private mysql::DumpConnection, private Snapshots {
  public:
    struct Parts {
        Scheduler& scheduler;
        SimMysql& server;
        const SimClock& clock;
        Observer& observer;
        const SourceWeather& weather;
        SnapshotBoard* board = nullptr;  // null: it has no snapshots
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
    [[nodiscard]] Snapshots* snapshots() override { return board_ == nullptr ? nullptr : this; }
    [[nodiscard]] bool complete() const override { return driver_.complete(); }

    std::function<void()> on_begin;  // of a new pipeline

  private:
    [[nodiscard]] Result<void> round_trip(const char* doing);
    [[nodiscard]] Result<mysql::ResumePoint> starting_point(const StartPoint& start,
                                                            const mysql::ServerFacts& facts);
    [[nodiscard]] Result<void> miss(const Error& error);
    [[nodiscard]] Result<void> open_snapshots(const mysql::ServerFacts& facts,
                                              const mysql::ResumePoint& from,
                                              const SideReader& side);
    [[nodiscard]] Result<bool> start(const SnapshotRequest& request, EntrySink& sink) override;
    [[nodiscard]] Result<bool> stop(const std::string& table, EntrySink& sink) override;
    [[nodiscard]] SnapshotStatus status() const override { return driver_.status(); }
    void allow(std::uint64_t rows) override { driver_.allow(rows); }
    [[nodiscard]] Result<void> start_stream(const mysql::ResumePoint& from);
    [[nodiscard]] Result<void> drain(EntrySink& sink);
    [[nodiscard]] Result<std::size_t> read_more() override;
    [[nodiscard]] Result<bool> goes_on(EntrySink& sink) override { return driver_.on_event(sink); }
    [[nodiscard]] Error weigh(const Error& error);
    [[nodiscard]] Error broken() const;

    Scheduler& scheduler_;
    SimMysql& server_;
    const SimClock& clock_;
    const SourceWeather& weather_;
    SnapshotBoard* board_;
    Rng random_;
    const mysql::Options options_;
    SimMysqlChunks chunks_;
    mysql::SnapshotDriver driver_;
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
