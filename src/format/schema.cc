// Bytes of a table's structure in the schema store (declared in block.h; docs/log-format.md,
// "Schema"). Pure, any thread.
//   byte     format: 3 when a type kind is beyond 26 (float_vector), 2 when one is beyond 20
//            (array), else 1
//   fixed32  CRC32C of everything after it
//   sized    database, schema, table
//   varint   source table id
//   byte     old row
//   varint   count of columns, then each:
//            sized name, type, sized source type, fixed32 source type id, fixed32 modifier,
//            byte flags (1 nullable, 2 identity, 4 has a default), varint key index,
//            [sized default]
//   type     byte kind, fixed32 precision, fixed32 scale, varint count of labels, sized each,
//            byte 1 and the element's type, or byte 0
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/block.h"
#include "model/errors.h"

namespace tributary::format {

namespace {

// The last type kind that agents know which read up to format 1, 2, ..
constexpr std::array kLastKinds{TypeKind::array, TypeKind::float_vector, TypeKind::geography};
constexpr std::uint8_t kSchemaFormat = kLastKinds.size();
constexpr std::size_t kSchemaHeaderBytes = 5;
constexpr std::uint8_t kNullable = 1;
constexpr std::uint8_t kIdentity = 2;
constexpr std::uint8_t kHasDefault = 4;
// Arrays of arrays do not nest deeper than this in any source.
constexpr int kTypeDepthMax = 8;

void append_type(std::string& out, const ColumnType& type) {
    out.push_back(static_cast<char>(type.kind));
    append_fixed(out, static_cast<std::uint32_t>(type.precision));
    append_fixed(out, static_cast<std::uint32_t>(type.scale));
    append_varint(out, type.labels.size());
    for (const std::string& label : type.labels) {
        append_sized(out, label);
    }
    out.push_back(type.element ? '\1' : '\0');
    if (type.element) {
        append_type(out, *type.element);
    }
}

void append_column(std::string& out, const Column& column) {
    append_sized(out, column.name);
    append_type(out, column.type);
    append_sized(out, column.source_type);
    append_fixed(out, column.source_type_id);
    append_fixed(out, static_cast<std::uint32_t>(column.source_type_modifier));
    out.push_back(static_cast<char>((column.nullable ? kNullable : 0) |
                                    (column.identity ? kIdentity : 0) |
                                    (column.default_expression ? kHasDefault : 0)));
    append_varint(out, column.key_index);
    if (column.default_expression) {
        append_sized(out, *column.default_expression);
    }
}

[[nodiscard]] ColumnType read_type(ByteReader& reader, TypeKind kind_max, int depth) {
    ColumnType type;
    const auto kind = reader.fixed<std::uint8_t>();
    if (kind > static_cast<std::uint8_t>(kind_max) || depth > kTypeDepthMax) {
        reader.fail();
        return type;
    }
    type.kind = static_cast<TypeKind>(kind);
    type.precision = static_cast<std::int32_t>(reader.fixed<std::uint32_t>());
    type.scale = static_cast<std::int32_t>(reader.fixed<std::uint32_t>());
    const std::uint64_t labels = reader.varint();
    for (std::uint64_t index = 0; index < labels && reader.ok(); ++index) {
        type.labels.emplace_back(reader.sized());
    }
    const auto has_element = reader.fixed<std::uint8_t>();
    if (has_element > 1) {
        reader.fail();
    } else if (has_element == 1) {
        type.element = std::make_shared<const ColumnType>(read_type(reader, kind_max, depth + 1));
    }
    return type;
}

[[nodiscard]] Column read_column(ByteReader& reader, TypeKind kind_max) {
    Column column;
    column.name = reader.sized();
    column.type = read_type(reader, kind_max, 0);
    column.source_type = reader.sized();
    column.source_type_id = reader.fixed<std::uint32_t>();
    column.source_type_modifier = static_cast<std::int32_t>(reader.fixed<std::uint32_t>());
    const auto flags = reader.fixed<std::uint8_t>();
    const std::uint64_t key_index = reader.varint();
    if (flags > (kNullable | kIdentity | kHasDefault) ||
        key_index > std::numeric_limits<std::uint16_t>::max()) {
        reader.fail();
    }
    column.nullable = (flags & kNullable) != 0;
    column.identity = (flags & kIdentity) != 0;
    column.key_index = static_cast<std::uint16_t>(key_index);
    if ((flags & kHasDefault) != 0) {
        column.default_expression = reader.sized();
    }
    return column;
}

[[nodiscard]] std::uint8_t needed_format(const TableSchema& schema) {
    TypeKind last = TypeKind::unsupported;
    for (const Column& column : schema.columns) {
        const ColumnType* type = &column.type;
        while (type->element) {
            type = type->element.get();
        }
        last = std::max(last, type->kind);
    }
    const auto* const known = std::lower_bound(kLastKinds.begin(), kLastKinds.end(), last);
    return static_cast<std::uint8_t>(known - kLastKinds.begin() + 1);
}

[[nodiscard]] Error refuse(std::size_t offset, std::string_view why) {
    return {errors::kEntryCorrupt,
            "a stored table structure, byte " + std::to_string(offset) + ": " + std::string(why)};
}

}  // namespace

std::string pack_schema(const TableSchema& schema) {
    std::string out(kSchemaHeaderBytes, '\0');
    append_sized(out, schema.database);
    append_sized(out, schema.schema);
    append_sized(out, schema.table);
    append_varint(out, schema.source_table_id);
    out.push_back(static_cast<char>(schema.old_row));
    append_varint(out, schema.columns.size());
    for (const Column& column : schema.columns) {
        append_column(out, column);
    }
    out[0] = static_cast<char>(needed_format(schema));
    store(out.data() + 1,
          crc32c(0, std::string_view(out).substr(kSchemaHeaderBytes)),
          Endian::little);
    return out;
}

Result<TableSchema> unpack_schema(std::string_view stored) {
    ByteReader reader(stored);
    const auto format = reader.fixed<std::uint8_t>();
    const auto crc = reader.fixed<std::uint32_t>();
    if (!reader.ok() || crc != crc32c(0, stored.substr(kSchemaHeaderBytes))) {
        return refuse(0, "the checksum does not fit");
    }
    if (format > kSchemaFormat) {
        return Error(errors::kLogTooNew,
                     "a stored table structure has format " + std::to_string(format) +
                         ", this agent reads up to " + std::to_string(kSchemaFormat));
    }
    TableSchema schema;
    schema.database = reader.sized();
    schema.schema = reader.sized();
    schema.table = reader.sized();
    const std::uint64_t table_id = reader.varint();
    const auto old_row = reader.fixed<std::uint8_t>();
    const std::uint64_t columns = reader.varint();
    const TypeKind kind_max = kLastKinds[format == 0 ? 0 : format - 1U];
    for (std::uint64_t index = 0; index < columns && reader.ok(); ++index) {
        schema.columns.push_back(read_column(reader, kind_max));
    }
    if (format == 0 || !reader.ok() || !reader.at_end() ||
        table_id > std::numeric_limits<std::uint32_t>::max() ||
        old_row < static_cast<std::uint8_t>(OldRow::key) ||
        old_row > static_cast<std::uint8_t>(OldRow::index)) {
        return refuse(reader.offset(), "not as written");
    }
    schema.source_table_id = static_cast<std::uint32_t>(table_id);
    schema.old_row = static_cast<OldRow>(old_row);
    return schema;
}

}  // namespace tributary::format
