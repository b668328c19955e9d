// Any bytes as a DECIMAL (the first two are precision and scale): no crash; what is accepted has
// digits only, as many after the point as the scale says.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "connectors/mysql/values/decimal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tributary;  // NOLINT(google-build-using-namespace): a fuzz target
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (size < 2) {
        return 0;
    }
    Arena arena(4096, 4096);
    std::string_view text;
    if (mysql::decimal_text(bytes.substr(2), data[0], data[1], arena, text)) {
        const auto point = text.find('.');
        TRIBUTARY_ASSERT(text.find_first_not_of("-.0123456789") == std::string_view::npos);
        TRIBUTARY_ASSERT(data[1] == 0 ? point == std::string_view::npos
                                      : text.size() - point - 1 == data[1]);
    }
    return 0;
}
