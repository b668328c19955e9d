#include "connectors/mysql/server/sql.h"

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>
#include <mysql_driver.h>

#include <algorithm>
#include <utility>

#include "connectors/mysql/server/client.h"
#include "connectors/mysql/server/server_error.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

// Values and words come out the same, and all rows, whatever the server is set to; and no statement
// leaves a transaction open, which would hold up every change of the tables that it read.
constexpr const char* kPinned =
    "SET SESSION time_zone = '+00:00', sql_mode = 'NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES', "
    "autocommit = 1, "
    "sql_select_limit = 18446744073709551615, sql_quote_show_create = 1, lock_wait_timeout = 5";
constexpr const char* kIsolation = "SET SESSION transaction_isolation = 'READ-COMMITTED'";
constexpr const char* kIsolationMariadb = "SET SESSION tx_isolation = 'READ-COMMITTED'";
// How long a query's answer is waited for: more than a server is given for a chunk of a snapshot.
constexpr std::uint32_t kAnswerLimitS = 30;
constexpr int kUnknownVariable = 1193;

Error translated(const ::sql::SQLException& error, std::string_view doing) {
    const int number = error.getErrorCode();
    return server_error(number > 0 ? static_cast<unsigned>(number) : 2000U, error.what(), doing);
}

::sql::ConnectOptionsMap options_map(const Connection& options) {
    ::sql::ConnectOptionsMap map;
    map["userName"] = ::sql::SQLString(options.user);
    map["password"] = ::sql::SQLString(options.password.reveal());
    if (options.unix_socket()) {
        map["hostName"] = ::sql::SQLString("unix://" + options.host);
    } else {
        // An address in brackets is taken as IPv6.
        const bool v6 = options.host.find(':') != std::string::npos;
        map["hostName"] =
            ::sql::SQLString(v6 ? "tcp://[" + options.host + "]" : "tcp://" + options.host);
        map["port"] = static_cast<int>(options.port);
    }
    const int timeout_s = static_cast<int>(options.connect_timeout_s);
    map["OPT_CONNECT_TIMEOUT"] = timeout_s;
    map["OPT_READ_TIMEOUT"] = static_cast<int>(std::max(kAnswerLimitS, options.connect_timeout_s));
    map["OPT_WRITE_TIMEOUT"] = timeout_s;
    map["OPT_RECONNECT"] = false;
    map["OPT_LOCAL_INFILE"] = 0;
    map["OPT_CHARSET_NAME"] = ::sql::SQLString("utf8mb4");
    if (options.sslmode != Tls::disable && !options.unix_socket()) {
        map["sslEnforce"] = true;
        map["sslVerify"] = options.sslmode == Tls::verify_full;
        const auto set = [&map](const char* name, const std::string& value) {
            if (!value.empty()) {
                map[name] = ::sql::SQLString(value);
            }
        };
        set("sslCA", options.sslrootcert);
        set("sslCert", options.sslcert);
        set("sslKey", options.sslkey);
    }
    return map;
}

void pin(::sql::Connection& connection) {
    const std::unique_ptr<::sql::Statement> statement(connection.createStatement());
    statement->execute(kPinned);
    try {
        statement->execute(kIsolation);
    } catch (const ::sql::SQLException& error) {
        if (error.getErrorCode() != kUnknownVariable) {
            throw;
        }
        statement->execute(kIsolationMariadb);
    }
}

}  // namespace

std::string_view SqlRows::at(std::size_t row, std::size_t column) const {
    if (row >= rows.size() || column >= rows[row].size() || !rows[row][column]) {
        return {};
    }
    return *rows[row][column];
}

SqlSession::SqlSession(std::unique_ptr<::sql::Connection> connection)
    : connection_(std::move(connection)) {}
SqlSession::SqlSession(SqlSession&&) noexcept = default;
SqlSession& SqlSession::operator=(SqlSession&&) noexcept = default;
SqlSession::~SqlSession() = default;

