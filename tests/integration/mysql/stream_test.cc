// What a real server's binlog says arrives once, in order, and goes on exactly after a crash:
// MariaDB 10.11 and MySQL 9 alike.
#include <gtest/gtest.h>

#include "tests/integration/mysql/rig.h"

namespace tributary::mysql::testing {
namespace {

using servers::MysqldKind;

class MysqlStream : public ::testing::TestWithParam<MysqldKind> {
  protected:
    // One server of each kind for the whole suite.
    static Server& server() {
        static std::map<MysqldKind, std::unique_ptr<Server>> servers;
        auto& one = servers[GetParam()];
        if (!one) {
            one = std::make_unique<Server>(GetParam());
            one->sql(
                "CREATE TABLE t (id int PRIMARY KEY, v varchar(200)) ENGINE=InnoDB; "
                "CREATE TABLE other (id int PRIMARY KEY) ENGINE=InnoDB");
        }
        return *one;
    }
    static servers::SqlRows sql(const std::string& text) { return server().sql(text); }
    void SetUp() override { sql("DELETE FROM t"); }

    static Options options() {
        Options options = server().options();
        options.tables.include = {"plant\\.t"};
        return options;
    }
    static std::string insert(int id) {
        return "INSERT INTO t VALUES (" + std::to_string(id) + ", 'x')";
    }
    static std::string created(int id) { return "create t id=" + std::to_string(id) + " v=x"; }
};

TEST_P(MysqlStream, a_unique_index_stands_for_the_key_with_any_row_metadata) {
    sql("CREATE TABLE loose (a int NOT NULL, u int NOT NULL, v int NOT NULL, n int, x varchar(9) "
        "NOT NULL, "
        "UNIQUE nullable (n), UNIQUE part (x(3)), INDEX plain (a), UNIQUE z (v, u), UNIQUE y (a)) "
        "ENGINE=InnoDB");
    auto chosen = options();
    chosen.tables.include = {"plant\\.loose"};
    const std::string least = GetParam() == MysqldKind::mysql ? "MINIMAL" : "NO_LOG";
    int row = 0;
    for (const std::string& metadata : {std::string("FULL"), least}) {
        sql("SET GLOBAL binlog_row_metadata = " + metadata);
        Pipeline pipeline(chosen);
        const auto opened = pipeline.open();
        ASSERT_TRUE(opened) << opened.error().message();
        const std::string value = std::to_string(++row);
        sql("INSERT INTO loose VALUES (" + value + ", " + value + ", " + value + ", NULL, '" +
            value + "')");
        const auto polled = pipeline.poll_until_count(1);
        ASSERT_TRUE(polled) << polled.error().message();
        std::map<std::string, int> keys;
        for (const Column& column : pipeline.events().at(0).schema->columns) {
            keys[column.name] = column.key_index;
        }
        EXPECT_EQ(keys,
                  (std::map<std::string, int>{{"a", 0}, {"u", 2}, {"v", 1}, {"n", 0}, {"x", 0}}))
            << metadata;
    }
    sql("SET GLOBAL binlog_row_metadata = FULL; DROP TABLE loose");
}

TEST_P(MysqlStream, inserts_updates_and_deletes_arrive_with_their_ordinals) {
    Pipeline pipeline(options());
    const auto opened = pipeline.open();
    ASSERT_TRUE(opened) << opened.error().message();
    sql("BEGIN; INSERT INTO t VALUES (1, 'a'), (2, NULL); UPDATE t SET v = 'c' WHERE id = 1; "
        "DELETE FROM t WHERE id = 2; COMMIT");
    const auto polled = pipeline.poll_until_count(5);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(),
              (Texts{"create t id=1 v=a",
                     "create t id=2 v=null",
                     "update t id=1 v=c",
                     "delete t id=2 v=null",
                     "end 4"}));
    for (std::uint32_t ordinal = 0; ordinal < 4; ++ordinal) {
        EXPECT_EQ(pipeline.events()[ordinal].ordinal, ordinal);
    }
    EXPECT_EQ(pipeline.source->identity(),
              GetParam() == MysqldKind::mysql ? "mysql gtid" : "mariadb gtid");
}

// MariaDB 11.8 has them in the images of inserts only.
TEST_P(MysqlStream, computed_columns_come_with_every_event_or_with_none) {
    sql("CREATE TABLE computed (id int PRIMARY KEY, a int, g int AS (a * 2) VIRTUAL, s int AS (a * "
        "3) STORED)");
    Options chosen = options();
    chosen.tables.include = {"plant\\.computed"};
    Pipeline pipeline(chosen);
    ASSERT_TRUE(pipeline.open());
    sql("BEGIN; INSERT INTO computed (id, a) VALUES (1, 1); UPDATE computed SET a = 2; DELETE FROM "
        "computed; COMMIT");
    const auto polled = pipeline.poll_until_count(4);
    ASSERT_TRUE(polled) << polled.error().message();
    const Texts all{"create computed id=1 a=1 g=2 s=3",
                    "update computed id=1 a=2 g=4 s=6",
                    "delete computed id=1 a=2 g=4 s=6",
                    "end 3"};
    const Texts none{"create computed id=1 a=1 g=null s=null",
                     "update computed id=1 a=2 g=(not sent) s=(not sent)",
                     "delete computed id=1 a=2 g=(not sent) s=(not sent)",
                     "end 3"};
    EXPECT_EQ(pipeline.texts(), pipeline.texts().front() == all.front() ? all : none);
    sql("DROP TABLE computed");
}

TEST_P(MysqlStream, goes_on_after_a_kill_between_transactions_without_repeat_or_gap) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    Texts expected;
    for (int id = 1; id <= 20; ++id) {
        sql(insert(id));
        expected.push_back(created(id));
        expected.emplace_back("end 1");
        if (id % 5 == 0) {
            ASSERT_TRUE(pipeline.poll_until_count(expected.size() - 4));
            pipeline.restart();
            const auto opened = pipeline.open();
            ASSERT_TRUE(opened) << opened.error().message();
        }
    }
    ASSERT_TRUE(pipeline.poll_until_count(expected.size()));
    EXPECT_EQ(pipeline.texts(), expected);
}

