#include "connectors/mysql/options.h"

#include "config/table_rules.h"

#include <array>
#include <string_view>
#include <utility>

namespace tributary::mysql {
namespace {

constexpr std::array<std::pair<std::string_view, Tls>, 3> kTlsModes{
    {{"disable", Tls::disable}, {"require", Tls::require}, {"verify-full", Tls::verify_full}}};

constexpr std::array<std::pair<std::string_view, GtidMode>, 3> kGtidModes{
    {{"auto", GtidMode::automatic}, {"on", GtidMode::on}, {"off", GtidMode::off}}};

void read_connection(config::Reader reader, Connection& out) {
    reader.text(
        {.name = "host", .doc = "Name or address of the server, or the path of its unix socket."},
        out.host);
    reader.number({.name = "port", .doc = "TCP port."}, out.port, {1, 65'535});
    reader.text({.name = "user",
                 .doc = "An account with REPLICATION SLAVE, and REPLICATION CLIENT (MariaDB: "
                        "BINLOG MONITOR).",
                 .required = true},
                out.user);
    reader.secret({.name = "password", .doc = "Its password, as a secret reference."},
                  out.password);
    reader.choice({.name = "sslmode",
                   .doc = "TLS: verify-full checks the server's certificate and name, require "
                          "encrypts only. A unix socket has none."},
                  out.sslmode,
                  kTlsModes);
    reader.file({.name = "sslrootcert",
                 .doc = "File with the certificates that may sign the server's; empty is the "
                        "system's."},
                out.sslrootcert);
    reader.file({.name = "sslcert", .doc = "File with the agent's own certificate."}, out.sslcert);
    reader.file({.name = "sslkey", .doc = "File with the key of sslcert."}, out.sslkey);
    reader.duration(
        {.name = "connect_timeout", .doc = "Give up an attempt to connect after this long."},
        out.connect_timeout_s,
        config::TimeUnit::seconds,
        {2, 300});
}

void read_stream(config::Reader& reader, Options& out) {
    reader.size({.name = "row_bytes_max",
                 .doc = "A row larger than this stops the pipeline with an error; it bounds "
                        "memory."},
                out.row_bytes_max,
                {1ULL << 20U, 1ULL << 30U});
    reader.size({.name = "xa_bytes_max",
                 .doc = "Rows of prepared XA transactions, all together, that wait on disk for "
                        "their XA COMMIT; more stops the pipeline with an error."},
                out.xa_bytes_max,
                {1ULL << 20U, 1ULL << 40U});
    reader.boolean(
        {.name = "schema_changes",
         .doc = "Deliver DDL of the selected tables and databases to the topic <prefix>: "
                "Debezium's include.schema.changes."},
        out.schema_changes);
    reader.duration({.name = "heartbeat",
                     .doc = "How often the server says that it is there while it has no events. "
                            "After three silent ones the agent connects again."},
                    out.heartbeat_ms,
                    config::TimeUnit::milliseconds,
                    {100, 600'000});
    reader.duration(
        {.name = "position_interval", .doc = "How often the position of an idle source is stored."},
        out.position_interval_ms,
        config::TimeUnit::milliseconds,
        {100, 3'600'000});
}

}  // namespace

Result<Options> read_options(config::Reader& reader) {
    Options out;
    out.name = reader.peek("name");
    out.kind = reader.peek("type") == "mariadb" ? ServerKind::mariadb : ServerKind::mysql;
    read_connection(
        reader.section({.name = "connection", .doc = "How to reach the server.", .required = true}),
        out.connection);
    reader.number({.name = "server_id",
                   .doc = "The agent's own number among the server's replicas: no server, replica "
                          "or other agent may have it too.",
                   .required = true},
                  out.server_id,
                  {1, 4'294'967'295U});
    if (reader.given("server_id")) {
        reader.claim("server_id",
                     "server_id " + std::to_string(out.server_id) + " at " + out.connection.host +
                         ":" + std::to_string(out.connection.port));
    }
    reader.choice({.name = "gtid",
                   .doc = "Positions by GTID: auto where the server has it on, on, or off for file "
                          "and offset, which no other server understands. A pipeline keeps what it "
                          "began with until `reset`."},
                  out.gtid,
                  kGtidModes);
    config::read_table_rules(
        reader.section({.name = "tables", .doc = "Which tables and columns to take."}),
        {.outer = "database", .everything = "outside the server's own databases"},
        out.tables);
    read_stream(reader, out);
    TRIBUTARY_TRY_VOID(reader.result());
    return out;
}

}  // namespace tributary::mysql
