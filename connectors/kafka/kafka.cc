#include "connectors/kafka/kafka.h"

#include <algorithm>
#include <utility>

#include "connectors/kafka/properties.h"
#include "connectors/kafka/sink.h"
#include "model/errors.h"

namespace tributary::kafka {

namespace {

constexpr std::size_t kTopicNameMax = 249;  // Kafka: Topic.MAX_NAME_LENGTH

bool may_name_a_topic(const std::string& name) {
    return !name.empty() && name.size() <= kTopicNameMax &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
           });
}

}  // namespace

std::string checkpoint_topic(const SinkIdentity& identity) {
    return "_tributary.checkpoint." + identity.agent + "." + identity.pipeline;
}

std::string transactional_id(const SinkIdentity& identity) {
    return "tributary." + identity.agent + "." + identity.pipeline;
}

Result<void> check_options(const Options& options, const SinkIdentity& identity) {
    if (identity.agent.empty() || identity.pipeline.empty() ||
        !may_name_a_topic(checkpoint_topic(identity))) {
        return Error(errors::kKafkaConfig,
                     "agent.id and the source's name must be letters, digits, '.', '_' and '-' "
                     "for the topic " +
                         checkpoint_topic(identity));
    }
    TRIBUTARY_TRY(producer, producer_conf(options, transactional_id(identity), {}));
    static_cast<void>(producer);
    TRIBUTARY_TRY(reader, reader_conf(options));
    static_cast<void>(reader);
    return success();
}

std::unique_ptr<Sink> make_sink(const Options& options,
                                SinkIdentity identity,
                                const Clock& clock,
                                Observer& observer) {
    return std::make_unique<KafkaSink>(options, std::move(identity), clock, observer);
}

}  // namespace tributary::kafka
