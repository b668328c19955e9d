// The uplink is dead, the log is full, the database stops: what is kept, what goes on, and that all
// of it arrives once afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "tests/integration/agent/rig.h"
#include "tests/integration/agent/small_disk.h"

namespace tributary::agent_testing {
namespace {

using testing::HasSubstr;

class AgentOutage : public testing::Test {
  protected:
    void TearDown() override { uplink().restore(); }

    static bool running(const Agent& agent) {
        return agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; });
    }
    // Rows first..last of about `bytes` each, that hardly compress, each in its own transaction.
    static void insert_wide(Site& site, int first, int last, int bytes) {
        for (int id = first; id <= last; ++id) {
            site.sql("INSERT INTO t SELECT " + std::to_string(id) +
                     ", string_agg(md5(random()::text), '') FROM generate_series(1, " +
                     std::to_string(bytes / 32) + ")");
        }
    }
    static std::int64_t held_by_slot(Site& site) {
        return std::stoll(site.sql("SELECT pg_current_wal_lsn() - confirmed_flush_lsn FROM "
                                   "pg_replication_slots WHERE slot_name = '" +
                                   site.slot() + "'")
                              .value());
    }
};

// catalogue: F30
TEST_F(AgentOutage, IntakeResumesAfterAPowerCutWithoutKafka) {
    Site site;
    {
        Agent agent(site);
        ASSERT_TRUE(running(agent));
        site.insert(1, 100);
        expect_exactly(site, 100);
        uplink().cut();
        site.insert(101, 200);
        ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 200; }));
        agent.kill9();
    }
    site.insert(201, 300);
    Agent agent(site);
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 300; }));
    EXPECT_LT(agent.pipeline().at("delivered"), 200);
    uplink().restore();
    expect_exactly(site, 300);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

TEST_F(AgentOutage, AFullLogPausesReadingAndLosesNothing) {
    constexpr int kRows = 300;
    Site site;
    site.max_bytes = "16MiB";
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    uplink().cut();
    insert_wide(site, 1, kRows, 150'000);
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("intake").at("state") == "paused"; }));
    EXPECT_LT(agent.pipeline().at("durable"), kRows);
    EXPECT_TRUE(agent.running());
    uplink().restore();
    expect_exactly(site, kRows);
    EXPECT_TRUE(running(agent));
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// catalogue: F9 F10
TEST_F(AgentOutage, AFullDiskPausesReadingAndLosesNothing) {
    Site site;
    SmallDisk disk(site.path("disk"));
    site.state_dir = site.path("disk") / "state";
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    uplink().cut();
    site.insert(1, 100);
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 100; }));
    disk.fill();
    site.insert(101, 200);
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("intake").at("state") == "paused"; }));
    EXPECT_EQ(agent.pipeline().at("intake").at("error"), "log_full");
    disk.fill();  // the ballast that the log gave back, too
    uplink().restore();
    // What delivery writes to the log has no room either.
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("delivered") >= 100; }));
    EXPECT_LT(agent.pipeline().at("durable"), 200);
    // What the log did not take waits in memory and at the source, and is not forgotten.
    EXPECT_TRUE(agent.poll([](const auto& at) {
        return at.at("lag_seconds").is_number() && at.at("lag_seconds") >= 2;
    }));
    EXPECT_TRUE(agent.running());
    disk.free();
    expect_exactly(site, 200);
    EXPECT_TRUE(running(agent));
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// catalogue: F38
TEST_F(AgentOutage, RightsThatAreMissingInKafkaAreNamedUntilTheyAreGiven) {
    Site site;
    site.bootstrap = kafka().bootstrap_of("SASL_PLAINTEXT");
    site.kafka_lines = {"properties:",
                        "  security.protocol: SASL_PLAINTEXT",
                        "  sasl.mechanism: PLAIN",
                        "  sasl.username: plant",
                        "  sasl.password: \"${file:" + site.path("password").string() + "}\""};
    deny_topics(site.name, true);
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 50);
    EXPECT_TRUE(agent.logs_error("kafka_denied"));
    EXPECT_TRUE(agent.poll([](const auto& at) {
        return at.at("delivery").at("state") == "retrying" &&
               at.at("delivery").at("error") == "kafka_denied";
    }));
    EXPECT_TRUE(agent.running());
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 50; }));
    EXPECT_TRUE(read_topic(site.topic()).operations.empty());
    deny_topics(site.name, false);
    expect_exactly(site, 50);
    EXPECT_TRUE(agent.caught_up());
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

// catalogue: F50
TEST_F(AgentOutage, ADeadUplinkDoesNotHoldUpAShutdownOfTheDatabase) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 100);
    expect_exactly(site, 100);
    uplink().cut();
    site.insert(101, 400);
    site.server().stop(servers::PostgresStop::fast, seconds(60));
    EXPECT_TRUE(agent.logs_error("source_unreachable"));
    site.server().start();
    site.insert(401, 500);
    uplink().restore();
    expect_exactly(site, 500);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

