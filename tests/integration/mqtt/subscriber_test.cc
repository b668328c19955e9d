// A broker's messages into Kafka: what arrives, how it looks, and what survives a kill.
#include <gtest/gtest.h>

#include "tests/integration/mqtt/rig.h"

namespace tributary::mqtt_testing {
namespace {

class Subscriber : public testing::TestWithParam<const char*> {};  // the protocol

TEST_P(Subscriber, brings_every_qos_into_kafka_once) {
    for (const int qos : {0, 1, 2}) {
        Site site;
        site.subscribe(std::to_string(qos), GetParam());
        Agent agent(site);
        ASSERT_TRUE(agent.ready());
        ASSERT_TRUE(agent.logs("subscribed"));
        Publisher publisher({.url = mosquitto().url(), .client_id = site.name + "-p"});
        for (int number = 0; number < 500; ++number) {
            publisher.send(site.mqtt_topic(), "v" + std::to_string(number), qos);
        }
        ASSERT_TRUE(publisher.settle());
        expect_once_each(site.topic(), "v", 500);
        const auto records = read_topic(site.topic());
        EXPECT_EQ(records.front().key, "press-7");
        EXPECT_EQ(header(records.front(), "mqtt.topic"), site.mqtt_topic());
        EXPECT_EQ(header(records.front(), "mqtt.qos"), std::to_string(qos));
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }
}

TEST_P(Subscriber, loses_and_repeats_nothing_through_kills) {
    constexpr int kMessages = 6000;
    for (const int qos : {1, 2}) {
        Site site;
        site.subscribe(std::to_string(qos), GetParam());
        {
            const Agent agent(site);
            ASSERT_TRUE(agent.logs("subscribed"));
        }
        Publisher publisher({.url = mosquitto().url(), .client_id = site.name + "-p"});
        int sent = 0;
        for (int round = 0; round < 4; ++round) {
            Agent agent(site);
            ASSERT_TRUE(agent.ready());
            for (; sent < kMessages * (round + 1) / 4; ++sent) {
                publisher.send(site.mqtt_topic(), "v" + std::to_string(sent), qos);
            }
            agent.kill9();
        }
        ASSERT_TRUE(publisher.settle());
        const Agent last(site);
        expect_once_each(site.topic(), "v", kMessages);
    }
}

// 3.1.1 has no word for it: whoever subscribes gets them, and each run subscribes.
TEST_P(Subscriber, takes_retained_messages_with_a_new_session) {
    Site site;
    site.subscribe("1", GetParam());
    Publisher publisher({.url = mosquitto().url(), .client_id = site.name + "-p"});
    publisher.send(paho::make_message(site.mqtt_topic(), "retained", 1, true));
    ASSERT_TRUE(publisher.settle());
    for (const char* run : {"first run", "second run"}) {
        Agent agent(site);
        ASSERT_TRUE(agent.logs("subscribed"));
        publisher.send(site.mqtt_topic(), run);
        ASSERT_TRUE(
            servers::poll_until(kPatience, [&] { return counts(site.topic()).contains(run); }));
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }
    EXPECT_EQ(counts(site.topic())["retained"], std::string(GetParam()) == "5" ? 1 : 2);
    EXPECT_EQ(header(read_topic(site.topic()).front(), "mqtt.retain"), "true");
}

// mosquitto 2.0.11 passes the receive maximum whenever it has a backlog.
TEST(Subscriber5, drains_a_backlog_larger_than_its_window) {
    Site site;
    site.subscribe("1");
    site.lines.push_back("receive_maximum: 20");
    {
        Agent agent(site);
        ASSERT_TRUE(agent.logs("subscribed"));
        EXPECT_EQ(agent.stop(), 0);
    }
    Publisher publisher({.url = mosquitto().url(), .client_id = site.name + "-p"});
    for (int number = 0; number < 1000; ++number) {
        publisher.send(site.mqtt_topic(), "v" + std::to_string(number));
    }
    ASSERT_TRUE(publisher.settle());
    Agent agent(site);
    expect_once_each(site.topic(), "v", 1000);
}

TEST(Subscriber5, does_not_fight_for_ever_with_another_client_of_its_name) {
    Site site;
    site.subscribe("1");
    const Agent agent(site);
    ASSERT_TRUE(agent.logs("subscribed"));
    // Takes the session back each time that it loses it.
    const Publisher other({.url = mosquitto().url(), .client_id = site.name});
    EXPECT_TRUE(agent.logs("another client may use client_id " + site.name));
    EXPECT_TRUE(agent.poll([](const auto& at) {
        return at.at("intake").at("state") == "retrying" &&
               at.at("intake").at("error") == "mqtt_session_taken";
    }));
}

INSTANTIATE_TEST_SUITE_P(Protocols, Subscriber, testing::Values("5", "3.1.1"), [](const auto& at) {
    return std::string(at.param) == "5" ? "v5" : "v3";
});

}  // namespace
}  // namespace tributary::mqtt_testing
