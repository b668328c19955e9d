// Lengths of row images: row_image.h.
#include "connectors/mysql/values/row_image.h"

#include <array>
#include <string>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::size_t kDigitsPerGroup = 9;
constexpr std::array<std::size_t, kDigitsPerGroup + 1> kGroupBytes{0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr std::size_t kFractionDigitsMax = 6;
constexpr std::size_t kDecimalDigitsMax = 65;
constexpr std::uint64_t kPartialJson = 1;  // value option

std::size_t fraction_bytes(std::uint16_t digits) {
    return (digits + 1U) / 2U;
}

// A value with `prefix` length bytes before it.
bool sized(std::string_view bytes, std::size_t prefix, std::size_t& size) {
    if (prefix < 1 || prefix > 4 || bytes.size() < prefix) {
        return false;
    }
    std::size_t length = 0;
    for (std::size_t index = 0; index < prefix; ++index) {
        length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[index])) << (8 * index);
    }
    size = prefix + length;
    return size <= bytes.size();
}

bool fixed(std::string_view bytes, std::size_t length, std::size_t& size) {
    size = length;
    return length <= bytes.size();
}

Error malformed(std::string_view what, std::size_t column, std::size_t offset) {
    return {errors::kProtocolViolation,
            "rows event: " + std::string(what) + ", column " + std::to_string(column) + ", byte " +
                std::to_string(offset) + " of the row"};
}

std::size_t count_bits(std::string_view bits, std::size_t count) {
    std::size_t set = 0;
    for (std::size_t index = 0; index < count; ++index) {
        set += bit_of(bits, index) ? 1U : 0U;
    }
    return set;
}

}  // namespace

std::size_t decimal_bytes(std::size_t precision, std::size_t scale) noexcept {
    if (scale > precision || precision > kDecimalDigitsMax) {
        return 0;
    }
    const std::size_t whole = precision - scale;
    return whole / kDigitsPerGroup * 4 + kGroupBytes[whole % kDigitsPerGroup] +
           scale / kDigitsPerGroup * 4 + kGroupBytes[scale % kDigitsPerGroup];
}

bool take_packed(std::string_view& bytes, std::uint64_t& value) noexcept {
    if (bytes.empty()) {
        return false;
    }
    const auto first = static_cast<unsigned char>(bytes.front());
    const std::size_t more = first <= 250    ? 0U
                             : first == 0xFC ? 2U
                             : first == 0xFD ? 3U
                             : first == 0xFE ? 8U
                                             : 9U;
    if (more == 9 || bytes.size() < 1 + more) {
        return false;
    }
    value = more == 0 ? first : 0;
    for (std::size_t index = 0; index < more; ++index) {
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[1 + index]))
                 << (8 * index);
    }
    bytes.remove_prefix(1 + more);
    return true;
}

bool value_size(const ColumnLayout& column, std::string_view bytes, std::size_t& size) noexcept {
    switch (column.type) {
        case BinlogType::tiny:
        case BinlogType::year:
            return fixed(bytes, 1, size);
        case BinlogType::short_:
            return fixed(bytes, 2, size);
        case BinlogType::int24:
        case BinlogType::date:
        case BinlogType::newdate:
        case BinlogType::time:
            return fixed(bytes, 3, size);
        case BinlogType::long_:
        case BinlogType::timestamp:
            return fixed(bytes, 4, size);
        case BinlogType::longlong:
        case BinlogType::datetime:
            return fixed(bytes, 8, size);
        case BinlogType::float_:
        case BinlogType::double_:
        case BinlogType::enumeration:
        case BinlogType::set:
            return column.metadata >= 1 && column.metadata <= 8 &&
                   fixed(bytes, column.metadata, size);
        case BinlogType::bit:
            return column.metadata >= 1 && column.metadata <= 64 &&
                   fixed(bytes, (column.metadata + 7U) / 8U, size);
        case BinlogType::newdecimal: {
            const std::size_t length =
                decimal_bytes(column.metadata >> 8U, column.metadata & 0xFFU);
            return length != 0 && fixed(bytes, length, size);
        }
        case BinlogType::timestamp2:
            return column.metadata <= kFractionDigitsMax &&
                   fixed(bytes, 4 + fraction_bytes(column.metadata), size);
        case BinlogType::datetime2:
            return column.metadata <= kFractionDigitsMax &&
                   fixed(bytes, 5 + fraction_bytes(column.metadata), size);
        case BinlogType::time2:
            return column.metadata <= kFractionDigitsMax &&
                   fixed(bytes, 3 + fraction_bytes(column.metadata), size);
        case BinlogType::varchar:
        case BinlogType::varchar_compressed:
        case BinlogType::var_string:
        case BinlogType::string:
            return sized(bytes, column.metadata > 255 ? 2 : 1, size);
        case BinlogType::tiny_blob:
        case BinlogType::medium_blob:
        case BinlogType::long_blob:
        case BinlogType::blob:
        case BinlogType::blob_compressed:
        case BinlogType::json:
        case BinlogType::geometry:
        case BinlogType::vector:
            return sized(bytes, column.metadata, size);
        case BinlogType::decimal_old:
        case BinlogType::null:
        case BinlogType::typed_array:
            break;
    }
    return false;
}

