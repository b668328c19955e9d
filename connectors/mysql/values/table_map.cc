// TABLE_MAP_EVENT to TableMap: table_map.h.
#include "connectors/mysql/values/table_map.h"

#include <array>
#include <utility>

#include "base/bytes.h"
#include "connectors/mysql/values/charset.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::size_t kTableIdBytes = 6;
constexpr std::size_t kPostHeaderBytes = 8;

// Optional metadata, by type byte.
enum class Field : std::uint8_t {
    signedness = 1,
    default_charset = 2,
    column_charset = 3,
    column_name = 4,
    set_labels = 5,
    enum_labels = 6,
    geometry_type = 7,
    simple_key = 8,
    prefix_key = 9,
    label_default_charset = 10,
    label_column_charset = 11,
    visibility = 12,
    vector_dimensions = 13,
};
constexpr std::size_t kFields = 14;

Error malformed(std::string_view what, std::size_t offset) {
    return {errors::kProtocolViolation,
            "TABLE_MAP event: " + std::string(what) + ", byte " + std::to_string(offset)};
}

// Bits in optional metadata are most significant first, unlike those of rows.
bool bit_from_left(std::string_view bits, std::size_t index) {
    return index / 8 < bits.size() &&
           ((static_cast<unsigned>(static_cast<unsigned char>(bits[index / 8])) << (index % 8)) &
            0x80U) != 0;
}

bool is_numeric(BinlogType type) {
    switch (type) {
        case BinlogType::tiny:
        case BinlogType::short_:
        case BinlogType::int24:
        case BinlogType::long_:
        case BinlogType::longlong:
        case BinlogType::float_:
        case BinlogType::double_:
        case BinlogType::newdecimal:
        case BinlogType::decimal_old:
        case BinlogType::year:
            return true;
        case BinlogType::null:
        case BinlogType::timestamp:
        case BinlogType::date:
        case BinlogType::time:
        case BinlogType::datetime:
        case BinlogType::newdate:
        case BinlogType::varchar:
        case BinlogType::bit:
        case BinlogType::timestamp2:
        case BinlogType::datetime2:
        case BinlogType::time2:
        case BinlogType::typed_array:
        case BinlogType::blob_compressed:
        case BinlogType::varchar_compressed:
        case BinlogType::vector:
        case BinlogType::json:
        case BinlogType::enumeration:
        case BinlogType::set:
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::var_string:
        case BinlogType::string:
        case BinlogType::geometry:
            break;
    }
    return false;
}

bool is_blob(BinlogType type) {
    return type == BinlogType::blob || type == BinlogType::tiny_blob ||
           type == BinlogType::medium_blob || type == BinlogType::long_blob;
}

// Which columns the charset lists count: not the same on both servers.
bool is_character(BinlogType type, ServerKind kind) {
    if (type == BinlogType::geometry) {
        return kind == ServerKind::mariadb;
    }
    if (type == BinlogType::vector) {
        return kind == ServerKind::mysql;
    }
    return type == BinlogType::string || type == BinlogType::var_string ||
           type == BinlogType::varchar || type == BinlogType::varchar_compressed ||
           type == BinlogType::blob_compressed || is_blob(type);
}

bool has_labels(BinlogType type) {
    return type == BinlogType::enumeration || type == BinlogType::set;
}

