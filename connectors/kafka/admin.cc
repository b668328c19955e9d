#include "connectors/kafka/admin.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "connectors/kafka/errors.h"
#include "model/errors.h"

namespace tributary::kafka {

namespace {

constexpr int kRequestTimeoutMs = 10000;
// Brokers hear of a new topic, and of its leaders, within milliseconds.
constexpr std::chrono::milliseconds kNewTopicWait{10};
constexpr const char* kCleanupPolicy = "cleanup.policy";

// Errors after which the same question may have another answer soon.
bool passing(rd_kafka_resp_err_t code) {
    const ErrorKind& kind = kind_of(code, "");
    return &kind == &errors::kKafkaUnreachable;
}

// Asks for the metadata of one topic, or of none; nullopt when the wait was in vain.
Result<std::optional<MetadataHandle>> ask(Client& client,
                                          rd_kafka_topic_t* topic,
                                          std::string_view doing,
                                          Patience& patience) {
    const rd_kafka_metadata_t* answer = nullptr;
    const auto code = rd_kafka_metadata(client.get(), 0, topic, &answer, patience.slice_ms());
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return std::optional(MetadataHandle(answer));
    }
    if (!passing(code)) {
        return to_error(code, "", doing);
    }
    TRIBUTARY_TRY_VOID(patience.go_on(client, doing));
    if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
        client.serve(std::chrono::milliseconds(patience.slice_ms()));
    }
    return std::optional<MetadataHandle>();
}

bool all_have_leaders(const rd_kafka_metadata_topic_t& topic) {
    for (int i = 0; i < topic.partition_cnt; ++i) {
        if (topic.partitions[i].leader < 0) {
            return false;
        }
    }
    return topic.partition_cnt > 0;
}

TopicFacts facts_of(const rd_kafka_metadata_topic_t& topic) {
    TopicFacts facts{.partitions = topic.partition_cnt,
                     .replicas_min = topic.partitions[0].replica_cnt};
    for (int i = 1; i < topic.partition_cnt; ++i) {
        facts.replicas_min = std::min(facts.replicas_min, topic.partitions[i].replica_cnt);
    }
    return facts;
}

// Waits for the answer of an admin request.
Result<EventHandle> await_event(Client& client,
                                rd_kafka_queue_t* queue,
                                std::string_view doing,
                                Patience& patience) {
    while (true) {
        EventHandle event(rd_kafka_queue_poll(queue, patience.slice_ms()));
        if (event) {
            if (const auto code = rd_kafka_event_error(event.get())) {
                return to_error(code, rd_kafka_event_error_string(event.get()), doing);
            }
            return event;
        }
        TRIBUTARY_TRY_VOID(patience.go_on(client, doing));
    }
}

AdminOptionsHandle admin_options(Client& client, rd_kafka_admin_op_t operation) {
    AdminOptionsHandle options(rd_kafka_AdminOptions_new(client.get(), operation));
    std::array<char, 256> text{};
    rd_kafka_AdminOptions_set_request_timeout(
        options.get(), kRequestTimeoutMs, text.data(), text.size());
    return options;
}

Result<NewTopicHandle> describe_new(const NewTopic& topic) {
    std::array<char, 512> text{};
    NewTopicHandle handle(rd_kafka_NewTopic_new(
        topic.name.c_str(), topic.partitions, topic.replication, text.data(), text.size()));
    if (!handle) {
        return Error(errors::kTopicUnsuitable, "topic " + topic.name + ": " + text.data());
    }
    for (const auto& [name, value] : topic.settings) {
        if (rd_kafka_NewTopic_set_config(handle.get(), name.c_str(), value.c_str()) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            return Error(errors::kTopicUnsuitable,
                         "topic " + topic.name + ": setting " + name + " is not usable");
        }
    }
    return handle;
}

// Whether only a person can mend what the creation of a topic was refused for. Too few brokers are
// not among it: one may be down for a while.
bool about_settings(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION ||
           code == RD_KAFKA_RESP_ERR_INVALID_PARTITIONS ||
           code == RD_KAFKA_RESP_ERR_INVALID_CONFIG || code == RD_KAFKA_RESP_ERR_INVALID_REQUEST ||
           code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION ||
           &kind_of(code, "") == &errors::kKafkaConfig;
}

