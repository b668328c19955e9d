// What a server, an account or a history that does not serve is called, with the SQL that mends it.
#include <gtest/gtest.h>

#include <algorithm>

#include "connectors/mysql/server/sql.h"
#include "tests/integration/mysql/rig.h"
#include "tests/servers/failure.h"

namespace tributary::mysql::testing {
namespace {

using servers::MysqldKind;

class MysqlRefusals : public ::testing::TestWithParam<MysqldKind> {
  protected:
    static Server& server() {
        static std::map<MysqldKind, std::unique_ptr<Server>> servers;
        auto& one = servers[GetParam()];
        if (!one) {
            one = std::make_unique<Server>(GetParam());
            one->sql("CREATE TABLE t (id int PRIMARY KEY, v varchar(200)) ENGINE=InnoDB");
        }
        return *one;
    }
    static servers::SqlRows sql(const std::string& text) { return server().sql(text); }
    void SetUp() override { sql("DELETE FROM t"); }

    static void expect_refused(const Options& options,
                               const ErrorKind& kind,
                               const std::string& words) {
        Pipeline pipeline(options);
        const auto opened = pipeline.open();
        ASSERT_FALSE(opened);
        EXPECT_TRUE(opened.error().is(kind)) << opened.error().message();
        EXPECT_NE(opened.error().what().find(words), std::string::npos) << opened.error().message();
    }
    static void end_dumps() {
        const std::string dumps =
            "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
        ASSERT_TRUE(servers::poll_until(std::chrono::seconds(20), [&] {
            for (const auto& row : sql(dumps).rows) {
                try {
                    sql("KILL " + *row[0]);
                } catch (const servers::ServerFailure&) {
                    continue;  // it ended meanwhile
                }
            }
            return sql(dumps).rows.empty();
        }));
    }
    // The findings of `check`, but those that are fine.
    static std::vector<Finding> trouble(const Options& options) {
        std::vector<Finding> out = check(options).findings;
        std::erase_if(out, [](const Finding& one) { return one.severity == Severity::ok; });
        return out;
    }
    static bool has(const std::vector<Finding>& findings,
                    const std::string& subject,
                    const std::string& remedy) {
        return std::any_of(findings.begin(), findings.end(), [&](const Finding& one) {
            return one.subject == subject && one.remedy.find(remedy) != std::string::npos;
        });
    }
    static std::string position_right() {
        return GetParam() == MysqldKind::mysql ? "REPLICATION CLIENT" : "BINLOG MONITOR";
    }
};

TEST_P(MysqlRefusals, a_wrong_password) {
    Options options = server().options();
    options.connection.password = config::Secret("another");
    expect_refused(options, errors::kSourceAuth, "1045");
}

TEST_P(MysqlRefusals, a_missing_right_with_the_grant_that_gives_it) {
    server().mysqld->create_user("half", "secret-of-the-test", "REPLICATION SLAVE");
    Options options = server().options();
    options.connection.user = "half";
    expect_refused(
        options, errors::kSourceRights, "GRANT " + position_right() + " ON *.* TO 'half'@'%'");
    sql("DROP USER half");
}

// catalogue: F61
TEST_P(MysqlRefusals, a_row_image_that_is_not_full_with_the_statement_that_mends_it) {
    sql("SET GLOBAL binlog_row_image = 'MINIMAL'");
    expect_refused(
        server().options(), errors::kSourceSettings, "SET GLOBAL binlog_row_image = 'FULL';");
    sql("SET GLOBAL binlog_row_image = 'FULL'");
    Pipeline pipeline(server().options());
    EXPECT_TRUE(pipeline.open());
}

// catalogue: F58
TEST_P(MysqlRefusals, a_position_whose_binlog_was_purged) {
    Pipeline pipeline(server().options());
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO t VALUES (1, 'x')");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    pipeline.restart();
    end_dumps();  // a file that is being sent is not purged
    sql("INSERT INTO t VALUES (2, 'x'); FLUSH BINARY LOGS; INSERT INTO t VALUES (3, 'x'); "
        "FLUSH BINARY LOGS");
    const std::string newest = *sql("SHOW BINARY LOGS").rows.back()[0];
    // MariaDB keeps a file until the engine has a checkpoint behind it, which takes a moment.
    ASSERT_TRUE(servers::poll_until(std::chrono::seconds(20), [&] {
        sql("PURGE BINARY LOGS TO '" + newest + "'");
        return sql("SHOW BINARY LOGS").rows.size() == 1;
    }));
    auto result = pipeline.open();
    if (result) {
        result = pipeline.poll_until([] { return false; });
    }
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().is(errors::kSourceGap)) << result.error().message();
}

// catalogue: F57
TEST_P(MysqlRefusals, a_server_that_forgot_what_was_taken_in) {
    Pipeline pipeline(server().options());
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO t VALUES (1, 'x'); INSERT INTO t VALUES (2, 'x')");
    ASSERT_TRUE(pipeline.poll_until_count(4));
    pipeline.restart();
    sql(GetParam() == MysqldKind::mysql ? "RESET BINARY LOGS AND GTIDS" : "RESET MASTER");
    const auto opened = pipeline.open();
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(errors::kSourceRewound)) << opened.error().message();
}

