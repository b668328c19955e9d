// ProcessObserver: the Observer of a real process: log lines on standard error and metrics in
// Prometheus' text format. Any thread; counting is one atomic addition, without a lock.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>

#include "ports/clock.h"
#include "ports/observer.h"

namespace tributary::telemetry {

enum class LogFormat { automatic, text, json, journal };

struct LoggingOptions {
    LogLevel level = LogLevel::info;
    // Text on a terminal, entries where standard error is systemd's journal, JSON lines elsewhere.
    LogFormat format = LogFormat::automatic;
    std::ostream* out = nullptr;  // nullptr: standard error
    std::string journal_socket = "/run/systemd/journal/socket";
};

class ProcessObserver : public Observer {
  public:
    // Prometheus text exposition format 0.0.4: counters and gauges of every pipeline, the process's
    // memory, open files and start time, build information.
    [[nodiscard]] virtual std::string render() const = 0;
    // Changes what is logged from now on (configuration reload).
    virtual void set_level(LogLevel level) = 0;
};

// `clock` outlives the result. An error that repeats within 30 s with the same text is logged once,
// then again with how often it was left out. A pipeline has its row of numbers from the first one
// on; those of more than 64 count for the process.
[[nodiscard]] std::unique_ptr<ProcessObserver> make_observer(const LoggingOptions& options,
                                                             const Clock& clock);

}  // namespace tributary::telemetry
