// Any bytes as a packed record header: refused, or equal after packing and parsing again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "format/record_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using tributary::format::parse_record_header;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto parsed = parse_record_header(bytes);
    if (parsed) {
        std::string again;
        tributary::format::append_record_header(again, parsed.value());
        const auto second = parse_record_header(again);
        TRIBUTARY_ASSERT(second && second.value().source == parsed.value().source &&
                         second.value().position == parsed.value().position &&
                         second.value().ordinal == parsed.value().ordinal &&
                         second.value().sub_index == parsed.value().sub_index &&
                         second.value().sequence == parsed.value().sequence);
    }
    return 0;
}
