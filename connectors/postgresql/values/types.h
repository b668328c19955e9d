// PostgreSQL types to model types: what a column means, from its type oid and modifier, with the
// catalogue's word for types that are not built in. Pure; any thread.
// PostgreSQL 15 manual, chapter 8 and 53.64 "pg_type"; mapping: docs/types.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "connectors/postgresql/server/catalogue_port.h"
#include "model/schema.h"

namespace tributary::postgresql {

// How deep domains may lie over each other, arrays in domains included; deeper is unsupported.
inline constexpr int kTypeDepthMax = 16;

// The type of a column of type `oid` with modifier `modifier` (-1: none), declared with
// `dimensions` array dimensions (0 and 1 alike). Types that have no mapping, arrays of them, and
// arrays declared with several dimensions are TypeKind::unsupported. Built-in oids do not need
// `types`.
[[nodiscard]] ColumnType map_type(std::uint32_t oid,
                                  std::int32_t modifier,
                                  std::uint32_t dimensions,
                                  std::span<const CatalogueType> types);

// Whether the default of a column goes into its schema: Debezium's rule, by type. Consumers put a
// schema's default in the place of null, so that more defaults would not be better.
[[nodiscard]] bool default_is_shipped(std::uint32_t oid, TypeKind kind);

// The SQL name of a built-in type, without modifiers; empty when `oid` is not one that is mapped.
[[nodiscard]] std::string_view built_in_name(std::uint32_t oid);

}  // namespace tributary::postgresql