Result<std::size_t> row_image_size(const RowLayout& layout,
                                   std::string_view present,
                                   std::string_view bytes) {
    const std::size_t count = layout.columns.size();
    if (present.size() < (count + 7) / 8) {
        return malformed("bitmap of present columns too short", 0, 0);
    }
    const std::size_t null_bytes = (count_bits(present, count) + 7) / 8;
    if (bytes.size() < null_bytes) {
        return malformed("the event ends within the null bits", 0, 0);
    }
    const std::string_view nulls = bytes.substr(0, null_bytes);
    std::size_t at = null_bytes;
    std::size_t sent = 0;
    for (std::size_t index = 0; index < count; ++index) {
        if (!bit_of(present, index)) {
            continue;
        }
        if (!bit_of(nulls, sent++)) {
            std::size_t size = 0;
            if (!value_size(layout.columns[index], bytes.substr(at), size)) {
                return malformed("a value does not end within the event or its type (" +
                                     std::to_string(static_cast<int>(layout.columns[index].type)) +
                                     ") is not known",
                                 index,
                                 at);
            }
            at += size;
        }
    }
    return at;
}

Result<std::size_t> partial_image_size(const RowLayout& layout,
                                       std::string_view present,
                                       std::string_view bytes) {
    std::string_view rest = bytes;
    std::uint64_t options = 0;
    if (!take_packed(rest, options) || options > kPartialJson) {
        return malformed("value options not as known", 0, 0);
    }
    const std::size_t partial_bytes = options == kPartialJson ? (layout.json_columns + 7) / 8 : 0;
    if (rest.size() < partial_bytes) {
        return malformed("the event ends within the partial bits", 0, 0);
    }
    rest.remove_prefix(partial_bytes);
    TRIBUTARY_TRY(size, row_image_size(layout, present, rest));
    return size + (bytes.size() - rest.size());
}

bool is_current_row(const RowLayout& layout,
                    std::string_view present,
                    std::string_view bytes,
                    std::size_t row_end) noexcept {
    const std::size_t count = layout.columns.size();
    if (row_end >= count || present.size() < (count + 7) / 8 || !bit_of(present, row_end)) {
        return true;
    }
    const std::size_t null_bytes = (count_bits(present, count) + 7) / 8;
    if (bytes.size() < null_bytes) {
        return true;
    }
    const std::string_view nulls = bytes.substr(0, null_bytes);
    std::string_view rest = bytes.substr(null_bytes);
    std::size_t sent = 0;
    for (std::size_t index = 0; index <= row_end; ++index) {
        if (!bit_of(present, index)) {
            continue;
        }
        if (bit_of(nulls, sent++)) {
            if (index == row_end) {
                return true;
            }
            continue;
        }
        std::size_t size = 0;
        if (!value_size(layout.columns[index], rest, size)) {
            return true;
        }
        if (index == row_end) {
            break;
        }
        rest.remove_prefix(size);
    }
    // TIMESTAMP(6): the last moment that 32 bits of seconds have; 11.5 and later have 2106 instead
    // of 2038. Transaction-precise versioning: the greatest 64-bit id.
    const ColumnLayout& column = layout.columns[row_end];
    if (column.type == BinlogType::timestamp2 && rest.size() >= 4) {
        const auto seconds = load<std::uint32_t>(rest.data(), Endian::big);
        return seconds == 0x7FFFFFFFU || seconds == 0xFFFFFFFFU;
    }
    if (column.type == BinlogType::longlong && rest.size() >= 8) {
        return load<std::uint64_t>(rest.data(), Endian::little) == ~std::uint64_t{0};
    }
    return true;
}

}  // namespace tributary::mysql
