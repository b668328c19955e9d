// Runtime: the threads of a running agent and nothing but: per pipeline an intake and a delivery
// thread, one log writer for all, one admin thread. Implements Control for the admin room.
//
// Start: a pipeline whose log stream has events starts reading at once, with or without Kafka; one
// without waits for the checkpoint (DESIGN 3.2). Stop: intake first, then the log writer, then
// delivery.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/delivery/cut.h"
#include "core/delivery/dead_letter.h"
#include "core/forecast.h"
#include "core/intake/ack_policy.h"
#include "ports/clock.h"
#include "ports/control.h"
#include "ports/encoder.h"
#include "ports/event_log.h"
#include "ports/observer.h"
#include "ports/sink.h"
#include "ports/source.h"
#include "runtime/delivery_stage.h"
#include "runtime/execution.h"
#include "runtime/intake_stage.h"
#include "runtime/log_view.h"
#include "runtime/log_writer.h"
#include "runtime/pipeline_state.h"
#include "runtime/transaction_budget.h"

namespace tributary::runtime {

// Everything one pipeline is made of; made by the composition.
struct PipelineParts {
    std::string name;
    std::unique_ptr<Source> source;
    std::unique_ptr<Sink> sink;
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Encoder> encoder;
    core::AckMode ack = core::AckMode::automatic;
    core::CutLimits cut;
    core::PoisonPolicy poison = core::PoisonPolicy::halt;
    std::string dead_letter_topic;
    std::chrono::milliseconds snapshot_delay{1000};  // core/snapshot/pace.h
    std::size_t dead_letter_bytes_max = 512U << 10U;
    std::string delivery_mode;
    ViewFactory view;  // a further decoder and encoder, for looking into the log
};

struct RuntimeOptions {
    std::string agent_id;
    std::string version;
    std::size_t queue_bytes = 9U << 19U;         // of all pipelines' queues together
    std::size_t transaction_bytes = 12U << 20U;  // of open transactions (TransactionBudget)
    // For forecasts: the log's bounds, and what may be written in 24 hours (0: any amount).
    std::uint64_t log_bytes_max = 0;  // per pipeline
    std::uint64_t free_disk_floor = 0;
    std::uint64_t write_budget_bytes = 0;
    Execution* execution = nullptr;       // null: threads; else it outlives the runtime
    std::optional<std::uint32_t> seed{};  // of the jitter between tries; none: a random one
};

class Runtime final : public Control {
  public:
    Runtime(RuntimeOptions options,
            EventLog& log,
            std::vector<PipelineParts> pipelines,
            const Clock& clock,
            Observer& observer);
    ~Runtime() override;

    [[nodiscard]] Result<void> start();
    // A further thread for the life of the runtime: `body` returns after `stop` was called.
    void add_service(std::string name, std::function<void()> body, std::function<void()> stop);
    // Ends every thread within about `budget`.
    void stop(std::chrono::milliseconds budget);

    // The error that ends the process: of a log that cannot be opened again, or a fatal one, or the
    // first when every pipeline is parked, or any with `fail_fast`.
    [[nodiscard]] std::optional<Error> finished(bool fail_fast) const;
    // How much was appended in all, and whether all of it is in Kafka.
    [[nodiscard]] std::uint64_t appended() const;
    [[nodiscard]] bool caught_up() const;
    // Every pipeline was to end by configuration and has, and all of it is in Kafka.
    [[nodiscard]] bool complete() const;
    // Every thread has shown life within `limit`: feeds the watchdog.
    [[nodiscard]] bool alive(std::chrono::milliseconds limit) const;
    // About once a second: what the forecasts of status() are made from. `disk_written_bytes`: by
    // this process since its start.
    void sample(std::uint64_t disk_written_bytes);
    // One line for people: "2 pipelines running, 0 parked; 1234 events delivered".
    [[nodiscard]] std::string summary() const;

    [[nodiscard]] AgentStatus status() const override;
    [[nodiscard]] Result<std::string> peek(std::string_view pipeline,
                                           std::uint64_t from,
                                           std::size_t limit,
                                           bool values) override;
    [[nodiscard]] Result<EventsPage> events(std::string_view pipeline,
                                            const EventsQuery& query) override;
    [[nodiscard]] Result<std::uint64_t> find_time(std::string_view pipeline,
                                                  std::int64_t time_us) override;
    [[nodiscard]] Result<DroppedEvents> drop(std::string_view pipeline,
                                             std::uint64_t before) override;
    [[nodiscard]] Result<std::vector<StreamInfo>> streams() override;
    [[nodiscard]] Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                               std::size_t limit) override;
    [[nodiscard]] Result<void> replay_dead_letter(std::uint64_t id) override;
    [[nodiscard]] Result<std::uint64_t> verify() override;
    [[nodiscard]] Result<void> start_snapshot(std::string_view pipeline,
                                              const SnapshotRequest& request) override;
    [[nodiscard]] Result<void> stop_snapshot(std::string_view pipeline,
                                             const std::string& table) override;
    [[nodiscard]] bool ready() const override;

  private:
    struct Pipeline {
        PipelineParts parts;
        std::unique_ptr<PipelineShared> shared;
        std::unique_ptr<IntakeStage> intake;
        std::unique_ptr<DeliveryStage> delivery;
        std::unique_ptr<LogView> view;
        core::GrowthRate stored;                        // forecast_mutex_
        std::optional<std::int64_t> disk_seconds_left;  // forecast_mutex_
        std::uint64_t log_bytes = 0;                    // forecast_mutex_
        std::optional<std::int64_t> lag_seconds;        // forecast_mutex_
        // The first entry that waits, and when it was taken in. forecast_mutex_
        StreamId oldest_stream;
        Sequence oldest;
        std::int64_t oldest_us = 0;
        Thread intake_thread;
        Thread delivery_thread;
    };
    struct Service {
        Thread thread;
        std::function<void()> stop;
    };

    void build(Pipeline& pipeline);
    [[nodiscard]] Result<void> begin_from_log(Pipeline& pipeline);
    void measure(Pipeline& pipeline);
    void forecast(const LogUsage& usage);
    [[nodiscard]] std::optional<std::int64_t> taken_in_us(Pipeline& pipeline, Sequence first);
    [[nodiscard]] std::optional<std::int64_t> unread_seconds(const Pipeline& pipeline) const;
    [[nodiscard]] static bool sink_connected(const Pipeline& pipeline);
    [[nodiscard]] Pipeline* find(std::string_view name) const;
    [[nodiscard]] Error unknown_source(std::string_view name) const;
    [[nodiscard]] Result<void> ask_snapshots(std::string_view pipeline,
                                             SnapshotDesk::Request request);
    [[nodiscard]] PipelineStatus status_of(const Pipeline& pipeline) const;

    RuntimeOptions options_;
    EventLog& log_;
    const Clock& clock_;
    Observer& observer_;
    LogWriter writer_;
    TransactionBudget transaction_budget_;
    std::vector<std::unique_ptr<Pipeline>> pipelines_;
    std::vector<Service> services_;
    bool started_ = false;
    mutable std::mutex forecast_mutex_;
    core::WriteBudget write_budget_;
    std::uint64_t disk_written_bytes_ = 0;
};

}  // namespace tributary::runtime
