// Configuration of one PostgreSQL source: the keys under `sources:` with `type: postgresql`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/reader.h"
#include "model/snapshot_mode.h"
#include "model/table_filter.h"

namespace tributary::postgresql {

struct Connection {
    std::string host = "127.0.0.1";  // name, address, or a directory with a unix socket
    std::uint16_t port = 5432;
    std::string dbname;
    std::string user;
    config::Secret password;
    std::string sslmode =
        "verify-full";  // libpq's words; a unix socket or loopback may use disable
    std::string sslrootcert;
    std::string sslcert;
    std::string sslkey;
    std::uint32_t connect_timeout_s = 10;
};

struct Options {
    std::string name;  // of the source, for logs
    Connection connection;
    std::string slot;
    std::string publication;
    bool create_slot = true;          // when the pipeline is new and the slot does not exist
    bool create_publication = false;  // FOR the included tables, or ALL TABLES
    bool failover_slot = false;       // PostgreSQL 17: create the slot with FAILOVER
    FilterRules tables;               // over "schema.table" of the publication
    SnapshotMode snapshot = SnapshotMode::no_data;
    std::uint32_t snapshot_chunk_rows = 50'000;          // read at once, at most
    std::uint64_t snapshot_keyless_bytes = 1ULL << 30U;  // of a table without a key
    bool messages = true;                                // logical decoding messages
    std::uint64_t row_bytes_max = 64ULL << 20U;
    std::uint32_t status_interval_ms = 10000;    // at most a third of wal_sender_timeout is used
    std::uint32_t position_interval_ms = 60000;  // position entries of an idle source
    // Reading: a small receive buffer and naps while busy keep the server's walsender cheap on a
    // near TCP connection (docs/performance.md). 0 leaves the system's buffer alone.
    std::uint32_t receive_buffer_bytes = 32768;
    std::uint32_t nap_ms = 3;
    std::uint64_t pressure_limit_bytes =
        0;  // ack: auto; 0 = min(1 GiB, a quarter of max_slot_wal_keep_size)
};

struct IntakeOptions;
[[nodiscard]] IntakeOptions intake_options(const Options& options);

// Reads one source's mapping; errors carry file and line.
[[nodiscard]] Result<Options> read_options(config::Reader& reader);

}  // namespace tributary::postgresql