// What the broker said about the creation of one topic.
Result<void> creation_result(const rd_kafka_event_t& event, const NewTopic& topic) {
    std::size_t count = 0;
    const auto* const result = rd_kafka_event_CreateTopics_result(
        const_cast<rd_kafka_event_t*>(&event));  // librdkafka's accessor takes it mutable
    const auto* const* const topics = rd_kafka_CreateTopics_result_topics(result, &count);
    if (count != 1) {
        return Error(errors::kKafkaTransaction,
                     "create topic " + topic.name + ": no answer for it");
    }
    const auto code = rd_kafka_topic_result_error(topics[0]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        return success();
    }
    const char* const text = rd_kafka_topic_result_error_string(topics[0]);
    Error error = to_error(code, text == nullptr ? "" : text, "create topic " + topic.name);
    if (about_settings(code)) {
        return Error(errors::kTopicUnsuitable, error.what());
    }
    if (error.is(errors::kKafkaDenied)) {
        return error.at("the right Create on the topic, or on the cluster, is missing");
    }
    if (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR) {
        return Error(errors::kTopicMissing,
                     error.what() + ": lower " + topic.replication_key +
                         ", or start the brokers that are missing");
    }
    // A controller that moved, a quota, too few brokers for the replication factor at the moment.
    return error.is(errors::kKafkaTransaction) ? Error(errors::kTopicMissing, error.what()) : error;
}

enum class Creation { real, validated_only };

Result<void> ask_to_create(Client& client,
                           const NewTopic& topic,
                           Creation creation,
                           Patience& patience) {
    TRIBUTARY_TRY(request, describe_new(topic));
    const QueueHandle queue(rd_kafka_queue_new(client.get()));
    const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    if (creation == Creation::validated_only) {
        std::array<char, 256> text{};
        if (rd_kafka_AdminOptions_set_validate_only(options.get(), 1, text.data(), text.size()) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            return Error(errors::kKafkaConfig, std::string("validate_only: ") + text.data());
        }
    }
    std::array<rd_kafka_NewTopic_t*, 1> requests{request.get()};
    rd_kafka_CreateTopics(
        client.get(), requests.data(), requests.size(), options.get(), queue.get());
    TRIBUTARY_TRY(event, await_event(client, queue.get(), "create topic " + topic.name, patience));
    return creation_result(*event, topic);
}

// Broker setting min.insync.replicas (topics too): with fewer in sync, records are refused.
std::string degraded(const char* topic, const rd_kafka_metadata_partition_t& partition) {
    const std::string name =
        "topic " + std::string(topic) + " partition " + std::to_string(partition.id) + " has ";
    if (partition.leader < 0) {
        return name + "no leader";
    }
    if (partition.isr_cnt < partition.replica_cnt) {
        return name + std::to_string(partition.isr_cnt) + " of " +
               std::to_string(partition.replica_cnt) +
               " replicas in sync, and brokers take no record below min.insync.replicas";
    }
    return {};
}

Result<std::map<std::string, std::string>> settings_of(Client& client,
                                                       rd_kafka_ResourceType_t type,
                                                       const std::string& name,
                                                       const std::string& doing,
                                                       Patience& patience) {
    const ConfigResourceHandle resource(rd_kafka_ConfigResource_new(type, name.c_str()));
    const QueueHandle queue(rd_kafka_queue_new(client.get()));
    const auto options = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    std::array<rd_kafka_ConfigResource_t*, 1> resources{resource.get()};
    rd_kafka_DescribeConfigs(
        client.get(), resources.data(), resources.size(), options.get(), queue.get());
    TRIBUTARY_TRY(event, await_event(client, queue.get(), doing, patience));
    std::size_t count = 0;
    const auto* const result = rd_kafka_event_DescribeConfigs_result(event.get());
    const auto* const* const answers = rd_kafka_DescribeConfigs_result_resources(result, &count);
    if (count != 1) {
        return Error(errors::kKafkaTransaction, doing + ": no answer for it");
    }
    if (const auto code = rd_kafka_ConfigResource_error(answers[0])) {
        const char* const text = rd_kafka_ConfigResource_error_string(answers[0]);
        return to_error(code, text == nullptr ? "" : text, doing);
    }
    const auto* const* const entries = rd_kafka_ConfigResource_configs(answers[0], &count);
    std::map<std::string, std::string> settings;
    for (std::size_t i = 0; i < count; ++i) {
        const char* const value = rd_kafka_ConfigEntry_value(entries[i]);
        settings[rd_kafka_ConfigEntry_name(entries[i])] = value == nullptr ? "" : value;
    }
    return settings;
}

}  // namespace

Result<int> await_brokers(Client& client, Patience& patience) {
    while (true) {
        TRIBUTARY_TRY(answer, ask(client, nullptr, "connect to Kafka", patience));
        if (answer && (*answer)->broker_cnt > 0) {
            return (*answer)->broker_cnt;
        }
        TRIBUTARY_TRY_VOID(patience.go_on(client, "connect to Kafka"));
    }
}

