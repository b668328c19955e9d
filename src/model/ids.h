// The numbers and names that identify things of ours.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/strong.h"

namespace tributary {

// Dense per stream, from 1, given at append and never reused within a log id. 0 means none.
using Sequence = Strong<std::uint64_t, struct SequenceTag>;

[[nodiscard]] constexpr Sequence next(Sequence sequence) {
    return Sequence(sequence.value() + 1);
}

// One pipeline's run of events in this log. A pipeline whose old events were set aside goes on
// under a new stream, so a stream never holds events of two histories.
using StreamId = Strong<std::uint32_t, struct StreamIdTag>;

// A row of the log's schema store, per stream, from 1. 0 means none.
using SchemaId = Strong<std::uint32_t, struct SchemaIdTag>;

// Random, made when a log is created.
struct LogId {
    std::array<std::uint8_t, 16> bytes{};
    friend auto operator<=>(const LogId&, const LogId&) = default;
};

// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string to_string(const LogId& id);

// Where something is in the source. Its bytes are the connector's own and only the connector may
// order or print them; to everything else it is opaque. Empty means none.
struct Position {
    std::string bytes;
    [[nodiscard]] bool empty() const noexcept { return bytes.empty(); }
    friend bool operator==(const Position&, const Position&) = default;
};

}  // namespace tributary
