#include "connectors/mysql/server/catalogue.h"

#include <algorithm>
#include <utility>

#include "connectors/mysql/numbers.h"
#include "connectors/mysql/server/server_checks.h"
#include "connectors/mysql/statements/ddl.h"
#include "connectors/mysql/statements/quote.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

std::string text(const SqlRows& rows, std::size_t row, std::size_t column) {
    return std::string(rows.at(row, column));
}

// A table that is locked for longer is not waited for.
constexpr int kLockWaitS = 1;
// Events behind a statement that are looked through.
constexpr int kEventsMax = 500;

// Whether updates and deletes have the column. MariaDB 11.8 logs what it computes with inserts only
// (11.4 always); the periods of system versioning are not computed from other columns. `extra` is
// "VIRTUAL GENERATED", "STORED GENERATED", or "DEFAULT_GENERATED", which is another thing.
bool is_in_updates(std::string_view extra, std::string_view expression, std::string_view version) {
    constexpr std::uint64_t kFirst = 11'05;
    const std::uint64_t major = leading_number(version);
    const auto dot = version.find('.');
    const std::uint64_t minor =
        dot == std::string_view::npos ? 0 : leading_number(version.substr(dot + 1));
    const bool by_server =
        version.find("MariaDB") != std::string_view::npos && major * 100 + minor >= kFirst;
    const bool computed = extra.find(" GENERATED") != std::string_view::npos &&
                          !expression.starts_with("ROW ") && !expression.starts_with("row ");
    return !(by_server && computed);
}

// Info of SHOW BINLOG EVENTS: "use `shop`; ALTER TABLE .." or the statement alone.
bool is_about(std::string_view info, const std::string& database, const std::string& table) {
    std::string_view session;
    constexpr std::string_view kUse = "use `";
    const auto end = info.find("`; ");
    if (info.starts_with(kUse) && end != std::string_view::npos) {
        session = info.substr(kUse.size(), end - kUse.size());
        info.remove_prefix(end + 3);
    }
    const auto targets = read_ddl(info, session);
    return std::any_of(targets.begin(), targets.end(), [&](const DdlTarget& target) {
        return (target.database == database &&
                (target.table == table || target.kind == DdlKind::database)) ||
               (target.old_database == database && target.old_table == table);
    });
}

// The primary key; in a table without one the first unique index of whole NOT NULL columns, which
// the servers, FULL row metadata and Debezium take for it. SHOW KEYS alone tells their order.
Result<void> read_key(SqlSession& session,
                      const std::string& database,
                      const std::string& table,
                      TableStructure& out) {
    enum Field : std::size_t {
        kNonUnique = 1,
        kName,
        kPlace,
        kColumn,
        kPart = 7,
        kNull = 9,
        kType
    };
    auto shown = session.query("SHOW KEYS FROM " + quote_identifier(table) + " FROM " +
                               quote_identifier(database));
    if (!shown && shown.error().is(errors::kProtocolViolation)) {
        return success();  // dropped meanwhile
    }
    TRIBUTARY_TRY(keys, std::move(shown));
    bool suits = false;
    for (std::size_t row = 0; row < keys.rows.size(); ++row) {
        if (keys.at(row, kName) != out.key_index) {
            if (suits) {
                break;
            }
            out.key_index = text(keys, row, kName);
            suits = keys.at(row, kNonUnique) == "0";
            out.primary_key.clear();
        }
        // An index over an expression has no column there; MariaDB hashes what is too long.
        const bool whole = keys.rows[row][kColumn] && !keys.rows[row][kPart] &&
                           keys.at(row, kNull) != "YES" && keys.at(row, kType) != "HASH";
        suits = suits && (whole || out.key_index == "PRIMARY");
        out.primary_key.push_back(text(keys, row, kColumn));
    }
    if (!suits) {
        out.primary_key.clear();
        out.key_index.clear();
    }
    return success();
}

}  // namespace

Result<TableStructure> SqlCatalogue::columns(const std::string& database,
                                             const std::string& table) {
    TRIBUTARY_TRY(session, session_());
    const std::string which = " WHERE TABLE_SCHEMA = " + quote_literal(database) +
                              " AND TABLE_NAME = " + quote_literal(table);
    TRIBUTARY_TRY(
        kind,
        session->query(
            "SELECT TABLE_TYPE, TABLE_COLLATION, VERSION() FROM information_schema.TABLES" +
            which));
    TableStructure out;
    if (kind.rows.empty()) {
        return out;
    }
    out.exists = true;
    out.system_versioned = kind.at(0, 0) == "SYSTEM VERSIONED";
    const std::string_view collation = kind.at(0, 1);  // utf8mb4_0900_ai_ci
    out.character_set = collation.substr(0, collation.find('_'));
    TRIBUTARY_TRY(rows,
                  session->query("SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COLLATION_NAME, "
                                 "CHARACTER_SET_NAME, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, "
                                 "GENERATION_EXPRESSION "
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
        column.generation_expression = text(rows, row, 8);
        column.in_updates =
            is_in_updates(column.extra, column.generation_expression, kind.at(0, 2));
    }
    TRIBUTARY_TRY_VOID(read_key(*session, database, table, out));
    return out;
}

// False: locked, gone, or not ours to read.
Result<bool> SqlCatalogue::is_free(SqlSession& session,
                                   const std::string& database,
                                   const std::string& table) {
    TRIBUTARY_TRY(set,
                  session.query("SET SESSION lock_wait_timeout = " + std::to_string(kLockWaitS)));
    static_cast<void>(set);
    const auto read = session.query("SELECT 1 FROM " + quote_identifier(database) + "." +
                                    quote_identifier(table) + " LIMIT 0");
    return read.has_value();
}

Result<bool> SqlCatalogue::is_unchanged_since(SqlSession& session,
                                              const std::string& database,
                                              const std::string& table,
                                              const Place& place) {
    TRIBUTARY_TRY(end, end_of_log(session));
    if (end.file != place.file || end.offset < place.offset) {
        return false;
    }
    if (end.offset == place.offset) {
        return true;
    }
    auto shown =
        session.query("SHOW BINLOG EVENTS IN " + quote_literal(place.file) + " FROM " +
                      std::to_string(place.offset) + " LIMIT " + std::to_string(kEventsMax));
    if (!shown && shown.error().is(errors::kProtocolViolation)) {
        return false;  // the file was purged meanwhile, or an event is over max_allowed_packet
    }
    TRIBUTARY_TRY(events, std::move(shown));
    constexpr std::size_t kType = 2;
    constexpr std::size_t kEnd = 4;
    constexpr std::size_t kInfo = 5;
    std::uint64_t seen = 0;
    for (std::size_t row = 0; row < events.rows.size(); ++row) {
        if (events.at(row, kType).starts_with("Query") &&
            is_about(events.at(row, kInfo), database, table)) {
            return false;
        }
        seen = leading_number(events.at(row, kEnd));
    }
    return seen >= end.offset;
}

Result<std::optional<TableStructure>> SqlCatalogue::columns_at(const std::string& database,
                                                               const std::string& table,
                                                               const Place& place) {
    std::optional<TableStructure> none;
    TRIBUTARY_TRY(session, session_());
    TRIBUTARY_TRY(free, is_free(*session, database, table));
    if (!free) {
        return none;
    }
    TRIBUTARY_TRY(structure, columns(database, table));
    TRIBUTARY_TRY(unchanged, is_unchanged_since(*session, database, table, place));
    return structure.exists && unchanged ? std::optional(std::move(structure)) : none;
}

}  // namespace tributary::mysql
