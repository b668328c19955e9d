#include "connectors/mysql/server/server_checks.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "connectors/mysql/letters.h"
#include "connectors/mysql/numbers.h"
#include "connectors/mysql/statements/quote.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr const char* kVariablesSql =
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'log_bin', 'binlog_format', "
    "'binlog_row_image', 'binlog_row_metadata', 'binlog_row_value_options', 'gtid_mode', "
    "'gtid_executed', 'gtid_purged', 'gtid_binlog_pos', 'server_uuid', 'server_id', "
    "'sync_binlog', 'innodb_flush_log_at_trx_commit', 'binlog_expire_logs_seconds', "
    "'expire_logs_days', 'binlog_expire_logs_auto_purge', 'max_binlog_total_size', "
    "'binlog_checksum', 'log_slave_updates', 'log_replica_updates', "
    "'lower_case_table_names', 'innodb_native_foreign_keys', "
    "'rpl_semi_sync_source_enabled', 'rpl_semi_sync_source_timeout', "
    "'rpl_semi_sync_master_enabled', 'rpl_semi_sync_master_timeout')";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// What `mends` is to be run for, and that it needs a restart where it does.
std::string set_global(const std::string& name, const std::string& value) {
    return "SET GLOBAL " + name + " = " + value +
           "; and the same in the server's configuration "
           "file, so that it lasts";
}

Error setting(const std::string& what, const std::string& remedy) {
    return {errors::kSourceSettings, what + ": " + remedy};
}

// The right that lets an account ask where the binlog is.
std::string position_right(ServerKind kind) {
    return kind == ServerKind::mysql ? "REPLICATION CLIENT" : "BINLOG MONITOR";
}

std::string grant_sql(const ServerFacts& facts, const std::string& right) {
    return "GRANT " + right + " ON *.* TO " + account_sql(facts.user) + ";";
}

Result<void> verify_rights(const ServerFacts& facts) {
    for (const std::string& right :
         {std::string("REPLICATION SLAVE"), position_right(facts.kind)}) {
        if (!facts.may(right)) {
            return Error(errors::kSourceRights,
                         facts.user + " lacks " + right + ": " + grant_sql(facts, right));
        }
    }
    return success();
}

}  // namespace

std::string server_name(ServerKind kind) {
    return kind == ServerKind::mysql ? "MySQL" : "MariaDB";
}

std::string account_sql(const std::string& user) {
    const auto at = user.rfind('@');
    if (at == std::string::npos) {
        return quote_literal(user);
    }
    return quote_literal(user.substr(0, at)) + "@" + quote_literal(user.substr(at + 1));
}

std::string_view ServerFacts::value(const std::string& name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string_view() : std::string_view(found->second);
}

bool ServerFacts::on(const std::string& name) const {
    const std::string_view text = value(name);
    return text == "ON" || text == "1" || text == "on";
}

bool ServerFacts::may(const std::string& right) const {
    if (rights.contains(right) || rights.contains("ALL PRIVILEGES")) {
        return true;
    }
    // MariaDB 10.5 renamed them and still prints either.
    if (right == "BINLOG MONITOR") {
        return rights.contains("REPLICATION CLIENT") || rights.contains("SUPER");
    }
    return right == "REPLICATION SLAVE" && rights.contains("REPLICATION REPLICA");
}

bool ServerFacts::gtids() const {
    return kind == ServerKind::mariadb || value("gtid_mode") == "ON";
}

std::vector<std::string> global_rights(std::string_view grant) {
    constexpr std::string_view kGrant = "GRANT ";
    const auto on = grant.find(" ON *.* TO ");
    if (grant.substr(0, kGrant.size()) != kGrant || on == std::string_view::npos) {
        return {};
    }
    std::vector<std::string> rights;
    std::string_view list = grant.substr(kGrant.size(), on - kGrant.size());
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        rights.push_back(upper(trimmed(list.substr(0, comma))));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    if (grant.find(" WITH GRANT OPTION") != std::string_view::npos) {
        rights.emplace_back("GRANT OPTION");
    }
    return rights;
}

