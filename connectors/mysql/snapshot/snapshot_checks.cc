#include "connectors/mysql/snapshot/snapshot_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "connectors/mysql/numbers.h"
#include "connectors/mysql/statements/quote.h"
#include "connectors/mysql/values/column_types.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr const char* kTablesSql =
    "SELECT TABLE_SCHEMA, TABLE_NAME, COALESCE(DATA_LENGTH, 0) FROM information_schema.TABLES "
    "WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ('mysql', "
    "'sys', 'performance_schema', 'information_schema') ORDER BY 1, 2";

// Other than those that everybody sees.
constexpr const char* kDatabasesSql =
    "SELECT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN "
    "('information_schema', 'performance_schema'))";
constexpr std::string_view kBlind =
    "sees no database, so that no row that is there already would be delivered";

std::string full_name(const core::snapshot::TableName& name) {
    return name.schema + "." + name.table;
}

std::string sql_name(const core::snapshot::TableName& name) {
    return quote_identifier(name.schema) + "." + quote_identifier(name.table);
}

std::string grant_of(const core::snapshot::TableName& name, const std::string& user) {
    return "GRANT SELECT ON " + sql_name(name) + " TO " + account_sql(user) + ";";
}

std::string grant_of_all(const std::string& user) {
    return "GRANT SELECT ON *.* TO " + account_sql(user) +
           "; or on the databases that are selected; or snapshot.mode: no_data, if only changes "
           "are wanted";
}

std::string grant_of_log_status(const std::string& user) {
    return "GRANT BACKUP_ADMIN ON *.* TO " + account_sql(user) +
           "; GRANT SELECT ON performance_schema.log_status TO " + account_sql(user) + ";";
}

struct Index {
    bool suits = true;      // whole columns, no NULLs
    bool unpadded = false;  // is_compared_unpadded() one of them
};

// What one database says of its tables, by their names.
struct Database {
    std::map<std::string, std::map<std::string, Index>> indexes;  // unique ones
    std::map<std::string, std::vector<CatalogueColumn>> old_fractions;
};

// A view of information_schema is read once for each database, and never joined to another: a
// server may look through it once for each row. Rows are put together here, because collations of
// those views do not tell T from t.
Result<Database> read_database(SqlSession& sql, const std::string& name) {
    const std::string where = " WHERE TABLE_SCHEMA = " + quote_literal(name);
    Database out;
    std::set<std::pair<std::string, std::string>> unpadded;
    TRIBUTARY_TRY(columns,
                  sql.query("SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, "
                            "COLLATION_NAME FROM information_schema.COLUMNS" +
                            where +
                            " AND (COLLATION_NAME LIKE '%nopad%' OR COLUMN_TYPE LIKE "
                            "'%mariadb-5.3%')"));
    for (std::size_t row = 0; row < columns.rows.size(); ++row) {
        CatalogueColumn column;
        const std::string table(columns.at(row, 0));
        column.name = columns.at(row, 1);
        column.data_type = columns.at(row, 2);
        column.column_type = columns.at(row, 3);
        column.collation = columns.at(row, 4);
        if (is_compared_unpadded(column)) {
            unpadded.emplace(table, column.name);
        } else if (has_old_fractions(column)) {
            out.old_fractions[table].push_back(std::move(column));
        }
    }
    TRIBUTARY_TRY(parts,
                  sql.query("SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, NULLABLE, SUB_PART FROM "
                            "information_schema.STATISTICS" +
                            where + " AND NON_UNIQUE = 0"));
    for (std::size_t row = 0; row < parts.rows.size(); ++row) {
        const std::string table(parts.at(row, 0));
        Index& index = out.indexes[table][std::string(parts.at(row, 1))];
        const bool whole = parts.rows[row][2] && parts.at(row, 3) != "YES" && !parts.rows[row][4];
        index.suits = index.suits && (whole || parts.at(row, 1) == "PRIMARY");
        index.unpadded =
            index.unpadded || unpadded.contains({table, std::string(parts.at(row, 2))});
    }
    return out;
}

// Whether the index that a snapshot would go by tells rows apart, whichever it is.
bool is_keyed(const std::map<std::string, Index>& indexes) {
    if (const auto primary = indexes.find("PRIMARY"); primary != indexes.end()) {
        return !primary->second.unpadded;
    }
    bool suits = false;
    for (const auto& [name, index] : indexes) {
        if (index.suits && index.unpadded) {
            return false;
        }
        suits = suits || index.suits;
    }
    return suits;
}

enum class Look { fine, denied, gone };