// One column's metadata off the front of `bytes`; false when it is too short or the type is not
// known.
bool take_layout(std::string_view& bytes, std::uint8_t type_byte, ColumnLayout& out) {
    const auto byte = [&bytes](std::size_t index) {
        return static_cast<unsigned>(static_cast<unsigned char>(bytes[index]));
    };
    const auto take = [&bytes](std::size_t count) {
        bytes.remove_prefix(count);
        return true;
    };
    out.type = static_cast<BinlogType>(type_byte);
    out.metadata = 0;
    switch (out.type) {
        case BinlogType::tiny:
        case BinlogType::short_:
        case BinlogType::int24:
        case BinlogType::long_:
        case BinlogType::longlong:
        case BinlogType::year:
        case BinlogType::date:
        case BinlogType::newdate:
        case BinlogType::time:
        case BinlogType::datetime:
        case BinlogType::timestamp:
            return true;
        case BinlogType::float_:
        case BinlogType::double_:
        case BinlogType::timestamp2:
        case BinlogType::datetime2:
        case BinlogType::time2:
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::blob_compressed:
        case BinlogType::json:
        case BinlogType::geometry:
        case BinlogType::vector:
            if (bytes.empty()) {
                return false;
            }
            out.metadata = static_cast<std::uint16_t>(byte(0));
            return take(1);
        case BinlogType::varchar:
        case BinlogType::varchar_compressed:
            if (bytes.size() < 2) {
                return false;
            }
            out.metadata = load<std::uint16_t>(bytes.data(), Endian::little);
            return take(2);
        case BinlogType::bit:
            if (bytes.size() < 2 || byte(0) > 7 || byte(1) > 8) {
                return false;
            }
            out.metadata = static_cast<std::uint16_t>(byte(1) * 8 + byte(0));
            return take(2);
        case BinlogType::newdecimal:
            if (bytes.size() < 2) {
                return false;
            }
            out.metadata = static_cast<std::uint16_t>(byte(0) << 8U | byte(1));
            return take(2);
        case BinlogType::string:
        case BinlogType::var_string:
        case BinlogType::enumeration:
        case BinlogType::set:
            if (bytes.size() < 2) {
                return false;
            }
            // Two bits of the length are hidden, inverted, in the byte of the real type.
            out.type = static_cast<BinlogType>(byte(0) | 0x30U);
            out.metadata = static_cast<std::uint16_t>(byte(1) | ((byte(0) & 0x30U) ^ 0x30U) << 4U);
            return (out.type == BinlogType::string || out.type == BinlogType::var_string ||
                    has_labels(out.type)) &&
                   take(2);
        case BinlogType::decimal_old:
        case BinlogType::null:
        case BinlogType::typed_array:
            break;
    }
    return false;
}

using Fields = std::array<std::string_view, kFields>;

class MetadataReader {
  public:
    MetadataReader(TableMap& map, ServerKind kind, const Fields& fields, std::size_t offset)
        : map_(map), kind_(kind), fields_(fields), offset_(offset) {}

    Result<void> read() {
        read_bits();
        const bool read_all =
            read_names() &&
            read_charsets(Field::default_charset,
                          Field::column_charset,
                          [this](BinlogType type) { return is_character(type, kind_); }) &&
            read_charsets(Field::label_default_charset, Field::label_column_charset, has_labels) &&
            read_labels(Field::enum_labels, BinlogType::enumeration) &&
            read_labels(Field::set_labels, BinlogType::set) && read_keys() && read_geometry() &&
            read_dimensions();
        if (!read_all) {
            return malformed("optional metadata ends too early or names no column of the table",
                             offset_);
        }
        map_.has_charsets = !of(Field::default_charset).empty() ||
                            !of(Field::column_charset).empty() || !any_character();
        map_.has_labels = labels_told();
        return success();
    }

  private:
    [[nodiscard]] std::string_view of(Field field) const {
        return fields_[static_cast<std::size_t>(field)];
    }

