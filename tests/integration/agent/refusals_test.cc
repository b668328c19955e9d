// What the agent refuses, by the name of the error and the exit code, each beside what it accepts
// (stream_test.cc, verbs_test.cc run the same site without the fault).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/agent/rig.h"

namespace tributary::agent_testing {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(AgentRefuses, AWrongPassword) {
    Site site;
    write_file(site.path("wrong"), "not the password\n");
    site.sources[0].password_file = site.path("wrong").string();
    expect_refusal(site, "source_auth", 11);
}

TEST(AgentRefuses, AServerWithoutTlsWhenTlsIsAsked) {
    Site site;
    site.sources[0].sslmode = "require";
    expect_refusal(site, "source_tls", 11);
}

TEST(AgentRefuses, AServerThatDoesNotLogForDecoding) {
    const servers::TemporaryDirectory directory("tributary-replica");
    servers::Postgres server(
        {.directory = directory.path() / "pg", .settings = {{"wal_level", "replica"}}});
    server.create_user("tributary", kPassword, "REPLICATION");
    Site site(server);
    expect_refusal(site, "source_settings", 10);
}

TEST(AgentRefuses, AServerWithoutAFreeSlotUntilThereIsOne) {
    const servers::TemporaryDirectory directory("tributary-slots");
    servers::Postgres server(
        {.directory = directory.path() / "pg", .settings = {{"max_replication_slots", "1"}}});
    server.create_user("tributary", kPassword, "REPLICATION");
    Site site(server);
    site.sql("SELECT pg_create_logical_replication_slot('other', 'pgoutput')");
    expect_refusal(site, "slot_limit", 10);
    site.sql("SELECT pg_drop_replication_slot('other')");
    const Agent agent(site);
    EXPECT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
}

TEST(AgentRefuses, ASlotOfAnotherKind) {
    Site site;
    site.sql("SELECT pg_create_physical_replication_slot('" + site.slot() + "')");
    expect_refusal(site, "slot_foreign", 10);
    site.sql("SELECT pg_drop_replication_slot('" + site.slot() + "')");
}

TEST(AgentRefuses, ASlotOfAnotherDatabase) {
    Site other;
    other.sql("SELECT pg_create_logical_replication_slot('foreign_slot', 'pgoutput')");
    Site site;
    site.sources[0].slot = "foreign_slot";
    expect_refusal(site, "slot_foreign", 10);
}

TEST(AgentRefuses, AMissingPublicationUnlessItMayMakeOne) {
    Site site;
    site.sources[0].publication = "nowhere";
    expect_refusal(site, "publication_missing", 10);
}

// catalogue: F52
TEST(AgentRefuses, APublicationThatLostATable) {
    Site site;
    site.sources[0].lines = {"tables: {include: ['public\\.t']}"};
    {
        Agent agent(site);
        site.insert(1, 1);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
        EXPECT_EQ(agent.stop(), 0);
    }
    site.sql("ALTER PUBLICATION tributary DROP TABLE t");
    expect_refusal(site, "publication_unsuitable", 10);
}

TEST(AgentRefuses, AFileWithAnUnknownKeyAndSaysWhere) {
    Site site;
    site.sources[0].lines = {"slott: x"};
    Agent agent(site);
    EXPECT_EQ(agent.wait(), 10);
    EXPECT_THAT(agent.log(), HasSubstr("tributary.yaml:"));
    EXPECT_THAT(agent.log(), HasSubstr("slott"));
    EXPECT_FALSE(fs::exists(site.state_dir));
}

// catalogue: F14
TEST(AgentRefuses, AStateDirectoryThatItCannotWrite) {
    const auto user = servers::service_user();
    Site site;
    // The user may have no way into the build directory.
    fs::copy_file(TRIBUTARY_COMMAND, site.path("tributary"));
    site.state_dir = site.path("closed") / "state";
    fs::create_directory(site.path("closed"));
    fs::permissions(site.path("closed"), fs::perms::owner_read | fs::perms::owner_exec);
    Agent agent(site, {.program = site.path("tributary"), .user = user});
    EXPECT_EQ(agent.wait(), 40) << agent.log();
    EXPECT_TRUE(agent.logs_error("state_dir_unusable", milliseconds(0)));
}

// catalogue: F18
TEST(AgentRefuses, AStateDirectoryThatATwinHolds) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.socket = "twin.sock";
    expect_refusal(site, "state_dir_locked", 30);
    site.insert(1, 20);
    expect_exactly(site, 20);
    EXPECT_TRUE(agent.running());
}

// catalogue: F19
TEST(AgentRefuses, ALogOfANewerAgentAndLeavesItIntact) {
    Site site;
    {
        Agent agent(site);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
        site.insert(1, 5);
        ASSERT_TRUE(agent.caught_up(5));
        EXPECT_EQ(agent.stop(), 0);
    }
    const fs::path file = site.state_dir / "log" / "format";
    const std::string before = read_file(file);
    ASSERT_THAT(before, HasSubstr("tributary-log 1"));
    write_file(file, "tributary-log 99\n");
    expect_refusal(site, "log_too_new", 40);
    EXPECT_EQ(site.run({"buffer", "ls"}).code, 40);
    write_file(file, before);
    site.insert(6, 9);
    const Agent agent(site);
    expect_exactly(site, 9);
}

// catalogue: F35
TEST(AgentRefuses, ACheckpointTopicThatForgets) {
    Site site;
    kafka().create_topic(site.checkpoint_topic(), 1, {{"cleanup.policy", "delete"}});
    expect_refusal(site, "checkpoint_topic_unsuitable", 10);
}

}  // namespace
}  // namespace tributary::agent_testing
