// tributary-sandbox: one PostgreSQL, one MariaDB, one mosquitto and one Kafka in a folder, on free
// loopback ports, until SIGTERM or SIGINT. The env file (folder/sandbox.env) appears, by a rename,
// when all are ready. Threads: one; signals are taken by sigtimedwait.
#include <CLI/CLI.hpp>

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/servers/failure.h"
#include "tests/servers/kafka.h"
#include "tests/servers/mosquitto.h"
#include "tests/servers/mysqld.h"
#include "tests/servers/postgres.h"

namespace {

using tributary::servers::Kafka;
using tributary::servers::Mosquitto;
using tributary::servers::Mysqld;
using tributary::servers::Postgres;

sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

void write_environment(const std::filesystem::path& folder,
                       const Postgres& postgres,
                       const Mysqld& mariadb,
                       const Mosquitto& mosquitto,
                       const Kafka& kafka) {
    const std::filesystem::path partial = folder / "sandbox.env.partial";
    std::ofstream file(partial, std::ios::trunc);
    std::filesystem::permissions(
        partial, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    file << "PGHOST='" << postgres.socket_directory().string() << "'\n"
         << "PGPORT=" << postgres.port() << '\n'
         << "PGUSER=" << postgres.superuser() << '\n'
         << "PGPASSWORD=" << postgres.password() << '\n'
         << "PGDATABASE=postgres\n"
         << "MARIADB_SOCKET='" << mariadb.socket() << "'\n"
         << "MARIADB_PORT=" << mariadb.port() << '\n'
         << "MARIADB_PASSWORD=" << mariadb.password() << '\n'
         << "KAFKA_BOOTSTRAP=" << kafka.bootstrap() << '\n'
         << "MQTT_PORT=" << mosquitto.port() << '\n'
         << "POSTGRES_PID=" << postgres.pid() << '\n'
         << "KAFKA_PID=" << kafka.pid() << '\n'
         << "SANDBOX_PID=" << ::getpid() << '\n';
    file.close();
    std::filesystem::rename(partial, folder / "sandbox.env");
}

// Waits for a signal; false when a server ended by itself.
bool wait_for_signal(const sigset_t& signals,
                     Postgres& postgres,
                     Mysqld& mariadb,
                     Mosquitto& mosquitto,
                     Kafka& kafka) {
    const timespec second{.tv_sec = 1, .tv_nsec = 0};
    while (sigtimedwait(&signals, nullptr, &second) < 0) {
        if (!postgres.running() || !mariadb.running() || !mosquitto.running() || !kafka.running()) {
            return false;
        }
    }
    return true;
}

int run(const std::filesystem::path& folder, const std::string& version) {
    const sigset_t signals = stop_signals();
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    std::filesystem::create_directories(folder);
    std::filesystem::remove(folder / "sandbox.env");
    Postgres postgres({.directory = folder / "postgres"});
    std::cout << "PostgreSQL: 127.0.0.1:" << postgres.port() << std::endl;
    Mysqld mariadb({.directory = folder / "mariadb", .fsync = true});
    std::cout << "MariaDB: 127.0.0.1:" << mariadb.port() << std::endl;
    Mosquitto mosquitto({.directory = folder / "mosquitto"});
    std::cout << "mosquitto: 127.0.0.1:" << mosquitto.port() << std::endl;
    Kafka kafka({.directory = folder / "kafka", .version = version});
    std::cout << "Apache Kafka " << version << ": " << kafka.bootstrap() << std::endl;
    write_environment(folder, postgres, mariadb, mosquitto, kafka);
    const bool asked = wait_for_signal(signals, postgres, mariadb, mosquitto, kafka);
    std::filesystem::remove(folder / "sandbox.env");
    if (!asked) {
        std::cerr << "sandbox: a server ended by itself; see the logs in " << folder << '\n';
        return 1;
    }
    postgres.stop();
    mosquitto.stop();
    mariadb.stop();
    kafka.stop();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"A PostgreSQL, a MariaDB, a mosquitto and a Kafka on loopback, until SIGTERM",
                 "tributary-sandbox"};
    std::string folder;
    std::string version = tributary::servers::kKafka4;
    app.add_option("folder", folder, "Where data, logs and sandbox.env go")->required();
    app.add_option("--kafka", version, "Apache Kafka version: 3.9.2 or 4.3.1")
        ->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        return run(folder, version);
    } catch (const std::exception& error) {
        std::cerr << "sandbox: " << error.what() << '\n';
        return 1;
    }
}
