// Topics: asking for them, creating them, reading their settings. Each call blocks within the
// patience given. Threads: the owner of the client.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/patience.h"

namespace tributary::kafka {

struct NewTopic {
    std::string name;
    std::int32_t partitions = 1;
    std::int16_t replication = -1;  // -1: the broker's default
    std::map<std::string, std::string> settings;
    std::string replication_key = "kafka.topics.replication";  // where the operator chose it
};

// Waits until any broker answers; the number of brokers. Errors: kKafkaUnreachable, kKafkaAuth,
// kKafkaTls.
[[nodiscard]] Result<int> await_brokers(Client& client, Patience& patience);

// What brokers say of the topics the client has handles of.
struct TopicsLook {
    std::vector<std::string> unknown;  // they do not have them
    // The first partition without a leader or with replicas out of sync, in words; empty: none.
    std::string degraded;
};
// One question; nothing when it is not answered within `wait_ms`.
[[nodiscard]] TopicsLook look_at_topics(Client& client, int wait_ms);

struct TopicFacts {
    std::int32_t partitions = 0;  // all of them with a leader
    int replicas_min = 0;         // of the partition that has the fewest, in sync or not
};

// nullopt when the topic does not exist. Errors: those above, kKafkaDenied, kTopicUnsuitable for a
// name that Kafka does not allow.
[[nodiscard]] Result<std::optional<TopicFacts>> find_topic(Client& client,
                                                           const std::string& topic,
                                                           Patience& patience);

// Creates the topic (one that exists by now is fine) and waits until it is known with leaders.
[[nodiscard]] Result<TopicFacts> create_topic(Client& client,
                                              const NewTopic& topic,
                                              Patience& patience);

// Asks whether create_topic() would be allowed and take the settings; creates nothing. Errors:
// those of create_topic().
[[nodiscard]] Result<void> try_create_topic(Client& client,
                                            const NewTopic& topic,
                                            Patience& patience);

// The topic's settings as the broker applies them.
[[nodiscard]] Result<std::map<std::string, std::string>> topic_settings(Client& client,
                                                                        const std::string& topic,
                                                                        Patience& patience);
// The settings of the broker that is the controller: its defaults for new topics among them.
[[nodiscard]] Result<std::map<std::string, std::string>> broker_settings(Client& client,
                                                                         Patience& patience);

// As the checkpoint topic is created.
[[nodiscard]] NewTopic new_checkpoint_topic(const std::string& topic, std::int16_t replication);

// The checkpoint topic: found, or created compacted with one partition. kCheckpointTopicUnsuitable
// when it is not fit. `create` false: a missing one is kTopicMissing.
[[nodiscard]] Result<TopicFacts> ensure_checkpoint_topic(Client& client,
                                                         const std::string& topic,
                                                         std::int16_t replication,
                                                         bool create,
                                                         Patience& patience);

}  // namespace tributary::kafka