// catalogue: F59
TEST_P(MysqlRefusals, a_second_reader_with_the_same_server_id_is_named) {
    Options options = server().options();
    Pipeline first(options);
    ASSERT_TRUE(first.open());
    Pipeline second(options);
    ASSERT_TRUE(second.open());
    const auto polled = first.poll_until([] { return false; });
    ASSERT_FALSE(polled);
    EXPECT_TRUE(polled.error().is(errors::kServerIdInUse) ||
                polled.error().is(errors::kSourceUnreachable))
        << polled.error().message();
    EXPECT_TRUE(polled.error().transient());
}

TEST_P(MysqlRefusals, two_readers_that_take_the_stream_from_each_other_do_not_do_so_for_ever) {
    Options options = server().options();
    Pipeline first(options);
    Pipeline second(options);
    ASSERT_TRUE(first.open());
    std::optional<Error> end;
    for (int round = 0; round < 10 && !end; ++round) {
        Pipeline& loser = round % 2 == 0 ? first : second;
        ASSERT_TRUE((round % 2 == 0 ? second : first).reopen());
        const auto polled = loser.poll_until([] { return false; });
        ASSERT_FALSE(polled);
        if (!polled.error().transient()) {
            end = polled.error();
        }
    }
    ASSERT_TRUE(end) << "they never end";
    EXPECT_TRUE(end->is(errors::kServerIdContested)) << end->message();
}

TEST_P(MysqlRefusals, positions_are_resolved_from_now_gtids_and_places_and_refused_otherwise) {
    const Options options = server().options();
    const auto now = resolve_position(options, "now");
    ASSERT_TRUE(now) << now.error().message();
    EXPECT_FALSE(now.value().empty());
    const servers::SqlRows files = sql("SHOW BINARY LOGS");
    EXPECT_TRUE(resolve_position(options, *files.rows.back()[0] + ":4"));
    const auto missing = resolve_position(options, "binlog.999999:4");
    ASSERT_FALSE(missing);
    EXPECT_TRUE(missing.error().is(errors::kSourceRewound)) << missing.error().message();
    const auto beyond = resolve_position(options, *files.rows.back()[0] + ":999999999");
    ASSERT_FALSE(beyond);
    EXPECT_TRUE(beyond.error().is(errors::kSourceRewound)) << beyond.error().message();
    const auto unwritten = resolve_position(
        options,
        GetParam() == MysqldKind::mysql ? sql("SELECT @@server_uuid").value() + ":1-999999999"
                                        : "0-" + sql("SELECT @@server_id").value() + "-999999999");
    ASSERT_FALSE(unwritten);
    EXPECT_TRUE(unwritten.error().is(errors::kSourceRewound)) << unwritten.error().message();
    const auto nonsense = resolve_position(options, "yesterday");
    ASSERT_FALSE(nonsense);
    EXPECT_TRUE(nonsense.error().is(errors::kConfigInvalid));
}

TEST_P(MysqlRefusals, a_server_without_tls_or_with_a_certificate_of_nobody_is_refused_by_default) {
    Options options = server().options();
    options.connection.sslmode = Tls::verify_full;
    expect_refused(options, errors::kSourceTls, "");
}

TEST_P(MysqlRefusals, a_query_may_take_longer_than_the_attempt_to_connect) {
    Options options = server().options();
    options.connection.connect_timeout_s = 2;
    auto session = SqlSession::open(options.connection);
    ASSERT_TRUE(session);
    const auto slept = session.value().query("SELECT SLEEP(3)");
    EXPECT_TRUE(slept) << slept.error().message();
}

TEST_P(MysqlRefusals, a_right_on_columns_alone_with_the_grant_that_is_needed) {
    server().mysqld->create_user(
        "narrow", "secret-of-the-test", "REPLICATION SLAVE, " + position_right());
    sql("GRANT SELECT (id) ON plant.t TO narrow");
    Options options = server().options();
    options.connection.user = "narrow";
    options.snapshot = SnapshotMode::initial;
    EXPECT_TRUE(
        has(trouble(options), "table plant.t", "GRANT SELECT ON `plant`.`t` TO 'narrow'@'%';"));
    sql("DROP USER narrow");
}