TEST_P(MysqlStream, goes_on_in_the_middle_of_a_transaction) {
    // A sink of one block: poll() returns in the middle.
    Pipeline pipeline(options(), 1);
    ASSERT_TRUE(pipeline.open());
    Texts expected;
    std::string statements = "BEGIN;";
    for (int id = 1; id <= 3000; ++id) {
        statements += "INSERT INTO t VALUES (" + std::to_string(id) + ", REPEAT('y', 180));";
        expected.push_back("create t id=" + std::to_string(id) + " v=" + std::string(40, 'y'));
    }
    sql(statements + "COMMIT");
    expected.emplace_back("end 3000");
    std::size_t seen = 0;
    int restarts = 0;
    while (pipeline.events().size() < expected.size()) {
        ASSERT_TRUE(pipeline.poll_until_count(seen + 1));
        seen = pipeline.events().size();
        pipeline.restart();
        ++restarts;
        const auto opened = pipeline.reopen();
        ASSERT_TRUE(opened) << opened.error().message();
    }
    EXPECT_GE(restarts, 3);
    EXPECT_EQ(pipeline.texts(), expected);
}

TEST_P(MysqlStream, tables_that_are_not_selected_leave_nothing_but_keep_the_ordinals) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql("BEGIN; REPLACE INTO other VALUES (1); " + insert(1) + "; COMMIT");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    EXPECT_EQ(pipeline.texts(), (Texts{created(1), "end 1"}));
}

