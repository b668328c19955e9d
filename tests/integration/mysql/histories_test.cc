// Servers that forget, take over, start anew or change their ways: an exact continuation, or a stop
// that says what happened. MariaDB and MySQL 9 alike.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/integration/mysql/rig.h"
#include "tests/servers/failure.h"

namespace tributary::mysql::testing {
namespace {

using servers::MysqldKind;

constexpr const char* kTables =
    "CREATE TABLE t (id int PRIMARY KEY, v varchar(200), n int NOT NULL DEFAULT 7) ENGINE=InnoDB";

void expect_compared(const Pipeline& pipeline) {
    EXPECT_EQ(pipeline.observer.lines.find("cannot be compared"), std::string::npos)
        << pipeline.observer.lines;
}

class MysqlHistories : public ::testing::TestWithParam<MysqldKind> {
  protected:
    // One server of each kind for the suite; tests that need another one make it.
    static Server& server() {
        static std::map<MysqldKind, std::unique_ptr<Server>> servers;
        auto& one = servers[GetParam()];
        if (!one) {
            one = std::make_unique<Server>(GetParam());
            one->sql(kTables);
        }
        return *one;
    }
    static bool mysql() { return GetParam() == MysqldKind::mysql; }
    static servers::SqlRows sql(const std::string& text) { return server().sql(text); }
    void SetUp() override { sql("DELETE FROM t"); }

    static std::string insert(int id) {
        return "INSERT INTO t VALUES (" + std::to_string(id) + ", 'x', 1)";
    }
    static std::string created(int id) { return "create t id=" + std::to_string(id) + " v=x n=1"; }
    static std::string reset() { return mysql() ? "RESET BINARY LOGS AND GTIDS" : "RESET MASTER"; }
    // Opens, and polls until an error comes.
    static Result<void> run_to_the_error(Pipeline& pipeline) {
        auto result = pipeline.reopen();
        if (result) {
            result = pipeline.poll_until([] { return false; });
        }
        return result;
    }
    static void expect_stop(Pipeline& pipeline, const ErrorKind& kind) {
        const auto result = run_to_the_error(pipeline);
        ASSERT_FALSE(result);
        EXPECT_TRUE(result.error().is(kind)) << result.error().message();
    }
    // A copy of the data as they are now, and back again: what a restored machine has.
    static void copy_data(const std::filesystem::path& to) {
        server().mysqld->stop();
        copy(server().mysqld->data_directory(), to);
        server().mysqld->start();
    }
    static void put_back(const std::filesystem::path& from) {
        server().mysqld->kill9();
        std::filesystem::remove_all(server().mysqld->data_directory());
        copy(from, server().mysqld->data_directory());
        server().mysqld->start();
    }

