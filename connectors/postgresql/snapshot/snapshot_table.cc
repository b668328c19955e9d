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

// Types with oids below this are PostgreSQL's own; their operators are in pg_catalog.
constexpr std::uint32_t kFirstNormalOid = 16384;

bool contains(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether `>` of our search_path is the order of the type's index: an extension's base type
// (citext) has operators that are not in pg_catalog. Enums and domains use pg_catalog's.
bool has_plain_order(std::uint32_t oid, const CatalogueTable& catalogue) {
    for (int depth = 0; oid >= kFirstNormalOid && depth < 16; ++depth) {
        const auto type = std::find_if(
            catalogue.types.begin(), catalogue.types.end(), [oid](const CatalogueType& each) {
                return each.oid == oid;
            });
        if (type == catalogue.types.end() || type->kind == 'b') {
            return false;
        }
        if (type->kind != 'd') {
            return true;
        }
        oid = type->base_oid;
    }
    return oid < kFirstNormalOid;
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

std::string list_of(const Names& names, const char* suffix = "") {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : ", ") + quote_identifier(name) + suffix;
    }
    return out;
}

std::string after_sql(const SnapshotTable& table, const Names& after) {
    std::string values;
    for (const std::string& value : after) {
        values += (values.empty() ? "" : ", ") + quote_literal(value);
    }
    return "(" + list_of(table.order) + ") > (" + values + ")";
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
    std::vector<Column> kept;
    for (Column& column : out.structure.columns) {
        if (filter.column_selected(facts.schema, facts.table, column.name)) {
            kept.push_back(std::move(column));
        } else if (column.key_index != 0) {
            return Error(errors::kConfigInvalid,
                         "tables.exclude_columns: " + facts.schema + "." + facts.table + "." +
                             column.name + " is part of the key");
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
    for (const std::size_t at : out.order_at) {
        out.plain_order =
            out.plain_order && has_plain_order(out.structure.columns[at].source_type_id, catalogue);
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
        sql += " ORDER BY " + list_of(table.order);
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