// catalogue: F44
TEST_P(MysqlStream, goes_on_exactly_after_the_server_was_killed) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql(insert(1));
    ASSERT_TRUE(pipeline.poll_until_count(2));
    server().mysqld->kill9();
    const auto polled = pipeline.poll_until([] { return false; });
    ASSERT_FALSE(polled);
    EXPECT_TRUE(polled.error().is(errors::kSourceUnreachable)) << polled.error().message();
    EXPECT_TRUE(pipeline.open().error().is(errors::kSourceUnreachable));
    server().mysqld->start();
    const auto opened = pipeline.reopen();
    ASSERT_TRUE(opened) << opened.error().message();
    sql(insert(2));
    ASSERT_TRUE(pipeline.poll_until_count(4));
    EXPECT_EQ(pipeline.texts(), (Texts{created(1), "end 1", created(2), "end 1"}));
}

// catalogue: F58
TEST_P(MysqlStream, follows_the_binlog_over_rotations_and_a_row_of_megabytes) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql("ALTER TABLE t MODIFY v longtext");
    sql("FLUSH BINARY LOGS; " + insert(1) + "; FLUSH BINARY LOGS");
    sql("INSERT INTO t VALUES (2, REPEAT('z', 3000000))");
    sql(insert(3));
    const auto polled = pipeline.poll_until_count(6);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(),
              (Texts{created(1),
                     "end 1",
                     "create t id=2 v=" + std::string(40, 'z'),
                     "end 1",
                     created(3),
                     "end 1"}));
    sql("DELETE FROM t; ALTER TABLE t MODIFY v varchar(200)");
}

TEST_P(MysqlStream, arrives_whole_where_the_client_library_has_to_join_the_packets) {
    Options joined = options();
    joined.joined_messages = true;
    Pipeline pipeline(joined);
    ASSERT_TRUE(pipeline.open());
    EXPECT_NE(pipeline.observer.lines.find("costs memory by its size"), std::string::npos);
    sql("ALTER TABLE t MODIFY v longtext");
    Texts expected;
    for (int id = 1; id <= 300; ++id) {
        sql(insert(id));
        expected.push_back(created(id));
        expected.emplace_back("end 1");
        if (id % 100 == 0) {
            ASSERT_TRUE(pipeline.poll_until_count(expected.size() - 100));
            pipeline.restart();
            ASSERT_TRUE(pipeline.reopen());
        }
    }
    sql("SET GLOBAL max_allowed_packet = 67108864");
    sql("INSERT INTO t VALUES (301, REPEAT('z', 18000000))");  // more than one packet
    expected.push_back("create t id=301 v=" + std::string(40, 'z'));
    expected.emplace_back("end 1");
    ASSERT_TRUE(pipeline.poll_until_count(expected.size()));
    // An idle server does not hold up an interrupt.
    const auto before = std::chrono::steady_clock::now();
    for (int polls = 0; polls < 20; ++polls) {
        ASSERT_TRUE(pipeline.source->poll(*pipeline.assembler, std::chrono::milliseconds(10)));
    }
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15));
    sql(insert(302));
    expected.push_back(created(302));
    expected.emplace_back("end 1");
    ASSERT_TRUE(pipeline.poll_until_count(expected.size()));
    EXPECT_EQ(pipeline.texts(), expected);
    sql("DELETE FROM t; ALTER TABLE t MODIFY v varchar(200)");
}

// catalogue: F54
TEST_P(MysqlStream, a_row_over_row_bytes_max_stops_by_name_unless_its_table_is_not_selected) {
    sql("CREATE TABLE IF NOT EXISTS big (id int PRIMARY KEY, v longtext) ENGINE=InnoDB; "
        "DELETE FROM big");
    Options chosen = options();
    chosen.row_bytes_max = 1U << 20U;
    Pipeline blind(chosen);
    chosen.server_id += 500;
    chosen.tables.include = {"plant\\.big"};
    Pipeline pipeline(chosen);
    ASSERT_TRUE(pipeline.open());
    ASSERT_TRUE(blind.open());
    sql("INSERT INTO big VALUES (1, REPEAT('z', 3000000)); " + insert(1));
    const auto polled = pipeline.poll_until_count(1);
    ASSERT_FALSE(polled);
    EXPECT_TRUE(polled.error().is(errors::kRowTooLarge)) << polled.error().message();
    ASSERT_TRUE(blind.poll_until_count(2));
    EXPECT_EQ(blind.texts(), (Texts{created(1), "end 1"}));
}

