// Rows that tables of MariaDB and MySQL have before the pipeline is made: taken over by the whole
// agent, beside writers and through kills. The judge is exact: the topic is replayed, and every row
// of the snapshot must be what the stream before and after it says that the table held at its
// place; at the end the topic is the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "tests/integration/agent/snapshot_mysql_rig.h"

namespace tributary::agent_testing {
namespace {

using testing::ElementsAre;

INSTANTIATE_TEST_SUITE_P(Servers, SnapshotOf, kBothServers, name_of_server);

TEST_P(SnapshotOf, TakesOverWhatTablesHoldWithDebeziumsMarkers) {
    fill(1, 10'000);
    shop_.sql(
        "CREATE TABLE u (id int PRIMARY KEY, v text); INSERT INTO u VALUES (2,'b'),(1,NULL),"
        "(3,'')");
    Agent agent(shop_.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    const Replay t = after_reads(shop_.topic("t"), 10'000);
    EXPECT_EQ(t.changes, 0U);
    EXPECT_EQ(t.markers.front(), "first");
    EXPECT_EQ(t.markers[1], "true");
    EXPECT_EQ(t.markers.back(), "last_in_data_collection");
    expect_table(shop_, t);
    const Replay u = after_reads(shop_.topic("u"), 3);
    EXPECT_THAT(u.markers, ElementsAre("first_in_data_collection", "true", "last"));
    expect_table(shop_, u, "u");
    EXPECT_EQ(u.first_source.at("db"), shop_.name);
    EXPECT_EQ(u.first_source.at("table"), "u");
    EXPECT_EQ(u.first_source.at("server_id"), 0);
    EXPECT_TRUE(u.first_source.at("gtid").is_null());
    EXPECT_GT(u.first_source.at("pos"), 0);
    EXPECT_NE(u.first_source.at("file"), "");
    // Afterwards it is a stream like any other, and a restart takes nothing again.
    fill(10'001, 10'010);
    EXPECT_EQ(agent.stop(), 0);
    const Agent again(shop_.site);
    expect_table(shop_, in_the_end(shop_));
    EXPECT_EQ(replay(shop_.topic("t")).reads, 10'000U);
}

TEST_P(SnapshotOf, NoDataTakesNothingAndAlwaysTakesItAtEveryStart) {
    fill(1, 10);
    shop_.configure("no_data");
    {
        Agent agent(shop_.site);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; },
                       kPatience,
                       "shop"));
        EXPECT_EQ(in_the_end(shop_).reads, 0U);
        EXPECT_EQ(agent.stop(), 0);
    }
    shop_.configure("always");
    for (std::size_t round = 1; round <= 2; ++round) {
        Agent agent(shop_.site);
        ASSERT_TRUE(complete(agent)) << agent.log();
        after_reads(shop_.topic("t"), 11 * round);
        EXPECT_EQ(agent.stop(), 0);
    }
}

// Keys of every kind, in the server's own order, three rows at a time.
TEST_P(SnapshotOf, ReadsTablesInTheOrderOfEveryKindOfKey) {
    const std::vector<std::pair<std::string, std::string>> tables{
        {"k varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY",
         "('a'),('B'),('ä2'),('Z'),(''),('b '' c'),('ß'),('\\\\'),('c'),('D')"},
        {"k char(9) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY",
         "('a'),('B'),('\xC3\xA4'),('Z'),(''),('y'),('e'),('F'),('g')"},
        {"k varbinary(8) PRIMARY KEY",
         "(x'00'),(x'0000'),(x''),(x'ff'),(x'80'),(x'41'),(x'61'),(x'2061')"},
        {"k binary(4) PRIMARY KEY", "(x'00000000'),(x'41000000'),(x'ff000001'),(x'7f')"},
        {"k bigint unsigned PRIMARY KEY",
         "(18446744073709551615),(0),(9223372036854775808),(1),(7),(9223372036854775807)"},
        {"k tinyint PRIMARY KEY", "(-128),(127),(0),(-1),(1),(5)"},
        {"k decimal(30,10) PRIMARY KEY",
         "(-1.5),(0),(12345678901234567890.0123456789),(-12345678901234567890),(0.0000000001)"},
        {"k double PRIMARY KEY", "(-1e300),(0.1),(1e-300),(3),(123456789.123456789),(2e10)"},
        {"k date PRIMARY KEY", "('2020-02-29'),('1000-01-01'),('9999-12-31'),('1970-01-01')"},
        {"k datetime(6) PRIMARY KEY",
         "('2020-02-29 23:59:59.999999'),('1000-01-01'),('1970-01-01 "
         "00:00:00.000001'),('2021-1-1')"},
        {"k timestamp(3) NOT NULL PRIMARY KEY",
         "('2020-02-29 23:59:59.999'),('1971-01-01'),('2037-01-01 00:00:00.001'),('2021-1-1')"},
        {"k time(2) PRIMARY KEY", "('-838:59:58.99'),('00:00:00'),('-00:00:00.01'),('12:00:00.5')"},
        {"k year PRIMARY KEY", "(0),(1901),(2155),(2000),(1999)"},
        {"k bit(12) PRIMARY KEY", "(b'0'),(b'111111111111'),(b'101'),(b'10000')"},
        {"k enum('z','y','a') PRIMARY KEY", "('a'),('y'),('z')"},
        {"k varchar(5) COLLATE utf8mb4_bin, k2 int unsigned, k3 date, PRIMARY KEY (k, k2, k3)",
         "('a',1,'2020-01-01'),('a',1,'2020-01-02'),('a',2,'2019-01-01'),('A',9,'2020-01-01'),"
         "('b',0,'2020-01-01'),('b',4294967295,'2020-01-01'),('',1,'2020-01-01')"},
        {"k int NOT NULL, UNIQUE (k)", "(3),(1),(2),(-5),(9),(7),(8)"},
    };
    std::size_t number = 0;
    for (const auto& [columns, rows] : tables) {
        const std::string table = "k" + std::to_string(number++);
        shop_.sql("SET sql_mode = ''; CREATE TABLE " + table + " (" + columns +
                  ") DEFAULT CHARSET=utf8mb4; INSERT INTO " + table + " VALUES " + rows);
    }
    shop_.configure("initial", 2);
    Agent agent(shop_.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    for (std::size_t index = 0; index < tables.size(); ++index) {
        const std::string table = "k" + std::to_string(index);
        const std::string count = shop_.sql("SELECT COUNT(*) FROM " + table).value();
        const Replay taken = after_reads(shop_.topic(table), std::stoul(count));
        if (tables[index].first.find("PRIMARY") != std::string::npos) {  // else records have no key
            EXPECT_TRUE(taken.wrong.empty()) << testing::PrintToString(taken.wrong);
        }
    }
}

// ALLOW_INVALID_DATES lets them in.
TEST_P(SnapshotOf, ReadsKeysOfDatesThatTheCalendarLacks) {
    shop_.sql(
        "SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE d (k date PRIMARY KEY); INSERT INTO d "
        "VALUES ('2020-02-30'),('2020-02-31'),('2021-01-01'),('1999-12-31'),('2019-04-31')");
    shop_.configure("initial", 1);
    Agent agent(shop_.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    after_reads(shop_.topic("d"), 5);
}

// MariaDB sorts such a key padded, and compares it without its spaces: a tab is before a space.
TEST_P(SnapshotOf, LosesNoRowOfACharKeyWhoseCollationDoesNotPad) {
    const std::string collation =
        GetParam() == MysqldKind::mysql ? "utf8mb4_0900_bin" : "utf8mb4_nopad_bin";
    shop_.sql("CREATE TABLE n (k char(9) PRIMARY KEY) CHARACTER SET utf8mb4 COLLATE " + collation +
              "; INSERT INTO n VALUES ('a'),('a\tb'),('B'),('ae')");
    shop_.configure("initial", 2);
    Agent agent(shop_.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    const Replay taken = after_reads(shop_.topic("n"), 4);
    EXPECT_TRUE(taken.wrong.empty()) << testing::PrintToString(taken.wrong);
}

// What a row of the snapshot says of every type is what the stream says of the same row.
TEST_P(SnapshotOf, SaysOfEveryTypeWhatTheStreamSays) {
    const bool mysql = GetParam() == MysqldKind::mysql;
    const std::string columns =
        "a1 tinyint, a2 smallint unsigned, a3 mediumint, a4 int unsigned, a5 bigint unsigned,"
        "b1 float, b2 double, b3 decimal(20,6), b4 float(7,2), b5 bit(1), b6 bit(33),"
        "c1 char(10), c2 varchar(300) CHARACTER SET latin1, c3 text, c4 binary(6), c5 varbinary(9),"
        "c6 longblob, c7 varchar(20) CHARACTER SET sjis, c8 char(5) CHARACTER SET ucs2,"
        "d1 date, d2 time(6), d3 datetime, d4 datetime(3), d5 timestamp(6) NULL, d6 year,"
        "e1 enum('x','y''z','w'), e2 set('p','q','r'), f1 geometry, f2 point,"
        "g1 int AS (a1 + 1) VIRTUAL, g2 int AS (a1 * 2) STORED, h1 int INVISIBLE DEFAULT 7," +
        std::string(mysql ? "j1 json" : "j1 longtext, j2 uuid, j3 inet6, j4 text COMPRESSED");
    const std::string names =
        "a1,a2,a3,a4,a5,b1,b2,b3,b4,b5,b6,c1,c2,c3,c4,c5,c6,c7,c8,d1,d2,d3,d4,d5,d6,e1,e2,f1,f2,"
        "h1,j1" +
        std::string(mysql ? "" : ",j2,j3,j4");
    const std::string json =
        R"('{"b": [1, -2, 1.5, 1e100, 0.1, 18446744073709551615], "a\\"\\u0001": {"x": null, "y": true}, "long key": "täxt\\n", "d": 12345678.9, "": []}')";
    const std::vector<std::string> rows{
        "-128,65535,-8388608,4294967295,18446744073709551615,0.1,0.1,-12345.678901,12345.67,b'1',"
        "b'100000000000000000000000000000001','abc  ','\xC3\xA4 latin','text \xE2\x82\xAC',x'0100',"
        "x'00ff00',REPEAT('x',70000),'\xE3\x81\x82','\xC3\xA4z','2020-02-29','-838:59:59.999999',"
        "'2020-02-29 23:59:59','1000-01-01 00:00:00.123','2020-02-29 23:59:59.123456',2020,'y''z',"
        "'p,r',ST_GeomFromText('LINESTRING(0 0,1 1)',4326),ST_GeomFromText('POINT(1.5 -2)'),8," +
            json +
            (mysql ? ""
                   : ",'123e4567-e89b-12d3-a456-426655440000','2001:db8::1',"
                     "REPEAT('c',500)"),
        "NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,"
        "NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL" +
            std::string(mysql ? "" : ",NULL,NULL,NULL"),
        "0,0,0,0,0,-3.4e38,1.7976931348623157e308,0,0,b'0',b'0','','','',x'000000000000','','','',"
        "'','0000-00-00','00:00:00.000001','0000-00-00 00:00:00','2021-00-00 00:00:00.000',"
        "'1970-01-01 00:00:01.000001',0,'nonsense','',NULL,NULL,0," +
            std::string(mysql ? "'[]'" : "'[]',NULL,'::',''"),
        "5,1,1,1,1,1e-38,2.2250738585072014e-308,99999999999999.999999,-0.01,1,7,' lead','x','y',"
        "x'ffffffffffff',x'20','z','a','b','9999-12-31','12:00:00','9999-12-31 23:59:59',"
        "'2000-01-01 00:00:00.001','2038-01-19 03:14:07',1901,'w','q',NULL,NULL,NULL," +
            std::string(mysql ? "'\"text\"'" : "'\"text\"',NULL,NULL,NULL"),
    };
    const std::string create = " (id int PRIMARY KEY, " + columns + ") DEFAULT CHARSET=utf8mb4";
    const auto insert = [&](int first) {
        std::string text = "SET sql_mode = '', time_zone = '+00:00';";
        for (std::size_t row = 0; row < rows.size(); ++row) {
            text += "INSERT IGNORE INTO many (id," + names + ") VALUES (" +
                    std::to_string(first + static_cast<int>(row)) + "," + rows[row] + ");";
        }
        shop_.sql(text);
    };
    shop_.sql("SET sql_mode = ''; CREATE TABLE many" + create);
    insert(0);
    Agent agent(shop_.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    insert(100);
    ASSERT_TRUE(servers::poll_until(kPatience, [&] {
        return replay(shop_.topic("many")).rows.size() == 2 * rows.size();
    })) << agent.log();
    Replay taken = replay(shop_.topic("many"));
    ASSERT_EQ(taken.reads, rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
        auto read = taken.row("{\"id\":" + std::to_string(row) + "}");
        auto streamed = taken.row("{\"id\":" + std::to_string(100 + row) + "}");
        for (auto& [column, value] : streamed.items()) {
            if (column != "id") {
                EXPECT_EQ(read.at(column), value) << "row " << row << " column " << column;
            }
        }
        EXPECT_EQ(read.size(), streamed.size());
    }
}

TEST_P(SnapshotOf, TakesATableThatIsAskedForAndEndsWhereOnlyRowsAreWanted) {
    fill(1, 1000);
    shop_.configure("no_data");
    {
        Agent agent(shop_.site);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; },
                       kPatience,
                       "shop"));
        const auto start = [&](const std::string& table, const std::string& where) {
            return shop_.site.run(
                {"snapshot", "start", "--source", "shop", "--table", table, "--where", where});
        };
        EXPECT_NE(start(shop_.name + ".nothing", "1").code, 0);
        EXPECT_NE(start(shop_.name + ".t", "no_such_column = 1").code, 0);
        const Ran started = start(shop_.name + ".t", "id > 900 -- the newest");
        EXPECT_EQ(started.code, 0) << started.output;
        EXPECT_EQ(after_reads(shop_.topic("t"), 100).markers.front(), "incremental");
        EXPECT_EQ(agent.stop(), 0);
    }
    Shop second(GetParam());
    second.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a')");
    second.configure("initial_only");
    Agent agent(second.site);
    EXPECT_EQ(agent.wait(), 0) << agent.log();
    expect_table(second, after_reads(second.topic("t"), 1));
}

TEST_P(SnapshotOf, AMissingRightIsNamedWithItsRemedy) {
    fill(1, 10);
    shop_.site.write();
    const auto check_says = [&](const std::string& grant) {
        const Ran checked = shop_.site.run({"check"});
        EXPECT_NE(checked.code, 0) << checked.output;
        EXPECT_NE(checked.output.find(grant), std::string::npos) << checked.output;
    };
    // An account that may do nothing with a database does not even see that it is there.
    shop_.server.sql("REVOKE SELECT ON " + shop_.name + ".* FROM " + shop_.user);
    check_says("GRANT SELECT ON *.* TO");
    Agent agent(shop_.site);
    EXPECT_TRUE(agent.logs_error("source_rights"));
    EXPECT_TRUE(agent.logs("GRANT SELECT ON *.* TO")) << agent.log();
    EXPECT_EQ(agent.wait(), 11);
    shop_.server.sql("GRANT INSERT ON " + shop_.name + ".t TO " + shop_.user);
    check_says("GRANT SELECT ON `" + shop_.name + "`.`t` TO");
    shop_.server.sql("GRANT SELECT ON " + shop_.name + ".t TO " + shop_.user);
    const Ran checked = shop_.site.run({"check"});
    EXPECT_EQ(checked.code, 0) << checked.output;
}

TEST_P(SnapshotOf, TakesATableWithoutAKeyWholeAndStopsAtOneBeyondItsBound) {
    shop_.sql(
        "DROP TABLE t; CREATE TABLE loose (a int, b varchar(200));"
        "INSERT INTO loose VALUES (1,'same'),(1,'same'),(2,NULL)");
    // What every session begins with must not cut the table short.
    shop_.server.sql("SET GLOBAL sql_select_limit = 1, GLOBAL sql_quote_show_create = 0");
    {
        Agent agent(shop_.site);
        ASSERT_TRUE(complete(agent)) << agent.log();
        after_reads(shop_.topic("loose"), 3);
        EXPECT_EQ(agent.stop(), 0);
    }
    shop_.server.sql(
        "SET GLOBAL sql_select_limit = 18446744073709551615, GLOBAL sql_quote_show_create = 1");
    shop_.sql(
        "INSERT INTO loose SELECT a.a, REPEAT('x', 200) FROM loose a, loose b, loose c, "
        "loose d, loose e, loose f, loose g, loose h");  // 6561 rows, some 1.3 MiB
    shop_.configure("always, keyless_max: 1MiB");
    {
        Agent agent(shop_.site);
        EXPECT_TRUE(agent.logs("cannot take the place")) << agent.log();
        EXPECT_TRUE(agent.logs_error("snapshot_key_missing")) << agent.log();
        EXPECT_EQ(agent.wait(), 10);
    }
    shop_.configure("always, keyless_max: 2MiB");
    Agent agent(shop_.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    after_reads(shop_.topic("loose"), 3 + 6564);
}

TEST_P(SnapshotOf, GoesOnWhenTablesAreAlteredDroppedAndTruncated) {
    fill(1, 10'000);
    shop_.sql(
        "CREATE TABLE u LIKE t; INSERT INTO u SELECT * FROM t;"
        "CREATE TABLE z LIKE t; INSERT INTO z SELECT * FROM t");
    shop_.configure("initial", 50);
    Agent agent(shop_.site);
    ASSERT_TRUE(agent.logs("snapshot begins"));
    shop_.sql("ALTER TABLE t ADD COLUMN w int DEFAULT 7");
    shop_.sql("UPDATE t SET w = 8 WHERE id % 100 = 0");
    shop_.sql("ALTER TABLE t ADD COLUMN y text, DROP COLUMN big");
    shop_.sql("UPDATE t SET v = 'late' WHERE id % 101 = 0");
    shop_.sql("DROP TABLE u");
    shop_.sql("TRUNCATE z; INSERT INTO z VALUES (1, 'new', NULL)");
    ASSERT_TRUE(agent.logs("snapshot complete", seconds(90))) << agent.log();
    Replay t = in_the_end(shop_);
    t.wrong.clear();  // a change's before says what the columns were; a read what they are
    expect_table(shop_, t);
    expect_table(shop_, replay(shop_.topic("z")), "z");
}

TEST_P(SnapshotOf, IsExactBesideWriters) {
    constexpr int kRows = 30'000;
    fill(1, kRows);
    shop_.configure("initial", 300);
    Agent agent(shop_.site);
    ASSERT_TRUE(agent.logs("snapshot begins"));  // an XA transaction prepared before is a stop
    Writers writers(sessions(shop_), {.threads = 4, .rows = kRows}, change_t);
    ASSERT_TRUE(agent.logs("snapshot complete", seconds(90))) << agent.log();
    EXPECT_GT(writers.stop(), 100U);
    const Replay taken = in_the_end(shop_);
    EXPECT_GT(taken.changes, 100U);
    expect_table(shop_, taken);
}

TEST_P(SnapshotOf, KillsAtAnyMomentNeitherRepeatNorMissARow) {
    KillPlan plan(12, 16'000, 4);
    plan.pause = std::max(plan.pause, milliseconds(5));
    fill(1, plan.rows);
    shop_.sql("CREATE TABLE ending (id int PRIMARY KEY)");
    shop_.configure("initial", plan.chunk_rows);
    {
        Agent first(shop_.site);
        ASSERT_TRUE(first.logs("snapshot begins"));
        // Where it began is on the disk.
        ASSERT_TRUE(
            first.poll([](const auto& at) { return at.at("durable") >= 1; }, kPatience, "shop"));
        first.kill9();
    }
    const bool no_xa = plan.by_hand && GetParam() == MysqldKind::mariadb;
    expect_exact_through_kills(
        taking(shop_), plan, sessions(shop_), no_xa ? change_t_without_xa : change_t);
}

TEST_P(SnapshotOf, ATableWithoutAKeyIsExactBesideWritersAndThroughKills) {
    shop_.sql(
        "CREATE TABLE loose (a int, b varchar(60)); CREATE TABLE ten (n int PRIMARY KEY);"
        "INSERT INTO ten VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9);"
        "INSERT INTO loose SELECT a.n * 10 + b.n, REPEAT('x', 50) FROM ten a, ten b, ten c, ten d, "
        "ten e");
    Writers writers(
        sessions(shop_), {.threads = 2, .rows = 100, .pause = milliseconds(4)}, change_loose);
    {
        Agent first(shop_.site);
        ASSERT_TRUE(first.logs("a new pipeline starts"));
        first.kill9();
    }
    const Taking all = taking(shop_);
    KillPlan plan(3, 0);
    plan.life_min = milliseconds(0);
    plan.life_max = milliseconds(600);
    Killer killer(all, plan);
    killer.run();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(killer.agent().poll(is_over, seconds(90), "shop")) << killer.agent().log();
    EXPECT_GT(writers.stop(), 20U);
    shop_.sql("INSERT INTO loose VALUES (-1, 'the end')");
    in_the_end(shop_);
    std::map<std::string, int> wanted;
    for (const auto& row : shop_.sql("SELECT a, b, COUNT(*) FROM loose GROUP BY a, b").rows) {
        wanted[nlohmann::json{{"a", std::stoi(*row[0])}, {"b", *row[1]}}.dump()] =
            std::stoi(*row[2]);
    }
    EXPECT_TRUE(wanted == count_rows(shop_.topic("loose")));
    killer.report();
}

// Of a system-versioned table the rows of now, and then their changes.
TEST(SnapshotOfMariaDb, TakesTheRowsOfNowOfAVersionedTable) {
    Shop shop(MysqldKind::mariadb);
    const std::vector<std::pair<std::string, std::string>> tables{
        {"hidden", ""},
        {"declared",
         ", rs timestamp(6) GENERATED ALWAYS AS ROW START, re timestamp(6) GENERATED ALWAYS AS ROW "
         "END, PERIOD FOR SYSTEM_TIME (rs, re)"}};
    for (const auto& [table, period] : tables) {
        shop.sql("CREATE TABLE " + table + " (id int PRIMARY KEY, v int" + period +
                 ") WITH SYSTEM VERSIONING; INSERT INTO " + table +
                 " (id, v) VALUES (1, 1), (2, 2), (3, 3); UPDATE " + table +
                 " SET v = 10 WHERE id = 1; DELETE FROM " + table + " WHERE id = 2");
    }
    Agent agent(shop.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    for (const auto& [table, period] : tables) {
        SCOPED_TRACE(table);
        EXPECT_TRUE(
            servers::poll_until(kPatience, [&] { return replay(shop.topic(table)).reads == 2U; }));
        shop.sql("UPDATE " + table + " SET v = 11 WHERE id = 1; DELETE FROM " + table +
                 " WHERE id = 3; INSERT INTO " + table + " (id, v) VALUES (4, 4)");
        ASSERT_TRUE(servers::poll_until(kPatience, [&] {
            return replay(shop.topic(table)).rows.contains(R"({"id":4})");
        })) << agent.log();
        const Replay found = replay(shop.topic(table));
        EXPECT_TRUE(found.wrong.empty()) << testing::PrintToString(found.wrong);
        expect_table([&](const std::string& text) { return shop.sql(text); }, table, found);
    }
}

TEST(SnapshotOfMySqlWithoutGtids, IsExactBesideWritersAndNamesTheRightItNeeds) {
    constexpr int kRows = 20'000;
    Shop shop(MysqldKind::mysql);
    shop.sql(
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(40), big mediumtext);"
        "SET SESSION cte_max_recursion_depth = 1000000;"
        "INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM n "
        "WHERE id < 20000) SELECT id, 'row', NULL FROM n");
    shop.configure("initial", 300, "    gtid: off\n");
    {
        Agent agent(shop.site);
        EXPECT_TRUE(agent.logs_error("source_rights")) << agent.log();
        EXPECT_TRUE(agent.logs("BACKUP_ADMIN")) << agent.log();
        EXPECT_EQ(agent.wait(), 11);
    }
    shop.server.sql("GRANT BACKUP_ADMIN ON *.* TO " + shop.user +
                    "; GRANT SELECT ON performance_schema.log_status TO " + shop.user);
    Agent agent(shop.site);
    ASSERT_TRUE(agent.logs("snapshot begins"));
    Writers writers(sessions(shop), {.threads = 4, .rows = kRows}, change_t);
    ASSERT_TRUE(agent.logs("snapshot complete", seconds(90))) << agent.log();
    EXPECT_GT(writers.stop(), 100U);
    expect_table(shop, in_the_end(shop));
}

}  // namespace
}  // namespace tributary::agent_testing
