// What a column's values look like in Debezium's JSON, and the piece of Connect schema that says
// so: compiled once per column from its type and the chosen modes (Debezium 3.6 documentation,
// PostgreSQL connector, "Data type mappings"). Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "encode/debezium.h"
#include "model/schema.h"

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
    double_vector,
    sparse_vector,  // {"dimensions":..,"vector":[[place,number],..]}
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

// The format of a column; none for TypeKind::unsupported and arrays of it. `source_type` refines
// what the kind leaves open (bit strings, money, tsvector, ltree).
[[nodiscard]] std::optional<Format> make_format(const ColumnType& type,
                                                std::string_view source_type,
                                                const DebeziumOptions& options);

}  // namespace tributary::encode
