// librdkafka's objects as owning handles, and a client made from a list of properties.
// Threads: rd_kafka_t is safe from any thread; the handles themselves belong to one.
#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <map>
#include <memory>
#include <string>

#include "tests/servers/failure.h"

namespace tributary::servers {

template <auto destroy>
struct DestroyWith {
    template <typename Object>
    void operator()(Object* object) const noexcept {
        destroy(object);
    }
};

using ClientHandle = std::unique_ptr<rd_kafka_t, DestroyWith<rd_kafka_destroy>>;
using TopicHandle = std::unique_ptr<rd_kafka_topic_t, DestroyWith<rd_kafka_topic_destroy>>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_t, DestroyWith<rd_kafka_queue_destroy>>;
using EventHandle = std::unique_ptr<rd_kafka_event_t, DestroyWith<rd_kafka_event_destroy>>;
using MessageHandle = std::unique_ptr<rd_kafka_message_t, DestroyWith<rd_kafka_message_destroy>>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_t, DestroyWith<rd_kafka_error_destroy>>;
using NewTopicHandle = std::unique_ptr<rd_kafka_NewTopic_t, DestroyWith<rd_kafka_NewTopic_destroy>>;
using DeleteTopicHandle =
    std::unique_ptr<rd_kafka_DeleteTopic_t, DestroyWith<rd_kafka_DeleteTopic_destroy>>;
using AdminOptionsHandle =
    std::unique_ptr<rd_kafka_AdminOptions_t, DestroyWith<rd_kafka_AdminOptions_destroy>>;

// Throws ServerFailure with librdkafka's words.
[[nodiscard]] inline ClientHandle make_client(
    rd_kafka_type_t type, const std::map<std::string, std::string>& properties) {
    std::array<char, 512> error{};
    std::unique_ptr<rd_kafka_conf_t, DestroyWith<rd_kafka_conf_destroy>> settings(
        rd_kafka_conf_new());
    for (const auto& [name, value] : properties) {
        if (rd_kafka_conf_set(
                settings.get(), name.c_str(), value.c_str(), error.data(), error.size()) !=
            RD_KAFKA_CONF_OK) {
            throw ServerFailure(error.data());
        }
    }
    ClientHandle client(rd_kafka_new(type, settings.get(), error.data(), error.size()));
    if (!client) {
        throw ServerFailure(error.data());
    }
    static_cast<void>(settings.release());  // rd_kafka_new took it
    return client;
}

}  // namespace tributary::servers
