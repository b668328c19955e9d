// The packed `tributary` header of every record: what makes a duplicate provable (DESIGN 3.6).
//   byte 0      format, 1
//   sized       source: pipeline name
//   sized       position: the connector's bytes of the event's transaction
//   varint      ordinal within that transaction
//   varint      sub-index: which record of the event (0 first)
//   varint      sequence in this agent's log
// (source, position, ordinal, sub-index) identify a record for ever; sequence is for people and
// audits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/ids.h"

namespace tributary::format {

struct RecordIdentity {
    std::string_view source;
    std::string_view position;
    std::uint32_t ordinal = 0;
    std::uint16_t sub_index = 0;
    Sequence sequence;
};

void append_record_header(std::string& out, const RecordIdentity& identity);
[[nodiscard]] Result<RecordIdentity> parse_record_header(
    std::string_view bytes);  // views into `bytes`

}  // namespace tributary::format
