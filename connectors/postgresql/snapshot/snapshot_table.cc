#include "connectors/postgresql/snapshot/snapshot_table.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "connectors/postgresql/server/quote.h"
#include "connectors/postgresql/values/table_schema.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

const CatalogueColumn* find_column(const CatalogueTable& catalogue, const std::string& name) {
    const auto found = std::find_if(
        catalogue.columns.begin(), catalogue.columns.end(), [&name](const CatalogueColumn& column) {
            return column.name == name;
        });
    return found == catalogue.columns.end() ? nullptr : &*found;
}

bool is_identity(const std::string& name, char identity, const CatalogueTable& catalogue) {
    switch (identity) {
        case 'f':
            return true;
        case 'd':
            return contains(catalogue.primary_key, name);
        case 'i':
            return contains(catalogue.identity_index, name);
        default:
            return false;
    }
}

// The Relation message that the stream would send. PostgreSQL 15 manual 55.9, "Relation".
std::string relation_bytes(const SnapshotFacts& facts, const CatalogueTable& catalogue) {
    std::string columns;
    std::uint16_t count = 0;
    for (const std::string& name : facts.published) {
        const CatalogueColumn* column = find_column(catalogue, name);
        if (column == nullptr) {
            continue;
        }
        columns.push_back(is_identity(name, facts.replica_identity, catalogue) ? '\1' : '\0');
        columns.append(name).push_back('\0');
        append_fixed(columns, column->type_oid, Endian::big);
        append_fixed(columns, static_cast<std::uint32_t>(column->type_modifier), Endian::big);
        ++count;
    }
    std::string out(1, 'R');
    append_fixed(out, facts.oid, Endian::big);
    out.append(facts.schema).push_back('\0');
    out.append(facts.table).push_back('\0');
    out.push_back(facts.replica_identity);
    append_fixed(out, count, Endian::big);
    return out + columns;
}

std::vector<std::size_t> places_of(const Names& names, const TableSchema& structure) {
    std::vector<std::size_t> places;
    for (const std::string& name : names) {
        const auto at = std::find_if(structure.columns.begin(),
                                     structure.columns.end(),
                                     [&name](const Column& column) { return column.name == name; });
        if (at != structure.columns.end()) {
            places.push_back(static_cast<std::size_t>(at - structure.columns.begin()));
        }
    }
    return places;
}

// What old rows of the stream carry: the identity's columns; the key under FULL, else whole rows.
Names match_columns(const SnapshotTable& table, const CatalogueTable& catalogue) {
    if (table.facts.replica_identity == 'i') {
        return catalogue.identity_index;
    }
    if (!table.order.empty()) {
        return table.order;
    }
    Names all;
    for (const Column& column : table.structure.columns) {
        all.push_back(column.name);
    }
    return all;
}

std::string list_of(const Names& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : ", ") + quote_identifier(name);
    }
    return out;
}

const OwnOrder* own_order(const SnapshotTable& table, const std::string& column) {
    const auto& all = table.facts.own_orders;
    const auto found = std::find_if(
        all.begin(), all.end(), [&column](const OwnOrder& each) { return each.column == column; });
    return found == all.end() ? nullptr : &*found;
}

std::string cast_to(const OwnOrder* own, const std::string& sql) {
    return own == nullptr ? sql : sql + "::" + own->type;
}

std::string key_list(const SnapshotTable& table) {
    std::string out;
    for (const std::string& name : table.order) {
        out += (out.empty() ? "" : ", ") + cast_to(own_order(table, name), quote_identifier(name));
    }
    return out;
}

// Whether search_path finds the operators of every column: then the key is compared as one row.
bool has_plain_operators(const SnapshotTable& table) {
    return std::all_of(table.order.begin(), table.order.end(), [&table](const std::string& column) {
        const OwnOrder* own = own_order(table, column);
        return own == nullptr || own->greater == "OPERATOR(pg_catalog.>)";
    });
}

std::string order_sql(const SnapshotTable& table) {
    std::string out;
    for (const std::string& column : table.order) {
        const OwnOrder* own = own_order(table, column);
        out += (out.empty() ? "" : ", ") + cast_to(own, quote_identifier(column)) +
               (own == nullptr ? "" : " USING " + own->less);
    }
    return out;
}

// What is behind `after` from the key's column `at` on. A row comparison has one operator for all
// columns; here each has its own. The server takes NOT < for >=, and begins to read the index
// there.
std::string after_each_sql(const SnapshotTable& table, const Names& after, std::size_t at) {
    const OwnOrder* own = own_order(table, table.order[at]);
    const std::string column = cast_to(own, quote_identifier(table.order[at]));
    const std::string value = cast_to(own, quote_literal(after[at]));
    const std::string beyond = column + " " + (own == nullptr ? ">" : own->greater) + " " + value;
    if (at + 1 == table.order.size()) {
        return beyond;
    }
    return "NOT " + column + " " + (own == nullptr ? "<" : own->less) + " " + value + " AND (" +
           beyond + " OR " + after_each_sql(table, after, at + 1) + ")";
}

