// Places of events, beyond 4 GiB and where the server leaves them out.
#include "connectors/mysql/binlog/binlog_cursor.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "connectors/mysql/binlog/events.h"

namespace tributary::mysql {
namespace {

constexpr std::uint64_t kWrap = 1ULL << 32U;

std::string event(EventType type,
                  std::uint32_t length,
                  std::uint64_t end,
                  std::uint16_t flags = 0,
                  std::string_view body = {}) {
    std::string out;
    append_fixed(out, std::uint32_t{1});
    out.push_back(static_cast<char>(type));
    append_fixed(out, std::uint32_t{1});
    append_fixed(out, length);
    append_fixed(out, static_cast<std::uint32_t>(end));
    append_fixed(out, flags);
    return out.append(body);
}

std::string rotate(std::uint64_t position, std::string_view file, std::uint16_t flags = 0) {
    std::string body;
    append_fixed(body, position);
    return event(EventType::rotate, 40, 0, flags, body.append(file));
}

TEST(BinlogCursor, follows_a_file_from_its_fake_rotate_to_the_next_file) {
    BinlogCursor cursor({"", 4});
    ASSERT_TRUE(cursor.on_event(rotate(4, "bin.000001", kArtificialFlag)));
    ASSERT_TRUE(cursor.on_event(event(EventType::format_description, 123, 127)));
    EXPECT_EQ(cursor.file(), "bin.000001");
    EXPECT_EQ(cursor.offset(), 4U);
    ASSERT_TRUE(cursor.on_event(event(EventType::query, 100, 227)));
    EXPECT_EQ(cursor.offset(), 127U);
    ASSERT_TRUE(cursor.on_event(rotate(4, "bin.000002")));
    EXPECT_EQ(cursor.file(), "bin.000001");
    EXPECT_EQ(cursor.offset(), 227U);
    EXPECT_EQ(cursor.next(), (Place{"bin.000002", 4}));
    ASSERT_TRUE(cursor.on_event(rotate(4, "bin.000002", kArtificialFlag)));
    EXPECT_EQ(cursor.next(), (Place{"bin.000002", 4}));
}

TEST(BinlogCursor, in_the_middle_of_a_file_the_repeated_description_has_no_place) {
    BinlogCursor cursor({"bin.000001", 1000});
    ASSERT_TRUE(cursor.on_event(rotate(1000, "bin.000001", kArtificialFlag)));
    ASSERT_TRUE(cursor.on_event(event(EventType::format_description, 123, 0)));
    EXPECT_EQ(cursor.next().offset, 1000U);
    ASSERT_TRUE(cursor.on_event(event(EventType::query, 100, 1100)));
    EXPECT_EQ(cursor.offset(), 1000U);
}

TEST(BinlogCursor, events_that_do_not_tell_their_place_follow_one_another) {
    BinlogCursor cursor({"bin.000001", 4});
    ASSERT_TRUE(cursor.on_event(event(EventType::format_description, 252, 0)));  // MariaDB 11.8
    ASSERT_TRUE(cursor.on_event(event(EventType::mariadb_gtid, 42, 298)));
    ASSERT_TRUE(cursor.on_event(event(EventType::table_map, 50, 0)));
    EXPECT_EQ(cursor.offset(), 298U);
    ASSERT_TRUE(cursor.on_event(event(EventType::write_rows_v1, 60, 0)));
    EXPECT_EQ(cursor.offset(), 348U);
    ASSERT_TRUE(cursor.on_event(event(EventType::xid, 31, 439)));
    EXPECT_EQ(cursor.offset(), 408U);
    EXPECT_EQ(cursor.next().offset, 439U);
}

TEST(BinlogCursor, places_go_on_beyond_four_gibibytes) {
    BinlogCursor cursor({"bin.000001", kWrap - 50});
    ASSERT_TRUE(cursor.on_event(event(EventType::query, 100, kWrap + 50)));
    EXPECT_EQ(cursor.offset(), kWrap - 50);
    EXPECT_EQ(cursor.next().offset, kWrap + 50);
    ASSERT_TRUE(cursor.on_event(event(EventType::query, 100, kWrap + 150)));
    EXPECT_EQ(cursor.offset(), kWrap + 50);
    // One event of nearly 4 GiB.
    ASSERT_TRUE(
        cursor.on_event(event(EventType::write_rows, 0xFFFFFFFF, kWrap + 150 + 0xFFFFFFFF)));
    EXPECT_EQ(cursor.next().offset, 2 * kWrap + 149);
}

TEST(BinlogCursor, transactions_that_the_server_left_out_are_jumped_over) {
    BinlogCursor cursor({"bin.000001", 127});
    ASSERT_TRUE(cursor.on_event(event(EventType::gtid, 79, 900'079)));
    EXPECT_EQ(cursor.offset(), 900'000U);
    ASSERT_TRUE(cursor.on_event(event(EventType::gtid_list, 43, 0, kArtificialFlag)));
    EXPECT_EQ(cursor.next().offset, 900'079U);
}

TEST(BinlogCursor, a_heartbeat_tells_how_far_the_stream_came) {
    BinlogCursor cursor({"bin.000001", kWrap + 10});
    ASSERT_TRUE(cursor.on_event(event(EventType::heartbeat, 29, kWrap + 500, 0, "bin.000001")));
    EXPECT_EQ(cursor.next(), (Place{"bin.000001", kWrap + 500}));
    ASSERT_TRUE(cursor.on_event(event(EventType::heartbeat, 29, 700, 0, "bin.000002")));
    EXPECT_EQ(cursor.next(), (Place{"bin.000002", 700}));
    std::string body("\x01\x0a", 2);
    body.append("bin.000002").append("\x02\x09\xfe", 3);
    append_fixed(body, 3 * kWrap);
    ASSERT_TRUE(cursor.on_event(event(EventType::heartbeat_v2, 60, 0, 0, body.append(1, '\0'))));
    EXPECT_EQ(cursor.next(), (Place{"bin.000002", 3 * kWrap}));
}

TEST(BinlogCursor, refuses_what_is_not_an_event) {
    BinlogCursor cursor({"bin.000001", 4});
    EXPECT_FALSE(cursor.on_event("short"));
    EXPECT_FALSE(cursor.on_event(event(EventType::rotate, 20, 0, 0, "x")));
}

}  // namespace
}  // namespace tributary::mysql
