// Parsers of events, over bytes of real servers and over every shortening of them.
#include "connectors/mysql/binlog/events.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <functional>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

std::string from_hex(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string out;
    for (std::size_t index = 0; index + 1 < text.size(); index += 2) {
        out.push_back(static_cast<char>(digit(text[index]) * 16 + digit(text[index + 1])));
    }
    return out;
}

// No shortening of `body` is taken, from `least` bytes down.
void refuses_shorter(const std::string& body,
                     std::size_t least,
                     const std::function<bool(std::string_view)>& takes) {
    for (std::size_t size = 0; size < least; ++size) {
        EXPECT_FALSE(takes(std::string_view(body).substr(0, size))) << size;
    }
}

TEST(Events, header_is_nineteen_bytes) {
    const std::string bytes = from_hex("010203040215000000640000006e0000000800");
    const auto header = parse_header(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header.value().time_s, 0x04030201U);
    EXPECT_EQ(header.value().type, EventType::query);
    EXPECT_EQ(header.value().server_id, 21U);
    EXPECT_EQ(header.value().length, 100U);
    EXPECT_EQ(header.value().end_position, 110U);
    EXPECT_EQ(header.value().flags, 8U);
    EXPECT_FALSE(parse_header(bytes.substr(1)));
}

TEST(Events, gtid_of_mysql_9_has_its_commit_time_and_size) {
    const std::string body = from_hex(
        "0110e1d5abe93111f1868b02fc0000000101000000000000000200000000000000000100000000000000"
        "657a5d1b236106b950620100");
    const auto event = parse_gtid(EventType::gtid, body);
    ASSERT_TRUE(event);
    EXPECT_EQ(to_string(*event.value().gtid), "10e1d5ab-e931-11f1-868b-02fc00000001:1");
    EXPECT_EQ(event.value().commit_time_us, 0x0661231b5d7a65);
    EXPECT_EQ(event.value().transaction_bytes, 0xb9U);
    refuses_shorter(body, 25, [](auto cut) { return bool(parse_gtid(EventType::gtid, cut)); });
    // MySQL 5.6 ends behind the number.
    EXPECT_EQ(parse_gtid(EventType::gtid, body.substr(0, 25)).value().commit_time_us, 0);
    EXPECT_FALSE(parse_gtid(EventType::anonymous_gtid, body).value().gtid);
}

TEST(Events, original_commit_time_of_a_replica_counts) {
    std::string body(1 + 16, '\1');
    body += from_hex("0500000000000000");                    // number
    body += from_hex("0200000000000000000100000000000000");  // logical timestamps
    body += from_hex("657a5d1b236186");                      // immediate, original follows
    body += from_hex("010000000000000000");                  // original 1; length 0; ..
    EXPECT_EQ(parse_gtid(EventType::gtid, body).value().commit_time_us, 1);
}

TEST(Events, tagged_gtid_of_mysql_9) {
    const std::string body = from_hex(
        "0274000000022085035503ad02a5036222c50319022d0204f1030000000204040608746167310848"
        "0a540c7f1196611b2361061009051283120b");
    const auto event = parse_gtid(EventType::gtid_tagged, body);
    ASSERT_TRUE(event) << event.error().message();
    EXPECT_EQ(to_string(*event.value().gtid), "10e1d5ab-e931-11f1-868b-02fc00000001:tag1:1");
    EXPECT_EQ(event.value().commit_time_us, 0x0661231b619611);
    EXPECT_EQ(event.value().transaction_bytes, 322U);
    refuses_shorter(
        body, body.size(), [](auto cut) { return bool(parse_gtid(EventType::gtid_tagged, cut)); });
}

TEST(Events, gtid_of_mariadb_with_and_without_an_xa_identifier) {
    const auto plain =
        parse_mariadb_gtid_event(11, from_hex("01000000000000000000000029000000000000"));
    ASSERT_TRUE(plain);
    EXPECT_EQ(to_string(plain.value().gtid), "0-11-1");
    EXPECT_EQ(plain.value().flags, 0x29);
    const std::string body = from_hex("0e00000000000000000000004c07000000020178316201ff");
    const auto prepared = parse_mariadb_gtid_event(11, body);
    ASSERT_TRUE(prepared);
    EXPECT_EQ(describe_xid(prepared.value().xid), "X'7831',X'62',7");
    refuses_shorter(body, 22, [](auto cut) { return bool(parse_mariadb_gtid_event(11, cut)); });
    EXPECT_EQ(prepared.value().thread_id, 0U);
    // 11.8 tells the thread.
    const std::string newer = from_hex("01000000000000000000000029100500000000");
    EXPECT_EQ(parse_mariadb_gtid_event(11, newer).value().thread_id, 5U);
}

