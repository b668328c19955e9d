// Modes of snapshots, and the tables that an operator asks for: the whole agent, by its verbs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "admin/client.h"
#include "tests/integration/agent/snapshot_rig.h"

namespace tributary::agent_testing {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

bool running(const Agent& agent) {
    return agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; });
}

Ran start(const Site& site, const std::string& table, const std::vector<std::string>& more = {}) {
    std::vector<std::string> verb{"snapshot", "start", "--source", "plant", "--table", table};
    verb.insert(verb.end(), more.begin(), more.end());
    return site.run(verb);
}

// The mode is written by no line: what a new user gets.
Site& by_default(Site& site) {
    with_snapshot(site);
    site.sources[0].lines = {"snapshot: {chunk_rows: 1000}"};
    return site;
}

TEST(SnapshotModes, InitialIsTheDefaultOfANewPipelineAndOfNoOther) {
    {
        Site site;
        site.insert(1, 3000);
        Agent agent(by_default(site));
        ASSERT_TRUE(complete(agent));
        EXPECT_EQ(take(site.topic()).reads, 3000U);
    }
    // A log of an older version, whose default was no_data: its pipeline is past the beginning.
    Site site;
    site.insert(1, 10);
    {
        Agent agent(with_snapshot(site, "no_data"));
        ASSERT_TRUE(running(agent));
        site.insert(11, 12);
        ASSERT_TRUE(agent.caught_up(3));
        EXPECT_EQ(agent.stop(), 0);
    }
    Agent agent(by_default(site));
    ASSERT_TRUE(running(agent));
    site.insert(13, 13);
    // Committed is what the coordinator answers; readers see it when it has written its markers.
    EXPECT_TRUE(servers::poll_until(
        kPatience, [&] { return read_topic(site.topic()).operations.size() == 3; }));
    EXPECT_THAT(read_topic(site.topic()).operations, ElementsAre("c 11", "c 12", "c 13"));
    EXPECT_EQ(agent.pipeline().at("snapshot").at("state"), "none");
}

TEST(SnapshotModes, InitialOnlyEndsCleanlyAndAnotherModeGoesOnFromThere) {
    Site site;
    site.insert(1, 5000);
    {
        Agent agent(with_snapshot(site, "initial_only", 1000));
        EXPECT_EQ(agent.wait(), 0) << agent.log();
        EXPECT_TRUE(agent.logs("The slot stays", milliseconds(0)));
    }
    EXPECT_EQ(take(site.topic()).reads, 5000U);
    site.insert(5001, 5003);
    {
        Agent again(site);
        EXPECT_EQ(again.wait(), 0) << again.log();
    }
    EXPECT_EQ(take(site.topic()).reads, 5000U);
    EXPECT_EQ(take(site.topic()).changes, 0U);
    Agent agent(with_snapshot(site, "initial"));
    ASSERT_TRUE(running(agent));
    ASSERT_TRUE(servers::poll_until(kPatience, [&] { return take(site.topic()).changes == 3; }));
    EXPECT_EQ(take(site.topic()).reads, 5000U);
    expect_same(site);
}

TEST(SnapshotModes, AlwaysTakesEveryRowAtEachStart) {
    Site site;
    site.insert(1, 500);
    for (const std::size_t times : {1U, 2U}) {
        Agent agent(with_snapshot(site, "always"));
        ASSERT_TRUE(complete(agent));
        EXPECT_EQ(take(site.topic()).reads, 500U * times);
        EXPECT_EQ(agent.stop(), 0);
    }
    expect_same(site);
}

