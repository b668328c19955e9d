// One column value as Debezium writes it, by the column's Format. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "encode/json_writer.h"
#include "encode/value_format.h"
#include "model/value.h"

namespace tributary::encode {

// Why a value could not be written.
enum class Problem : std::uint8_t {
    none,
    not_a_number,  // NaN or an infinity in a precise decimal
    out_of_range,  // does not fit into the mode's type
    malformed,     // not what the contract of Value says
};
[[nodiscard]] std::string_view to_string(Problem problem) noexcept;

// Writes a value in state value or one of the infinities; null elements of arrays are null.
// After a problem the writer holds a partial value: rewind it.
[[nodiscard]] Problem write_value(JsonWriter& writer, const Format& format, const Value& value);

}  // namespace tributary::encode
