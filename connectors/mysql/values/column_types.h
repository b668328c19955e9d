// What a column means: from its binlog type and what the table map and the catalogue tell of it.
// Pure; any thread. Mapping: docs/types.md. MySQL 9 manual 13; MariaDB knowledge base, "Data
// Types".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

// A fraction in the form that MariaDB has with mysql56_temporal_format=OFF.
[[nodiscard]] bool has_old_fractions(const CatalogueColumn& known);
// kSourceSettings: such a column, and what mends it.
[[nodiscard]] Error old_fractions(const std::string& database,
                                  const std::string& table,
                                  const CatalogueColumn& known);

// A CHAR that MariaDB sorts padded, and compares without its spaces.
[[nodiscard]] bool is_compared_unpadded(const CatalogueColumn& known);

// How many bytes a row image has for a column of so many labels.
[[nodiscard]] std::uint16_t enum_bytes(std::size_t labels);
[[nodiscard]] std::uint16_t set_bytes(std::size_t labels);

// COLUMN_DEFAULT as an SQL literal or expression, as Column::default_expression has it.
[[nodiscard]] std::optional<std::string> default_expression(const CatalogueColumn& known,
                                                            const ColumnType& type,
                                                            ServerKind kind);

}  // namespace tributary::mysql
