// Any stream of MQTT packets. Input: one byte (bit 0: MQTT 5, the rest: how the stream is cut),
// then the stream. Held: frames and errors are the same however the stream is cut; what decodes
// encodes to a packet that decodes to the same bytes again, never longer than what came; views stay
// inside the packet.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "connectors/mqtt/codec/codec.h"

namespace {

using namespace tributary;        // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::mqtt;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kPacketMax = 4096;

// The packets of `stream` in pieces of `piece` bytes; the last one may be "error".
std::vector<std::string> cut(std::string_view stream, std::size_t piece) {
    FrameReader reader(kPacketMax);
    std::vector<std::string> frames;
    while (!stream.empty()) {
        reader.feed(stream.substr(0, piece));
        stream.remove_prefix(std::min(piece, stream.size()));
        for (;;) {
            const auto frame = reader.next();
            if (frame.has_error()) {
                frames.emplace_back("error");
                return frames;
            }
            if (!frame.value()) {
                break;
            }
            frames.emplace_back(frame.value()->bytes);
        }
    }
    return frames;
}

void walk(const Properties& properties) {
    std::size_t bytes = 0;
    UserPropertyReader users(properties);
    for (UserProperty user; users.next(user);) {
        bytes += user.key.size() + user.value.size() + 5;
    }
    TRIBUTARY_ASSERT(bytes <= properties.list_view.size());
}

void check(std::string_view bytes, Version version) {
    const auto frame = next_frame(bytes, kPacketMax);
    TRIBUTARY_ASSERT(frame.has_value() && frame.value());
    const auto packet = decode(*frame.value(), version);
    if (packet.has_error()) {
        TRIBUTARY_ASSERT(packet.error().offset <= bytes.size());
        TRIBUTARY_ASSERT(!packet.error().message().empty());
        return;
    }
    std::visit(
        [](const auto& one) {
            if constexpr (requires { one.properties; }) {
                walk(one.properties);
            }
        },
        packet.value());
    if (const auto* publish = std::get_if<Publish>(&packet.value())) {
        TRIBUTARY_ASSERT(publish->payload.empty() || publish->payload.end() == bytes.end());
        TRIBUTARY_ASSERT(publish->topic.empty() || valid_topic(publish->topic));
    }
    std::string once;
    encode(packet.value(), version, once);
    TRIBUTARY_ASSERT(once.size() <= bytes.size() + 4);
    const auto again_frame = next_frame(once, kPacketMax + 4);
    TRIBUTARY_ASSERT(again_frame.has_value() && again_frame.value());
    const auto again = decode(*again_frame.value(), version);
    TRIBUTARY_ASSERT(again.has_value());
    std::string twice;
    encode(again.value(), version, twice);
    TRIBUTARY_ASSERT(once == twice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const unsigned mode = data[0];
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto whole = cut(stream, stream.size() + 1);
    TRIBUTARY_ASSERT(whole == cut(stream, 1));
    TRIBUTARY_ASSERT(whole == cut(stream, 2 + (mode >> 1U)));
    for (const std::string& bytes : whole) {
        if (bytes != "error") {
            check(bytes, (mode & 1U) != 0 ? Version::v5 : Version::v3_1_1);
        }
    }
    return 0;
}
