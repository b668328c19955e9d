// The packed `tributary` header.
#include "format/record_header.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::format {
namespace {

std::string sample() {
    std::string out;
    append_record_header(out,
                         {.source = "plant",
                          .position = std::string_view("\0\1", 2),
                          .ordinal = 300,
                          .sub_index = 2,
                          .sequence = Sequence(70'000)});
    return out;
}

TEST(RecordHeader, has_the_documented_bytes) {
    const std::string expected =
        std::string("\x01\x05plant\x02\x00\x01\xAC\x02\x02", 13) + std::string("\xF0\xA2\x04", 3);
    EXPECT_EQ(sample(), expected);
}

TEST(RecordHeader, comes_back_whole_and_is_appended) {
    const std::string bytes = sample();
    const auto parsed = parse_record_header(bytes);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed.value().source, "plant");
    EXPECT_EQ(parsed.value().position, std::string_view("\0\1", 2));
    EXPECT_EQ(parsed.value().ordinal, 300U);
    EXPECT_EQ(parsed.value().sub_index, 2U);
    EXPECT_EQ(parsed.value().sequence, Sequence(70'000));
    std::string out = "before";
    append_record_header(out, parsed.value());
    EXPECT_EQ(out, "before" + bytes);
}

TEST(RecordHeader, is_refused_when_cut_off_too_long_or_of_another_format) {
    const std::string bytes = sample();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(parse_record_header(bytes.substr(0, length))) << length;
    }
    EXPECT_FALSE(parse_record_header(bytes + "x"));
    std::string later = bytes;
    later[0] = 2;
    EXPECT_FALSE(parse_record_header(later));
}

TEST(RecordHeader, refuses_an_ordinal_or_sub_index_out_of_range) {
    const auto with = [](std::uint64_t ordinal, std::uint64_t sub_index) {
        std::string out = "\1";
        append_sized(out, "s");
        append_sized(out, "p");
        append_varint(out, ordinal);
        append_varint(out, sub_index);
        append_varint(out, 1);
        return static_cast<bool>(parse_record_header(out));
    };
    EXPECT_TRUE(with(0xFFFFFFFF, 0xFFFF));
    EXPECT_FALSE(with(0x100000000, 0));
    EXPECT_FALSE(with(0, 0x10000));
}

}  // namespace
}  // namespace tributary::format
