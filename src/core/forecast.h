// Forecasts for people: how fast a sum grows, how long the disk lasts at that rate, and whether a
// day's write budget is used up. Pure; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "ports/clock.h"

namespace tributary::core {

// The mean growth of a sum over the last kWindow, or over the time since the first sample.
class GrowthRate {
  public:
    static constexpr std::chrono::minutes kWindow{10};
    static constexpr std::chrono::seconds kSpacing{15};  // of the samples that are kept

    // `total` never falls; when it does (the log was reopened) the rate begins anew.
    void sample(SteadyTime now, std::uint64_t total);
    // nullopt: the samples do not cover a second yet.
    [[nodiscard]] std::optional<double> per_second() const;

  private:
    struct Sample {
        SteadyTime at;
        std::uint64_t total = 0;
    };
    std::deque<Sample> kept_;
    Sample newest_;
};

// What bounds one pipeline's log.
struct DiskRoom {
    std::uint64_t log_bytes = 0;        // of the pipeline
    std::uint64_t log_bytes_max = 0;    // its bound
    std::uint64_t free_disk_bytes = 0;  // of the file system
    std::uint64_t free_disk_floor = 0;  // below it nothing is written
    double bytes_per_second = 0;        // that the pipeline appends
    double all_bytes_per_second = 0;    // that all pipelines append
};

inline constexpr std::int64_t kSecondsForEver = 10LL * 365 * 24 * 3600;

// For how long the disk takes what comes at the present rate, if nothing of it could be delivered;
// 0: it is full; kSecondsForEver at the most.
[[nodiscard]] std::int64_t seconds_left(const DiskRoom& room);

// Seconds between the commit of the newest delivered event at its source and now, while anything
// waits; 0 when nothing does. nullopt: something waits, and nothing was delivered since the start.
[[nodiscard]] std::optional<std::int64_t> lag_seconds(std::uint64_t appended,
                                                      std::uint64_t delivered,
                                                      std::int64_t last_delivered_time_us,
                                                      std::int64_t now_us);

// Bytes written to the disk against a bound per 24 hours.
class WriteBudget {
  public:
    explicit WriteBudget(std::uint64_t bytes_per_day) : bytes_per_day_(bytes_per_day) {}

    // True when the budget of the running 24 hours has just been used up: once in each.
    [[nodiscard]] bool sample(SteadyTime now, std::uint64_t total_written);
    [[nodiscard]] std::uint64_t used() const { return used_; }  // in the running 24 hours
    [[nodiscard]] std::uint64_t bytes_per_day() const { return bytes_per_day_; }  // 0: no bound

  private:
    std::uint64_t bytes_per_day_;
    std::optional<SteadyTime> began_;
    std::uint64_t total_at_begin_ = 0;
    std::uint64_t used_ = 0;
    bool said_ = false;
};

}  // namespace tributary::core
