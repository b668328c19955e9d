// One column value as Debezium writes it, and the piece of Connect schema that says so. A Format is
// compiled once per column from its type and the chosen modes (Debezium 3.6 documentation,
// PostgreSQL connector, "Data type mappings"). Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "encode/debezium.h"
#include "encode/json_writer.h"
#include "model/schema.h"
#include "model/value.h"

namespace tributary::encode {

enum class Form : std::uint8_t {
    boolean,
    integer,
    float32,
    float64,
    decimal_precise,   // base64 of the unscaled value at the column's scale
    decimal_variable,  // {"scale":..,"value":..}
    decimal_double,
    decimal_string,
    text,
    bytes_base64,
    bytes_base64_url,
    bytes_hex,
    date,
    date_iso,
    scaled_time,  // time of day: microseconds * multiplier / divisor
    time_iso,
    scaled_timestamp,  // the same, since 1970
    timestamp_iso,
    zoned_timestamp,
    zoned_time,
    interval_numeric,
    interval_string,
    array,
    unsigned_precise,  // base64 of 64 unsigned bits as a decimal of scale 0
    geometry,          // {"wkb":..,"srid":..}
    point,             // {"x":..,"y":..,"wkb":..,"srid":..}
    float_vector,
};

struct Format {
    Form form = Form::text;
    std::int32_t scale = 0;       // decimal_precise
    int fraction_digits = 6;      // zoned_timestamp
    std::int64_t multiplier = 1;  // scaled_*
    std::int64_t divisor = 1;
    std::shared_ptr<const Format> element;  // array; shared: immutable, copied with its format
    bool always_optional = false;           // in the schema, whatever the column says
    std::string schema_head;                // "type":"int32"
    std::string schema_tail;                // ,"name":..,"version":1,"parameters":{..}; or empty
    std::string zero;                       // JSON of the type's zero
    std::string unavailable;  // JSON for a value that the source did not send; empty: none exists
};

// Why a value could not be written.
enum class Problem : std::uint8_t {
    none,
    not_a_number,  // NaN or an infinity in a precise decimal
    out_of_range,  // does not fit into the mode's type
    malformed,     // not what the contract of Value says
};
[[nodiscard]] std::string_view to_string(Problem problem) noexcept;

// The format of a column; none for TypeKind::unsupported and arrays of it. `source_type` refines
// what the kind leaves open (bit strings, money, tsvector, ltree).
[[nodiscard]] std::optional<Format> make_format(const ColumnType& type,
                                                std::string_view source_type,
                                                const DebeziumOptions& options);

// Writes a value in state value or one of the infinities; null elements of arrays are null.
// After a problem the writer holds a partial value: rewind it.
[[nodiscard]] Problem write_value(JsonWriter& writer, const Format& format, const Value& value);

}  // namespace tributary::encode
