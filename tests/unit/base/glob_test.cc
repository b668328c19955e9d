#include "base/glob.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Glob, matches_the_whole_text) {
    EXPECT_TRUE(glob_matches("plant.public.t", "plant.public.t"));
    EXPECT_FALSE(glob_matches("plant.public.t", "plant.public.t2"));
    EXPECT_FALSE(glob_matches("plant", "plant.public.t"));
    EXPECT_TRUE(glob_matches("", ""));
    EXPECT_FALSE(glob_matches("", "t"));
}

TEST(Glob, takes_a_star_for_any_run_and_a_question_mark_for_one) {
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("*", "anything"));
    EXPECT_TRUE(glob_matches("plant.*.t", "plant.public.t"));
    EXPECT_TRUE(glob_matches("*.t", "a.t.b.t"));
    EXPECT_FALSE(glob_matches("*.t", "a.t.b"));
    EXPECT_TRUE(glob_matches("t?", "t2"));
    EXPECT_FALSE(glob_matches("t?", "t"));
    EXPECT_TRUE(glob_matches("**a*", "bca"));
}

}  // namespace
}  // namespace tributary
