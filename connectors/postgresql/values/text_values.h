// PostgreSQL's text output to values, for a session pinned to DateStyle ISO, IntervalStyle
// postgres, TimeZone UTC, bytea_output hex, client_encoding UTF8 (DESIGN 5). Total over any bytes,
// nothing allocated but from the arena, no exceptions. Pure; any thread. PostgreSQL 15 manual 8.1
// to 8.15, B.2.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "model/schema.h"
#include "model/value.h"

namespace tributary::postgresql {

enum class ValueFault : std::uint8_t {
    none,
    malformed,     // not the text form of this type
    out_of_range,  // of the value's own type: timestamps past 294247-01-10, ...
    not_utf8,
    too_deep,     // array with more than kArrayDepthMax dimensions
    too_large,    // array with more than kArrayElementsMax elements
    unsupported,  // the column's type has no mapping
};

[[nodiscard]] std::string_view to_string(ValueFault fault) noexcept;

inline constexpr int kArrayDepthMax = 6;                                // PostgreSQL's own MAXDIM
inline constexpr std::uint32_t kArrayElementsMax = 4U * 1024U * 1024U;  // 64 bytes of arena each

// `text` as a value of `type`. Views in `out` point into `text` or `arena`.
[[nodiscard]] ValueFault parse_value(const ColumnType& type,
                                     std::string_view text,
                                     Arena& arena,
                                     Value& out);

// Well-formed UTF-8 (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// Days since 1970-01-01 in the proleptic Gregorian calendar; year 0 is 1 BC.
[[nodiscard]] std::int64_t days_from_civil(std::int64_t year,
                                           unsigned month,
                                           unsigned day) noexcept;

}  // namespace tributary::postgresql
