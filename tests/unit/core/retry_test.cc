// Backoff: doubling with jitter, up to a bound, and over again.
#include "core/retry.h"

#include <gtest/gtest.h>

namespace tributary::core {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kMost = 0xFFFFFFFFU;

TEST(Backoff, doubles_up_to_its_bound_and_stays_there) {
    Backoff backoff(milliseconds(100), milliseconds(350));
    for (const int expected : {100, 200, 350, 350, 350}) {
        EXPECT_EQ(backoff.next(kMost), milliseconds(expected));
    }
}

TEST(Backoff, waits_between_half_a_step_and_the_whole) {
    EXPECT_EQ(Backoff(milliseconds(100), milliseconds(900)).next(0), milliseconds(50));
    EXPECT_EQ(Backoff(milliseconds(100), milliseconds(900)).next(kMost), milliseconds(100));
    const auto middle = Backoff(milliseconds(100), milliseconds(900)).next(kMost / 2);
    EXPECT_GT(middle, milliseconds(70));
    EXPECT_LT(middle, milliseconds(80));
}

TEST(Backoff, starts_over_once_it_worked) {
    Backoff backoff(milliseconds(100), milliseconds(900));
    (void)backoff.next(kMost);
    (void)backoff.next(kMost);
    backoff.reset();
    EXPECT_EQ(backoff.next(kMost), milliseconds(100));
}

}  // namespace
}  // namespace tributary::core
