// Topic names as Debezium makes them (io.debezium.spi.topic.TopicNamingStrategy). Pure.
#pragma once

#include <string>
#include <string_view>

namespace tributary::encode {

// Each UTF-16 unit of `name` that Kafka does not allow in a topic becomes '_'; at most 249 bytes.
[[nodiscard]] std::string sanitize_topic(std::string_view name);

}  // namespace tributary::encode
