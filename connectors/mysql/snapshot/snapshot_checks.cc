#include "connectors/mysql/snapshot/snapshot_checks.h"

#include <utility>

#include "connectors/mysql/numbers.h"
#include "connectors/mysql/statements/quote.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr const char* kTablesSql =
    "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, COALESCE(t.DATA_LENGTH, 0), EXISTS (SELECT 1 FROM "
    "information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND "
    "s.TABLE_NAME = t.TABLE_NAME AND s.NON_UNIQUE = 0 GROUP BY s.INDEX_NAME "
    "HAVING MAX(s.INDEX_NAME = 'PRIMARY') = 1 OR (MAX(s.NULLABLE = 'YES') = 0 AND "
    "MAX(s.SUB_PART IS NOT NULL) = 0 AND COUNT(s.COLUMN_NAME) = COUNT(*))) "
    "FROM information_schema.TABLES t WHERE t.TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') "
    "AND t.TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') "
    "ORDER BY 1, 2";

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

}  // namespace

Result<Selection> selected_tables(SqlSession& sql, const TableFilter& filter) {
    TRIBUTARY_TRY(rows, sql.query(kTablesSql));
    Selection selection;
    for (std::size_t row = 0; row < rows.rows.size(); ++row) {
        SelectedTable table;
        table.name = {std::string(rows.at(row, 0)), std::string(rows.at(row, 1))};
        if (!filter.table_selected(table.name.schema, table.name.table)) {
            continue;
        }
        table.bytes_about = leading_number(rows.at(row, 2));
        table.keyed = rows.at(row, 3) == "1";
        const auto looked = sql.query("SELECT 1 FROM " + sql_name(table.name) + " LIMIT 0");
        if (!looked && &looked.error().kind() == &errors::kSourceRights) {
            table.readable = false;
        } else if (!looked && looked.error().what().find("(error 1146)") != std::string::npos) {
            continue;  // dropped meanwhile
        } else if (!looked) {
            return looked.error();
        }
        selection.tables.push_back(std::move(table));
    }
    TRIBUTARY_TRY(databases, sql.query(kDatabasesSql));
    selection.blind = databases.at(0, 0) == "0";
    return selection;
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

std::vector<Finding> judge_snapshot(const Selection& selection,
                                    const ServerFacts& facts,
                                    const Options& options) {
    std::vector<Finding> findings;
    if (selection.blind) {
        findings.push_back({Severity::error,
                            "right SELECT",
                            facts.user + " " + std::string(kBlind),
                            grant_of_all(facts.user)});
    } else if (selection.tables.empty()) {
        findings.push_back({Severity::warning,
                            "snapshot",
                            facts.user + " sees no table that is selected",
                            grant_of_all(facts.user)});
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
                                "has no key: a snapshot keeps all of it (about " +
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
