// Dates and times from their binlog form. Total over any bytes of the right length. Pure. MySQL
// source documentation, "Date and Time Data Type Representation".
#pragma once

#include <cstdint>
#include <string_view>

#include "connectors/mysql/values/row_image.h"

namespace tributary::mysql {

enum class Moment : std::uint8_t { ok, zero /* or no day of the calendar */, malformed };

// Days since 1970-01-01; `bytes` are the 3 of DATE.
[[nodiscard]] Moment read_date(std::string_view bytes, std::int64_t& days) noexcept;

// Microseconds, negative below zero; TIME in either form.
[[nodiscard]] Moment read_time(const ColumnLayout& layout,
                               std::string_view bytes,
                               std::int64_t& us) noexcept;

// Microseconds since 1970-01-01, wall clock; DATETIME in either form.
[[nodiscard]] Moment read_datetime(const ColumnLayout& layout,
                                   std::string_view bytes,
                                   std::int64_t& us) noexcept;

// Microseconds since 1970-01-01 UTC; TIMESTAMP in either form.
[[nodiscard]] Moment read_timestamp(const ColumnLayout& layout,
                                    std::string_view bytes,
                                    std::int64_t& us) noexcept;

}  // namespace tributary::mysql
