// What happens to a snapshot of MariaDB or MySQL when something happens to the server: a named
// error, or exact continuation.
#include <gtest/gtest.h>

#include "tests/integration/agent/snapshot_full_disk.h"
#include "tests/integration/agent/snapshot_mysql_rig.h"

namespace tributary::agent_testing {
namespace {

class SnapshotTroubleOf : public SnapshotOf {
  protected:
    static constexpr int kRows = 4000;

    SnapshotTroubleOf() { fill(1, kRows); }
    static bool under_way(const Agent& agent) {
        return agent.poll(
            [](const auto& at) {
                return at.at("snapshot").is_object() && at["snapshot"].at("rows") >= 20;
            },
            kPatience,
            "shop");
    }
    // Chunks small enough that the snapshot is not over before the test does something.
    void slow() { shop_.configure("initial", 2); }
    // The account's statement that has this text.
    [[nodiscard]] std::optional<std::string> statement_with(const std::string& text) {
        for (const auto& row : shop_.server.sql("SHOW FULL PROCESSLIST").rows) {
            if (row.at(1) == shop_.user && row.at(7).value_or("").find(text) != std::string::npos) {
                return row.at(0);
            }
        }
        return std::nullopt;
    }
};

INSTANTIATE_TEST_SUITE_P(Servers, SnapshotTroubleOf, kBothServers, name_of_server);

TEST_P(SnapshotTroubleOf, ARightTakenAwayIsANamedStopAndGivenBackGoesOnExactly) {
    slow();
    {
        Agent agent(shop_.site);
        ASSERT_TRUE(under_way(agent));
        shop_.server.sql("REVOKE SELECT ON " + shop_.name + ".* FROM " + shop_.user);
        EXPECT_EQ(agent.wait(), 11) << agent.log();
        EXPECT_TRUE(agent.logs_error("source_rights", milliseconds(0)));
    }
    shop_.server.sql("GRANT SELECT ON " + shop_.name + ".* TO " + shop_.user);
    shop_.configure();
    const Agent agent(shop_.site);
    ASSERT_TRUE(complete(agent)) << agent.log();
    const Replay taken = after_reads(shop_.topic("t"), kRows);
    expect_table(shop_, taken);
}

TEST_P(SnapshotTroubleOf, AChangedKeyBeginsTheTableAgain) {
    slow();
    const Agent agent(shop_.site);
    auto locker = shop_.server.connect(shop_.name);
    ASSERT_TRUE(under_way(agent));
    locker.sql("LOCK TABLES t WRITE");
    ASSERT_TRUE(agent.logs("a chunk of the snapshot could not be read"));
    locker.sql("ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, v); UNLOCK TABLES");
    ASSERT_TRUE(agent.logs("the table's key was changed during its snapshot"));
    ASSERT_TRUE(complete(agent)) << agent.log();
    // Rows of before under the old key, and all of them under the new one.
    const Replay taken = replay(shop_.topic("t"));
    EXPECT_GT(taken.reads, kRows);
    EXPECT_EQ(taken.rows.size(), taken.reads);
    EXPECT_EQ(taken.repeated, 0U);
}

TEST_P(SnapshotTroubleOf, ALockedTableIsWaitedForWhileTheStreamGoesOn) {
    shop_.sql("CREATE TABLE u (id int PRIMARY KEY, v text)");
    slow();
    const Agent agent(shop_.site);
    ASSERT_TRUE(under_way(agent));
    auto locker = shop_.server.connect(shop_.name);
    locker.sql("LOCK TABLES t WRITE");
    ASSERT_TRUE(agent.logs("a chunk of the snapshot could not be read"));
    shop_.sql("INSERT INTO u VALUES (1, 'meanwhile')");
    ASSERT_TRUE(
        servers::poll_until(kPatience, [&] { return replay(shop_.topic("u")).changes == 1; }));
    locker.sql("UNLOCK TABLES");
    ASSERT_TRUE(complete(agent)) << agent.log();
    expect_table(shop_, after_reads(shop_.topic("t"), kRows));
}

TEST_P(SnapshotTroubleOf, AFullDiskPausesItAndRoomLetsItGoOnExactly) {
    shop_.sql("CREATE TABLE ending (id int PRIMARY KEY)");
    slow();
    expect_full_disk_pauses(taking(shop_), kRows);
}

TEST_P(SnapshotTroubleOf, AKilledStatementAndAKilledSessionAreTriedAgain) {
    for (const char* what : {"KILL QUERY ", "KILL CONNECTION "}) {
        shop_.configure("no_data");
        const Agent agent(shop_.site);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; },
                       kPatience,
                       "shop"));
        const std::size_t before = replay(shop_.topic("t")).reads;
        // Each row takes two milliseconds: there is time to kill.
        const Ran started = shop_.site.run({"snapshot",
                                            "start",
                                            "--source",
                                            "shop",
                                            "--table",
                                            shop_.name + ".t",
                                            "--where",
                                            "id <= 400 AND SLEEP(0.002) = 0"});
        ASSERT_EQ(started.code, 0) << started.output;
        std::optional<std::string> reader;
        ASSERT_TRUE(servers::poll_until(kPatience, [&] {
            reader = statement_with("SLEEP");
            return reader.has_value();
        }));
        shop_.server.sql(what + *reader);
        ASSERT_TRUE(agent.logs("a chunk of the snapshot could not be read"));
        ASSERT_TRUE(complete(agent)) << agent.log();
        after_reads(shop_.topic("t"), before + 400);
    }
}

}  // namespace
}  // namespace tributary::agent_testing
