// MQTT as a feed: devices that publish to the agent's own listener, or to a mosquitto that the
// agent subscribes at. Truth: what the devices sent and had acknowledged, each message once, in the
// order of its device. QoS 2 to the broker, half of the devices QoS 1 to the listener.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "tests/torture/feed.h"

namespace tributary::torture {

enum class MqttEnd { listener, subscriber };

struct MqttFeedOptions {
    std::filesystem::path folder;  // the broker's, made here
    std::uint64_t seed = 1;
    int devices = 4;
};

// Starts the broker, if there is one.
[[nodiscard]] std::unique_ptr<Feed> make_mqtt_feed(MqttEnd end, const MqttFeedOptions& options);

}  // namespace tributary::torture