TEST(Events, xa_prepare_and_query_name_the_same_identifier) {
    const std::string body = from_hex("00070000000200000001000000783162");
    const auto prepare = parse_xa_prepare(body);
    ASSERT_TRUE(prepare);
    EXPECT_FALSE(prepare.value().one_phase);
    EXPECT_EQ(describe_xid(prepare.value().xid), "X'7831',X'62',7");
    refuses_shorter(body, body.size(), [](auto cut) { return bool(parse_xa_prepare(cut)); });
    EXPECT_FALSE(parse_xa_prepare(from_hex("0007000000ffffffff01000000783162")));
}

TEST(Events, query_has_thread_database_and_text) {
    std::string body = from_hex("0a000000000000000400000300aabbcc");
    body += std::string("shop\0", 5) + "BEGIN";
    const auto query = parse_query(EventType::query, body);
    ASSERT_TRUE(query);
    EXPECT_EQ(query.value().thread_id, 10U);
    EXPECT_EQ(query.value().database, "shop");
    EXPECT_EQ(query.value().text, "BEGIN");
    refuses_shorter(
        body, body.size() - 5, [](auto cut) { return bool(parse_query(EventType::query, cut)); });
}

TEST(Events, rows_of_both_versions_have_their_bitmaps_and_images) {
    const std::string v2 = from_hex("6d000000000011000200050102000700000000046d696e69");
    const auto update = parse_rows(EventType::update_rows, v2);
    ASSERT_TRUE(update);
    EXPECT_EQ(update.value().kind, RowsKind::update);
    EXPECT_EQ(update.value().table_id, 0x6dU);
    EXPECT_EQ(update.value().columns, 5U);
    EXPECT_EQ(update.value().present_before, "\x01");
    EXPECT_EQ(update.value().present_after, "\x02");
    EXPECT_EQ(update.value().rows, from_hex("000700000000046d696e69"));
    const std::string v1 = from_hex("17000000000001000501fe07000000");
    const auto remove = parse_rows(EventType::delete_rows_v1, v1);
    ASSERT_TRUE(remove);
    EXPECT_EQ(remove.value().kind, RowsKind::remove);
    EXPECT_EQ(remove.value().present_before, "\x01");
    EXPECT_EQ(remove.value().rows, from_hex("fe07000000"));
    refuses_shorter(v2, 13, [](auto cut) { return bool(parse_rows(EventType::update_rows, cut)); });
    EXPECT_FALSE(parse_rows(EventType::query, v2));
    // A count of columns that no event can have.
    EXPECT_FALSE(parse_rows(EventType::write_rows,
                            from_hex("6d0000000000110002"
                                     "00feffffffffffffffff00")));
}

TEST(Events, the_kind_of_rows_is_told_by_the_type) {
    const std::string body = from_hex("6d00000000001100020001ffff00");
    const auto kind = [&body](EventType type) { return parse_rows(type, body).value().kind; };
    EXPECT_EQ(kind(EventType::write_rows), RowsKind::write);
    EXPECT_EQ(kind(EventType::update_rows), RowsKind::update);
    EXPECT_EQ(kind(EventType::delete_rows), RowsKind::remove);
    EXPECT_EQ(kind(EventType::partial_update_rows), RowsKind::update);
    EXPECT_TRUE(parse_rows(EventType::partial_update_rows, body).value().partial);
    EXPECT_EQ(kind(EventType::update_rows_compressed_v1), RowsKind::update);
    EXPECT_EQ(kind(EventType::delete_rows_compressed), RowsKind::remove);
    EXPECT_TRUE(parse_rows(EventType::write_rows_compressed, body).value().compressed);
}

