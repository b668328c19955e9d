// Numbers with units, name suggestions.
#include "config/units.h"

#include <gtest/gtest.h>

#include <array>

#include "config/nearest.h"

namespace tributary::config {
namespace {

TEST(Units, sizes_are_read_in_powers_of_1024_and_1000) {
    EXPECT_EQ(parse_size("0"), 0);
    EXPECT_EQ(parse_size("4096"), 4096);
    EXPECT_EQ(parse_size("64KiB"), 65536);
    EXPECT_EQ(parse_size("8 GiB"), 8LL << 30U);
    EXPECT_EQ(parse_size("10MB"), 10'000'000);
    EXPECT_EQ(parse_size("7B"), 7);
}

TEST(Units, what_is_no_size_is_refused) {
    for (const char* text : {"",
                             " ",
                             "KiB",
                             "-1",
                             "1.5GiB",
                             "8gib",
                             "8G",
                             "8  GiB",
                             "8 ",
                             "1 KiB ",
                             "0x10",
                             "9223372036854775808",
                             "9007199254740993KiB",
                             "+5"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
    EXPECT_EQ(parse_size("9007199254740991KiB"), 9007199254740991LL * 1024);
}

TEST(Units, durations_need_a_unit_unless_zero) {
    EXPECT_EQ(parse_duration_ms("0"), 0);
    EXPECT_EQ(parse_duration_ms("20ms"), 20);
    EXPECT_EQ(parse_duration_ms("5s"), 5000);
    EXPECT_EQ(parse_duration_ms("2m"), 120'000);
    EXPECT_EQ(parse_duration_ms("1h"), 3'600'000);
    EXPECT_EQ(parse_duration_ms("7d"), 604'800'000);
    for (const char* text : {"", "5", "-5s", "5 sec", "5S", "1h30m", "s", "99999999999999999d"}) {
        EXPECT_EQ(parse_duration_ms(text), std::nullopt) << text;
    }
}

TEST(Units, printing_is_the_inverse_of_reading) {
    for (const std::int64_t value :
         {1LL, 999LL, 1024LL, 1536LL, 1LL << 20U, 6LL << 20U, 8LL << 30U, 1LL << 40U}) {
        EXPECT_EQ(parse_size(print_size(value)), value);
        EXPECT_EQ(parse_duration_ms(print_duration_ms(value)), value);
    }
    EXPECT_EQ(print_size(8LL << 30U), "8GiB");
    EXPECT_EQ(print_size(1536), "1536B");
    EXPECT_EQ(print_size(0), "0");
    EXPECT_EQ(print_duration_ms(20), "20ms");
    EXPECT_EQ(print_duration_ms(90'000), "90s");
}

TEST(Nearest, suggests_the_name_that_was_meant) {
    constexpr std::array<std::string_view, 3> kKnown{"durability", "max_bytes", "min_free_disk"};
    EXPECT_EQ(nearest("durabilty", kKnown), "durability");
    EXPECT_EQ(nearest("max_byte", kKnown), "max_bytes");
    EXPECT_EQ(nearest("mxa_bytes", kKnown), "max_bytes");
    EXPECT_EQ(nearest("colour", kKnown), "");
    EXPECT_EQ(nearest("", kKnown), "");
    EXPECT_EQ(nearest(std::string(10'000, 'x'), kKnown), "");
}

}  // namespace
}  // namespace tributary::config
