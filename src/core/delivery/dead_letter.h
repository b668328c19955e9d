// The dead-letter record: what takes a poisoned record's place in Kafka (DESIGN 3.7). Pure.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "ports/event_log.h"

namespace tributary::core {

// What to do with a record that can never be delivered as it is.
enum class PoisonPolicy { halt, dead_letter };

// Records known to be poison: (sequence, sub-index).
using PoisonSet = std::set<std::pair<Sequence, std::uint16_t>>;

// One JSON object: pipeline, sequence, sub_index, topic, reason, value_bytes, value_crc32c,
// identity (base64), and key and value (base64) while the whole stays under `bytes_max`, otherwise
// left out and "truncated": true. The bytes themselves are in the local dead-letter store.
[[nodiscard]] std::string pack_dead_letter(const DeadLetter& letter, std::size_t bytes_max);

}  // namespace tributary::core