TEST(SnapshotModes, WhenNeededTakesRowsAgainOnlyWhereTheServerHasLostChanges) {
    Site site;
    site.insert(1, 100);
    const auto once = [&](const char* log_line) {
        Agent agent(with_snapshot(site, "when_needed"));
        EXPECT_TRUE(log_line == nullptr ? running(agent) : agent.logs(log_line));
        EXPECT_TRUE(log_line == nullptr || complete(agent));
        site.insert(1000 + static_cast<int>(take(site.topic()).changes),
                    1000 + static_cast<int>(take(site.topic()).changes));
        const std::size_t changes = take(site.topic()).changes;
        EXPECT_TRUE(
            servers::poll_until(kPatience, [&] { return take(site.topic()).changes > changes; }));
        EXPECT_EQ(agent.stop(), 0);
        return take(site.topic()).reads;
    };
    const auto slot_free = [&] {
        return servers::poll_until(kPatience, [&] {
            return site.sql("SELECT active FROM pg_replication_slots WHERE slot_name = '" +
                            site.slot() + "'")
                       .value() == "f";
        });
    };
    EXPECT_EQ(once("snapshot begins"), 100U);
    EXPECT_EQ(once(nullptr), 100U) << "nothing is missing";
    ASSERT_TRUE(slot_free());
    site.sql("SELECT pg_drop_replication_slot('" + site.slot() + "')");
    site.sql("UPDATE t SET v = 'unseen' WHERE id <= 50; INSERT INTO t VALUES (500, 'unseen')");
    EXPECT_EQ(once("the server no longer has all changes"), 203U);
    expect_same(site);
    // Somebody moved the slot.
    site.sql("UPDATE t SET v = 'unseen too' WHERE id <= 50");
    ASSERT_TRUE(slot_free());
    site.sql("SELECT pg_replication_slot_advance('" + site.slot() + "', pg_current_wal_lsn())");
    EXPECT_EQ(once("the server no longer has all changes"), 307U);
    expect_same(site);
    // Without this mode it is a named stop.
    ASSERT_TRUE(slot_free());
    site.sql("SELECT pg_drop_replication_slot('" + site.slot() + "')");
    expect_refusal(with_snapshot(site, "initial"), "slot_missing", 20);
}

TEST(AdHocSnapshot, IsExactBesideWritersAndThroughKills) {
    constexpr int kRows = 15'000;
    Site site;
    fill(site, kRows);
    with_snapshot(site, "no_data", 100);
    Writers writers(sessions(site), {.threads = 3, .rows = kRows}, change_t);
    {
        Agent agent(site);
        ASSERT_TRUE(running(agent));
        const Ran started = start(site, "public.t");
        ASSERT_EQ(started.code, 0) << started.output;
        agent.kill9();  // what was answered is on the disk
    }
    for (int round = 0; round < 3; ++round) {
        Agent agent(site);
        ASSERT_TRUE(agent.poll([&](const auto& at) {
            return at.at("snapshot").at("rows") > 1000 * (round + 1) ||
                   at.at("snapshot").at("state") == "complete";
        }));
        agent.kill9();
    }
    const Agent last(site);
    ASSERT_TRUE(
        last.poll([](const auto& at) { return at.at("snapshot").at("state") == "complete"; }));
    EXPECT_GT(writers.stop(), 100U);
    expect_same_in_the_end(site, last);
    EXPECT_THAT(take(site.topic()).markers, Each("incremental"));
}

TEST(AdHocSnapshot, TakesTheRowsOfAConditionAndSaysHowFarItIs) {
    Site site;
    site.insert(1, 2000);
    site.sql("ANALYZE t");
    Agent agent(with_snapshot(site, "no_data", 10));
    ASSERT_TRUE(running(agent));
    ASSERT_EQ(start(site, "public.t", {"--where", "id % 2 = 0 AND v <> 'it''s' -- even ones"}).code,
              0);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("snapshot").at("state") == "complete"; }));
    ASSERT_TRUE(agent.caught_up());
    EXPECT_EQ(take(site.topic()).reads, 1000U);
    const Ran status = site.run({"snapshot", "status"});
    EXPECT_EQ(status.code, 0);
    EXPECT_THAT(status.output, HasSubstr("plant: complete, 1000 rows"));
    // Again, all of them, and afterwards a further table after the first.
    site.sql(
        "CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1), (2);"
        "ALTER PUBLICATION tributary ADD TABLE u; GRANT SELECT ON u TO tributary");
    ASSERT_EQ(start(site, "public.t", {"--table", "public.u"}).code, 0);
    ASSERT_TRUE(agent.poll([](const auto& at) {
        return at.at("snapshot").at("state") == "complete" && at.at("snapshot").at("rows") == 2002;
    }));
    ASSERT_TRUE(agent.caught_up());
    EXPECT_EQ(take(site.topic()).reads, 3000U);
    EXPECT_EQ(take(site.topic("plant", "public.u")).reads, 2U);
    const auto metrics = admin::request(site.path(site.socket).string(), "GET", "/metrics");
    ASSERT_TRUE(metrics);
    for (const char* line : {"tributary_snapshot_completed{pipeline=\"plant\"} 1",
                             "tributary_snapshot_running{pipeline=\"plant\"} 0",
                             "tributary_snapshot_total_table_count{pipeline=\"plant\"} 2",
                             "tributary_snapshot_remaining_table_count{pipeline=\"plant\"} 0",
                             "tributary_snapshot_rows_scanned{pipeline=\"plant\"} 2002"}) {
        EXPECT_THAT(metrics.value(), HasSubstr(line));
    }
}

