// DECIMAL from its binary form, and refusal of what is none.
#include <gtest/gtest.h>

#include "connectors/mysql/values/decimal.h"
#include "connectors/mysql/values/row_image.h"
#include "support.h"

namespace tributary::mysql {
namespace {

std::string text_of(std::string_view digits, std::size_t precision, std::size_t scale) {
    Arena arena;
    std::string_view out;
    const std::string bytes = test::hex(digits);
    return decimal_text(bytes, precision, scale, arena, out) ? std::string(out) : "refused";
}

TEST(Decimal, has_as_many_bytes_as_its_digits_need) {
    EXPECT_EQ(decimal_bytes(10, 2), 5U);
    EXPECT_EQ(decimal_bytes(65, 30), 30U);
    EXPECT_EQ(decimal_bytes(1, 1), 1U);
    EXPECT_EQ(decimal_bytes(18, 9), 8U);
    EXPECT_EQ(decimal_bytes(66, 0), 0U);
    EXPECT_EQ(decimal_bytes(3, 4), 0U);
}

TEST(Decimal, is_printed_with_all_digits_of_its_scale) {
    EXPECT_EQ(text_of("810dfb38d204d2", 14, 4), "1234567890.1234");
    EXPECT_EQ(text_of("7ef204c72dfb2d", 14, 4), "-1234567890.1234");
    EXPECT_EQ(text_of("8000000000", 10, 2), "0.00");
    EXPECT_EQ(text_of("8000000a32", 10, 2), "10.50");
    EXPECT_EQ(text_of("89", 1, 1), "0.9");
    EXPECT_EQ(text_of("76", 1, 1), "-0.9");
    EXPECT_EQ(text_of("81869f", 5, 0), "99999");
}

TEST(Decimal, of_other_length_or_with_too_many_digits_is_refused) {
    EXPECT_EQ(text_of("80000000", 10, 2), "refused");
    EXPECT_EQ(text_of("800000000000", 10, 2), "refused");
    EXPECT_EQ(text_of("", 10, 2), "refused");
    EXPECT_EQ(text_of("8000000064", 10, 2), "refused");  // 100 in two digits
    EXPECT_EQ(text_of("8f", 1, 1), "refused");           // 15 in one
}

}  // namespace
}  // namespace tributary::mysql