Result<ServerFacts> read_facts(SqlSession& sql) {
    ServerFacts facts;
    TRIBUTARY_TRY(variables, sql.query(kVariablesSql));
    for (std::size_t row = 0; row < variables.rows.size(); ++row) {
        facts.variables[lower(variables.at(row, 0))] = std::string(variables.at(row, 1));
    }
    facts.version = std::string(facts.value("version"));
    facts.kind = upper(facts.version).find("MARIADB") != std::string::npos ? ServerKind::mariadb
                                                                           : ServerKind::mysql;
    TRIBUTARY_TRY(user, sql.query("SELECT CURRENT_USER()"));
    facts.user = std::string(user.at(0, 0));
    TRIBUTARY_TRY(grants, sql.query("SHOW GRANTS"));
    for (std::size_t row = 0; row < grants.rows.size(); ++row) {
        for (std::string& right : global_rights(grants.at(row, 0))) {
            facts.rights.insert(std::move(right));
        }
    }
    return facts;
}

Result<void> read_files(SqlSession& sql, ServerFacts& facts) {
    TRIBUTARY_TRY(rows, sql.query("SHOW BINARY LOGS"));
    facts.files.clear();
    for (std::size_t row = 0; row < rows.rows.size(); ++row) {
        facts.files.push_back({std::string(rows.at(row, 0)), leading_number(rows.at(row, 1))});
    }
    return success();
}

Result<void> read_volume(SqlSession& sql, ServerFacts& facts) {
    TRIBUTARY_TRY(uptime, sql.query("SHOW GLOBAL STATUS LIKE 'Uptime'"));
    facts.uptime_s = leading_number(uptime.at(0, 1));
    return read_files(sql, facts);
}

Result<Place> end_of_log(SqlSession& sql) {
    auto status = sql.query("SHOW MASTER STATUS");
    if (!status && status.error().is(errors::kProtocolViolation)) {
        status = sql.query("SHOW BINARY LOG STATUS");  // its name in MySQL since 8.2
    }
    if (!status) {
        return status.error();
    }
    if (status.value().rows.empty()) {
        return setting("the server's binary log is off",
                       "set log_bin in its configuration file and restart it");
    }
    return Place{std::string(status.value().at(0, 0)), leading_number(status.value().at(0, 1))};
}

Result<ResumePoint> current_position(SqlSession& sql, const ServerFacts& facts, GtidMode mode) {
    ResumePoint point;
    point.server = facts.kind;
    point.by_gtid = mode == GtidMode::on || (mode == GtidMode::automatic && facts.gtids());
    TRIBUTARY_TRY(end, end_of_log(sql));
    point.next = std::move(end);
    if (!point.by_gtid) {
        return point;
    }
    const bool mysql = facts.kind == ServerKind::mysql;
    TRIBUTARY_TRY(
        rows,
        sql.query(mysql ? "SELECT @@GLOBAL.gtid_executed" : "SELECT @@GLOBAL.gtid_binlog_pos"));
    if (mysql) {
        TRIBUTARY_TRY(set, MysqlGtidSet::parse(rows.at(0, 0)));
        point.executed = std::move(set);
    } else {
        TRIBUTARY_TRY(position, MariadbGtidPosition::parse(rows.at(0, 0)));
        point.gtid_position = std::move(position);
    }
    return point;
}

Result<void> verify_settings(const ServerFacts& facts, GtidMode mode) {
    if (!facts.on("log_bin")) {
        return setting("the server's binary log is off",
                       "set log_bin in its configuration file and restart it");
    }
    if (facts.value("binlog_format") != "ROW" && !facts.value("binlog_format").empty()) {
        return setting("binlog_format is " + std::string(facts.value("binlog_format")),
                       set_global("binlog_format", "'ROW'"));
    }
    if (facts.value("binlog_row_image") != "FULL" && !facts.value("binlog_row_image").empty()) {
        return setting("binlog_row_image is " + std::string(facts.value("binlog_row_image")) +
                           ", so that events lack columns",
                       set_global("binlog_row_image", "'FULL'"));
    }
    if (mode == GtidMode::on && !facts.gtids()) {
        return setting("gtid is on here and gtid_mode is " + std::string(facts.value("gtid_mode")) +
                           " on the server",
                       "set gtid_mode = ON and enforce_gtid_consistency = ON there, or gtid: auto "
                       "here");
    }
    return verify_rights(facts);
}

