// The numbers behind Observer::add() and set(), and their Prometheus text.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "ports/observer.h"

namespace tributary::telemetry {

class Metrics {
  public:
    explicit Metrics(std::int64_t start_time_us);

    // Any thread; lock-free once the pipeline has its row. Rows are never moved or removed.
    void add(Counter counter, std::string_view pipeline, std::uint64_t amount);
    void set(Gauge gauge, std::string_view pipeline, std::int64_t value);

    [[nodiscard]] std::string render() const;

  private:
    static constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::sink_errors) + 1;
    static constexpr std::size_t kGauges =
        static_cast<std::size_t>(Gauge::snapshot_duration_in_seconds) + 1;
    static constexpr std::int64_t kUnset = std::numeric_limits<std::int64_t>::min();

    struct Row {
        std::string pipeline;  // empty: the process
        std::array<std::atomic<std::uint64_t>, kCounters> counters{};
        std::array<std::atomic<std::int64_t>, kGauges> gauges{};
    };

    Row& row(std::string_view pipeline);
    Row& add_row(std::string_view pipeline);

    static constexpr std::size_t kRowsMax = 65;

    // The first row is the process's. Rows below count_ are complete and may be read without the
    // mutex.
    std::array<std::unique_ptr<Row>, kRowsMax> rows_;
    std::atomic<std::size_t> count_{0};
    std::mutex adding_;
    std::int64_t start_time_us_;
};

}  // namespace tributary::telemetry
