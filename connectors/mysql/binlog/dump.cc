#include "connectors/mysql/binlog/dump.h"

#include <limits>

#include "base/bytes.h"

namespace tributary::mysql {
namespace {

constexpr std::uint8_t kComBinlogDump = 18;
constexpr std::uint8_t kComBinlogDumpGtid = 30;
// COM_BINLOG_DUMP_GTID: the GTID set is what decides.
constexpr std::uint16_t kThroughGtid = 4;
constexpr std::uint16_t kSendAnnotateRows = 2;
constexpr std::uint64_t kFirstOffset = 4;

std::string session_sql(const ResumePoint& from, const DumpOptions& options) {
    const std::string period = std::to_string(std::uint64_t{options.heartbeat_ms} * 1'000'000);
    std::string sql =
        "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32', "
        "@master_heartbeat_period = " +
        period + ", @source_heartbeat_period = " + period +
        ", SESSION net_write_timeout = " + std::to_string(options.write_timeout_s);
    if (from.server == ServerKind::mariadb) {
        // 4: knows GTIDs.
        sql += ", @mariadb_slave_capability = 4";
        if (from.by_gtid) {
            // Digits, commas and hyphens only.
            sql += ", @slave_connect_state = '" + from.gtids() +
                   "', @slave_gtid_strict_mode = 1, @slave_gtid_ignore_duplicates = 0";
        }
    }
    return sql;
}

}  // namespace

Place dump_start(const ResumePoint& from) {
    if (from.by_gtid) {
        return {.file = "", .offset = kFirstOffset};
    }
    const bool out_of_reach = from.next.offset > std::numeric_limits<std::uint32_t>::max();
    return out_of_reach ? Place{.file = from.next.file, .offset = kFirstOffset} : from.next;
}

DumpCommand dump_command(const ResumePoint& from, std::uint32_t server_id) {
    const Place start = dump_start(from);
    DumpCommand command;
    std::string& out = command.arguments;
    if (from.server == ServerKind::mysql && from.by_gtid) {
        const std::string set = from.executed.dump_bytes();
        command.number = kComBinlogDumpGtid;
        append_fixed(out, kThroughGtid);
        append_fixed(out, server_id);
        append_fixed(out, std::uint32_t{0});
        append_fixed(out, kFirstOffset);
        append_fixed(out, static_cast<std::uint32_t>(set.size()));
        out += set;
        return command;
    }
    command.number = kComBinlogDump;
    append_fixed(out, static_cast<std::uint32_t>(start.offset));
    append_fixed(out, from.server == ServerKind::mariadb ? kSendAnnotateRows : std::uint16_t{0});
    append_fixed(out, server_id);
    out += start.file;
    return command;
}

Result<void> start_dump(Client& client, const ResumePoint& from, const DumpOptions& options) {
    TRIBUTARY_TRY_VOID(client.execute(session_sql(from, options)));
    const DumpCommand command = dump_command(from, options.server_id);
    // The library has no call for these two commands but the hook that its own calls go through.
    const auto number = static_cast<enum_server_command>(command.number);
    if (client.get()->methods->db_command(
            client.get(), number, command.arguments.data(), command.arguments.size(), 1, nullptr) !=
        0) {
        return client.error("starting the binlog dump");
    }
    return success();
}

}  // namespace tributary::mysql
