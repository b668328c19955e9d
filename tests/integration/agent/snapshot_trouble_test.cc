// What happens to a snapshot when something happens to the server, the uplink or the disk: a named
// error, or exact continuation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/agent/snapshot_full_disk.h"
#include "tests/integration/agent/snapshot_rig.h"
#include "tests/servers/sql.h"

namespace tributary::agent_testing {
namespace {

class SnapshotTrouble : public testing::Test {
  protected:
    void TearDown() override { uplink().restore(); }

    static bool under_way(const Agent& agent, int rows = 1) {
        return agent.poll([rows](const auto& at) {
            return at.contains("snapshot") && at.at("snapshot").at("rows") >= rows;
        });
    }
    // Chunks small enough that the snapshot is not over before the test does something.
    static constexpr int kRows = 2500;
    static Site& slow(Site& site) { return with_snapshot(site, "initial", 2); }
};

TEST_F(SnapshotTrouble, ARightTakenAwayIsANamedStopAndGivenBackGoesOnExactly) {
    Site site;
    site.insert(1, kRows);
    {
        Agent agent(slow(site));
        ASSERT_TRUE(under_way(agent));
        site.sql("REVOKE SELECT ON t FROM tributary");
        EXPECT_EQ(agent.wait(), 11) << agent.log();
        EXPECT_TRUE(agent.logs_error("source_rights", milliseconds(0)));
    }
    Agent agent(with_snapshot(site));
    ASSERT_TRUE(complete(agent));
    EXPECT_EQ(take(site.topic()).reads, kRows);
    expect_same(site);
}

TEST_F(SnapshotTrouble, ALockedTableIsWaitedForWhileTheStreamGoesOn) {
    Site site;
    site.insert(1, kRows);
    site.sql(
        "CREATE TABLE u (id int PRIMARY KEY, v text); ALTER PUBLICATION tributary ADD TABLE u");
    Agent agent(slow(site));
    ASSERT_TRUE(under_way(agent));
    {
        servers::SqlConnection locker(site.server().conninfo(site.name));
        locker.sql("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
        ASSERT_TRUE(agent.logs("a chunk of the snapshot could not be read"));
        site.sql("INSERT INTO u VALUES (1, 'meanwhile')");
        ASSERT_TRUE(servers::poll_until(
            kPatience, [&] { return take(site.topic("plant", "public.u")).changes == 1; }));
        locker.sql("ROLLBACK");
    }
    ASSERT_TRUE(complete(agent));
    EXPECT_EQ(take(site.topic()).reads, kRows);
    expect_same_in_the_end(site, agent);
}

// Two that lock a partitioned table and its partition in different orders: the chunk's reader is
// the one that the server chooses to fail.
TEST_F(SnapshotTrouble, ADeadlockIsTriedAgain) {
    Site site;
    site.sql(
        "CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (1000000);"
        "INSERT INTO part SELECT generate_series(1, 2500);"
        "ALTER PUBLICATION tributary ADD TABLE part;"
        "ALTER PUBLICATION tributary SET (publish_via_partition_root = true)");
    site.sql("ALTER ROLE tributary IN DATABASE " + site.name + " SET deadlock_timeout = '20ms'");
    Agent agent(slow(site));
    ASSERT_TRUE(under_way(agent));
    {
        servers::SqlConnection locker(site.server().conninfo(site.name));
        locker.sql("SET deadlock_timeout = '60s'; BEGIN; LOCK TABLE part_1");
        ASSERT_TRUE(servers::poll_until(kPatience, [&] {
            return site.sql(
                           "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = "
                           "'part_1'::regclass")
                       .value() != "0";
        }));
        locker.sql("LOCK TABLE part; COMMIT");
    }
    EXPECT_TRUE(agent.logs("a chunk of the snapshot could not be read"));
    ASSERT_TRUE(complete(agent));
    EXPECT_EQ(take(site.topic("plant", "public.part")).reads, kRows);
    expect_same(site, "part");
}

TEST_F(SnapshotTrouble, ACancelledStatementIsTriedAgain) {
    Site site;
    site.insert(1, 5000);
    // Each row takes two milliseconds: there is time to cancel.
    site.sql(
        "CREATE FUNCTION slow(int) RETURNS boolean LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_sleep(0.002); RETURN true; END'");
    with_snapshot(site, "no_data");
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    const Ran started = site.run({"snapshot",
                                  "start",
                                  "--source",
                                  "plant",
                                  "--table",
                                  "public.t",
                                  "--where",
                                  "id <= 400 AND public.slow(id)"});
    ASSERT_EQ(started.code, 0) << started.output;
    ASSERT_TRUE(servers::poll_until(kPatience, [&] {
        return site.sql(
                       "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE "
                       "usename = 'tributary' AND state = 'active' AND query LIKE 'COPY%'")
                   .value() != "0";
    }));
    ASSERT_TRUE(agent.logs("57014"));
    ASSERT_TRUE(complete(agent));
    EXPECT_EQ(take(site.topic()).reads, 400U);
}

TEST_F(SnapshotTrouble, AChangedKeyBeginsTheTableAgain) {
    Site site;
    site.insert(1, kRows);
    Agent agent(slow(site));
    ASSERT_TRUE(under_way(agent, 100));
    site.sql("ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id, v)");
    ASSERT_TRUE(agent.logs("the table's key was changed during its snapshot"));
    ASSERT_TRUE(complete(agent));
    // Rows of before under the old key, and all of them under the new one.
    EXPECT_GT(take(site.topic()).reads, kRows);
    EXPECT_EQ(take(site.topic()).table.repeated(), 0U);
}

TEST_F(SnapshotTrouble, AKilledSessionIsMadeAgain) {
    Site site;
    site.insert(1, kRows);
    Agent agent(slow(site));
    ASSERT_TRUE(under_way(agent, 100));
    const auto ended = site.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'tributary' "
        "AND datname = current_database() AND backend_type = 'client backend'");
    EXPECT_NE(ended.value(), "0");
    ASSERT_TRUE(complete(agent));
    EXPECT_EQ(take(site.topic()).reads, kRows);
    expect_same_in_the_end(site, agent);
}

TEST_F(SnapshotTrouble, WithoutKafkaRowsAreTakenUntilTheBoundAndDeliveredAfterwards) {
    constexpr int kWide = 9'000;
    Site site;
    site.max_bytes = "16MiB";
    // About 27 MiB that hardly compress: more than the log may hold.
    site.sql(
        "INSERT INTO t SELECT g, (SELECT string_agg(md5((g * 97 + i)::text), '') FROM "
        "generate_series(1, 96) i) FROM generate_series(1, " +
        std::to_string(kWide) + ") g");
    Agent agent(with_snapshot(site, "initial", 20));
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("delivered") > 10; }));
    uplink().cut();
    // It goes on without Kafka, a pause for the log's own house-keeping aside.
    ASSERT_TRUE(agent.poll([](const auto& at) {
        return at.at("intake").at("state") == "paused" && at.at("snapshot").at("rows") > 2000;
    }));
    EXPECT_LT(agent.pipeline().at("snapshot").at("rows"), kWide);
    uplink().restore();
    ASSERT_TRUE(complete(agent));
    EXPECT_EQ(take(site.topic()).reads, kWide);
    expect_same(site);
}

TEST_F(SnapshotTrouble, AFullDiskPausesItAndRoomLetsItGoOnExactly) {
    Site site;
    site.insert(1, kRows);
    site.sql(
        "CREATE TABLE ending (id int PRIMARY KEY); ALTER PUBLICATION tributary ADD TABLE ending");
    expect_full_disk_pauses(taking(slow(site)), kRows);
}

}  // namespace
}  // namespace tributary::agent_testing
