// IntakeStage: the thread that reads one source into blocks: opens it, polls it, hands finished
// blocks to the log writer and to delivery, pauses while there is no room, and confirms to the
// source what the ack policy allows. Transient errors are retried with back-off; a definite one
// parks the pipeline.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>

#include "core/intake/ack_policy.h"
#include "core/intake/block_assembler.h"
#include "core/intake/side_overlay.h"
#include "core/retry.h"
#include "ports/clock.h"
#include "ports/event_log.h"
#include "ports/observer.h"
#include "ports/source.h"
#include "runtime/pipeline_state.h"

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
        std::function<void()> wake_log_writer;
    };

    explicit IntakeStage(Parts parts);

    // The thread's body: returns after PipelineShared::stop() or when parked.
    void run();

  private:
    enum class Next { again, withdrawn, parked };

    [[nodiscard]] Next follow(const StartDecision& decision);
    [[nodiscard]] bool open(core::BlockAssembler& assembler, const core::SideOverlay& side);
    [[nodiscard]] Result<void> step(core::BlockAssembler& assembler);
    [[nodiscard]] Next stream(core::BlockAssembler& assembler, core::SideOverlay& side);
    [[nodiscard]] bool handle(const Error& error);
    // Waits for delivery's start; false: intake is to begin elsewhere, and the error says nothing.
    [[nodiscard]] bool stands(const Error& error);  // false: parked or stopping
    void hand_over(core::BlockAssembler& assembler);
    void confirm();
    void poll_pressure();
    void beat();

    Parts parts_;
    core::AckPolicy ack_;
    core::Backoff backoff_;
    std::minstd_rand random_;
    SteadyTime next_pressure_;
    Position confirmed_;
    std::string expected_identity_;
    bool paused_ = false;
};

}  // namespace tributary::runtime
