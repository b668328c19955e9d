// Control: what an operator may ask of a running agent. Implemented by runtime, spoken by admin.
// Any thread; every call returns within a second, those about snapshots within eight.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "ports/event_log.h"
#include "ports/snapshot.h"

namespace tributary {

enum class PipelineState {
    starting,
    running,
    paused,
    retrying,
    parked,
    complete,  // nothing more is to come, by configuration (snapshot.mode initial_only)
    stopped,
};

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
        case PipelineState::complete:
            return "complete";
        case PipelineState::stopped:
            return "stopped";
    }
    return "";
}

struct HalfStatus {
    PipelineState state = PipelineState::starting;
    std::optional<Error> error;  // the last one; none: it has worked since
};

// A snapshot with what only the clock tells.
struct SnapshotReport {
    SnapshotStatus snapshot;
    double rows_per_second = 0;                 // lately; 0 while it waits or is over
    std::optional<std::uint64_t> seconds_left;  // by the server's estimates; none: not known
    std::uint64_t seconds = 0;                  // since it began, or this process did
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
    std::string confirming;                         // "durable" or "delivered"
    std::string delivery_mode;                      // "exactly_once" or "at_least_once"
    bool sink_connected = false;                    // Kafka was reached, and answers
    std::optional<std::int64_t> source_held_bytes;  // none: nothing is kept until we confirm
    std::int64_t last_delivered_time_us = 0;
    std::optional<std::int64_t> lag_seconds;  // core/forecast.h
    std::optional<std::int64_t> disk_seconds_left;
    std::uint64_t log_bytes = 0;
    std::uint64_t taken_in_bytes = 0;        // since the start
    std::optional<SnapshotReport> snapshot;  // none: the source can not take any
};

struct AgentStatus {
    std::string agent_id;
    std::string version;
    std::string log_id;
    LogUsage log;
    std::optional<Error> log_error;              // why the log takes nothing now
    std::uint64_t log_bytes_max = 0;             // per pipeline
    std::uint64_t disk_written_bytes = 0;        // by this process, since its start
    std::uint64_t disk_written_today_bytes = 0;  // in the running 24 hours
    std::uint64_t write_budget_bytes = 0;        // per 24 hours; 0: none
    std::vector<PipelineStatus> pipelines;
};

// Events of a pipeline's log, for `tap` and `buffer export`.
struct EventsQuery {
    std::uint64_t from = 0;   // sequence
    std::uint64_t to = 0;     // the last; 0: the newest
    std::size_t limit = 100;  // lines
    bool raw = false;         // what the source said, as peek() gives it, instead of records
    std::string pattern;      // glob on the topic; empty: every one
};

struct EventsPage {
    std::string lines;  // JSON lines: sequence, intake_time_us, topic, key, value
    std::size_t count = 0;
    std::uint64_t next = 0;   // where the next page begins
    std::uint64_t first = 0;  // what the log holds
    std::uint64_t last = 0;
    bool end = false;  // `to`, or the newest event, was reached
};

// What drop() gave up, [from, before), including what earlier ones did next to it.
struct DroppedEvents {
    std::uint64_t from = 0;
    std::uint64_t before = 0;
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
    // A page of the pipeline's events, about 1 MiB at most.
    [[nodiscard]] virtual Result<EventsPage> events(std::string_view pipeline,
                                                    const EventsQuery& query) = 0;
    // The first event taken in at or after `time_us`; one past the last when there is none.
    [[nodiscard]] virtual Result<std::uint64_t> find_time(std::string_view pipeline,
                                                          std::int64_t time_us) = 0;
    // Gives up events before sequence `before` that were not delivered, for good
    // (EventLog::drop()). Waits for the disk.
    [[nodiscard]] virtual Result<DroppedEvents> drop(std::string_view pipeline,
                                                     std::uint64_t before) = 0;
    [[nodiscard]] virtual Result<std::vector<StreamInfo>> streams() = 0;
    [[nodiscard]] virtual Result<std::vector<DeadLetter>> dead_letters(std::string_view pipeline,
                                                                       std::size_t limit) = 0;
    // Sends a stored dead letter to its own topic again, with the next transaction; until that is
    // in Kafka the request is in memory only. Refused while delivery is parked.
    [[nodiscard]] virtual Result<void> replay_dead_letter(std::uint64_t id) = 0;
    // Reads every block of every live stream and checks it; the number of entries read.
    [[nodiscard]] virtual Result<std::uint64_t> verify() = 0;
    // Durable before it returns (ports/snapshot.h). kSnapshotRefused, kSnapshotNotNow.
    [[nodiscard]] virtual Result<void> start_snapshot(std::string_view pipeline,
                                                      const SnapshotRequest& request) = 0;
    [[nodiscard]] virtual Result<void> stop_snapshot(std::string_view pipeline,
                                                     const std::string& table) = 0;
    // Every pipeline has begun (or can without Kafka): for /readyz.
    [[nodiscard]] virtual bool ready() const = 0;
};

}  // namespace tributary
