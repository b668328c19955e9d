// Configuration of the Kafka cluster: the keys under `kafka:`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/reader.h"

namespace tributary::kafka {

enum class Delivery { exactly_once, at_least_once };

struct TopicOptions {
    bool create = true;
    std::int32_t partitions = 1;
    std::int16_t replication = -1;              // -1: the broker's default
    std::map<std::string, std::string> config;  // of created topics
};

struct Options {
    std::vector<std::string> bootstrap_servers;
    Delivery delivery = Delivery::exactly_once;
    TopicOptions topics;
    std::int16_t checkpoint_replication = -1;
    std::uint32_t transaction_timeout_ms = 60000;
    // Passed to librdkafka. Those that would break the promise are refused by name.
    std::map<std::string, std::string> properties;
    std::map<std::string, config::Secret>
        secret_properties;  // sasl.password, ssl.key.password, ...
};

// Why `name` may not be given under kafka.properties; nullopt when it may.
[[nodiscard]] std::optional<std::string_view> refusal(std::string_view name);
// The same for a name that is allowed, but not with every value.
[[nodiscard]] std::optional<std::string_view> refusal(std::string_view name,
                                                      std::string_view value);

[[nodiscard]] Result<Options> read_options(config::Reader& reader);

}  // namespace tributary::kafka
