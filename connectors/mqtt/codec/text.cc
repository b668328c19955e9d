// UTF-8 strings, topic names and topic filters (MQTT 5.0 1.5.4 and 4.7).
#include <cstring>

#include "connectors/mqtt/codec/codec.h"

namespace tributary::mqtt {
namespace {

constexpr std::size_t kStringBytesMax = 65'535;

// Eight bytes at once: none is zero and none has its high bit set.
bool plain_word(const char* at) noexcept {
    constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
    constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
    const auto word = load<std::uint64_t>(at, Endian::little);
    return ((word | (word - kOnes)) & kHigh) == 0;
}

// Length of the well-formed sequence at the front of `text`, which is not ASCII; 0 when ill-formed
// (RFC 3629 4: no overlong form, no surrogate, nothing above U+10FFFF).
std::size_t sequence_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t index) {
        return static_cast<unsigned>(static_cast<unsigned char>(text[index]));
    };
    const unsigned lead = byte(0);
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) {
        return 0;
    }
    for (std::size_t index = 1; index < length; ++index) {
        if ((byte(index) & 0xC0U) != 0x80) {
            return 0;
        }
    }
    const unsigned second = byte(1);
    const bool ill_formed = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) ||
                            (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90);
    return ill_formed ? 0 : length;
}

// The filter behind "$share/name/"; empty where that form is broken.
std::string_view shared_filter(std::string_view filter) noexcept {
    constexpr std::string_view kShare = "$share/";
    const auto rest = filter.substr(kShare.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos || slash == 0 ||
        rest.substr(0, slash).find_first_of("+#") != std::string_view::npos) {
        return {};
    }
    return rest.substr(slash + 1);
}

std::string_view take_level(std::string_view& text) noexcept {
    const auto slash = text.find('/');
    const auto level = text.substr(0, slash);
    text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
    return level;
}

}  // namespace

bool valid_utf8(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        if (text.size() - at >= 8 && plain_word(text.data() + at)) {
            at += 8;
            continue;
        }
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte == 0) {
            return false;
        }
        const std::size_t length = byte < 0x80 ? 1 : sequence_length(text.substr(at));
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

bool valid_topic(std::string_view topic) noexcept {
    return !topic.empty() && topic.size() <= kStringBytesMax &&
           std::memchr(topic.data(), '#', topic.size()) == nullptr &&
           std::memchr(topic.data(), '+', topic.size()) == nullptr && valid_utf8(topic);
}

bool valid_filter(std::string_view filter) noexcept {
    if (filter.empty() || filter.size() > kStringBytesMax || !valid_utf8(filter)) {
        return false;
    }
    std::string_view rest = filter.starts_with("$share/") ? shared_filter(filter) : filter;
    if (rest.empty()) {
        return false;
    }
    for (std::size_t at = rest.find_first_of("+#"); at != std::string_view::npos;
         at = rest.find_first_of("+#", at + 1)) {
        const bool begins_level = at == 0 || rest[at - 1] == '/';
        const bool ends_filter = at + 1 == rest.size();
        const bool ends_level = ends_filter || (rest[at] == '+' && rest[at + 1] == '/');
        if (!begins_level || !ends_level) {
            return false;
        }
    }
    return true;
}

bool matches(std::string_view filter, std::string_view topic) noexcept {
    const bool wildcard_first = filter.starts_with('+') || filter.starts_with('#');
    if (topic.starts_with('$') && wildcard_first) {
        return false;
    }
    bool topic_left = true;  // an empty last level is one too
    for (;;) {
        const bool last_filter = filter.find('/') == std::string_view::npos;
        const bool last_topic = topic.find('/') == std::string_view::npos;
        const auto want = take_level(filter);
        if (want == "#") {
            return true;  // also the parent level: "a/#" matches "a"
        }
        if (!topic_left) {
            return false;
        }
        const auto have = take_level(topic);
        if (want != "+" && want != have) {
            return false;
        }
        if (last_filter) {
            return last_topic;
        }
        topic_left = !last_topic;
    }
}

}  // namespace tributary::mqtt