namespace {

class Judge {
  public:
    Judge(const ServerFacts& facts, const Options& options) : facts_(facts), options_(options) {}

    std::vector<Finding> all() {
        if (facts_.kind == options_.kind) {
            ok("server", server_name(facts_.kind) + " " + facts_.version);
        } else {
            say(Severity::warning,
                "server",
                server_name(facts_.kind) + " " + facts_.version +
                    "; events come out as Debezium's connector for " + server_name(options_.kind) +
                    " has them",
                std::string("type: ") + (facts_.kind == ServerKind::mysql ? "mysql" : "mariadb"));
        }
        identity();
        settings();
        replication();
        durability();
        retention();
        rights();
        return std::move(findings_);
    }

  private:
    void ok(std::string subject, std::string what) {
        findings_.push_back({Severity::ok, std::move(subject), std::move(what), ""});
    }
    void say(Severity severity, std::string subject, std::string what, std::string remedy) {
        findings_.push_back({severity, std::move(subject), std::move(what), std::move(remedy)});
    }

    void expect(Severity severity, const std::string& name, const std::string& wanted) {
        const std::string is(facts_.value(name));
        if (is.empty()) {
            return;  // this server has no such variable
        }
        if (is == wanted) {
            ok(name, is);
            return;
        }
        say(severity, name, is, "SET GLOBAL " + name + " = '" + wanted + "';");
    }

    // A server ends the dump of whoever has its own number, or sends it nothing.
    void identity() {
        const std::string theirs(facts_.value("server_id"));
        if (theirs == std::to_string(options_.server_id)) {
            say(Severity::error,
                "server_id",
                theirs + " is the server's own",
                "server_id: another number, which no server, replica or agent has");
        } else {
            ok("server_id", std::to_string(options_.server_id) + "; the server's is " + theirs);
        }
    }

    // A replica that does not log what it applies has a binary log without it.
    void replication() {
        for (const char* name : {"log_replica_updates", "log_slave_updates"}) {
            if (!facts_.value(name).empty() && !facts_.on(name)) {
                say(Severity::warning,
                    name,
                    "OFF: were this server a replica, changes of its source would not be here",
                    std::string(name) + " = ON in the server's configuration file, and a restart");
                return;
            }
        }
    }

    void settings() {
        if (!facts_.on("log_bin")) {
            say(Severity::error,
                "log_bin",
                "the binary log is off",
                "set log_bin in the server's configuration file and restart it");
        }
        expect(Severity::error, "binlog_format", "ROW");
        expect(Severity::error, "binlog_row_image", "FULL");
        // Without names in the log, the catalogue's of now is taken, which may be another than the
        // events'.
        expect(Severity::warning, "binlog_row_metadata", "FULL");
        expect(Severity::warning, "binlog_checksum", "CRC32");
        if (facts_.gtids()) {
            ok("gtid", "positions are by GTID");
        } else {
            say(options_.gtid == GtidMode::on ? Severity::error : Severity::warning,
                "gtid_mode",
                std::string(facts_.value("gtid_mode")) +
                    ": positions are by file and offset, which no other server understands",
                "SET GLOBAL enforce_gtid_consistency = ON; then gtid_mode = OFF_PERMISSIVE, "
                "ON_PERMISSIVE, ON, one after another");
        }
    }

    // A server that forgets its last transactions in a crash gives their GTIDs to others.
    void durability() {
        if (facts_.value("sync_binlog") != "1") {
            say(Severity::warning,
                "sync_binlog",
                std::string(facts_.value("sync_binlog")) +
                    ": a crash of the server may lose transactions that were already delivered",
                "SET GLOBAL sync_binlog = 1;");
        }
        if (facts_.value("innodb_flush_log_at_trx_commit") != "1") {
            say(Severity::warning,
                "innodb_flush_log_at_trx_commit",
                std::string(facts_.value("innodb_flush_log_at_trx_commit")) +
                    ": a crash of the server may lose transactions that were already delivered",
                "SET GLOBAL innodb_flush_log_at_trx_commit = 1;");
        }
    }

