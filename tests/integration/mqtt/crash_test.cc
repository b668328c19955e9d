// The agent killed again and again under load, at times spread over every window: before the fsync,
// between the fsync and the PUBACK, between the PUBACK and the Kafka commit, while it starts. Every
// message that was acknowledged is in Kafka, and none is there twice.
// TRIBUTARY_MQTT_KILLS: kills per case (default 12). TRIBUTARY_MQTT_SEED: a seed of before.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

#include "tests/integration/mqtt/rig.h"
#include "tests/servers/mqtt_device.h"

namespace tributary::mqtt_testing {
namespace {

struct Case {
    bool v5;
    int qos;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
    return std::string(info.param.v5 ? "v5_qos" : "v3_qos") + std::to_string(info.param.qos);
}

int kills() {
    const char* text = std::getenv("TRIBUTARY_MQTT_KILLS");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 12 : std::atoi(text);
}

unsigned seed() {
    const char* text = std::getenv("TRIBUTARY_MQTT_SEED");  // NOLINT(concurrency-mt-unsafe)
    const unsigned seed = text == nullptr ? std::random_device{}()
                                          : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
    std::cout << "seed " << seed << std::endl;
    return seed;
}

// Starts the agent, then kills it again and again while `send(number)` hands messages 0, 1, ... to
// the peer. A random number of messages, paced by the acknowledgements themselves, is a random
// time. How many messages were handed over. Those that were sent again and known had been fsynced
// and not acknowledged when the agent died.
template <typename Send>
int through_kills(const Site& site,
                  std::mt19937& random,
                  std::unique_ptr<Agent>& agent,
                  Send send) {
    int sent = 0;
    std::uint64_t known = 0;
    for (int round = 0; round < kills() && !testing::Test::HasFailure(); ++round) {
        const int burst = std::uniform_int_distribution<int>(1, 800)(random);
        for (int number = 0; number < burst && !testing::Test::HasFailure(); ++number) {
            send(sent++);
        }
        known += agent->metric("tributary_redeliveries_suppressed_total");
        agent->kill9();
        agent = std::make_unique<Agent>(site);
        if (round % 3 != 0) {  // else it is killed while it starts, or soon after
            EXPECT_TRUE(agent->ready());
        }
    }
    std::cout << kills() << " kills, " << sent << " messages, " << known << " sent again and known"
              << std::endl;
    return sent;
}

class Crash : public testing::TestWithParam<Case> {
  protected:
    Crash() : seed_(seed()), random_(seed_), trace_(__FILE__, __LINE__, seed_) {}

    Site site_;
    unsigned seed_;
    std::mt19937 random_;
    testing::ScopedTrace trace_;
    std::unique_ptr<Agent> agent_;
};

class SubscriberCrash : public Crash {};
class ListenerCrash : public Crash {};

// Paho publishes to a broker that lives on.
// catalogue: F63
TEST_P(SubscriberCrash, loses_and_repeats_nothing_that_was_acknowledged) {
    const Case at = GetParam();
    site_.subscribe(std::to_string(at.qos), at.v5 ? "5" : "3.1.1");
    agent_ = std::make_unique<Agent>(site_);
    ASSERT_TRUE(agent_->logs("subscribed"));
    Publisher publisher(
        {.url = mosquitto().url(), .client_id = site_.name + "-p", .v5 = at.v5, .inflight = 50});
    const int sent = through_kills(site_, random_, agent_, [&](int number) {
        publisher.send(site_.mqtt_topic(), "v" + std::to_string(number), at.qos);
    });
    ASSERT_TRUE(publisher.settle(seconds(90))) << publisher.unacknowledged() << agent_->log();
    expect_once_each(site_.topic(), "v", sent);
}

// The device's own listener dies; now and then its link breaks as well, with answers on their way.
TEST_P(ListenerCrash, loses_and_repeats_nothing_that_was_acknowledged) {
    const Case at = GetParam();
    site_.listen();
    agent_ = std::make_unique<Agent>(site_);
    ASSERT_TRUE(agent_->ready());
    servers::MqttDevice device(
        {.port = site_.listener_port(),
         .client_id = site_.name + "-d",
         .version = at.v5 ? mqtt::Version::v5 : mqtt::Version::v3_1_1,
         .qos = at.qos == 1 ? mqtt::Qos::at_least_once : mqtt::Qos::exactly_once});
    std::bernoulli_distribution cut(0.002);
    const int sent = through_kills(site_, random_, agent_, [&](int number) {
        device.send(site_.mqtt_topic(), "v" + std::to_string(number));
        EXPECT_EQ(device.wrong(), "");
        if (cut(random_)) {
            device.cut();
        }
    });
    ASSERT_TRUE(device.settle(seconds(90)))
        << device.unacknowledged() << device.wrong() << agent_->log();
    EXPECT_EQ(device.acknowledged(), static_cast<std::uint64_t>(sent));
    EXPECT_GT(device.sent_again(), 0U) << "nothing was in flight at any kill";
    expect_once_each(site_.topic(), "v", sent);
}

const auto kCases = testing::Values(Case{true, 1}, Case{true, 2}, Case{false, 1}, Case{false, 2});
INSTANTIATE_TEST_SUITE_P(All, SubscriberCrash, kCases, name_of);
INSTANTIATE_TEST_SUITE_P(All, ListenerCrash, kCases, name_of);

}  // namespace
}  // namespace tributary::mqtt_testing
