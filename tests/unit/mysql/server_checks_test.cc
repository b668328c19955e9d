// What `check` says about a server, and the statement that goes with it.
#include "connectors/mysql/server/server_checks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "connectors/mysql/binlog/fingerprint.h"
#include "connectors/mysql/cascades.h"
#include "connectors/mysql/snapshot/snapshot_checks.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

ServerFacts sound(ServerKind kind) {
    ServerFacts facts;
    facts.kind = kind;
    facts.version = kind == ServerKind::mysql ? "9.7.4" : "11.8.9-MariaDB";
    facts.variables = {{"log_bin", "ON"},
                       {"binlog_format", "ROW"},
                       {"binlog_row_image", "FULL"},
                       {"binlog_row_metadata", "FULL"},
                       {"binlog_checksum", "CRC32"},
                       {"server_id", "1"},
                       {"sync_binlog", "1"},
                       {"innodb_flush_log_at_trx_commit", "1"},
                       {"binlog_expire_logs_seconds", "604800"}};
    if (kind == ServerKind::mysql) {
        facts.variables["gtid_mode"] = "ON";
        facts.variables["log_replica_updates"] = "ON";
    } else {
        facts.variables["log_slave_updates"] = "1";
        facts.variables["max_binlog_total_size"] = "0";
    }
    facts.user = "tributary@%";
    facts.rights = {"REPLICATION SLAVE",
                    kind == ServerKind::mysql ? "REPLICATION CLIENT" : "BINLOG MONITOR"};
    return facts;
}

Options options_for(ServerKind kind) {
    Options options;
    options.kind = kind;
    options.server_id = 71001;
    return options;
}

std::vector<Finding> trouble(const ServerFacts& facts, const Options& options) {
    std::vector<Finding> out = judge(facts, options);
    std::erase_if(out, [](const Finding& finding) { return finding.severity == Severity::ok; });
    return out;
}

// The one thing that is wrong when `name` is `value`.
Finding with(ServerKind kind, const std::string& name, const std::string& value) {
    ServerFacts facts = sound(kind);
    facts.variables[name] = value;
    const auto found = trouble(facts, options_for(kind));
    EXPECT_EQ(found.size(), 1U) << name;
    return found.empty() ? Finding{} : found.front();
}

TEST(ServerChecks, a_sound_server_has_nothing_wrong) {
    for (const ServerKind kind : {ServerKind::mysql, ServerKind::mariadb}) {
        EXPECT_TRUE(trouble(sound(kind), options_for(kind)).empty());
        EXPECT_TRUE(verify_settings(sound(kind), GtidMode::automatic));
    }
}

TEST(ServerChecks, settings_that_lose_or_stop_come_with_the_statement_that_mends_them) {
    struct Case {
        const char* name;
        const char* value;
        Severity severity;
        const char* remedy;
    };
    for (const Case& one :
         {Case{"binlog_format", "MIXED", Severity::error, "SET GLOBAL binlog_format = 'ROW';"},
          Case{"binlog_row_image",
               "NOBLOB",
               Severity::error,
               "SET GLOBAL binlog_row_image = 'FULL';"},
          Case{"binlog_row_metadata",
               "MINIMAL",
               Severity::warning,
               "SET GLOBAL binlog_row_metadata = 'FULL';"},
          Case{"binlog_checksum",
               "NONE",
               Severity::warning,
               "SET GLOBAL binlog_checksum = 'CRC32';"},
          Case{"sync_binlog", "0", Severity::warning, "SET GLOBAL sync_binlog = 1;"},
          Case{"innodb_flush_log_at_trx_commit",
               "2",
               Severity::warning,
               "SET GLOBAL innodb_flush_log_at_trx_commit = 1;"},
          Case{"binlog_expire_logs_seconds",
               "3600",
               Severity::warning,
               "SET GLOBAL binlog_expire_logs_seconds = 604800;"}}) {
        const Finding found = with(ServerKind::mysql, one.name, one.value);
        EXPECT_EQ(found.severity, one.severity) << one.name;
        EXPECT_EQ(found.remedy, one.remedy);
    }
    EXPECT_EQ(with(ServerKind::mysql, "binlog_expire_logs_seconds", "172800").severity,
              Severity::warning);
    EXPECT_EQ(with(ServerKind::mariadb, "max_binlog_total_size", "1073741824").remedy,
              "SET GLOBAL max_binlog_total_size = 0;");
    EXPECT_EQ(with(ServerKind::mysql, "gtid_mode", "OFF").subject, "gtid_mode");
    EXPECT_EQ(with(ServerKind::mysql, "log_bin", "OFF").severity, Severity::error);
    EXPECT_EQ(with(ServerKind::mysql, "log_replica_updates", "OFF").subject, "log_replica_updates");
    EXPECT_EQ(with(ServerKind::mariadb, "log_slave_updates", "0").subject, "log_slave_updates");
    EXPECT_EQ(with(ServerKind::mysql, "server_id", "71001").severity, Severity::error);
}

