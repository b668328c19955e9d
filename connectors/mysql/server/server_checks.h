// What the source server must be like: read it (I/O), then judge it (pure). The same facts decide
// whether open() goes on and what `tributary check` prints.
// Why here: a setting that is wrong must be named with the statement that mends it, not found out
// by a stream that stalls or loses. Threads: any; a session belongs to its thread. MySQL 9 manual,
// "Replication and Binary Logging Options and Variables"; MariaDB knowledge base, the same.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/options.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server/sql.h"
#include "connectors/mysql/server_kind.h"
#include "ports/check.h"

namespace tributary::mysql {

struct ServerFacts {
    ServerKind kind = ServerKind::mysql;
    std::string version;                           // "10.11.19-MariaDB-..."
    std::map<std::string, std::string> variables;  // lower-case name, value as the server gives it
    std::set<std::string> rights;  // on *.*, upper-case: "REPLICATION SLAVE"; "ALL PRIVILEGES"
    std::string user;              // CURRENT_USER(): "tributary@%"
    // The files of the binary log, oldest first, each up to its end; read_files() reads them.
    std::vector<Place> files{};
    std::uint64_t uptime_s = 0;  // read_volume() reads it

    [[nodiscard]] std::string_view value(const std::string& name) const;
    [[nodiscard]] bool on(const std::string& name) const;  // ON or 1
    [[nodiscard]] bool may(const std::string& right) const;
    // Whether positions by GTID can be used.
    [[nodiscard]] bool gtids() const;
};

[[nodiscard]] std::string server_name(ServerKind kind);  // for people: "MySQL"
[[nodiscard]] Result<ServerFacts> read_facts(SqlSession& sql);
// kSourceRights.
[[nodiscard]] Result<void> read_files(SqlSession& sql, ServerFacts& facts);
// How much the server logs, as far as its log says. kSourceRights.
[[nodiscard]] Result<void> read_volume(SqlSession& sql, ServerFacts& facts);

// "tributary@%" as SQL: 'tributary'@'%'. Pure.
[[nodiscard]] std::string account_sql(const std::string& user);

// The privileges on *.* in one line of SHOW GRANTS; empty when it grants on something else. Pure.
[[nodiscard]] std::vector<std::string> global_rights(std::string_view grant);

// Where the server is now: what a new pipeline starts after. kSourceSettings, kSourceRights.
[[nodiscard]] Result<ResumePoint> current_position(SqlSession& sql,
                                                   const ServerFacts& facts,
                                                   GtidMode mode);
// Where the server's binary log ends now. kSourceSettings (it is off), kSourceRights.
[[nodiscard]] Result<Place> end_of_log(SqlSession& sql);

// kSourceSettings (binary log off, not ROW, row image, GTID asked for and off), kSourceRights.
[[nodiscard]] Result<void> verify_settings(const ServerFacts& facts, GtidMode mode);

// That the server can go on from `resume`; by place, facts.files are there. kSourceGap: purged;
// kSourceRewound: it lacks what was taken in; kSourceDiverged: another kind of server, GTIDs where
// there are none any more, or a place of another server.
[[nodiscard]] Result<void> verify_position(const ServerFacts& facts, const ResumePoint& resume);

// That the server still has the transaction of which half was taken in, or another one of its name
// or in its place: what it sends, it has committed. Files as above. kSourceRewound.
[[nodiscard]] Result<void> verify_half(const ServerFacts& facts,
                                       const ResumePoint& resume,
                                       const Position& done);

// How long MySQL may take to count a transaction in gtid_executed that it has sent already: with
// semi-synchronous replication, until a replica has confirmed it or that has timed out. At most
// half a minute.
[[nodiscard]] std::chrono::milliseconds sent_before_executed(const ServerFacts& facts);

// A server's own name: its uuid, or where it has none its server_id.
[[nodiscard]] std::string server_name_of(const ServerFacts& facts);

// That a further connection reached the server that was looked at: an address may lead elsewhere
// from one moment to the next. kSourceUnreachable: connect again, and look.
[[nodiscard]] Result<void> verify_same_server(std::string_view looked_at, std::string_view reached);
// The statement that tells server_name_of() over such a connection.
[[nodiscard]] std::string server_name_sql(ServerKind kind);

// As Fingerprint::server has it.
[[nodiscard]] std::uint32_t server_mark_of(const ServerFacts& facts);

// What the checkpoint calls this source: "mysql gtid", "mariadb gtid"; by file, a server's own
// name too.
[[nodiscard]] std::string identity_of(const ServerFacts& facts, const ResumePoint& resume);

// Everything `tributary check` has to say about these facts. Pure.
[[nodiscard]] std::vector<Finding> judge(const ServerFacts& facts, const Options& options);

}  // namespace tributary::mysql
