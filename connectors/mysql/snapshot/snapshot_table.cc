// Tables of snapshots: snapshot_table.h.
#include "connectors/mysql/snapshot/snapshot_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "connectors/mysql/numbers.h"
#include "connectors/mysql/statements/quote.h"
#include "connectors/mysql/values/charset.h"
#include "connectors/mysql/values/column_types.h"
#include "connectors/mysql/values/table_map.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

struct Named {
    std::string_view data_type;  // of information_schema.COLUMNS
    BinlogType type;
    std::uint16_t metadata;
    CellText text;
};
// CHAR, VARCHAR and what takes its metadata from the column's own text are below.
constexpr std::array kNamed{
    Named{"tinyint", BinlogType::tiny, 0, CellText::integer},
    Named{"smallint", BinlogType::short_, 0, CellText::integer},
    Named{"mediumint", BinlogType::int24, 0, CellText::integer},
    Named{"int", BinlogType::long_, 0, CellText::integer},
    Named{"bigint", BinlogType::longlong, 0, CellText::integer},
    Named{"float", BinlogType::float_, 4, CellText::real},
    Named{"double", BinlogType::double_, 8, CellText::real},
    Named{"decimal", BinlogType::newdecimal, 0, CellText::decimal},
    Named{"bit", BinlogType::bit, 0, CellText::integer},
    Named{"year", BinlogType::year, 0, CellText::year},
    Named{"date", BinlogType::date, 0, CellText::date},
    Named{"time", BinlogType::time2, 0, CellText::time},
    Named{"datetime", BinlogType::datetime2, 0, CellText::datetime},
    Named{"timestamp", BinlogType::timestamp2, 0, CellText::timestamp},
    Named{"char", BinlogType::string, 0, CellText::bytes},
    Named{"binary", BinlogType::string, 0, CellText::padded},
    Named{"varchar", BinlogType::varchar, 0, CellText::bytes},
    Named{"varbinary", BinlogType::varchar, 0, CellText::bytes},
    Named{"tinytext", BinlogType::blob, 1, CellText::blob},
    Named{"tinyblob", BinlogType::blob, 1, CellText::blob},
    Named{"text", BinlogType::blob, 2, CellText::blob},
    Named{"blob", BinlogType::blob, 2, CellText::blob},
    Named{"mediumtext", BinlogType::blob, 3, CellText::blob},
    Named{"mediumblob", BinlogType::blob, 3, CellText::blob},
    Named{"longtext", BinlogType::blob, 4, CellText::blob},
    Named{"longblob", BinlogType::blob, 4, CellText::blob},
    Named{"json", BinlogType::json, 4, CellText::json},
    Named{"enum", BinlogType::enumeration, 0, CellText::integer},
    Named{"set", BinlogType::set, 0, CellText::integer},
    Named{"geometry", BinlogType::geometry, 4, CellText::blob},
    Named{"point", BinlogType::geometry, 4, CellText::blob},
    Named{"linestring", BinlogType::geometry, 4, CellText::blob},
    Named{"polygon", BinlogType::geometry, 4, CellText::blob},
    Named{"multipoint", BinlogType::geometry, 4, CellText::blob},
    Named{"multilinestring", BinlogType::geometry, 4, CellText::blob},
    Named{"multipolygon", BinlogType::geometry, 4, CellText::blob},
    Named{"geometrycollection", BinlogType::geometry, 4, CellText::blob},
    Named{"geomcollection", BinlogType::geometry, 4, CellText::blob},
    Named{"vector", BinlogType::vector, 4, CellText::blob},
    Named{"uuid", BinlogType::string, 16, CellText::uuid},
    Named{"inet6", BinlogType::string, 16, CellText::inet6},
    Named{"inet4", BinlogType::string, 4, CellText::inet4},
};