    [[nodiscard]] bool any_character() const {
        for (const TableMapColumn& column : map_.columns) {
            if (is_character(column.layout.type, kind_)) {
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] bool labels_told() const {
        for (const TableMapColumn& column : map_.columns) {
            if (mysql::has_labels(column.layout.type) && column.labels.empty()) {
                return false;
            }
        }
        return true;
    }

    void read_bits() {
        const std::string_view signedness = of(Field::signedness);
        const std::string_view visibility = of(Field::visibility);
        std::size_t number = 0;
        std::size_t index = 0;
        map_.has_signedness = !signedness.empty();
        bool any_number = false;
        for (TableMapColumn& column : map_.columns) {
            if (is_numeric(column.layout.type)) {
                any_number = true;
                column.is_unsigned = bit_from_left(signedness, number++);
            }
            column.visible = visibility.empty() || bit_from_left(visibility, index);
            ++index;
        }
        map_.has_signedness = map_.has_signedness || !any_number;
    }

    bool take_text(std::string_view& bytes, std::string_view& text) {
        std::uint64_t length = 0;
        if (!take_packed(bytes, length) || length > bytes.size()) {
            return false;
        }
        text = bytes.substr(0, static_cast<std::size_t>(length));
        bytes.remove_prefix(text.size());
        return true;
    }

    bool read_names() {
        std::string_view bytes = of(Field::column_name);
        map_.has_names = !bytes.empty();
        if (bytes.empty()) {
            return true;
        }
        for (TableMapColumn& column : map_.columns) {
            std::string_view name;
            if (!take_text(bytes, name)) {
                return false;
            }
            column.name = name;
        }
        return bytes.empty();
    }

    // One collation for all with exceptions by index among the columns that count, or one each.
    template <typename Counts>
    bool read_charsets(Field for_all, Field for_each, Counts counts) {
        std::vector<TableMapColumn*> columns;
        for (TableMapColumn& column : map_.columns) {
            if (counts(column.layout.type)) {
                columns.push_back(&column);
            }
        }
        std::string_view bytes = of(for_each);
        std::uint64_t collation = 0;
        if (!bytes.empty()) {
            for (TableMapColumn* column : columns) {
                if (!take_packed(bytes, collation)) {
                    return false;
                }
                column->collation = static_cast<std::uint16_t>(collation);
            }
            return bytes.empty();
        }
        bytes = of(for_all);
        if (bytes.empty()) {
            return true;
        }
        if (!take_packed(bytes, collation)) {
            return false;
        }
        for (TableMapColumn* column : columns) {
            column->collation = static_cast<std::uint16_t>(collation);
        }
        while (!bytes.empty()) {
            std::uint64_t index = 0;
            if (!take_packed(bytes, index) || !take_packed(bytes, collation) ||
                index >= columns.size()) {
                return false;
            }
            columns[static_cast<std::size_t>(index)]->collation =
                static_cast<std::uint16_t>(collation);
        }
        return true;
    }

    // Labels stand in the character set of their column.
    bool read_labels(Field field, BinlogType type) {
        std::string_view bytes = of(field);
        if (bytes.empty()) {
            return true;
        }
        Arena arena(4096);
        for (TableMapColumn& column : map_.columns) {
            if (column.layout.type != type) {
                continue;
            }
            const auto converter = make_converter_of(column.collation);
            std::uint64_t count = 0;
            if (!take_packed(bytes, count) || count > bytes.size()) {
                return false;
            }
            for (std::uint64_t index = 0; index < count; ++index) {
                std::string_view label;
                if (!take_text(bytes, label)) {
                    return false;
                }
                column.labels.emplace_back(converter ? converter->to_utf8(label, arena) : label);
            }
        }
        return bytes.empty();
    }

    bool read_keys() {
        std::string_view bytes = of(Field::simple_key);
        const bool prefixes = bytes.empty();
        if (prefixes) {
            bytes = of(Field::prefix_key);
        }
        for (std::uint16_t place = 1; !bytes.empty(); ++place) {
            std::uint64_t index = 0;
            std::uint64_t prefix = 0;
            if (!take_packed(bytes, index) || (prefixes && !take_packed(bytes, prefix)) ||
                index >= map_.columns.size()) {
                return false;
            }
            TableMapColumn& column = map_.columns[static_cast<std::size_t>(index)];
            column.key_index = place;
            column.key_prefix = static_cast<std::uint32_t>(prefix);
        }
        return true;
    }

    bool read_geometry() {
        std::string_view bytes = of(Field::geometry_type);
        for (TableMapColumn& column : map_.columns) {
            std::uint64_t type = 0;
            if (column.layout.type == BinlogType::geometry && !bytes.empty()) {
                if (!take_packed(bytes, type)) {
                    return false;
                }
                column.geometry_type = static_cast<std::uint8_t>(type);
            }
        }
        return bytes.empty();
    }

    bool read_dimensions() {
        std::string_view bytes = of(Field::vector_dimensions);
        for (TableMapColumn& column : map_.columns) {
            std::uint64_t dimensions = 0;
            if (column.layout.type == BinlogType::vector && !bytes.empty()) {
                if (!take_packed(bytes, dimensions)) {
                    return false;
                }
                column.vector_dimensions = static_cast<std::uint32_t>(dimensions);
            }
        }
        return bytes.empty();
    }

    TableMap& map_;
    ServerKind kind_;
    const Fields& fields_;
    std::size_t offset_;
};

// A name with its length byte before and a NUL behind.
bool take_name(ByteReader& reader, std::string_view& name) {
    const auto length = reader.fixed<std::uint8_t>();
    name = reader.bytes(length);
    return reader.fixed<std::uint8_t>() == 0 && reader.ok();
}

bool take_packed(ByteReader& reader, std::string_view all, std::uint64_t& value) {
    std::string_view rest = all.substr(reader.offset());
    const std::size_t before = rest.size();
    if (!reader.ok() || !mysql::take_packed(rest, value)) {
        return false;
    }
    static_cast<void>(reader.bytes(before - rest.size()));
    return true;
}

Result<void> parse_columns(ByteReader& reader, std::string_view body, TableMap& map) {
    std::uint64_t count = 0;
    if (!take_packed(reader, body, count) || count > kTableColumnsMax) {
        return malformed("count of columns", reader.offset());
    }
    const std::string_view types = reader.bytes(static_cast<std::size_t>(count));
    std::uint64_t metadata_bytes = 0;
    if (!reader.ok() || !take_packed(reader, body, metadata_bytes) ||
        metadata_bytes > reader.remaining()) {
        return malformed("types of columns", reader.offset());
    }
    const std::size_t metadata_at = reader.offset();
    std::string_view metadata = reader.bytes(static_cast<std::size_t>(metadata_bytes));
    const std::string_view nulls = reader.bytes(static_cast<std::size_t>((count + 7) / 8));
    if (!reader.ok()) {
        return malformed("metadata of columns", reader.offset());
    }
    map.columns.resize(static_cast<std::size_t>(count));
    for (std::size_t index = 0; index < map.columns.size(); ++index) {
        const auto type = static_cast<std::uint8_t>(types[index]);
        if (!take_layout(metadata, type, map.columns[index].layout)) {
            return malformed("column " + std::to_string(index) + " of type " +
                                 std::to_string(type) + ", which is not known or has no metadata",
                             metadata_at);
        }
        map.columns[index].nullable = bit_of(nulls, index);
    }
    return success();
}

}  // namespace

std::uint64_t table_id_of(std::string_view body) noexcept {
    if (body.size() < kPostHeaderBytes) {
        return 0;
    }
    return load<std::uint64_t>(body.data(), Endian::little) & 0xFFFFFFFFFFFFULL;
}

Result<TableName> parse_table_name(std::string_view body) {
    ByteReader reader(body);
    static_cast<void>(reader.bytes(kPostHeaderBytes));
    TableName name;
    if (!take_name(reader, name.database) || !take_name(reader, name.table)) {
        return malformed("names of database and table", reader.offset());
    }
    return name;
}

Result<TableMap> parse_table_map(std::string_view body, ServerKind kind) {
    TRIBUTARY_TRY(name, parse_table_name(body));
    TableMap map;
    map.table_id = table_id_of(body);
    map.flags = load<std::uint16_t>(body.data() + kTableIdBytes, Endian::little);
    map.database = name.database;
    map.table = name.table;
    ByteReader reader(body);
    // Names were read once already: two lengths and two NULs beside them.
    static_cast<void>(
        reader.bytes(kPostHeaderBytes + name.database.size() + name.table.size() + 4));
    TRIBUTARY_TRY_VOID(parse_columns(reader, body, map));
    Fields fields{};
    const std::size_t optional_at = reader.offset();
    while (reader.ok() && !reader.at_end()) {
        const auto type = reader.fixed<std::uint8_t>();
        std::uint64_t length = 0;
        if (!take_packed(reader, body, length) || length > reader.remaining()) {
            return malformed("length of optional metadata", reader.offset());
        }
        const std::string_view bytes = reader.bytes(static_cast<std::size_t>(length));
        if (type < kFields) {  // later ones only add
            fields[type] = bytes;
        }
    }
    TRIBUTARY_TRY_VOID(MetadataReader(map, kind, fields, optional_at).read());
    return map;
}

RowLayout row_layout(const TableMap& map) {
    RowLayout layout;
    layout.columns.reserve(map.columns.size());
    for (const TableMapColumn& column : map.columns) {
        layout.columns.push_back(column.layout);
        layout.json_columns += column.layout.type == BinlogType::json ? 1U : 0U;
    }
    return layout;
}

}  // namespace tributary::mysql
