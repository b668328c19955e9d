// Number and string text as Java and Jackson print it.
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include "encode/java_number.h"
#include "encode/json_writer.h"

namespace tributary::encode {
namespace {

std::string java(double value) {
    char text[32];
    return {text, write_java_double(text, value)};
}

std::string java(float value) {
    char text[32];
    return {text, write_java_float(text, value)};
}

std::string json(std::string_view text) {
    Arena arena;
    JsonWriter writer;
    writer.begin(arena, 0);
    writer.text(text);
    return std::string(writer.finish());
}

TEST(JavaNumber, prints_doubles_as_java_does) {
    EXPECT_EQ(java(0.0), "0.0");
    EXPECT_EQ(java(-0.0), "-0.0");
    EXPECT_EQ(java(1.0), "1.0");
    EXPECT_EQ(java(3.3), "3.3");
    EXPECT_EQ(java(-4.44), "-4.44");
    EXPECT_EQ(java(100.0), "100.0");
    EXPECT_EQ(java(123456.5), "123456.5");
    EXPECT_EQ(java(9999999.0), "9999999.0");
    EXPECT_EQ(java(1e7), "1.0E7");
    EXPECT_EQ(java(12345678.9), "1.23456789E7");
    EXPECT_EQ(java(0.001), "0.001");
    EXPECT_EQ(java(0.0012), "0.0012");
    EXPECT_EQ(java(0.0001), "1.0E-4");
    EXPECT_EQ(java(2e23), "2.0E23");
    EXPECT_EQ(java(1e300), "1.0E300");
    EXPECT_EQ(java(std::numeric_limits<double>::denorm_min()), "4.9E-324");
    EXPECT_EQ(java(std::numeric_limits<double>::max()), "1.7976931348623157E308");
    EXPECT_EQ(java(std::numeric_limits<double>::quiet_NaN()), "\"NaN\"");
    EXPECT_EQ(java(-std::numeric_limits<double>::infinity()), "\"-Infinity\"");
}

// Of 0.001 to 10,000,000, where Java writes no exponent; "1.0", not "1".
std::string shortest(double value) {
    char text[40];
    std::string out(text,
                    std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed).ptr);
    return out.find('.') == std::string::npos ? out + ".0" : out;
}

TEST(JavaNumber, prints_the_shortest_digits_of_decimals_and_of_their_neighbours) {
    std::mt19937_64 random(11);  // NOLINT: the same values in every run
    double scale = 1;
    for (int decimals = 0; decimals <= 9; ++decimals, scale *= 10) {
        std::uniform_int_distribution<std::uint64_t> digits(
            static_cast<std::uint64_t>(scale / 1000) + 1,
            static_cast<std::uint64_t>(scale * 1e7) - 1);
        for (int round = 0; round < 2000; ++round) {
            const double value = static_cast<double>(digits(random)) / scale;
            for (const double each : {value,
                                      std::nextafter(value, 1e9),
                                      std::nextafter(value, 0.0),
                                      std::round(value) + 1.0 / 1024}) {
                if (each >= 0.001 && each < 1e7) {
                    ASSERT_EQ(java(each), shortest(each)) << decimals;
                }
            }
        }
    }
}

TEST(JavaNumber, prints_floats_with_the_digits_of_a_float) {
    EXPECT_EQ(java(3.3F), "3.3");
    EXPECT_EQ(java(1.1E10F), "1.1E10");
    EXPECT_EQ(java(std::numeric_limits<float>::denorm_min()), "1.4E-45");
    EXPECT_EQ(java(16777216.0F), "1.6777216E7");
}

TEST(JsonText, escapes_what_jackson_escapes_and_nothing_else) {
    EXPECT_EQ(json(""), R"("")");
    EXPECT_EQ(json("plain text of more than one word"), R"("plain text of more than one word")");
    EXPECT_EQ(json("a\"b\\c/d"), R"("a\"b\\c/d")");
    EXPECT_EQ(json("\b\t\n\f\r\x01\x1f\x7f"), "\"\\b\\t\\n\\f\\r\\u0001\\u001F\x7f\"");
    EXPECT_EQ(json("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC"), "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC\"");
    EXPECT_EQ(json("\xF0\x9F\x98\x80"), R"("\uD83D\uDE00")");
    EXPECT_EQ(json(std::string_view("\0", 1)), R"("\u0000")");
    EXPECT_EQ(json("\xF0\x9F\x98"), "\"\xEF\xBF\xBD\x9F\x98\"") << "cut short";
}

TEST(JsonText, finds_what_needs_an_escape_at_every_place_and_nothing_else) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string one(1, static_cast<char>(byte));
        const std::string alone = json(one);
        const std::string escaped = alone.substr(1, alone.size() - 2);
        const bool special = byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0xF0;
        EXPECT_EQ(escaped != one, special) << byte;
        for (std::size_t length = 1; length < 40; ++length) {
            for (std::size_t at = 0; at < length; ++at) {
                std::string text(length, 'x');
                text[at] = one[0];
                std::string expected(length - 1, 'x');
                expected.insert(at, escaped);
                ASSERT_EQ(json(text), "\"" + expected + "\"") << byte;
            }
        }
    }
}

}  // namespace
}  // namespace tributary::encode
