#include "connectors/mysql/snapshot/chunk_reader.h"

#include <algorithm>
#include <utility>

#include "connectors/mysql/numbers.h"
#include "connectors/mysql/server/catalogue.h"
#include "connectors/mysql/statements/quote.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

// The stream is not read while a lock is waited for. No conversion of what columns hold.
constexpr const char* kPinned =
    "SET SESSION lock_wait_timeout = 1, character_set_results = NULL, "
    "transaction_isolation = 'REPEATABLE-READ', max_execution_time = 20000";
constexpr const char* kPinnedMariadb =
    "SET SESSION lock_wait_timeout = 1, character_set_results = NULL, "
    "tx_isolation = 'REPEATABLE-READ', max_statement_time = 20";

bool has_number(const Error& error, int number) {
    return error.what().find("(error " + std::to_string(number) + ")") != std::string::npos;
}

bool no_such_table(const Error& error) {
    return has_number(error, 1146) || has_number(error, 1049) || has_number(error, 1932);
}

// A table that was rebuilt after the view of it was begun is tried again.
Error unless_altered(const Error& error) {
    return has_number(error, 1412) ? Error(errors::kSourceUnreachable, error.what()) : error;
}

std::string name_of(const std::string& database, const std::string& table) {
    return quote_identifier(database) + "." + quote_identifier(table);
}

// SHOW CREATE TABLE without what every insert changes.
std::string fingerprint_of(std::string_view text) {
    constexpr std::string_view kCounter = " AUTO_INCREMENT=";
    std::string out(text);
    const auto at = out.rfind(kCounter);
    if (at != std::string::npos) {
        out.erase(at, out.find_first_not_of("0123456789", at + kCounter.size()) - at);
    }
    return out;
}

}  // namespace

void SqlChunkReader::use(ServerKind kind, ChunkRule rule) {
    close();
    kind_ = kind;
    rule_ = rule;
}

Result<SqlSession*> SqlChunkReader::session() {
    if (session_) {
        return &*session_;
    }
    TRIBUTARY_TRY(made, SqlSession::open(connection_));
    TRIBUTARY_TRY(set, made.query(kind_ == ServerKind::mysql ? kPinned : kPinnedMariadb));
    static_cast<void>(set);
    TRIBUTARY_TRY(id, made.query("SELECT CONNECTION_ID()"));
    connection_id_ = std::string(id.at(0, 0));
    session_.emplace(std::move(made));
    return &*session_;
}

Result<void> SqlChunkReader::run(const std::string& statement) {
    TRIBUTARY_TRY(session, this->session());
    TRIBUTARY_TRY(rows, session->query(statement));
    static_cast<void>(rows);
    return success();
}

// What the chunk will surely see, asked before it is read.
Result<void> SqlChunkReader::see(BegunChunk& begun) {
    TRIBUTARY_TRY(session, this->session());
    switch (rule_) {
        case ChunkRule::gtids: {
            TRIBUTARY_TRY(rows, session->query("SELECT @@GLOBAL.gtid_executed"));
            TRIBUTARY_TRY(set, MysqlGtidSet::parse(rows.at(0, 0)));
            begun.executed = std::move(set);
            return run("START TRANSACTION READ ONLY");
        }
        case ChunkRule::place: {
            TRIBUTARY_TRY(rows,
                          session->query("SELECT LOCAL->>'$.binary_log_file', "
                                         "LOCAL->>'$.binary_log_position' "
                                         "FROM performance_schema.log_status"));
            if (rows.rows.size() != 1) {
                return Error(errors::kSourceSettings,
                             "performance_schema.log_status is empty: a snapshot needs it where "
                             "positions are not by GTID");
            }
            begun.place = {std::string(rows.at(0, 0)), leading_number(rows.at(0, 1))};
            return run("START TRANSACTION READ ONLY");
        }
        case ChunkRule::exactly: {
            TRIBUTARY_TRY_VOID(run("START TRANSACTION WITH CONSISTENT SNAPSHOT"));
            TRIBUTARY_TRY(rows, session->query("SHOW STATUS LIKE 'binlog_snapshot_%'"));
            for (std::size_t row = 0; row < rows.rows.size(); ++row) {
                if (rows.at(row, 0) == "Binlog_snapshot_file") {
                    begun.place.file = std::string(rows.at(row, 1));
                } else if (rows.at(row, 0) == "Binlog_snapshot_position") {
                    begun.place.offset = leading_number(rows.at(row, 1));
                }
            }
            if (begun.place.file.empty()) {
                return Error(errors::kSourceSettings,
                             "the server does not say where in its binary log a consistent "
                             "snapshot is");
            }
            begun.ends = begun.place;
            return success();
        }
    }
    return success();
}

// Made by the first row that is read, when the table can no longer be rebuilt: an older view would
// find it empty.
Result<void> SqlChunkReader::view(const std::string& name, BegunChunk& begun) {
    TRIBUTARY_TRY_VOID(run("SELECT 1 FROM " + name + " LIMIT 1"));
    TRIBUTARY_TRY(end, binlog_end());
    begun.ends = std::move(end);
    return success();
}

