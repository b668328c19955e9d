// A decoded column value. Views point into the log block or the arena of the batch being delivered.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tributary {

enum class ValueState : std::uint8_t {
    null,
    value,
    unchanged,          // the source did not send it because it did not change (TOAST)
    absent,             // not part of this row image (old row under a key identity)
    positive_infinity,  // date and timestamps; numbers and decimals carry their own
    negative_infinity,
};

// Which member holds the value, by TypeKind:
//   boolean, int16, int32, int64    integer
//   float32, float64                real (with NaN and infinities)
//   decimal                         text: plain digits as the source prints them, "NaN",
//   "Infinity",
//                                   "-Infinity"
//   text, uuid, json, xml, enumeration   text, UTF-8
//   bytes                           text, raw bytes
//   date                            integer: days since 1970-01-01 (proleptic Gregorian)
//   time                            integer: microseconds of the day, 0 to 86'400'000'000
//   inclusive; MySQL: of a duration, up to 838:59:59 either way
//   time_tz                         integer: microseconds of the day in UTC, 0 to 86'399'999'999
//   timestamp, timestamp_tz         integer: microseconds since 1970-01-01T00:00:00 (wall clock,
//                                   or UTC)
//   interval                        integer: microseconds; months and days beside it
//   array                           elements; a nested array is an element with elements
//   uint64                          integer: its 64 bits
//   year                            integer
//   set                             text: labels with a comma between, UTF-8
//   geometry, geography, point      text: ISO or extended WKB; integer: SRID, 0 = none
//   float_vector                    text: IEEE 754 binary32, little-endian, one behind the other
//   double_vector                   text: the same of binary64
//   sparse_vector                   integer: dimensions; text: little-endian, for each element that
//                                   is not 0 its 32-bit place from 1 and its binary64
struct Value {
    ValueState state = ValueState::null;
    std::int32_t months = 0;
    std::int32_t days = 0;
    std::int64_t integer = 0;
    double real = 0;
    std::string_view text;
    std::span<const Value> elements;
};

// One value per column of the TableSchema, in its order. An empty row means that there is no row
// image.
using Row = std::span<const Value>;

}  // namespace tributary
