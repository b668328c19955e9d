// One differential run: databases, Kafka, Debezium in Kafka Connect and the agent, over the
// catalogues and over random workloads. Threads: one, which spawns every process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tributary::differential {

struct RunOptions {
    std::filesystem::path agent = {};
    std::filesystem::path differences = {};  // docs/debezium-differences.md
    std::uint64_t seed = 1;
    int seeds = 2;        // seed, seed + 1, ..
    int rounds = 6;       // of a random workload: statements, then one DDL statement
    bool masked = false;  // also print what is masked
    std::vector<std::string> databases = {"postgresql", "mysql", "mariadb"};
    // Files of SQL, DATABASE=FILE, executed after the catalogue: see script.h.
    std::vector<std::string> scripts = {};
};

// 0: both sides agree; 1: they do not. Throws ServerFailure when a side cannot be run.
[[nodiscard]] int run_differential(const RunOptions& options);

}  // namespace tributary::differential
