// Any bytes as a TABLE_MAP body of either server: no crash, no read out of bounds; what is accepted
// gives a structure, or says why not.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "connectors/mysql/values/table_map.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tributary::mysql;  // NOLINT(google-build-using-namespace): a fuzz target
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const ServerKind kind : {ServerKind::mysql, ServerKind::mariadb}) {
        const auto map = parse_table_map(bytes, kind);
        if (!map.has_value()) {
            continue;
        }
        TRIBUTARY_ASSERT(parse_table_name(bytes).has_value());
        const auto schema = make_schema(map.value(), kind, {});
        if (schema.has_value()) {
            TRIBUTARY_ASSERT(schema.value().columns.size() == map.value().columns.size());
            TRIBUTARY_ASSERT(row_end_column(schema.value()) <= schema.value().columns.size());
        }
    }
    return 0;
}
