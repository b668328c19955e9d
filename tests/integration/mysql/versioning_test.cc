// MariaDB's tables with a time of their own: of a system-versioned one the changes of the rows of
// now come, whichever way its period is declared and whatever the log says of its columns; its
// history does not. An application's period is columns like any other.
#include <gtest/gtest.h>

#include <regex>

#include "tests/integration/mysql/rig.h"

namespace tributary::mysql::testing {
namespace {

using servers::MysqldKind;

class MariadbVersioning : public ::testing::TestWithParam<const char*> {
  protected:
    static Server& server() {
        static Server one(MysqldKind::mariadb);
        return one;
    }
    static servers::SqlRows sql(const std::string& text) { return server().sql(text); }
    void SetUp() override {
        sql(std::string("SET GLOBAL binlog_row_metadata = '") + GetParam() + "'");
    }
    void TearDown() override { sql("DROP TABLE t"); }

    static Options options() {
        Options options = server().options();
        options.tables.include = {"plant\\.t"};
        return options;
    }
    // What one transaction of `statements` becomes, without the times of periods.
    static Texts follow(const std::string& statements, Options chosen = options()) {
        Pipeline pipeline(std::move(chosen));
        const auto opened = pipeline.open();
        EXPECT_TRUE(opened) << opened.error().message();
        sql("BEGIN; " + statements + "; COMMIT");
        const auto polled = pipeline.poll_until([&pipeline] {
            const Texts texts = pipeline.texts();
            return !texts.empty() && texts.back().starts_with("end");
        });
        EXPECT_TRUE(polled) << polled.error().message();
        Texts texts = pipeline.texts();
        for (std::string& text : texts) {
            text = std::regex_replace(text, std::regex(" (rs|re|row_start|row_end)=[^ ]*"), "");
        }
        return texts;
    }
};

constexpr const char* kChanges =
    "INSERT INTO t (id, v) VALUES (1, 1), (2, 2), (3, 3); UPDATE t SET v = 10 WHERE id = 1; "
    "UPDATE t SET v = 11 WHERE id = 1; UPDATE t SET id = 4 WHERE id = 2; DELETE FROM t WHERE id = "
    "1; INSERT INTO t (id, v) VALUES (1, 12); INSERT INTO t (id, v) VALUES (3, 0) ON DUPLICATE KEY "
    "UPDATE v = 31";

const Texts& changes() {
    static const Texts texts{"create t id=1 v=1",
                             "create t id=2 v=2",
                             "create t id=3 v=3",
                             "update t id=1 v=10",
                             "update t id=1 v=11",
                             "update t id=4 v=2",
                             "delete t id=1 v=11",
                             "create t id=1 v=12",
                             "update t id=3 v=31",
                             "end 10"};  // a change of the key is two
    return texts;
}

constexpr const char* kDeclared =
    "(id int PRIMARY KEY, v int, rs timestamp(6) GENERATED ALWAYS AS ROW START, re timestamp(6) "
    "GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (rs, re)) WITH SYSTEM VERSIONING";

TEST_P(MariadbVersioning, an_update_is_one_update_and_a_delete_one_delete) {
    for (const std::string table :
         {"(id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING",
          "(id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME (PARTITION "
          "past HISTORY, PARTITION now CURRENT)",
          kDeclared,
          "(re timestamp(6) GENERATED ALWAYS AS ROW END INVISIBLE, id int PRIMARY KEY, rs "
          "timestamp(6) GENERATED ALWAYS AS ROW START, v int, PERIOD FOR SYSTEM_TIME (rs, re)) "
          "WITH SYSTEM VERSIONING"}) {
        SCOPED_TRACE(table);
        sql("CREATE OR REPLACE TABLE t " + table);
        EXPECT_EQ(follow(kChanges), changes());
        EXPECT_EQ(sql("SELECT COUNT(*) FROM t FOR SYSTEM_TIME ALL").value(), "8");
        EXPECT_EQ(follow("DELETE HISTORY FROM t; INSERT INTO t (id, v) VALUES (9, 9)"),
                  (Texts{"create t id=9 v=9", "end 1"}));
        EXPECT_EQ(sql("SELECT COUNT(*) FROM t FOR SYSTEM_TIME ALL").value(), "4");
    }
}

TEST_P(MariadbVersioning, a_delete_stays_one_where_the_end_of_the_period_is_excluded) {
    sql(std::string("CREATE TABLE t ") + kDeclared);
    Options chosen = options();
    chosen.tables.exclude_columns = {"plant\\.t\\.re"};
    EXPECT_EQ(follow(kChanges, chosen), changes());
}

// MariaDB logs these as statements, whatever binlog_format says.
TEST_P(MariadbVersioning, a_table_versioned_by_transaction_ids_stops_by_name) {
    sql("CREATE TABLE t (id int PRIMARY KEY, v int, rs bigint unsigned GENERATED ALWAYS AS ROW "
        "START, re bigint unsigned GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (rs, re)) "
        "WITH SYSTEM VERSIONING ENGINE=InnoDB");
    Pipeline pipeline(options());
    ASSERT_TRUE(pipeline.open());
    sql("INSERT INTO t (id, v) VALUES (1, 1)");
    const auto polled = pipeline.poll_until([] { return false; });
    ASSERT_FALSE(polled);
    EXPECT_TRUE(polled.error().is(errors::kBinlogStatement)) << polled.error().message();
}

TEST_P(MariadbVersioning, a_portion_of_an_applications_period_leaves_rows_for_the_rest) {
    const std::string statements =
        "INSERT INTO t (id, v, s, e) VALUES (1, 1, '1970-01-11', '1970-01-21'); UPDATE t FOR "
        "PORTION OF p FROM '1970-01-13' TO '1970-01-16' SET v = 2; DELETE FROM t FOR PORTION OF p "
        "FROM '1970-01-18' TO '1970-01-19'";
    sql("CREATE TABLE t (id int, v int, s date, e date, PERIOD FOR p (s, e), PRIMARY KEY (id, p "
        "WITHOUT OVERLAPS))");
    EXPECT_EQ(follow(statements),
              (Texts{"create t id=1 v=1 s=10 e=20",
                     "update t id=1 v=2 s=12 e=15",
                     "create t id=1 v=1 s=10 e=12",
                     "create t id=1 v=1 s=15 e=20",
                     "update t id=1 v=1 s=15 e=17",
                     "create t id=1 v=1 s=18 e=20",
                     "end 8"}));
    sql("CREATE OR REPLACE TABLE t (id int, v int, s date, e date, rs timestamp(6) GENERATED "
        "ALWAYS AS ROW START, re timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR p (s, e), "
        "PERIOD FOR SYSTEM_TIME (rs, re), PRIMARY KEY (id, p WITHOUT OVERLAPS)) WITH SYSTEM "
        "VERSIONING");
    EXPECT_EQ(follow(statements),
              (Texts{"create t id=1 v=1 s=10 e=20",
                     "update t id=1 v=2 s=12 e=15",
                     "create t id=1 v=1 s=10 e=12",
                     "create t id=1 v=1 s=15 e=20",
                     "delete t id=1 v=1 s=15 e=20",
                     "create t id=1 v=1 s=15 e=17",
                     "create t id=1 v=1 s=18 e=20",
                     "end 8"}));
}

INSTANTIATE_TEST_SUITE_P(Metadata,
                         MariadbVersioning,
                         ::testing::Values("FULL", "MINIMAL", "NO_LOG"));

}  // namespace
}  // namespace tributary::mysql::testing
