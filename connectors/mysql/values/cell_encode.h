// Cells that a SELECT gave, as text, to the bytes that the binlog would have for them, so that rows
// of a snapshot and rows of the stream lie in the log alike and have one decoder. Pure; any thread.
// The session that reads has time_zone '+00:00' and no conversion of character sets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connectors/mysql/values/row_image.h"

namespace tributary::mysql {

// What a cell's text is.
enum class CellText : std::uint8_t {
    integer,  // decimal digits; also BIT, ENUM and SET as numbers
    real,     // of a double, with the digits that say which one
    decimal,
    year,
    date,
    time,
    datetime,
    timestamp,
    bytes,   // of CHAR, VARCHAR, VARBINARY: as stored
    padded,  // of BINARY: zero bytes at the end are not stored
    blob,    // of TEXT, BLOB, GEOMETRY, VECTOR
    json,
    uuid,
    inet4,
    inet6,
};

struct CellForm {
    ColumnLayout layout{};
    CellText text = CellText::bytes;
};

// Appends the value with its length prefix, as value_size() measures it. false: `text` is not of
// this form.
[[nodiscard]] bool append_cell(std::string& out, const CellForm& form, std::string_view text);

}  // namespace tributary::mysql
