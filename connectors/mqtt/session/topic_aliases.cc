#include "connectors/mqtt/session/topic_aliases.h"

#include <utility>

namespace tributary::mqtt {

bool TopicAliases::resolve(Publish& publish) {
    if (!publish.properties.has(PropertyId::topic_alias)) {
        return true;
    }
    const std::size_t alias = publish.properties.topic_alias;
    if (alias == 0 || alias > maximum_) {
        return false;
    }
    if (alias > topics_.size()) {
        topics_.resize(alias);
    }
    auto& topic = topics_[alias - 1];
    if (publish.topic.empty()) {
        if (topic == nullptr) {
            return false;
        }
        publish.topic = *topic;
    } else if (topic == nullptr || *topic != publish.topic) {
        replaced_.push_back(
            std::exchange(topic, std::make_unique<const std::string>(publish.topic)));
    }
    return true;
}

void TopicAliases::clear() {
    topics_.clear();
    replaced_.clear();
}

}  // namespace tributary::mqtt
