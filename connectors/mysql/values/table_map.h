// TABLE_MAP_EVENT: which table the rows events that follow are of, and what its columns are; and
// what makes a TableSchema of it. Parsers are total over any bytes. Pure; any thread.
// MySQL 9 source documentation, "Table_map_event" and "Table_map_event::Optional_metadata"; MariaDB
// knowledge base, TABLE_MAP_EVENT. Body (little-endian):
//   fixed48  table id
//   fixed16  flags
//   byte     length of the database name, name, NUL; the same for the table
//   packed   count of columns, then one type byte each
//   packed   bytes of column metadata, then it (0 to 2 bytes per column, by type)
//   bits     nullable, one per column, least significant first
//   then any number of: byte type, packed length, bytes  (optional metadata)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/server/catalogue_port.h"
#include "connectors/mysql/server_kind.h"
#include "connectors/mysql/values/row_image.h"
#include "model/schema.h"

namespace tributary::mysql {

// More columns than either server allows in a table.
inline constexpr std::size_t kTableColumnsMax = 4096;

struct TableMapColumn {
    ColumnLayout layout;
    bool nullable = false;
    bool is_unsigned = false;
    bool visible = true;
    std::uint16_t collation = 0;     // 0: not told
    std::uint8_t geometry_type = 0;  // 0 geometry, 1 point, ...
    std::uint32_t vector_dimensions = 0;
    std::string name;                 // empty: not told
    std::vector<std::string> labels;  // enum, set; UTF-8
    std::uint16_t key_index = 0;      // place in the primary key from 1
    std::uint32_t key_prefix = 0;     // characters of it that the key has; 0: all
};

struct TableMap {
    std::uint64_t table_id = 0;  // 48 bits
    std::uint16_t flags = 0;
    std::string database;
    std::string table;
    std::vector<TableMapColumn> columns;
    // Which optional metadata the event had.
    bool has_signedness = false;
    bool has_charsets = false;  // of every character column
    bool has_names = false;
    bool has_labels = false;  // of every enum and set
    [[nodiscard]] bool is_full() const noexcept { return has_names; }
};

// The table id alone, for a map whose bytes were seen before. 0 when the body is too short.
[[nodiscard]] std::uint64_t table_id_of(std::string_view body) noexcept;

// Database and table alone, views into `body`: enough to tell whether the table is selected.
struct TableName {
    std::string_view database;
    std::string_view table;
};
[[nodiscard]] Result<TableName> parse_table_name(std::string_view body);

// `body`: the event after its 19-byte header, without CRC. kProtocolViolation, naming byte and
// reason.
[[nodiscard]] Result<TableMap> parse_table_map(std::string_view body, ServerKind kind);

// What row_image_size() and Intake need to split rows events of this table.
[[nodiscard]] RowLayout row_layout(const TableMap& map);

// The structure of the table as its rows have it. What the event does not tell (everything under
// binlog_row_metadata MINIMAL and NO_LOG; defaults, MariaDB's UUID and INET types always) comes
// from `structure`, which the catalogue has told. Columns are matched by place and name;
// kSchemaMismatch when it has another count or another type than the event, or does not exist
// where it is needed. Of one whose columns are others than the event's, that is of another time,
// only the types of the columns that are the same are taken: neither defaults nor what goes with
// them.
[[nodiscard]] Result<TableSchema> make_schema(const TableMap& map,
                                              ServerKind kind,
                                              TableStructure structure);

// Whether `structure` has the columns of `map`, by name, type and place.
[[nodiscard]] bool describes(const TableStructure& structure, const TableMap& map, ServerKind kind);

// What decoding needs of a column besides its ColumnType, as Column::source_type_id keeps it.
// Column::source_type_modifier is the collation's id, -1 where there is none.
struct StoredType {
    ColumnLayout layout;
    bool is_unsigned = false;
    bool catalogue_known = false;  // nullability and default are what the catalogue said
    bool row_end = false;          // MariaDB's ROW END of a system-versioned table
};
//   bits 0-7 type, 8-23 metadata, 24 unsigned, 25 known to the catalogue, 26 ROW END
[[nodiscard]] std::uint32_t pack(const StoredType& type) noexcept;
[[nodiscard]] StoredType unpack(std::uint32_t source_type_id) noexcept;

// The column of `schema` that holds MariaDB's ROW END of a system-versioned table; the count of
// columns when it has none. See is_current_row().
[[nodiscard]] std::size_t row_end_column(const TableSchema& schema) noexcept;

}  // namespace tributary::mysql
