// The composition: configuration in, a running agent out. The only room that names connectors.
// Every function is called by the command's main thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/loaded.h"
#include "ports/check.h"
#include "ports/control.h"
#include "ports/event_log.h"

namespace tributary::agent {

struct RunOptions {
    bool fail_fast = false;  // the first parked pipeline ends the process
    // Reads the configuration again, for SIGHUP; empty: SIGHUP changes nothing.
    std::function<Result<config::Loaded>()> reload;
};

// Runs until SIGTERM or SIGINT, or until every pipeline is parked. The process's exit code.
[[nodiscard]] int run(const config::Loaded& loaded, const RunOptions& options);

// What was found out about one outside system.
struct CheckSection {
    std::string system;  // "source plant (postgresql)", "kafka", "state directory"
    std::vector<Finding> findings;
};

// Opens every connection and names what is missing and what is in excess. Changes nothing.
[[nodiscard]] std::vector<CheckSection> check(const config::Loaded& loaded);

// The part of it that needs no connection.
[[nodiscard]] std::vector<CheckSection> check_offline(const config::Loaded& loaded);

// Makes source `source` go on from `from` ("now" or a position such as an LSN), accepting what is
// missed: sets the old log stream aside and writes a checkpoint that says so. The agent must not be
// running. Returns the position in words.
[[nodiscard]] Result<std::string> reset(const config::Loaded& loaded,
                                        std::string_view source,
                                        std::string_view from);

// The log of an agent that is not running, for `buffer` and `deadletter`. Nothing is written.
[[nodiscard]] Result<std::unique_ptr<EventLog>> open_log_read_only(const config::Loaded& loaded);
// Entries of that log as JSON lines, and a check of all of them (ports/control.h: peek, verify).
[[nodiscard]] Result<std::string> peek(
    EventLog& log, std::string_view pipeline, std::uint64_t from, std::size_t limit, bool values);
[[nodiscard]] Result<std::uint64_t> verify(EventLog& log);

// Events of one source in the log of an agent that is not running (ports/control.h: events,
// find_time).
class StoredEvents {
  public:
    virtual ~StoredEvents() = default;
    [[nodiscard]] virtual Result<EventsPage> page(const EventsQuery& query) = 0;
    [[nodiscard]] virtual Result<std::uint64_t> find_time(std::int64_t time_us) = 0;
};
// `loaded` must outlive it. kArgumentInvalid: no such source.
[[nodiscard]] Result<std::unique_ptr<StoredEvents>> open_events(const config::Loaded& loaded,
                                                                const std::string& source);

// As Control::drop(), on the log of an agent that is not running.
[[nodiscard]] Result<DroppedEvents> drop(const config::Loaded& loaded,
                                         const std::string& source,
                                         std::uint64_t before);

// What committed readers of the Kafka cluster see from now on, of topics that match `pattern`.
struct TapCalls {
    std::function<void(std::string_view topic,
                       std::int64_t offset,
                       std::int64_t time_ms,
                       const std::optional<std::string_view>& key,
                       const std::optional<std::string_view>& value)>
        record;
    std::function<void(std::size_t)> topics;  // how many match, whenever that changed
    std::function<bool()> stop;               // asked every 100 ms at least
};
[[nodiscard]] Result<void> tap_kafka(const config::Loaded& loaded,
                                     const std::string& pattern,
                                     const TapCalls& calls);

}  // namespace tributary::agent