  private:
    static void copy(const std::filesystem::path& from, const std::filesystem::path& to) {
        std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
        servers::give_to_service_user(to);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(to)) {
            servers::give_to_service_user(entry.path());
        }
    }
};

TEST_P(MysqlHistories, a_server_put_back_that_gave_the_gtids_away_is_another_history) {
    Pipeline pipeline(server().options());
    ASSERT_TRUE(pipeline.open());
    sql(insert(1));
    ASSERT_TRUE(pipeline.poll_until_count(2));
    const auto copy = server().directory.path() / "copy";
    copy_data(copy);
    sql(insert(2));
    ASSERT_TRUE(pipeline.reopen());
    ASSERT_TRUE(pipeline.poll_until_count(4));
    expect_compared(pipeline);
    pipeline.restart();
    put_back(copy);
    std::filesystem::remove_all(copy);
    // Behind what was taken in, then at it, then past it.
    ASSERT_NO_FATAL_FAILURE(expect_stop(pipeline, errors::kSourceRewound));
    pipeline.restart();
    sql(insert(3));
    ASSERT_NO_FATAL_FAILURE(expect_stop(pipeline, errors::kSourceDiverged));
    pipeline.restart();
    sql(insert(4));
    ASSERT_NO_FATAL_FAILURE(expect_stop(pipeline, errors::kSourceDiverged));
    EXPECT_EQ(pipeline.texts(), (Texts{created(1), "end 1", created(2), "end 1"}));
}

TEST_P(MysqlHistories, a_half_taken_transaction_whose_gtid_was_given_away_is_another_history) {
    Pipeline pipeline(server().options(), 1);
    ASSERT_TRUE(pipeline.open());
    sql(insert(1));
    ASSERT_TRUE(pipeline.poll_until_count(2));
    const auto copy = server().directory.path() / "copy";
    copy_data(copy);
    const auto many = [](int from, const std::string& text) {
        std::string statements = "BEGIN;";
        for (int id = from; id < from + 2000; ++id) {
            statements += "INSERT INTO t VALUES (" + std::to_string(id) + ", REPEAT('" + text +
                          "', 180), 1);";
        }
        return statements + "COMMIT";
    };
    sql(many(10, "y"));
    ASSERT_TRUE(pipeline.reopen());
    ASSERT_TRUE(pipeline.poll_until_count(300));
    ASSERT_LT(pipeline.events().size(), 2000U);
    pipeline.restart();
    put_back(copy);
    std::filesystem::remove_all(copy);
    // The clock of MariaDB's log has seconds.
    const auto second = [] { return *sql("SELECT UNIX_TIMESTAMP()").rows[0][0]; };
    const std::string before = second();
    ASSERT_TRUE(servers::poll_until(std::chrono::seconds(20), [&] { return second() != before; }));
    sql(many(5000, "z"));
    expect_stop(pipeline, errors::kSourceDiverged);
}

TEST_P(MysqlHistories, a_reset_binary_log_that_grew_past_the_old_one_is_another_history) {
    sql(reset());
    Pipeline fresh(server().options());
    ASSERT_TRUE(fresh.open());
    sql(insert(1));
    ASSERT_TRUE(fresh.poll_until_count(2));
    fresh.restart();
    sql(reset());
    sql("DELETE FROM t");
    for (int id = 1; id < 6; ++id) {
        sql(insert(id));
    }
    expect_stop(fresh, errors::kSourceDiverged);
}

// The server goes on sending heartbeats of the log that is gone.
TEST_P(MysqlHistories, a_binary_log_that_is_reset_under_the_stream_is_a_named_stop) {
    for (const auto mode : {GtidMode::on, GtidMode::off}) {
        Options options = server().options();
        options.gtid = mode;
        Pipeline pipeline(options);
        ASSERT_TRUE(pipeline.open());
        sql(insert(1) + ";" + insert(2) + "; DELETE FROM t");
        ASSERT_TRUE(pipeline.poll_until_count(7));
        sql(reset());
        const auto polled = pipeline.poll_until([] { return false; });
        ASSERT_FALSE(polled);
        EXPECT_TRUE(polled.error().is(errors::kSourceUnreachable)) << polled.error().message();
        pipeline.restart();
        expect_stop(pipeline, errors::kSourceRewound);
    }
}

TEST_P(MysqlHistories, goes_on_exactly_where_only_what_was_taken_in_is_purged) {
    Pipeline pipeline(server().options());
    ASSERT_TRUE(pipeline.open());
    sql(insert(1) + ";" + insert(2));
    ASSERT_TRUE(pipeline.poll_until_count(4));
    pipeline.restart();
    // A log that is being sent is kept.
    const std::string dumps =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'";
    sql("FLUSH BINARY LOGS");
    sql("FLUSH BINARY LOGS");
    const std::string newest = *sql("SHOW BINARY LOGS").rows.back()[0];
    ASSERT_TRUE(servers::poll_until(std::chrono::seconds(20), [&] {
        for (const auto& row : sql("SELECT id FROM information_schema.processlist WHERE command "
                                   "LIKE 'Binlog Dump%'")
                                   .rows) {
            try {
                sql("KILL " + *row[0]);
            } catch (const servers::ServerFailure&) {
                continue;  // it ended meanwhile
            }
        }
        sql("PURGE BINARY LOGS TO '" + newest + "'");
        return sql("SHOW BINARY LOGS").rows.size() == 1 && *sql(dumps).rows[0][0] == "0";
    }));
    ASSERT_TRUE(pipeline.open());
    sql(insert(3));
    const auto polled = pipeline.poll_until_count(6);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(),
              (Texts{created(1), "end 1", created(2), "end 1", created(3), "end 1"}));
    EXPECT_NE(pipeline.observer.lines.find("cannot be compared"), std::string::npos)
        << pipeline.observer.lines;
}

