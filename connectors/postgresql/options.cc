#include "connectors/postgresql/options.h"

#include "config/table_rules.h"
#include "connectors/postgresql/intake/intake.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tributary::postgresql {

namespace {

constexpr std::array<std::string_view, 6> kSslModes{
    "disable", "allow", "prefer", "require", "verify-ca", "verify-full"};

// Where libpq looks when sslrootcert is empty (PostgreSQL manual, libpq, SSL Support).
void note_default_roots(config::Reader& reader, const Connection& connection) {
    const bool by_tcp = !connection.host.starts_with('/');
    if (by_tcp && connection.sslmode.starts_with("verify") && connection.sslrootcert.empty()) {
        reader.note_file("sslrootcert", "~/.postgresql/root.crt");
    }
}

void read_connection(config::Reader reader, Connection& out) {
    reader.text({.name = "host",
                 .doc = "Name or address of the server, or the directory of its unix socket."},
                out.host);
    reader.number({.name = "port", .doc = "TCP port, or the number in the unix socket's name."},
                  out.port,
                  {1, 65'535});
    reader.text(
        {.name = "dbname", .doc = "The database whose changes are followed.", .required = true},
        out.dbname);
    reader.text({.name = "user", .doc = "A role with LOGIN and REPLICATION.", .required = true},
                out.user);
    reader.secret({.name = "password", .doc = "Its password, as a secret reference."},
                  out.password);
    reader.word({.name = "sslmode", .doc = "libpq's sslmode."}, out.sslmode, kSslModes);
    reader.file({.name = "sslrootcert",
                 .doc = "File with the certificates that may sign the server's; empty is libpq's "
                        "`~/.postgresql/root.crt`."},
                out.sslrootcert);
    reader.file({.name = "sslcert", .doc = "File with the agent's own certificate."}, out.sslcert);
    reader.file({.name = "sslkey", .doc = "File with the key of sslcert."}, out.sslkey);
    reader.duration(
        {.name = "connect_timeout", .doc = "Give up an attempt to connect after this long."},
        out.connect_timeout_s,
        config::TimeUnit::seconds,
        {2, 300});
    note_default_roots(reader, out);
}

// Slot names: PostgreSQL manual, Replication Slots: lower-case letters, digits, underscore; 63
// bytes.
void check_slot_name(config::Reader& reader, const std::string& slot) {
    constexpr std::size_t kNameBytesMax = 63;
    const bool plain = std::all_of(slot.begin(), slot.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!plain || slot.size() > kNameBytesMax) {
        reader.fail(
            "slot",
            "\"" + slot + "\" is no slot name: lower-case letters, digits and _, at most 63");
    }
}

void read_stream(config::Reader& reader, Options& out) {
    reader.boolean(
        {.name = "messages", .doc = "Deliver logical decoding messages (pg_logical_emit_message)."},
        out.messages);
    reader.size({.name = "row_bytes_max",
                 .doc = "A row larger than this stops the pipeline with an error; it bounds "
                        "memory."},
                out.row_bytes_max,
                {1ULL << 20U, 1ULL << 30U});
    reader.duration({.name = "status_interval",
                     .doc = "How often the server is told what it may forget. At most a third of "
                            "its wal_sender_timeout is used."},
                    out.status_interval_ms,
                    config::TimeUnit::milliseconds,
                    {100, 60'000});
    reader.duration({.name = "position_interval",
                     .doc = "How often the position of an idle source is stored; after 16 MiB of "
                            "its log that hold nothing for us, sooner."},
                    out.position_interval_ms,
                    config::TimeUnit::milliseconds,
                    {100, 3'600'000});
    reader.size({.name = "receive_buffer",
                 .doc = "Receive buffer of the TCP connection; a small one keeps a near server's "
                        "walsender cheap. 0 leaves the system's."},
                out.receive_buffer_bytes,
                {0, 64U << 20U});
    reader.duration({.name = "nap",
                     .doc = "Pause between reads while busy, so that one read takes more. 0 is "
                            "none. Never used on a unix socket."},
                    out.nap_ms,
                    config::TimeUnit::milliseconds,
                    {0, 100});
    reader.size({.name = "pressure_limit",
                 .doc = "With `ack: auto`: above this much WAL held by the slot, what is in the "
                        "local log is confirmed. 0 is the smaller of 1GiB and a quarter of "
                        "max_slot_wal_keep_size."},
                out.pressure_limit_bytes);
}

}  // namespace

Result<Options> read_options(config::Reader& reader) {
    Options out;
    out.name = reader.peek("name");
    read_connection(
        reader.section({.name = "connection", .doc = "How to reach the server.", .required = true}),
        out.connection);
    reader.text({.name = "slot", .doc = "Name of the replication slot.", .required = true},
                out.slot);
    check_slot_name(reader, out.slot);
    if (!out.slot.empty()) {
        reader.claim("slot",
                     "slot " + out.slot + " of " + out.connection.host + ":" +
                         std::to_string(out.connection.port));
    }
    reader.text({.name = "publication", .doc = "Name of the publication.", .required = true},
                out.publication);
    reader.boolean({.name = "create_slot",
                    .doc = "Create the slot when the pipeline is new and it does not exist."},
                   out.create_slot);
    reader.boolean({.name = "create_publication",
                    .doc = "Create the publication when it does not exist, for the included "
                           "tables or for all."},
                   out.create_publication);
    reader.boolean({.name = "failover_slot",
                    .doc = "PostgreSQL 17: create the slot with FAILOVER, so that standbys keep "
                           "it too."},
                   out.failover_slot);
    config::read_table_rules(
        reader.section({.name = "tables", .doc = "Which tables and columns to take."}),
        {.outer = "schema", .everything = "of the publication"},
        out.tables);
    read_stream(reader, out);
    TRIBUTARY_TRY_VOID(reader.result());
    return out;
}

IntakeOptions intake_options(const Options& options) {
    return {.database = options.connection.dbname,
            .filter = options.tables,
            .row_bytes_max = options.row_bytes_max,
            .position_interval_us = std::int64_t{options.position_interval_ms} * 1000};
}

}  // namespace tributary::postgresql
