// Row images of rows events: how long one is, without decoding it, so that intake can split an
// event into rows. Total over any bytes. Pure; any thread. MySQL source documentation,
// "Rows_event":
//   bits     null, one per PRESENT column (bitmap of the event), least significant first
//   then each present column that is not null, in its binlog form
// The after image of PARTIAL_UPDATE_ROWS_EVENT has before that:
//   packed   value options; when bit 0 is set:
//   bits     one per JSON column of the TABLE: its value is a list of diffs
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tributary::mysql {

// enum_field_types of both servers, as they stand in a TABLE_MAP event (real types for enum and
// set).
enum class BinlogType : std::uint8_t {
    decimal_old = 0,
    tiny = 1,
    short_ = 2,
    long_ = 3,
    float_ = 4,
    double_ = 5,
    null = 6,
    timestamp = 7,
    longlong = 8,
    int24 = 9,
    date = 10,
    time = 11,
    datetime = 12,
    year = 13,
    newdate = 14,
    varchar = 15,
    bit = 16,
    timestamp2 = 17,
    datetime2 = 18,
    time2 = 19,
    typed_array = 20,
    blob_compressed = 140,     // MariaDB
    varchar_compressed = 141,  // MariaDB
    vector = 242,              // MySQL
    json = 245,
    newdecimal = 246,
    enumeration = 247,
    set = 248,
    tiny_blob = 249,
    medium_blob = 250,
    long_blob = 251,
    blob = 252,
    var_string = 253,
    string = 254,
    geometry = 255,
};

// What the length and the form of a column's value depend on. `metadata`, by type:
//   varchar, var_string, varchar_compressed   bytes at most; over 255: two length bytes
//   string                    bytes at most (0 to 1023), the real type already taken out
//   enumeration, set          bytes of the value (1 or 2; 1 to 8)
//   blob, json, geometry, vector, blob_compressed   count of length bytes (1 to 4)
//   bit                       bits (1 to 64)
//   newdecimal                precision * 256 + scale
//   timestamp2, datetime2, time2   fraction digits (0 to 6)
//   float_, double_           bytes
struct ColumnLayout {
    BinlogType type = BinlogType::null;
    std::uint16_t metadata = 0;
    friend bool operator==(const ColumnLayout&, const ColumnLayout&) = default;
};

struct RowLayout {
    std::vector<ColumnLayout> columns;
    std::size_t json_columns = 0;
};

// `present` is the event's columns-present bitmap, (columns + 7) / 8 bytes, least significant bit
// first; `bytes` starts at the row's null bits. Bytes of this one image. kProtocolViolation when it
// does not end within `bytes`.
[[nodiscard]] Result<std::size_t> row_image_size(const RowLayout& layout,
                                                 std::string_view present,
                                                 std::string_view bytes);

// The same for an after image of PARTIAL_UPDATE_ROWS_EVENT, `bytes` starting at the value options.
[[nodiscard]] Result<std::size_t> partial_image_size(const RowLayout& layout,
                                                     std::string_view present,
                                                     std::string_view bytes);

// MariaDB's system versioning: whether the row of this image is the current one, that is whether
// the value of column `row_end` is the end of time. A write of a row that is not current is
// history; an update to one is a delete. True when the column is not in the image.
[[nodiscard]] bool is_current_row(const RowLayout& layout,
                                  std::string_view present,
                                  std::string_view bytes,
                                  std::size_t row_end) noexcept;

[[nodiscard]] inline bool bit_of(std::string_view bits, std::size_t index) noexcept {
    return ((static_cast<unsigned char>(bits[index / 8]) >> (index % 8)) & 1U) != 0;
}

// MySQL's packed integer: 1 byte up to 250, else 0xfc, 0xfd or 0xfe and 2, 3 or 8 bytes. False when
// `bytes` ends too early or starts with another byte; else `bytes` is moved behind it.
[[nodiscard]] bool take_packed(std::string_view& bytes, std::uint64_t& value) noexcept;

// Bytes of a DECIMAL(precision, scale) value.
[[nodiscard]] std::size_t decimal_bytes(std::size_t precision, std::size_t scale) noexcept;

// Bytes of one value at the start of `bytes`, with its length prefix; false when it does not end
// within `bytes` or the type is not known.
[[nodiscard]] bool value_size(const ColumnLayout& column,
                              std::string_view bytes,
                              std::size_t& size) noexcept;

}  // namespace tributary::mysql