TEST(ServerChecks, a_log_that_is_never_purged_is_fine_however_short_its_expiry) {
    ServerFacts facts = sound(ServerKind::mysql);
    facts.variables["binlog_expire_logs_seconds"] = "60";
    facts.variables["binlog_expire_logs_auto_purge"] = "OFF";
    EXPECT_TRUE(trouble(facts, options_for(ServerKind::mysql)).empty());
}

// 168 GiB in the week that they are kept are a GiB an hour.
TEST(ServerChecks, expiry_stands_beside_the_hours_that_the_buffer_holds) {
    ServerFacts facts = sound(ServerKind::mariadb);
    facts.files = {{"binlog.000001", 100ULL << 30U}, {"binlog.000002", 68ULL << 30U}};
    facts.uptime_s = 365 * 86400;
    Options options = options_for(ServerKind::mariadb);
    options.buffer_bytes = 8ULL << 30U;
    const auto expiry = [&] {
        for (const Finding& finding : judge(facts, options)) {
            if (finding.subject == "binary log expiry") {
                return finding.what;
            }
        }
        return std::string();
    };
    EXPECT_EQ(expiry(),
              "after 7 days; at most 1024 MiB an hour are written, and buffer.max_bytes takes in 8 "
              "h of that before an uplink outage begins to use this time up");
    facts.uptime_s = 84 * 3600;  // all of it may have been written since
    EXPECT_NE(expiry().find("at most 2048 MiB an hour are written, and buffer.max_bytes takes in 4 "
                            "h"),
              std::string::npos);
    facts.uptime_s = 60;
    EXPECT_EQ(expiry(), "after 7 days") << "too little to tell";
}

TEST(ServerChecks, missing_rights_are_granted_and_those_in_excess_revoked) {
    ServerFacts facts = sound(ServerKind::mariadb);
    facts.rights = {"REPLICATION SLAVE", "SUPER", "GRANT OPTION"};
    facts.rights.erase("SUPER");
    const auto found = trouble(facts, options_for(ServerKind::mariadb));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].remedy, "GRANT BINLOG MONITOR ON *.* TO 'tributary'@'%';");
    EXPECT_EQ(found[1].remedy, "REVOKE GRANT OPTION ON *.* FROM 'tributary'@'%';");
    EXPECT_FALSE(verify_settings(facts, GtidMode::automatic));
}

