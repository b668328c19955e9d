// A Kafka Connect worker in standalone form with Debezium connectors, from the Maven jars that
// tests/servers/debezium/fetch puts into the cache. Its REST port is a leased loopback port.
// Threads: an object belongs to one thread, and that thread must outlive it (process.h).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/servers/places.h"
#include "tests/servers/process.h"

namespace tributary::differential {

inline constexpr const char* kDebezium = "3.6.1.Final";

using Properties = std::map<std::string, std::string>;

struct ConnectOptions {
    std::filesystem::path directory = {};  // created
    std::string bootstrap = {};
    std::vector<Properties> connectors = {};  // each with "name"
};

class Connect {
  public:
    // Starts the worker. Throws ServerFailure when the jars are not in the cache.
    explicit Connect(const ConnectOptions& options);

    // Throws ServerFailure, with what the log says, when the worker ended or one of its tasks
    // failed.
    void check();
    [[nodiscard]] std::filesystem::path log_file() const { return log_file_; }

    // Its REST API, "/connectors/..": an answer into a file; a connector stopped, its offset
    // stored.
    void get(const std::string& path, const std::filesystem::path& file) const;
    void stop(const std::string& connector) const;

  private:
    [[nodiscard]] std::string url(const std::string& path) const;

    std::filesystem::path log_file_;
    servers::PortLease rest_port_;
    servers::Process process_;
};

}  // namespace tributary::differential
