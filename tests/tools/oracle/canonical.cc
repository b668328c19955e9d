// See canonical.h. Encodings: Debezium documentation, PostgreSQL connector, Data type mappings.
#include "tests/tools/oracle/canonical.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <stdexcept>
#include <string_view>

namespace tributary::oracle {
namespace {

using nlohmann::json;

std::string hex_of(std::string_view bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += kDigits[value >> 4U];
        text += kDigits[value & 15U];
    }
    return text;
}

// "1.50" -> "1.5", "-0.0" -> "0", "007" -> "7".
std::string plain_decimal(std::string text) {
    if (text.find_first_of("eE") != std::string::npos ||
        text.find_first_of("0123456789") == std::string::npos) {
        return text;
    }
    const bool negative = text.starts_with('-');
    text.erase(0, negative || text.starts_with('+') ? 1 : 0);
    if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) {
            text.pop_back();
        }
    }
    text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
    if (text.empty() || text.starts_with('.')) {
        text.insert(0, 1, '0');
    }
    return negative && text != "0" ? "-" + text : text;
}

template <typename Number>
std::string shortest(Number number) {
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    return {buffer.data(), end.ptr};
}

// Both sides to the same machine number, then to one text.
std::string real_text(Kind kind, const std::string& text) {
    return kind == Kind::real ? shortest(std::stof(text)) : shortest(std::stod(text));
}

// "..:30.120000Z" -> "..:30.12Z", "..:30+00" -> "..:30Z".
std::string plain_instant(std::string text) {
    if (text.ends_with("+00")) {
        text.replace(text.size() - 3, 3, "Z");
    }
    const std::size_t point = text.rfind('.');
    if (point == std::string::npos || !text.ends_with('Z')) {
        return text;
    }
    text.pop_back();
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
        text.pop_back();
    }
    return text + "Z";
}

// "101" -> little-endian bytes without leading zero bytes, in hexadecimal.
std::string bits_text(const std::string& digits) {
    std::string bytes((digits.size() + 7) / 8, '\0');
    for (std::size_t index = 0; index < digits.size(); ++index) {
        const std::size_t bit = digits.size() - 1 - index;
        if (digits[index] == '1') {
            bytes[bit / 8] =
                static_cast<char>(static_cast<unsigned char>(bytes[bit / 8]) | (1U << (bit % 8)));
        }
    }
    bytes.erase(bytes.find_last_not_of('\0') + 1);
    return hex_of(bytes);
}

