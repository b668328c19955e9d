// The small files beside the database.
#include "log/files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "log/rocks_log.h"
#include "model/errors.h"
#include "ports/quiet_observer.h"
#include "tests/contract/event_log/log_rig.h"

namespace tributary {
namespace {

class Files : public ::testing::Test {
  protected:
    std::filesystem::path put(const char* name, std::string_view text) {
        std::ofstream(scratch_.path() / name, std::ios::binary) << text;
        return scratch_.path() / name;
    }
    testing::ScratchDirectory scratch_;
};

TEST_F(Files, format_file_is_written_once_and_read_back) {
    const auto file = scratch_.path() / "format";
    EXPECT_FALSE(check_format_file(file).value());
    ASSERT_TRUE(write_format_file(file));
    EXPECT_TRUE(check_format_file(file).value());
}

TEST_F(Files, format_file_of_a_later_version_is_too_new_and_any_other_text_is_corrupt) {
    EXPECT_TRUE(
        check_format_file(put("later", "tributary-log 2\n")).error().is(errors::kLogTooNew));
    for (const char* text :
         {"", "tributary-log ", "tributary-log x", "tributary-log 0\n", "log 1"}) {
        const auto checked = check_format_file(put("other", text));
        ASSERT_FALSE(checked) << text;
        EXPECT_TRUE(checked.error().is(errors::kLogCorrupt)) << text;
    }
}

TEST_F(Files, host_hash_tells_hosts_apart_and_ignores_an_empty_id) {
    const std::uint64_t one = host_hash(put("one", "3d1219c7\n"));
    EXPECT_NE(one, 0U);
    EXPECT_EQ(one, host_hash(put("same", "3d1219c7")));
    EXPECT_NE(one, host_hash(put("two", "3d1219c8\n")));
    EXPECT_EQ(host_hash(put("empty", "\n")), 0U);
    EXPECT_EQ(host_hash(scratch_.path() / "missing"), 0U);
}

TEST_F(Files, a_lock_is_held_by_one_and_free_again_when_closed) {
    const auto file = scratch_.path() / "lock";
    {
        const auto held = lock_file(file);
        ASSERT_TRUE(held);
        const auto second = lock_file(file);
        ASSERT_FALSE(second);
        EXPECT_TRUE(second.error().is(errors::kStateDirLocked));
    }
    EXPECT_TRUE(lock_file(file));
}

TEST_F(Files, ballast_is_given_back_when_the_disk_is_low_and_made_again_with_room) {
    QuietObserver silent;
    const auto file = scratch_.path() / "ballast";
    Ballast ballast(file, 1U << 20U, &silent);
    ballast.adjust(5U << 20U, 1U << 20U, 4U << 20U);
    EXPECT_EQ(std::filesystem::file_size(file), 1U << 20U);
    ballast.adjust(1U << 20U, 1U << 20U, 4U << 20U);
    EXPECT_TRUE(ballast.held()) << "not below the low mark";
    ballast.adjust((1U << 20U) - 1, 1U << 20U, 4U << 20U);
    EXPECT_FALSE(std::filesystem::exists(file));
    ballast.adjust((5U << 20U) - 1, 1U << 20U, 4U << 20U);
    EXPECT_FALSE(ballast.held()) << "not yet room for floor and ballast";
    ballast.adjust(5U << 20U, 1U << 20U, 4U << 20U);
    EXPECT_TRUE(ballast.held());
    EXPECT_TRUE(Ballast(file, 1U << 20U, &silent).held()) << "found again after a restart";
}

}  // namespace
}  // namespace tributary
