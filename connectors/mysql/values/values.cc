// Column values: values.h.
#include "connectors/mysql/values/values.h"

#include <arpa/inet.h>

#include <array>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "connectors/mysql/values/compressed_column.h"
#include "connectors/mysql/values/decimal.h"
#include "connectors/mysql/values/json_binary.h"
#include "connectors/mysql/values/json_diff.h"
#include "connectors/mysql/values/temporal.h"

namespace tributary::mysql {
namespace {

constexpr std::size_t kUuidBytes = 16;
constexpr std::size_t kSridBytes = 4;
constexpr std::int64_t kYearBase = 1900;

std::uint64_t little(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t index = bytes.size(); index > 0; --index) {
        value = value << 8U | static_cast<unsigned char>(bytes[index - 1]);
    }
    return value;
}

// The value behind its length prefix.
std::string_view content(const ColumnLayout& layout, std::string_view bytes) {
    switch (layout.type) {
        case BinlogType::varchar:
        case BinlogType::varchar_compressed:
        case BinlogType::var_string:
        case BinlogType::string:
            return bytes.substr(layout.metadata > 255 ? 2 : 1);
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::blob_compressed:
        case BinlogType::json:
        case BinlogType::geometry:
        case BinlogType::vector:
            return bytes.substr(layout.metadata);
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
        case BinlogType::bit:
        case BinlogType::timestamp2:
        case BinlogType::datetime2:
        case BinlogType::time2:
        case BinlogType::typed_array:
        case BinlogType::newdecimal:
        case BinlogType::enumeration:
        case BinlogType::set:
            break;
    }
    return bytes;
}

std::int64_t sign_extended(std::string_view bytes) {
    const auto unused = static_cast<unsigned>(64 - 8 * bytes.size());
    return static_cast<std::int64_t>(little(bytes) << unused) >> unused;
}

// `bytes` with zero bytes behind up to `size`.
std::string_view padded(std::string_view bytes, std::size_t size, Arena& arena) {
    if (bytes.size() >= size) {
        return bytes;
    }
    char* const at = arena.allocate(size);
    std::memcpy(at, bytes.data(), bytes.size());
    std::memset(at + bytes.size(), 0, size - bytes.size());
    return {at, size};
}

std::string_view reversed(std::string_view bytes, Arena& arena) {
    char* const at = arena.allocate(bytes.size());
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        at[index] = bytes[bytes.size() - 1 - index];
    }
    return {at, bytes.size()};
}

