// Any bytes as a stored block, as a block's body and as a stored table structure: an error or
// something whole, never undefined behaviour, never memory for a length that is not there. The
// stored checksum is made to fit, or nothing behind it would be reached.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/block.h"

namespace {

void walk(const tributary::Block& block) {
    for (const bool check : {true, false}) {
        tributary::format::BlockReader reader(block);
        tributary::Entry entry;
        while (true) {
            const auto more = reader.next(entry, check);
            if (!more || !more.value()) {
                break;
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tributary;  // NOLINT: a fuzz target is one function
    std::string bytes(reinterpret_cast<const char*>(data), size);
    static_cast<void>(format::unpack_schema(bytes));
    Block body;
    body.first = Sequence(1);
    body.last = Sequence(1 + size / 4);
    body.bytes = bytes;
    walk(body);
    if (size < 36) {
        static_cast<void>(format::unpack_block(StreamId(), Sequence(), bytes));
        return 0;
    }
    const std::string_view view = bytes;
    store(bytes.data() + 8, crc32c(crc32c(0, view.substr(0, 8)), view.substr(12)), Endian::little);
    const auto stream = StreamId(load<std::uint32_t>(bytes.data() + 12, Endian::little));
    const auto first = Sequence(load<std::uint64_t>(bytes.data() + 16, Endian::little));
    const auto block = format::unpack_block(stream, first, bytes);
    if (block) {
        walk(*block.value());
    }
    return 0;
}
