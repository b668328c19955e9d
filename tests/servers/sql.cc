// See sql.h.
#include "tests/servers/sql.h"

#include "tests/servers/failure.h"

namespace tributary::servers {
namespace {

struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, Clear>;

std::string quoted(const std::string& text, char quote) {
    std::string result(1, quote);
    for (const char letter : text) {
        if (letter == quote) {
            result += quote;
        }
        result += letter;
    }
    return result + quote;
}

void ignore_notice(void* /*argument*/, const PGresult* /*result*/) {}

}  // namespace

const std::string& SqlRows::value() const {
    if (rows.empty() || rows.front().empty() || !rows.front().front()) {
        throw ServerFailure("the statement returned no value");
    }
    return *rows.front().front();
}

SqlConnection::SqlConnection(const std::string& conninfo)
    : connection_(PQconnectdb((conninfo + " connect_timeout=10 client_encoding=UTF8").c_str())) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
        throw ServerFailure(PQerrorMessage(connection_.get()));
    }
    PQsetNoticeReceiver(connection_.get(), ignore_notice, nullptr);
}

SqlRows SqlConnection::sql(const std::string& text) {
    const ResultHandle result(PQexec(connection_.get(), text.c_str()));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
        throw ServerFailure(PQerrorMessage(connection_.get()) + std::string("in: ") +
                            text.substr(0, 200));
    }
    SqlRows answer;
    const int columns = PQnfields(result.get());
    for (int column = 0; column < columns; ++column) {
        answer.columns.emplace_back(PQfname(result.get(), column));
    }
    for (int row = 0; row < PQntuples(result.get()); ++row) {
        std::vector<SqlCell> cells;
        for (int column = 0; column < columns; ++column) {
            if (PQgetisnull(result.get(), row, column) != 0) {
                cells.emplace_back();
                continue;
            }
            const int length = PQgetlength(result.get(), row, column);
            cells.emplace_back(std::string(PQgetvalue(result.get(), row, column),
                                           static_cast<std::size_t>(length)));
        }
        answer.rows.push_back(std::move(cells));
    }
    return answer;
}

std::string sql_literal(const std::string& text) {
    return quoted(text, '\'');
}

std::string sql_identifier(const std::string& text) {
    return quoted(text, '"');
}

std::string conninfo_value(const std::string& value) {
    std::string result = "'";
    for (const char letter : value) {
        if (letter == '\'' || letter == '\\') {
            result += '\\';
        }
        result += letter;
    }
    return result + "'";
}

}  // namespace tributary::servers