TEST_P(MysqlStream, stays_connected_while_reading_is_paused) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql(insert(1));
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(4);
    while (std::chrono::steady_clock::now() < until) {
        ASSERT_TRUE(pipeline.source->idle(std::chrono::milliseconds(100)));
    }
    ASSERT_TRUE(pipeline.poll_until_count(2));
    EXPECT_EQ(pipeline.texts(), (Texts{created(1), "end 1"}));
}

// catalogue: F55
TEST_P(MysqlStream, xa_rows_come_at_their_commit_and_never_after_a_rollback) {
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    auto first = server().mysqld->connect("plant");
    auto second = server().mysqld->connect("plant");
    first.sql("XA START 'one'; INSERT INTO t VALUES (1, 'x'); XA END 'one'; XA PREPARE 'one'");
    second.sql("XA START 'two'; INSERT INTO t VALUES (2, 'x'); XA END 'two'; XA PREPARE 'two'");
    sql(insert(3));
    ASSERT_TRUE(pipeline.poll_until_count(2));
    EXPECT_EQ(pipeline.texts(), (Texts{created(3), "end 1"}));
    pipeline.restart();
    ASSERT_TRUE(pipeline.open());
    second.sql("XA ROLLBACK 'two'");
    first.sql("XA COMMIT 'one'");
    sql(insert(4));
    const auto polled = pipeline.poll_until_count(6);
    ASSERT_TRUE(polled) << polled.error().message();
    EXPECT_EQ(pipeline.texts(),
              (Texts{created(3), "end 1", created(1), "end 1", created(4), "end 1"}));
    for (const auto& [key, value] : pipeline.side.values) {
        EXPECT_EQ(key.substr(0, 2), "xc") << "rows wait still";  // committed lately: xa_rows.h
    }
}

TEST_P(MysqlStream, a_structure_is_told_only_where_no_later_statement_can_have_changed_it) {
    Options chosen = options();
    chosen.schema_changes = true;
    chosen.tables.include = {"plant\\.d"};
    sql("DROP TABLE IF EXISTS d, e");
    Pipeline pipeline(chosen);
    ASSERT_TRUE(pipeline.open());
    sql("CREATE TABLE d (id int PRIMARY KEY)");
    ASSERT_TRUE(pipeline.poll_until_count(2));
    sql("ALTER TABLE d ADD a int DEFAULT 1; ALTER TABLE d ADD b int DEFAULT 2; "
        "CREATE TABLE e (secret int); INSERT INTO d VALUES (1, 2, 3); DROP TABLE e");
    ASSERT_TRUE(pipeline.poll_until_count(8));
    EXPECT_EQ(pipeline.texts(),
              (Texts{"CREATE TABLE d (id int PRIMARY KEY) id=none",
                     "",
                     "ALTER TABLE d ADD a int DEFAULT 1",
                     "",
                     "ALTER TABLE d ADD b int DEFAULT 2 id=none a=1 b=2",
                     "",
                     "create d id=1 a=2 b=3",
                     "end 1"}));
    pipeline.restart();
    ASSERT_TRUE(pipeline.open());
    sql("DROP TABLE d");
    ASSERT_TRUE(pipeline.poll_until_count(10));
    EXPECT_EQ(pipeline.texts()[8], "DROP TABLE `plant`.`d`");
}

INSTANTIATE_TEST_SUITE_P(EachKind,
                         MysqlStream,
                         ::testing::Values(MysqldKind::mariadb, MysqldKind::mysql),
                         [](const auto& parameter) {
                             return parameter.param == MysqldKind::mysql ? "mysql" : "mariadb";
                         });

}  // namespace
}  // namespace tributary::mysql::testing
