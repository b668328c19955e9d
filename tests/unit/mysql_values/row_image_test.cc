// Lengths of row images, and which rows of a system-versioned table are current.
#include <gtest/gtest.h>

#include "connectors/mysql/values/row_image.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::hex;

RowLayout layout_of(std::vector<ColumnLayout> columns) {
    RowLayout layout;
    layout.columns = std::move(columns);
    for (const ColumnLayout& column : layout.columns) {
        layout.json_columns += column.type == BinlogType::json ? 1U : 0U;
    }
    return layout;
}

struct Sized {
    ColumnLayout column;
    std::string_view bytes;  // hex of a whole value
};

TEST(ValueSize, is_that_of_the_type) {
    for (const Sized& each :
         std::vector<Sized>{{{BinlogType::tiny, 0}, "01"},
                            {{BinlogType::year, 0}, "01"},
                            {{BinlogType::short_, 0}, "0102"},
                            {{BinlogType::int24, 0}, "010203"},
                            {{BinlogType::long_, 0}, "01020304"},
                            {{BinlogType::longlong, 0}, "0102030405060708"},
                            {{BinlogType::float_, 4}, "01020304"},
                            {{BinlogType::double_, 8}, "0102030405060708"},
                            {{BinlogType::date, 0}, "010203"},
                            {{BinlogType::time, 0}, "010203"},
                            {{BinlogType::datetime, 0}, "0102030405060708"},
                            {{BinlogType::timestamp, 0}, "01020304"},
                            {{BinlogType::time2, 0}, "010203"},
                            {{BinlogType::time2, 1}, "01020304"},
                            {{BinlogType::time2, 6}, "010203040506"},
                            {{BinlogType::datetime2, 3}, "01020304050607"},
                            {{BinlogType::timestamp2, 6}, "01020304050607"},
                            {{BinlogType::bit, 9}, "0102"},
                            {{BinlogType::bit, 64}, "0102030405060708"},
                            {{BinlogType::enumeration, 2}, "0102"},
                            {{BinlogType::set, 8}, "0102030405060708"},
                            {{BinlogType::newdecimal, 10 * 256 + 2}, "0102030405"},
                            {{BinlogType::varchar, 255}, "026162"},
                            {{BinlogType::varchar, 256}, "02006162"},
                            {{BinlogType::string, 300}, "02006162"},
                            {{BinlogType::blob, 1}, "0161"},
                            {{BinlogType::blob, 4}, "0100000061"},
                            {{BinlogType::json, 4}, "0100000061"},
                            {{BinlogType::geometry, 4}, "00000000"},
                            {{BinlogType::vector, 4}, "0400000001020304"},
                            {{BinlogType::varchar_compressed, 161}, "0161"},
                            {{BinlogType::blob_compressed, 2}, "010061"}}) {
        const std::string bytes = hex(each.bytes);
        std::size_t size = 0;
        EXPECT_TRUE(value_size(each.column, bytes + "more", size)) << each.bytes;
        EXPECT_EQ(size, bytes.size()) << each.bytes;
        EXPECT_FALSE(value_size(each.column, std::string_view(bytes).substr(1), size) &&
                     size == bytes.size())
            << each.bytes;
    }
}

TEST(ValueSize, is_refused_for_what_no_server_writes) {
    std::size_t size = 0;
    const std::string bytes(100, '\0');
    for (const ColumnLayout& column : std::vector<ColumnLayout>{{BinlogType::bit, 0},
                                                                {BinlogType::bit, 65},
                                                                {BinlogType::time2, 7},
                                                                {BinlogType::blob, 0},
                                                                {BinlogType::blob, 5},
                                                                {BinlogType::set, 9},
                                                                {BinlogType::float_, 0},
                                                                {BinlogType::newdecimal, 2},
                                                                {BinlogType::null, 0},
                                                                {BinlogType::typed_array, 0},
                                                                {static_cast<BinlogType>(99), 0}}) {
        EXPECT_FALSE(value_size(column, bytes, size)) << static_cast<int>(column.type);
    }
}

