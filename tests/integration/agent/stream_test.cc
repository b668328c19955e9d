// What a consumer sees of the whole agent on good days, through kills of the agent, and with two
// pipelines of which one cannot work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/agent/rig.h"

namespace tributary::agent_testing {
namespace {

using testing::ElementsAre;

TEST(AgentStream, CarriesEveryKindOfChangeInOrder) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.sql("INSERT INTO t VALUES (1, 'a')");
    site.sql("UPDATE t SET v = 'b' WHERE id = 1");
    site.sql("UPDATE t SET id = 2 WHERE id = 1");
    site.sql("ALTER TABLE t ADD COLUMN w int DEFAULT 7");
    site.sql("INSERT INTO t VALUES (3, 'c', 8)");
    site.sql("DELETE FROM t WHERE id = 2");
    site.sql("TRUNCATE t");  // left out, as Debezium does unless told otherwise (docs/events.md)
    site.sql("INSERT INTO t VALUES (4, 'd', 9)");
    Seen seen;
    const std::size_t expected = 9;
    EXPECT_TRUE(servers::poll_until(kPatience, [&] {
        seen = read_topic(site.topic());
        return seen.operations.size() >= expected;
    }));
    EXPECT_THAT(
        seen.operations,
        ElementsAre("c 1", "u 1", "d 1", "tombstone", "c 2", "c 3", "d 2", "tombstone", "c 4"))
        << agent.log();
    EXPECT_EQ(seen.repeated, 0U);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

TEST(AgentStream, CarriesTruncateWhenItIsNotSkipped) {
    Site site;
    site.sources[0].topics = "skipped_operations: []";
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(1, 2);
    site.sql("TRUNCATE t");
    site.insert(3, 3);
    Seen seen;
    EXPECT_TRUE(servers::poll_until(kPatience, [&] {
        seen = read_topic(site.topic());
        return seen.operations.size() >= 4;
    })) << agent.log();
    EXPECT_THAT(seen.operations, ElementsAre("c 1", "c 2", "t", "c 3"));
    EXPECT_EQ(seen.repeated, 0U);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// catalogue: F1
TEST(AgentStream, ResumesExactlyAfterKillsInTheMiddleOfATransaction) {
    constexpr int kRows = 40'000;
    Site site;
    site.sources[0].lines = {"delivery: {transaction_rows: 500}"};
    {
        const Agent agent(site);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    }
    site.insert(1, kRows);
    int kills_in_the_middle = 0;
    for (int round = 0; round < 3; ++round) {
        Agent agent(site);
        const std::uint64_t goal = static_cast<std::uint64_t>(kRows) * (round + 1) / 5;
        ASSERT_TRUE(agent.poll([&](const auto& at) { return at.at("delivered") > goal; }));
        // Not by reading the topic: the dead agent's open transaction hides its end from a
        // read_committed consumer until the next agent, or a minute, has ended it.
        const auto delivered = agent.pipeline().at("delivered").get<std::uint64_t>();
        agent.kill9();
        kills_in_the_middle += delivered < static_cast<std::uint64_t>(kRows) ? 1 : 0;
    }
    EXPECT_GT(kills_in_the_middle, 0) << "every kill came after the end";
    const Agent last(site);
    expect_exactly(site, kRows);
}

TEST(AgentStream, OneParkedPipelineLeavesTheOtherAtWork) {
    Site site;
    write_file(site.path("wrong"), "not the password\n");
    SourceFile broken;
    broken.name = "broken";
    broken.password_file = site.path("wrong").string();
    site.sources.push_back(broken);
    Agent agent(site);
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("intake").at("state") == "parked"; },
                           kPatience,
                           "broken"));
    EXPECT_EQ(agent.pipeline("broken").at("intake").at("error"), "source_auth");
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(1, 50);
    expect_exactly(site, 50);
    EXPECT_TRUE(agent.running());
    EXPECT_EQ(agent.stop(), 0);
}

TEST(AgentStream, EndsWhenEveryPipelineIsParked) {
    Site site;
    write_file(site.path("wrong"), "not the password\n");
    SourceFile second;
    second.name = "second";
    site.sources.push_back(second);
    for (SourceFile& source : site.sources) {
        source.password_file = site.path("wrong").string();
    }
    expect_refusal(site, "source_auth", 11);
}

TEST(AgentStream, FailFastEndsWithTheFirstParkedPipeline) {
    Site site;
    write_file(site.path("wrong"), "not the password\n");
    SourceFile broken;
    broken.name = "broken";
    broken.password_file = site.path("wrong").string();
    site.sources.push_back(broken);
    Agent agent(site, {.arguments = {"--fail-fast"}});
    EXPECT_EQ(agent.wait(), 11) << agent.log();
}

}  // namespace
}  // namespace tributary::agent_testing
