// Any bytes as a row: the first says how many columns follow, three bytes each (type, metadata),
// then the bitmap of present columns and the image. What is measured is read whole and decodes or
// says why not, without a read out of bounds.
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "connectors/mysql/values/column_types.h"
#include "connectors/mysql/values/row_values.h"

namespace {

using namespace tributary;         // NOLINT(google-build-using-namespace): a fuzz target
using namespace tributary::mysql;  // NOLINT(google-build-using-namespace)

Column column_of(ByteReader& reader) {
    TableMapColumn from;
    from.layout.type = static_cast<BinlogType>(reader.fixed<std::uint8_t>());
    from.layout.metadata = reader.fixed<std::uint16_t>();
    from.collation = static_cast<std::uint16_t>(8 + from.layout.metadata % 60);
    from.is_unsigned = (from.layout.metadata & 1U) != 0;
    from.labels = {"a", "b", "c"};
    Column column;
    column.name = "c";
    column.type = map_type(from, nullptr);
    column.source_type = type_name(from, nullptr);
    column.source_type_id = pack({from.layout, from.is_unsigned, false, false});
    column.source_type_modifier = from.collation;
    return column;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    ByteReader reader(bytes);
    const std::size_t count = reader.fixed<std::uint8_t>() % 20U;
    auto schema = std::make_shared<TableSchema>();
    for (std::size_t index = 0; index < count; ++index) {
        schema->columns.push_back(column_of(reader));
    }
    const std::string_view present = reader.bytes((count + 7) / 8);
    if (!reader.ok()) {
        return 0;
    }
    const std::string_view image = reader.bytes(reader.remaining());
    Converters converters;
    const RowReader rows(schema, converters);
    const auto measured = row_image_size(rows.layout(), present, image);
    Arena arena(4096, 4096);
    std::string_view rest = image;
    const auto values = rows.read(present, rest, ValueState::unchanged, arena);
    if (measured.has_value() && values.has_value()) {
        TRIBUTARY_ASSERT(image.size() - rest.size() == measured.value());
    }
    TRIBUTARY_ASSERT(measured.has_value() || !values.has_value());
    rest = image;
    static_cast<void>(partial_image_size(rows.layout(), present, image));
    static_cast<void>(
        rows.read_partial(present, image, present, rest, ValueState::unchanged, arena));
    static_cast<void>(is_current_row(rows.layout(), present, image, count == 0 ? 0 : count - 1));
    return 0;
}
