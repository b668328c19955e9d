// Binary JSON and its diffs; the captured documents are in tests/golden/mysql_values.
#include <gtest/gtest.h>

#include <bit>

#include "base/bytes.h"
#include "connectors/mysql/values/json_binary.h"
#include "connectors/mysql/values/json_diff.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::hex;

std::string text_of(std::string_view binary) {
    Arena arena;
    std::string_view out;
    return json_text(binary, arena, out) ? std::string(out) : "refused";
}

// {"a":1,"b":"x"}
std::string small_object() {
    // count 2, size, keys at 18 and 19, values: int16 inline 1, string at 20
    return hex(
        "000200160012000100130001000501000c1400616201"
        "78");
}

std::string diff(int operation, std::string_view path, std::string_view value) {
    std::string out(1, static_cast<char>(operation));
    out.push_back(static_cast<char>(path.size()));
    out += path;
    if (operation != 2) {
        out.push_back(static_cast<char>(value.size()));
        out += value;
    }
    return out;
}

std::string after(std::string_view before, std::string_view diffs) {
    Arena arena;
    std::string_view out;
    return apply_json_diffs(before, diffs, arena, out) ? std::string(out) : "refused";
}

const std::string kSeven = hex("050700");  // int16 7
const std::string kTrue = hex("0401");

TEST(JsonBinary, is_printed_without_spaces_in_stored_order) {
    EXPECT_EQ(text_of(small_object()), R"({"a":1,"b":"x"})");
    EXPECT_EQ(text_of(""), "null");
    EXPECT_EQ(text_of(hex("0400")), "null");
    EXPECT_EQ(text_of(hex("0402")), "false");
    EXPECT_EQ(text_of(hex("05f9ff")), "-7");
    EXPECT_EQ(text_of(hex("06f9ff")), "65529");
    EXPECT_EQ(text_of(hex("0affffffffffffffff")), "18446744073709551615");
    EXPECT_EQ(text_of(hex("09ffffffffffffffff")), "-1");
    EXPECT_EQ(text_of(hex("0c0461225c0a")), R"("a\"\\\n")");
    EXPECT_EQ(text_of(hex("0c0101")), R"("\u0001")");
}

TEST(JsonBinary, doubles_have_no_exponent) {
    const auto number = [](double value) {
        std::string binary("\x0b");
        append_fixed(binary, std::bit_cast<std::uint64_t>(value));
        return text_of(binary);
    };
    EXPECT_EQ(number(1.5), "1.5");
    EXPECT_EQ(number(100), "100.0");
    EXPECT_EQ(number(1e10), "10000000000");
    EXPECT_EQ(number(12345678901234567890.5), "12345678901234567168");
    EXPECT_EQ(number(-0.5), "-0.5");
    EXPECT_EQ(number(0.0005), "0.0005000000000000000104083408558608425664715468883514404296875");
    EXPECT_EQ(number(1e300).size(), 301U);
}

TEST(JsonBinary, opaque_values_are_text_numbers_or_base64) {
    EXPECT_EQ(text_of(hex("0f"
                          "f6"
                          "04"
                          "0502"
                          "806e")),
              "refused");  // DECIMAL(5,2) has 3 bytes
    EXPECT_EQ(text_of(hex("0f"
                          "f6"
                          "05"
                          "0502"
                          "80010a")),
              "1.10");
    EXPECT_EQ(text_of(hex("0f"
                          "fc"
                          "02"
                          "00ff")),
              R"("AP8=")");
    std::string time("\x0f\x0b\x08");
    append_fixed(time,
                 static_cast<std::uint64_t>(-((std::int64_t{3} << 12U | 4 << 6U | 5) << 24U)));
    EXPECT_EQ(text_of(time), R"("-03:04:05")");
    EXPECT_EQ(text_of(hex("0f0b04"
                          "00000000")),
              "refused");
}

