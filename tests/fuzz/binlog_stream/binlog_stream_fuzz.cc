// Any bytes as the answer to a dump command. Input: a byte, the size of the pieces that it arrives
// in (0: as messages that were joined already), then the answer. Held: what is read does not depend
// on the pieces, no event is larger than the limit unless it came whole, and memory is not taken by
// lengths that are only told. So that mutations get past the checksums, an event that fails its
// CRC32 alone still tells the same at every size of pieces.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "connectors/mysql/binlog/event_reader.h"

namespace {

using namespace tributary;         // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::mysql;  // NOLINT(google-build-using-namespace)

constexpr EventLimits kLimits{
    .event_bytes_max = 4096, .head_bytes = 64, .payload_bytes_held = 1024};
constexpr std::size_t kEventsMax = 10'000;

std::vector<std::string> read(std::string_view bytes, std::size_t step) {
    EventReader reader(kLimits);
    std::vector<std::string> told;
    while (!bytes.empty() && told.size() < kEventsMax) {
        const std::string piece(bytes.substr(0, step));
        bytes.remove_prefix(piece.size());
        reader.feed(piece);
        for (;;) {
            const auto event = reader.next();
            if (!event) {
                told.push_back(event.error().message());
                return told;
            }
            if (!event.value() || told.size() >= kEventsMax) {
                break;
            }
            const WireEvent& one = *event.value();
            TRIBUTARY_ASSERT(one.bytes.size() >= 19);
            const bool cut =
                one.kind == WireKind::oversized || one.kind == WireKind::inner_oversized;
            TRIBUTARY_ASSERT(!cut || one.bytes.size() == kLimits.head_bytes);
            told.push_back(std::to_string(static_cast<int>(one.kind)) + std::string(one.bytes));
        }
    }
    return told;
}

void read_joined(std::string_view message) {
    EventReader reader(kLimits);
    reader.feed_message(message);
    for (std::size_t events = 0; events < kEventsMax; ++events) {
        const auto event = reader.next();
        if (!event || !event.value()) {
            return;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(static_cast<const char*>(static_cast<const void*>(data)) + 1,
                                 size - 1);
    if (data[0] == 0) {
        read_joined(bytes);
        return 0;
    }
    // An event that comes in one piece is whole however large; pieces of one byte never are.
    static_cast<void>(read(bytes, data[0]));
    const auto slow = read(bytes, 1);
    const auto other = read(bytes, 2);
    TRIBUTARY_ASSERT(slow == other);
    return 0;
}
