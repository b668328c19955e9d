// Control: what an operator may ask of a running agent. Implemented by runtime, spoken by admin.
// Any thread; every call returns within a second.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "ports/event_log.h"

namespace tributary {

enum class PipelineState { starting, running, paused, retrying, parked, stopped };

[[nodiscard]] constexpr std::string_view to_string(PipelineState state) {
    switch (state) {
        case PipelineState::starting:
            return "starting";
        case PipelineState::running:
            return "running";
        case PipelineState::paused:
            return "paused";
        case PipelineState::retrying:
            return "retrying";
        case PipelineState::parked:
            return "parked";
        case PipelineState::stopped:
            return "stopped";
    }
    return "";
}

struct HalfStatus {
    PipelineState state = PipelineState::starting;
    std::string error_name;  // of the last error, empty when none since it last worked
    std::string error_text;  // Error::message()
};

struct PipelineStatus {
    std::string name;
    HalfStatus intake;
    HalfStatus delivery;
    std::uint64_t appended = 0;
    std::uint64_t durable = 0;
    std::uint64_t delivered = 0;
    std::string source_identity;
    std::string durable_position;  // Source::describe()
    std::string delivered_position;
    std::string confirming;     // "durable" or "delivered"
    std::string delivery_mode;  // "exactly_once" or "at_least_once"
    std::uint64_t source_held_bytes = 0;
    std::int64_t last_delivered_time_us = 0;
};

struct AgentStatus {
    std::string agent_id;
    std::string version;
    std::string log_id;
    LogUsage log;
    std::vector<PipelineStatus> pipelines;
};

class Control {
  public:
    virtual ~Control() = default;
    [[nodiscard]] virtual AgentStatus status() const = 0;
    // The oldest `limit` entries of the live stream from `from` on, as JSON lines without row
    // values unless `values`. For `buffer peek`.
    [[nodiscard]] virtual Result<std::string> peek(std::string_view pipeline,
                                                   std::uint64_t from,
                                                   std::size_t limit,
                                                   bool values) = 0;
    [[nodiscard]] virtual Result<std::vector<StreamInfo>> streams() = 0;
    [[nodiscard]] virtual Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                                       std::size_t limit) = 0;
    // Delivers a stored dead letter again to its own topic, in a later transaction.
    [[nodiscard]] virtual Result<void> replay_dead_letter(std::uint64_t id) = 0;
    // Reads every block of every live stream and checks it; the number of entries read.
    [[nodiscard]] virtual Result<std::uint64_t> verify() = 0;
    // Every pipeline has begun (or can without Kafka): for /readyz.
    [[nodiscard]] virtual bool ready() const = 0;
};

}  // namespace tributary