const RowLayout kThree =
    layout_of({{BinlogType::long_, 0}, {BinlogType::varchar, 40}, {BinlogType::tiny, 0}});

TEST(RowImage, has_null_bits_and_values_of_present_columns_only) {
    const auto size = [](std::string_view present, std::string_view bytes) {
        const auto found = row_image_size(kThree, hex(present), hex(bytes));
        return found ? static_cast<int>(found.value()) : -1;
    };
    EXPECT_EQ(size("07",
                   "00"
                   "01000000"
                   "026162"
                   "05"),
              9);
    EXPECT_EQ(size("07",
                   "00"
                   "01000000"
                   "026162"
                   "05"
                   "ffff"),
              9);
    EXPECT_EQ(size("07",
                   "02"
                   "01000000"
                   "05"),
              6);
    EXPECT_EQ(size("07", "07"), 1);
    EXPECT_EQ(size("05",
                   "02"
                   "01000000"),
              5);  // the second null bit is of the third column
    EXPECT_EQ(size("00", ""), 0);
    EXPECT_EQ(size("07",
                   "00"
                   "01000000"
                   "026162"),
              -1);
    EXPECT_EQ(size("07", ""), -1);
    EXPECT_EQ(size("", "00"), -1);
}

TEST(RowImage, of_a_partial_update_has_options_and_bits_before) {
    const RowLayout layout = layout_of({{BinlogType::long_, 0}, {BinlogType::json, 4}});
    const auto size = [&layout](std::string_view bytes) {
        const auto found = partial_image_size(layout, hex("03"), hex(bytes));
        return found ? static_cast<int>(found.value()) : -1;
    };
    EXPECT_EQ(size("01"
                   "01"
                   "00"
                   "01000000"
                   "0100000061"),
              12);
    EXPECT_EQ(size("00"
                   "00"
                   "01000000"
                   "0100000061"),
              11);
    EXPECT_EQ(size("02"
                   "00"
                   "01000000"
                   "0100000061"),
              -1);
    EXPECT_EQ(size("01"), -1);
    EXPECT_EQ(size(""), -1);
}

TEST(PackedInteger, is_one_three_four_or_nine_bytes) {
    const auto take = [](std::string_view digits) {
        const std::string bytes = hex(digits);
        std::string_view rest = bytes;
        std::uint64_t value = 0;
        return take_packed(rest, value) && rest.empty() ? static_cast<std::int64_t>(value) : -1;
    };
    EXPECT_EQ(take("fa"), 250);
    EXPECT_EQ(take("fcff00"), 255);
    EXPECT_EQ(take("fd000001"), 65536);
    EXPECT_EQ(take("fe0000000001000000"), 4294967296);
    EXPECT_EQ(take("fb"), -1);
    EXPECT_EQ(take("ff"), -1);
    EXPECT_EQ(take("fcff"), -1);
    EXPECT_EQ(take(""), -1);
}

TEST(VersionedRow, is_current_while_its_end_is_the_end_of_time) {
    const RowLayout layout = layout_of(
        {{BinlogType::long_, 0}, {BinlogType::timestamp2, 6}, {BinlogType::timestamp2, 6}});
    const std::string now =
        "0000000001"
        "6a46360d000001";
    EXPECT_TRUE(is_current_row(layout, hex("07"), hex(now + "7fffffff0f423f"), 2));
    EXPECT_TRUE(is_current_row(layout, hex("07"), hex(now + "ffffffff0f423f"), 2));  // 11.5
    EXPECT_FALSE(is_current_row(layout, hex("07"), hex(now + "6a46360d000001"), 2));
    EXPECT_TRUE(is_current_row(layout, hex("03"), hex(now), 2));
    EXPECT_TRUE(is_current_row(layout, hex("07"), hex(now + "6a46360d000001"), 3));
}

}  // namespace
}  // namespace tributary::mysql
