// See postgres.h. Settings: PostgreSQL 15 manual, Server Configuration; pg_hba.conf: Client
// Authentication.
#include "tests/servers/postgres.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>

#include "tests/servers/failure.h"

namespace tributary::servers {
namespace {

// sun_path is 108 bytes; the socket's name takes up to 19 of them.
constexpr std::size_t kSocketPathMax = 88;
constexpr const char* kDebianRoot = "/usr/lib/postgresql";

std::filesystem::path find_binaries() {
    const char* chosen = std::getenv("TRIBUTARY_POSTGRES_BIN");  // NOLINT(concurrency-mt-unsafe)
    if (chosen != nullptr && *chosen != '\0') {
        return chosen;
    }
    std::error_code error;
    const char* wanted =
        std::getenv("TRIBUTARY_POSTGRES_VERSION");  // NOLINT(concurrency-mt-unsafe)
    if (wanted != nullptr && *wanted != '\0') {
        auto fetched = cache_directory() / "postgresql" / wanted / "bin";
        if (!std::filesystem::exists(fetched / "initdb", error)) {
            throw ServerFailure("no PostgreSQL " + std::string(wanted) + " in " + fetched.string() +
                                ": run tests/servers/postgresql/fetch first");
        }
        return fetched;
    }
    int newest = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kDebianRoot, error)) {
        const int version = std::atoi(entry.path().filename().c_str());
        if (std::filesystem::exists(entry.path() / "bin/initdb", error)) {
            newest = std::max(newest, version);
        }
    }
    if (newest == 0) {
        throw ServerFailure("no PostgreSQL server found: install postgresql-15");
    }
    return std::filesystem::path(kDebianRoot) / std::to_string(newest) / "bin";
}

std::string random_password() {
    std::random_device random;
    std::string text;
    for (int letter = 0; letter < 24; ++letter) {
        text += static_cast<char>('a' + random() % 26U);
    }
    return text;
}

void write_private(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::trunc);
    file << text;
    file.close();
    if (!file || ::chmod(path.c_str(), 0600) != 0) {
        throw ServerFailure("cannot write " + path.string());
    }
    give_to_service_user(path);
}

std::string read_line(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::string setting_value(const std::string& value) {
    return sql_literal(value);
}

}  // namespace

Postgres::Postgres(PostgresOptions options) : options_(std::move(options)) {
    if (options_.binaries.empty()) {
        options_.binaries = find_binaries();
    }
    std::filesystem::create_directories(options_.directory);
    options_.directory = std::filesystem::canonical(options_.directory);
    give_to_service_user(options_.directory);
    data_ = options_.directory / "data";
    socket_ = options_.directory / "socket";
    if (socket_.string().size() > kSocketPathMax) {
        short_socket_ = std::make_unique<TemporaryDirectory>("tributary-pg");
        socket_ = short_socket_->path() / "socket";
    }
    std::filesystem::create_directories(socket_);
    give_to_service_user(socket_);
    if (::chmod(socket_.c_str(), 0700) != 0) {
        throw ServerFailure("cannot close " + socket_.string() + " to others");
    }
    if (!std::filesystem::exists(data_ / "PG_VERSION")) {
        initialise();
    }
    password_ = read_line(options_.directory / "superuser.password");
    write_settings();
    start();
}

Postgres::~Postgres() {
    if (process_.running()) {
        try {
            stop(PostgresStop::immediate);
        } catch (const ServerFailure&) {
            kill9();
        }
    }
}

void Postgres::initialise() {
    write_private(options_.directory / "superuser.password", random_password() + "\n");
    const std::filesystem::path output = options_.directory / "initdb.log";
    run_to_end({.command = {(options_.binaries / "initdb").string(),
                            "-D",
                            data_.string(),
                            "-U",
                            superuser_,
                            "-E",
                            "UTF8",
                            "--locale=C.UTF-8",
                            "--no-sync",
                            "--auth-local=trust",
                            "--auth-host=scram-sha-256",
                            "--pwfile=" + (options_.directory / "superuser.password").string()},
                .environment = {{"LC_ALL", "C.UTF-8"}},
                .working_directory = options_.directory,
                .output_file = output,
                .user = service_user()},
               kStartLimit);
    std::ofstream include(data_ / "postgresql.conf", std::ios::app);
    include << "include 'tributary.conf'\n";
    // initdb writes replication rules for the superuser only; any role may replicate here with its
    // password.
    write_private(data_ / "pg_hba.conf",
                  "local all,replication all trust\n"
                  "host all,replication all 127.0.0.1/32 scram-sha-256\n");
}

