// A table as a snapshot reads it: which columns, in which order of rows, and the statement for the
// next chunk. Keys are compared by the server, in the order of its own index: the collation of a
// text key is never ours to know. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/postgresql/server/catalogue_port.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "model/schema.h"
#include "model/table_filter.h"

namespace tributary::postgresql {

// A column of the key whose type is not built in. Its operators may be in a schema that search_path
// does not have: they are named in full. Column and values are cast to the type they are of.
struct OwnOrder {
    std::string column{};
    std::string type{};     // format_type(), qualified, of a domain what it is over: "ext.citext"
    std::string less{};     // of the key's index: "OPERATOR(ext.<)"
    std::string greater{};  // alike
};

// What the catalogue says beside CatalogueTable.
struct SnapshotFacts {
    std::uint32_t oid = 0;
    std::string schema{};
    std::string table{};
    bool partitioned = false;
    char replica_identity = 'd';
    std::vector<std::string> published{};  // columns that the stream has, in its order
    std::string row_filter{};              // of the publication, SQL; empty: all rows
    std::vector<OwnOrder> own_orders{};
};

struct SnapshotTable {
    SnapshotFacts facts{};
    TableSchema structure{};              // of the selected columns
    std::vector<std::string> order{};     // columns by which the rows are read; empty: no key
    std::vector<std::size_t> order_at{};  // their places in structure.columns
    std::vector<std::size_t> match_at{};  // columns by which the stream names a row
    std::string uncarried_key{};          // drop_uncarried_key()
};

// Joins the two as the stream's Relation message would be joined. kConfigInvalid: a key column is
// left out by the filter.
[[nodiscard]] Result<SnapshotTable> make_snapshot_table(const std::string& database,
                                                        const SnapshotFacts& facts,
                                                        const CatalogueTable& catalogue,
                                                        const TableFilter& filter);

// COPY of at most `rows_max` rows after `after` (values of `order`, or none to begin), of those
// with `where` (SQL; empty: all).
[[nodiscard]] std::string chunk_sql(const SnapshotTable& table,
                                    const std::vector<std::string>& after,
                                    std::uint64_t rows_max,
                                    std::string_view where = {});

// The same rows as a SELECT, in no order: of a table without a key.
[[nodiscard]] std::string whole_sql(const SnapshotTable& table, std::string_view where = {});

// Asks the server whether it takes `where` for the table, without reading any row. It has a
// parameter ("t"), and statements with parameters come alone: a condition cannot end it and begin
// another.
[[nodiscard]] std::string condition_sql(const std::string& qualified_name, std::string_view where);

[[nodiscard]] std::string qualified_name(const SnapshotFacts& facts);

// The cells of `tuple` (its columns are structure.columns) at the given places, as bytes that are
// equal when the cells are. An unchanged cell is taken from `old`, if that is given.
void append_cells(std::string& out,
                  const Tuple& tuple,
                  const std::vector<std::size_t>& places,
                  const Tuple* old = nullptr);

// `row` with what `event` has put over it; `event` may have left columns out. The bytes of a tuple.
[[nodiscard]] std::string put_over(const Tuple& row, const Tuple& event);

// The tuple of bytes that append_copy_tuple() or put_over() wrote.
[[nodiscard]] Tuple tuple_of(std::string_view bytes);

}  // namespace tributary::postgresql
