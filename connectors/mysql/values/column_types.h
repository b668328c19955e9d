// What a column means: from its binlog type and what the table map and the catalogue tell of it.
// Pure; any thread. Mapping: docs/types.md. MySQL 9 manual 13; MariaDB knowledge base, "Data
// Types".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/mysql/server/catalogue_port.h"
#include "connectors/mysql/values/table_map.h"
#include "model/schema.h"

namespace tributary::mysql {

// `known` may be null. Only `kind`, `precision`, `scale` and `labels` are set.
[[nodiscard]] ColumnType map_type(const TableMapColumn& column, const CatalogueColumn* known);

// The server's name of the type, with modifiers: "bigint unsigned", "enum('a','b')".
[[nodiscard]] std::string type_name(const TableMapColumn& column, const CatalogueColumn* known);

// Whether a column that the catalogue describes as `known` can have the layout of `column`.
[[nodiscard]] bool is_same_type(const TableMapColumn& column, const CatalogueColumn& known);

// 'a','it''s' between the parentheses of "enum(..)" and "set(..)"; empty for other text.
[[nodiscard]] std::vector<std::string> labels_of(std::string_view column_type);

// How many bytes a row image has for a column of so many labels.
[[nodiscard]] std::uint16_t enum_bytes(std::size_t labels);
[[nodiscard]] std::uint16_t set_bytes(std::size_t labels);

// COLUMN_DEFAULT as an SQL literal or expression, as Column::default_expression has it.
[[nodiscard]] std::optional<std::string> default_expression(const CatalogueColumn& known,
                                                            const ColumnType& type,
                                                            ServerKind kind);

}  // namespace tributary::mysql