ValueFault uuid_text(std::string_view bytes, Arena& arena, Value& out) {
    if (bytes.size() != kUuidBytes) {
        return ValueFault::malformed;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    constexpr std::size_t kTextBytes = 36;
    char* const start = arena.allocate(kTextBytes);
    char* at = start;
    for (std::size_t index = 0; index < kUuidBytes; ++index) {
        if (index == 4 || index == 6 || index == 8 || index == 10) {
            *at++ = '-';
        }
        const auto byte = static_cast<unsigned char>(bytes[index]);
        *at++ = kHex[byte >> 4U];
        *at++ = kHex[byte & 0xFU];
    }
    out.text = {start, kTextBytes};
    return ValueFault::none;
}

ValueFault inet_text(ColumnReader::Inet inet, std::string_view bytes, Arena& arena, Value& out) {
    const bool four = inet == ColumnReader::Inet::inet4;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (bytes.size() != (four ? 4U : 16U) ||
        inet_ntop(four ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size()) == nullptr) {
        return ValueFault::malformed;
    }
    out.text = arena.copy(text.data());
    return ValueFault::none;
}

ValueFault string_value(const ColumnReader& reader,
                        std::string_view bytes,
                        Arena& arena,
                        Value& out) {
    if (reader.layout.type == BinlogType::blob_compressed ||
        reader.layout.type == BinlogType::varchar_compressed) {
        if (!inflate_column(bytes, arena, bytes)) {
            return ValueFault::inflate;
        }
    }
    if (reader.pad) {
        bytes = padded(bytes, reader.layout.metadata, arena);
    }
    if (reader.type->kind == TypeKind::uuid) {
        return uuid_text(bytes, arena, out);
    }
    if (reader.inet != ColumnReader::Inet::none) {
        return inet_text(reader.inet, bytes, arena, out);
    }
    out.text = reader.converter != nullptr ? reader.converter->to_utf8(bytes, arena) : bytes;
    return ValueFault::none;
}

ValueFault geometry_value(std::string_view bytes, Value& out) {
    if (bytes.size() < kSridBytes) {
        return ValueFault::malformed;
    }
    out.integer = static_cast<std::int64_t>(load<std::uint32_t>(bytes.data(), Endian::little));
    out.text = bytes.substr(kSridBytes);
    return ValueFault::none;
}

ValueFault enum_value(const ColumnType& type, std::string_view bytes, Value& out) {
    const std::uint64_t index = little(bytes);
    if (index > type.labels.size()) {
        return ValueFault::malformed;
    }
    // 0 is the empty string that stands for an illegal value.
    out.text = index == 0 ? std::string_view("")
                          : std::string_view(type.labels[static_cast<std::size_t>(index) - 1]);
    return ValueFault::none;
}

ValueFault set_value(const ColumnType& type, std::string_view bytes, Arena& arena, Value& out) {
    const std::uint64_t members = little(bytes);
    std::size_t size = 0;
    for (std::size_t index = 0; index < type.labels.size(); ++index) {
        size += (members >> index & 1U) != 0 ? type.labels[index].size() + 1 : 0;
    }
    if (type.labels.size() < 64 && members >> type.labels.size() != 0) {
        return ValueFault::malformed;
    }
    if (size == 0) {
        out.text = "";
        return ValueFault::none;
    }
    char* const start = arena.allocate(size);
    char* at = start;
    for (std::size_t index = 0; index < type.labels.size(); ++index) {
        if ((members >> index & 1U) != 0) {
            const std::string& label = type.labels[index];
            std::memcpy(at, label.data(), label.size());
            at += label.size();
            *at++ = ',';
        }
    }
    out.text = {start, size - 1};
    return ValueFault::none;
}

ValueFault moment_value(Moment moment, bool nullable, Value& out) {
    if (moment == Moment::malformed) {
        return ValueFault::malformed;
    }
    if (moment == Moment::zero) {
        out.integer = 0;
        out.state = nullable ? ValueState::null : ValueState::value;
    }
    return ValueFault::none;
}

ValueFault number_value(const ColumnReader& reader,
                        std::string_view bytes,
                        Arena& arena,
                        Value& out) {
    switch (reader.type->kind) {
        case TypeKind::boolean:
            out.integer = (static_cast<unsigned char>(bytes.back()) & 1U) != 0 ? 1 : 0;
            return ValueFault::none;
        case TypeKind::year: {
            const auto year = static_cast<unsigned char>(bytes.front());
            out.integer = year == 0 ? 0 : kYearBase + year;
            return ValueFault::none;
        }
        case TypeKind::float32:
        case TypeKind::float64:
            if (bytes.size() == sizeof(float)) {
                out.real = std::bit_cast<float>(load<std::uint32_t>(bytes.data(), Endian::little));
                return ValueFault::none;
            }
            if (bytes.size() != sizeof(double)) {
                return ValueFault::malformed;
            }
            out.real = std::bit_cast<double>(load<std::uint64_t>(bytes.data(), Endian::little));
            return ValueFault::none;
        case TypeKind::decimal:
            return decimal_text(bytes,
                                reader.layout.metadata >> 8U,
                                reader.layout.metadata & 0xFFU,
                                arena,
                                out.text)
                       ? ValueFault::none
                       : ValueFault::malformed;
        case TypeKind::bytes:  // BIT
            out.text = reversed(bytes, arena);
            return ValueFault::none;
        case TypeKind::int16:
        case TypeKind::int32:
        case TypeKind::int64:
        case TypeKind::uint64:
        case TypeKind::unsupported:
        case TypeKind::text:
        case TypeKind::uuid:
        case TypeKind::json:
        case TypeKind::xml:
        case TypeKind::enumeration:
        case TypeKind::date:
        case TypeKind::time:
        case TypeKind::time_tz:
        case TypeKind::timestamp:
        case TypeKind::timestamp_tz:
        case TypeKind::interval:
        case TypeKind::array:
        case TypeKind::set:
        case TypeKind::geometry:
        case TypeKind::point:
        case TypeKind::float_vector:
        case TypeKind::double_vector:
        case TypeKind::sparse_vector:
        case TypeKind::geography:
            break;
    }
    return ValueFault::unsupported;
}

}  // namespace

