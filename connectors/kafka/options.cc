#include "connectors/kafka/options.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tributary::kafka {

namespace {

constexpr std::array<std::pair<std::string_view, Delivery>, 2> kDeliveries{{
    {"exactly_once", Delivery::exactly_once},
    {"at_least_once", Delivery::at_least_once},
}};

// librdkafka properties that hold a secret (CONFIGURATION.md of 2.0, "sasl.*" and "ssl.*").
bool is_secret(std::string_view name) {
    constexpr std::array<std::string_view, 5> kSecrets{"sasl.password",
                                                       "sasl.oauthbearer.client.secret",
                                                       "ssl.key.password",
                                                       "ssl.key.pem",
                                                       "ssl.keystore.password"};
    return std::find(kSecrets.begin(), kSecrets.end(), name) != kSecrets.end();
}

void read_topics(config::Reader reader, TopicOptions& out) {
    reader.boolean({.name = "create",
                    .doc = "Create topics that do not exist yet. Without it a missing topic is an "
                           "error that names it."},
                   out.create);
    reader.number({.name = "partitions", .doc = "Partitions of a topic that the agent creates."},
                  out.partitions,
                  {1, 10'000});
    reader.number({.name = "replication",
                   .doc = "Replication factor of a topic that the agent creates; -1 is the "
                          "broker's default."},
                  out.replication,
                  {-1, 100});
    reader.map({.name = "config",
                .doc = "Topic settings of a topic that the agent creates, such as retention.ms."},
               out.config);
}

}  // namespace

Result<Options> read_options(config::Reader& reader) {
    Options out;
    reader.texts({.name = "bootstrap_servers",
                  .doc = "Brokers to begin with, as host:port.",
                  .required = true},
                 out.bootstrap_servers);
    reader.choice({.name = "delivery",
                   .doc = "`exactly_once` uses Kafka transactions. `at_least_once` is for brokers "
                          "that have none; duplicates are then possible and can be proven by the "
                          "`tributary` header."},
                  out.delivery,
                  kDeliveries);
    read_topics(reader.section({.name = "topics", .doc = "Topics that the agent creates."}),
                out.topics);
    reader.number({.name = "checkpoint_replication",
                   .doc = "Replication factor of the checkpoint topics; -1 is the broker's "
                          "default. Three in production: the position lives there."},
                  out.checkpoint_replication,
                  {-1, 100});
    reader.duration({.name = "transaction_timeout",
                     .doc = "After this long without an answer the broker aborts an open "
                            "transaction. At most the broker's transaction.max.timeout.ms."},
                    out.transaction_timeout_ms,
                    config::TimeUnit::milliseconds,
                    {10'000, 900'000});
    reader.map({.name = "properties",
                .doc = "Passed to librdkafka. Those that would break exactly-once delivery are "
                       "refused by name. Passwords and keys (sasl.password, ssl.key.password, "
                       "ssl.key.pem, ssl.keystore.password, sasl.oauthbearer.client.secret) must "
                       "be secret references."},
               out.properties,
               out.secret_properties,
               is_secret);
    for (const std::string& server : out.bootstrap_servers) {
        const bool separated = server.find_first_of(", \t") != std::string::npos;
        if (server.empty() || separated) {
            reader.fail("bootstrap_servers", "each server is one list item, as host:port");
        }
    }
    TRIBUTARY_TRY_VOID(reader.result());
    return out;
}

}  // namespace tributary::kafka
