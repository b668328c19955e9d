// Cells as a SELECT gives them: in their binlog form they mean what they meant.
#include "connectors/mysql/values/cell_encode.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/arena.h"
#include "connectors/mysql/values/json_binary.h"
#include "connectors/mysql/values/json_encode.h"
#include "connectors/mysql/values/table_map.h"
#include "connectors/mysql/values/values.h"

namespace tributary::mysql {
namespace {

class CellEncode : public testing::Test {
  protected:
    std::string encoded(const CellForm& form, std::string_view text) {
        std::string out;
        EXPECT_TRUE(append_cell(out, form, text)) << text;
        std::size_t size = 0;
        EXPECT_TRUE(value_size(form.layout, out, size)) << text;
        EXPECT_EQ(size, out.size()) << text;
        return out;
    }
    Value decoded(const CellForm& form, TypeKind kind, std::string_view text) {
        const std::string bytes = encoded(form, text);
        type_.kind = kind;
        ColumnReader reader;
        reader.type = &type_;
        reader.layout = form.layout;
        reader.is_unsigned = kind == TypeKind::uint64;
        Value value;
        EXPECT_EQ(decode_value(reader, arena_.copy(bytes), arena_, value), ValueFault::none);
        return value;
    }
    std::optional<std::string> json(std::string_view text) {
        std::string binary;
        std::string_view out;
        if (!encode_json(binary, text) || !json_text(binary, arena_, out)) {
            return std::nullopt;
        }
        return std::string(out);
    }

