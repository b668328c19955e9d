// SqlSession: statements and their rows, on MySQL Connector/C++ (checks, catalogue, positions).
// Exceptions of that library end here. Threads: one per session. MySQL Connector/C++ 1.1 manual;
// text protocol only: prepared statements throw on JSON columns.
#pragma once

#include <chrono>
#include <functional>
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
}

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

    // The rows of a SELECT one by one, as the server sends them. When `on_row` says false no more
    // are wanted: `stop` is called, to have the statement killed by another session, and what comes
    // yet is dropped.
    using Cells = std::span<const std::optional<std::string_view>>;
    [[nodiscard]] Result<void> each(const std::string& statement,
                                    const std::function<bool(Cells cells)>& on_row,
                                    const std::function<void()>& stop);

  private:
    explicit SqlSession(std::unique_ptr<::sql::Connection> connection);
    std::unique_ptr<::sql::Connection> connection_;
};

// `text` quoted, for any text: `a``b`, 'a''b'. SqlSession pins a sql_mode with
// NO_BACKSLASH_ESCAPES.
[[nodiscard]] std::string quote_identifier(std::string_view text);
[[nodiscard]] std::string quote_literal(std::string_view text);

}  // namespace tributary::mysql
