// Dates and times: temporal.h.
#include "connectors/mysql/values/temporal.h"

#include "base/bytes.h"

namespace tributary::mysql {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDaySeconds = 86'400;
constexpr unsigned kHoursMax = 838;

std::uint64_t big(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char byte : bytes) {
        value = value << 8U | static_cast<unsigned char>(byte);
    }
    return value;
}

std::uint64_t little(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t index = bytes.size(); index > 0; --index) {
        value = value << 8U | static_cast<unsigned char>(bytes[index - 1]);
    }
    return value;
}

std::size_t fraction_bytes(std::uint16_t digits) {
    return (digits + 1U) / 2U;
}

// Microseconds of a fraction of `bytes` bytes: hundredths, ten thousandths or millionths.
std::int64_t fraction_unit(std::size_t bytes) {
    return bytes == 1 ? 10'000 : bytes == 2 ? 100 : 1;
}

bool is_leap(std::uint64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool is_day(std::uint64_t year, std::uint64_t month, std::uint64_t day) {
    if (month < 1 || month > 12 || day < 1) {
        return false;
    }
    const std::uint64_t days = month == 2 ? (is_leap(year) ? 29U : 28U)
                               : month == 4 || month == 6 || month == 9 || month == 11 ? 30U
                                                                                       : 31U;
    return day <= days;
}

// Proleptic Gregorian calendar; year 0 to 9999.
std::int64_t days_of(std::uint64_t year, std::uint64_t month, std::uint64_t day) {
    const auto y = static_cast<std::int64_t>(year) - (month <= 2 ? 1 : 0);
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const std::int64_t year_of_era = y - era * 400;
    const std::int64_t shifted = static_cast<std::int64_t>(month) + (month > 2 ? -3 : 9);
    const std::int64_t day_of_year = (153 * shifted + 2) / 5 + static_cast<std::int64_t>(day) - 1;
    const std::int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

struct Clock {
    std::uint64_t hour;
    std::uint64_t minute;
    std::uint64_t second;
};

bool seconds_of(const Clock& clock, std::uint64_t hours_max, std::int64_t& seconds) {
    if (clock.hour > hours_max || clock.minute > 59 || clock.second > 59) {
        return false;
    }
    seconds = static_cast<std::int64_t>(clock.hour * 3600 + clock.minute * 60 + clock.second);
    return true;
}

Moment moment_of(std::uint64_t year,
                 std::uint64_t month,
                 std::uint64_t day,
                 const Clock& clock,
                 std::int64_t fraction_us,
                 std::int64_t& us) {
    std::int64_t seconds = 0;
    if (!seconds_of(clock, 23, seconds) || year > 9999 || month > 12 || day > 31 ||
        fraction_us >= kSecondUs) {
        return Moment::malformed;
    }
    if (!is_day(year, month, day)) {
        return Moment::zero;
    }
    us = (days_of(year, month, day) * kDaySeconds + seconds) * kSecondUs + fraction_us;
    return Moment::ok;
}

}  // namespace

Moment read_date(std::string_view bytes, std::int64_t& days) noexcept {
    const std::uint64_t packed = little(bytes);
    const std::uint64_t day = packed & 31U;
    const std::uint64_t month = packed >> 5U & 15U;
    const std::uint64_t year = packed >> 9U;
    if (month > 12 || year > 9999) {
        return Moment::malformed;
    }
    if (!is_day(year, month, day)) {
        return Moment::zero;
    }
    days = days_of(year, month, day);
    return Moment::ok;
}

Moment read_time(const ColumnLayout& layout, std::string_view bytes, std::int64_t& us) noexcept {
    std::int64_t seconds = 0;
    if (layout.type == BinlogType::time) {  // HHMMSS as a number of 24 bits with sign
        auto number = static_cast<std::int64_t>(little(bytes));
        number -= number >= 1 << 23U ? 1 << 24U : 0;
        const bool below = number < 0;
        const auto magnitude = static_cast<std::uint64_t>(below ? -number : number);
        if (!seconds_of(
                {magnitude / 10'000, magnitude / 100 % 100, magnitude % 100}, kHoursMax, seconds)) {
            return Moment::malformed;
        }
        us = (below ? -seconds : seconds) * kSecondUs;
        return Moment::ok;
    }
    // A signed number with the fraction in its lowest bytes, moved up by half its range.
    const std::size_t fraction = fraction_bytes(layout.metadata);
    const std::int64_t signed_value =
        static_cast<std::int64_t>(big(bytes)) -
        static_cast<std::int64_t>(std::uint64_t{1} << (8 * (3 + fraction) - 1));
    const bool below = signed_value < 0;
    const auto magnitude = static_cast<std::uint64_t>(below ? -signed_value : signed_value);
    const std::uint64_t hms = magnitude >> (8 * fraction);
    const std::uint64_t part = magnitude & ((std::uint64_t{1} << (8 * fraction)) - 1);
    const std::int64_t fraction_us = static_cast<std::int64_t>(part) * fraction_unit(fraction);
    const Clock clock{hms >> 12U & 0x3FFU, hms >> 6U & 0x3FU, hms & 0x3FU};
    if (!seconds_of(clock, kHoursMax, seconds) || fraction_us >= kSecondUs) {
        return Moment::malformed;
    }
    const std::int64_t whole = seconds * kSecondUs + fraction_us;
    us = below ? -whole : whole;
    return Moment::ok;
}

Moment read_datetime(const ColumnLayout& layout,
                     std::string_view bytes,
                     std::int64_t& us) noexcept {
    if (layout.type == BinlogType::datetime) {  // YYYYMMDDhhmmss as a number
        const std::uint64_t number = little(bytes);
        const std::uint64_t date = number / 1'000'000;
        const std::uint64_t time = number % 1'000'000;
        return moment_of(date / 10'000,
                         date / 100 % 100,
                         date % 100,
                         {time / 10'000, time / 100 % 100, time % 100},
                         0,
                         us);
    }
    const std::uint64_t packed = big(bytes.substr(0, 5)) ^ 0x8000000000ULL;
    const std::string_view fraction = bytes.substr(5);
    const std::uint64_t year_month = packed >> 22U;
    return moment_of(year_month / 13,
                     year_month % 13,
                     packed >> 17U & 31U,
                     {packed >> 12U & 31U, packed >> 6U & 63U, packed & 63U},
                     static_cast<std::int64_t>(big(fraction)) * fraction_unit(fraction.size()),
                     us);
}

Moment read_timestamp(const ColumnLayout& layout,
                      std::string_view bytes,
                      std::int64_t& us) noexcept {
    const bool old = layout.type == BinlogType::timestamp;
    const std::uint64_t seconds = old ? little(bytes) : big(bytes.substr(0, 4));
    const std::string_view fraction = old ? std::string_view() : bytes.substr(4);
    const std::int64_t fraction_us =
        static_cast<std::int64_t>(big(fraction)) * fraction_unit(fraction.size());
    if (fraction_us >= kSecondUs) {
        return Moment::malformed;
    }
    us = static_cast<std::int64_t>(seconds) * kSecondUs + fraction_us;
    return us == 0 ? Moment::zero : Moment::ok;
}

}  // namespace tributary::mysql