// How the column lies in a row image; nullopt: a type that has no mapping.
std::optional<CellForm> form_of(const CatalogueColumn& column,
                                std::uint64_t octets,
                                ServerKind kind) {
    const auto named = std::find_if(kNamed.begin(), kNamed.end(), [&column](const Named& each) {
        return each.data_type == column.data_type;
    });
    if (named == kNamed.end()) {
        return std::nullopt;
    }
    CellForm form{{named->type, named->metadata}, named->text};
    const Modifiers given = modifiers_of(column.column_type);
    const auto first = static_cast<unsigned>(std::max(given.first, 0));
    const auto second = static_cast<unsigned>(std::max(given.second, 0));
    switch (named->type) {
        case BinlogType::newdecimal:
            form.layout.metadata = static_cast<std::uint16_t>(first << 8U | second);
            break;
        case BinlogType::bit:
        case BinlogType::time2:
        case BinlogType::datetime2:
        case BinlogType::timestamp2:
            form.layout.metadata = static_cast<std::uint16_t>(first);
            break;
        case BinlogType::enumeration:
            form.layout.metadata = enum_bytes(labels_of(column.column_type).size());
            break;
        case BinlogType::set:
            form.layout.metadata = set_bytes(labels_of(column.column_type).size());
            break;
        case BinlogType::string:
        case BinlogType::varchar:
            if (named->metadata == 0) {
                form.layout.metadata = static_cast<std::uint16_t>(octets);
            }
            break;
        case BinlogType::vector:
            if (kind == ServerKind::mariadb) {
                form = {{BinlogType::varchar, static_cast<std::uint16_t>(4 * first)},
                        CellText::bytes};
            }
            break;
        case BinlogType::decimal_old:
        case BinlogType::tiny:
        case BinlogType::short_:
        case BinlogType::long_:
        case BinlogType::float_:
        case BinlogType::double_:
        case BinlogType::null:
        case BinlogType::timestamp:
        case BinlogType::longlong:
        case BinlogType::int24:
        case BinlogType::date:
        case BinlogType::time:
        case BinlogType::datetime:
        case BinlogType::year:
        case BinlogType::newdate:
        case BinlogType::typed_array:
        case BinlogType::blob_compressed:
        case BinlogType::varchar_compressed:
        case BinlogType::json:
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::var_string:
        case BinlogType::geometry:
            break;
    }
    return form;
}

std::uint16_t place_in(const std::vector<std::string>& names, const std::string& name) {
    const auto at = std::find(names.begin(), names.end(), name);
    return at == names.end() ? std::uint16_t{0}
                             : static_cast<std::uint16_t>(at - names.begin() + 1);
}

// The map that the server would send with binlog_row_metadata = FULL; `forms` gets the same
// columns.
TableMap map_of(const TableFacts& facts, ServerKind kind, std::vector<CellForm>& forms) {
    TableMap map;
    map.database = facts.database;
    map.table = facts.table;
    map.has_names = true;
    for (std::size_t index = 0; index < facts.structure.columns.size(); ++index) {
        const CatalogueColumn& column = facts.structure.columns[index];
        const std::uint64_t octets = index < facts.octets.size() ? facts.octets[index] : 0;
        const auto form = form_of(column, octets, kind);
        if (!form) {
            continue;
        }
        TableMapColumn& out = map.columns.emplace_back();
        out.layout = form->layout;
        out.nullable = column.nullable;
        out.name = column.name;
        out.key_index = place_in(facts.structure.primary_key, column.name);
        forms.push_back(*form);
    }
    return map;
}

std::string hex_literal(std::string_view bytes) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out = "X'";
    for (const char character : bytes) {
        const auto byte = static_cast<unsigned char>(character);
        out += kHex[byte >> 4U];
        out += kHex[byte & 0xFU];
    }
    return out + "'";
}

