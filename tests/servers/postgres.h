// A private PostgreSQL server for tests: initdb (UTF8, C.UTF-8), wal_level=logical, a unix socket
// in its own folder (trust: only who can enter the folder) and one loopback TCP port
// (scram-sha-256). Ready means: a server with *our* data directory answers on our port. Threads: an
// object belongs to one thread, and that thread must outlive the server (process.h); connections
// may be made from any thread with conninfo().
#pragma once

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

struct PostgresOptions {
    std::filesystem::path directory = {};  // created; data/, socket/, postgres.log
    bool fsync = false;
    std::vector<std::pair<std::string, std::string>> settings = {};  // postgresql.conf, last wins
    // Folder of postgres, initdb; empty: $TRIBUTARY_POSTGRES_BIN, else the version
    // $TRIBUTARY_POSTGRES_VERSION as tests/servers/postgresql/fetch has it, else the newest Debian
    // one.
    std::filesystem::path binaries = {};
};

enum class PostgresStop { fast, immediate };

class Postgres {
  public:
    static constexpr std::chrono::seconds kStartLimit{60};
    static constexpr std::chrono::seconds kStopLimit{60};

    // initdb (when the folder has no cluster yet) and start. Throws ServerFailure with the log's
    // end.
    explicit Postgres(PostgresOptions options);
    ~Postgres();
    Postgres(const Postgres&) = delete;
    Postgres& operator=(const Postgres&) = delete;

    void start();  // same folder, same port
    // Asks for a shutdown and waits for it; throws ServerFailure when it takes longer than `limit`.
    void stop(PostgresStop mode = PostgresStop::fast, std::chrono::seconds limit = kStopLimit);
    void kill9();  // the postmaster and every backend, at one instant
    void restart(PostgresStop mode = PostgresStop::fast);
    void freeze();  // SIGSTOP to the postmaster and its children
    void thaw();
    [[nodiscard]] bool running() { return process_.running(); }

    // As superuser, by the unix socket, on a fresh connection; database `postgres` unless named.
    SqlRows sql(const std::string& text, const std::string& database = "postgres");
    [[nodiscard]] SqlConnection connect(const std::string& database = "postgres");
    // A login role for TCP with scram; `attributes` such as "REPLICATION".
    void create_user(const std::string& name,
                     const std::string& password,
                     const std::string& attributes);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_.port(); }
    [[nodiscard]] const std::filesystem::path& socket_directory() const noexcept { return socket_; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept {
        return options_.directory;
    }
    [[nodiscard]] std::filesystem::path log_file() const {
        return options_.directory / "postgres.log";
    }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
    [[nodiscard]] const std::string& superuser() const noexcept { return superuser_; }
    [[nodiscard]] const std::string& password() const noexcept {
        return password_;
    }  // superuser, TCP
    [[nodiscard]] std::string conninfo(const std::string& database = "postgres") const;  // socket
    [[nodiscard]] std::string tcp_conninfo(
        const std::string& database = "postgres") const;  // scram

  private:
    void initialise();
    void write_settings() const;
    [[nodiscard]] bool answers_as_ours();
    [[nodiscard]] std::vector<pid_t> all_processes() const;

    PostgresOptions options_;
    std::filesystem::path data_;
    std::filesystem::path socket_;
    std::unique_ptr<TemporaryDirectory>
        short_socket_;  // when the folder's path is too long for a socket
    PortLease port_;
    std::string superuser_ = "postgres";
    std::string password_;
    Process process_;
};

}  // namespace tributary::servers