    Arena arena_{4096};
    ColumnType type_;
};

TEST_F(CellEncode, integers_keep_their_whole_range) {
    EXPECT_EQ(encoded({{BinlogType::tiny, 0}, CellText::integer}, "-128"), "\x80");
    EXPECT_EQ(encoded({{BinlogType::int24, 0}, CellText::integer}, "8388607"), "\xff\xff\x7f");
    const CellForm big{{BinlogType::longlong, 0}, CellText::integer};
    EXPECT_EQ(decoded(big, TypeKind::uint64, "18446744073709551615").integer, -1);
    EXPECT_EQ(decoded(big, TypeKind::int64, "-9223372036854775808").integer, INT64_MIN);
    EXPECT_EQ(encoded({{BinlogType::bit, 12}, CellText::integer}, "5"), std::string("\0\x05", 2));
    EXPECT_EQ(encoded({{BinlogType::enumeration, 2}, CellText::integer}, "300"), "\x2c\x01");
    std::string out;
    for (const char* text : {"", "-", "1x", "99999999999999999999", "1.5"}) {
        EXPECT_FALSE(append_cell(out, big, text)) << text;
    }
}

TEST_F(CellEncode, reals_are_the_very_number) {
    const CellForm single{{BinlogType::float_, 4}, CellText::real};
    EXPECT_EQ(decoded(single, TypeKind::float32, "0.10000000149011612").real,
              static_cast<double>(0.1F));
    const CellForm wide{{BinlogType::double_, 8}, CellText::real};
    EXPECT_EQ(decoded(wide, TypeKind::float64, "1.7976931348623157e308").real,
              1.7976931348623157e308);
    std::string out;
    EXPECT_FALSE(append_cell(out, wide, "nothing"));
}

TEST_F(CellEncode, decimals_come_back_digit_by_digit) {
    const auto text = [this](unsigned precision, unsigned scale, std::string_view from) {
        const CellForm form{
            {BinlogType::newdecimal, static_cast<std::uint16_t>(precision << 8U | scale)},
            CellText::decimal};
        return std::string(decoded(form, TypeKind::decimal, from).text);
    };
    EXPECT_EQ(text(20, 6, "-12345.678901"), "-12345.678901");
    EXPECT_EQ(text(30, 10, "12345678901234567890.0123456789"), "12345678901234567890.0123456789");
    EXPECT_EQ(text(9, 0, "999999999"), "999999999");
    EXPECT_EQ(text(65, 30, "-0.000000000000000000000000000001"),
              "-0.000000000000000000000000000001");
    EXPECT_EQ(text(5, 2, "0.00"), "0.00");
    std::string out;
    const CellForm small{{BinlogType::newdecimal, 5U << 8U | 2U}, CellText::decimal};
    for (const char* wrong : {"1234.00", "1.234", "x", "1-2"}) {
        EXPECT_FALSE(append_cell(out, small, wrong)) << wrong;
    }
}

TEST_F(CellEncode, dates_and_times_keep_sign_and_fraction) {
    const auto time = [this](std::uint16_t digits, std::string_view text) {
        return decoded({{BinlogType::time2, digits}, CellText::time}, TypeKind::time, text).integer;
    };
    EXPECT_EQ(time(6, "-838:59:59.999999"), -3'020'399'999'999);
    EXPECT_EQ(time(2, "-00:00:00.01"), -10'000);
    EXPECT_EQ(time(0, "12:34:56"), 45'296'000'000);
    EXPECT_EQ(time(3, "00:00:00.120"), 120'000);
    const auto moment =
        [this](BinlogType type, CellText form, std::uint16_t digits, std::string_view text) {
            return decoded({{type, digits}, form}, TypeKind::timestamp, text).integer;
        };
    EXPECT_EQ(moment(BinlogType::datetime2, CellText::datetime, 6, "2020-02-29 23:59:59.123456"),
              1'583'020'799'123'456);
    EXPECT_EQ(moment(BinlogType::timestamp2, CellText::timestamp, 6, "2020-02-29 23:59:59.123456"),
              1'583'020'799'123'456);
    EXPECT_EQ(moment(BinlogType::timestamp2, CellText::timestamp, 0, "2038-01-19 03:14:07"),
              2'147'483'647'000'000);
    EXPECT_EQ(
        decoded({{BinlogType::date, 0}, CellText::date}, TypeKind::date, "1970-01-02").integer, 1);
    EXPECT_EQ(encoded({{BinlogType::datetime2, 0}, CellText::datetime}, "0000-00-00 00:00:00"),
              std::string("\x80\0\0\0\0", 5));
    EXPECT_EQ(encoded({{BinlogType::year, 0}, CellText::year}, "0000"), std::string(1, '\0'));
    EXPECT_EQ(encoded({{BinlogType::year, 0}, CellText::year}, "2155"), "\xff");
    std::string out;
    for (const char* text : {"2020-13-01", "2020-01", "x", "2020-01-01x", ""}) {
        EXPECT_FALSE(append_cell(out, {{BinlogType::date, 0}, CellText::date}, text)) << text;
    }
}

TEST_F(CellEncode, strings_have_the_length_bytes_of_their_column) {
    EXPECT_EQ(encoded({{BinlogType::varchar, 160}, CellText::bytes}, "ab"),
              "\x02"
              "ab");
    EXPECT_EQ(encoded({{BinlogType::varchar, 256}, CellText::bytes}, "ab"),
              std::string("\x02\0ab", 4));
    EXPECT_EQ(encoded({{BinlogType::string, 4}, CellText::padded}, std::string_view("a\0b\0", 4)),
              std::string("\x03"
                          "a\0b",
                          4));
    EXPECT_EQ(encoded({{BinlogType::blob, 3}, CellText::blob}, "x"), std::string("\1\0\0x", 4));
    EXPECT_EQ(encoded({{BinlogType::string, 16}, CellText::inet6}, "::1").size(), 17U);
    EXPECT_EQ(
        encoded({{BinlogType::string, 16}, CellText::uuid}, "a0eebc00-0000-0000-0000-000000000000"),
        "\x03\xa0\xee\xbc");
    std::string out;
    EXPECT_FALSE(append_cell(out, {{BinlogType::varchar, 1}, CellText::bytes}, "ab"));
    EXPECT_FALSE(append_cell(out, {{BinlogType::string, 16}, CellText::uuid}, "123"));
    EXPECT_FALSE(append_cell(out, {{BinlogType::string, 4}, CellText::inet4}, "1.2.3"));
}

TEST_F(CellEncode, json_reads_as_the_binlog_has_it) {
    EXPECT_EQ(json(R"({"b": [1, -2, 1.5, true, null], "aa": {"x": "y\n\u0001\u00e4"}, "": []})"),
              "{\"b\":[1,-2,1.5,true,null],\"aa\":{\"x\":\"y\\n\\u0001\xC3\xA4\"},\"\":[]}");
    EXPECT_EQ(json("18446744073709551615"), "18446744073709551615");
    EXPECT_EQ(json("1.0"), "1.0");
    EXPECT_EQ(json("1e100"), json("1E100"));
    EXPECT_EQ(json("12345678.9"), "12345678.90000000037252902984619140625");  // a double
    EXPECT_EQ(json("12345678.90"), "12345678.90");                            // a DECIMAL
    EXPECT_EQ(json("0.1234567890123456789012"), "0.1234567890123456789012");
    EXPECT_EQ(json("\"" + std::string(70'000, 'x') + "\""), "\"" + std::string(70'000, 'x') + "\"");
    for (const char* text : {"", "{", "[1,]", "x", "{\"a\":1} 2"}) {
        EXPECT_EQ(json(text), std::nullopt) << text;
    }
    EXPECT_EQ(json(std::string(500, '[') + std::string(500, ']')), std::nullopt);
}

}  // namespace
}  // namespace tributary::mysql
