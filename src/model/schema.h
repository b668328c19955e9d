// The structure of a source table as the events that follow it have it. Types are the meaning of a
// column, independent of the database that holds it: a connector maps its own types to these, an
// encoder maps these to the consumer's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tributary {

enum class TypeKind : std::uint8_t {
    unsupported = 0,  // kept in the log, not decoded; left out of what is delivered
    boolean = 1,
    int16 = 2,
    int32 = 3,
    int64 = 4,
    float32 = 5,
    float64 = 6,
    decimal = 7,  // precision and scale; precision 0 = any scale per value
    text = 8,     // UTF-8
    bytes = 9,
    uuid = 10,
    json = 11,
    xml = 12,
    enumeration = 13,  // labels
    date = 14,
    time = 15,  // of day, without zone; precision = fraction digits 0..6
    time_tz = 16,
    timestamp = 17,  // without zone
    timestamp_tz = 18,
    interval = 19,
    array = 20,  // of `element`
    uint64 = 21,
    year = 22,
    set = 23,           // of labels
    geometry = 24,      // well-known binary
    point = 25,         // a geometry that is always a point
    float_vector = 26,  // of 32-bit floats
    double_vector = 27,
    sparse_vector = 28,  // of 64-bit floats
    geography = 29,      // a geometry on the globe
};

// ColumnType::precision of json whose source has a map of texts (hstore); the value is a JSON
// object.
inline constexpr std::int32_t kJsonOfMap = 1;

struct ColumnType {
    TypeKind kind = TypeKind::unsupported;
    // decimal: digits, 0 = any scale per value, or money when there is a scale; time and timestamp:
    // fraction digits; bytes: length of a bit string, 0 = bytes; json: kJsonOfMap or 0
    std::int32_t precision = 0;
    std::int32_t scale = 0;           // decimal
    std::vector<std::string> labels;  // enumeration and set, in the source's order
    std::shared_ptr<const ColumnType>
        element;  // array; shared: immutable and copied with its column
    friend bool operator==(const ColumnType& left, const ColumnType& right);
};

struct Column {
    std::string name;
    ColumnType type;
    std::string source_type;  // the source's own name of it, with modifiers: "numeric(10,2)"
    // PostgreSQL: type oid; MySQL: connectors/mysql/values/table_map.h
    std::uint32_t source_type_id = 0;
    std::int32_t source_type_modifier = -1;
    bool nullable = true;
    std::uint16_t key_index = 0;  // place in the message key from 1; 0 = not part of the key
    bool identity = false;  // part of the replica identity that the source sends with old rows
    std::optional<std::string>
        default_expression;  // the source's text: "nextval('t_id_seq')", "'x'::text"
    friend bool operator==(const Column&, const Column&) = default;
};

// How much of an old row the source sends (PostgreSQL REPLICA IDENTITY).
enum class OldRow : std::uint8_t { key = 1, nothing = 2, full = 3, index = 4 };

struct TableSchema {
    std::string database;
    std::string schema;
    std::string table;
    std::uint32_t source_table_id = 0;  // PostgreSQL: relation oid; MySQL: none, it changes
    OldRow old_row = OldRow::key;
    std::vector<Column> columns;  // in the order of the source's row image
    friend bool operator==(const TableSchema&, const TableSchema&) = default;
};

}  // namespace tributary
