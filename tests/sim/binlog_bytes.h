// The bytes of binlog events as MySQL and MariaDB write them (connectors/mysql/binlog/events.h has
// the layouts), over the simulated tables. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/mysql/binlog/events.h"
#include "connectors/mysql/binlog/gtid.h"
#include "connectors/mysql/server_kind.h"
#include "tests/sim/sim_tables.h"

namespace tributary::sim::binlog {

struct Head {
    std::uint32_t time_s = 0;
    std::uint32_t server_id = 0;
    std::uint16_t flags = 0;
};

// Without CRC32 and place, as it is inside a TRANSACTION_PAYLOAD_EVENT.
[[nodiscard]] std::string inner_event(mysql::EventType type,
                                      const Head& head,
                                      std::string_view body);
// With its CRC32. `offset` in its file; none: made for a connection, it is in no file.
[[nodiscard]] std::string event(mysql::EventType type,
                                const Head& head,
                                std::optional<std::uint64_t> offset,
                                std::string_view body);

// One that says how far the server has sent.
[[nodiscard]] std::string heartbeat(std::uint32_t server_id,
                                    std::string_view file,
                                    std::uint64_t offset);

[[nodiscard]] std::string format_description(std::uint32_t created_s);
[[nodiscard]] std::string rotate(std::string_view file, std::uint64_t offset);
[[nodiscard]] std::string query(std::string_view text);
// No GTID: anonymous. `original_us`: where it differs from `commit_us`.
[[nodiscard]] std::string gtid(const std::optional<mysql::MysqlGtid>& gtid,
                               std::int64_t commit_us,
                               std::int64_t original_us);
// GTID_TAGGED_LOG_EVENT (MySQL 8.3).
[[nodiscard]] std::string tagged_gtid(const mysql::MysqlGtid& gtid,
                                      std::int64_t commit_us,
                                      std::int64_t original_us);
[[nodiscard]] std::string mariadb_gtid(const mysql::MariadbGtid& gtid,
                                       std::uint8_t flags,
                                       std::string_view xid);
[[nodiscard]] std::string gtid_list(const mysql::MariadbGtidPosition& position);
// Of inner events, compressed.
[[nodiscard]] std::string payload(std::string_view events);
[[nodiscard]] std::string xa_prepare(bool one_phase, std::string_view gtrid);
// FULL row metadata.
[[nodiscard]] std::string table_map(std::uint64_t table_id,
                                    std::size_t table,
                                    std::size_t version,
                                    mysql::ServerKind server,
                                    bool has_key);
// Of one table, structure and rows_type().
[[nodiscard]] std::string rows(std::uint64_t table_id,
                               const std::vector<SimRow>& rows,
                               bool has_key);
[[nodiscard]] mysql::EventType rows_type(Op op);

// Of one statement: "XA COMMIT X'7831',X'',1".
[[nodiscard]] std::string xa_statement(std::string_view verb, std::string_view gtrid);

}  // namespace tributary::sim::binlog
