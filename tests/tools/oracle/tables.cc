// See tables.h. Catalogues: PostgreSQL manual, System Catalogs, pg_attribute and pg_type.
#include "tests/tools/oracle/tables.h"

#include <cstdlib>

namespace tributary::oracle {
namespace {

using servers::sql_identifier;
using servers::sql_literal;
using servers::SqlConnection;

// Domains and arrays are followed to the element's base type.
constexpr const char* kColumns =
    "WITH RECURSIVE base AS ("
    " SELECT a.attnum, a.attname, a.attmissingval::text AS missing, a.atttypid AS type,"
    "  a.atttypmod AS typmod, false AS is_array, format_type(a.atttypid, a.atttypmod) AS declared"
    " FROM pg_attribute a WHERE a.attrelid = $table::regclass AND a.attnum > 0"
    "  AND NOT a.attisdropped AND a.attgenerated = ''"
    " UNION ALL"
    " SELECT b.attnum, b.attname, b.missing,"
    "  CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,"
    "  CASE WHEN t.typtype = 'd' AND b.typmod < 0 THEN t.typtypmod ELSE b.typmod END,"
    "  b.is_array OR t.typcategory = 'A', b.declared"
    " FROM base b JOIN pg_type t ON t.oid = b.type"
    " WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0))"
    "SELECT b.attname, t.typname, b.typmod, b.is_array, b.missing, b.declared FROM base b"
    " JOIN pg_type t ON t.oid = b.type"
    " WHERE t.typtype <> 'd' AND NOT (t.typcategory = 'A' AND t.typelem <> 0) ORDER BY b.attnum";

std::string array_expression(const std::string& reference, const std::string& element) {
    return "CASE WHEN " + reference + " IS NULL THEN NULL ELSE coalesce((SELECT jsonb_agg(" +
           element + " ORDER BY place) FROM unnest(" + reference +
           ") WITH ORDINALITY AS parts(element, place)), '[]') "
           "END::text";
}

std::string expression_over(const Column& column,
                            const std::string& type,
                            int typmod,
                            const std::string& reference) {
    Column copy = column;
    set_type(copy, type, typmod, column.array ? "parts.element" : reference);
    return column.array ? array_expression(reference, copy.expression) : copy.expression;
}

std::vector<Column> read_columns(SqlConnection& connection, const std::string& table) {
    std::string query = kColumns;
    query.replace(query.find("$table"), 6, sql_literal(table));
    std::vector<Column> columns;
    for (const auto& row : connection.sql(query).rows) {
        Column column{.name = row[0].value()};
        const std::string& type = row[1].value();
        const int typmod = std::atoi(row[2].value().c_str());
        column.array = row[3] == "t";
        set_type(column, type, typmod, "");
        column.expression = expression_over(column, type, typmod, sql_identifier(column.name));
        if (row[4]) {
            // A column added with a default: rows older than it have this value and no event says
            // so.
            const std::string value = "(SELECT (" + sql_literal(*row[4]) + "::" + row[5].value() +
                                      "[])[1] AS v) AS default_of";
            const auto answer = connection.sql(
                "SELECT " + expression_over(column, type, typmod, "v") + " FROM " +
                (column.array ? "(SELECT NULL::" + row[5].value() + " AS v) AS default_of"
                              : value));
            column.missing = from_sql(column, answer.rows.at(0).at(0));
        }
        columns.push_back(std::move(column));
    }
    return columns;
}

void read_rows(SqlConnection& connection, SourceTable& table, const std::string& qualified) {
    std::string list;
    for (const Column& column : table.columns) {
        list += (list.empty() ? "" : ", ") + column.expression;
    }
    const auto answer = connection.sql("SELECT " + list + " FROM " + qualified);
    for (const auto& cells : answer.rows) {
        CanonicalRow row;
        for (std::size_t index = 0; index < cells.size(); ++index) {
            row[table.columns[index].name] = from_sql(table.columns[index], cells[index]);
        }
        table.rows.push_back(std::move(row));
    }
}

}  // namespace

std::vector<SourceTable> read_tables(SqlConnection& connection, const std::string& publication) {
    connection.sql(
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';"
        "SET bytea_output = 'hex'; SET extra_float_digits = 3; SET lc_monetary = 'C';"
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    const std::string filter =
        publication.empty() ? "" : " WHERE pubname = " + sql_literal(publication);
    const auto names =
        connection.sql("SELECT DISTINCT schemaname, tablename FROM pg_publication_tables" + filter +
                       " ORDER BY 1, 2");
    std::vector<SourceTable> tables;
    for (const auto& name : names.rows) {
        SourceTable table{
            .schema = name[0].value(), .name = name[1].value(), .columns = {}, .rows = {}};
        const std::string qualified =
            sql_identifier(table.schema) + "." + sql_identifier(table.name);
        table.columns = read_columns(connection, qualified);
        read_rows(connection, table, qualified);
        tables.push_back(std::move(table));
    }
    connection.sql("COMMIT");
    return tables;
}

}  // namespace tributary::oracle
