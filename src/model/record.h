// A record for Kafka. Views live in the arena of the batch until its transaction has ended.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/ids.h"

namespace tributary {

struct RecordHeader {
    std::string_view name;
    std::string_view value;
};

struct Record {
    std::string_view topic;
    std::optional<std::string_view> key;    // none: null key
    std::optional<std::string_view> value;  // none: tombstone
    std::string_view identity;  // value of the packed `tributary` header (format/record_header.h)
    std::span<const RecordHeader> headers;  // further headers, usually none
    Sequence sequence;                      // of the entry it came from
    std::uint16_t sub_index = 0;            // which record of that entry
};

}  // namespace tributary