std::string without_trailing_blanks(std::string text) {
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

std::string scalar_from_sql(Kind kind, const std::string& text) {
    switch (kind) {
        case Kind::padded_text:
            return without_trailing_blanks(text);
        case Kind::real:
        case Kind::double_real:
            return real_text(kind, text);
        case Kind::numeric:
            return plain_decimal(text);
        case Kind::bytes:
            return text.starts_with("\\x") ? text.substr(2) : text;
        case Kind::bits:
            return bits_text(text);
        case Kind::zoned:
            return plain_instant(text);
        case Kind::text:
        case Kind::boolean:
        case Kind::integer:
            return text;
    }
    return text;
}

std::string text_of(const json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string numeric_from_event(const json& value, int scale) {
    if (value.is_object()) {  // VariableScaleDecimal
        return plain_decimal(decimal_text(decode_base64(value.at("value").get<std::string>()),
                                          value.at("scale").get<int>()));
    }
    if (value.is_string() && scale >= 0) {
        return plain_decimal(decimal_text(decode_base64(value.get<std::string>()), scale));
    }
    return plain_decimal(text_of(value));
}

std::string scalar_from_event(const Column& column, const json& value) {
    switch (column.kind) {
        case Kind::padded_text:
            return without_trailing_blanks(text_of(value));
        case Kind::real:
        case Kind::double_real:
            return real_text(column.kind, text_of(value));
        case Kind::numeric:
            return numeric_from_event(value, column.scale);
        case Kind::bytes:
        case Kind::bits:
            return hex_of(decode_base64(value.get<std::string>()));
        case Kind::zoned:
            return plain_instant(value.get<std::string>());
        case Kind::text:
        case Kind::boolean:
        case Kind::integer:
            return text_of(value);
    }
    return text_of(value);
}

void flatten(const Column& column, const json& value, json& flat) {
    for (const json& element : value) {
        if (element.is_array()) {
            flatten(column, element, flat);
        } else if (element.is_null()) {
            flat.push_back(nullptr);
        } else {
            flat.push_back(scalar_from_event(column, element));
        }
    }
}

// A count of `unit` per second since the epoch or midnight.
std::string count_of(const std::string& reference, const char* unit) {
    return "(extract(epoch FROM " + reference + ") * " + unit + ")::bigint::text";
}

std::string finite_or_text(const std::string& reference, const std::string& expression) {
    return "CASE WHEN isfinite(" + reference + ") THEN " + expression + " ELSE " + reference +
           "::text END";
}

std::string interval_count(const std::string& reference) {
    const auto part = [&reference](const char* name) {
        return std::string("extract(") + name + " FROM " + reference + ")";
    };
    return "((" + part("year") + " * 12 + " + part("month") + ") * 30.4375 * 86400000000 + " +
           part("day") + " * 86400000000 + (" + part("hour") + " * 60 + " + part("minute") +
           ") * 60000000 + " + part("microseconds") + ")::bigint::text";
}

}  // namespace

void set_type(Column& column,
              const std::string& type_name,
              int typmod,
              const std::string& reference) {
    static const std::map<std::string, Kind> kinds = {{"bool", Kind::boolean},
                                                      {"int2", Kind::integer},
                                                      {"int4", Kind::integer},
                                                      {"int8", Kind::integer},
                                                      {"oid", Kind::integer},
                                                      {"float4", Kind::real},
                                                      {"float8", Kind::double_real},
                                                      {"numeric", Kind::numeric},
                                                      {"money", Kind::numeric},
                                                      {"bytea", Kind::bytes},
                                                      {"bit", Kind::bits},
                                                      {"varbit", Kind::bits},
                                                      {"date", Kind::integer},
                                                      {"time", Kind::integer},
                                                      {"timestamp", Kind::integer},
                                                      {"interval", Kind::integer},
                                                      {"timestamptz", Kind::zoned},
                                                      {"timetz", Kind::zoned},
                                                      {"bpchar", Kind::padded_text}};
    const auto found = kinds.find(type_name);
    column.kind = found == kinds.end() ? Kind::text : found->second;
    column.expression = reference + "::text";
    const char* unit = typmod >= 0 && typmod <= 3 ? "1000" : "1000000";
    if (type_name == "numeric") {
        column.scale = typmod < 4 ? -1 : (typmod - 4) & 0x7ff;
    } else if (type_name == "money") {
        column.scale = 2;
        column.expression = reference + "::numeric::text";
    } else if (type_name == "bit" && typmod == 1) {
        column.kind = Kind::boolean;
        column.expression = "(" + reference + " = B'1')::text";
    } else if (type_name == "date") {
        column.expression =
            finite_or_text(reference, "(" + reference + " - date '1970-01-01')::text");
    } else if (type_name == "timestamp") {
        column.expression = finite_or_text(reference, count_of(reference, unit));
    } else if (type_name == "time") {
        column.expression = count_of(reference, unit);
    } else if (type_name == "interval") {
        column.expression = interval_count(reference);
    } else if (type_name == "timetz") {
        column.expression = "(" + reference + " AT TIME ZONE 'UTC')::text";
    } else if (type_name == "timestamptz") {
        column.expression = finite_or_text(
            reference,
            "to_char(" + reference + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
    }
}

std::optional<std::string> from_sql(const Column& column, const std::optional<std::string>& text) {
    if (!text) {
        return std::nullopt;
    }
    if (!column.array) {
        return scalar_from_sql(column.kind, *text);
    }
    json flat = json::array();
    for (const json& element : json::parse(*text)) {
        flat.push_back(element.is_null() ? json()
                                         : json(scalar_from_sql(column.kind, text_of(element))));
    }
    return flat.dump();
}

std::optional<std::string> from_event(const Column& column, const json& value) {
    if (value.is_null()) {
        return std::nullopt;
    }
    if (!column.array) {
        return scalar_from_event(column, value);
    }
    json flat = json::array();
    flatten(column, value, flat);
    return flat.dump();
}

bool is_unavailable(const json& value) {
    if (value.is_array()) {
        return value.size() == 1 && is_unavailable(value.front());
    }
    return value.is_string() &&
           (value == kUnavailable || value == "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==");
}

std::string decode_base64(const std::string& text) {
    static constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    unsigned pending = 0;
    unsigned bits = 0;
    const std::size_t end = std::min(text.find('='), text.size());
    for (const char letter : std::string_view(text).substr(0, end)) {
        const std::size_t value = kLetters.find(letter);
        if (value == std::string_view::npos) {
            throw std::runtime_error("not base64: " + text.substr(0, 40));
        }
        pending = (pending << 6U) | static_cast<unsigned>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>((pending >> bits) & 0xffU);
        }
    }
    if (text.size() % 4 != 0) {
        throw std::runtime_error("not base64: " + text.substr(0, 40));
    }
    return bytes;
}

std::string decimal_text(const std::string& bytes, int scale) {
    const bool negative = !bytes.empty() && static_cast<unsigned char>(bytes.front()) >= 0x80U;
    std::vector<unsigned> magnitude;  // big-endian bytes of the absolute value
    unsigned carry = negative ? 1 : 0;
    for (std::size_t index = bytes.size(); index-- > 0;) {
        const auto byte = static_cast<unsigned char>(bytes[index]);
        const unsigned value = (negative ? 255U - byte : byte) + carry;
        magnitude.insert(magnitude.begin(), value & 0xffU);
        carry = value >> 8U;
    }
    std::string digits;  // from the last
    while (
        std::any_of(magnitude.begin(), magnitude.end(), [](unsigned byte) { return byte != 0; })) {
        unsigned remainder = 0;
        for (unsigned& byte : magnitude) {
            const unsigned value = remainder * 256U + byte;
            byte = value / 10U;
            remainder = value % 10U;
        }
        digits += static_cast<char>('0' + remainder);
    }
    const auto places = static_cast<std::size_t>(std::max(scale, 0));
    digits.append(digits.size() <= places ? places + 1 - digits.size() : 0, '0');
    std::reverse(digits.begin(), digits.end());
    if (places > 0) {
        digits.insert(digits.size() - places, 1, '.');
    }
    if (scale < 0) {
        digits.append(static_cast<std::size_t>(-scale), '0');
    }
    return (negative ? "-" : "") + digits;
}

}  // namespace tributary::oracle
