// When reading late is better.
#include "connectors/postgresql/stream/pace.h"

#include <gtest/gtest.h>

namespace tributary::postgresql {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// 158 bytes each, read one by one.
bool busy_after(int rows, microseconds apart) {
    Pace pace;
    Pace::Time now{std::chrono::hours(1)};
    for (int row = 0; row < rows; ++row) {
        now += apart;
        pace.on_read(now, 158);
    }
    return pace.busy(now);
}

TEST(PaceTest, much_in_one_read_is_busy) {
    Pace pace;
    const Pace::Time now{std::chrono::hours(1)};
    EXPECT_FALSE(pace.busy(now));
    pace.on_read(now, Pace::kBusyBytes - 1);
    EXPECT_FALSE(pace.busy(now));
    pace.on_read(now, 1);
    EXPECT_TRUE(pace.busy(now));
    EXPECT_FALSE(pace.busy(now + Pace::kWindow + microseconds(1)));
}

TEST(PaceTest, so_is_much_in_many_reads) {
    EXPECT_TRUE(busy_after(60, microseconds(15)));
    EXPECT_FALSE(busy_after(40, microseconds(15)));
}

TEST(PaceTest, a_thousand_rows_a_second_are_not_whatever_came_before) {
    EXPECT_FALSE(busy_after(5000, milliseconds(1)));
    Pace pace;
    Pace::Time now{std::chrono::hours(1)};
    pace.on_read(now, 1U << 20U);
    now += milliseconds(11);
    pace.on_read(now, 158);
    EXPECT_FALSE(pace.busy(now));
}

}  // namespace
}  // namespace tributary::postgresql
