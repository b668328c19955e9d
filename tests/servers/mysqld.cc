// See mysqld.h. MariaDB knowledge base, "mariadbd Options", mariadb-install-db; MySQL 9 manual,
// "Server Command Options", "Initializing the Data Directory".
#include "tests/servers/mysqld.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <random>

#include "tests/servers/failure.h"

namespace tributary::servers {
namespace {

// sun_path is 108 bytes.
constexpr std::size_t kSocketPathMax = 88;
constexpr const char* kMariadbd = "/usr/sbin/mariadbd";
constexpr const char* kMariadbInstall = "/usr/bin/mariadb-install-db";

std::string random_password() {
    std::random_device random;
    std::string text;
    for (int letter = 0; letter < 24; ++letter) {
        text += static_cast<char>('a' + random() % 26U);
    }
    return text;
}

std::string read_line(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// A server that was fetched: its base directory, and what its program is started by. Debian's come
// with a C library of their own.
struct Fetched {
    std::filesystem::path base;
    std::filesystem::path share;
    std::vector<std::string> program;
};

Fetched fetched(const std::string& name, const std::string& program) {
    const std::filesystem::path root = cache_directory() / name;
    if (!std::filesystem::exists(root)) {
        throw ServerFailure("no " + root.string() + ": run tests/servers/mysql/fetch " + name +
                            " first");
    }
    if (!std::filesystem::exists(root / "usr")) {
        return {root, root / "share", {(root / "bin" / program).string()}};
    }
    const std::filesystem::path base = root / "usr";
    const std::string libraries = (base / "lib/x86_64-linux-gnu").string();
    const bool named_mariadb = std::filesystem::exists(base / "share/mariadb/charsets");
    return {base,
            base / (named_mariadb ? "share/mariadb" : "share/mysql"),
            {libraries + "/ld-linux-x86-64.so.2",
             "--library-path",
             libraries,
             (base / "sbin" / program).string()}};
}

// The folder of another MariaDB than Debian's; empty: Debian's.
std::string chosen_mariadb() {
    const char* name = std::getenv("TRIBUTARY_TEST_MARIADB");
    return name == nullptr ? "" : name;
}

void append_file(std::ofstream& out, const std::filesystem::path& path) {
    const std::ifstream in(path);
    out << in.rdbuf() << '\n';
    if (!in || !out) {
        throw ServerFailure("cannot copy " + path.string());
    }
}

void collect(MYSQL_RES* result, SqlRows& rows) {
    const unsigned fields = mysql_num_fields(result);
    for (unsigned field = 0; field < fields; ++field) {
        rows.columns.emplace_back(mysql_fetch_field_direct(result, field)->name);
    }
    while (MYSQL_ROW row = mysql_fetch_row(result)) {
        const unsigned long* lengths = mysql_fetch_lengths(result);
        auto& cells = rows.rows.emplace_back();
        for (unsigned field = 0; field < fields; ++field) {
            cells.push_back(row[field] == nullptr
                                ? SqlCell()
                                : SqlCell(std::string(row[field], lengths[field])));
        }
    }
}

}  // namespace

MysqlConnection::MysqlConnection(const Address& address) : connection_(mysql_init(nullptr)) {
    MYSQL* handle = connection_.get();
    mysql_optionsv(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const bool local = !address.socket.empty();
    if (mysql_real_connect(handle,
                           local ? nullptr : address.host.c_str(),
                           address.user.c_str(),
                           address.password.c_str(),
                           address.database.empty() ? nullptr : address.database.c_str(),
                           address.port,
                           local ? address.socket.c_str() : nullptr,
                           CLIENT_MULTI_STATEMENTS) == nullptr) {
        throw ServerFailure(std::string("connecting: ") + mysql_error(handle));
    }
}

SqlRows MysqlConnection::sql(const std::string& text) {
    MYSQL* handle = connection_.get();
    int state = mysql_real_query(handle, text.data(), text.size());
    SqlRows rows;
    while (state == 0) {
        rows = {};
        if (MYSQL_RES* result = mysql_store_result(handle)) {
            collect(result, rows);
            mysql_free_result(result);
        }
        state = mysql_next_result(handle);
    }
    // A lost connection is -1 at once; behind the last result -1 is the end.
    if (state > 0 || mysql_errno(handle) != 0) {
        throw ServerFailure(std::string(mysql_error(handle)) + "\nin: " + text.substr(0, 500));
    }
    return rows;
}

Mysqld::Mysqld(MysqldOptions options) : options_(std::move(options)) {
    std::filesystem::create_directories(options_.directory);
    options_.directory = std::filesystem::canonical(options_.directory);
    give_to_service_user(options_.directory);
    data_ = options_.directory / "data";
    socket_ = options_.directory / "socket";
    if (socket_.string().size() > kSocketPathMax) {
        short_socket_ = std::make_unique<TemporaryDirectory>("tributary-my");
        socket_ = short_socket_->path() / "socket";
    }
    std::filesystem::create_directories(socket_);
    give_to_service_user(socket_);
    if (::chmod(socket_.c_str(), 0700) != 0) {
        throw ServerFailure("cannot close " + socket_.string() + " to others");
    }
    const bool fresh = !std::filesystem::exists(data_);
    if (fresh) {
        initialise();
    }
    password_ = read_line(options_.directory / "root.password");
    start();
    if (fresh) {
        choose_password();
    }
}

Mysqld::~Mysqld() {
    if (process_.running()) {
        kill9();
    }
}

// The program and what it must be started by.
std::vector<std::string> Mysqld::program() const {
    if (!mysql() && chosen_mariadb().empty()) {
        return {kMariadbd, "--no-defaults"};
    }
    Fetched server = mysql() ? fetched("mysql-9", "mysqld") : fetched(chosen_mariadb(), "mariadbd");
    std::vector<std::string> command = std::move(server.program);
    if (!options_.program_name.empty()) {
        command.insert(command.begin() + 1, {"--argv0", options_.program_name.string()});
    }
    for (const std::string& option :
         {std::string("--no-defaults"),
          "--basedir=" + server.base.string(),
          "--lc-messages-dir=" + server.share.string(),
          "--character-sets-dir=" + (server.share / "charsets").string()}) {
        command.push_back(option);
    }
    if (mysql()) {
        command.push_back("--plugin-dir=" + plugin_directory().string());
        command.emplace_back("--secure-file-priv=NULL");
        command.emplace_back("--mysqlx=OFF");
    }
    return command;
}

std::filesystem::path Mysqld::plugin_directory() const {
    return fetched("mysql-9", "mysqld").base / "lib/mysql/plugin";
}

std::vector<std::string> Mysqld::binlog_reader() const {
    if (!mysql()) {
        return {"mariadb-binlog", "--no-defaults"};
    }
    const Fetched server = fetched("mysql-9", "mysqld");
    std::vector<std::string> command = server.program;
    command.back() = (server.base / "bin/mysqlbinlog").string();
    command.emplace_back("--no-defaults");
    return command;
}

std::vector<std::string> Mysqld::common_options() const {
    return {"--datadir=" + data_.string(),
            "--tmpdir=" + options_.directory.string(),
            "--innodb-buffer-pool-size=32M",
            "--performance-schema=OFF"};
}

void Mysqld::initialise() {
    const std::filesystem::path output = options_.directory / "initialise.log";
    std::vector<std::string> command;
    if (mysql()) {
        command = program();
        command.emplace_back("--initialize-insecure");
        for (std::string& option : common_options()) {
            command.push_back(std::move(option));
        }
    } else if (!chosen_mariadb().empty()) {
        bootstrap(output);
        return;
    } else {
        command = {kMariadbInstall,
                   "--no-defaults",
                   "--auth-root-authentication-method=normal",
                   "--skip-test-db",
                   "--skip-name-resolve",
                   "--datadir=" + data_.string()};
    }
    run_to_end({.command = std::move(command),
                .environment = {{"LC_ALL", "C.UTF-8"}},
                .working_directory = options_.directory,
                .output_file = output,
                .user = service_user()},
               kStartLimit);
}

// What mariadb-install-db does, which can start no program by another's C library.
void Mysqld::bootstrap(const std::filesystem::path& output) {
    const std::filesystem::path share = fetched(chosen_mariadb(), "mariadbd").share;
    const std::filesystem::path input = options_.directory / "bootstrap.sql";
    std::ofstream file(input, std::ios::trunc);
    file << "CREATE DATABASE mysql;\nUSE mysql;\n";
    for (const char* part : {"system_tables", "performance_tables", "system_tables_data"}) {
        const std::string name = std::string(part) + ".sql";
        const bool renamed = std::filesystem::exists(share / ("mariadb_" + name));
        append_file(file, share / ((renamed ? "mariadb_" : "mysql_") + name));
    }
    file.close();
    std::filesystem::create_directories(data_);
    give_to_service_user(data_);
    std::vector<std::string> command{"/bin/sh", "-c", "exec \"$@\" <" + input.string(), "sh"};
    for (const auto& part : {program(), common_options()}) {
        command.insert(command.end(), part.begin(), part.end());
    }
    command.emplace_back("--bootstrap");
    run_to_end({.command = std::move(command),
                .environment = {{"LC_ALL", "C.UTF-8"}},
                .working_directory = options_.directory,
                .output_file = output,
                .user = service_user()},
               kStartLimit);
}

// MariaDB is initialised with more than one root and with nameless accounts.
void Mysqld::choose_password() {
    const std::string chosen = random_password();
    if (!mysql()) {
        sql("SET SESSION sql_log_bin = 0; DELETE FROM mysql.global_priv WHERE User = '' OR "
            "(User = 'root' AND Host <> 'localhost'); FLUSH PRIVILEGES");
    }
    sql("SET SESSION sql_log_bin = 0; ALTER USER 'root'@'localhost' IDENTIFIED BY " +
        sql_literal(chosen));
    const std::filesystem::path path = options_.directory / "root.password";
    std::ofstream file(path, std::ios::trunc);
    file << chosen << '\n';
    file.close();
    if (!file || ::chmod(path.c_str(), 0600) != 0) {
        throw ServerFailure("cannot write " + path.string());
    }
    password_ = chosen;
}

void Mysqld::set(const std::string& name, const std::string& value) {
    options_.settings.emplace_back(name, value);
}

void Mysqld::start() {
    std::vector<std::string> command = program();
    const auto add = [&command](const std::string& name, const std::string& value) {
        command.push_back("--" + name + (value.empty() ? "" : "=" + value));
    };
    for (std::string& option : common_options()) {
        command.push_back(std::move(option));
    }
    add("socket", socket());
    add("pid-file", (options_.directory / "mysqld.pid").string());
    add("port", std::to_string(port_.port()));
    add("bind-address", "127.0.0.1");
    add("skip-name-resolve", "");
    add("character-set-server", "utf8mb4");
    add("server-id", std::to_string(options_.server_id));
    add("log-bin", (data_ / "binlog").string());
    add("binlog-row-metadata", "FULL");
    add("sync-binlog", options_.fsync ? "1" : "0");
    add("innodb-flush-log-at-trx-commit", options_.fsync ? "1" : "2");
    add("innodb-flush-method", options_.fsync ? "fsync" : "nosync");
    if (mysql()) {
        add("gtid-mode", "ON");
        add("enforce-gtid-consistency", "ON");
        add("table-open-cache", "200");
    } else {
        add("binlog-format", "ROW");
        add("gtid-strict-mode", "ON");
    }
    for (const auto& [name, value] : options_.settings) {
        add(name, value);
    }
    process_ = Process::spawn({.command = std::move(command),
                               .environment = {{"LC_ALL", "C.UTF-8"}},
                               .working_directory = options_.directory,
                               .output_file = log_file(),
                               .user = service_user()});
    const bool ready =
        poll_until(kStartLimit, [this] { return !process_.running() || answers_as_ours(); });
    if (!ready || !process_.running()) {
        throw ServerFailure("the server did not start; its log ends:\n" + tail_of_file(log_file()));
    }
}

bool Mysqld::answers_as_ours() const {
    if (read_line(options_.directory / "mysqld.pid") != std::to_string(process_.pid())) {
        return false;
    }
    try {
        return connect().sql("SELECT @@port").value() == std::to_string(port_.port());
    } catch (const ServerFailure&) {
        return false;
    }
}

void Mysqld::stop() {
    process_.signal(SIGTERM);
    if (process_.pid() > 0 && !process_.wait(kStopLimit)) {
        throw ServerFailure("the server still runs; its log ends:\n" + tail_of_file(log_file()));
    }
}

void Mysqld::kill9() {
    process_.kill();
}

void Mysqld::restart() {
    stop();
    start();
}

MysqlConnection::Address Mysqld::root_address(const std::string& database) const {
    return {.socket = socket(),
            .host = {},
            .port = 0,
            .user = "root",
            .password = password_,
            .database = database};
}

MysqlConnection Mysqld::connect(const std::string& database) const {
    return MysqlConnection(root_address(database));
}

SqlRows Mysqld::sql(const std::string& text, const std::string& database) {
    return connect(database).sql(text);
}

void Mysqld::create_user(const std::string& name,
                         const std::string& password,
                         const std::string& rights) {
    const std::string account = sql_literal(name) + "@'%'";
    sql("CREATE USER " + account + " IDENTIFIED BY " + sql_literal(password) + "; GRANT " + rights +
        " ON *.* TO " + account);
}

}  // namespace tributary::servers