void Postgres::write_settings() const {
    std::string text;
    const auto set = [&text](const std::string& name, const std::string& value) {
        text += name + " = " + setting_value(value) + "\n";
    };
    set("listen_addresses", "127.0.0.1");
    set("port", std::to_string(port_.port()));
    set("unix_socket_directories", socket_.string());
    set("unix_socket_permissions", "0700");
    set("wal_level", "logical");
    set("max_wal_senders", "20");
    set("max_replication_slots", "20");
    set("max_prepared_transactions", "20");
    set("max_connections", "100");
    set("fsync", options_.fsync ? "on" : "off");
    set("shared_buffers", "32MB");
    set("timezone", "UTC");
    set("lc_messages", "C.UTF-8");
    set("logging_collector", "off");
    set("log_line_prefix", "%m [%p] ");
    for (const auto& [name, value] : options_.settings) {
        set(name, value);
    }
    write_private(data_ / "tributary.conf", text);
}

void Postgres::start() {
    process_ = Process::spawn(
        {.command = {(options_.binaries / "postgres").string(), "-D", data_.string()},
         .environment = {{"LC_ALL", "C.UTF-8"}},
         .working_directory = data_,
         .output_file = log_file(),
         .user = service_user(),
         .death_signal = SIGQUIT});
    const bool ready =
        poll_until(kStartLimit, [this] { return !process_.running() || answers_as_ours(); });
    if (!ready || !process_.running()) {
        throw ServerFailure("PostgreSQL did not start; its log ends:\n" + tail_of_file(log_file()));
    }
}

bool Postgres::answers_as_ours() {
    if (read_line(data_ / "postmaster.pid") != std::to_string(process_.pid())) {
        return false;
    }
    try {
        SqlConnection connection(tcp_conninfo());
        return connection.sql("SHOW data_directory").value() == data_.string();
    } catch (const ServerFailure&) {
        return false;
    }
}

void Postgres::stop(PostgresStop mode, std::chrono::seconds limit) {
    process_.signal(mode == PostgresStop::fast ? SIGINT : SIGQUIT);
    if (process_.pid() > 0 && !process_.wait(limit)) {
        throw ServerFailure("PostgreSQL still runs " + std::to_string(limit.count()) +
                            " s after it was asked to stop; its log ends:\n" +
                            tail_of_file(log_file()));
    }
}

std::vector<pid_t> Postgres::all_processes() const {
    std::vector<pid_t> pids = children_of(process_.pid());
    pids.insert(pids.begin(), process_.pid());
    return pids;
}

// The postmaster is stopped first, so that it starts no backend between the listing and the kill.
void Postgres::kill9() {
    if (!process_.running()) {
        return;
    }
    process_.freeze();
    const std::vector<pid_t> pids = all_processes();
    for (const pid_t pid : pids) {
        ::kill(pid, SIGKILL);
    }
    process_.kill();
    const bool gone = poll_until(kStopLimit, [&pids] {
        return std::none_of(
            pids.begin(), pids.end(), [](pid_t pid) { return process_exists(pid); });
    });
    if (!gone) {
        throw ServerFailure("PostgreSQL processes survived SIGKILL");
    }
}

void Postgres::restart(PostgresStop mode) {
    stop(mode);
    start();
}

void Postgres::freeze() {
    process_.freeze();
    for (const pid_t pid : children_of(process_.pid())) {
        ::kill(pid, SIGSTOP);
    }
}

void Postgres::thaw() {
    for (const pid_t pid : all_processes()) {
        ::kill(pid, SIGCONT);
    }
}

SqlRows Postgres::sql(const std::string& text, const std::string& database) {
    return connect(database).sql(text);
}

SqlConnection Postgres::connect(const std::string& database) {
    return SqlConnection(conninfo(database));
}

void Postgres::create_user(const std::string& name,
                           const std::string& password,
                           const std::string& attributes) {
    sql("CREATE ROLE " + sql_identifier(name) + " LOGIN " + attributes + " PASSWORD " +
        sql_literal(password));
}

std::string Postgres::conninfo(const std::string& database) const {
    return "host=" + conninfo_value(socket_.string()) + " port=" + std::to_string(port()) +
           " user=" + conninfo_value(superuser_) + " dbname=" + conninfo_value(database);
}

std::string Postgres::tcp_conninfo(const std::string& database) const {
    return "host=127.0.0.1 port=" + std::to_string(port()) + " user=" + conninfo_value(superuser_) +
           " password=" + conninfo_value(password_) + " dbname=" + conninfo_value(database);
}

}  // namespace tributary::servers
