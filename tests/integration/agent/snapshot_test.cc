// Rows that tables have before the pipeline is made: taken over by the whole agent, beside writers
// and through kills. The judge is the state: what a read_committed consumer of the topic has at the
// end is the table, and no identity comes twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/integration/agent/snapshot_rig.h"

namespace tributary::agent_testing {
namespace {

using testing::ElementsAre;

TEST(AgentSnapshot, TakesOverWhatTablesHoldWithDebeziumsMarkers) {
    Site site;
    site.sql(
        "CREATE TABLE u (b text, a int, v text, PRIMARY KEY (b, a));"
        "ALTER PUBLICATION tributary ADD TABLE u;"
        "INSERT INTO u VALUES ('x', 2, 'tab\there \\ and'), ('x', 1, NULL), (E'a\\nb', 7, '')");
    site.insert(1, 6'000);
    Agent agent(with_snapshot(site));
    ASSERT_TRUE(complete(agent)) << agent.log();
    expect_same(site);
    expect_same(site, "u");
    const Taken t = take(site.topic());
    ASSERT_EQ(t.reads, 6'000U);
    EXPECT_EQ(t.changes, 0U);
    EXPECT_EQ(t.markers.front(), "first");
    EXPECT_EQ(t.markers[1], "true");
    EXPECT_EQ(t.markers.back(), "last_in_data_collection");
    EXPECT_THAT(take(site.topic("plant", "public.u")).markers,
                ElementsAre("first_in_data_collection", "true", "last"));
    // Afterwards it is a stream like any other, and a restart takes nothing again.
    site.insert(6'001, 6'010);
    ASSERT_TRUE(agent.caught_up(6'014));
    EXPECT_EQ(agent.stop(), 0);
    const Agent again(site);
    site.insert(6'011, 6'011);
    ASSERT_TRUE(again.caught_up(6'016));
    EXPECT_EQ(take(site.topic()).reads, 6'000U);
    expect_same(site);
}

// Keys of every kind, in the server's own order, three rows at a time.
TEST(AgentSnapshot, ReadsTablesInTheOrderOfEveryKindOfKey) {
    Site site;
    site.sql(
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext;"
        "GRANT USAGE ON SCHEMA ext TO tributary");
    site.sql(
        "CREATE TYPE mood AS ENUM ('z', 'y', 'a', 'b'); CREATE TYPE pair AS (a int, b text);"
        "CREATE DOMAIN label AS ext.citext; CREATE DOMAIN feeling AS mood;"
        "CREATE DOMAIN inner_feeling AS feeling; CREATE TYPE span AS RANGE (subtype = int4)");
    const std::vector<std::pair<std::string, std::string>> tables{
        {"k ext.citext PRIMARY KEY", "('b'),('A'),('c'),('D'),('it''s'),('')"},
        {"k label PRIMARY KEY", "('b'),('A'),('c'),('D')"},
        {"k ext.ltree PRIMARY KEY", "('a.b'),('a'),('b'),('a.b.c'),('B')"},
        {"k ext.citext, n int, m mood, PRIMARY KEY (n, k, m)",
         "('b',1,'z'),('A',1,'z'),('A',1,'y'),('a',2,'z'),('B',2,'a'),('b',2,'y'),('b',2,'z')"},
        {"k ext.citext NOT NULL UNIQUE, n int", "('b',1),('A',2),('c',3),('D',4)"},
        {"k mood PRIMARY KEY", "('b'),('a'),('y'),('z')"},
        {"k feeling PRIMARY KEY", "('b'),('a'),('y'),('z')"},
        {"k inner_feeling, n int, PRIMARY KEY (n, k)", "('b',1),('a',1),('y',1),('z',1)"},
        {"k mood[] PRIMARY KEY", "('{b}'),('{a,z}'),('{}'),('{z}')"},
        {"k ext.citext[] PRIMARY KEY", "('{b}'),('{A,z}'),('{}'),('{Z}')"},
        {"k pair PRIMARY KEY", "('(1,b)'),('(1,a)'),('(-1,)'),('(2,\"x y\")')"},
        {"k span PRIMARY KEY", "('[1,3)'),('[1,2)'),('empty'),('(,1)')"},
        {"k text COLLATE \"C\" PRIMARY KEY", "('b'),('A'),('c'),('D'),(E'\\\\'),('')"},
        {"k char(5) PRIMARY KEY", "('b'),('A'),('c c'),('D')"},
        {"k \"char\" PRIMARY KEY", "('b'),('A'),('c'),('D')"},
        {"k name PRIMARY KEY", "('b'),('A'),('c'),('D')"},
        {"k boolean, n bigint, PRIMARY KEY (k, n)", "(true,1),(false,9),(true,-1),(false,-9)"},
        {"k numeric PRIMARY KEY", "(1.50),(1e30),(-1e30),('0.00001'),(7)"},
        {"k float8 PRIMARY KEY", "('NaN'),('-Infinity'),(1e-300),(0.1),(5)"},
        {"k real PRIMARY KEY", "(0.1),(0.2),(1e30),(-7),(16777216)"},
        {"k bytea PRIMARY KEY", "('\\x'),('\\x00'),('\\xff'),('\\x0000')"},
        {"k uuid PRIMARY KEY",
         "(md5('1')::uuid),(md5('2')::uuid),(md5('3')::uuid),(md5('4')::uuid)"},
        {"k date PRIMARY KEY", "('infinity'),('-infinity'),('0044-03-15 BC'),('2026-01-01')"},
        {"k timestamptz PRIMARY KEY",
         "('infinity'),('2026-01-01 00:00:00.000001Z'),('1000-1-1'),"
         "('0044-03-15 BC')"},
        {"k interval PRIMARY KEY", "('1 mon'),('-1 day 3:00'),('29 days'),('0')"},
        {"k timetz PRIMARY KEY", "('10:00+01'),('10:00-11:30'),('24:00Z'),('00:00:00.5Z')"},
        {"k inet PRIMARY KEY", "('10.0.0.1'),('10.0.0.0/8'),('::1'),('fe80::/10')"},
        {"k macaddr PRIMARY KEY",
         "('08:00:2b:01:02:03'),('00:00:00:00:00:00'),('ff:ff:ff:ff:ff:ff'),('08:00:2b:01:02:04')"},
        {"k varbit PRIMARY KEY", "(B'101'),(B''),(B'0'),(B'1110')"},
        {"k jsonb PRIMARY KEY", "('{\"a\": 1}'),('[]'),('\"x\"'),('null')"},
        {"k int[] PRIMARY KEY", "('{1,2}'),('{}'),('{1}'),('{NULL}')"},
        {"k tstzrange PRIMARY KEY",
         "('[2026-01-01,2026-01-02)'),('empty'),('(,)'),"
         "('[2025-01-01,)')"},
        {"k oid PRIMARY KEY", "(4294967295),(0),(7),(2147483648)"},
        {"k regclass, n int, PRIMARY KEY (k, n)",
         "('pg_class',1),('pg_type',1),('pg_class',2),('pg_proc',3),('pg_type',0)"},
        {"k regnamespace PRIMARY KEY", "('pg_catalog'),('public'),('ext'),('information_schema')"},
    };
    std::string names;
    for (std::size_t at = 0; at < tables.size(); ++at) {
        const std::string name = "k" + std::to_string(at);
        site.sql("CREATE TABLE " + name + " (" + tables[at].first + "); INSERT INTO " + name +
                 " VALUES " + tables[at].second);
        names += (names.empty() ? "" : ", ") + name;
    }
    site.sql("ALTER PUBLICATION tributary ADD TABLE " + names);
    Agent agent(with_snapshot(site, "initial", 3));
    ASSERT_TRUE(complete(agent)) << agent.log();
    for (std::size_t at = 0; at < tables.size(); ++at) {
        const Taken taken = take(site.topic("plant", "public.k" + std::to_string(at)));
        const auto rows = site.sql("SELECT * FROM k" + std::to_string(at)).rows.size();
        EXPECT_EQ(taken.reads, rows) << tables[at].first;
        EXPECT_EQ(taken.table.repeated(), 0U) << tables[at].first;
    }
}

TEST(AgentSnapshot, NoDataTakesNothingThatWasThere) {
    Site site;
    site.insert(1, 10);
    Agent agent(with_snapshot(site, "no_data"));
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(11, 12);
    ASSERT_TRUE(agent.caught_up(3));
    EXPECT_THAT(read_topic(site.topic()).operations, ElementsAre("c 11", "c 12"));
}

TEST(AgentSnapshot, AMissingRightIsNamedWithItsRemedyAtStartAndByCheck) {
    Site site;
    site.insert(1, 10);
    with_snapshot(site);
    site.sql("REVOKE SELECT ON t FROM tributary");
    site.write();
    const Ran checked = site.run({"check"});
    EXPECT_NE(checked.output.find("GRANT SELECT ON \"public\".\"t\" TO \"tributary\""),
              std::string::npos)
        << checked.output;
    expect_refusal(site, "source_rights", 11);
}

TEST(AgentSnapshot, TakesPartitionsOnceAndSmallTablesWithoutKeyWhole) {
    for (const bool via_root : {true, false}) {
        Site site;
        site.sql(
            "CREATE TABLE part (id int, region int, v text, PRIMARY KEY (id, region)) "
            "PARTITION BY LIST (region);"
            "CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);"
            "CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);"
            "INSERT INTO part SELECT g, 1 + g % 2, 'v' FROM generate_series(1, 100) g;"
            "CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;"
            "INSERT INTO loose SELECT g % 10, 'same' FROM generate_series(1, 100) g;"
            "ALTER PUBLICATION tributary ADD TABLE part, loose");
        site.sql(std::string("ALTER PUBLICATION tributary SET (publish_via_partition_root = ") +
                 (via_root ? "true" : "false") + ")");
        Agent agent(with_snapshot(site));
        ASSERT_TRUE(complete(agent));
        EXPECT_EQ(take(site.topic("plant", "public.part")).reads, via_root ? 100U : 0U);
        EXPECT_EQ(take(site.topic("plant", "public.part_1")).reads, via_root ? 0U : 50U);
        EXPECT_EQ(take(site.topic("plant", "public.part_2")).reads, via_root ? 0U : 50U);
        EXPECT_EQ(take(site.topic("plant", "public.loose")).reads, 100U);
        expect_same(site, "loose");
    }
}

void make_loose(Site& site, int rows) {
    site.sql(
        "CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;"
        "INSERT INTO loose SELECT g % 500, repeat('x', 60) FROM generate_series(1, " +
        std::to_string(rows) + ") g; ALTER PUBLICATION tributary ADD TABLE loose");
}

TEST(AgentSnapshot, TablesWithoutAKeyAreExactBesideWritersAndThroughKills) {
    Site site;
    make_loose(site, 50'000);
    with_snapshot(site);
    {
        Agent first(site);
        ASSERT_TRUE(first.logs("snapshot begins"));  // and it takes longer than to see this
        first.kill9();
    }
    Writers writers(sessions(site), {.threads = 3, .rows = 500}, change_loose);
    const Taking all = taking(site);
    KillPlan plan(7, 0);
    plan.life_min = milliseconds(150);
    plan.life_max = milliseconds(850);
    Killer killer(all, plan);
    killer.run();
    ASSERT_FALSE(HasFatalFailure());
    const Agent& last = killer.agent();
    ASSERT_TRUE(
        last.poll([](const auto& at) { return at.at("snapshot").at("state") == "complete"; }));
    EXPECT_GT(writers.stop(), 100U);
    site.sql(
        "UPDATE loose SET a = 7777 WHERE a < 20; DELETE FROM loose WHERE a = 30;"
        "INSERT INTO loose VALUES (1, 'new')");
    expect_same_in_the_end(site, last);
    expect_same(site, "loose");
    killer.report();
}

TEST(AgentSnapshot, ATableWithoutAKeyBeyondItsBoundIsANamedStop) {
    Site site;
    make_loose(site, 20'000);
    with_snapshot(site);
    site.sources[0].lines = {"snapshot: {mode: initial, keyless_max: 1MiB}"};
    expect_refusal(site, "snapshot_key_missing", 10);
    site.sources[0].lines = {"snapshot: {mode: initial, keyless_max: 4MiB}"};
    Agent agent(site);
    ASSERT_TRUE(complete(agent));
    EXPECT_EQ(take(site.topic("plant", "public.loose")).reads, 20'000U);
    expect_same(site, "loose");
}

// catalogue: F51
TEST(AgentSnapshot, GoesOnWhenTablesAreAlteredDroppedAndTruncated) {
    Site site;
    site.sql(
        "CREATE TABLE u (id int PRIMARY KEY, v text); CREATE TABLE z (id int PRIMARY KEY, v text);"
        "INSERT INTO u SELECT g, 'u' FROM generate_series(1, 4000) g;"
        "INSERT INTO z SELECT g, 'z' FROM generate_series(1, 4000) g;"
        "ALTER PUBLICATION tributary ADD TABLE u, z");
    site.insert(1, 10'000);
    Agent agent(with_snapshot(site, "initial", 50));
    ASSERT_TRUE(agent.logs("snapshot begins"));
    site.sql("ALTER TABLE t ADD COLUMN w int DEFAULT 7");
    site.sql("UPDATE t SET w = 8 WHERE id % 100 = 0");
    site.sql("ALTER TABLE t ADD COLUMN y text");
    site.sql("UPDATE t SET v = 'late' WHERE id % 101 = 0");
    site.sql("DROP TABLE u");
    site.sql("TRUNCATE z; INSERT INTO z VALUES (1, 'new')");
    ASSERT_TRUE(agent.logs("snapshot complete"));
    expect_same_in_the_end(site, agent);
    EXPECT_TRUE(agent.logs("it was dropped"));
}

TEST(AgentSnapshot, ATableThatIsRenamedOrNoLongerPublishedIsNamedAndNoMoreOfItIsRead) {
    Site site;
    site.sql(
        "CREATE TABLE u (id int PRIMARY KEY, v text);"
        "CREATE TABLE w (id int PRIMARY KEY, secret text);"
        "INSERT INTO u SELECT g, 'u' FROM generate_series(1, 200) g;"
        "INSERT INTO w SELECT g, 'secret' FROM generate_series(1, 200) g;"
        "ALTER PUBLICATION tributary ADD TABLE u, w (id) WHERE (id <= 10)");
    site.insert(1, 10'000);
    Agent agent(with_snapshot(site, "initial", 50));
    ASSERT_TRUE(agent.logs("snapshot begins"));
    site.sql("ALTER PUBLICATION tributary DROP TABLE w; ALTER TABLE u RENAME TO u2");
    ASSERT_TRUE(agent.logs("snapshot complete"));
    EXPECT_TRUE(agent.logs("has another name now"));
    EXPECT_TRUE(agent.logs("taken out of the publication"));
    expect_same_in_the_end(site, agent);
    EXPECT_EQ(take(site.topic("plant", "public.u")).reads, 0U);
    EXPECT_EQ(take(site.topic("plant", "public.w")).reads, 0U);
}

TEST(AgentSnapshot, WhatIsPublishedOfATableIsFollowedWhileItIsRead) {
    Site site;
    site.sql(
        "CREATE TABLE a (id int PRIMARY KEY, v text, secret text);"
        "INSERT INTO a SELECT g, 'v', 'secret' FROM generate_series(1, 20000) g;"
        "ALTER PUBLICATION tributary ADD TABLE a");
    Agent agent(with_snapshot(site, "initial", 10));
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("snapshot").at("rows") > 0; }));
    site.sql("ALTER PUBLICATION tributary SET TABLE t, a (id, v)");
    ASSERT_TRUE(complete(agent)) << agent.log();
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
    const auto records = reader.read(site.topic("plant", "public.a"));
    ASSERT_FALSE(records.empty());
    EXPECT_EQ(records.back().value.value_or("").find("secret"), std::string::npos);
    EXPECT_EQ(take(site.topic("plant", "public.a")).reads, 20'000U);
}

TEST(AgentSnapshot, IsExactBesideWriters) {
    constexpr int kRows = 30'000;
    Site site;
    fill(site, kRows);
    Writers writers(sessions(site), {.threads = 4, .rows = kRows}, change_t);
    Agent agent(with_snapshot(site, "initial", 250));
    ASSERT_TRUE(agent.logs("snapshot complete"));
    EXPECT_GT(writers.stop(), 100U);
    expect_same_in_the_end(site, agent);
}

// catalogue: F56
TEST(AgentSnapshot, KillsAtAnyMomentNeitherRepeatNorMissARow) {
    const KillPlan plan(10, 24'000);
    Site site;
    fill(site, plan.rows);
    site.sql(
        "CREATE TABLE ending (id int PRIMARY KEY); ALTER PUBLICATION tributary ADD TABLE ending");
    with_snapshot(site, "initial", plan.chunk_rows);
    expect_exact_through_kills(taking(site), plan, sessions(site), change_t);
}

}  // namespace
}  // namespace tributary::agent_testing