// The expression whose text append_cell() takes.
std::string cell_sql(const SnapshotTable& table, std::size_t at) {
    const std::string name = quote_identifier(table.structure.columns[at].name);
    switch (table.forms[at].text) {
        case CellText::real:
            return "(" + name + " + 0e0)";  // all digits, those of FLOAT(M,D) too
        case CellText::integer: {
            const BinlogType type = table.forms[at].layout.type;
            const bool number = type == BinlogType::bit || type == BinlogType::enumeration ||
                                type == BinlogType::set;
            return number ? "CAST(" + name + " AS UNSIGNED)" : name;
        }
        case CellText::decimal:
        case CellText::year:
        case CellText::date:
        case CellText::time:
        case CellText::datetime:
        case CellText::timestamp:
        case CellText::bytes:
        case CellText::padded:
        case CellText::blob:
        case CellText::json:
        case CellText::uuid:
        case CellText::inet4:
        case CellText::inet6:
            break;
    }
    return name;
}

// The value of a key as SQL, of the column's own type and collation.
std::string literal_of(const SnapshotTable& table, std::size_t at, const std::string& value) {
    switch (table.forms[at].text) {
        case CellText::integer:
        case CellText::decimal:
            return value;
        case CellText::real:
            return value.find_first_of("eE") == std::string::npos ? value + "e0" : value;
        case CellText::year:
        case CellText::date:
        case CellText::time:
        case CellText::datetime:
        case CellText::timestamp:
        case CellText::uuid:
        case CellText::inet4:
        case CellText::inet6:
            return "'" + value + "'";
        case CellText::bytes:
        case CellText::padded:
        case CellText::blob:
        case CellText::json:
            break;
    }
    const std::string bytes = hex_literal(value);
    if (table.introducers[at].empty()) {
        return bytes;
    }
    return table.introducers[at] + " " + bytes + " COLLATE " + table.collations[at];
}

// (a > x OR (a = x AND (b > y OR ..))), with a >= x before it, by which the index is entered.
std::string after_sql(const SnapshotTable& table,
                      const std::vector<std::string>& after,
                      std::size_t depth = 0) {
    const std::string name = quote_identifier(table.order[depth]);
    const std::string value = literal_of(table, table.order_at[depth], after[depth]);
    if (depth + 1 == after.size()) {
        return name + " > " + value;
    }
    return name + " >= " + value + " AND (" + name + " > " + value + " OR (" + name + " = " +
           value + " AND " + after_sql(table, after, depth + 1) + "))";
}

// All of its rows, or those with `where`.
std::string rows_sql(const SnapshotTable& table, std::string_view index, std::string_view where) {
    std::string sql = "SELECT ";
    for (std::size_t at = 0; at < table.structure.columns.size(); ++at) {
        sql += (at == 0 ? "" : ", ") + cell_sql(table, at);
    }
    sql += " FROM " + quote_identifier(table.structure.database) + "." +
           quote_identifier(table.structure.table) + std::string(index);
    if (!where.empty()) {
        sql += " WHERE (" + std::string(where) + "\n)";  // it may end in a comment
    }
    return sql;
}

}  // namespace

