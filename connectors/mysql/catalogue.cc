#include "connectors/mysql/catalogue.h"

#include <utility>

namespace tributary::mysql {
namespace {

std::string text(const SqlRows& rows, std::size_t row, std::size_t column) {
    return std::string(rows.at(row, column));
}

}  // namespace

Result<TableStructure> SqlCatalogue::columns(const std::string& database,
                                             const std::string& table) {
    TRIBUTARY_TRY(session, session_());
    const std::string which = " WHERE TABLE_SCHEMA = " + quote_literal(database) +
                              " AND TABLE_NAME = " + quote_literal(table);
    TRIBUTARY_TRY(kind, session->query("SELECT TABLE_TYPE FROM information_schema.TABLES" + which));
    TableStructure out;
    if (kind.rows.empty()) {
        return out;
    }
    out.exists = true;
    out.system_versioned = kind.at(0, 0) == "SYSTEM VERSIONED";
    TRIBUTARY_TRY(rows,
                  session->query("SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COLLATION_NAME, "
                                 "CHARACTER_SET_NAME, IS_NULLABLE, COLUMN_DEFAULT, EXTRA "
                                 "FROM information_schema.COLUMNS" +
                                 which + " ORDER BY ORDINAL_POSITION"));
    for (std::size_t row = 0; row < rows.rows.size(); ++row) {
        CatalogueColumn& column = out.columns.emplace_back();
        column.name = text(rows, row, 0);
        column.data_type = text(rows, row, 1);
        column.column_type = text(rows, row, 2);
        column.collation = text(rows, row, 3);
        column.character_set = text(rows, row, 4);
        column.nullable = rows.at(row, 5) == "YES";
        column.default_text = rows.rows[row][6];
        column.extra = text(rows, row, 7);
    }
    TRIBUTARY_TRY(
        key,
        session->query("SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE" + which +
                       " AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY ORDINAL_POSITION"));
    for (std::size_t row = 0; row < key.rows.size(); ++row) {
        out.primary_key.push_back(text(key, row, 0));
    }
    return out;
}

}  // namespace tributary::mysql