// At its rows, and at its structure, which rights on some columns do not show.
Result<Look> look_at(SqlSession& sql, const core::snapshot::TableName& name) {
    for (const std::string& statement :
         {"SELECT 1 FROM " + sql_name(name) + " LIMIT 0", "SHOW CREATE TABLE " + sql_name(name)}) {
        const auto looked = sql.query(statement);
        if (!looked && looked.error().is(errors::kSourceRights)) {
            return Look::denied;
        }
        if (!looked && looked.error().what().find("(error 1146)") != std::string::npos) {
            return Look::gone;  // dropped meanwhile
        }
        if (!looked) {
            return looked.error();
        }
    }
    return Look::fine;
}

// Expressions of `include` that name no table because the server has its names in lower case.
std::vector<std::string> in_capitals(const Selection& selection,
                                     const ServerFacts& facts,
                                     const Options& options) {
    std::vector<std::string> out;
    if (facts.value("lower_case_table_names") != "1") {
        return out;
    }
    for (const std::string& expression : options.tables.include) {
        bool capital = false;
        for (std::size_t at = 0; at < expression.size(); ++at) {
            const char letter = expression[at];
            capital = capital || (letter >= 'A' && letter <= 'Z');
            at += letter == '\\' ? 1 : 0;  // what follows may be the letter of a class
        }
        const auto alone = TableFilter::make({.include = {expression}});
        const bool names_one = !alone || std::any_of(selection.tables.begin(),
                                                     selection.tables.end(),
                                                     [&alone](const SelectedTable& table) {
                                                         return alone.value().table_selected(
                                                             table.name.schema, table.name.table);
                                                     });
        if (capital && !names_one) {
            out.push_back(expression);
        }
    }
    return out;
}

}  // namespace

Result<Selection> selected_tables(SqlSession& sql, const TableFilter& filter) {
    TRIBUTARY_TRY(rows, sql.query(kTablesSql));
    Selection selection;
    std::map<std::string, Database> databases;
    for (std::size_t row = 0; row < rows.rows.size(); ++row) {
        SelectedTable table;
        table.name = {std::string(rows.at(row, 0)), std::string(rows.at(row, 1))};
        if (!filter.table_selected(table.name.schema, table.name.table)) {
            continue;
        }
        auto database = databases.find(table.name.schema);
        if (database == databases.end()) {
            TRIBUTARY_TRY(read, read_database(sql, table.name.schema));
            database = databases.emplace(table.name.schema, std::move(read)).first;
        }
        TRIBUTARY_TRY(looked, look_at(sql, table.name));
        if (looked == Look::gone) {
            continue;
        }
        table.readable = looked == Look::fine;
        table.bytes_about = leading_number(rows.at(row, 2));
        table.keyed = is_keyed(database->second.indexes[table.name.table]);
        table.old_fractions = database->second.old_fractions[table.name.table];
        selection.tables.push_back(std::move(table));
    }
    TRIBUTARY_TRY(seen, sql.query(kDatabasesSql));
    selection.blind = seen.at(0, 0) == "0";
    return selection;
}

Result<bool> chooses_a_key(SqlSession& sql, const Selection& selection, const TableFilter& filter) {
    std::set<std::string> databases;
    for (const SelectedTable& table : selection.tables) {
        databases.insert(table.name.schema);
    }
    for (const std::string& database : databases) {
        TRIBUTARY_TRY(columns,
                      sql.query("SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS "
                                "WHERE TABLE_SCHEMA = " +
                                quote_literal(database)));
        for (std::size_t row = 0; row < columns.rows.size(); ++row) {
            if (filter.table_selected(database, columns.at(row, 0)) &&
                filter.chooses_for_key(database, columns.at(row, 0), columns.at(row, 1))) {
                return true;
            }
        }
    }
    return false;
}

Result<std::vector<core::snapshot::RunTable>> snapshot_tables(const Selection& selection,
                                                              const std::string& user) {
    if (selection.blind) {
        return Error(errors::kSourceRights,
                     user + " " + std::string(kBlind) + ": " + grant_of_all(user));
    }
    std::vector<core::snapshot::RunTable> tables;
    for (const SelectedTable& table : selection.tables) {
        if (!table.readable) {
            return Error(errors::kSourceRights,
                         "a snapshot must read " + full_name(table.name) + ", which " + user +
                             " may not: " + grant_of(table.name, user));
        }
        if (!table.old_fractions.empty()) {
            return old_fractions(table.name.schema, table.name.table, table.old_fractions.front());
        }
        tables.push_back({table.name, !table.keyed});
    }
    return tables;
}

