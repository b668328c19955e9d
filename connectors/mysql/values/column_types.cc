// Column types of MySQL and MariaDB: column_types.h.
#include "connectors/mysql/values/column_types.h"

#include <algorithm>
#include <array>

#include "connectors/mysql/letters.h"
#include "connectors/mysql/numbers.h"
#include "connectors/mysql/values/charset.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::uint8_t kPoint = 1;  // GEOMETRY_TYPE
constexpr std::uint16_t kByteLengthMax = 255;

struct NamedTypes {
    std::string_view data_type;  // of information_schema.COLUMNS
    std::array<BinlogType, 3> types;
    int length_bytes;  // of blobs; 0: not a blob
};
constexpr BinlogType kNone = BinlogType::null;
constexpr std::array kNamed{
    NamedTypes{"tinyint", {BinlogType::tiny, kNone, kNone}, 0},
    NamedTypes{"smallint", {BinlogType::short_, kNone, kNone}, 0},
    NamedTypes{"mediumint", {BinlogType::int24, kNone, kNone}, 0},
    NamedTypes{"int", {BinlogType::long_, kNone, kNone}, 0},
    NamedTypes{"bigint", {BinlogType::longlong, kNone, kNone}, 0},
    NamedTypes{"float", {BinlogType::float_, kNone, kNone}, 0},
    NamedTypes{"double", {BinlogType::double_, kNone, kNone}, 0},
    NamedTypes{"decimal", {BinlogType::newdecimal, kNone, kNone}, 0},
    NamedTypes{"bit", {BinlogType::bit, kNone, kNone}, 0},
    NamedTypes{"year", {BinlogType::year, kNone, kNone}, 0},
    NamedTypes{"date", {BinlogType::date, BinlogType::newdate, kNone}, 0},
    NamedTypes{"time", {BinlogType::time2, BinlogType::time, kNone}, 0},
    NamedTypes{"datetime", {BinlogType::datetime2, BinlogType::datetime, kNone}, 0},
    NamedTypes{"timestamp", {BinlogType::timestamp2, BinlogType::timestamp, kNone}, 0},
    NamedTypes{"char", {BinlogType::string, BinlogType::var_string, kNone}, 0},
    NamedTypes{"binary", {BinlogType::string, BinlogType::var_string, kNone}, 0},
    NamedTypes{"varchar",
               {BinlogType::varchar, BinlogType::varchar_compressed, BinlogType::var_string},
               0},
    NamedTypes{"varbinary",
               {BinlogType::varchar, BinlogType::varchar_compressed, BinlogType::var_string},
               0},
    NamedTypes{"tinytext", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 1},
    NamedTypes{"tinyblob", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 1},
    NamedTypes{"text", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 2},
    NamedTypes{"blob", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 2},
    NamedTypes{"mediumtext", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 3},
    NamedTypes{"mediumblob", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 3},
    NamedTypes{"longtext", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 4},
    NamedTypes{"longblob", {BinlogType::blob, BinlogType::blob_compressed, kNone}, 4},
    NamedTypes{"json", {BinlogType::json, BinlogType::blob, kNone}, 4},
    NamedTypes{"enum", {BinlogType::enumeration, kNone, kNone}, 0},
    NamedTypes{"set", {BinlogType::set, kNone, kNone}, 0},
    NamedTypes{"geometry", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"point", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"linestring", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"polygon", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"multipoint", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"multilinestring", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"multipolygon", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"geometrycollection", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"geomcollection", {BinlogType::geometry, kNone, kNone}, 0},
    NamedTypes{"vector", {BinlogType::vector, BinlogType::varchar, kNone}, 0},
    NamedTypes{"uuid", {BinlogType::string, kNone, kNone}, 0},
    NamedTypes{"inet6", {BinlogType::string, kNone, kNone}, 0},
    NamedTypes{"inet4", {BinlogType::string, kNone, kNone}, 0},
};

bool is_data_type(const CatalogueColumn* known, std::string_view name) {
    return known != nullptr && known->data_type == name;
}