TEST_P(MysqlHistories, by_file_and_offset_goes_on_exactly_and_a_reset_log_is_a_named_stop) {
    Options options = server().options();
    options.gtid = GtidMode::off;
    Pipeline pipeline(options);
    ASSERT_TRUE(pipeline.open());
    EXPECT_NE(pipeline.source->identity().find(" file "), std::string::npos);
    Texts expected;
    for (int id = 1; id <= 12; ++id) {
        sql(insert(id));
        if (id % 4 == 2) {
            sql("FLUSH BINARY LOGS");
        }
        expected.push_back(created(id));
        expected.emplace_back("end 1");
        if (id % 3 == 0) {
            ASSERT_TRUE(pipeline.poll_until_count(expected.size() - (id % 2 == 0 ? 0 : 2)));
            pipeline.restart();
            const auto opened = pipeline.reopen();
            ASSERT_TRUE(opened) << opened.error().message();
        }
    }
    ASSERT_TRUE(pipeline.poll_until_count(expected.size()));
    EXPECT_EQ(pipeline.texts(), expected);
    expect_compared(pipeline);
    pipeline.restart();
    sql(reset());
    sql("FLUSH BINARY LOGS; FLUSH BINARY LOGS; FLUSH BINARY LOGS");
    for (int id = 100; id < 120; ++id) {
        sql(insert(id));
    }
    const auto result = run_to_the_error(pipeline);
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().is(errors::kSourceDiverged) ||
                result.error().is(errors::kSourceRewound) || result.error().is(errors::kSourceGap))
        << result.error().message();
    EXPECT_EQ(pipeline.texts(), expected);
}

TEST_P(MysqlHistories, changes_logged_as_statements_stop_by_name_for_a_selected_table_only) {
    Options options = server().options();
    options.tables.include = {"plant\\.t"};
    Pipeline pipeline(options);
    ASSERT_TRUE(pipeline.open());
    sql("CREATE TABLE IF NOT EXISTS other (id int PRIMARY KEY) ENGINE=InnoDB");
    auto session = server().mysqld->connect("plant");
    session.sql("SET SESSION binlog_format = 'STATEMENT'");
    session.sql("REPLACE INTO other VALUES (1)");
    sql(insert(1));
    ASSERT_TRUE(pipeline.poll_until_count(2));
    EXPECT_EQ(pipeline.texts(), (Texts{created(1), "end 1"}));
    session.sql(insert(2));
    const auto polled = pipeline.poll_until_count(3);
    ASSERT_FALSE(polled);
    EXPECT_TRUE(polled.error().is(errors::kBinlogStatement)) << polled.error().message();
}

TEST_P(MysqlHistories, an_image_that_leaves_columns_out_says_so_and_invents_nothing) {
    Pipeline pipeline(server().options());
    ASSERT_TRUE(pipeline.open());
    auto session = server().mysqld->connect("plant");
    session.sql("SET SESSION binlog_row_image = 'MINIMAL'");
    session.sql(insert(1));
    session.sql("UPDATE t SET v = 'y' WHERE id = 1");
    session.sql("DELETE FROM t WHERE id = 1");
    const auto polled = pipeline.poll_until_count(6);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(),
              (Texts{created(1),
                     "end 1",
                     "update t id=1 v=y n=(not sent)",
                     "end 1",
                     "delete t id=1 v=(not sent) n=(not sent)",
                     "end 1"}));
}

