// Any bytes as the schema change of a log entry: read or refused; what is read is written as the
// same again, and can be told to a consumer of either server.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/assert.h"
#include "connectors/mysql/statements/schema_change.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tributary;         // NOLINT(google-build-using-namespace): a fuzz target
    using namespace tributary::mysql;  // NOLINT(google-build-using-namespace)
    const auto change = parse_schema_change({reinterpret_cast<const char*>(data), size});
    if (!change) {
        return 0;
    }
    std::string written;
    append_schema_change(written, change.value());
    const auto again = parse_schema_change(written);
    TRIBUTARY_ASSERT(again.has_value());
    std::string twice;
    append_schema_change(twice, again.value());
    TRIBUTARY_ASSERT(twice == written);
    for (const ServerKind server : {ServerKind::mysql, ServerKind::mariadb}) {
        Arena arena;
        const StructureChange* told = describe(change.value(), server, arena);
        TRIBUTARY_ASSERT(told != nullptr && told->statement == change.value().text);
    }
    return 0;
}
