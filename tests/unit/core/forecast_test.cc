// How fast, how long, how much: the numbers that `status` gives a site engineer.
#include "core/forecast.h"

#include <gtest/gtest.h>

namespace tributary::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr SteadyTime kStart{};

TEST(GrowthRate, is_unknown_until_a_second_is_covered) {
    GrowthRate rate;
    EXPECT_FALSE(rate.per_second());
    rate.sample(kStart, 100);
    rate.sample(kStart + std::chrono::milliseconds(999), 200);
    EXPECT_FALSE(rate.per_second());
    rate.sample(kStart + seconds(1), 200);
    EXPECT_DOUBLE_EQ(rate.per_second().value(), 100);
}

TEST(GrowthRate, forgets_what_is_older_than_its_window) {
    GrowthRate rate;
    for (int second = 0; second <= 600; ++second) {
        rate.sample(kStart + seconds(second), static_cast<std::uint64_t>(second) * 1000);
    }
    EXPECT_DOUBLE_EQ(rate.per_second().value(), 1000);
    for (int second = 601; second <= 1300; ++second) {
        rate.sample(kStart + seconds(second), 600'000);
    }
    EXPECT_DOUBLE_EQ(rate.per_second().value(), 0);
}

TEST(GrowthRate, begins_anew_when_the_sum_falls) {
    GrowthRate rate;
    rate.sample(kStart, 5000);
    rate.sample(kStart + seconds(10), 6000);
    rate.sample(kStart + seconds(20), 0);
    EXPECT_FALSE(rate.per_second());
    rate.sample(kStart + seconds(30), 50);
    EXPECT_DOUBLE_EQ(rate.per_second().value(), 5);
}

constexpr DiskRoom kRoom{.log_bytes = 1'000,
                         .log_bytes_max = 8'200,
                         .free_disk_bytes = 1'000'000,
                         .free_disk_floor = 1'000,
                         .bytes_per_second = 2,
                         .all_bytes_per_second = 4};

TEST(SecondsLeft, are_those_of_the_bound_that_is_reached_first) {
    EXPECT_EQ(seconds_left(kRoom), 3600);
    DiskRoom disk = kRoom;
    disk.free_disk_bytes = 5'000;
    EXPECT_EQ(seconds_left(disk), 1000) << "the disk is shared by all pipelines";
}

TEST(SecondsLeft, are_none_when_it_is_full_and_bounded_when_nothing_comes) {
    DiskRoom room = kRoom;
    room.log_bytes = room.log_bytes_max + 1;
    EXPECT_EQ(seconds_left(room), 0);
    room = kRoom;
    room.free_disk_bytes = 10;
    EXPECT_EQ(seconds_left(room), 0);
    room = kRoom;
    room.bytes_per_second = 0;
    room.all_bytes_per_second = 0;
    EXPECT_EQ(seconds_left(room), kSecondsForEver);
}

TEST(LagSeconds, are_of_the_oldest_that_waits_or_since_the_source_was_read) {
    constexpr std::int64_t kNow = 1'700'000'000'000'000;
    const auto lag = [](std::uint64_t appended,
                        std::optional<std::int64_t> taken_in_us,
                        std::optional<std::int64_t> unread_seconds) {
        return lag_seconds({.appended = appended,
                            .delivered = 9,
                            .taken_in_us = taken_in_us,
                            .unread_seconds = unread_seconds,
                            .now_us = kNow});
    };
    EXPECT_EQ(lag(9, kNow - 60'000'000, 0), 0);
    EXPECT_EQ(lag(10, kNow - 60'000'000, 0), 60);
    EXPECT_EQ(lag(10, kNow + 60'000'000, 0), 0) << "the clock was set back";
    EXPECT_EQ(lag(10, std::nullopt, 0), std::nullopt);
    EXPECT_EQ(lag(9, std::nullopt, 70), 70);
    EXPECT_EQ(lag(10, kNow - 60'000'000, 70), 70);
    EXPECT_EQ(lag(10, kNow - 80'000'000, 70), 80);
    EXPECT_EQ(lag(9, std::nullopt, std::nullopt), 0) << "nothing more is to be read";
}

TEST(WriteBudget, says_once_a_day_that_it_is_used_up) {
    WriteBudget budget(1000);
    EXPECT_FALSE(budget.sample(kStart, 500)) << "what was written before does not count";
    EXPECT_FALSE(budget.sample(kStart + hours(1), 1500));
    EXPECT_TRUE(budget.sample(kStart + hours(2), 1501));
    EXPECT_EQ(budget.used(), 1001U);
    EXPECT_FALSE(budget.sample(kStart + hours(3), 9000));
    EXPECT_FALSE(budget.sample(kStart + hours(24), 9100)) << "a new day";
    EXPECT_EQ(budget.used(), 0U);
    EXPECT_TRUE(budget.sample(kStart + hours(25), 10'200));
}

TEST(WriteBudget, is_silent_without_a_bound) {
    WriteBudget none(0);
    EXPECT_FALSE(none.sample(kStart, 0));
    EXPECT_FALSE(none.sample(kStart + minutes(1), 1ULL << 60U));
    EXPECT_EQ(none.used(), 1ULL << 60U);
}

}  // namespace
}  // namespace tributary::core