    void retention() {
        const std::uint64_t seconds =
            std::max(leading_number(facts_.value("binlog_expire_logs_seconds")),
                     leading_number(facts_.value("expire_logs_days")) * 86400);
        constexpr std::uint64_t kDay = 86400;
        constexpr std::uint64_t kMin = 3 * kDay;  // a weekend
        if (const std::uint64_t bytes = leading_number(facts_.value("max_binlog_total_size"));
            bytes > 0) {
            say(Severity::warning,
                "max_binlog_total_size",
                std::to_string(bytes) +
                    " bytes are kept, however little time that is: an agent that is away while "
                    "more is written cannot go on",
                "SET GLOBAL max_binlog_total_size = 0;");
        }
        const bool purges = facts_.value("binlog_expire_logs_auto_purge").empty() ||
                            facts_.on("binlog_expire_logs_auto_purge");
        if (seconds == 0 || !purges) {
            ok("binary log expiry",
               "never; the server does not wait for us otherwise" + buffered(0));
        } else if (seconds < kMin) {
            const bool by_seconds = !facts_.value("binlog_expire_logs_seconds").empty();
            say(Severity::warning,
                "binary log expiry",
                "after " + std::to_string(seconds / 3600) + " h, less than " +
                    std::to_string(kMin / 3600) +
                    " h: an agent that is down for longer, or whose buffer is full for longer, "
                    "cannot go on" +
                    buffered(seconds),
                by_seconds ? "SET GLOBAL binlog_expire_logs_seconds = 604800;"
                           : "SET GLOBAL expire_logs_days = 7;");
        } else {
            ok("binary log expiry",
               "after " + std::to_string(seconds / kDay) + " days" + buffered(seconds));
        }
    }

    // How long an uplink may be away: what is in the binary log was written within `expiry_s` (0:
    // any time), or since the server started if that is less, so no more than this is written. Less
    // is stored of it: selected tables only, compressed.
    [[nodiscard]] std::string buffered(std::uint64_t expiry_s) const {
        constexpr std::uint64_t kHour = 3600;
        const std::uint64_t within =
            expiry_s == 0 ? facts_.uptime_s : std::min(expiry_s, facts_.uptime_s);
        const std::uint64_t bytes =
            std::accumulate(facts_.files.begin(),
                            facts_.files.end(),
                            std::uint64_t{0},
                            [](std::uint64_t sum, const Place& end) { return sum + end.offset; });
        if (within < kHour || bytes == 0 || options_.buffer_bytes == 0) {
            return {};
        }
        const double per_hour = static_cast<double>(bytes) * kHour / static_cast<double>(within);
        const auto hours =
            static_cast<std::uint64_t>(static_cast<double>(options_.buffer_bytes) / per_hour);
        return "; at most " + std::to_string(static_cast<std::uint64_t>(per_hour) >> 20U) +
               " MiB an hour are written, and buffer.max_bytes takes in " + std::to_string(hours) +
               " h of that before an uplink outage begins to use this time up";
    }

    void rights() {
        for (const std::string& right :
             {std::string("REPLICATION SLAVE"), position_right(facts_.kind)}) {
            if (facts_.may(right)) {
                ok("right " + right, "granted");
            } else {
                say(Severity::error, "right " + right, "missing", grant_sql(facts_, right));
            }
        }
        constexpr std::array<std::string_view, 4> kNeeded{
            "REPLICATION SLAVE", "REPLICATION CLIENT", "BINLOG MONITOR", "USAGE"};
        for (const std::string& right : facts_.rights) {
            const bool fine = std::find(kNeeded.begin(), kNeeded.end(), right) != kNeeded.end() ||
                              right == "SELECT" || right == "REPLICATION REPLICA";
            if (!fine) {
                say(Severity::warning,
                    "right " + right,
                    "more than is needed",
                    "REVOKE " + right + " ON *.* FROM " + account_sql(facts_.user) + ";");
            }
        }
    }

    const ServerFacts& facts_;
    const Options& options_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> judge(const ServerFacts& facts, const Options& options) {
    return Judge(facts, options).all();
}

}  // namespace tributary::mysql
