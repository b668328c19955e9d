// See default_value.h.
#include "encode/default_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "base/arena.h"
#include "encode/decimal.h"
#include "encode/json_writer.h"
#include "encode/time_text.h"
#include "encode/value_text.h"

namespace tributary::encode {
namespace {

struct Literal {
    bool null = false;
    std::string text;
};

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

// `::type` any number of times, where a type may hold blanks, parentheses, quotes and brackets.
bool only_casts(std::string_view rest) {
    if (rest.empty()) {
        return true;
    }
    if (!rest.starts_with("::") || rest.size() == 2) {
        return false;
    }
    for (const char character : rest) {
        const bool part_of_type = is_digit(character) || character == ':' || character == ' ' ||
                                  character == '"' || character == '_' || character == '.' ||
                                  character == ',' || character == '(' || character == ')' ||
                                  character == '[' || character == ']' ||
                                  (character >= 'a' && character <= 'z') ||
                                  (character >= 'A' && character <= 'Z') || (character & 0x80) != 0;
        if (!part_of_type) {
            return false;
        }
    }
    return true;
}

// 'it''s', E'a\\b' or B'01', at the start of `text`, which is moved behind it.
std::optional<std::string> take_string(std::string_view& text) {
    const bool escapes = text.starts_with('E');
    std::string_view rest = text.substr(escapes || text.starts_with('B') ? 1 : 0);
    if (!rest.starts_with('\'')) {
        return std::nullopt;
    }
    std::string value;
    for (std::size_t index = 1; index < rest.size(); ++index) {
        const bool doubled = index + 1 < rest.size() && rest[index + 1] == rest[index];
        if (rest[index] == '\'' && !doubled) {
            text = rest.substr(index + 1);
            return value;
        }
        if (rest[index] == '\'' || (escapes && rest[index] == '\\' && doubled)) {
            ++index;
        } else if (escapes && rest[index] == '\\') {
            return std::nullopt;  // pg_get_expr only doubles backslashes
        }
        value.push_back(rest[index]);
    }
    return std::nullopt;
}

// [-]digits[.digits][e..], or the same in parentheses.
std::optional<std::string> take_number(std::string_view& text) {
    const bool parentheses = text.starts_with('(');
    std::string_view rest = text.substr(parentheses ? 1 : 0);
    const auto end = rest.find_first_not_of("-+.0123456789eE");
    std::string value(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
    if (value.empty() || value.find_first_of("0123456789") == std::string::npos ||
        (parentheses && !rest.starts_with(')'))) {
        return std::nullopt;
    }
    text = parentheses ? rest.substr(1) : rest;
    return value;
}

std::optional<Literal> parse_literal(std::string_view expression) {
    std::string_view rest = expression;
    if (rest.starts_with("NULL")) {
        rest.remove_prefix(4);
        return only_casts(rest) ? std::optional<Literal>(Literal{true, ""}) : std::nullopt;
    }
    std::optional<std::string> text;
    if (rest.starts_with("true") || rest.starts_with("false")) {
        text = rest.starts_with("true") ? "true" : "false";
        rest.remove_prefix(text->size());
    } else {
        text = take_string(rest);
        if (!text) {
            text = take_number(rest);
        }
    }
    if (!text || !only_casts(rest)) {
        return std::nullopt;
    }
    return Literal{false, *text};
}

template <typename Number>
bool read_whole(std::string_view text, Number& number) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// Fixed-width unsigned number at the start of `text`, which is moved behind it and `separator`.
bool take_field(std::string_view& text, std::size_t width, char separator, unsigned& number) {
    if (text.size() < width || !read_whole(text.substr(0, width), number)) {
        return false;
    }
    text.remove_prefix(width);
    if (separator != 0) {
        if (!text.starts_with(separator)) {
            return false;
        }
        text.remove_prefix(1);
    }
    return true;
}

bool take_date(std::string_view& text, std::int64_t& days) {
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (!take_field(text, 4, '-', year) || !take_field(text, 2, '-', month) ||
        !take_field(text, 2, 0, day) || month < 1 || month > 12 || day < 1 || day > 31) {
        return false;
    }
    days = days_of(year, month, day);
    return true;
}

// `hour_digits`: 2, or 3 in MySQL's TIME, which is a span of time.
bool take_time(std::string_view& text, std::int64_t& us, std::size_t hour_digits = 2) {
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    if (!take_field(text, hour_digits, ':', hour) || !take_field(text, 2, ':', minute) ||
        !take_field(text, 2, 0, second) || minute > 59 || second > 59) {
        return false;
    }
    us = (std::int64_t{hour} * 3600 + minute * 60 + second) * 1'000'000;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        for (std::int64_t unit = 100'000; !text.empty() && is_digit(text.front()); unit /= 10) {
            us += (text.front() - '0') * unit;
            text.remove_prefix(1);
        }
    }
    return true;
}

// [-]hh:mm:ss[.f] or [-]hhh:mm:ss[.f]
bool read_time(std::string_view text, std::int64_t& us) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    if (!take_time(text, us, text.find(':') == 3 ? 3 : 2) || !text.empty()) {
        return false;
    }
    us = negative ? -us : us;
    return true;
}

bool read_temporal(std::string_view text, TypeKind kind, std::int64_t& result) {
    std::int64_t days = 0;
    std::int64_t us = 0;
    if (kind == TypeKind::date) {
        return take_date(text, result) && text.empty();
    }
    if (kind == TypeKind::time) {
        return read_time(text, result);
    }
    if (!take_date(text, days) || !text.starts_with(' ')) {
        return false;
    }
    text.remove_prefix(1);
    if (!take_time(text, us) || us > kDayUs) {
        return false;
    }
    result = days * kDayUs + us;
    // The catalogue is read in a session whose time zone is UTC.
    return text.empty() || (kind == TypeKind::timestamp_tz && text == "+00");
}

std::optional<std::string> read_hex(std::string_view text) {
    if (!text.starts_with("\\x") || text.size() % 2 != 0) {
        return std::nullopt;
    }
    std::string bytes;
    for (std::size_t index = 2; index < text.size(); index += 2) {
        unsigned byte = 0;
        const char* const at = text.data() + index;
        if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<char>(byte));
    }
    return bytes;
}

