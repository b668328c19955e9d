// Positions and LSNs: bytes, order and text, each beside what is refused.
#include "connectors/postgresql/position.h"

#include <gtest/gtest.h>

namespace tributary::postgresql {
namespace {

TEST(Lsn, text_is_two_halves_in_upper_case_and_reads_back) {
    EXPECT_EQ(to_string(Lsn(0)), "0/0");
    EXPECT_EQ(to_string(Lsn(0x1A2B3C4)), "0/1A2B3C4");
    EXPECT_EQ(to_string(Lsn(0xFFFFFFFFFFFFFFFFU)), "FFFFFFFF/FFFFFFFF");
    EXPECT_EQ(parse_lsn("16/B374D848"), Lsn(0x16B374D848));
    EXPECT_EQ(parse_lsn("16/b374d848"), Lsn(0x16B374D848));
}

TEST(Lsn, refuses_what_is_next_to_a_text) {
    for (const char* text : {"",
                             "/",
                             "0",
                             "0/",
                             "/0",
                             "0/0/0",
                             "0/123456789",
                             "0/G",
                             " 0/0",
                             "0/0 ",
                             "-1/0",
                             "+1/0",
                             "0x1/0",
                             "123456789/0"}) {
        EXPECT_EQ(parse_lsn(text), std::nullopt) << text;
    }
}

TEST(Position, bytes_read_back) {
    EXPECT_EQ(decode_resume(encode_resume(Lsn(0x0102030405060708))), Lsn(0x0102030405060708));
    EXPECT_EQ(encode_resume(Lsn(0x0102030405060708)).bytes, "\1\2\3\4\5\6\7\10");
    const Identity identity{Lsn(7), 9};
    EXPECT_EQ(decode_done(encode_done(identity)), identity);
    Position reused = encode_done({Lsn(1), 1});
    encode_done_into(identity, reused);
    EXPECT_EQ(reused, encode_done(identity));
}

TEST(Position, says_whether_a_snapshot_was_under_way) {
    const Position within = encode_resume(Lsn(0x10), true);
    EXPECT_TRUE(says_in_snapshot(within));
    EXPECT_EQ(decode_resume(within), Lsn(0x10));
    EXPECT_FALSE(says_in_snapshot(encode_resume(Lsn(0x10))));
    EXPECT_FALSE(says_in_snapshot(encode_resume(Lsn(0x01))));
    EXPECT_FALSE(says_in_snapshot(Position{}));
    Position other = within;
    other.bytes.back() = '\2';
    EXPECT_FALSE(says_in_snapshot(other));
    EXPECT_EQ(decode_resume(other), std::nullopt);
}

TEST(Position, of_another_length_is_none) {
    for (std::size_t size = 0; size < 16; ++size) {
        const Position position{std::string(size, '\2')};
        EXPECT_EQ(decode_resume(position).has_value(), size == 8) << size;
        EXPECT_EQ(decode_done(position).has_value(), size == 12) << size;
    }
}

TEST(Position, done_below_lies_between_the_transactions_around_it) {
    EXPECT_EQ(done_below(Lsn(0)), (Identity{Lsn(0), 0}));
    EXPECT_LT(done_below(Lsn(100)), (Identity{Lsn(100), 0}));
    EXPECT_GE(done_below(Lsn(100)), (Identity{Lsn(99), kWholeTransaction}));
}

TEST(Position, is_described_for_people) {
    EXPECT_EQ(describe(encode_resume(Lsn(0x1A2B3C4))), "0/1A2B3C4");
    EXPECT_EQ(describe(encode_done({Lsn(0x1A2B3C4), 17})), "0/1A2B3C4 #17");
    EXPECT_EQ(describe(encode_done({Lsn(0x1A2B3C4), kWholeTransaction})), "0/1A2B3C4 whole");
    EXPECT_EQ(describe({}), "none");
    EXPECT_EQ(describe({"abc"}), "not a position of postgresql");
}

}  // namespace
}  // namespace tributary::postgresql
