// One torture run: real sources (fsync on), real Kafka behind a proxy, the real agent, load, the
// nemesis, then drain, settle and judge. Delivery and faults 7.3 and 7.4; DESIGN 10.
// Threads: run_torture spawns processes and must be called on a thread that outlives them (main).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/torture/feed.h"

namespace tributary::torture {

struct RunOptions {
    std::filesystem::path agent;      // the binary `tributary`
    std::filesystem::path disk_shim;  // preloaded into it
    std::vector<std::string> sources = {"postgres", "mariadb", "mysql", "sensors", "devices"};
    std::uint64_t seed = 1;
    int faults = 24;
    std::string kafka;
    std::chrono::seconds limit{0};  // no further fault after this long; 0: none
    int faults_min = 0;             // a run that reached fewer has failed
    bool keep = false;              // the folder, also after success
    Plant plant = Plant::none;
};

// Prints what it did and the verdict; the process's exit code. Throws ServerFailure when a server
// does not start.
[[nodiscard]] int run_torture(const RunOptions& options);

}  // namespace tributary::torture
