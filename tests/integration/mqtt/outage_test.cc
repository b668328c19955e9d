// Days on which something around the agent does not work: no uplink, a full log, a broker that dies
// or forgets, a wall clock that jumps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/mqtt/rig.h"
#include "tests/servers/mqtt_device.h"

namespace tributary::mqtt_testing {
namespace {

TEST(Outage, of_kafka_is_what_the_disk_is_for) {
    Site site;
    site.listen();
    Agent agent(site);
    ASSERT_TRUE(agent.ready());
    Publisher publisher({.url = site.listener_url(), .client_id = "dev"});
    publisher.send(site.mqtt_topic(), "v0");
    expect_once_each(site.topic(), "v", 1);
    uplink().cut();
    for (int number = 1; number < 2000; ++number) {
        publisher.send(site.mqtt_topic(), "v" + std::to_string(number));
    }
    EXPECT_TRUE(publisher.settle()) << "acknowledged without Kafka";
    agent.kill9();
    uplink().restore();
    const Agent next(site);
    expect_once_each(site.topic(), "v", 2000);
}

TEST(Outage, with_ack_delivered_nothing_is_acknowledged_that_is_not_in_kafka) {
    Site site;
    site.listen();
    site.lines.push_back("ack: delivered");
    Agent agent(site);
    ASSERT_TRUE(agent.ready());
    Publisher publisher({.url = site.listener_url(), .client_id = "dev"});
    publisher.send(site.mqtt_topic(), "v0");
    ASSERT_TRUE(publisher.settle());
    uplink().cut();
    for (int number = 1; number < 50; ++number) {
        publisher.send(site.mqtt_topic(), "v" + std::to_string(number));
    }
    EXPECT_FALSE(publisher.settle(seconds(3)));
    EXPECT_EQ(publisher.unacknowledged(), 49U);
    uplink().restore();
    EXPECT_TRUE(publisher.settle());
    expect_once_each(site.topic(), "v", 50);
}

// 16 MiB of log against 28 MiB of messages that do not compress.
void fill(Publisher& publisher, const Site& site, int count) {
    std::mt19937 random(1);
    for (int number = 0; number < count; ++number) {
        std::string payload = "v" + std::to_string(number) + " ";
        while (payload.size() < 16'000) {
            payload.push_back(static_cast<char>(static_cast<unsigned char>(random() & 0xFFU)));
        }
        publisher.send(site.mqtt_topic(), payload);
    }
}

std::size_t distinct_once(const Site& site, std::size_t at_least) {
    std::map<std::string, int> seen;
    EXPECT_TRUE(servers::poll_until(seconds(90), [&] {
        seen = counts(site.topic());
        return seen.size() >= at_least;
    })) << seen.size();
    for (const auto& [value, times] : seen) {
        EXPECT_EQ(times, 1) << value.substr(0, 8);
    }
    return seen.size();
}

TEST(FullLog, turns_devices_away_and_loses_nothing) {
    Site site;
    site.max_bytes = "16MiB";
    site.listen();
    Agent agent(site);
    ASSERT_TRUE(agent.ready());
    uplink().cut();
    {
        Publisher publisher({.url = site.listener_url(), .client_id = "dev", .inflight = 3000});
        fill(publisher, site, 1800);
        EXPECT_TRUE(agent.logs("devices are turned away", seconds(60)));
        EXPECT_FALSE(publisher.settle(seconds(1)));
        uplink().restore();
        EXPECT_TRUE(publisher.settle(seconds(120))) << publisher.unacknowledged();
    }
    EXPECT_EQ(distinct_once(site, 1800), 1800U);
    EXPECT_TRUE(agent.logs("devices may come", milliseconds(0)));
}

TEST(FullLog, leaves_messages_with_the_broker) {
    Site site;
    site.max_bytes = "16MiB";
    site.subscribe("1");
    Agent agent(site);
    ASSERT_TRUE(agent.logs("subscribed"));
    uplink().cut();
    Publisher publisher({.url = mosquitto().url(), .client_id = site.name + "-p"});
    fill(publisher, site, 1800);
    EXPECT_TRUE(publisher.settle());
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("intake").at("state") == "paused"; },
                           seconds(60)));
    uplink().restore();
    EXPECT_EQ(distinct_once(site, 1800), 1800U);
}

// catalogue: F62
TEST(Broker, that_dies_and_comes_back_loses_nothing_it_had_written_down) {
    Site site;
    site.subscribe("1");
    Agent agent(site);
    ASSERT_TRUE(agent.logs("subscribed"));
    Publisher publisher({.url = mosquitto().url(), .client_id = site.name + "-p"});
    for (int number = 0; number < 1000; ++number) {
        publisher.send(site.mqtt_topic(), "v" + std::to_string(number));
    }
    ASSERT_TRUE(publisher.settle());
    expect_once_each(site.topic(), "v", 1000);
    mosquitto().restart();
    for (int number = 1000; number < 2000; ++number) {
        publisher.send(site.mqtt_topic(), "v" + std::to_string(number));
    }
    EXPECT_TRUE(publisher.settle());
    expect_once_each(site.topic(), "v", 2000);
}