// A replica of server() that has everything that it has now.
class Replica {
  public:
    explicit Replica(Server& primary) : primary_(primary) {
        mysqld_ = std::make_unique<servers::Mysqld>(
            servers::MysqldOptions{.directory = directory_.path() / "my",
                                   .kind = primary.mysqld->kind(),
                                   .server_id = 1012,
                                   .settings = {{"loose-log-slave-updates", "ON"}}});
        const std::string at = "_HOST = '127.0.0.1', " + std::string(prefix()) +
                               "_PORT = " + std::to_string(primary.mysqld->port()) + ", " +
                               prefix() + "_USER = 'tributary', " + prefix() +
                               "_PASSWORD = 'secret-of-the-test', ";
        if (mysql()) {
            mysqld_->sql("CHANGE REPLICATION SOURCE TO SOURCE" + at +
                         "SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1");
        } else {
            mysqld_->sql("CHANGE MASTER TO MASTER" + at +
                         "MASTER_USE_GTID = slave_pos, MASTER_SSL = 0");
        }
    }

    void follow() {
        mysqld_->sql(mysql() ? "START REPLICA" : "START SLAVE");
        const std::string reached =
            *primary_
                 .sql(mysql() ? "SELECT @@GLOBAL.gtid_executed" : "SELECT @@GLOBAL.gtid_binlog_pos")
                 .rows[0][0];
        const std::string wait = mysql() ? "WAIT_FOR_EXECUTED_GTID_SET" : "MASTER_GTID_WAIT";
        const auto waited = mysqld_->sql("SELECT " + wait + "('" + reached + "', 60)");
        ASSERT_EQ(*waited.rows[0][0], "0") << servers::tail_of_file(mysqld_->log_file());
    }
    void leave() { mysqld_->sql(mysql() ? "STOP REPLICA" : "STOP SLAVE"); }
    servers::SqlRows sql(const std::string& text) { return mysqld_->sql(text, "plant"); }
    [[nodiscard]] std::uint16_t port() const { return mysqld_->port(); }

  private:
    [[nodiscard]] bool mysql() const { return primary_.mysqld->mysql(); }
    [[nodiscard]] const char* prefix() const { return mysql() ? "SOURCE" : "MASTER"; }

    Server& primary_;
    servers::TemporaryDirectory directory_{"tributary-myreplica"};
    std::unique_ptr<servers::Mysqld> mysqld_;
};

// Half of a transaction from the one, the rest from the other.
void expect_to_go_on_inside_a_transaction(Server& primary, Replica& replica) {
    Pipeline pipeline(primary.options(), 1);
    ASSERT_TRUE(pipeline.open());
    std::string statements = "BEGIN;";
    Texts expected;
    for (int id = 100; id < 1000; ++id) {
        statements += "INSERT INTO t VALUES (" + std::to_string(id) + ", REPEAT('y', 180), 1);";
        expected.push_back("create t id=" + std::to_string(id) + " v=" + std::string(40, 'y') +
                           " n=1");
    }
    primary.sql(statements + "COMMIT");
    expected.emplace_back("end 900");
    replica.follow();
    for (std::size_t seen = 0; seen < expected.size(); seen = pipeline.events().size()) {
        ASSERT_TRUE(pipeline.poll_until_count(seen + 1));
        EXPECT_TRUE(seen > 0 || pipeline.events().size() < expected.size()) << "no half";
        pipeline.options.connection.port = replica.port();
        pipeline.restart();
        const auto opened = pipeline.reopen();
        ASSERT_TRUE(opened) << opened.error().message();
    }
    EXPECT_TRUE(pipeline.texts() == expected);
    expect_compared(pipeline);
}