Result<std::optional<TopicFacts>> find_topic(Client& client,
                                             const std::string& topic,
                                             Patience& patience) {
    const std::string doing = "topic " + topic;
    const TopicHandle handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
    if (!handle) {
        return Error(errors::kTopicUnsuitable, doing + ": not a name that Kafka allows");
    }
    while (true) {
        TRIBUTARY_TRY(answer, ask(client, handle.get(), doing, patience));
        if (!answer || (*answer)->topic_cnt != 1) {
            continue;
        }
        const rd_kafka_metadata_topic_t& found = (*answer)->topics[0];
        if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            return std::optional<TopicFacts>();
        }
        if (found.err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
            return Error(errors::kTopicUnsuitable, doing + ": not a name that Kafka allows");
        }
        if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR && !passing(found.err)) {
            return to_error(found.err, "", doing);
        }
        if (found.err == RD_KAFKA_RESP_ERR_NO_ERROR && all_have_leaders(found)) {
            return std::optional(facts_of(found));
        }
        TRIBUTARY_TRY_VOID(patience.go_on(client, doing + ": waiting for a leader"));
        client.serve(kNewTopicWait);
    }
}

TopicsLook look_at_topics(Client& client, int wait_ms) {
    TopicsLook look;
    const rd_kafka_metadata_t* answer = nullptr;
    if (rd_kafka_metadata(client.get(), 0, nullptr, &answer, wait_ms) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        return look;
    }
    const MetadataHandle metadata(answer);
    for (const auto& topic :
         std::span(metadata->topics, static_cast<std::size_t>(metadata->topic_cnt))) {
        if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            look.unknown.emplace_back(topic.topic);
        }
        for (const auto& partition :
             std::span(topic.partitions, static_cast<std::size_t>(topic.partition_cnt))) {
            if (look.degraded.empty()) {
                look.degraded = degraded(topic.topic, partition);
            }
        }
    }
    return look;
}

Result<TopicFacts> create_topic(Client& client, const NewTopic& topic, Patience& patience) {
    TRIBUTARY_TRY_VOID(ask_to_create(client, topic, Creation::real, patience));
    while (true) {
        TRIBUTARY_TRY(found, find_topic(client, topic.name, patience));
        if (found) {
            return *found;
        }
        TRIBUTARY_TRY_VOID(patience.go_on(client, "topic " + topic.name + " after its creation"));
        client.serve(kNewTopicWait);
    }
}

Result<void> try_create_topic(Client& client, const NewTopic& topic, Patience& patience) {
    return ask_to_create(client, topic, Creation::validated_only, patience);
}

Result<std::map<std::string, std::string>> topic_settings(Client& client,
                                                          const std::string& topic,
                                                          Patience& patience) {
    return settings_of(
        client, RD_KAFKA_RESOURCE_TOPIC, topic, "settings of topic " + topic, patience);
}

Result<std::map<std::string, std::string>> broker_settings(Client& client, Patience& patience) {
    const std::string id = std::to_string(rd_kafka_controllerid(client.get(), kRequestTimeoutMs));
    return settings_of(client, RD_KAFKA_RESOURCE_BROKER, id, "settings of broker " + id, patience);
}

NewTopic new_checkpoint_topic(const std::string& topic, std::int16_t replication) {
    return {.name = topic,
            .partitions = 1,
            .replication = replication,
            .settings = {{kCleanupPolicy, "compact"},
                         {"segment.bytes", "16777216"},
                         {"max.compaction.lag.ms", "3600000"},
                         {"unclean.leader.election.enable", "false"}},
            .replication_key = "kafka.checkpoint_replication"};
}

Result<TopicFacts> ensure_checkpoint_topic(Client& client,
                                           const std::string& topic,
                                           std::int16_t replication,
                                           bool create,
                                           Patience& patience) {
    TRIBUTARY_TRY(found, find_topic(client, topic, patience));
    if (!found && !create) {
        return Error(errors::kTopicMissing, "topic " + topic + " does not exist");
    }
    if (!found) {
        TRIBUTARY_TRY(created,
                      create_topic(client, new_checkpoint_topic(topic, replication), patience));
        found = created;
    }
    if (found->partitions != 1) {
        return Error(errors::kCheckpointTopicUnsuitable,
                     "topic " + topic + " has " + std::to_string(found->partitions) +
                         " partitions and must have one");
    }
    TRIBUTARY_TRY(settings, topic_settings(client, topic, patience));
    if (settings[kCleanupPolicy] != "compact") {
        return Error(errors::kCheckpointTopicUnsuitable,
                     "topic " + topic + " has cleanup.policy=" + settings[kCleanupPolicy] +
                         " and must have compact");
    }
    return *found;
}

}  // namespace tributary::kafka
