// A private MariaDB or MySQL server for tests: its own data directory, a unix socket in a folder
// that only the service user and root enter, and one loopback TCP port. Binary log ROW with FULL
// metadata and GTIDs. Ready means: a server with *our* pid file answers on our socket. MariaDB is
// Debian's; MySQL 9 is what tests/servers/mysql/fetch has put into the cache. Another MariaDB of
// that cache is taken where TRIBUTARY_TEST_MARIADB names its folder ("mariadb-11"). Threads: an
// object belongs to one thread, and that thread must outlive the server (process.h); connections
// may be made from any thread.
#pragma once

#include <mysql.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/servers/places.h"
#include "tests/servers/process.h"
#include "tests/servers/sql.h"

namespace tributary::servers {

enum class MysqldKind { mariadb, mysql };

struct MysqldOptions {
    std::filesystem::path directory = {};  // created; data/, socket/, mysqld.log
    MysqldKind kind = MysqldKind::mariadb;
    std::uint32_t server_id = 1011;
    bool fsync = false;
    // What MySQL takes for its own path: it reads a manifest of components beside it. Empty: the
    // real one.
    std::filesystem::path program_name = {};
    // Options of the server without dashes, last wins: {"binlog_row_metadata", "MINIMAL"}; an empty
    // value gives the bare word.
    std::vector<std::pair<std::string, std::string>> settings = {};
};

// One connection of the C client library. A connection belongs to one thread at a time.
class MysqlConnection {
  public:
    struct Address {
        std::string socket;  // or host and port
        std::string host;
        std::uint16_t port = 0;
        std::string user;
        std::string password;
        std::string database;
    };
    // Throws ServerFailure when the connection is refused.
    explicit MysqlConnection(const Address& address);

    // Runs one or several statements; the rows are those of the last. Throws ServerFailure with the
    // server's message.
    SqlRows sql(const std::string& text);

    [[nodiscard]] MYSQL* handle() const noexcept { return connection_.get(); }

  private:
    struct Close {
        void operator()(MYSQL* connection) const noexcept { mysql_close(connection); }
    };
    std::unique_ptr<MYSQL, Close> connection_;
};

class Mysqld {
  public:
    static constexpr std::chrono::seconds kStartLimit{120};
    static constexpr std::chrono::seconds kStopLimit{120};

    // Initialises the data directory (when there is none yet) and starts. Throws ServerFailure with
    // the log's end.
    explicit Mysqld(MysqldOptions options);
    ~Mysqld();
    Mysqld(const Mysqld&) = delete;
    Mysqld& operator=(const Mysqld&) = delete;

    void start();  // same folder, same port
    void stop();   // SIGTERM
    void kill9();
    void restart();
    void freeze() { process_.freeze(); }
    void thaw() { process_.thaw(); }
    [[nodiscard]] bool running() { return process_.running(); }
    // For the next start().
    void set(const std::string& name, const std::string& value);

    // As root, by the unix socket, on a fresh connection.
    SqlRows sql(const std::string& text, const std::string& database = "");
    [[nodiscard]] MysqlConnection connect(const std::string& database = "") const;
    // An account for TCP; `rights` on *.*, such as "REPLICATION SLAVE".
    void create_user(const std::string& name,
                     const std::string& password,
                     const std::string& rights);

    [[nodiscard]] MysqldKind kind() const noexcept { return options_.kind; }
    [[nodiscard]] bool mysql() const noexcept { return options_.kind == MysqldKind::mysql; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_.port(); }
    [[nodiscard]] std::string socket() const { return (socket_ / "mysqld.sock").string(); }
    [[nodiscard]] const std::string& password() const noexcept { return password_; }  // root's
    [[nodiscard]] const std::filesystem::path& directory() const noexcept {
        return options_.directory;
    }
    [[nodiscard]] std::filesystem::path data_directory() const { return data_; }
    [[nodiscard]] std::filesystem::path plugin_directory() const;  // of MySQL
    [[nodiscard]] std::filesystem::path log_file() const {
        return options_.directory / "mysqld.log";
    }
    // mysqlbinlog or mariadb-binlog of the server's version: options and files are to follow.
    [[nodiscard]] std::vector<std::string> binlog_reader() const;
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
    [[nodiscard]] MysqlConnection::Address root_address(const std::string& database = "") const;

  private:
    void initialise();
    void bootstrap(const std::filesystem::path& output);
    void choose_password();
    [[nodiscard]] bool answers_as_ours() const;
    [[nodiscard]] std::vector<std::string> program() const;
    [[nodiscard]] std::vector<std::string> common_options() const;

    MysqldOptions options_;
    std::filesystem::path data_;
    std::filesystem::path socket_;
    std::unique_ptr<TemporaryDirectory> short_socket_;  // when the folder's path is too long
    PortLease port_;
    std::string password_;
    Process process_;
};

}  // namespace tributary::servers
