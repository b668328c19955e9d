// Dates and times from their binlog forms, old and new.
#include <gtest/gtest.h>

#include "connectors/mysql/values/temporal.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::hex;

constexpr std::int64_t kHourUs = 3'600'000'000;

std::int64_t time2(std::uint16_t digits, std::string_view bytes) {
    std::int64_t us = 0;
    EXPECT_EQ(read_time({BinlogType::time2, digits}, hex(bytes), us), Moment::ok);
    return us;
}

TEST(Time, has_a_sign_that_holds_for_its_fraction_too) {
    EXPECT_EQ(time2(0, "800000"), 0);
    EXPECT_EQ(time2(0, "80b5c4"), 11 * kHourUs + 23 * 60'000'000LL + 4'000'000);
    EXPECT_EQ(time2(0, "7fefff"), -kHourUs - 1'000'000);
    EXPECT_EQ(time2(6, "7fffffffffff"), -1);
    EXPECT_EQ(time2(6, "800000000001"), 1);
    EXPECT_EQ(time2(2, "7ffffff6"), -100'000);
    EXPECT_EQ(time2(4, "800000270f"), 999'900);
}

TEST(Time, of_the_old_form_is_a_decimal_number) {
    std::int64_t us = 0;
    EXPECT_EQ(read_time({BinlogType::time, 0}, hex("d8b901"), us), Moment::ok);  // 11 31 12
    EXPECT_EQ(us, (11 * 3600 + 31 * 60 + 12) * 1'000'000LL);
    EXPECT_EQ(read_time({BinlogType::time, 0}, hex("2846fe"), us), Moment::ok);  // the negative
    EXPECT_EQ(us, -(11 * 3600 + 31 * 60 + 12) * 1'000'000LL);
    EXPECT_EQ(read_time({BinlogType::time, 0}, hex("b06800"), us), Moment::malformed);  // 2 68 00
}

TEST(Date, that_the_calendar_does_not_have_is_zero) {
    std::int64_t days = -1;
    EXPECT_EQ(read_date(hex("21c80f"), days), Moment::ok);  // 2020-01-01
    EXPECT_EQ(days, 18262);
    EXPECT_EQ(read_date(hex("000000"), days), Moment::zero);
    EXPECT_EQ(read_date(hex("00c80f"), days), Moment::zero);       // 2020-00-00
    EXPECT_EQ(read_date(hex("5ec80f"), days), Moment::zero);       // 2020-02-30
    EXPECT_EQ(read_date(hex("5dc80f"), days), Moment::ok);         // 2020-02-29
    EXPECT_EQ(read_date(hex("5dc60f"), days), Moment::zero);       // 2019-02-29
    EXPECT_EQ(read_date(hex("a1c90f"), days), Moment::malformed);  // month 13
}

TEST(Datetime, is_read_in_both_forms) {
    std::int64_t us = 0;
    EXPECT_EQ(read_datetime({BinlogType::datetime2, 0}, hex("999f82c8b8"), us), Moment::ok);
    EXPECT_EQ(us, 1522586096000000);
    EXPECT_EQ(read_datetime({BinlogType::datetime2, 6}, hex("999f82c8b80f423f"), us), Moment::ok);
    EXPECT_EQ(us, 1522586096999999);
    EXPECT_EQ(read_datetime({BinlogType::datetime2, 6}, hex("999f82c8b80f4240"), us),
              Moment::malformed);
    EXPECT_EQ(read_datetime({BinlogType::datetime2, 0}, hex("8000000000"), us), Moment::zero);
    std::string old;
    append_fixed(old, std::uint64_t{20180401123456ULL});
    EXPECT_EQ(read_datetime({BinlogType::datetime, 0}, old, us), Moment::ok);
    EXPECT_EQ(us, 1522586096000000);
}

TEST(Timestamp, of_zero_seconds_is_the_zero_date) {
    std::int64_t us = 0;
    EXPECT_EQ(read_timestamp({BinlogType::timestamp2, 0}, hex("00000000"), us), Moment::zero);
    EXPECT_EQ(read_timestamp({BinlogType::timestamp2, 0}, hex("7fffffff"), us), Moment::ok);
    EXPECT_EQ(us, 2147483647000000);
    EXPECT_EQ(read_timestamp({BinlogType::timestamp2, 0}, hex("ffffffff"), us), Moment::ok);
    EXPECT_EQ(us, 4294967295000000);  // MariaDB 11.5 and later reach 2106
    EXPECT_EQ(read_timestamp({BinlogType::timestamp2, 2}, hex("0000000132"), us), Moment::ok);
    EXPECT_EQ(us, 1500000);
    EXPECT_EQ(read_timestamp({BinlogType::timestamp2, 2}, hex("0000000164"), us),
              Moment::malformed);
    EXPECT_EQ(read_timestamp({BinlogType::timestamp, 0}, hex("01000000"), us), Moment::ok);
    EXPECT_EQ(us, 1000000);
}

}  // namespace
}  // namespace tributary::mysql
