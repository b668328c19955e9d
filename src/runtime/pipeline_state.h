// PipelineState: what the two stages of one pipeline tell each other and the outside, beside the
// channel: where to start, errors, and the request to stop. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "ports/control.h"
#include "ports/event_log.h"
#include "ports/source.h"
#include "runtime/channel.h"
#include "runtime/execution.h"
#include "runtime/snapshot_desk.h"

namespace tributary::runtime {

// Where intake goes on: on which stream, after what.
struct StartDecision {
    StreamId stream;
    Sequence next;
    StartPoint point;
    std::string source_identity;  // that the source must have; empty: any
};

class PipelineShared {
  public:
    explicit PipelineShared(ChannelLimits limits, Execution* execution = nullptr)
        : channel(limits, execution), changed_(execution) {}

    Channel channel;
    SnapshotDesk desk;
    std::atomic<bool> stopping{false};
    std::atomic<std::int64_t> intake_beat_ms{0};
    std::atomic<std::int64_t> delivery_beat_ms{0};
    std::atomic<std::int64_t> read_ms{0};     // steady: when the source was last read
    std::atomic<bool> sink_connected{false};  // since the last recover() or error of Kafka
    std::atomic<std::int64_t> last_delivered_time_us{0};
    std::atomic<std::int64_t> source_held_bytes{-1};  // -1: the source keeps nothing for us
    std::atomic<std::uint64_t> taken_in_bytes{0};
    std::atomic<bool> confirming_durable{false};
    std::atomic<bool> dropped{false};  // an operator gave up entries: delivery looks what is left

    // Delivery, or whoever starts the pipeline: gives intake its start.
    void decide(StartDecision decision);
    // Takes the decision back and waits until intake has let go of its stream.
    void withdraw();
    // Intake: waits for a decision; nullopt on stop. Until the next call intake holds its stream.
    [[nodiscard]] std::optional<StartDecision> wait_decision();
    // Delivery: the stream that intake is on stands, or delivery has given up.
    void settle_start();
    // Intake: waits until delivery has held its stream against Kafka's checkpoint. True: the
    // decision stands; false: it was withdrawn, or a stop came; nullopt: not known after `limit`.
    [[nodiscard]] std::optional<bool> wait_settled(std::chrono::milliseconds limit);
    [[nodiscard]] bool settled() const;
    // Intake: ends for good; holds no stream any more.
    void release_intake();
    // Intake: the decision it works on was withdrawn: come back to wait_decision().
    [[nodiscard]] bool withdrawn() const;

    void set_intake(PipelineState state, const Error* error = nullptr);
    void set_delivery(PipelineState state, const Error* error = nullptr);
    [[nodiscard]] HalfStatus intake() const;
    [[nodiscard]] HalfStatus delivery() const;
    // The error that parked either half.
    [[nodiscard]] std::optional<Error> parked() const;

    void set_source_identity(std::string identity);
    [[nodiscard]] std::string source_identity() const;

    void set_snapshot(SnapshotReport report);
    [[nodiscard]] std::optional<SnapshotReport> snapshot() const;

    // Sleeps, unless a stop comes; true when stopping.
    bool sleep(std::chrono::milliseconds wait);
    void stop();

  private:
    mutable std::mutex mutex_;
    Condition changed_;
    std::optional<StartDecision> decision_;
    bool intake_holds_ = false;
    bool start_settled_ = false;
    HalfStatus intake_;
    HalfStatus delivery_;
    std::optional<Error> parked_;
    std::string source_identity_;
    std::optional<SnapshotReport> snapshot_;
};

}  // namespace tributary::runtime
