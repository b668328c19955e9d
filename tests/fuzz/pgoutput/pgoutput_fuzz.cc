// Any bytes as one pgoutput message, and as a column value of every type: no crash, no read out of
// bounds; what is accepted is walked to its end.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "connectors/postgresql/values/text_values.h"

namespace {

using namespace tributary;              // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::postgresql;  // NOLINT(google-build-using-namespace)

void walk(const Tuple& tuple) {
    CellReader cells(tuple);
    Cell cell;
    std::size_t count = 0;
    while (cells.next(cell)) {
        ++count;
    }
    TRIBUTARY_ASSERT(cells.ok() && cells.at_end() && count == tuple.column_count);
}

void parse_as_values(std::string_view text) {
    Arena arena(4096, 4096);
    for (int kind = 0; kind <= static_cast<int>(TypeKind::geography); ++kind) {
        ColumnType type;
        type.kind = static_cast<TypeKind>(kind);
        ColumnType array;
        array.kind = TypeKind::array;
        array.element = std::make_shared<const ColumnType>(type);
        Value value;
        static_cast<void>(parse_value(type, text, arena, value));
        static_cast<void>(parse_value(array, text, arena, value));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto parsed = parse_message(bytes);
    if (parsed.has_value()) {
        if (const auto* row = std::get_if<RowMessage>(&parsed.value())) {
            walk(row->old_tuple);
            walk(row->new_tuple);
        }
    }
    parse_as_values(bytes);
    return 0;
}