Result<SqlSession> SqlSession::open(const Connection& options) {
    const std::string doing = "connecting to " + address_of(options);
    try {
        auto map = options_map(options);
        std::unique_ptr<::sql::Connection> connection(
            ::sql::mysql::get_mysql_driver_instance()->connect(map));
        pin(*connection);
        return SqlSession(std::move(connection));
    } catch (const ::sql::SQLException& error) {
        return translated(error, doing);
    } catch (const std::exception& error) {
        return Error(errors::kInternal, doing + ": " + error.what());
    }
}

Result<SqlRows> SqlSession::query(const std::string& text) {
    try {
        SqlRows out;
        const std::unique_ptr<::sql::Statement> statement(connection_->createStatement());
        if (!statement->execute(text)) {
            return out;
        }
        const std::unique_ptr<::sql::ResultSet> rows(statement->getResultSet());
        const unsigned columns = rows->getMetaData()->getColumnCount();
        while (rows->next()) {
            SqlRow& row = out.rows.emplace_back();
            for (unsigned column = 1; column <= columns; ++column) {
                std::string value = rows->getString(column).asStdString();
                row.push_back(rows->wasNull() ? std::nullopt : std::optional(std::move(value)));
            }
        }
        return out;
    } catch (const ::sql::SQLException& error) {
        return translated(error, text.substr(0, 200));
    } catch (const std::exception& error) {
        return Error(errors::kInternal, text.substr(0, 200) + ": " + error.what());
    }
}

struct SqlCursor::Values {
    ::sql::Connection& connection;
    std::string text;  // for errors
    std::unique_ptr<::sql::Statement> statement{};
    std::unique_ptr<::sql::ResultSet> rows{};
    std::vector<::sql::SQLString> values{};
    std::vector<std::optional<std::string_view>> cells{};

    // The library takes an error amid the rows, such as a KILL or a deadline, for their end.
    [[nodiscard]] Result<void> check_whole() const {
        const std::unique_ptr<::sql::Statement> asking(connection.createStatement());
        const std::unique_ptr<::sql::ResultSet> count(asking->executeQuery("SHOW COUNT(*) ERRORS"));
        if (!count->next() || count->getUInt(1) == 0) {
            return success();
        }
        const std::unique_ptr<::sql::ResultSet> first(asking->executeQuery("SHOW ERRORS LIMIT 1"));
        if (!first->next()) {
            return Error(errors::kSourceUnreachable, text + ": an error that was not kept");
        }
        return server_error(first->getUInt(2), first->getString(3).asStdString(), text);
    }
};

SqlCursor::SqlCursor(std::unique_ptr<Values> values) : values_(std::move(values)) {}
SqlCursor::SqlCursor(SqlCursor&&) noexcept = default;
SqlCursor::~SqlCursor() = default;

Result<SqlCursor> SqlCursor::open(SqlSession& session, const std::string& text) {
    auto values = std::make_unique<Values>(
        Values{.connection = *session.connection_, .text = text.substr(0, 200)});
    try {
        values->statement.reset(session.connection_->createStatement());
        values->statement->setResultSetType(::sql::ResultSet::TYPE_FORWARD_ONLY);
        values->rows.reset(values->statement->executeQuery(text));
        values->values.resize(values->rows->getMetaData()->getColumnCount());
        values->cells.resize(values->values.size());
    } catch (const ::sql::SQLException& error) {
        return translated(error, values->text);
    } catch (const std::exception& error) {
        return Error(errors::kInternal, values->text + ": " + error.what());
    }
    return SqlCursor(std::move(values));
}

Result<std::optional<SqlSession::Cells>> SqlCursor::next() {
    Values& at = *values_;
    try {
        if (!at.rows->next()) {
            TRIBUTARY_TRY_VOID(at.check_whole());
            return std::optional<SqlSession::Cells>();
        }
        for (std::size_t column = 0; column < at.values.size(); ++column) {
            at.values[column] = at.rows->getString(static_cast<std::uint32_t>(column + 1));
            at.cells[column].reset();
            if (!at.rows->wasNull()) {
                at.cells[column] = at.values[column].asStdString();
            }
        }
        return std::optional<SqlSession::Cells>(at.cells);
    } catch (const ::sql::SQLException& error) {
        return translated(error, at.text);
    } catch (const std::exception& error) {
        return Error(errors::kInternal, at.text + ": " + error.what());
    }
}

}  // namespace tributary::mysql
