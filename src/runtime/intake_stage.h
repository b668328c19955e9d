// IntakeStage: the thread that reads one source into blocks: opens it, polls it, hands finished
// blocks to the log writer and to delivery, pauses while there is no room, and confirms to the
// source what the ack policy allows. Transient errors are retried with back-off; a definite one
// parks the pipeline; a source that has said all ends it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>

#include "core/intake/ack_policy.h"
#include "core/intake/block_assembler.h"
#include "core/intake/side_overlay.h"
#include "core/retry.h"
#include "core/snapshot/pace.h"
#include "ports/clock.h"
#include "ports/event_log.h"
#include "ports/observer.h"
#include "ports/source.h"
#include "runtime/pipeline_state.h"
#include "runtime/snapshot_meter.h"

namespace tributary::runtime {

class IntakeStage {
  public:
    struct Parts {
        std::string pipeline;
        Source& source;
        EventLog& log;
        PipelineShared& shared;
        const Clock& clock;
        Observer& observer;
        core::AckMode ack;
        std::chrono::milliseconds snapshot_delay;
        std::function<void()> wake_log_writer;
        std::uint32_t seed;  // of the jitter between tries
    };

    explicit IntakeStage(Parts parts);

    // The thread's body: returns after PipelineShared::stop() or when parked.
    void run();

  private:
    enum class Next { again, withdrawn, ended };

    [[nodiscard]] Next follow(const StartDecision& decision);
    [[nodiscard]] bool open(core::BlockAssembler& assembler, const core::SideOverlay& side);
    [[nodiscard]] Result<void> step(core::BlockAssembler& assembler);
    [[nodiscard]] Next stream(core::BlockAssembler& assembler, core::SideOverlay& side);
    [[nodiscard]] bool handle(const Error& error);  // false: parked or stopping
    // Waits for delivery's start; false: intake is to begin elsewhere, and the error says nothing.
    [[nodiscard]] bool stands(const Error& error);
    void hand_over(core::BlockAssembler& assembler);
    void confirm();
    void poll_pressure();
    void report_snapshot();
    [[nodiscard]] bool ended() const;  // parked or complete: nothing more is read
    void beat();

    Parts parts_;
    core::AckPolicy ack_;
    core::Backoff backoff_;
    std::minstd_rand random_;
    SteadyTime next_pressure_;
    SteadyTime next_report_;
    SnapshotMeter meter_;
    core::snapshot::Pace pace_;
    Position confirmed_;
    std::string expected_identity_;
    bool full_ = false;  // the log, as was said last
};

}  // namespace tributary::runtime
