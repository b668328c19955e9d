// The agent killed again and again under load, at times spread over every window: before the fsync,
// between the fsync and the PUBACK, between the PUBACK and the Kafka commit, while it starts. Every
// message that was acknowledged is in Kafka, and none is there twice.
// TRIBUTARY_MQTT_KILLS: kills per case (default 12).
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/integration/mqtt/rig.h"

namespace tributary::mqtt_testing {
namespace {

struct Case {
    bool listener;
    bool v5;
    int qos;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
    return std::string(info.param.listener ? "listener" : "subscriber") +
           (info.param.v5 ? "_v5_qos" : "_v3_qos") + std::to_string(info.param.qos);
}

int kills() {
    const char* text = std::getenv("TRIBUTARY_MQTT_KILLS");  // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 12 : std::atoi(text);
}

class Crash : public testing::TestWithParam<Case> {};

TEST_P(Crash, loses_and_repeats_nothing_that_was_acknowledged) {
    const Case at = GetParam();
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Site site;
    if (at.listener) {
        site.listen();
    } else {
        site.subscribe(std::to_string(at.qos), at.v5 ? "5" : "3.1.1");
    }
    auto agent = std::make_unique<Agent>(site);
    ASSERT_TRUE(agent->ready());
    if (!at.listener) {
        ASSERT_TRUE(agent->logs("subscribed"));
    }
    Publisher publisher({.url = at.listener ? site.listener_url() : mosquitto().url(),
                         .client_id = site.name + "-p",
                         .v5 = at.v5,
                         .inflight = 50});
    int sent = 0;
    for (int round = 0; round < kills(); ++round) {
        // A random number of messages, paced by the acknowledgements themselves, is a random time.
        const int burst = std::uniform_int_distribution<int>(1, 800)(random);
        for (int number = 0; number < burst; ++number) {
            publisher.send(site.mqtt_topic(), "v" + std::to_string(sent++), at.qos);
        }
        agent->kill9();
        agent = std::make_unique<Agent>(site);
        if (round % 3 != 0) {  // else it is killed while it starts, or soon after
            ASSERT_TRUE(agent->ready());
        }
    }
    ASSERT_TRUE(publisher.settle(seconds(90))) << publisher.unacknowledged() << agent->log();
    expect_once_each(site.topic(), "v", sent);
}

// Not the listener: with Paho C 1.3.12 as the device about every tenth run wedges (docs/mqtt.md,
// "Not settled"). The sessions' model has these kills.
INSTANTIATE_TEST_SUITE_P(All,
                         Crash,
                         testing::Values(Case{false, true, 1},
                                         Case{false, true, 2},
                                         Case{false, false, 1},
                                         Case{false, false, 2}),
                         name_of);

}  // namespace
}  // namespace tributary::mqtt_testing
