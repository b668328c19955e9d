// Client: one connection of the C client library, for the binlog dump; everything else goes through
// sql.h. Threads: one. MariaDB Connector/C manual, mysql_real_connect, mysql_optionsv.
#pragma once

#include <mysql.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "connectors/mysql/options.h"

namespace tributary::mysql {

class Client {
  public:
    // Connects within connect_timeout_s, TLS as sslmode says, LOCAL INFILE off, utf8mb4.
    // kSourceUnreachable, kSourceAuth, kSourceTls and the rest of kind_of().
    [[nodiscard]] static Result<Client> open(const Connection& options);

    // A statement without rows.
    [[nodiscard]] Result<void> execute(const std::string& sql);

    // The one value of a statement that gives one.
    [[nodiscard]] Result<std::string> value(const std::string& sql);

    [[nodiscard]] MYSQL* get() const noexcept { return handle_.get(); }
    [[nodiscard]] int socket() const noexcept;
    [[nodiscard]] bool tls() const;
    // The last error of the library.
    [[nodiscard]] Error error(std::string_view doing) const;

  private:
    struct Close {
        void operator()(MYSQL* handle) const noexcept { mysql_close(handle); }
    };
    explicit Client(MYSQL* handle) : handle_(handle) {}
    std::unique_ptr<MYSQL, Close> handle_;
};

// "127.0.0.1:3306", or the socket's path: for messages.
[[nodiscard]] std::string address_of(const Connection& options);

}  // namespace tributary::mysql