bool fits_modifiers(const ColumnLayout& layout, const CatalogueColumn& known) {
    const Modifiers modifiers = modifiers_of(known.column_type);
    switch (layout.type) {
        case BinlogType::newdecimal:
            return modifiers.first == layout.metadata >> 8U &&
                   std::max(modifiers.second, 0) == (layout.metadata & 0xFF);
        case BinlogType::bit:
            return modifiers.first == layout.metadata;
        case BinlogType::timestamp2:
        case BinlogType::datetime2:
        case BinlogType::time2:
            return std::max(modifiers.first, 0) == layout.metadata;
        case BinlogType::enumeration:
        case BinlogType::set: {
            const std::size_t labels = labels_of(known.column_type).size();
            return layout.metadata ==
                   (layout.type == BinlogType::set ? set_bytes(labels) : enum_bytes(labels));
        }
        case BinlogType::string:
            if (known.data_type == "uuid" || known.data_type == "inet6") {
                return layout.metadata == 16;
            }
            return known.data_type == "inet4" ? layout.metadata == 4 : true;
        case BinlogType::decimal_old:
        case BinlogType::tiny:
        case BinlogType::short_:
        case BinlogType::long_:
        case BinlogType::float_:
        case BinlogType::double_:
        case BinlogType::null:
        case BinlogType::timestamp:
        case BinlogType::longlong:
        case BinlogType::int24:
        case BinlogType::date:
        case BinlogType::time:
        case BinlogType::datetime:
        case BinlogType::year:
        case BinlogType::newdate:
        case BinlogType::varchar:
        case BinlogType::typed_array:
        case BinlogType::blob_compressed:
        case BinlogType::varchar_compressed:
        case BinlogType::vector:
        case BinlogType::json:
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::var_string:
        case BinlogType::geometry:
            break;
    }
    return true;
}

TypeKind string_kind(const TableMapColumn& column, const CatalogueColumn* known) {
    if (is_data_type(known, "uuid")) {
        return TypeKind::uuid;
    }
    if (is_data_type(known, "inet4") || is_data_type(known, "inet6")) {
        return TypeKind::text;
    }
    if (is_data_type(known, "vector")) {
        return TypeKind::float_vector;
    }
    return column.collation == kBinaryCollation ? TypeKind::bytes : TypeKind::text;
}

TypeKind integer_kind(BinlogType type, bool is_unsigned) {
    if (type == BinlogType::tiny) {
        return TypeKind::int16;
    }
    if (type == BinlogType::short_) {
        return is_unsigned ? TypeKind::int32 : TypeKind::int16;
    }
    if (type == BinlogType::int24) {
        return TypeKind::int32;
    }
    if (type == BinlogType::long_) {
        return is_unsigned ? TypeKind::int64 : TypeKind::int32;
    }
    return is_unsigned ? TypeKind::uint64 : TypeKind::int64;
}

std::string labels_text(const std::vector<std::string>& labels) {
    std::string out = "(";
    for (const std::string& label : labels) {
        out += out.size() == 1 ? "'" : ",'";
        for (const char character : label) {
            out.append(character == '\'' ? 2 : 1, character);
        }
        out += '\'';
    }
    return out + ")";
}

std::string fraction_text(std::string_view name, std::uint16_t digits) {
    return std::string(name) + (digits == 0 ? "" : "(" + std::to_string(digits) + ")");
}

std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char character : text) {
        out.append(character == '\'' ? 2 : 1, character);
    }
    return out + "'";
}

// As the literal of a PostgreSQL bytea, which the encoder reads.
std::string bytes_literal(std::string_view bytes) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "'\\x";
    for (const char character : bytes) {
        const auto byte = static_cast<unsigned char>(character);
        out += kHex[byte >> 4U];
        out += kHex[byte & 0xFU];
    }
    return out + "'";
}

