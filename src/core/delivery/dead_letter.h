// The dead-letter record: what takes a poisoned record's place in Kafka (DESIGN 3.7). Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "ports/event_log.h"

namespace tributary::core {

// What to do with a record that can never be delivered as it is.
enum class PoisonPolicy { halt, dead_letter };

// Records known to be poison, (sequence, sub-index), and why.
using PoisonReasons = std::map<std::pair<Sequence, std::uint16_t>, std::string>;

// A reason as it is kept: at most kReasonBytesMax bytes of it, cut between two characters of UTF-8.
inline constexpr std::size_t kReasonBytesMax = 1000;
[[nodiscard]] std::string bounded_reason(std::string_view reason);

// One JSON object: pipeline, sequence, sub_index, topic, reason, value_bytes, value_crc32c,
// identity (base64), and key and value (base64) while the whole stays under `bytes_max`, otherwise
// left out and "truncated": true. The bytes themselves are in the local dead-letter store.
[[nodiscard]] std::string pack_dead_letter(const DeadLetter& letter, std::size_t bytes_max);

}  // namespace tributary::core
