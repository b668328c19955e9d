// Dates and times as java.time prints them in ISO 8601 (DateTimeFormatter.ISO_LOCAL_DATE,
// ISO_LOCAL_TIME). Proleptic Gregorian calendar; years beyond 9999 carry a '+', years before 0 a
// '-'. Pure; each function writes at `at` and returns the end.
#pragma once

#include <cstdint>

namespace tributary::encode {

inline constexpr int kTimeTextBytesMax = 48;
inline constexpr std::int64_t kDayUs = 86'400'000'000;

// Every digit that is needed and no trailing zeros.
inline constexpr int kDigitsAsNeeded = -1;

[[nodiscard]] std::int64_t floor_div(std::int64_t value, std::int64_t by) noexcept;

// Days since 1970-01-01 of a date; any year that fits.
[[nodiscard]] std::int64_t days_of(std::int64_t year, unsigned month, unsigned day) noexcept;

[[nodiscard]] char* write_date(char* at, std::int64_t days) noexcept;

// hh:mm:ss[.f], with exactly `digits` fraction digits (0 to 6) or as needed. 24:00:00 is possible.
[[nodiscard]] char* write_time(char* at, std::int64_t day_us, int digits) noexcept;

// <date>T<time>Z
[[nodiscard]] char* write_instant(char* at, std::int64_t us, int digits) noexcept;

// P<years>Y<months>M<days>DT<hours>H<minutes>M<seconds>S, each part with its sign
// (io.debezium.time.Interval).
[[nodiscard]] char* write_interval(char* at,
                                   std::int32_t months,
                                   std::int32_t days,
                                   std::int64_t us) noexcept;

}  // namespace tributary::encode