// A server that looks through its indexes once for each table needs half a minute for these.
TEST_P(MysqlRefusals, more_than_a_thousand_tables_are_looked_at_at_once) {
    if (GetParam() == MysqldKind::mysql) {
        GTEST_SKIP() << "no trouble of its";
    }
    std::string create = "CREATE DATABASE many; USE many; SET sql_log_bin = 0;";
    for (int table = 0; table < 1200; ++table) {
        create += "CREATE TABLE t" + std::to_string(table) +
                  " (id int PRIMARY KEY, a int, KEY (a)) ENGINE=MyISAM;";
    }
    sql(create + "CREATE TABLE T1 (id int) ENGINE=MyISAM");
    Options options = server().options();
    options.tables.include = {"many\\..*"};
    options.snapshot = SnapshotMode::initial;
    const SourceCheck found = check(options);
    EXPECT_EQ(found.tables.size(), 1201U);
    const bool one_without_key = has(trouble(options), "table many.T1", "ADD PRIMARY KEY");
    EXPECT_TRUE(one_without_key);
    EXPECT_FALSE(has(trouble(options), "table many.t1", "ADD PRIMARY KEY"));
    sql("SET sql_log_bin = 0; DROP DATABASE many");
}

TEST_P(MysqlRefusals, fractions_in_the_form_of_mariadb_5_3_with_the_statement_that_mends_them) {
    if (GetParam() == MysqldKind::mysql) {
        GTEST_SKIP() << "MariaDB's own";
    }
    sql("SET GLOBAL mysql56_temporal_format = OFF");
    sql("CREATE TABLE old (id int PRIMARY KEY, d datetime(6), e datetime)");
    sql("SET GLOBAL mysql56_temporal_format = ON");
    Options options = server().options();
    EXPECT_TRUE(has(trouble(options), "table plant.old", "ALTER TABLE `plant`.`old` FORCE;"));
    {
        Pipeline pipeline(options);
        ASSERT_TRUE(pipeline.open());
        sql("INSERT INTO old VALUES (1, '2020-01-01 01:02:03.456789', NULL)");
        const auto polled = pipeline.poll_until([] { return false; });
        ASSERT_FALSE(polled);
        EXPECT_TRUE(polled.error().is(errors::kSourceSettings)) << polled.error().message();
    }
    options.snapshot = SnapshotMode::initial;
    expect_refused(options, errors::kSourceSettings, "ALTER TABLE plant.old FORCE");
    sql("DROP TABLE old");
}

TEST_P(MysqlRefusals, chosen_keys_that_are_nowhere) {
    Options options = server().options();
    options.tables.key_columns = {"plant\\.tt\\.id"};
    EXPECT_TRUE(has(trouble(options), "tables.key_columns", "correct it"));
    options.tables.key_columns = {"plant\\.t\\.v"};
    EXPECT_FALSE(has(trouble(options), "tables.key_columns", ""));
}

// A temporary table does not roll back: a session that logs it has what it did logged, and a
// ROLLBACK.
class MysqlUndone : public ::testing::TestWithParam<GtidMode> {};

TEST_P(MysqlUndone, names_the_end_of_the_transaction_from_which_reset_goes_on) {
    Server server(MysqldKind::mariadb);
    server.sql("CREATE TABLE t (id int PRIMARY KEY, v int) ENGINE=InnoDB");
    Options options = server.options();
    options.gtid = GetParam();
    Pipeline pipeline(options);
    ASSERT_TRUE(pipeline.open());
    server.sql(
        "SET SESSION binlog_format = MIXED; BEGIN; INSERT INTO t VALUES (1, LENGTH(UUID()));"
        "CREATE TEMPORARY TABLE brief (id int) ENGINE=InnoDB; ROLLBACK");
    server.sql("INSERT INTO t VALUES (2, 5)");
    const auto polled = pipeline.poll_until([] { return false; });
    ASSERT_FALSE(polled);
    ASSERT_TRUE(polled.error().is(errors::kBinlogUndone)) << polled.error().message();
    const std::string marker = "; it ends at ";
    const std::string& what = polled.error().what();
    ASSERT_NE(what.find(marker), std::string::npos) << what;
    const auto behind = resolve_position(options, what.substr(what.find(marker) + marker.size()));
    ASSERT_TRUE(behind) << behind.error().message();
    Pipeline again(options);
    const auto opened = again.source->open({behind.value(), {}}, again.side);
    ASSERT_TRUE(opened) << opened.error().message();
    ASSERT_TRUE(again.poll_until_count(2));
    EXPECT_EQ(again.texts(), (Texts{"create t id=2 v=5", "end 1"}));
}

INSTANTIATE_TEST_SUITE_P(EachPosition,
                         MysqlUndone,
                         ::testing::Values(GtidMode::on, GtidMode::off),
                         [](const auto& parameter) {
                             return parameter.param == GtidMode::on ? "gtids" : "files";
                         });

INSTANTIATE_TEST_SUITE_P(EachKind,
                         MysqlRefusals,
                         ::testing::Values(MysqldKind::mariadb, MysqldKind::mysql),
                         [](const auto& parameter) {
                             return parameter.param == MysqldKind::mysql ? "mysql" : "mariadb";
                         });

}  // namespace
}  // namespace tributary::mysql::testing
