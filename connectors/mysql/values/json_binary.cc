// Binary JSON to text: json_binary.h.
#include "connectors/mysql/values/json_binary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/base64.h"
#include "base/bytes.h"
#include "connectors/mysql/values/decimal.h"
#include "connectors/mysql/values/row_image.h"

namespace tributary::mysql {
namespace {

enum class Json : std::uint8_t {
    small_object = 0,
    large_object = 1,
    small_array = 2,
    large_array = 3,
    literal = 4,
    int16 = 5,
    uint16 = 6,
    int32 = 7,
    uint32 = 8,
    int64 = 9,
    uint64 = 10,
    real = 11,
    string = 12,
    opaque = 15,
};

// Types whose value stands in the entry itself instead of its offset.
bool is_inline(std::uint8_t type, std::size_t width) {
    const auto json = static_cast<Json>(type);
    return json == Json::literal || json == Json::int16 || json == Json::uint16 ||
           (width == 4 && (json == Json::int32 || json == Json::uint32));
}

template <typename Number>
void number(JsonText& out, Number value) {
    std::array<char, 24> text;
    const char* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    out.raw({text.data(), static_cast<std::size_t>(end - text.data())});
}

template <typename Unsigned>
bool take(std::string_view bytes, Unsigned& value) {
    if (bytes.size() < sizeof(Unsigned)) {
        return false;
    }
    value = load<Unsigned>(bytes.data(), Endian::little);
    return true;
}

// As Debezium has it: Java's Double.toString where that has no exponent, else all digits of the
// exact value.
void real(JsonText& out, double value) {
    const double magnitude = std::fabs(value);
    std::array<char, 1500> text;
    char* const begin = text.data();
    char* const end = begin + text.size();
    if (magnitude == 0 || (magnitude >= 1e-3 && magnitude < 1e7)) {
        const char* const stop = std::to_chars(begin, end, value, std::chars_format::fixed).ptr;
        const std::string_view digits(begin, static_cast<std::size_t>(stop - begin));
        out.raw(digits);
        out.raw(digits.find('.') == std::string_view::npos ? ".0" : "");
        return;
    }
    constexpr int kFractionDigitsMax = 1074;  // of the smallest double
    const char* stop =
        std::to_chars(begin, end, value, std::chars_format::fixed, kFractionDigitsMax).ptr;
    std::string_view digits(begin, static_cast<std::size_t>(stop - begin));
    while (digits.ends_with('0')) {
        digits.remove_suffix(1);
    }
    if (digits.ends_with('.')) {
        digits.remove_suffix(1);
    }
    out.raw(digits);
}

// Length in groups of 7 bits, least first; at most five.
bool take_length(std::string_view& bytes, std::size_t& length) {
    length = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (bytes.empty()) {
            return false;
        }
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        length |= static_cast<std::size_t>(byte & 0x7FU) << shift;
        if ((byte & 0x80U) == 0) {
            return length <= bytes.size();
        }
    }
    return false;
}

void digits(JsonText& out, std::uint64_t value, int width) {
    std::array<char, 20> text;
    for (int index = width; index > 0; --index) {
        text[static_cast<std::size_t>(index) - 1] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    out.raw({text.data(), static_cast<std::size_t>(width)});
}

void clock(JsonText& out, std::uint64_t hms, std::uint64_t us) {
    const std::uint64_t hours = hms >> 12U & 0x3FFU;
    digits(out, hours, hours > 99 ? 3 : 2);
    out.raw(':');
    digits(out, hms >> 6U & 0x3FU, 2);
    out.raw(':');
    digits(out, hms & 0x3FU, 2);
    if (us == 0) {
        return;
    }
    out.raw('.');
    int width = 6;
    while (us % 10 == 0) {
        us /= 10;
        --width;
    }
    digits(out, us, width);
}

// The packed form of times, signed: seconds and more above 24 bits of microseconds.
bool temporal(JsonText& out, BinlogType type, std::string_view bytes) {
    std::uint64_t bits = 0;
    if (bytes.size() != sizeof bits || !take(bytes, bits)) {
        return false;
    }
    const auto packed = static_cast<std::int64_t>(bits);
    const std::uint64_t magnitude = packed < 0 ? 0 - bits : bits;
    const std::uint64_t us = magnitude & 0xFFFFFFU;
    const std::uint64_t above = magnitude >> 24U;
    out.raw('"');
    if (type == BinlogType::time || type == BinlogType::time2) {
        out.raw(packed < 0 ? "-" : "");
        clock(out, above, us);
    } else {
        const std::uint64_t ymd = above >> 17U;
        digits(out, (ymd >> 5U) / 13 % 10000, 4);
        out.raw('-');
        digits(out, (ymd >> 5U) % 13, 2);
        out.raw('-');
        digits(out, ymd & 0x1FU, 2);
        if (type != BinlogType::date && type != BinlogType::newdate) {
            out.raw(' ');
            clock(out, above & 0x1FFFFU, us);
        }
    }
    out.raw('"');
    return true;
}

bool opaque(JsonText& out, std::string_view bytes, JsonBudget& budget) {
    if (bytes.empty()) {
        return false;
    }
    const auto type = static_cast<BinlogType>(static_cast<unsigned char>(bytes.front()));
    bytes.remove_prefix(1);
    std::size_t length = 0;
    if (!take_length(bytes, length) || !budget.take(length)) {
        return false;
    }
    bytes = bytes.substr(0, length);
    if (type == BinlogType::newdecimal) {
        Arena arena(256);
        std::string_view text;
        if (bytes.size() < 2 || !decimal_text(bytes.substr(2),
                                              static_cast<unsigned char>(bytes[0]),
                                              static_cast<unsigned char>(bytes[1]),
                                              arena,
                                              text)) {
            return false;
        }
        out.raw(text);
        return true;
    }
    const bool is_time = type == BinlogType::date || type == BinlogType::newdate ||
                         type == BinlogType::time || type == BinlogType::time2 ||
                         type == BinlogType::datetime || type == BinlogType::datetime2 ||
                         type == BinlogType::timestamp || type == BinlogType::timestamp2;
    if (is_time) {
        return temporal(out, type, bytes);
    }
    out.raw('"');
    out.raw(to_base64(bytes));
    out.raw('"');
    return true;
}

bool scalar(JsonText& out, const JsonValue& value, JsonBudget& budget) {
    std::string_view bytes = value.bytes;
    std::uint16_t half = 0;
    std::uint32_t word = 0;
    std::uint64_t wide = 0;
    switch (static_cast<Json>(value.type)) {
        case Json::literal:
            if (bytes.empty() || static_cast<unsigned char>(bytes.front()) > 2) {
                return false;
            }
            out.raw(bytes.front() == 0 ? "null" : bytes.front() == 1 ? "true" : "false");
            return true;
        case Json::int16:
        case Json::uint16:
            if (!take(bytes, half)) {
                return false;
            }
            number(out,
                   static_cast<Json>(value.type) == Json::uint16 ? std::int32_t{half}
                                                                 : static_cast<std::int16_t>(half));
            return true;
        case Json::int32:
        case Json::uint32:
            if (!take(bytes, word)) {
                return false;
            }
            number(out,
                   static_cast<Json>(value.type) == Json::uint32 ? std::int64_t{word}
                                                                 : static_cast<std::int32_t>(word));
            return true;
        case Json::int64:
        case Json::uint64:
            if (!take(bytes, wide)) {
                return false;
            }
            if (static_cast<Json>(value.type) == Json::uint64) {
                number(out, wide);
            } else {
                number(out, static_cast<std::int64_t>(wide));
            }
            return true;
        case Json::real:
            if (!take(bytes, wide) || !std::isfinite(std::bit_cast<double>(wide))) {
                return false;
            }
            real(out, std::bit_cast<double>(wide));
            return true;
        case Json::string: {
            std::size_t length = 0;
            if (!take_length(bytes, length) || !budget.take(length)) {
                return false;
            }
            out.quoted(bytes.substr(0, length));
            return true;
        }
        case Json::opaque:
            return opaque(out, bytes, budget);
        case Json::small_object:
        case Json::large_object:
        case Json::small_array:
        case Json::large_array:
            break;
    }
    return false;
}

}  // namespace

JsonText::JsonText(Arena& arena, std::size_t estimate)
    : arena_(arena), start_(arena.allocate(estimate)), capacity_(estimate) {}

void JsonText::raw(std::string_view text) {
    if (text.size() > capacity_ - size_) {
        capacity_ = std::max(capacity_ * 2, size_ + text.size() + 64);
        char* const grown = arena_.allocate(capacity_);
        std::memcpy(grown, start_, size_);
        start_ = grown;
    }
    std::memcpy(start_ + size_, text.data(), text.size());
    size_ += text.size();
}

void JsonText::quoted(std::string_view utf8) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    raw('"');
    std::size_t plain = 0;
    for (std::size_t index = 0; index < utf8.size(); ++index) {
        const auto byte = static_cast<unsigned char>(utf8[index]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        raw(utf8.substr(plain, index - plain));
        plain = index + 1;
        const auto at = std::string_view("\"\\\b\f\n\r\t").find(utf8[index]);
        raw('\\');
        if (at != std::string_view::npos) {
            raw(std::string_view("\"\\bfnrt")[at]);
        } else {
            raw("u00");
            raw(kHex[byte >> 4U]);
            raw(kHex[byte & 0xFU]);
        }
    }
    raw(utf8.substr(plain));
    raw('"');
}

std::size_t JsonContainer::number(std::size_t at) const noexcept {
    return width_ == 2 ? load<std::uint16_t>(bytes_.data() + at, Endian::little)
                       : load<std::uint32_t>(bytes_.data() + at, Endian::little);
}

bool JsonContainer::open(const JsonValue& value, JsonBudget& budget) noexcept {
    if (!is_json_container(value)) {
        return false;
    }
    const auto json = static_cast<Json>(value.type);
    object_ = json == Json::small_object || json == Json::large_object;
    width_ = json == Json::large_object || json == Json::large_array ? 4 : 2;
    bytes_ = value.bytes;
    if (bytes_.size() < 2 * width_) {
        return false;
    }
    count_ = number(0);
    const std::size_t size = number(width_);
    const std::size_t entry = 1 + width_ + (object_ ? width_ + 2 : 0);
    if (size > bytes_.size() || size < 2 * width_ || count_ > (size - 2 * width_) / entry) {
        return false;
    }
    bytes_ = bytes_.substr(0, size);
    return budget.take(2 * width_ + count_ * entry);
}

bool JsonContainer::key(std::size_t index, JsonBudget& budget, std::string_view& out) const {
    const std::size_t entry = 2 * width_ + index * (width_ + 2);
    const std::size_t offset = number(entry);
    const std::size_t length = load<std::uint16_t>(bytes_.data() + entry + width_, Endian::little);
    if (offset > bytes_.size() || length > bytes_.size() - offset || !budget.take(length)) {
        return false;
    }
    out = bytes_.substr(offset, length);
    return true;
}

bool JsonContainer::value(std::size_t index, JsonValue& out) const noexcept {
    const std::size_t keys = object_ ? count_ * (width_ + 2) : 0;
    const std::size_t entry = 2 * width_ + keys + index * (1 + width_);
    out.type = static_cast<std::uint8_t>(bytes_[entry]);
    if (is_inline(out.type, width_)) {
        out.bytes = bytes_.substr(entry + 1, width_);
        return true;
    }
    const std::size_t offset = number(entry + 1);
    if (offset >= bytes_.size()) {
        return false;
    }
    out.bytes = bytes_.substr(offset);
    return true;
}

bool json_root(std::string_view binary, JsonValue& out) noexcept {
    static constexpr std::string_view kNull("\0", 1);
    if (binary.empty()) {
        out = {static_cast<std::uint8_t>(Json::literal), kNull};
        return true;
    }
    out = {static_cast<std::uint8_t>(binary.front()), binary.substr(1)};
    return true;
}

bool write_json(JsonText& out, const JsonValue& value, JsonBudget& budget, int depth) {
    if (!is_json_container(value)) {
        return scalar(out, value, budget);
    }
    JsonContainer container;
    if (depth > kJsonDepthMax || !container.open(value, budget)) {
        return false;
    }
    out.raw(container.is_object() ? '{' : '[');
    for (std::size_t index = 0; index < container.count(); ++index) {
        out.raw(index == 0 ? "" : ",");
        if (container.is_object()) {
            std::string_view key;
            if (!container.key(index, budget, key)) {
                return false;
            }
            out.quoted(key);
            out.raw(':');
        }
        JsonValue member;
        if (!container.value(index, member) || !write_json(out, member, budget, depth + 1)) {
            return false;
        }
    }
    out.raw(container.is_object() ? '}' : ']');
    return true;
}

bool json_text(std::string_view binary, Arena& arena, std::string_view& out) {
    JsonValue root;
    if (!json_root(binary, root)) {
        return false;
    }
    JsonBudget budget(binary.size());
    JsonText text(arena, binary.size() + binary.size() / 4 + 32);
    if (!write_json(text, root, budget)) {
        return false;
    }
    out = text.finish();
    return true;
}

}  // namespace tributary::mysql