std::string_view to_string(ValueFault fault) noexcept {
    switch (fault) {
        case ValueFault::none:
            return "none";
        case ValueFault::malformed:
            return "not the binary form of its type";
        case ValueFault::inflate:
            return "a compressed value that cannot be inflated, or is over 64 MiB";
        case ValueFault::no_before:
            return "a partial JSON update without the document before; "
                   "binlog_row_image=FULL sends it";
        case ValueFault::unsupported:
            return "the type has no mapping";
    }
    return "";
}

const TextConverter* Converters::of(std::uint16_t collation) {
    const std::string_view charset = collation == 0 ? "utf8mb4" : charset_of(collation);
    auto found = made_.find(charset);
    if (found == made_.end()) {
        found = made_.emplace(std::string(charset), make_converter(charset)).first;
    }
    return found->second.get();
}

ColumnReader make_reader(const Column& column, Converters& converters) {
    const StoredType stored = unpack(column.source_type_id);
    ColumnReader reader;
    reader.type = &column.type;
    reader.layout = stored.layout;
    reader.is_unsigned = stored.is_unsigned;
    reader.nullable = column.nullable;
    const bool binary = column.source_type_modifier == kBinaryCollation;
    reader.pad = binary && stored.layout.type == BinlogType::string;
    if (column.type.kind == TypeKind::text) {
        reader.inet = column.source_type == "inet4"   ? ColumnReader::Inet::inet4
                      : column.source_type == "inet6" ? ColumnReader::Inet::inet6
                                                      : ColumnReader::Inet::none;
        if (reader.inet == ColumnReader::Inet::none && column.source_type_modifier >= 0) {
            reader.converter =
                converters.of(static_cast<std::uint16_t>(column.source_type_modifier));
        }
    }
    return reader;
}

ValueFault decode_value(const ColumnReader& reader,
                        std::string_view bytes,
                        Arena& arena,
                        Value& out) {
    out = Value{};
    out.state = ValueState::value;
    std::size_t size = 0;
    if (!value_size(reader.layout, bytes, size) || size != bytes.size()) {
        return ValueFault::malformed;
    }
    switch (reader.layout.type) {
        case BinlogType::tiny:
        case BinlogType::short_:
        case BinlogType::int24:
        case BinlogType::long_:
        case BinlogType::longlong:
            out.integer = reader.is_unsigned ? static_cast<std::int64_t>(little(bytes))
                                             : sign_extended(bytes);
            return ValueFault::none;
        case BinlogType::float_:
        case BinlogType::double_:
        case BinlogType::newdecimal:
        case BinlogType::bit:
        case BinlogType::year:
            return number_value(reader, bytes, arena, out);
        case BinlogType::date:
        case BinlogType::newdate:
            return moment_value(read_date(bytes, out.integer), reader.nullable, out);
        case BinlogType::time:
        case BinlogType::time2:
            return moment_value(read_time(reader.layout, bytes, out.integer), reader.nullable, out);
        case BinlogType::datetime:
        case BinlogType::datetime2:
            return moment_value(
                read_datetime(reader.layout, bytes, out.integer), reader.nullable, out);
        case BinlogType::timestamp:
        case BinlogType::timestamp2:
            return moment_value(
                read_timestamp(reader.layout, bytes, out.integer), reader.nullable, out);
        case BinlogType::varchar:
        case BinlogType::varchar_compressed:
        case BinlogType::var_string:
        case BinlogType::string:
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::blob_compressed:
        case BinlogType::vector:
            return string_value(reader, content(reader.layout, bytes), arena, out);
        case BinlogType::json:
            return json_text(content(reader.layout, bytes), arena, out.text)
                       ? ValueFault::none
                       : ValueFault::malformed;
        case BinlogType::geometry:
            return geometry_value(content(reader.layout, bytes), out);
        case BinlogType::enumeration:
            return enum_value(*reader.type, bytes, out);
        case BinlogType::set:
            return set_value(*reader.type, bytes, arena, out);
        case BinlogType::decimal_old:
        case BinlogType::null:
        case BinlogType::typed_array:
            break;
    }
    return ValueFault::unsupported;
}

ValueFault decode_partial_json(std::string_view before,
                               std::string_view diffs,
                               Arena& arena,
                               Value& out) {
    constexpr std::size_t kLengthBytes = 4;
    if (before.size() < kLengthBytes || diffs.size() < kLengthBytes) {
        return ValueFault::malformed;
    }
    out = Value{};
    out.state = ValueState::value;
    return apply_json_diffs(
               before.substr(kLengthBytes), diffs.substr(kLengthBytes), arena, out.text)
               ? ValueFault::none
               : ValueFault::malformed;
}

}  // namespace tributary::mysql
