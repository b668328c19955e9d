// See connect.h. Kafka documentation, "Kafka Connect", Standalone Worker Configuration.
#include "tests/differential/connect.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/servers/failure.h"

namespace tributary::differential {
namespace {

namespace fs = std::filesystem;

void write_properties(const fs::path& file, const Properties& properties) {
    std::ofstream out(file, std::ios::trunc);
    for (const auto& [name, value] : properties) {
        out << name << '=';
        for (const char character : value) {
            out << (character == '\\' ? "\\\\" : std::string(1, character));
        }
        out << '\n';
    }
}

std::string java_binary() {
    const char* home = std::getenv("JAVA_HOME");  // NOLINT(concurrency-mt-unsafe)
    return home == nullptr || *home == '\0' ? "java" : std::string(home) + "/bin/java";
}

// The lines of a stack trace that say why.
std::string causes(const std::string& trace) {
    std::istringstream in(trace);
    std::string out;
    for (std::string line; std::getline(in, line);) {
        if (out.empty() || line.starts_with("Caused by")) {
            out += line + "\n";
        }
    }
    return out;
}

}  // namespace

Connect::Connect(const ConnectOptions& options) : log_file_(options.directory / "connect.log") {
    const fs::path cache = servers::cache_directory();
    const fs::path libraries = cache / ("debezium-" + std::string(kDebezium)) / "libs";
    const fs::path mariadb = cache / ("debezium-mariadb-" + std::string(kDebezium)) / "libs";
    if (!fs::is_directory(libraries) || !fs::is_directory(mariadb)) {
        throw servers::ServerFailure("no Debezium " + std::string(kDebezium) + " in " +
                                     cache.string() + ": run tests/servers/debezium/fetch");
    }
    fs::create_directories(options.directory);
    const fs::path worker = options.directory / "worker.properties";
    write_properties(worker,
                     {{"bootstrap.servers", options.bootstrap},
                      {"key.converter", "org.apache.kafka.connect.json.JsonConverter"},
                      {"value.converter", "org.apache.kafka.connect.json.JsonConverter"},
                      {"offset.storage.file.filename", (options.directory / "offsets").string()},
                      {"offset.flush.interval.ms", "1000"},
                      {"plugin.discovery", "service_load"},
                      {"listeners", "http://127.0.0.1:" + std::to_string(rest_port_.port())}});
    std::vector<std::string> command{java_binary(),
                                     "-Xms64m",
                                     "-Xmx1g",
                                     "-XX:+UseSerialGC",
                                     "-XX:-UsePerfData",
                                     "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                                     "-Djava.net.preferIPv4Stack=true",
                                     "-Duser.timezone=UTC",
                                     "-cp",
                                     (libraries / "*").string() + ":" + (mariadb / "*").string(),
                                     "org.apache.kafka.connect.cli.ConnectStandalone",
                                     worker.string()};
    for (const Properties& connector : options.connectors) {
        const fs::path file = options.directory / (connector.at("name") + ".properties");
        write_properties(file, connector);
        command.push_back(file.string());
    }
    process_ = servers::Process::spawn({.command = command, .output_file = log_file_});
}

std::string Connect::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(rest_port_.port()) + path;
}

void Connect::get(const std::string& path, const fs::path& file) const {
    servers::run_to_end({.command = {"curl", "-fsS", "-o", file.string(), url(path)},
                         .output_file = file.string() + ".log"},
                        std::chrono::seconds(30));
}

void Connect::stop(const std::string& connector) const {
    const std::string path = "/connectors/" + connector;
    servers::run_to_end({.command = {"curl", "-fsS", "-X", "PUT", url(path + "/stop")},
                         .output_file = log_file_.string() + ".stop"},
                        std::chrono::seconds(30));
    const fs::path status = log_file_.string() + ".status";
    const bool stopped = servers::poll_until(std::chrono::seconds(60), [&] {
        get(path + "/status", status);
        const std::string text = servers::tail_of_file(status);
        return text.find("STOPPED") != std::string::npos &&
               text.find("RUNNING") == std::string::npos;
    });
    if (!stopped) {
        throw servers::ServerFailure("not stopped: " + servers::tail_of_file(status));
    }
}

void Connect::check() {
    std::ifstream in(log_file_);
    std::stringstream text;
    text << in.rdbuf();
    const std::string log = text.str();
    const auto failed = log.find("Task threw an uncaught and unrecoverable exception");
    if (failed != std::string::npos) {
        throw servers::ServerFailure("a Debezium task failed: " +
                                     causes(log.substr(failed, 20000)));
    }
    if (!process_.running()) {
        throw servers::ServerFailure("Kafka Connect ended: " +
                                     servers::tail_of_file(log_file_, 3000));
    }
}

}  // namespace tributary::differential