TEST(AdHocSnapshot, IsStoppedAndRefusedByName) {
    Site site;
    site.insert(1, 20'000);
    site.sql(
        "CREATE TABLE hidden (id int PRIMARY KEY); CREATE TABLE unpublished (id int);"
        "ALTER PUBLICATION tributary ADD TABLE hidden");
    with_snapshot(site, "no_data", 1);
    site.sql("REVOKE SELECT ON hidden FROM tributary");
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    const auto refused = [&](const std::string& table, const std::vector<std::string>& more = {}) {
        const Ran ran = start(site, table, more);
        EXPECT_NE(ran.code, 0) << table;
        return ran.output;
    };
    EXPECT_THAT(refused("t"), HasSubstr("snapshot_refused"));
    EXPECT_THAT(refused("public.unpublished"), HasSubstr("not in the publication"));
    EXPECT_THAT(refused("public.hidden"), HasSubstr("GRANT SELECT ON \"public\".\"hidden\""));
    EXPECT_THAT(refused("public.t", {"--where", "id >"}), HasSubstr("snapshot_refused"));
    EXPECT_THAT(refused("public.t", {"--where", "true) TO STDOUT; DROP TABLE t; --"}),
                HasSubstr("snapshot_refused"));
    EXPECT_THAT(site.run({"snapshot", "stop", "--source", "plant"}).output,
                HasSubstr("no snapshot is under way"));
    EXPECT_EQ(agent.pipeline().at("snapshot").at("state"), "none");
    // One row at a time, so that it is under way for a while.
    ASSERT_EQ(start(site, "public.t").code, 0);
    EXPECT_THAT(refused("public.t"), HasSubstr("under way already"));
    EXPECT_THAT(site.run({"snapshot", "status"}).output, HasSubstr("public.t"));
    EXPECT_EQ(site.run({"snapshot", "stop", "--source", "plant", "--table", "public.t"}).code, 0);
    EXPECT_EQ(agent.pipeline().at("snapshot").at("tables_left"), 0);
    const std::size_t reads = agent.pipeline().at("snapshot").at("rows");
    EXPECT_LT(reads, 20'000U);
    // The stream goes on, the stop outlives a kill, and a condition that only fails on a row ends
    // its own snapshot and nothing else.
    agent.kill9();
    Agent again(site);
    ASSERT_TRUE(running(again));
    ASSERT_EQ(start(site, "public.t", {"--where", "1 / (id - 7) > 5"}).code, 0);
    ASSERT_TRUE(again.logs("22012"));
    site.insert(20'001, 20'001);
    ASSERT_TRUE(servers::poll_until(kPatience, [&] { return take(site.topic()).changes == 1; }));
    EXPECT_TRUE(servers::poll_until(
        kPatience, [&] { return again.pipeline().at("snapshot").at("tables_left") == 0; }));
    EXPECT_LE(take(site.topic()).reads, reads + 10);
}

}  // namespace
}  // namespace tributary::agent_testing