// The digits of a bit string as a number, its lowest byte first.
std::optional<std::string> read_bits(std::string_view text) {
    if (text.find_first_not_of("01") != std::string_view::npos) {
        return std::nullopt;
    }
    std::string bytes;
    const std::size_t first = std::min(text.find('1'), text.size());
    for (std::size_t bit = 0; bit < text.size() - first; ++bit) {
        if (bit % 8 == 0) {
            bytes.push_back(0);
        }
        const unsigned digit = text[text.size() - 1 - bit] == '1' ? 1 : 0;
        bytes.back() =
            static_cast<char>(static_cast<unsigned char>(bytes.back()) | (digit << (bit % 8)));
    }
    return bytes;
}

// As many fraction digits as the column has.
std::string at_scale(const std::string& text, const ColumnType& type) {
    auto parts = parse_decimal(text);
    return parts && type.precision != 0 && rescale(*parts, std::max(type.scale, 0))
               ? plain_text(*parts)
               : text;
}

// The literal as a Value whose text is in `literal`; false when it is none of the column's type.
bool to_value(Literal& literal, const ColumnType& type, Value& value) {
    value.state = ValueState::value;
    const TypeKind kind = type.kind;
    switch (kind) {
        case TypeKind::boolean:
            value.integer =
                literal.text == "true" || literal.text == "t" || literal.text == "1" ? 1 : 0;
            return value.integer == 1 || literal.text == "false" || literal.text == "f" ||
                   literal.text == "0";
        case TypeKind::int16:
        case TypeKind::int32:
        case TypeKind::int64:
        case TypeKind::year:
            return read_whole(literal.text, value.integer);
        case TypeKind::uint64: {
            std::uint64_t number = 0;
            const bool whole = read_whole(literal.text, number);
            value.integer = static_cast<std::int64_t>(number);
            return whole;
        }
        case TypeKind::float32:
        case TypeKind::float64:
            return read_whole(literal.text, value.real);
        case TypeKind::decimal:
            literal.text = at_scale(literal.text, type);
            value.text = literal.text;
            return true;
        case TypeKind::text:
        case TypeKind::uuid:
        case TypeKind::json:
        case TypeKind::xml:
        case TypeKind::enumeration:
        case TypeKind::set:
            value.text = literal.text;
            return true;
        case TypeKind::bytes: {
            auto bytes = type.precision > 0 ? read_bits(literal.text) : read_hex(literal.text);
            if (bytes) {
                literal.text = *bytes;
                value.text = literal.text;
            }
            return bytes.has_value();
        }
        case TypeKind::date:
        case TypeKind::time:
        case TypeKind::timestamp:
        case TypeKind::timestamp_tz:
            return read_temporal(literal.text, kind, value.integer);
        case TypeKind::unsupported:
        case TypeKind::time_tz:
        case TypeKind::interval:
        case TypeKind::array:
        case TypeKind::geometry:
        case TypeKind::point:
        case TypeKind::float_vector:
        case TypeKind::double_vector:
        case TypeKind::sparse_vector:
        case TypeKind::geography:
            return false;
    }
    return false;
}

// name(..), or one of the functions that SQL writes without parentheses.
bool is_call(std::string_view expression) {
    constexpr std::array<std::string_view, 5> kBare{
        "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"};
    if (expression.starts_with('(')) {
        expression.remove_prefix(1);
    }
    std::size_t end = 0;
    while (end < expression.size() &&
           (is_digit(expression[end]) || expression[end] == '_' || expression[end] == '.' ||
            expression[end] == '"' || (expression[end] >= 'a' && expression[end] <= 'z') ||
            (expression[end] >= 'A' && expression[end] <= 'Z'))) {
        ++end;
    }
    return (end > 0 && end < expression.size() && expression[end] == '(') ||
           std::find(kBare.begin(), kBare.end(), expression.substr(0, end)) != kBare.end();
}

// What stands for a value that the server computes.
std::string computed(const Column& column, const Format& format) {
    if (column.type.kind == TypeKind::uuid) {
        return "\"00000000-0000-0000-0000-000000000000\"";
    }
    if (column.type.kind == TypeKind::timestamp_tz) {
        Arena arena(64);
        JsonWriter writer;
        writer.begin(arena, 64);
        Value epoch;
        epoch.state = ValueState::value;
        if (write_value(writer, format, epoch) == Problem::none) {
            return std::string(writer.finish());
        }
    }
    return format.zero;
}

}  // namespace

std::optional<std::string> default_json(const Column& column, const Format& format) {
    // Debezium reads none for a numeric without scale.
    if (!column.default_expression || format.form == Form::decimal_variable) {
        return std::nullopt;
    }
    auto literal = parse_literal(*column.default_expression);
    Value value;
    if (literal && !literal->null && to_value(*literal, column.type, value)) {
        Arena arena(512);
        JsonWriter writer;
        writer.begin(arena, literal->text.size() + 64);
        if (write_value(writer, format, value) == Problem::none) {
            return std::string(writer.finish());
        }
    }
    if (column.nullable || literal || !is_call(*column.default_expression)) {
        return std::nullopt;
    }
    return computed(column, format);
}

}  // namespace tributary::encode
