#include "connectors/mysql/options.h"

#include <array>
#include <regex>
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
    reader.text({.name = "sslrootcert",
                 .doc = "File with the certificates that may sign the server's; empty is the "
                        "system's."},
                out.sslrootcert);
    reader.text({.name = "sslcert", .doc = "File with the agent's own certificate."}, out.sslcert);
    reader.text({.name = "sslkey", .doc = "File with the key of sslcert."}, out.sslkey);
    reader.duration(
        {.name = "connect_timeout", .doc = "Give up an attempt to connect after this long."},
        out.connect_timeout_s,
        config::TimeUnit::seconds,
        {2, 300});
}

// Reads one list of patterns and refuses those that do not compile.
void read_patterns(config::Reader& reader, const config::Key& key, std::vector<std::string>& out) {
    constexpr std::size_t kPatternBytesMax = 1000;
    reader.texts(key, out);
    for (const std::string& pattern : out) {
        if (pattern.size() > kPatternBytesMax) {
            reader.fail(key.name, "a pattern is at most 1000 bytes long");
            continue;
        }
        try {
            const std::regex compiled(pattern, std::regex::ECMAScript);
        } catch (const std::regex_error& error) {
            reader.fail(key.name,
                        "\"" + pattern + "\" is not a regular expression: " + error.what());
        }
    }
}

void read_tables(config::Reader reader, FilterRules& out) {
    read_patterns(reader,
                  {.name = "include",
                   .doc = "Regular expressions over `database.table`, whole match; empty is every "
                          "table outside the server's own databases. Other tables never touch the "
                          "disk."},
                  out.include);
    read_patterns(reader,
                  {.name = "exclude",
                   .doc = "Regular expressions over `database.table` of tables to leave out."},
                  out.exclude);
    read_patterns(reader,
                  {.name = "exclude_columns",
                   .doc = "Regular expressions over `database.table.column` of columns to leave "
                          "out. A column of the key cannot be left out."},
                  out.exclude_columns);
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
    reader.choice({.name = "gtid",
                   .doc = "Positions by GTID: auto where the server has it on, on, or off for file "
                          "and offset, which no other server understands. A pipeline keeps what it "
                          "began with until `reset`."},
                  out.gtid,
                  kGtidModes);
    read_tables(reader.section({.name = "tables", .doc = "Which tables and columns to take."}),
                out.tables);
    read_stream(reader, out);
    TRIBUTARY_TRY_VOID(reader.result());
    return out;
}

}  // namespace tributary::mysql
