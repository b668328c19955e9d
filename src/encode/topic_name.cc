// See topic_name.h.
#include "encode/topic_name.h"

namespace tributary::encode {
namespace {

constexpr std::size_t kTopicBytesMax = 249;  // Kafka: Topic.MAX_NAME_LENGTH

bool is_allowed(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '_' ||
           character == '-';
}

}  // namespace

std::string sanitize_topic(std::string_view name) {
    std::string topic;
    topic.reserve(name.size());
    for (const char character : name) {
        const auto byte = static_cast<unsigned char>(character);
        if (is_allowed(character)) {
            topic.push_back(character);
        } else if (byte >= 0xF0) {
            topic.append("__");  // two UTF-16 units
        } else if (byte < 0x80 || byte >= 0xC0) {
            topic.push_back('_');
        }
    }
    if (topic.size() > kTopicBytesMax) {
        topic.resize(kTopicBytesMax);
    }
    return topic;
}

}  // namespace tributary::encode
