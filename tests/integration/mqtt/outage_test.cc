// Days on which something around the agent does not work: no uplink, a full log, a broker that dies
// or forgets.
#include <gtest/gtest.h>

#include <random>

#include "tests/integration/mqtt/rig.h"

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

}  // namespace
}  // namespace tributary::mqtt_testing