// A primary of its own: a replica needs its binary log from the beginning.
TEST_P(MysqlHistories,
       a_replica_that_has_our_transactions_takes_over_exactly_and_another_is_refused) {
    Server primary(GetParam());
    primary.sql(kTables);
    Replica replica(primary);
    replica.follow();
    ASSERT_NO_FATAL_FAILURE(expect_to_go_on_inside_a_transaction(primary, replica));
    Pipeline pipeline(primary.options());
    ASSERT_TRUE(pipeline.open());
    primary.sql(insert(1) + ";" + insert(2));
    ASSERT_TRUE(pipeline.poll_until_count(4));
    replica.follow();
    pipeline.restart();
    pipeline.options.connection.port = replica.port();
    pipeline.restart();
    const auto opened = pipeline.reopen();
    ASSERT_TRUE(opened) << opened.error().message();
    primary.sql(insert(3));
    auto polled = pipeline.poll_until_count(6);
    ASSERT_TRUE(polled) << polled.error().message();
    expect_compared(pipeline);
    // Back, while the replica stands still.
    replica.leave();
    pipeline.options.connection.port = primary.mysqld->port();
    pipeline.restart();
    ASSERT_TRUE(pipeline.reopen());
    primary.sql(insert(4) + ";" + insert(5));
    polled = pipeline.poll_until_count(10);
    ASSERT_TRUE(polled) << polled.error().message();
    Texts expected;
    for (int id = 1; id <= 5; ++id) {
        expected.push_back(created(id));
        expected.emplace_back("end 1");
    }
    EXPECT_EQ(pipeline.texts(), expected);
    pipeline.options.connection.port = replica.port();
    pipeline.restart();
    ASSERT_NO_FATAL_FAILURE(expect_stop(pipeline, errors::kSourceRewound));
    // Promoted without them.
    replica.sql(insert(14) + ";" + insert(15) + ";" + insert(16));
    pipeline.restart();
    expect_stop(pipeline, errors::kSourceDiverged);
    EXPECT_EQ(pipeline.texts(), expected);
}

// MySQL sends a transaction before it is in gtid_executed; with semi-synchronous replication that
// lasts until a replica has confirmed it, or that has timed out.
TEST(MysqlSemiSync, what_the_server_has_sent_and_does_not_count_yet_is_waited_for) {
    Server server(MysqldKind::mysql);
    server.mysqld->stop();
    server.mysqld->set("plugin-dir", server.mysqld->plugin_directory().string());
    server.mysqld->set("plugin-load-add", "semisync_source.so");
    server.mysqld->start();
    server.sql(kTables);
    Pipeline pipeline(server.options());
    ASSERT_TRUE(pipeline.open());
    server.sql("SET GLOBAL rpl_semi_sync_source_timeout = 4000");
    server.sql("SET GLOBAL rpl_semi_sync_source_enabled = ON");
    const std::string before = *server.sql("SELECT @@GLOBAL.gtid_executed").rows[0][0];
    std::thread writer([&] { server.sql("INSERT INTO t VALUES (1, 'x', 1)"); });
    EXPECT_TRUE(pipeline.poll_until_count(2));
    const bool counted = *server.sql("SELECT @@GLOBAL.gtid_executed").rows[0][0] != before;
    pipeline.restart();
    const auto opened = pipeline.open();
    writer.join();
    EXPECT_FALSE(counted);
    ASSERT_TRUE(opened) << opened.error().message();
    server.sql("INSERT INTO t VALUES (2, 'x', 1)");
    EXPECT_TRUE(pipeline.poll_until_count(4));
    const Texts texts = pipeline.texts();
    ASSERT_EQ(texts.size(), 4U);
    EXPECT_EQ(texts[0], "create t id=1 v=x n=1");
    EXPECT_EQ(texts[2], "create t id=2 v=x n=1");
}

INSTANTIATE_TEST_SUITE_P(EachKind,
                         MysqlHistories,
                         ::testing::Values(MysqldKind::mariadb, MysqldKind::mysql),
                         [](const auto& parameter) {
                             return parameter.param == MysqldKind::mysql ? "mysql" : "mariadb";
                         });

