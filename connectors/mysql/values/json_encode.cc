// JSON text to MySQL's binary form: json_encode.h.
#include "connectors/mysql/values/json_encode.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "connectors/mysql/values/decimal.h"
#include "connectors/mysql/values/json_binary.h"
#include "connectors/mysql/values/row_image.h"

namespace tributary::mysql {
namespace {

// Type bytes of json_binary.h.
constexpr char kLargeObject = 1;
constexpr char kLargeArray = 3;
constexpr char kLiteral = 4;
constexpr char kInt64 = 9;
constexpr char kUint64 = 10;
constexpr char kDouble = 11;
constexpr char kString = 12;
constexpr char kOpaque = 15;
constexpr std::size_t kDecimalDigitsMax = 65;

struct Member {
    std::string key;
    char type = kLiteral;
    std::string bytes;
};

struct Container {
    bool object = false;
    std::string next_key;
    std::vector<Member> members;
};

void append_length(std::string& out, std::size_t length) {
    while (length >= 0x80) {
        out.push_back(static_cast<char>(0x80U | (length & 0x7FU)));
        length >>= 7U;
    }
    out.push_back(static_cast<char>(length));
}

void append_word(std::string& out, std::size_t value) {
    append_fixed(out, static_cast<std::uint32_t>(value), Endian::little);
}

// Counts, key entries, value entries, keys, values; literals stand in their entry.
std::string serialized(const Container& from) {
    constexpr std::size_t kKeyEntry = 6;
    constexpr std::size_t kValueEntry = 5;
    const std::size_t count = from.members.size();
    std::size_t key_at = 8 + count * (kValueEntry + (from.object ? kKeyEntry : 0));
    std::size_t value_at = key_at;
    std::size_t size = key_at;
    for (const Member& member : from.members) {
        value_at += member.key.size();
        size += member.key.size() + (member.type == kLiteral ? 0 : member.bytes.size());
    }
    std::string out;
    out.reserve(size);
    append_word(out, count);
    append_word(out, size);
    for (const Member& member : from.members) {
        if (from.object) {
            append_word(out, key_at);
            append_fixed(out, static_cast<std::uint16_t>(member.key.size()), Endian::little);
            key_at += member.key.size();
        }
    }
    for (const Member& member : from.members) {
        out.push_back(member.type);
        if (member.type == kLiteral) {
            append_word(out, static_cast<unsigned char>(member.bytes.front()));
        } else {
            append_word(out, value_at);
            value_at += member.bytes.size();
        }
    }
    for (const Member& member : from.members) {
        out += member.key;
    }
    for (const Member& member : from.members) {
        out += member.type == kLiteral ? std::string() : member.bytes;
    }
    return out;
}

// Digits from the first to the last that is not zero.
std::string significant(std::string_view text) {
    std::string digits;
    for (const char character : text.substr(0, text.find_first_of("eE"))) {
        if (character >= '0' && character <= '9' && !(digits.empty() && character == '0')) {
            digits.push_back(character);
        }
    }
    digits.erase(digits.find_last_not_of('0') + 1);
    return digits;
}

// Whether the server prints this text for a double: the fewest digits that say which one it is.
bool is_double_text(std::string_view text, double value) {
    if (text.find_first_of("eE") != std::string_view::npos) {
        return true;
    }
    const auto point = text.find('.');
    const std::string_view fraction =
        point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
    if (fraction != "0" && (fraction.empty() || fraction.ends_with('0'))) {
        return false;
    }
    std::array<char, 64> shortest;
    const char* const end = std::to_chars(shortest.data(),
                                          shortest.data() + shortest.size(),
                                          value,
                                          std::chars_format::scientific)
                                .ptr;
    return significant({shortest.data(), static_cast<std::size_t>(end - shortest.data())}) ==
           significant(text);
}

bool append_decimal(std::string& out, std::string_view text) {
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    const auto point = digits.find('.');
    const std::size_t scale = point == std::string_view::npos ? 0 : digits.size() - point - 1;
    const std::size_t whole = digits.size() - scale - (scale == 0 ? 0 : 1);
    if (whole + scale > kDecimalDigitsMax) {
        return false;
    }
    std::string value;
    value.push_back(static_cast<char>(whole + scale));
    value.push_back(static_cast<char>(scale));
    if (!append_decimal_bytes(value, text, whole + scale, scale)) {
        return false;
    }
    out.push_back(static_cast<char>(BinlogType::newdecimal));
    append_length(out, value.size());
    out += value;
    return true;
}

class Builder final : public nlohmann::json::json_sax_t {
  public:
    std::string root;

    bool null() override { return add(kLiteral, std::string(1, '\0')); }
    bool boolean(bool value) override { return add(kLiteral, std::string(1, value ? '\1' : '\2')); }
    bool number_integer(number_integer_t value) override {
        std::string bytes;
        append_fixed(bytes, static_cast<std::uint64_t>(value), Endian::little);
        return add(kInt64, std::move(bytes));
    }
    bool number_unsigned(number_unsigned_t value) override {
        std::string bytes;
        append_fixed(bytes, value, Endian::little);
        return add(kUint64, std::move(bytes));
    }
    bool number_float(number_float_t value, const string_t& text) override {
        std::string bytes;
        if (!is_double_text(text, value) && append_decimal(bytes, text)) {
            return add(kOpaque, std::move(bytes));
        }
        bytes.clear();
        append_fixed(bytes, std::bit_cast<std::uint64_t>(value), Endian::little);
        return add(kDouble, std::move(bytes));
    }
    bool string(string_t& value) override {
        std::string bytes;
        append_length(bytes, value.size());
        bytes += value;
        return add(kString, std::move(bytes));
    }
    bool binary(binary_t& /*value*/) override { return false; }
    bool start_object(std::size_t /*count*/) override { return open(true); }
    bool key(string_t& name) override {
        open_.back().next_key = std::move(name);
        return open_.back().next_key.size() <= 0xFFFF;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t /*count*/) override { return open(false); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t /*at*/,
                     const std::string& /*token*/,
                     const nlohmann::json::exception& /*error*/) override {
        return false;
    }

  private:
    bool open(bool object) {
        if (open_.size() > static_cast<std::size_t>(kJsonDepthMax)) {
            return false;
        }
        open_.push_back({.object = object, .next_key = {}, .members = {}});
        return true;
    }
    bool close() {
        const Container closed = std::move(open_.back());
        open_.pop_back();
        return add(closed.object ? kLargeObject : kLargeArray, serialized(closed));
    }
    bool add(char type, std::string bytes) {
        if (open_.empty()) {
            root.assign(1, type).append(bytes);
            return true;
        }
        Container& in = open_.back();
        in.members.push_back({std::exchange(in.next_key, {}), type, std::move(bytes)});
        return true;
    }

    std::vector<Container> open_;
};

}  // namespace

bool encode_json(std::string& out, std::string_view text) {
    Builder builder;
    if (!nlohmann::json::sax_parse(text, &builder) || builder.root.empty()) {
        return false;
    }
    out += builder.root;
    return true;
}

}  // namespace tributary::mysql