Result<BegunChunk> SqlChunkReader::begin(const std::string& database, const std::string& table) {
    BegunChunk begun;
    parts_ended_ = false;
    TRIBUTARY_TRY_VOID(see(begun));
    TRIBUTARY_TRY(session, this->session());
    // Reading of it keeps it from being altered until the transaction ends.
    const auto looked = session->query("SELECT 1 FROM " + name_of(database, table) + " LIMIT 0");
    if (!looked && no_such_table(looked.error())) {
        abandon();
        begun.exists = false;
        return begun;
    }
    if (!looked) {
        return unless_altered(looked.error());
    }
    TRIBUTARY_TRY(created, session->query("SHOW CREATE TABLE " + name_of(database, table)));
    begun.fingerprint = fingerprint_of(created.at(0, 1));
    if (rule_ != ChunkRule::exactly) {
        TRIBUTARY_TRY_VOID(view(name_of(database, table), begun));
    }
    return begun;
}

Result<TableFacts> SqlChunkReader::describe(const std::string& database, const std::string& table) {
    TableFacts facts;
    facts.database = database;
    facts.table = table;
    SqlCatalogue catalogue([this] { return session(); });
    TRIBUTARY_TRY(structure, catalogue.columns(database, table));
    facts.structure = std::move(structure);
    const std::string which = " WHERE TABLE_SCHEMA = " + quote_literal(database) +
                              " AND TABLE_NAME = " + quote_literal(table);
    TRIBUTARY_TRY(session, this->session());
    TRIBUTARY_TRY(octets,
                  session->query("SELECT CHARACTER_OCTET_LENGTH FROM information_schema.COLUMNS" +
                                 which + " ORDER BY ORDINAL_POSITION"));
    for (std::size_t row = 0; row < octets.rows.size(); ++row) {
        facts.octets.push_back(leading_number(octets.at(row, 0)));
    }
    return facts;
}

Result<void> SqlChunkReader::ask(const std::string& sql) {
    TRIBUTARY_TRY(session, this->session());
    auto cursor = SqlCursor::open(*session, sql);
    if (!cursor) {
        return unless_altered(cursor.error());
    }
    cursor_.emplace(std::move(cursor.value()));
    return success();
}

Result<void> SqlChunkReader::rows(const std::function<bool(Cells cells)>& on_row) {
    for (;;) {
        const auto cells = cursor_->next();
        if (!cells) {
            cursor_.reset();
            return unless_altered(cells.error());
        }
        if (!cells.value()) {
            cursor_.reset();
            return success();
        }
        if (!on_row(*cells.value())) {
            kill();
            cursor_.reset();
            // If the kill came too late, it is this statement that it ends.
            static_cast<void>(run("DO 0"));
            return success();
        }
    }
}

void SqlChunkReader::kill() {
    auto other = SqlSession::open(connection_);
    if (other) {
        static_cast<void>(other.value().query("KILL QUERY " + connection_id_));
    }
}

Result<Place> SqlChunkReader::binlog_end() {
    TRIBUTARY_TRY(session, this->session());
    auto status = session->query("SHOW BINARY LOG STATUS");
    if (!status && has_number(status.error(), 1064)) {
        status = session->query("SHOW MASTER STATUS");  // its name until 8.2
    }
    if (!status) {
        return status.error();
    }
    return Place{std::string(status.value().at(0, 0)), leading_number(status.value().at(0, 1))};
}

Result<void> SqlChunkReader::open_cursor(const std::string& sql) {
    // It may take long, and the server has to wait while the log is full.
    TRIBUTARY_TRY_VOID(run(kind_ == ServerKind::mysql
                               ? "SET SESSION max_execution_time = 0, net_write_timeout = 86400"
                               : "SET SESSION max_statement_time = 0, net_write_timeout = 86400"));
    TRIBUTARY_TRY(session, this->session());
    TRIBUTARY_TRY(cursor, SqlCursor::open(*session, sql));
    cursor_.emplace(std::move(cursor));
    return success();
}

Result<void> SqlChunkReader::part(const std::string& sql,
                                  std::uint64_t rows_max,
                                  const std::function<bool(Cells cells)>& on_row) {
    if (parts_ended_) {
        return success();
    }
    if (!cursor_) {
        TRIBUTARY_TRY_VOID(open_cursor(sql));
    }
    for (std::uint64_t row = 0; row < rows_max; ++row) {
        TRIBUTARY_TRY(cells, cursor_->next());
        if (!cells) {
            cursor_.reset();
            parts_ended_ = true;
            return success();
        }
        if (!on_row(*cells)) {
            return success();
        }
    }
    return success();
}

Result<void> SqlChunkReader::end() {
    TRIBUTARY_TRY_VOID(run("COMMIT"));
    if (parts_ended_) {
        close();  // its session has no limits
    }
    return success();
}

void SqlChunkReader::abandon() {
    if (cursor_) {
        kill();
        close();
    } else if (session_ && !session_->query("ROLLBACK")) {
        close();
    }
}

// Rows that are still to come are read by the library first.
void SqlChunkReader::close() {
    cursor_.reset();
    session_.reset();
}

}  // namespace tributary::mysql