TEST(Events, compressed_rows_of_mariadb_are_inflated_to_their_length_and_not_beyond) {
    const std::string packed =
        from_hex("820203789cfb26cac0c0f085b16a148c38f04d0c18f58c0c8500b5e2f1c7");
    EXPECT_EQ(inflated_bytes(packed).value(), 515U);
    std::string out;
    ASSERT_TRUE(inflate_into(packed, 1000, out));
    EXPECT_EQ(out.size(), 515U);
    ASSERT_TRUE(inflate_into(packed, 100, out));
    EXPECT_EQ(out.size(), 100U);
    for (std::size_t size = 0; size + 4 < packed.size(); ++size) {
        EXPECT_FALSE(inflate_into(std::string_view(packed).substr(0, size), 1000, out)) << size;
    }
    std::string longer = packed;
    longer[2] = '\x04';
    EXPECT_FALSE(inflate_into(longer, 1000, out));
    std::string other = packed;
    other[0] = '\x92';  // another algorithm
    EXPECT_FALSE(inflate_into(other, 1000, out));
}

TEST(Events, payload_head_asks_for_more_until_it_is_complete) {
    const std::string body = from_hex("0201000303fcd7020101bc0028b52ffd60d7019505");
    for (std::size_t size = 0; size < 11; ++size) {
        const auto cut = parse_payload_head(std::string_view(body).substr(0, size));
        ASSERT_TRUE(cut) << size;
        EXPECT_FALSE(cut.value().complete) << size;
    }
    const auto head = parse_payload_head(body);
    ASSERT_TRUE(head);
    ASSERT_TRUE(head.value().complete);
    EXPECT_EQ(head.value().compression, 0U);
    EXPECT_EQ(head.value().uncompressed_bytes, 0x02d7U);
    EXPECT_EQ(head.value().payload_bytes, 0xbcU);
    EXPECT_EQ(head.value().payload_offset, 12U);
    EXPECT_FALSE(parse_payload_head(std::string(300, '\xfa')));
}

TEST(Events, rotate_heartbeat_incident_and_format) {
    const std::string rotate_body = from_hex("040000000000000062696e2e303030303033");
    const auto rotate = parse_rotate(rotate_body);
    ASSERT_TRUE(rotate);
    EXPECT_EQ(rotate.value().position, 4U);
    EXPECT_EQ(rotate.value().file, "bin.000003");
    EXPECT_FALSE(parse_rotate(from_hex("0400000000000000")));
    EXPECT_EQ(parse_heartbeat(EventType::heartbeat, "bin.000003").value().file, "bin.000003");
    const std::string beat = from_hex("0105622e3030330209fe000000000100000000");
    const auto second = parse_heartbeat(EventType::heartbeat_v2, beat);
    ASSERT_TRUE(second);
    EXPECT_EQ(second.value().file, "b.003");
    EXPECT_EQ(second.value().position, 1ULL << 32U);
    const std::string incident_body = from_hex("0100046c6f7374");
    const auto incident = parse_incident(incident_body);
    ASSERT_TRUE(incident);
    EXPECT_EQ(incident.value().message, "lost");
    EXPECT_FALSE(parse_incident(from_hex("0100056c6f7374")));
    std::string format = from_hex("0400");
    format +=
        "9.7.4" + std::string(45, '\0') + from_hex("7a7e076b13") + std::string(40, '\0') + "\1";
    ASSERT_TRUE(parse_format_description(format));
    EXPECT_EQ(parse_format_description(format).value().server_version, "9.7.4");
    EXPECT_EQ(parse_format_description(format).value().checksum, 1);
    format[0] = '\3';
    EXPECT_FALSE(parse_format_description(format));
}

TEST(Events, a_query_names_the_character_set_of_its_text) {
    const auto collation_of_query = [](std::string_view variables) {
        std::string body(8, '\0');
        body.append(1, '\1').append(2, '\0');
        append_fixed(body, static_cast<std::uint16_t>(variables.size()));
        body.append(variables).append("d").append(1, '\0').append("BEGIN");
        const auto query = parse_query(EventType::query, body);
        EXPECT_TRUE(query) << query.error().message();
        return query ? query.value().collation : 0xFFFF;
    };
    const std::string before = std::string("\0flag\1sql_mode", 14) + std::string("\6\3std", 5);
    EXPECT_EQ(collation_of_query(before + std::string("\4\x08\0\x2d\0\x2d\0", 7)), 8);
    EXPECT_EQ(collation_of_query(before), 0);
    EXPECT_EQ(collation_of_query(before + "\4\x08"), 0);
    EXPECT_EQ(collation_of_query(std::string("\x63\4\x08\0", 4)), 0) << "behind an unknown code";
    EXPECT_EQ(collation_of_query("\6\xff"), 0);
}

}  // namespace
}  // namespace tributary::mysql
