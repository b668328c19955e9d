// The numbers behind Observer::add() and set(), and their Prometheus text.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "ports/observer.h"

namespace tributary::telemetry {

class Metrics {
  public:
    Metrics(std::span<const std::string> pipelines, std::int64_t start_time_us);

    // Any thread, lock-free: the rows are made by the constructor and never move.
    void add(Counter counter, std::string_view pipeline, std::uint64_t amount) noexcept;
    void set(Gauge gauge, std::string_view pipeline, std::int64_t value) noexcept;

    [[nodiscard]] std::string render() const;

  private:
    static constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::sink_errors) + 1;
    static constexpr std::size_t kGauges = static_cast<std::size_t>(Gauge::queue_bytes) + 1;
    static constexpr std::int64_t kUnset = std::numeric_limits<std::int64_t>::min();

    struct Row {
        std::string pipeline;  // empty: the process
        std::array<std::atomic<std::uint64_t>, kCounters> counters{};
        std::array<std::atomic<std::int64_t>, kGauges> gauges{};
    };

    Row& row(std::string_view pipeline) noexcept;

    std::deque<Row> rows_;  // the first is the process's
    std::int64_t start_time_us_;
};

}  // namespace tributary::telemetry
