// SqlCatalogue: the server's catalogue, read by SQL when the row metadata in the log does not say
// enough. Threads: the intake thread, like the session it borrows. MySQL 9 manual,
// "INFORMATION_SCHEMA Tables"; MariaDB knowledge base, the same.
#pragma once

#include <functional>
#include <string>

#include "connectors/mysql/server/catalogue_port.h"
#include "connectors/mysql/server/sql.h"

namespace tributary::mysql {

class SqlCatalogue final : public Catalogue {
  public:
    // `session` gives the session to ask, connecting first where it has to; it outlives this.
    using SessionProvider = std::function<Result<SqlSession*>()>;
    explicit SqlCatalogue(SessionProvider session) : session_(std::move(session)) {}

    // Three short statements. A table that the account may not SELECT from is as if it did not
    // exist.
    [[nodiscard]] Result<TableStructure> columns(const std::string& database,
                                                 const std::string& table) override;

    // The proof: the catalogue is read after the table's metadata lock was free (the log is sent
    // before the server has ended the statement), then the end of the log; and between `place` and
    // that end the log has no statement that names the table.
    [[nodiscard]] Result<std::optional<TableStructure>> columns_at(const std::string& database,
                                                                   const std::string& table,
                                                                   const Place& place) override;

  private:
    static Result<bool> is_free(SqlSession& session,
                                const std::string& database,
                                const std::string& table);
    static Result<bool> is_unchanged_since(SqlSession& session,
                                           const std::string& database,
                                           const std::string& table,
                                           const Place& place);

    SessionProvider session_;
};

}  // namespace tributary::mysql
