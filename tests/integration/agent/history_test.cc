// The agent against histories that do not fit: slots that moved, were taken or lost, checkpoints of
// others, a lost log, a twin with the same name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/agent/rig.h"
#include "tests/servers/sql.h"

namespace tributary::agent_testing {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Delivers rows 1..count and stops.
void deliver(Site& site, int count) {
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(1, count);
    expect_exactly(site, count);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// catalogue: F47
TEST(AgentHistory, ALostSlotIsNamedAndResetFromNowGoesOn) {
    const servers::TemporaryDirectory directory("tributary-lost");
    servers::Postgres server({.directory = directory.path() / "pg",
                              .settings = {{"max_slot_wal_keep_size", "1MB"},
                                           {"max_wal_size", "32MB"},
                                           {"min_wal_size", "32MB"}}});
    server.create_user("tributary", kPassword, "REPLICATION");
    Site site(server);
    deliver(site, 10);
    site.sql("CREATE TABLE filler (v text)");
    const bool lost = servers::poll_until(kPatience, [&] {
        site.sql("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 2000)");
        site.sql("SELECT pg_switch_wal()");
        site.sql("CHECKPOINT");
        return site.sql("SELECT wal_status FROM pg_replication_slots WHERE slot_name = '" +
                        site.slot() + "'")
                   .value() == "lost";
    });
    ASSERT_TRUE(lost);
    expect_refusal(site, "slot_lost", 20);
    site.sql("SELECT pg_drop_replication_slot('" + site.slot() + "')");
    expect_refusal(site, "slot_missing", 20);
    const Ran reset = site.run({"reset", "plant", "--from", "now"});
    ASSERT_EQ(reset.code, 0) << reset.output;
    EXPECT_THAT(reset.output, HasSubstr("plant goes on from"));
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(11, 20);
    expect_exactly(site, 20);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

TEST(AgentHistory, ALogOfAnotherHostIsRefusedAndWelcomeAtHome) {
    Site site;
    write_file(site.path("other-host"), "00112233445566778899aabbccddeeff\n");
    const AgentOptions elsewhere{
        .environment = {{"LD_PRELOAD", TRIBUTARY_HOST_SHIM},
                        {"HOST_SHIM_FILE", site.path("other-host").string()}}};
    {
        Agent agent(site, elsewhere);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
        site.insert(1, 10);
        expect_exactly(site, 10);
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }
    expect_refusal(site, "log_foreign", 21);
    site.insert(11, 20);
    Agent agent(site, elsewhere);
    expect_exactly(site, 20);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// catalogue: F46
TEST(AgentHistory, ASlotThatSomebodyMovedIsAGapUntilReset) {
    Site site;
    deliver(site, 10);
    site.sql("INSERT INTO t VALUES (1000, 'skipped')");
    site.sql("SELECT pg_replication_slot_advance('" + site.slot() + "', pg_current_wal_lsn())");
    expect_refusal(site, "source_gap", 20);
    EXPECT_EQ(read_topic(site.topic()).operations.size(), 10U);
    const Ran reset = site.run({"reset", "plant", "--from", "now"});
    ASSERT_EQ(reset.code, 0) << reset.output;
    Agent agent(site);
    ASSERT_TRUE(
        agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(11, 20);
    expect_exactly(site, 20);
}

// catalogue: F46
TEST(AgentHistory, ADroppedSlotIsNamed) {
    Site site;
    deliver(site, 3);
    site.sql("SELECT pg_drop_replication_slot('" + site.slot() + "')");
    expect_refusal(site, "slot_missing", 20);
}

TEST(AgentHistory, WaitsForASlotThatAnotherReaderHolds) {
    Site site;
    deliver(site, 10);
    std::optional<servers::SqlConnection> other(
        std::in_place, site.server().conninfo(site.name) + " replication=database");
    const std::string start = "START_REPLICATION SLOT " + site.slot() +
                              " LOGICAL 0/0 (proto_version '1', publication_names 'tributary')";
    PGresult* const began = PQexec(other->handle(), start.c_str());
    ASSERT_EQ(PQresultStatus(began), PGRES_COPY_BOTH) << PQerrorMessage(other->handle());
    PQclear(began);
    Agent agent(site);
    EXPECT_TRUE(agent.logs_error("slot_in_use"));
    site.insert(11, 20);
    EXPECT_TRUE(agent.running());
    other.reset();
    expect_exactly(site, 20);
}

// catalogue: F19
TEST(AgentHistory, ACheckpointOfANewerAgentStopsDelivery) {
    Site site;
    deliver(site, 5);
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
    const auto records = reader.read(site.checkpoint_topic());
    ASSERT_FALSE(records.empty());
    ASSERT_TRUE(records.back().key && records.back().value);
    auto newer = nlohmann::json::parse(*records.back().value);
    newer["format"] = 99;
    produce(site.checkpoint_topic(), *records.back().key, newer.dump());
    expect_refusal(site, "checkpoint_too_new", 10);
    // The last record that this agent understands, produced again, is the remedy.
    produce(site.checkpoint_topic(), *records.back().key, *records.back().value);
    site.insert(6, 10);
    const Agent agent(site);
    expect_exactly(site, 10);
}

// catalogue: F20
TEST(AgentHistory, ALostLogIsReplacedFromKafkasCheckpoint) {
    Site site;
    deliver(site, 500);
    {
        Agent agent(site);
        site.insert(501, 600);
        expect_exactly(site, 600);
        agent.kill9();
    }
    site.insert(601, 700);
    fs::remove_all(site.state_dir / "log");
    Agent agent(site);
    expect_exactly(site, 700);
    EXPECT_TRUE(agent.caught_up());
    EXPECT_EQ(agent.stop(), 0);
}

// Its events are older than Kafka's checkpoint, and the slot has moved past them.
// catalogue: F21
TEST(AgentHistory, AnOldCopyOfTheLogIsSetAsideAndNothingIsLostOrRepeated) {
    Site site;
    deliver(site, 100);
    fs::copy(site.state_dir, site.path("old"), fs::copy_options::recursive);
    {
        Agent agent(site);
        site.insert(101, 200);
        expect_exactly(site, 200);
        ASSERT_TRUE(agent.caught_up());
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }
    fs::remove_all(site.state_dir);
    fs::rename(site.path("old"), site.state_dir);
    site.insert(201, 300);
    Agent agent(site);
    expect_exactly(site, 300);
    EXPECT_TRUE(agent.logs("set aside"));
    EXPECT_TRUE(agent.caught_up());
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// A copied configuration: the twin fences the first once, waits for the slot and delivers nothing;
// when it gets the slot it must not repeat what the first sent meanwhile.
// catalogue: F18
TEST(AgentHistory, OfTwoAgentsWithOneNameOneDeliversAndNothingComesTwice) {
    Site site;
    Agent first(site);
    ASSERT_TRUE(
        first.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
    site.insert(1, 100);
    expect_exactly(site, 100);
    site.state_dir = site.path("twin");
    site.socket = "twin.sock";
    Agent twin(site);
    ASSERT_TRUE(twin.logs_error("slot_in_use"));
    site.insert(101, 200);
    expect_exactly(site, 200);
    first.kill9();
    site.insert(201, 300);
    // What the twin knows is older than what the first delivered: it gives up by name, or goes on.
    const bool decided = servers::poll_until(kPatience, [&] {
        return !twin.running() || read_topic(site.topic()).operations.size() >= 300;
    });
    EXPECT_TRUE(decided) << twin.log();
    if (!twin.running()) {
        const int code = twin.wait();
        EXPECT_TRUE(code == 30 || code == 20) << code << twin.log();
    }
    twin.kill9();
    const Agent again(site);
    expect_exactly(site, 300);
}

TEST(AgentHistory, AnotherSlotUnderTheSameNameIsAnotherHistory) {
    Site site;
    site.sql("SELECT pg_create_logical_replication_slot('" + site.slot("other") + "', 'pgoutput')");
    deliver(site, 10);
    site.sources[0].slot = site.slot("other");
    expect_refusal(site, "source_diverged", 21);
    EXPECT_EQ(read_topic(site.topic()).operations.size(), 10U);
}

}  // namespace
}  // namespace tributary::agent_testing
