// Bytes of the packed `tributary` header; layout in record_header.h. Pure, any thread.
#include "format/record_header.h"

#include <limits>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::format {

namespace {

constexpr std::uint8_t kRecordHeaderFormat = 1;

}  // namespace

void append_record_header(std::string& out, const RecordIdentity& identity) {
    out.push_back(static_cast<char>(kRecordHeaderFormat));
    append_sized(out, identity.source);
    append_sized(out, identity.position);
    append_varint(out, identity.ordinal);
    append_varint(out, identity.sub_index);
    append_varint(out, identity.sequence.value());
}

Result<RecordIdentity> parse_record_header(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto format = reader.fixed<std::uint8_t>();
    RecordIdentity identity;
    identity.source = reader.sized();
    identity.position = reader.sized();
    const std::uint64_t ordinal = reader.varint();
    const std::uint64_t sub_index = reader.varint();
    identity.sequence = Sequence(reader.varint());
    const bool fits = ordinal <= std::numeric_limits<std::uint32_t>::max() &&
                      sub_index <= std::numeric_limits<std::uint16_t>::max();
    if (format != kRecordHeaderFormat || !reader.ok() || !reader.at_end() || !fits) {
        return Error(errors::kEntryCorrupt,
                     "a record header of " + std::to_string(bytes.size()) +
                         " bytes is not one of ours (byte 0 is " + std::to_string(format) + ")");
    }
    identity.ordinal = static_cast<std::uint32_t>(ordinal);
    identity.sub_index = static_cast<std::uint16_t>(sub_index);
    return identity;
}

}  // namespace tributary::format
