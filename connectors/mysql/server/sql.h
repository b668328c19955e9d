// SqlSession: statements and their rows, on MySQL Connector/C++ (checks, catalogue, positions).
// Exceptions of that library end here. Threads: one per session. MySQL Connector/C++ 1.1 manual;
// text protocol only: prepared statements throw on JSON columns.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/options.h"

namespace sql {
class Connection;
class ResultSet;
class Statement;
}  // namespace sql

namespace tributary::mysql {

using SqlRow = std::vector<std::optional<std::string>>;

struct SqlRows {
    std::vector<SqlRow> rows;
    // Empty when there is no such row or column, or NULL.
    [[nodiscard]] std::string_view at(std::size_t row, std::size_t column) const;
};

class SqlSession {
  public:
    // As Client::open().
    [[nodiscard]] static Result<SqlSession> open(const Connection& options);
    SqlSession(SqlSession&&) noexcept;
    SqlSession& operator=(SqlSession&&) noexcept;
    ~SqlSession();

    // At most connect_timeout_s. After kSourceUnreachable the session is of no more use.
    [[nodiscard]] Result<SqlRows> query(const std::string& statement);

    using Cells = std::span<const std::optional<std::string_view>>;

  private:
    friend class SqlCursor;
    explicit SqlSession(std::unique_ptr<::sql::Connection> connection);
    std::unique_ptr<::sql::Connection> connection_;
};

// The rows of a SELECT as the server sends them, when they are asked for. The session has no other
// statement meanwhile, and outlives it.
class SqlCursor {
  public:
    [[nodiscard]] static Result<SqlCursor> open(SqlSession& session, const std::string& statement);
    SqlCursor(SqlCursor&&) noexcept;
    SqlCursor& operator=(SqlCursor&&) = delete;
    ~SqlCursor();

    // The next row, valid until the next call; nullopt after the last.
    [[nodiscard]] Result<std::optional<SqlSession::Cells>> next();

  private:
    struct Values;
    explicit SqlCursor(std::unique_ptr<Values> values);
    std::unique_ptr<Values> values_;
};

}  // namespace tributary::mysql
