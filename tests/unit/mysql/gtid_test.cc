// GTIDs of both servers, their sets and positions.
#include "connectors/mysql/binlog/gtid.h"

#include <gtest/gtest.h>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

const std::string kA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const std::string kB = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

MysqlGtidSet set(const std::string& text) {
    return MysqlGtidSet::parse(text).value();
}

TEST(MysqlGtid, is_read_and_printed_with_and_without_a_tag) {
    EXPECT_EQ(to_string(*parse_mysql_gtid(kA + ":5")), kA + ":5");
    EXPECT_EQ(to_string(*parse_mysql_gtid(kA + ":Tag_1:5")), kA + ":tag_1:5");
    for (const std::string& bad : {kA,
                                   kA + ":",
                                   kA + ":0",
                                   kA + ":x",
                                   kA + ":1-2",
                                   kA + ":1:2:3",
                                   kA.substr(1) + ":1",
                                   kA + ":1tag:1",
                                   kA + ":9223372036854775807"}) {
        EXPECT_FALSE(parse_mysql_gtid(bad)) << bad;
    }
}

TEST(MysqlGtidSet, text_is_made_canonical) {
    EXPECT_EQ(set("").to_string(), "");
    EXPECT_EQ(set(kB + ":1,\n" + kA + ":3-5:1:2:8").to_string(), kA + ":1-5:8," + kB + ":1");
    EXPECT_EQ(set(kA + ":1-3:t:7:9-10").to_string(), kA + ":1-3:t:7:9-10");
    EXPECT_EQ(set(kA + ":5-6:1-9").to_string(), kA + ":1-9");
    for (const std::string& bad :
         {std::string("x"), kA, kA + ":", kA + ":5-3", kA + ":0-3", kA + ":-3", kA + ":1-2-3"}) {
        EXPECT_FALSE(MysqlGtidSet::parse(bad)) << bad;
    }
}

TEST(MysqlGtidSet, a_number_that_fills_a_hole_joins_its_neighbours) {
    MysqlGtidSet some = set(kA + ":1-3:5");
    some.add(*parse_mysql_gtid(kA + ":4"));
    EXPECT_EQ(some, set(kA + ":1-5"));
    some.add(*parse_mysql_gtid(kA + ":9"));
    some.add(*parse_mysql_gtid(kA + ":t:1"));
    EXPECT_EQ(some.to_string(), kA + ":1-5:9:t:1");
    some.add(set(kA + ":7," + kB + ":2"));
    EXPECT_EQ(some.to_string(), kA + ":1-5:7:9:t:1," + kB + ":2");
}

TEST(MysqlGtidSet, contains_what_is_in_its_intervals_and_under_its_tags) {
    const MysqlGtidSet some = set(kA + ":1-5:8:t:1");
    EXPECT_TRUE(some.contains(*parse_mysql_gtid(kA + ":5")));
    EXPECT_TRUE(some.contains(*parse_mysql_gtid(kA + ":8")));
    EXPECT_FALSE(some.contains(*parse_mysql_gtid(kA + ":6")));
    EXPECT_TRUE(some.contains(*parse_mysql_gtid(kA + ":t:1")));
    EXPECT_FALSE(some.contains(*parse_mysql_gtid(kA + ":t:2")));
    EXPECT_FALSE(some.contains(*parse_mysql_gtid(kB + ":1")));
    EXPECT_TRUE(some.contains(set(kA + ":2-3:8")));
    EXPECT_FALSE(some.contains(set(kA + ":5-6")));
    EXPECT_TRUE(some.contains(set("")));
}

TEST(MysqlGtidSet, minus_leaves_the_parts_that_the_other_has_not) {
    EXPECT_EQ(set(kA + ":1-10").minus(set(kA + ":3:5-6")).to_string(), kA + ":1-2:4:7-10");
    EXPECT_EQ(set(kA + ":1-10").minus(set(kA + ":1-10," + kB + ":1")).to_string(), "");
    EXPECT_EQ(set(kA + ":1-10," + kB + ":4").minus(set(kA + ":1-20")).to_string(), kB + ":4");
}

TEST(MysqlGtidSet, dump_bytes_are_those_of_the_command_with_and_without_tags) {
    const std::string plain = set(kA + ":1-5").dump_bytes();
    ASSERT_EQ(plain.size(), 8U + 16 + 8 + 16);
    EXPECT_EQ(plain.substr(0, 8), std::string("\1\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(plain.substr(24),
              std::string("\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 24));
    const std::string tagged = set(kA + ":1-5:tag1:1").dump_bytes();
    EXPECT_EQ(tagged.substr(0, 8), std::string("\1\2\0\0\0\0\0\1", 8));
    EXPECT_EQ(tagged[24], '\0');
    EXPECT_EQ(tagged.substr(8 + 17 + 24 + 16, 5), "\x08tag1");
    for (const std::string& text : {std::string(), kA + ":1-5:8," + kB + ":2", kA + ":1:t:7-8"}) {
        EXPECT_EQ(MysqlGtidSet::parse_dump_bytes(set(text).dump_bytes()).value(), set(text));
    }
    EXPECT_FALSE(MysqlGtidSet::parse_dump_bytes(plain.substr(0, plain.size() - 1)));
    EXPECT_FALSE(MysqlGtidSet::parse_dump_bytes(plain + "x"));
}

TEST(MysqlGtidSet, binary_form_comes_back_and_no_shorter_one_does) {
    const MysqlGtidSet some = set(kA + ":1-5:8:t:1," + kB + ":2");
    std::string bytes;
    some.append_binary(bytes);
    ByteReader whole(bytes);
    EXPECT_EQ(MysqlGtidSet::read_binary(whole), some);
    EXPECT_TRUE(whole.at_end());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        ByteReader cut(std::string_view(bytes).substr(0, size));
        EXPECT_FALSE(MysqlGtidSet::read_binary(cut)) << size;
    }
}

TEST(MariadbGtidPosition, keeps_the_last_of_each_domain) {
    auto position = MariadbGtidPosition::parse("1-2-7, 0-1-5").value();
    EXPECT_EQ(position.to_string(), "0-1-5,1-2-7");
    position.add(*parse_mariadb_gtid("0-9-6"));
    position.add(*parse_mariadb_gtid("5-1-1"));
    EXPECT_EQ(position.to_string(), "0-9-6,1-2-7,5-1-1");
    EXPECT_TRUE(position.contains(*parse_mariadb_gtid("0-1-6")));  // servers share the numbers
    EXPECT_FALSE(position.contains(*parse_mariadb_gtid("0-1-7")));
    EXPECT_FALSE(position.contains(*parse_mariadb_gtid("2-1-1")));
    for (const char* bad : {"1-2", "1-2-x", "1-2-3-4", "0-1-5,0-1-6", "-1-2-3"}) {
        EXPECT_FALSE(MariadbGtidPosition::parse(bad)) << bad;
    }
}

TEST(MariadbGtidPosition, binary_form_comes_back) {
    const auto position = MariadbGtidPosition::parse("0-1-5,4000000000-2-18446744073709551615");
    std::string bytes;
    position.value().append_binary(bytes);
    ByteReader reader(bytes);
    EXPECT_EQ(MariadbGtidPosition::read_binary(reader), position.value());
    ByteReader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
    EXPECT_FALSE(MariadbGtidPosition::read_binary(cut));
}

}  // namespace
}  // namespace tributary::mysql
