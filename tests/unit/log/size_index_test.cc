// SizeIndex: sums of bytes still needed.
#include "log/size_index.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(SizeIndex, sums_what_was_added_and_not_trimmed) {
    SizeIndex sizes(100);
    sizes.add(Sequence(10), 60);
    sizes.add(Sequence(20), 60);
    sizes.add(Sequence(30), 60);
    EXPECT_EQ(sizes.bytes(), 180U);
    EXPECT_EQ(sizes.trim(Sequence(9)), 0U);
    EXPECT_EQ(sizes.trim(Sequence(10)), 60U);
    EXPECT_EQ(sizes.bytes(), 120U);
    EXPECT_EQ(sizes.trim(Sequence(99)), 120U);
    EXPECT_EQ(sizes.bytes(), 0U);
}

TEST(SizeIndex, counts_a_run_until_its_last_block_is_trimmed) {
    SizeIndex sizes(100);
    sizes.add(Sequence(10), 50);
    sizes.add(Sequence(20), 50);
    sizes.add(Sequence(30), 1);
    EXPECT_EQ(sizes.trim(Sequence(10)), 0U);
    EXPECT_EQ(sizes.bytes(), 101U);
    EXPECT_EQ(sizes.trim(Sequence(20)), 100U);
    EXPECT_EQ(sizes.bytes(), 1U);
}

}  // namespace
}  // namespace tributary
