// Cut: a transaction ends by rows, bytes or age, whichever comes first.
#include "core/delivery/cut.h"

#include <gtest/gtest.h>

namespace tributary::core {
namespace {

using std::chrono::milliseconds;

class CutTest : public testing::Test {
  protected:
    CutTest() { cut.begin(t0); }
    SteadyTime t0{std::chrono::hours(1)};
    Cut cut{{.rows = 3, .bytes = 100, .age = milliseconds(20)}};
};

TEST_F(CutTest, is_full_at_its_rows_and_not_before) {
    cut.add(2, 0);
    EXPECT_FALSE(cut.full());
    cut.add(1, 0);
    EXPECT_TRUE(cut.full());
    EXPECT_TRUE(cut.due(t0));
}

TEST_F(CutTest, is_full_at_its_bytes_and_not_before) {
    cut.add(1, 99);
    EXPECT_FALSE(cut.full());
    cut.add(0, 1);
    EXPECT_TRUE(cut.full());
}

TEST_F(CutTest, is_due_at_its_age_though_it_is_not_full) {
    EXPECT_FALSE(cut.due(t0 + milliseconds(19)));
    EXPECT_TRUE(cut.due(t0 + milliseconds(20)));
    EXPECT_FALSE(cut.full());
}

TEST_F(CutTest, leaves_the_rest_of_its_age_to_wait_rounded_up_and_never_less_than_none) {
    EXPECT_EQ(cut.left(t0), milliseconds(20));
    EXPECT_EQ(cut.left(t0 + std::chrono::microseconds(100)), milliseconds(20));
    EXPECT_EQ(cut.left(t0 + milliseconds(19)), milliseconds(1));
    EXPECT_EQ(cut.left(t0 + milliseconds(500)), milliseconds(0));
}

TEST_F(CutTest, begins_anew) {
    cut.add(3, 100);
    cut.begin(t0 + milliseconds(30));
    EXPECT_FALSE(cut.due(t0 + milliseconds(40)));
    EXPECT_EQ(cut.rows(), 0U);
    EXPECT_EQ(cut.bytes(), 0U);
}

}  // namespace
}  // namespace tributary::core