// As `check` advises: the server then sends no transaction without a name, the last one neither.
TEST(MysqlGtidMode, is_switched_on_beside_a_pipeline_that_has_caught_up) {
    Server own(MysqldKind::mysql, {{"gtid_mode", "OFF"}, {"enforce_gtid_consistency", "OFF"}});
    own.sql(kTables);
    Pipeline pipeline(own.options());
    ASSERT_TRUE(pipeline.open());
    own.sql("INSERT INTO t VALUES (1, 'x', 1)");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    own.sql(
        "SET GLOBAL enforce_gtid_consistency = ON; SET GLOBAL gtid_mode = OFF_PERMISSIVE; "
        "SET GLOBAL gtid_mode = ON_PERMISSIVE; SET GLOBAL gtid_mode = ON");
    ASSERT_TRUE(pipeline.reopen());
    own.sql("INSERT INTO t VALUES (2, 'x', 1)");
    const auto polled = pipeline.poll_until_count(4);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_NE(pipeline.observer.lines.find("cannot be compared"), std::string::npos);
}

// With gtid_mode=OFF transactions have no names; positions are places by themselves.
TEST(MysqlWithoutGtids, goes_on_exactly_between_and_inside_transactions) {
    Server server(MysqldKind::mysql, {{"gtid-mode", "OFF"}, {"enforce-gtid-consistency", "OFF"}});
    server.sql(kTables);
    Pipeline pipeline(server.options(), 1);
    ASSERT_TRUE(pipeline.open());
    EXPECT_NE(pipeline.source->identity().find("mysql file "), std::string::npos);
    Texts expected;
    for (int round = 0; round < 3; ++round) {
        std::string statements = "BEGIN;";
        for (int id = round * 1000; id < round * 1000 + 900; ++id) {
            statements += "INSERT INTO t VALUES (" + std::to_string(id) + ", REPEAT('y', 180), 1);";
            expected.push_back("create t id=" + std::to_string(id) + " v=" + std::string(40, 'y') +
                               " n=1");
        }
        server.sql(statements + "COMMIT; FLUSH BINARY LOGS");
        expected.emplace_back("end 900");
    }
    int restarts = 0;
    std::size_t seen = 0;
    while (seen < expected.size()) {
        ASSERT_TRUE(pipeline.poll_until_count(seen + 1));
        seen = pipeline.events().size();
        pipeline.restart();
        ++restarts;
        const auto opened = pipeline.reopen();
        ASSERT_TRUE(opened) << opened.error().message();
    }
    EXPECT_GE(restarts, 3);
    EXPECT_EQ(pipeline.texts(), expected);
    EXPECT_EQ(pipeline.observer.lines.find("cannot be compared"), std::string::npos);
    Options asked = server.options();
    asked.gtid = GtidMode::on;
    Pipeline refused(asked);
    const auto opened = refused.open();
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().is(errors::kSourceSettings)) << opened.error().message();
}

TEST(MariadbDomains, of_several_domains_each_goes_on_behind_its_own_last) {
    Server server(MysqldKind::mariadb);
    server.sql(kTables);
    Pipeline pipeline(server.options());
    ASSERT_TRUE(pipeline.open());
    Texts expected;
    std::map<int, servers::MysqlConnection> sessions;
    for (const int domain : {0, 7, 4'000'000}) {
        auto& session = sessions.emplace(domain, server.mysqld->connect("plant")).first->second;
        session.sql("SET SESSION gtid_domain_id = " + std::to_string(domain));
    }
    for (int id = 1; id <= 24; ++id) {
        const int domain = id % 3 == 0 ? 0 : id % 3 == 1 ? 7 : 4'000'000;
        sessions.at(domain).sql("INSERT INTO t VALUES (" + std::to_string(id) + ", 'x', 1)");
        expected.push_back("create t id=" + std::to_string(id) + " v=x n=1");
        expected.emplace_back("end 1");
        if (id % 2 == 0) {
            const auto polled = pipeline.poll_until_count(expected.size() - (id % 4 == 0 ? 4 : 0));
            ASSERT_TRUE(polled) << polled.error().message();
            pipeline.restart();
            const auto opened = pipeline.reopen();
            ASSERT_TRUE(opened) << opened.error().message();
        }
    }
    const auto polled = pipeline.poll_until_count(expected.size());
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(), expected);
    EXPECT_EQ(pipeline.observer.lines.find("cannot be compared"), std::string::npos)
        << pipeline.observer.lines;
}

}  // namespace
}  // namespace tributary::mysql::testing
