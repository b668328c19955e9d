// Bytes and order of positions.
#include "connectors/mysql/position.h"

#include <gtest/gtest.h>

namespace tributary::mysql {
namespace {

const std::string kA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

ResumePoint at_set(const std::string& set, std::uint64_t offset = 100) {
    ResumePoint out;
    out.by_gtid = true;
    out.executed = MysqlGtidSet::parse(set).value();
    out.next = {"bin.000002", offset};
    return out;
}

ResumePoint at_place(const std::string& file, std::uint64_t offset) {
    ResumePoint out;
    out.next = {file, offset};
    return out;
}

StartPoint state(const ResumePoint& resume, const std::optional<Identity>& done = std::nullopt) {
    return {encode_resume(resume), done ? encode_done(*done) : Position()};
}

Identity row(const std::string& gtid, std::uint32_t ordinal, std::uint64_t offset = 100) {
    return {{gtid, {"bin.000002", offset}}, ordinal};
}

std::string hex(const std::string& bytes) {
    std::string out;
    for (const char c : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
        out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
    }
    return out;
}

TEST(Position, bytes_are_as_documented) {
    ResumePoint mysql = at_set(kA + ":1-5:t:2");
    mysql.open_xa = {"xid"};
    EXPECT_EQ(hex(encode_resume(mysql).bytes),
              "010101"
              "023e11fa4771ca11e19e33c80aa9429562000100000000000000010000000000000005"
              "3e11fa4771ca11e19e33c80aa942956201740100000000000000020000000000000002"
              "0a62696e2e303030303032"
              "0000000000000064"
              "0103786964");
    ResumePoint mariadb = at_place("bin.000002", 1ULL << 33U);
    mariadb.server = ServerKind::mariadb;
    mariadb.by_gtid = true;
    mariadb.gtid_position = MariadbGtidPosition::parse("0-1-5").value();
    EXPECT_EQ(hex(encode_resume(mariadb).bytes),
              "010201"
              "0100000000000000010000000000000005"
              "0a62696e2e303030303032"
              "0000000200000000"
              "00");
    EXPECT_EQ(hex(encode_resume(at_place("b.1", 7)).bytes), "01010203622e31000000000000000700");
    EXPECT_EQ(hex(encode_done(row("0-1-5", 9)).bytes),
              "0105302d312d350a62696e2e303030303032000000000000006400000009");
}

TEST(Position, comes_back_whole_and_no_shorter_one_does) {
    ResumePoint point = at_set(kA + ":1-5:7");
    point.open_xa = {"a", "bc"};
    const Position resume = encode_resume(point);
    const auto back = decode_resume(resume);
    ASSERT_TRUE(back);
    EXPECT_EQ(encode_resume(*back), resume);
    EXPECT_EQ(back->open_xa, point.open_xa);
    for (std::size_t size = 0; size < resume.bytes.size(); ++size) {
        EXPECT_FALSE(decode_resume({resume.bytes.substr(0, size)})) << size;
    }
    EXPECT_FALSE(decode_resume({resume.bytes + "x"}));
    const Position done = encode_done(row("0-1-5", 3));
    EXPECT_EQ(decode_done(done)->ordinal, 3U);
    for (std::size_t size = 0; size < done.bytes.size(); ++size) {
        EXPECT_FALSE(decode_done({done.bytes.substr(0, size)})) << size;
    }
    EXPECT_FALSE(decode_done(encode_resume(at_place("b.1", 7))));
}

TEST(Position, carries_what_the_last_transaction_is_known_by) {
    ResumePoint point = at_place("b.1", 7);
    point.last = Fingerprint{.transaction = {"0-1-5", {"b.1", 4}},
                             .commit_time_us = 0x0102,
                             .events = 3,
                             .crc = 0xA0B0C0D0,
                             .server = 9,
                             .before = "0-1-4"};
    const Position bytes = encode_resume(point);
    EXPECT_EQ(hex(bytes.bytes),
              "02010203622e31000000000000000700"
              "05302d312d3503622e310000000000000004"
              "000000000000010200000003a0b0c0d00000000905302d312d34");
    const auto back = decode_resume(bytes);
    ASSERT_TRUE(back && back->last);
    EXPECT_EQ(encode_resume(*back), bytes);
    for (std::size_t size = 0; size < bytes.bytes.size(); ++size) {
        EXPECT_FALSE(decode_resume({bytes.bytes.substr(0, size)})) << size;
    }
    const Position done = encode_done({{"0-1-5", {"b.1", 4}}, 3, 0x0102});
    EXPECT_EQ(hex(done.bytes), "0205302d312d3503622e310000000000000004000000000000010200000003");
    EXPECT_EQ(decode_done(done)->commit_time_us, 0x0102);
    EXPECT_EQ(encode_done(*decode_done(done)), done);
}

TEST(Position, places_are_ordered_by_the_number_of_the_file) {
    EXPECT_TRUE(compare(Place{"bin.000009", 900}, Place{"bin.000010", 4}) < 0);
    EXPECT_TRUE(compare(Place{"bin.999999", 4}, Place{"bin.1000000", 4}) < 0);
    EXPECT_TRUE(compare(Place{"bin.000009", 4}, Place{"bin.000009", 1ULL << 32U}) < 0);
    EXPECT_TRUE(compare(Place{"bin.000009", 4}, Place{"bin.000009", 4}) == 0);
}

TEST(Position, states_by_gtid_are_ordered_by_their_sets_and_then_by_what_is_half) {
    const StartPoint none;
    const StartPoint five = state(at_set(kA + ":1-5"), row(kA + ":5", kWholeTransaction));
    const StartPoint six_begun = state(at_set(kA + ":1-5"), row(kA + ":6", 3));
    const StartPoint six_more = state(at_set(kA + ":1-5"), row(kA + ":6", 4));
    const StartPoint six = state(at_set(kA + ":1-6"), row(kA + ":6", kWholeTransaction));
    EXPECT_EQ(compare(none, none), std::partial_ordering::equivalent);
    EXPECT_EQ(compare(none, five), std::partial_ordering::less);
    EXPECT_EQ(compare(five, five), std::partial_ordering::equivalent);
    EXPECT_EQ(compare(five, six_begun), std::partial_ordering::less);
    EXPECT_EQ(compare(six_more, six_begun), std::partial_ordering::greater);
    EXPECT_EQ(compare(six_more, six), std::partial_ordering::less);
    EXPECT_EQ(compare(six, five), std::partial_ordering::greater);
}

TEST(Position, states_of_two_histories_have_no_order) {
    const StartPoint left = state(at_set(kA + ":1-5:7"));
    const StartPoint right = state(at_set(kA + ":1-6"));
    EXPECT_EQ(compare(left, right), std::partial_ordering::unordered);
    EXPECT_EQ(compare(left, state(at_place("bin.000002", 5))), std::partial_ordering::unordered);
    EXPECT_EQ(compare(left, {{"junk"}, {}}), std::partial_ordering::unordered);
    // Rows of a transaction that the one further on never had.
    EXPECT_EQ(compare(state(at_set(kA + ":1-5"), row(kA + ":9", 1)), state(at_set(kA + ":1-6"))),
              std::partial_ordering::unordered);
}

TEST(Position, states_by_place_are_ordered_by_place) {
    const StartPoint early =
        state(at_place("bin.000001", 900), Identity{{"", {"bin.000001", 900}}, 2});
    const StartPoint late = state(at_place("bin.000002", 4));
    EXPECT_EQ(compare(early, late), std::partial_ordering::less);
    EXPECT_EQ(compare(late, early), std::partial_ordering::greater);
}

TEST(Position, is_described_for_people) {
    EXPECT_EQ(describe(encode_resume(at_set(kA + ":1-5"))), kA + ":1-5 (bin.000002:100)");
    EXPECT_EQ(describe(encode_resume(at_place("bin.000002", 100))), "bin.000002:100");
    EXPECT_EQ(describe(encode_done(row("0-1-5", 17))), "0-1-5 #17");
    EXPECT_EQ(describe(encode_done(row("", kWholeTransaction))), "bin.000002:100 whole");
    EXPECT_EQ(describe({}), "none");
    EXPECT_EQ(describe({"junk"}), "not a position of mysql");
}

TEST(Position, of_an_event_is_its_gtid_or_else_its_place) {
    std::string by_gtid;
    append_event_position(by_gtid, row("0-1-5", 0).transaction);
    EXPECT_EQ(hex(by_gtid), "05302d312d35");
    std::string by_place;
    append_event_position(by_place, {"", {"b.1", 7}});
    EXPECT_EQ(hex(by_place), "0003622e310000000000000007");
}

}  // namespace
}  // namespace tributary::mysql