// catalogue: F62
TEST(Broker, that_forgot_our_session_leaves_a_gap_record) {
    Site site;
    site.subscribe("1");
    site.lines.push_back("gaps: " + site.name + ".gaps");
    {
        Agent agent(site);
        ASSERT_TRUE(agent.logs("subscribed"));
        EXPECT_EQ(agent.stop(), 0);
    }
    mosquitto().stop();
    mosquitto().forget();
    mosquitto().start();
    Agent agent(site);
    ASSERT_TRUE(agent.logs("subscribed"));
    EXPECT_TRUE(agent.logs("forgotten our session"));
    Publisher publisher({.url = mosquitto().url(), .client_id = site.name + "-p"});
    publisher.send(site.mqtt_topic(), "v0");
    expect_once_each(site.topic(), "v", 1);
    const auto gaps = read_topic(site.name + ".gaps");
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(header(gaps.front(), "mqtt.kind"), "gap");
}

// An agent whose wall clock is off by as much as it is told. Kafka 4 takes no record from more than
// an hour ahead of its own clock: those wait for the clock to be right.
class WallClock : public testing::Test {
  protected:
    static constexpr std::array kJumps{"0", "-7200", "1800", "172800", "0"};

    void start() {
        jump("0");
        agent_.emplace(
            site_,
            std::vector<std::pair<std::string, std::string>>{
                {"LD_PRELOAD", TRIBUTARY_CLOCK_SHIM}, {"CLOCK_SHIM_FILE", offset().string()}});
    }
    void jump(const std::string& seconds_off) const {
        agent_testing::write_file(offset(), seconds_off + "\n");
    }
    [[nodiscard]] std::filesystem::path offset() const { return site_.path("offset"); }
    std::string next_value() { return "v" + std::to_string(sent_++); }

    Site site_;
    std::optional<Agent> agent_;
    int sent_ = 0;
};

// catalogue: F17
TEST_F(WallClock, that_jumps_leaves_devices_their_connections_and_sessions) {
    site_.listen();
    start();
    ASSERT_TRUE(agent_->ready());
    servers::MqttDevice steady({.port = site_.listener_port(), .client_id = site_.name + "-d"});
    servers::MqttDevice away({.port = site_.listener_port(), .client_id = site_.name + "-a"});
    for (const char* seconds_off : kJumps) {
        jump(seconds_off);
        for (int number = 0; number < 50; ++number) {
            steady.send(site_.mqtt_topic(), next_value());
        }
        EXPECT_TRUE(steady.settle(kPatience)) << steady.wrong();
        // Its session is good for an hour, and it says so when the listener has lost it.
        away.send(site_.mqtt_topic(), next_value());
        EXPECT_TRUE(away.settle(kPatience)) << away.wrong();
        away.cut();
    }
    EXPECT_EQ(steady.sent_again(), 0U) << "it has lost its connection";
    expect_once_each(site_.topic(), "v", sent_);
}

TEST_F(WallClock, that_is_set_back_does_not_prolong_what_a_device_may_be_silent) {
    site_.listen();
    start();
    ASSERT_TRUE(agent_->ready());
    servers::MqttDevice silent(
        {.port = site_.listener_port(), .client_id = site_.name + "-s", .keep_alive_s = 1});
    silent.send(site_.mqtt_topic(), next_value());
    EXPECT_TRUE(silent.settle(kPatience)) << silent.wrong();
    jump("-7200");
    EXPECT_TRUE(agent_->logs("\"timeouts\":\"1\""));
}

TEST_F(WallClock, that_jumps_leaves_the_subscriber_its_connection) {
    site_.subscribe("1");
    site_.lines.push_back("keepalive: 1s");
    site_.lines.push_back("connect_timeout: 5s");
    start();
    ASSERT_TRUE(agent_->logs("subscribed"));
    Publisher publisher({.url = mosquitto().url(), .client_id = site_.name + "-p"});
    for (const char* seconds_off : kJumps) {
        jump(seconds_off);
        for (int number = 0; number < 50; ++number) {
            publisher.send(site_.mqtt_topic(), next_value());
        }
        EXPECT_TRUE(publisher.settle());
    }
    expect_once_each(site_.topic(), "v", sent_);
    EXPECT_THAT(agent_->log(), testing::Not(testing::HasSubstr("\"error\":\"source_")));
    // A broker that answers no ping any more is noticed as soon as ever.
    mosquitto().freeze();
    jump("-7200");
    EXPECT_TRUE(agent_->logs("no PINGRESP"));
    mosquitto().thaw();
    // Nor do the attempts to connect wait for the clock.
    jump("1800");
    publisher.send(site_.mqtt_topic(), next_value());
    EXPECT_TRUE(publisher.settle());
    expect_once_each(site_.topic(), "v", sent_);
}

}  // namespace
}  // namespace tributary::mqtt_testing
