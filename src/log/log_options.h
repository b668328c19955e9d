// How a RocksLog is opened. Defaults are those of the configuration file (DESIGN 8).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "ports/clock.h"

namespace rocksdb {
class Env;
}

namespace tributary {

enum class Durability {
    power,    // append() returns after fsync: survives power loss
    process,  // append() returns after write(): survives a kill, loses what the kernel had not yet
              // written (about 30 s) on power loss
};

struct LogOptions {
    std::filesystem::path directory;  // made when missing; one process at a time
    Durability durability = Durability::power;
    std::uint64_t max_bytes = 8ULL << 30U;            // of all streams together
    std::uint64_t max_bytes_per_pipeline = 0;         // of one live stream; 0: only max_bytes
    std::uint64_t min_free_disk_bytes = 1ULL << 30U;  // never below 3 memtables + 64 MiB
    std::uint64_t ballast_bytes = 16ULL << 20U;       // 0: none
    std::size_t memtable_bytes = 4U << 20U;           // two of them, for blocks
    std::size_t cache_bytes = 2U << 20U;              // index blocks mostly
    int open_files_max = 64;
    std::chrono::milliseconds tripwire_interval{1000};
    std::filesystem::path machine_id_file = "/etc/machine-id";  // missing or empty: not checked
    const Clock* clock = nullptr;  // for tripwire_interval; null: the process's steady clock
    rocksdb::Env* env = nullptr;   // for tests that inject faults; null: RocksDB's default
};

}  // namespace tributary
