// See time_text.h. Calendar arithmetic in eras of 400 years counted from March.
#include "encode/time_text.h"

#include <charconv>

namespace tributary::encode {
namespace {

constexpr std::int64_t kEraDays = 146'097;
constexpr std::int64_t kEpochShift = 719'468;  // days from 0000-03-01 to 1970-01-01

char* put_number(char* at, std::int64_t value) {
    return std::to_chars(at, at + 24, value).ptr;
}

char* put_two(char* at, std::int64_t value) {
    *at++ = static_cast<char>('0' + value / 10);
    *at++ = static_cast<char>('0' + value % 10);
    return at;
}

// `value` as six digits, then cut to `digits` or to what is needed, with the point before.
char* put_fraction(char* at, std::int64_t value, int digits) {
    char text[6];
    for (int index = 5; index >= 0; --index) {
        text[index] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    int count = digits;
    if (digits == kDigitsAsNeeded) {
        count = 6;
        while (count > 0 && text[count - 1] == '0') {
            --count;
        }
    }
    if (count > 0) {
        *at++ = '.';
    }
    for (int index = 0; index < count; ++index) {
        *at++ = text[index];
    }
    return at;
}

char* put_year(char* at, std::int64_t year) {
    const std::int64_t magnitude = year < 0 ? -year : year;
    if (year < 0) {
        *at++ = '-';
    } else if (year > 9999) {
        *at++ = '+';
    }
    for (std::int64_t limit = 1000; limit > 1 && magnitude < limit; limit /= 10) {
        *at++ = '0';
    }
    return put_number(at, magnitude);
}

}  // namespace

std::int64_t floor_div(std::int64_t value, std::int64_t by) noexcept {
    return value / by - (value % by < 0 ? 1 : 0);
}

std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) noexcept {
    const std::int64_t shifted = year - (month <= 2 ? 1 : 0);
    const std::int64_t era = floor_div(shifted, 400);
    const std::int64_t year_of_era = shifted - era * 400;
    const std::int64_t month_from_march = (month + 9) % 12;
    const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * kEraDays + day_of_era - kEpochShift;
}

char* write_date(char* at, std::int64_t days) noexcept {
    const std::int64_t shifted = days + kEpochShift;
    const std::int64_t era = floor_div(shifted, kEraDays);
    const std::int64_t day = shifted - era * kEraDays;
    const std::int64_t year_of_era = (day - day / 1460 + day / 36'524 - day / 146'096) / 365;
    const std::int64_t day_of_year =
        day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    at = put_year(at, year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    return put_two(at, day_of_year - (153 * month_from_march + 2) / 5 + 1);
}

char* write_time(char* at, std::int64_t day_us, int digits) noexcept {
    const std::int64_t seconds = day_us / 1'000'000;
    at = put_two(at, seconds / 3600);
    *at++ = ':';
    at = put_two(at, seconds / 60 % 60);
    *at++ = ':';
    at = put_two(at, seconds % 60);
    return put_fraction(at, day_us % 1'000'000, digits);
}

char* write_instant(char* at, std::int64_t us, int digits) noexcept {
    const std::int64_t days = floor_div(us, kDayUs);
    at = write_date(at, days);
    *at++ = 'T';
    at = write_time(at, us - days * kDayUs, digits);
    *at++ = 'Z';
    return at;
}

char* write_interval(char* at, std::int32_t months, std::int32_t days, std::int64_t us) noexcept {
    *at++ = 'P';
    at = put_number(at, months / 12);
    *at++ = 'Y';
    at = put_number(at, months % 12);
    *at++ = 'M';
    at = put_number(at, days);
    *at++ = 'D';
    *at++ = 'T';
    at = put_number(at, us / 3'600'000'000);
    *at++ = 'H';
    at = put_number(at, us / 60'000'000 % 60);
    *at++ = 'M';
    const std::int64_t rest = us % 60'000'000;
    if (rest < 0) {
        *at++ = '-';
    }
    const std::int64_t magnitude = rest < 0 ? -rest : rest;
    at = put_number(at, magnitude / 1'000'000);
    at = put_fraction(at, magnitude % 1'000'000, kDigitsAsNeeded);
    *at++ = 'S';
    return at;
}

}  // namespace tributary::encode
