// Where a dump is asked to start.
#include "connectors/mysql/binlog/dump.h"

#include <gtest/gtest.h>

namespace tributary::mysql {
namespace {

ResumePoint at(std::uint64_t offset) {
    ResumePoint point;
    point.next = {"bin.000002", offset};
    return point;
}

TEST(Dump, starts_at_a_place_where_it_can_and_at_the_files_beginning_above_4_gib) {
    const std::uint64_t reach = 0xFFFFFFFFULL;
    EXPECT_EQ(dump_start(at(reach)), (Place{"bin.000002", reach}));
    EXPECT_EQ(dump_start(at(reach + 1)), (Place{"bin.000002", 4}));
    EXPECT_EQ(dump_command(at(reach), 7).arguments.substr(0, 4), "\xff\xff\xff\xff");
    EXPECT_EQ(dump_command(at(reach + 1), 7).arguments.substr(0, 4), std::string("\4\0\0\0", 4));
    EXPECT_TRUE(dump_command(at(5), 7).arguments.ends_with("bin.000002"));
}

TEST(Dump, by_gtid_names_no_file) {
    ResumePoint point = at(900);
    point.by_gtid = true;
    EXPECT_EQ(dump_start(point), (Place{"", 4}));
    EXPECT_EQ(dump_command(point, 7).number, 30);
    point.server = ServerKind::mariadb;
    EXPECT_EQ(dump_command(point, 7).number, 18);
}

}  // namespace
}  // namespace tributary::mysql