// The binary digits of a BIT(n) default as its bytes, least significant first.
std::string bits_of(std::string_view digits, const CatalogueColumn& known) {
    const int bits = std::clamp(modifiers_of(known.column_type).first, 1, 64);
    std::string bytes(static_cast<std::size_t>((bits + 7) / 8), '\0');
    for (std::size_t index = 0; index < digits.size() && index < bytes.size() * 8; ++index) {
        if (digits[digits.size() - 1 - index] == '1') {
            char& byte = bytes[index / 8];
            byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << (index % 8));
        }
    }
    return bytes;
}

// A literal at the beginning of `text`, with '' and backslashes, which both servers write in
// COLUMN_TYPE and in MariaDB's defaults whatever sql_mode is; it is taken off. None: not one.
std::optional<std::string> take_literal(std::string_view& text) {
    if (!text.starts_with('\'')) {
        return std::nullopt;
    }
    std::string out;
    for (std::size_t at = 1; at < text.size(); ++at) {
        char character = text[at];
        const char next = at + 1 < text.size() ? text[at + 1] : '\0';
        if (character == '\'' && next != '\'') {
            text.remove_prefix(at + 1);
            return out;
        }
        if (character == '\'' || character == '\\') {
            if (++at == text.size()) {
                break;
            }
            const auto escape = std::string_view("0nrZt").find(next);
            character = character == '\\' && escape != std::string_view::npos
                            ? std::string_view("\0\n\r\x1A\t", 5)[escape]
                            : next;
        }
        out += character;
    }
    return std::nullopt;
}

// None when it is no one literal.
std::optional<std::string> unquoted(std::string_view text) {
    auto literal = take_literal(text);
    return text.empty() ? literal : std::nullopt;
}

bool is_bare_number(TypeKind kind) {
    return kind == TypeKind::int16 || kind == TypeKind::int32 || kind == TypeKind::int64 ||
           kind == TypeKind::uint64 || kind == TypeKind::year || kind == TypeKind::float32 ||
           kind == TypeKind::float64 || kind == TypeKind::decimal;
}

}  // namespace

std::uint16_t enum_bytes(std::size_t labels) {
    return labels > kByteLengthMax ? 2 : 1;
}

std::uint16_t set_bytes(std::size_t labels) {
    const std::size_t bytes = (labels + 7) / 8;
    return static_cast<std::uint16_t>(bytes > 4 ? 8 : bytes);
}

std::vector<std::string> labels_of(std::string_view column_type) {
    std::vector<std::string> labels;
    const bool has_labels = column_type.starts_with("enum(") || column_type.starts_with("set(");
    const auto open = column_type.find('(');
    if (!has_labels) {
        return labels;
    }
    std::string_view rest = column_type.substr(open + 1);
    while (rest.starts_with('\'')) {
        auto label = take_literal(rest);
        if (!label) {
            return {};
        }
        labels.push_back(std::move(*label));
        if (rest.starts_with(',')) {
            rest.remove_prefix(1);
        }
    }
    return labels;
}

bool is_same_type(const TableMapColumn& column, const CatalogueColumn& known) {
    const auto named = std::find_if(kNamed.begin(), kNamed.end(), [&](const NamedTypes& each) {
        return each.data_type == known.data_type;
    });
    if (named == kNamed.end()) {
        return false;
    }
    const BinlogType type = column.layout.type;
    if (std::find(named->types.begin(), named->types.end(), type) == named->types.end()) {
        return false;
    }
    if ((type == BinlogType::blob || type == BinlogType::blob_compressed) &&
        column.layout.metadata != named->length_bytes) {
        return false;
    }
    if (!column.labels.empty() && column.labels != labels_of(known.column_type)) {
        return false;
    }
    return fits_modifiers(column.layout, known);
}

bool has_old_fractions(const CatalogueColumn& known) {
    const bool temporal = known.data_type == "time" || known.data_type == "datetime" ||
                          known.data_type == "timestamp";
    return temporal && modifiers_of(known.column_type).first > 0 &&
           known.column_type.find("/* mariadb-5.3 */") != std::string::npos;
}