Result<core::snapshot::TableName> find_snapshot_table(SqlSession& sql,
                                                      const TableFilter& filter,
                                                      const std::string& name,
                                                      const std::string& user) {
    TRIBUTARY_TRY(selection, selected_tables(sql, filter));
    for (const SelectedTable& table : selection.tables) {
        if (full_name(table.name) == name) {
            TRIBUTARY_TRY(tables, snapshot_tables({.tables = {table}}, user));
            return std::move(tables.front().name);
        }
    }
    return Error(errors::kSnapshotRefused,
                 "table \"" + name +
                     "\" does not exist, is not selected by `tables`, or may not be seen by " +
                     user + "; the name is written as database.table");
}

Result<void> verify_condition(SqlSession& sql,
                              const core::snapshot::TableName& table,
                              const std::string& where) {
    const auto taken =
        sql.query("SELECT 1 FROM " + sql_name(table) + " WHERE (" + where + "\n) LIMIT 0");
    if (!taken && !taken.error().transient()) {
        return Error(
            errors::kSnapshotRefused,
            "the condition is not one of " + full_name(table) + ": " + taken.error().what());
    }
    return taken ? success() : Result<void>(taken.error());
}

Result<void> verify_snapshot(const ServerFacts& facts, bool by_gtid) {
    if (facts.kind == ServerKind::mysql && !by_gtid && !facts.may("BACKUP_ADMIN")) {
        return Error(errors::kSourceRights,
                     "a snapshot without GTIDs asks performance_schema.log_status, which " +
                         facts.user + " may not: " + grant_of_log_status(facts.user));
    }
    return success();
}

std::vector<Finding> judge_tables(const Selection& selection,
                                  const ServerFacts& facts,
                                  const Options& options) {
    std::vector<Finding> findings;
    for (const std::string& expression : in_capitals(selection, facts, options)) {
        findings.push_back({Severity::warning,
                            "tables.include",
                            "\"" + expression +
                                "\" names no table: it has capital letters, and the server keeps "
                                "all names in lower case (lower_case_table_names = 1)",
                            "tables.include: in lower case"});
    }
    for (const SelectedTable& table : selection.tables) {
        if (!table.old_fractions.empty()) {
            findings.push_back(
                {Severity::error,
                 "table " + full_name(table.name),
                 "its column " + table.old_fractions.front().name +
                     " is in the form of MariaDB 5.3, whose fractions the binlog does not describe",
                 "SET GLOBAL mysql56_temporal_format = ON; ALTER TABLE " + sql_name(table.name) +
                     " FORCE;"});
        }
    }
    if (!selection.key_chosen && !selection.tables.empty()) {
        findings.push_back({Severity::warning,
                            "tables.key_columns",
                            "names no column of a table that is selected: every table keeps its "
                            "own key",
                            "correct it: database, table and column in full, as they are spelt"});
    }
    return findings;
}

std::vector<Finding> judge_snapshot(const Selection& selection,
                                    const ServerFacts& facts,
                                    const Options& options) {
    std::vector<Finding> findings;
    if (selection.blind) {
        findings.push_back({Severity::error,
                            "right SELECT",
                            facts.user + " " + std::string(kBlind),
                            grant_of_all(facts.user)});
    } else if (selection.tables.empty() && in_capitals(selection, facts, options).empty()) {
        findings.push_back({Severity::warning,
                            "snapshot",
                            facts.user + " sees no table that is selected",
                            facts.may("SELECT") ? "tables.include, spelt as the tables are"
                                                : grant_of_all(facts.user)});
    }
    for (const SelectedTable& table : selection.tables) {
        if (!table.readable) {
            findings.push_back({Severity::error,
                                "table " + full_name(table.name),
                                "may not be read, and snapshot.mode wants its rows",
                                grant_of(table.name, facts.user)});
        } else if (!table.keyed) {
            findings.push_back({Severity::warning,
                                "table " + full_name(table.name),
                                "has no key by which its rows can be read in parts: a snapshot "
                                "keeps all of it (about " +
                                    std::to_string(table.bytes_about >> 20U) + " of at most " +
                                    std::to_string(options.snapshot_keyless_bytes >> 20U) +
                                    " MiB) in the local log first, and the stream waits while it "
                                    "is read and appended",
                                "ALTER TABLE " + sql_name(table.name) + " ADD PRIMARY KEY (...);"});
        }
    }
    const bool by_gtid = options.gtid != GtidMode::off && facts.gtids();
    if (!verify_snapshot(facts, by_gtid)) {
        findings.push_back({Severity::error,
                            "right BACKUP_ADMIN",
                            "missing: without GTIDs only performance_schema.log_status says what a "
                            "snapshot sees",
                            grant_of_log_status(facts.user)});
    }
    return findings;
}

}  // namespace tributary::mysql
