// SQL for tests, over libpq: one statement text in, all rows as text out.
// Threads: a connection belongs to one thread at a time; make one per thread.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tributary::servers {

using SqlCell = std::optional<std::string>;  // nullopt: SQL NULL

struct SqlRows {
    std::vector<std::string> columns;
    std::vector<std::vector<SqlCell>> rows;

    // The single value of a one-row answer; throws ServerFailure when there is none or it is NULL.
    [[nodiscard]] const std::string& value() const;
};

class SqlConnection {
  public:
    // `conninfo` as libpq takes it. Throws ServerFailure when the connection is refused.
    explicit SqlConnection(const std::string& conninfo);

    // Runs one or several statements; the rows are those of the last. Throws ServerFailure with the
    // server's message.
    SqlRows sql(const std::string& text);

    [[nodiscard]] PGconn* handle() const noexcept { return connection_.get(); }

  private:
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };
    std::unique_ptr<PGconn, Finish> connection_;
};

// `text` as an SQL literal or identifier, quoted.
[[nodiscard]] std::string sql_literal(const std::string& text);
[[nodiscard]] std::string sql_identifier(const std::string& text);

// `name=value` pairs of a conninfo: the value quoted.
[[nodiscard]] std::string conninfo_value(const std::string& value);

}  // namespace tributary::servers
