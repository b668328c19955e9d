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

// What a pipeline has not delivered yet.
struct Waiting {
    std::uint64_t appended = 0;                    // last sequence
    std::uint64_t delivered = 0;                   // last sequence
    std::optional<std::int64_t> taken_in_us{};     // when the first that waits was read
    std::optional<std::int64_t> unread_seconds{};  // since the source was read; none: it has ended
    std::int64_t now_us = 0;
};

// For how long Kafka may lack what the source has: the age of the oldest event that waits, or the
// time since the source was read, whichever is more. nullopt: that age is not known.
[[nodiscard]] std::optional<std::int64_t> lag_seconds(const Waiting& waiting);

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