TEST(JsonBinary, that_is_cut_or_has_wild_offsets_is_refused) {
    const std::string whole = small_object();
    for (std::size_t size = 1; size < whole.size(); ++size) {
        EXPECT_EQ(text_of(whole.substr(0, size)), "refused") << size;
    }
    std::string wild = whole;
    wild[16] = '\x7f';  // offset of the string
    EXPECT_EQ(text_of(wild), "refused");
    EXPECT_EQ(text_of(hex("0d00")), "refused");
    EXPECT_EQ(text_of(hex("0403")), "refused");
    EXPECT_EQ(text_of(hex("0cffffffffff01")), "refused");
}

TEST(JsonBinary, that_shares_its_parts_cannot_grow_beyond_its_own_bytes) {
    // An array of two cells that are both the array behind it, many times over: 2^40 values.
    std::string document("\x02");
    std::string body;
    for (int level = 0; level < 40; ++level) {
        const auto rest = static_cast<std::uint16_t>(10 * (40 - level) + 4);
        append_fixed(body, std::uint16_t{2});
        append_fixed(body, rest);
        for (int cell = 0; cell < 2; ++cell) {
            body.push_back('\x02');
            append_fixed(body, std::uint16_t{10});
        }
    }
    append_fixed(body, std::uint16_t{0});
    append_fixed(body, std::uint16_t{4});
    EXPECT_EQ(text_of(document + body), "refused");
}

TEST(JsonBinary, deeper_than_the_server_allows_is_refused) {
    const auto nested = [](int depth) {
        std::string document("\x02");
        for (int level = 0; level < depth; ++level) {
            append_fixed(document, std::uint16_t{1});
            append_fixed(document, static_cast<std::uint16_t>(7 * (depth - level) + 4));
            document.push_back('\x02');
            append_fixed(document, std::uint16_t{7});
        }
        append_fixed(document, std::uint16_t{0});
        append_fixed(document, std::uint16_t{4});
        return text_of(document);
    };
    EXPECT_EQ(nested(99).size(), 200U);
    EXPECT_EQ(nested(150), "refused");
}

TEST(JsonDiff, replaces_inserts_and_removes_at_paths) {
    const std::string before = small_object();
    EXPECT_EQ(after(before, ""), R"({"a":1,"b":"x"})");
    EXPECT_EQ(after(before, diff(0, "$.a", kSeven)), R"({"a":7,"b":"x"})");
    EXPECT_EQ(after(before, diff(2, "$.b", "")), R"({"a":1})");
    EXPECT_EQ(after(before, diff(1, "$.aa", kTrue)), R"({"a":1,"b":"x","aa":true})");
    EXPECT_EQ(after(before, diff(1, "$.\"A\\\"b\"", kTrue) + diff(0, "$.\"A\\\"b\"", kSeven)),
              R"({"a":1,"b":"x","A\"b":7})");
    EXPECT_EQ(after(before, diff(0, "$", kTrue)), "true");
    EXPECT_EQ(
        after(before, diff(0, "$.b", hex("0202000a00050100050200")) + diff(1, "$.b[1]", kSeven)),
        R"({"a":1,"b":[1,7,2]})");
    EXPECT_EQ(after(before, diff(0, "$.b", hex("0202000a00050100050200")) + diff(2, "$.b[0]", "")),
              R"({"a":1,"b":[2]})");
}

TEST(JsonDiff, of_a_path_that_is_not_there_is_refused) {
    const std::string before = small_object();
    EXPECT_EQ(after(before, diff(0, "$.z", kSeven)), "refused");
    EXPECT_EQ(after(before, diff(0, "$.a.b", kSeven)), "refused");
    EXPECT_EQ(after(before, diff(0, "$[0]", kSeven)), "refused");
    EXPECT_EQ(after(before, diff(1, "$.a", kSeven)), "refused");
    EXPECT_EQ(after(before, diff(2, "$", "")), "refused");
    EXPECT_EQ(after(before, diff(3, "$.a", kSeven)), "refused");
    EXPECT_EQ(after(before, diff(0, "a", kSeven)), "refused");
    EXPECT_EQ(after(before, diff(0, "$.", kSeven)), "refused");
    EXPECT_EQ(after(before, diff(0, "$.a", kSeven).substr(0, 6)), "refused");
}

}  // namespace
}  // namespace tributary::mysql
