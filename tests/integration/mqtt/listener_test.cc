// Devices without a broker: what the listener takes, refuses and survives.
#include <gtest/gtest.h>

#include "tests/integration/mqtt/rig.h"
#include "tests/servers/mosquitto.h"

namespace tributary::mqtt_testing {
namespace {

class Listener : public testing::TestWithParam<bool> {};  // MQTT 5

TEST_P(Listener, brings_every_qos_into_kafka_once) {
    Site site;
    site.listen();
    Agent agent(site);
    ASSERT_TRUE(agent.ready());
    Publisher publisher({.url = site.listener_url(), .client_id = "dev", .v5 = GetParam()});
    for (int number = 0; number < 1500; ++number) {
        publisher.send(site.mqtt_topic(), "v" + std::to_string(number), number / 500);
    }
    ASSERT_TRUE(publisher.settle());
    expect_once_each(site.topic(), "v", 1500);
    const auto records = read_topic(site.topic());
    EXPECT_EQ(header(records.front(), "mqtt.client"), "dev");
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

INSTANTIATE_TEST_SUITE_P(Protocols, Listener, testing::Bool(), [](const auto& at) {
    return std::string(at.param ? "v5" : "v3");
});

}  // namespace
}  // namespace tributary::mqtt_testing