Error old_fractions(const std::string& database,
                    const std::string& table,
                    const CatalogueColumn& known) {
    const std::string name = database + "." + table;
    return {errors::kSourceSettings,
            "table " + name + ": column " + known.name + " was made as " + known.data_type +
                " in the form of MariaDB 5.3, whose fractions the binlog does not describe: SET "
                "GLOBAL mysql56_temporal_format = ON; ALTER TABLE " +
                name +
                " FORCE; what was written before needs `tributary reset --from now`, and a "
                "snapshot; or exclude the table"};
}

bool is_compared_unpadded(const CatalogueColumn& known) {
    return known.data_type == "char" && known.collation.find("nopad") != std::string::npos;
}

ColumnType map_type(const TableMapColumn& column, const CatalogueColumn* known) {
    ColumnType out;
    const std::uint16_t metadata = column.layout.metadata;
    switch (column.layout.type) {
        case BinlogType::tiny:
        case BinlogType::short_:
        case BinlogType::int24:
        case BinlogType::long_:
        case BinlogType::longlong:
            out.kind = integer_kind(column.layout.type, column.is_unsigned);
            break;
        case BinlogType::float_: {
            // Debezium ships FLOAT(M,D) as a double.
            const bool fixed_point =
                known != nullptr && modifiers_of(known->column_type).second >= 0;
            out.kind = fixed_point ? TypeKind::float64 : TypeKind::float32;
            break;
        }
        case BinlogType::double_:
            out.kind = TypeKind::float64;
            break;
        case BinlogType::newdecimal:
            out.kind = TypeKind::decimal;
            out.precision = metadata >> 8U;
            out.scale = metadata & 0xFF;
            break;
        case BinlogType::bit:
            out.kind = metadata == 1 ? TypeKind::boolean : TypeKind::bytes;
            break;
        case BinlogType::year:
            out.kind = TypeKind::year;
            break;
        case BinlogType::date:
        case BinlogType::newdate:
            out.kind = TypeKind::date;
            break;
        case BinlogType::time:
        case BinlogType::time2:
            out.kind = TypeKind::time;
            out.precision = metadata;
            break;
        case BinlogType::datetime:
        case BinlogType::datetime2:
            out.kind = TypeKind::timestamp;
            out.precision = metadata;
            break;
        case BinlogType::timestamp:
        case BinlogType::timestamp2:
            out.kind = TypeKind::timestamp_tz;
            out.precision = metadata;
            break;
        case BinlogType::varchar:
        case BinlogType::var_string:
        case BinlogType::string:
        case BinlogType::varchar_compressed:
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::blob_compressed:
            out.kind = string_kind(column, known);
            break;
        case BinlogType::json:
            out.kind = TypeKind::json;
            break;
        case BinlogType::geometry:
            out.kind = column.geometry_type == kPoint || is_data_type(known, "point")
                           ? TypeKind::point
                           : TypeKind::geometry;
            break;
        case BinlogType::vector:
            out.kind = TypeKind::float_vector;
            break;
        case BinlogType::enumeration:
        case BinlogType::set:
            out.kind =
                column.layout.type == BinlogType::set ? TypeKind::set : TypeKind::enumeration;
            out.labels = !column.labels.empty() || known == nullptr ? column.labels
                                                                    : labels_of(known->column_type);
            break;
        case BinlogType::decimal_old:
        case BinlogType::null:
        case BinlogType::typed_array:
            break;
    }
    return out;
}

