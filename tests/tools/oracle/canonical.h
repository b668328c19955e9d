// One text per value, whichever side it comes from: what PostgreSQL's table holds and what a
// Debezium change event says (precise decimals, adaptive times, base64 bytes: the defaults) become
// the same text when they mean the same. Pure functions; any thread.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace tributary::oracle {

enum class Kind {
    text,         // also json, uuid, enums, inet: as PostgreSQL prints it
    padded_text,  // char(n): trailing blanks mean nothing
    boolean,
    integer,      // also dates, times and intervals, which travel as counts
    real,         // float4
    double_real,  // float8
    numeric,
    bytes,
    bits,   // bit(n > 1), varbit
    zoned,  // timestamptz, timetz: ISO 8601 in UTC, trailing zeros of the fraction mean nothing
};

struct Column {
    std::string name = {};
    Kind kind = Kind::text;
    int scale = 0;       // numeric(p, s)
    bool array = false;  // of any number of dimensions, compared flat
    // SQL that yields the text for from_sql; for an array a `jsonb` array of such texts.
    std::string expression = {};
    // Canonical value of rows older than the column (its default).
    std::optional<std::string> missing = {};
};

inline constexpr const char* kUnavailable = "__debezium_unavailable_value";

// The type of a column as `pg_type.typname` and `typmod` say it (an array: of its element).
// The SQL expression is over the column reference `reference`.
void set_type(Column& column,
              const std::string& type_name,
              int typmod,
              const std::string& reference);

// nullopt is SQL NULL. Throws std::exception when the value does not have the column's shape.
[[nodiscard]] std::optional<std::string> from_sql(const Column& column,
                                                  const std::optional<std::string>& text);
[[nodiscard]] std::optional<std::string> from_event(const Column& column,
                                                    const nlohmann::json& value);

// Whether an event's value stands for "unchanged, not in the stream" (TOAST).
[[nodiscard]] bool is_unavailable(const nlohmann::json& value);

// Standard base64 with padding. Throws std::runtime_error on anything else.
[[nodiscard]] std::string decode_base64(const std::string& text);
// Big-endian two's complement with `scale` digits after the point: "-1.5".
[[nodiscard]] std::string decimal_text(const std::string& bytes, int scale);

}  // namespace tributary::oracle
