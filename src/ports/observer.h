// Observer: where every room reports to: log lines and numbers. Any thread; never blocks, never
// fails.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "base/error.h"

namespace tributary {

// WARN: recovered by itself, nothing lost. ERROR: something stopped or needs a person.
enum class LogLevel { debug, info, warn, error };

struct LogField {
    std::string_view name;   // snake_case
    std::string_view value;  // never a secret, never a row value
};

// Monotonic sums. Prometheus names: tributary_<name>_total{pipeline=..}.
enum class Counter {
    entries_taken_in,
    bytes_taken_in,
    log_appends,
    log_bytes_appended,
    log_reopens,
    records_delivered,
    bytes_delivered,
    transactions_committed,
    transactions_recovered,  // producer destroyed and checkpoint read back
    dead_letters,
    entries_dropped,  // given up by an operator, undelivered
    source_reconnects,
    source_gaps,  // times the source said that events may be missing
    redeliveries_suppressed,
    messages_expired,  // left out because their time was over
    sink_errors,
};

// Last value wins. Prometheus names: tributary_<name>{pipeline=..}.
enum class Gauge {
    durable_sequence,
    delivered_sequence,
    appended_sequence,
    source_held_bytes,
    source_connected,  // 0 or 1
    sink_connected,    // 0 or 1
    ack_buffered,      // 1 while durable, not delivered, is confirmed
    intake_paused,     // 0 or 1
    parked,            // 0 or 1
    log_bytes,
    free_disk_bytes,
    disk_seconds_left,       // core/forecast.h
    lag_seconds,             // core/forecast.h
    disk_written_bytes,      // by this process, since its start
    write_budget_bytes,      // per 24 hours; 0: none
    last_delivered_time_us,  // commit time of the newest entry in Kafka
};

class Observer {
  public:
    virtual ~Observer() = default;
    virtual void log(LogLevel level,
                     std::string_view pipeline,  // empty: the process
                     std::string_view message,
                     std::initializer_list<LogField> fields = {}) = 0;
    virtual void error(std::string_view pipeline, const Error& error) = 0;
    virtual void add(Counter counter, std::string_view pipeline, std::uint64_t amount) = 0;
    virtual void set(Gauge gauge, std::string_view pipeline, std::int64_t value) = 0;
};

}  // namespace tributary