TEST_F(AgentOutage, UnderPressureTheDatabaseMayForgetWhatIsOnDisk) {
    constexpr int kRows = 150;
    constexpr std::int64_t kBound = 4 << 20;
    Site site;
    site.sources[0].lines = {"pressure_limit: 1MiB", "ack: auto"};
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 1);
    expect_exactly(site, 1);
    uplink().cut();
    insert_wide(site, 2, kRows, 100'000);
    ASSERT_GT(std::stoll(site.sql("SELECT pg_current_wal_lsn() - restart_lsn FROM "
                                  "pg_replication_slots WHERE slot_name = '" +
                                  site.slot() + "'")
                             .value()),
              0);
    EXPECT_TRUE(servers::poll_until(kPatience, [&] { return held_by_slot(site) < kBound; }))
        << held_by_slot(site) << "\n"
        << agent.log();
    EXPECT_TRUE(agent.logs("confirming what is on this disk"));
    EXPECT_LT(agent.pipeline().at("delivered"), 20);
    uplink().restore();
    expect_exactly(site, kRows);
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("confirming") == "delivered"; }));
}

// Nothing but the slot could tell where the pipeline was.
// catalogue: F20
TEST_F(AgentOutage, ALogLostBeforeTheFirstCheckpointLosesNothing) {
    Site site;
    site.sources[0].lines = {"ack: buffered"};
    {
        Agent agent(site);
        ASSERT_TRUE(running(agent));
        uplink().cut();
        site.insert(1, 100);
        ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 100; }));
        EXPECT_EQ(agent.pipeline().at("confirming"), "delivered");
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }
    std::filesystem::remove_all(site.state_dir / "log");
    uplink().restore();
    Agent agent(site);
    expect_exactly(site, 100);
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("confirming") == "durable"; }));
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

TEST_F(AgentOutage, WithoutPressureTheDatabaseKeepsWhatIsNotInKafka) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    uplink().cut();
    insert_wide(site, 1, 30, 100'000);
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 30; }));
    EXPECT_GT(held_by_slot(site), 30 * 50'000);
    EXPECT_EQ(agent.pipeline().at("confirming"), "delivered");
    uplink().restore();
    expect_exactly(site, 30);
    EXPECT_TRUE(servers::poll_until(kPatience, [&] { return held_by_slot(site) < 1'000'000; }));
}

// catalogue: F69
TEST_F(AgentOutage, StopsInTimeWithADeadUplink) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 10);
    expect_exactly(site, 10);
    uplink().cut();
    site.insert(11, 20);
    ASSERT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 20; }));
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(agent.stop(seconds(15)), 0) << agent.log();
    EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(15));
    uplink().restore();
    const Agent again(site);
    expect_exactly(site, 20);
}

// catalogue: F34
TEST_F(AgentOutage, ATopicDeletedWhileRunningIsMadeAgain) {
    Site site;
    Agent agent(site);
    ASSERT_TRUE(running(agent));
    site.insert(1, 10);
    expect_exactly(site, 10);
    kafka().delete_topic(site.topic());
    // What is accepted while the deletion is under way goes with the topic.
    servers::KafkaReader reader({.bootstrap = kafka().bootstrap()});
    ASSERT_TRUE(servers::poll_until(kPatience, [&] {
        const auto names = reader.topics();
        return std::find(names.begin(), names.end(), site.topic()) == names.end();
    }));
    site.insert(11, 20);
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("delivered") >= 20; })) << agent.log();
    const Seen seen = read_topic(site.topic());
    EXPECT_EQ(seen.created.size(), 10U);
    EXPECT_EQ(seen.created.count(11), 1U);
    EXPECT_EQ(seen.created.count(20), 1U);
    EXPECT_EQ(seen.repeated, 0U);
    EXPECT_TRUE(agent.running());
}

// catalogue: F17
TEST_F(AgentOutage, JumpsOfTheWallClockLoseNothing) {
    Site site;
    const auto offset = site.path("offset");
    write_file(offset, "0\n");
    Agent agent(site,
                {.environment = {{"LD_PRELOAD", TRIBUTARY_CLOCK_SHIM},
                                 {"CLOCK_SHIM_FILE", offset.string()}}});
    ASSERT_TRUE(running(agent));
    int last = 0;
    for (const char* jump : {"0", "-7200", "1800", "0"}) {
        write_file(offset, std::string(jump) + "\n");
        site.insert(last + 1, last + 50);
        last += 50;
        expect_exactly(site, last);
    }
    // An outage meanwhile: librdkafka waits longer and longer between its attempts to connect, and
    // what it waits for does not move with the clock (connectors/kafka/waits.cc).
    for (const char* jump : {"-7200", "1800", "0"}) {
        write_file(offset, std::string(jump) + "\n");
        uplink().cut();
        site.insert(last + 1, last + 20);
        last += 20;
        ASSERT_TRUE(agent.poll([&](const auto& at) { return at.at("durable") >= last; }));
        uplink().restore();
        expect_exactly(site, last);
    }
    // Brokers refuse records from more than an hour ahead (message.timestamp.after.max.ms of Kafka
    // 4): they wait for the clock to be right and are not taken for poison.
    write_file(offset, "172800\n");
    site.insert(last + 1, last + 50);
    last += 50;
    EXPECT_TRUE(agent.logs("Invalid timestamp"));
    write_file(offset, "0\n");
    expect_exactly(site, last);
    EXPECT_THAT(agent.log(), testing::Not(HasSubstr("\"level\":\"error\"")));
    EXPECT_TRUE(agent.caught_up());
    EXPECT_EQ(agent.stop(), 0);
}

}  // namespace
}  // namespace tributary::agent_testing
