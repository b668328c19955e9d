// Configuration of one MySQL or MariaDB source: the keys under `sources:` with `type: mysql` or
// `type: mariadb`, which mean the same: the server says what it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/reader.h"
#include "connectors/mysql/server_kind.h"
#include "model/snapshot_mode.h"
#include "model/table_filter.h"

namespace tributary::mysql {

enum class Tls {
    disable,
    require,     // encrypted, the server not verified
    verify_full  // encrypted, the server's certificate and name verified
};

struct Connection {
    std::string host = "127.0.0.1";  // name, address, or the path of a unix socket
    std::uint16_t port = 3306;
    std::string user;
    config::Secret password;
    Tls sslmode = Tls::verify_full;
    std::string sslrootcert;  // empty: the system's
    std::string sslcert;
    std::string sslkey;
    std::uint32_t connect_timeout_s = 10;

    [[nodiscard]] bool unix_socket() const { return host.starts_with('/'); }
};

enum class GtidMode { automatic, on, off };

struct Options {
    std::string name;                     // of the source, for logs
    ServerKind kind = ServerKind::mysql;  // by `type`: whose envelope comes out
    Connection connection;
    std::uint32_t server_id = 0;  // ours, among the replicas of the server
    GtidMode gtid = GtidMode::automatic;
    FilterRules tables;
    std::uint64_t row_bytes_max = 64ULL << 20U;
    std::uint64_t xa_bytes_max = 1ULL << 30U;
    std::uint32_t heartbeat_ms = 10000;          // the server speaks at least this often
    std::uint32_t position_interval_ms = 60000;  // position entries of an idle source
    // `snapshot`, which the configuration reads for every kind of database alike.
    SnapshotMode snapshot = SnapshotMode::no_data;
    bool schema_changes = true;                  // DDL to the topic `<prefix>`
    std::uint32_t snapshot_chunk_rows = 50'000;  // read at once, at most
    std::uint64_t snapshot_keyless_bytes = 1ULL << 30U;
    std::uint64_t buffer_bytes = 0;  // `buffer.max_bytes`, for check()
    bool joined_messages = false;    // not configured: as with an unknown client library (wire.h)
};

// Reads one source's mapping; errors carry file and line.
[[nodiscard]] Result<Options> read_options(config::Reader& reader);

}  // namespace tributary::mysql