TEST(ServerChecks, semi_synchronous_replication_says_how_long_what_was_sent_may_not_count_yet) {
    using std::chrono::milliseconds;
    ServerFacts facts = sound(ServerKind::mysql);
    EXPECT_EQ(sent_before_executed(facts), milliseconds(1000));
    facts.variables["rpl_semi_sync_source_timeout"] = "10000";
    facts.variables["rpl_semi_sync_source_enabled"] = "OFF";
    EXPECT_EQ(sent_before_executed(facts), milliseconds(1000));
    facts.variables["rpl_semi_sync_source_enabled"] = "ON";
    EXPECT_EQ(sent_before_executed(facts), milliseconds(11'000));
    facts.variables["rpl_semi_sync_source_timeout"] = "18446744073709551615";
    EXPECT_EQ(sent_before_executed(facts), milliseconds(30'000));
    ServerFacts older = sound(ServerKind::mysql);
    older.variables["rpl_semi_sync_master_enabled"] = "ON";
    older.variables["rpl_semi_sync_master_timeout"] = "500";
    EXPECT_EQ(sent_before_executed(older), milliseconds(1500));
}

TEST(ServerChecks, rights_are_read_from_what_show_grants_prints) {
    EXPECT_EQ(global_rights("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `a`@`%` IDENTIFIED "
                            "BY PASSWORD 'x'"),
              (std::vector<std::string>{"REPLICATION SLAVE", "BINLOG MONITOR"}));
    EXPECT_EQ(global_rights("GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION"),
              (std::vector<std::string>{"ALL PRIVILEGES", "GRANT OPTION"}));
    EXPECT_TRUE(global_rights("GRANT SELECT ON `plant`.* TO `a`@`%`").empty());
    EXPECT_TRUE(global_rights("GRANT PROXY ON ''@'%' TO 'root'@'localhost'").empty());
}

TEST(ServerChecks, a_file_and_offset_is_a_position_on_the_server_that_said_it_only) {
    ServerFacts facts = sound(ServerKind::mysql);
    facts.variables["server_uuid"] = "u-1";
    facts.files = {{"binlog.000003", 120}};
    ResumePoint place{.server = ServerKind::mysql, .next = {"binlog.000003", 120}};
    EXPECT_TRUE(verify_position(facts, place));  // of before positions said so
    name_server(place, server_mark_of(facts));
    EXPECT_FALSE(before_last(place));  // there is no transaction to compare yet
    EXPECT_TRUE(verify_position(facts, place));
    facts.variables["server_uuid"] = "u-2";
    const auto elsewhere = verify_position(facts, place);
    ASSERT_FALSE(elsewhere);
    EXPECT_TRUE(elsewhere.error().is(errors::kSourceDiverged)) << elsewhere.error().message();
    ResumePoint gtids{.server = ServerKind::mysql, .by_gtid = true};
    name_server(gtids, 1);
    EXPECT_FALSE(gtids.last);
    EXPECT_TRUE(verify_position(facts, gtids));
}

TEST(ServerChecks, a_file_that_is_not_there_yet_or_ends_before_the_place_is_no_gap) {
    ServerFacts facts = sound(ServerKind::mysql);
    const ResumePoint place{.server = ServerKind::mysql, .next = {"binlog.000003", 120}};
    const auto refused = [&](std::vector<Place> files) {
        facts.files = std::move(files);
        const auto verified = verify_position(facts, place);
        return verified ? std::string() : std::string(verified.error().kind().name);
    };
    EXPECT_EQ(refused({{"binlog.000003", 120}}), "");
    EXPECT_EQ(refused({{"binlog.000004", 900}}), "source_gap");
    EXPECT_EQ(refused({{"binlog.000001", 900}, {"binlog.000002", 900}}), "source_rewound");
    EXPECT_EQ(refused({{"binlog.000002", 900}, {"binlog.000003", 119}}), "source_rewound");
}

TEST(ServerChecks, tables_that_foreign_keys_change_are_named_where_the_log_does_not_tell) {
    const std::vector<std::string> tables{"shop.child"};
    EXPECT_EQ(judge_cascades(tables, sound(ServerKind::mariadb)).size(), 1U);
    ServerFacts mysql = sound(ServerKind::mysql);
    EXPECT_EQ(judge_cascades(tables, mysql).size(), 1U) << "before 9.6";
    mysql.variables["innodb_native_foreign_keys"] = "ON";
    EXPECT_EQ(judge_cascades(tables, mysql).size(), 1U);
    mysql.variables["innodb_native_foreign_keys"] = "OFF";
    EXPECT_TRUE(judge_cascades(tables, mysql).empty());
    EXPECT_TRUE(judge_cascades({}, sound(ServerKind::mariadb)).empty());
}

TEST(ServerChecks, a_table_is_changed_by_a_foreign_key_whose_rule_says_so) {
    const auto with = [](const std::string& line) {
        return "CREATE TABLE `child` (\n  `id` int(11) NOT NULL,\n" + line +
               "\n) ENGINE=InnoDB COMMENT='ON DELETE CASCADE'";
    };
    const std::string key = "  CONSTRAINT `c` FOREIGN KEY (`p`) REFERENCES `parent` (`id`)";
    for (const char* rule : {" ON DELETE CASCADE",
                             " ON DELETE SET NULL,",
                             " ON UPDATE CASCADE",
                             " ON DELETE NO ACTION ON UPDATE SET NULL"}) {
        EXPECT_TRUE(cascades(with(key + rule))) << rule;
    }
    for (const std::string& line :
         {key,
          key + " ON DELETE NO ACTION",
          std::string("  `v` text COMMENT '` FOREIGN KEY (`p`) ON DELETE CASCADE'"),
          std::string("  KEY `ON DELETE CASCADE` (`id`)")}) {
        EXPECT_FALSE(cascades(with(line))) << line;
    }
    EXPECT_FALSE(cascades(""));
}

TEST(ServerChecks, a_further_connection_must_reach_the_same_server) {
    EXPECT_TRUE(verify_same_server("11111111-2222", "11111111-2222"));
    const auto other = verify_same_server("11111111-2222", "33333333-4444");
    ASSERT_FALSE(other);
    EXPECT_TRUE(other.error().is(errors::kSourceUnreachable)) << other.error().message();
    EXPECT_NE(other.error().what().find("33333333-4444"), std::string::npos);
}

TEST(ServerChecks, a_half_transaction_must_be_there) {
    const std::string uuid = "11111111-1111-1111-1111-111111111111:";
    for (const ServerKind kind : {ServerKind::mysql, ServerKind::mariadb}) {
        const bool mysql = kind == ServerKind::mysql;
        ServerFacts facts = sound(kind);
        const char* const known = mysql ? "gtid_executed" : "gtid_binlog_pos";
        const ResumePoint from{.server = kind, .by_gtid = true};
        const Position half =
            encode_done({.transaction = {.gtid = mysql ? uuid + "7" : "0-1-7"}, .ordinal = 2});
        facts.variables[known] = mysql ? uuid + "1-7" : "0-1-7";
        EXPECT_TRUE(verify_half(facts, from, half));
        facts.variables[known] = mysql ? uuid + "1-6" : "0-1-6";
        EXPECT_FALSE(verify_half(facts, from, half));
        EXPECT_TRUE(verify_half(facts, from, whole(half)));
        EXPECT_TRUE(verify_half(facts, from, {}));
    }
}

TEST(ServerChecks, by_place_something_must_be_where_a_half_transaction_was) {
    ServerFacts facts = sound(ServerKind::mysql);
    const ResumePoint from{.server = ServerKind::mysql, .next = {"binlog.000003", 120}};
    const Position half =
        encode_done({.transaction = {.start = {"binlog.000004", 158}}, .ordinal = 2});
    for (const auto& [end, is_there] : {std::pair{159, true}, {158, false}}) {
        facts.files = {{"binlog.000003", 120}, {"binlog.000004", static_cast<std::uint64_t>(end)}};
        EXPECT_EQ(verify_half(facts, from, half).has_value(), is_there) << end;
        EXPECT_TRUE(verify_half(facts, from, whole(half)));
    }
    facts.files.pop_back();
    EXPECT_FALSE(verify_half(facts, from, half));
}

TEST(SnapshotChecks, say_what_an_account_cannot_read_and_how_that_is_mended) {
    const ServerFacts facts = sound(ServerKind::mysql);
    const auto one = [&](const Selection& selection) {
        const auto found = judge_snapshot(selection, facts, options_for(facts.kind));
        EXPECT_EQ(found.size(), 1U);
        return found.empty() ? Finding{} : found.front();
    };
    const SelectedTable table{.name = {"shop", "t"}};
    EXPECT_TRUE(judge_snapshot({.tables = {table}}, facts, options_for(facts.kind)).empty());

    const Finding blind = one({.blind = true});
    EXPECT_EQ(blind.severity, Severity::error);
    EXPECT_EQ(blind.remedy.find("GRANT SELECT ON *.* TO 'tributary'@'%';"), 0U) << blind.remedy;
    EXPECT_EQ(one({}).severity, Severity::warning) << "a server that is new";

    SelectedTable hidden = table;
    hidden.readable = false;
    const Finding unreadable = one({.tables = {table, hidden}});
    EXPECT_EQ(unreadable.severity, Severity::error);
    EXPECT_EQ(unreadable.remedy, "GRANT SELECT ON `shop`.`t` TO 'tributary'@'%';");

    SelectedTable loose = table;
    loose.keyed = false;
    EXPECT_EQ(one({.tables = {loose}}).severity, Severity::warning);
}

TEST(SnapshotChecks, say_that_a_server_keeps_names_in_lower_case) {
    ServerFacts facts = sound(ServerKind::mariadb);
    facts.variables["lower_case_table_names"] = "1";
    Options options = options_for(facts.kind);
    options.tables.include = {"Shop\\..*"};
    const auto found = judge_tables({}, facts, options);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found.front().subject, "tables.include");
    EXPECT_TRUE(judge_snapshot({}, facts, options).empty()) << "no GRANT mends that";
    options.tables.include = {"shop\\.\\S+"};
    EXPECT_TRUE(judge_tables({}, facts, options).empty());
    options.tables.include = {"[A-Za-z]+\\.t"};
    EXPECT_TRUE(judge_tables({.tables = {{.name = {"shop", "t"}}}}, facts, options).empty());
    facts.variables["lower_case_table_names"] = "0";
    options.tables.include = {"Shop\\..*"};
    EXPECT_TRUE(judge_tables({}, facts, options).empty());
}

TEST(SnapshotChecks, name_columns_of_mariadb_5_3_and_chosen_keys_that_are_nowhere) {
    const ServerFacts facts = sound(ServerKind::mariadb);
    SelectedTable table{.name = {"shop", "t"}};
    CatalogueColumn old;
    old.name = "d";
    old.data_type = "datetime";
    table.old_fractions = {old};
    const auto found =
        judge_tables({.tables = {table}, .key_chosen = false}, facts, options_for(facts.kind));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].severity, Severity::error);
    EXPECT_NE(found[0].remedy.find("ALTER TABLE `shop`.`t` FORCE;"), std::string::npos);
    EXPECT_EQ(found[1].subject, "tables.key_columns");
    const auto refused = snapshot_tables({.tables = {table}}, facts.user);
    ASSERT_FALSE(refused);
    EXPECT_NE(
        refused.error().what().find("table shop.t: column d was made as datetime in the form"),
        std::string::npos)
        << refused.error().what();
}

}  // namespace
}  // namespace tributary::mysql
