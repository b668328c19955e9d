// A row that Kafka will never take as the topic is set: with `halt` the pipeline stops before it,
// with `dead_letter` it goes on and the row can be replayed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/agent/rig.h"

namespace tributary::agent_testing {
namespace {

using testing::HasSubstr;

// Row `id` with 120 kB that hardly compress.
void insert_too_large(Site& site, int id) {
    site.sql("INSERT INTO t SELECT " + std::to_string(id) +
             ", string_agg(md5(random()::text), '') FROM generate_series(1, 3750)");
}

// catalogue: F37 F54
TEST(AgentPoison, HaltStopsBeforeTheRowAndLosesNothing) {
    Site site;
    kafka().create_topic(site.topic(), 1, {{"max.message.bytes", "20000"}});
    {
        Agent agent(site);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
        site.insert(1, 5);
        expect_exactly(site, 5);
        insert_too_large(site, 6);
        site.insert(7, 10);
        EXPECT_EQ(agent.wait(), 50) << agent.log();
        EXPECT_TRUE(agent.logs_error("poison_record", milliseconds(0)));
    }
    expect_exactly(site, 5);
    set_topic(site.topic(), {{"max.message.bytes", "1000000"}});
    const Agent agent(site);
    expect_exactly(site, 10);
}

// catalogue: F37
TEST(AgentPoison, DeadLetterGoesOnAndTheRowIsReplayed) {
    Site site;
    site.sources[0].lines = {"poison: dead_letter"};
    kafka().create_topic(site.topic(), 1, {{"max.message.bytes", "20000"}});
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(1, 5);
    insert_too_large(site, 6);
    site.insert(7, 10);
    Seen seen;
    ASSERT_TRUE(servers::poll_until(kPatience, [&] {
        seen = read_topic(site.topic());
        return seen.created.size() >= 9;
    })) << agent.log();
    EXPECT_EQ(seen.created.count(6), 0U);
    EXPECT_EQ(seen.repeated, 0U);
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
    EXPECT_EQ(reader.read("_tributary.dead_letter." + site.id + ".plant").size(), 1U);

    const Ran list = site.run({"deadletter", "ls"});
    EXPECT_EQ(list.code, 0) << list.output;
    EXPECT_THAT(list.output, HasSubstr("plant"));
    const Ran show = site.run({"deadletter", "show", "1"});
    EXPECT_EQ(show.code, 0) << show.output << list.output;
    EXPECT_THAT(show.output, HasSubstr(site.topic()));
    EXPECT_THAT(show.output, HasSubstr("(MSG_SIZE_TOO_LARGE)"));
    EXPECT_EQ(site.run({"deadletter", "show", "77"}).code, 10);

    set_topic(site.topic(), {{"max.message.bytes", "1000000"}});
    const Ran replay = site.run({"deadletter", "replay", "1"});
    EXPECT_EQ(replay.code, 0) << replay.output;
    EXPECT_THAT(replay.output, HasSubstr("with the source's next Kafka transaction"));
    expect_exactly(site, 10);
    EXPECT_TRUE(servers::poll_until(kPatience, [&] {
        return site.run({"deadletter", "ls"}).output.find(" yes ") != std::string::npos;
    })) << site.run({"deadletter", "ls"}).output;
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// A database without an encoding holds what was put in. The server, asked for UTF-8, would end the
// stream at the second row, for ever.
TEST(AgentPoison, ARowThatIsNoUtf8IsADeadLetterAndTheOthersAreDelivered) {
    Site site;
    const std::string raw = site.name + "_raw";
    site.sql("CREATE DATABASE " + raw +
             " ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    const auto sql = [&](const std::string& text) { site.server().sql(text, raw); };
    sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE PUBLICATION tributary FOR TABLE t; "
        "GRANT SELECT ON t TO tributary; "
        "INSERT INTO t VALUES (1, 'read'), (2, E'caf\\xE9')");
    site.sources[0].dbname = raw;
    site.sources[0].lines = {"poison: dead_letter", "snapshot: {mode: initial}"};
    Agent agent(site);
    Seen seen;
    const auto seen_rows = [&](std::size_t count) {
        return servers::poll_until(kPatience, [&] {
            seen = read_topic(site.topic());
            return seen.operations.size() >= count;
        });
    };
    ASSERT_TRUE(seen_rows(1)) << agent.log();
    sql("INSERT INTO t VALUES (3, E'caf\\xC3\\xA9'), (4, E'caf\\xE9'), (5, 'after')");
    EXPECT_TRUE(seen_rows(3)) << agent.log();
    EXPECT_EQ(seen.operations, (std::vector<std::string>{"r 1", "c 3", "c 5"})) << agent.log();
    EXPECT_THAT(site.run({"deadletter", "ls"}).output, HasSubstr("not UTF-8"));
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

}  // namespace
}  // namespace tributary::agent_testing
