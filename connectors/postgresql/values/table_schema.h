// A table's structure from its Relation message and what the catalogue says now. The two may
// disagree: the message is as of the transaction, the catalogue as of today. Columns are matched by
// name, type oid and modifier; one that does not match keeps what the message says of it. Pure.
#pragma once

#include <string>

#include "connectors/postgresql/server/catalogue_port.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "model/schema.h"

namespace tributary::postgresql {

// The key, by replica identity:
//   DEFAULT  the columns that the message flags (the primary key of that time), in the order of the
//            catalogue's primary key if it has the same columns
//   INDEX    the catalogue's primary key if the index holds it all, else the index: an old row
//            always has its key
//   FULL,    the catalogue's primary key if the message has all its columns; else none
//   NOTHING
// Columns that were only renamed since are known by their places.
[[nodiscard]] TableSchema merge_table(const std::string& database,
                                      const RelationMessage& relation,
                                      const CatalogueTable& catalogue);

// The first column of the key that old rows come without; empty: they have it whole, or never come.
[[nodiscard]] std::string unsent_key(const TableSchema& table, const CatalogueTable& catalogue);

// A key is carried whole or not at all: records of several rows would share what is left of it.
// Where a column of the key is of a type that is not mapped, takes the key away and names that
// column, "id of type xid8"; empty: the key stays. After TableFilter::settle_key().
[[nodiscard]] std::string drop_uncarried_key(TableSchema& table);

// The columns of a row by name, type and modifier: what two rows must share to be put together.
[[nodiscard]] std::string column_signature(const TableSchema& table);

}  // namespace tributary::postgresql