Result<SnapshotTable> make_snapshot_table(const TableFacts& facts,
                                          ServerKind kind,
                                          const TableFilter& filter) {
    SnapshotTable out;
    for (const CatalogueColumn& column : facts.structure.columns) {
        if (kind == ServerKind::mariadb && has_old_fractions(column)) {
            return old_fractions(facts.database, facts.table, column);
        }
    }
    std::vector<CellForm> forms;
    const TableMap map = map_of(facts, kind, forms);
    TRIBUTARY_TRY(schema, make_schema(map, kind, facts.structure));
    out.structure = std::move(schema);
    TRIBUTARY_TRY_VOID(filter.settle_key(out.structure));
    std::vector<Column> kept;
    for (std::size_t index = 0; index < out.structure.columns.size(); ++index) {
        Column& column = out.structure.columns[index];
        if (!filter.column_selected(facts.database, facts.table, column.name)) {
            continue;
        }
        const auto& columns = facts.structure.columns;
        const auto from = std::find_if(columns.begin(), columns.end(), [&](const auto& each) {
            return each.name == column.name;
        });
        out.introducers.push_back(from->character_set.empty() ? "" : "_" + from->character_set);
        out.collations.push_back(from->collation);
        out.forms.push_back(forms[index]);
        kept.push_back(std::move(column));
    }
    out.structure.columns = std::move(kept);
    const auto place = [&out](const std::string& name) {
        const auto& columns = out.structure.columns;
        return static_cast<std::size_t>(
            std::find_if(columns.begin(),
                         columns.end(),
                         [&name](const Column& column) { return column.name == name; }) -
            columns.begin());
    };
    // Hidden columns (the end of a version's time) are the same in all rows that are read.
    for (const std::string& name : facts.structure.primary_key) {
        const std::size_t at = place(name);
        if (at < out.structure.columns.size()) {
            out.order.push_back(name);
            out.order_at.push_back(at);
        }
    }
    // Its rows are not in the order of its comparisons, so that a chunk could leave some out: they
    // are read in one view.
    const auto& known = facts.structure.columns;
    const bool unordered = std::any_of(known.begin(), known.end(), [&](const auto& column) {
        return kind == ServerKind::mariadb && is_compared_unpadded(column) &&
               place_in(out.order, column.name) != 0;
    });
    if (unordered) {
        out.order.clear();
        out.order_at.clear();
    }
    out.by_primary_key = facts.structure.key_index == "PRIMARY";
    out.match_at = out.order_at;
    for (std::size_t at = 0; out.order.empty() && at < out.structure.columns.size(); ++at) {
        out.match_at.push_back(at);
    }
    return out;
}

std::string chunk_sql(const SnapshotTable& table,
                      const std::vector<std::string>& after,
                      std::uint64_t rows_max,
                      std::string_view where) {
    // An index of another name may be invisible, and cannot be forced then.
    std::string sql = rows_sql(table, table.by_primary_key ? " FORCE INDEX (PRIMARY)" : "", where);
    if (!after.empty()) {
        sql += (where.empty() ? " WHERE " : " AND ") + after_sql(table, after);
    }
    for (std::size_t at = 0; at < table.order.size(); ++at) {
        sql += (at == 0 ? " ORDER BY " : ", ") + quote_identifier(table.order[at]);
    }
    return sql + " LIMIT " + std::to_string(rows_max);
}

std::string whole_sql(const SnapshotTable& table, std::string_view where) {
    return rows_sql(table, "", where);
}

std::optional<std::size_t> append_held_row(std::string& out,
                                           const SnapshotTable& table,
                                           std::span<const std::optional<std::string_view>> cells) {
    const std::size_t count = table.forms.size();
    if (cells.size() != count) {
        return std::min(cells.size(), count);
    }
    std::string key;
    for (const std::size_t at : table.order_at) {
        append_sized(key, cells[at].value_or(std::string_view()));
    }
    append_fixed(out, static_cast<std::uint32_t>(key.size()), Endian::little);
    out += key;
    const std::size_t bitmap = (count + 7) / 8;
    out.append(bitmap, '\xFF');
    const std::size_t nulls = out.size();
    out.append(bitmap, '\0');
    for (std::size_t at = 0; at < count; ++at) {
        if (!cells[at]) {
            char& byte = out[nulls + at / 8];
            byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << (at % 8));
        } else if (!append_cell(out, table.forms[at], *cells[at])) {
            return at;
        }
    }
    return std::nullopt;
}

std::vector<std::string> key_of_held(std::string_view row) {
    ByteReader reader(row);
    ByteReader key(reader.bytes(reader.fixed<std::uint32_t>(Endian::little)));
    std::vector<std::string> out;
    while (key.ok() && !key.at_end()) {
        out.emplace_back(key.sized());
    }
    return out;
}

std::string_view image_of_held(std::string_view row) {
    ByteReader reader(row);
    static_cast<void>(reader.bytes(reader.fixed<std::uint32_t>(Endian::little)));
    return row.substr(std::min(reader.offset(), row.size()));
}

}  // namespace tributary::mysql
