// Any bytes as a checkpoint: refused, or exactly what packing the result gives again.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "format/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto checkpoint = tributary::format::unpack_checkpoint(bytes);
    if (checkpoint) {
        TRIBUTARY_ASSERT(tributary::format::pack_checkpoint(checkpoint.value()) == bytes);
    }
    return 0;
}