std::string type_name(const TableMapColumn& column, const CatalogueColumn* known) {
    const std::uint16_t metadata = column.layout.metadata;
    // bit and enum have a form that the encoder reads.
    if (column.layout.type == BinlogType::bit) {
        return "bit(" + std::to_string(metadata) + ")";
    }
    if (known != nullptr) {
        return known->column_type;
    }
    const std::string sign = column.is_unsigned ? " unsigned" : "";
    const bool binary = column.collation == kBinaryCollation;
    switch (column.layout.type) {
        case BinlogType::tiny:
            return "tinyint" + sign;
        case BinlogType::short_:
            return "smallint" + sign;
        case BinlogType::int24:
            return "mediumint" + sign;
        case BinlogType::long_:
            return "int" + sign;
        case BinlogType::longlong:
            return "bigint" + sign;
        case BinlogType::float_:
            return "float" + sign;
        case BinlogType::double_:
            return "double" + sign;
        case BinlogType::newdecimal:
            return "decimal(" + std::to_string(metadata >> 8U) + "," +
                   std::to_string(metadata & 0xFFU) + ")" + sign;
        case BinlogType::year:
            return "year";
        case BinlogType::date:
        case BinlogType::newdate:
            return "date";
        case BinlogType::time:
        case BinlogType::time2:
            return fraction_text("time", metadata);
        case BinlogType::datetime:
        case BinlogType::datetime2:
            return fraction_text("datetime", metadata);
        case BinlogType::timestamp:
        case BinlogType::timestamp2:
            return fraction_text("timestamp", metadata);
        case BinlogType::varchar:
        case BinlogType::var_string:
        case BinlogType::varchar_compressed:
            return binary ? "varbinary" : "varchar";
        case BinlogType::string:
            return binary ? "binary" : "char";
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::blob_compressed:
            return binary ? "blob" : "text";
        case BinlogType::json:
            return "json";
        case BinlogType::geometry:
            return column.geometry_type == kPoint ? "point" : "geometry";
        case BinlogType::vector:
            return "vector";
        case BinlogType::enumeration:
            return "enum" + labels_text(column.labels);
        case BinlogType::set:
            return "set" + labels_text(column.labels);
        case BinlogType::decimal_old:
        case BinlogType::null:
        case BinlogType::typed_array:
        case BinlogType::bit:
            break;
    }
    return "unknown";
}

namespace {

// Of what a server computes Debezium knows the time of the row alone, CURRENT_TIMESTAMP(6).
std::optional<std::string> computed_default(const CatalogueColumn& known) {
    constexpr std::string_view kNow = "CURRENT_TIMESTAMP";
    const bool now = upper(known.default_text->substr(0, kNow.size())) == kNow;
    return known.nullable || now ? known.default_text : std::nullopt;
}

}  // namespace

std::optional<std::string> default_expression(const CatalogueColumn& known,
                                              const ColumnType& type,
                                              ServerKind kind) {
    // Debezium reads none of a UUID.
    if (!known.default_text || type.kind == TypeKind::uuid ||
        (kind == ServerKind::mariadb && *known.default_text == "NULL")) {
        return std::nullopt;
    }
    const std::string& text = *known.default_text;
    if (text.starts_with("b'") && text.ends_with('\'')) {
        const std::string_view digits(text.data() + 2, text.size() - 3);
        return type.kind == TypeKind::boolean ? (digits == "1" ? "true" : "false")
                                              : bytes_literal(bits_of(digits, known));
    }
    if (known.extra.find("DEFAULT_GENERATED") != std::string::npos) {
        return computed_default(known);
    }
    if (is_bare_number(type.kind)) {
        const bool number = text.find_first_not_of("+-.0123456789eE") == std::string::npos;
        return number ? text : computed_default(known);
    }
    if (kind == ServerKind::mysql && type.kind == TypeKind::bytes && text == "0x") {
        return std::nullopt;  // empty, or cut off before a zero byte
    }
    if (kind == ServerKind::mysql) {
        const bool hex = type.kind == TypeKind::bytes && text.starts_with("0x");
        return hex ? "'\\x" + text.substr(2) + "'" : quoted(text);
    }
    const auto literal = unquoted(text);
    if (!literal) {
        return computed_default(known);
    }
    // Bytes that are no text are question marks in the catalogue.
    if (type.kind == TypeKind::bytes && literal->find('?') != std::string::npos) {
        return std::nullopt;
    }
    return type.kind == TypeKind::bytes ? bytes_literal(*literal) : quoted(*literal);
}

}  // namespace tributary::mysql
