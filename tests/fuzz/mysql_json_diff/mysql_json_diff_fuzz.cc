// Any bytes as a document and diffs to it (the first byte says where the diffs start): no crash; no
// diffs at all give the document's own text.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "connectors/mysql/values/json_binary.h"
#include "connectors/mysql/values/json_diff.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tributary;  // NOLINT(google-build-using-namespace): a fuzz target
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.empty()) {
        return 0;
    }
    const std::size_t split = std::min<std::size_t>(data[0], size - 1);
    const std::string_view before = bytes.substr(1, split);
    Arena arena(4096, 4096);
    std::string_view changed;
    static_cast<void>(mysql::apply_json_diffs(before, bytes.substr(1 + split), arena, changed));
    std::string_view text;
    if (mysql::json_text(before, arena, text)) {
        TRIBUTARY_ASSERT(mysql::apply_json_diffs(before, {}, arena, changed) && changed == text);
    }
    return 0;
}
