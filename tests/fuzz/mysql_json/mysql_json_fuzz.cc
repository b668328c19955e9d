// Any bytes as binary JSON: no crash, and text that is bounded by the document: six bytes for each
// of a string, a thousand for a double.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "connectors/mysql/values/json_binary.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tributary;  // NOLINT(google-build-using-namespace): a fuzz target
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Arena arena(4096, 4096);
    std::string_view text;
    if (mysql::json_text(bytes, arena, text)) {
        TRIBUTARY_ASSERT(!text.empty() && text.size() <= 1500 * (size + 1));
    }
    return 0;
}