std::string after_sql(const SnapshotTable& table, const Names& after) {
    if (!has_plain_operators(table)) {
        return after_each_sql(table, after, 0);
    }
    std::string values;
    for (std::size_t at = 0; at < after.size(); ++at) {
        values += (at == 0 ? "" : ", ") +
                  cast_to(own_order(table, table.order[at]), quote_literal(after[at]));
    }
    return "(" + key_list(table) + ") > (" + values + ")";
}

}  // namespace

Result<SnapshotTable> make_snapshot_table(const std::string& database,
                                          const SnapshotFacts& facts,
                                          const CatalogueTable& catalogue,
                                          const TableFilter& filter) {
    SnapshotTable out;
    out.facts = facts;
    const std::string bytes = relation_bytes(facts, catalogue);
    TRIBUTARY_TRY(relation, parse_relation(bytes));
    out.structure = merge_table(database, relation, catalogue);
    TRIBUTARY_TRY_VOID(filter.settle_key(out.structure));
    out.uncarried_key = drop_uncarried_key(out.structure);
    std::vector<Column> kept;
    for (Column& column : out.structure.columns) {
        if (filter.column_selected(facts.schema, facts.table, column.name)) {
            kept.push_back(std::move(column));
        }
    }
    out.structure.columns = std::move(kept);
    out.order = catalogue.primary_key.empty() ? catalogue.identity_index : catalogue.primary_key;
    out.order_at = places_of(out.order, out.structure);
    if (out.order_at.size() != out.order.size()) {
        // The key is not published or not selected: the stream cannot name rows by it either.
        out.order.clear();
        out.order_at.clear();
    }
    out.match_at = places_of(match_columns(out, catalogue), out.structure);
    return out;
}

std::string qualified_name(const SnapshotFacts& facts) {
    return quote_identifier(facts.schema) + "." + quote_identifier(facts.table);
}

std::string condition_sql(const std::string& qualified_name, std::string_view where) {
    return "SELECT 1 FROM " + qualified_name + " WHERE (" + std::string(where) +
           "\n) AND $1::bool LIMIT 0";
}

std::string whole_sql(const SnapshotTable& table, std::string_view where) {
    Names columns;
    for (const Column& column : table.structure.columns) {
        columns.push_back(column.name);
    }
    // A table with children by inheritance: their rows are their own.
    std::string sql = "SELECT " + list_of(columns) + " FROM " +
                      (table.facts.partitioned ? "" : "ONLY ") + qualified_name(table.facts);
    if (!table.facts.row_filter.empty()) {
        sql += " WHERE (" + table.facts.row_filter + ")";
    }
    if (!where.empty()) {
        sql += table.facts.row_filter.empty() ? " WHERE (" : " AND (";
        sql.append(where).append("\n)");  // it may end in a comment
    }
    return sql;
}

std::string chunk_sql(const SnapshotTable& table,
                      const std::vector<std::string>& after,
                      std::uint64_t rows_max,
                      std::string_view where) {
    std::string sql = "COPY (" + whole_sql(table, where);
    if (!after.empty()) {
        const bool first = where.empty() && table.facts.row_filter.empty();
        sql += (first ? " WHERE " : " AND ") + after_sql(table, after);
    }
    if (!table.order.empty()) {
        sql += " ORDER BY " + order_sql(table);
    }
    return sql + " LIMIT " + std::to_string(rows_max) + ") TO STDOUT";
}

void append_cells(std::string& out,
                  const Tuple& tuple,
                  const std::vector<std::size_t>& places,
                  const Tuple* old) {
    const auto cells_of = [](const Tuple& from) {
        std::vector<Cell> cells;
        cells.reserve(from.column_count);
        CellReader reader(from);
        Cell cell;
        while (reader.next(cell)) {
            cells.push_back(cell);
        }
        return cells;
    };
    const std::vector<Cell> cells = cells_of(tuple);
    const std::vector<Cell> before = old == nullptr ? std::vector<Cell>() : cells_of(*old);
    for (const std::size_t place : places) {
        Cell cell = place < cells.size() ? cells[place] : Cell{};
        if (cell.kind == CellKind::unchanged && place < before.size()) {
            cell = before[place];
        }
        out.push_back(static_cast<char>(cell.kind));
        append_sized(out, cell.bytes);
    }
}

std::string put_over(const Tuple& row, const Tuple& event) {
    std::string out;
    append_fixed(out, event.column_count, Endian::big);
    CellReader rows(row);
    CellReader events(event);
    Cell from_row;
    Cell cell;
    while (events.next(cell)) {
        const bool there = rows.next(from_row);
        if (cell.kind == CellKind::unchanged && there) {
            cell = from_row;
        }
        out.push_back(static_cast<char>(cell.kind));
        if (cell.kind == CellKind::text) {
            append_fixed(out, static_cast<std::uint32_t>(cell.bytes.size()), Endian::big);
            out.append(cell.bytes);
        }
    }
    return out;
}

Tuple tuple_of(std::string_view bytes) {
    ByteReader reader(bytes);
    Tuple tuple;
    tuple.column_count = reader.fixed<std::uint16_t>(Endian::big);
    tuple.cells = bytes.substr(reader.offset());
    return tuple;
}

}  // namespace tributary::postgresql
