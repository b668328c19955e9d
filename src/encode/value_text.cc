// See value_text.h.
#include "encode/value_text.h"

#include <boost/uuid/detail/md5.hpp>

#include <bit>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "encode/decimal.h"
#include "encode/time_text.h"

namespace tributary::encode {
namespace {

constexpr std::int64_t kMonthUs = 2'629'800'000'000;  // 365.25 / 12 days
// What Debezium ships for the infinities of PostgreSQL: the JDBC driver's milliseconds.
constexpr std::int64_t kPositiveInfinityMs = 9'223'372'036'825'200;
constexpr std::int64_t kNegativeInfinityMs = -9'223'372'036'832'400;
constexpr std::int64_t kPositiveInfinityDays = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kNegativeInfinityDays = -2'147'472'691;

std::string named(std::string_view name) {
    return ",\"name\":\"" + std::string(name) + "\",\"version\":1";
}

std::string quoted(std::string_view text) {
    Arena arena(64 + text.size() * 2);
    JsonWriter writer;
    writer.begin(arena, text.size() + 16);
    writer.text(text);
    return std::string(writer.finish());
}

template <typename Write>
std::string written(Write write) {
    Arena arena(1024);
    JsonWriter writer;
    writer.begin(arena, 256);
    write(writer);
    return std::string(writer.finish());
}

void simple(Format& format, Form form, std::string_view type, std::string_view zero) {
    format.form = form;
    format.schema_head = "\"type\":\"" + std::string(type) + "\"";
    format.zero = zero;
}

void text_format(Format& format, std::string_view name, const DebeziumOptions& options) {
    simple(format, Form::text, "string", "\"\"");
    if (!name.empty()) {
        format.schema_tail = named(name);
    }
    format.unavailable = quoted(options.unavailable_placeholder);
}

// Version 3 of the placeholder's bytes without a name space, as java.util.UUID.nameUUIDFromBytes.
std::string placeholder_uuid(std::string_view placeholder) {
    boost::uuids::detail::md5 hash;
    hash.process_bytes(placeholder.data(), placeholder.size());
    boost::uuids::detail::md5::digest_type digest;
    hash.get_digest(digest);
    std::string bytes;
    for (const unsigned word : digest) {
        for (unsigned shift = 32; shift > 0; shift -= 8) {
            bytes.push_back(static_cast<char>((word >> (shift - 8)) & 0xFFU));
        }
    }
    bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0FU) | 0x30U);
    bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3FU) | 0x80U);
    std::string text = written([&](JsonWriter& writer) { writer.hexadecimal(bytes); });
    for (const std::size_t at : {9U, 14U, 19U, 24U}) {
        text.insert(at, 1, '-');
    }
    return text;
}

void bytes_format(Format& format, const DebeziumOptions& options) {
    const std::string& placeholder = options.unavailable_placeholder;
    switch (options.binary) {
        case BinaryMode::bytes:
            simple(format, Form::bytes_base64, "bytes", "\"\"");
            format.unavailable = written([&](JsonWriter& writer) { writer.base64(placeholder); });
            return;
        case BinaryMode::base64:
            simple(format, Form::bytes_base64, "string", "\"\"");
            break;
        case BinaryMode::base64_url_safe:
            simple(format, Form::bytes_base64_url, "string", "\"\"");
            break;
        case BinaryMode::hex:
            simple(format, Form::bytes_hex, "string", "\"\"");
            break;
    }
    format.unavailable = quoted(placeholder);
}

// Length of "bit(8)" or "bit varying(24)"; without one PostgreSQL's bound, as Debezium has it.
std::string bits_length(std::string_view source_type) {
    const auto open = source_type.find('(');
    const auto close = source_type.find(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return "2147483647";
    }
    return std::string(source_type.substr(open + 1, close - open - 1));
}

bool is_bits(std::string_view source_type) {
    return source_type.starts_with("bit") || source_type.starts_with("varbit");
}

void bits_format(Format& format,
                 const ColumnType& type,
                 std::string_view source_type,
                 const DebeziumOptions& options) {
    simple(format, Form::bytes_base64, "bytes", "\"\"");
    const std::string length =
        type.precision > 0 ? std::to_string(type.precision) : bits_length(source_type);
    format.schema_tail =
        named("io.debezium.data.Bits") + ",\"parameters\":{\"length\":\"" + length + "\"}";
    format.unavailable =
        written([&](JsonWriter& writer) { writer.base64(options.unavailable_placeholder); });
}

void decimal_format(Format& format,
                    const ColumnType& type,
                    std::string_view source_type,
                    const DebeziumOptions& options) {
    const std::string& placeholder = options.unavailable_placeholder;
    const bool money = source_type == "money" || (type.precision == 0 && type.scale > 0);
    format.scale = type.scale;
    if (options.decimals == DecimalMode::double_) {
        simple(format, Form::decimal_double, "double", "0.0");
        return;
    }
    DecimalParts zero;
    zero.scale = type.scale;
    if (options.decimals == DecimalMode::string) {
        simple(format, Form::decimal_string, "string", quoted(plain_text(zero)));
        format.unavailable = quoted(placeholder);
        return;
    }
    const std::string bytes = written([&](JsonWriter& writer) { writer.base64(placeholder); });
    if (type.precision == 0 && !money) {
        format.form = Form::decimal_variable;
        format.schema_head =
            R"("type":"struct","fields":[{"type":"int32","optional":false,"field":"scale"},)"
            R"({"type":"bytes","optional":false,"field":"value"}])";
        format.schema_tail =
            named("io.debezium.data.VariableScaleDecimal") + ",\"doc\":\"Variable scaled decimal\"";
        format.zero = R"({"scale":0,"value":"AA=="})";
        format.unavailable = "{\"scale\":0,\"value\":" + bytes + "}";
        return;
    }
    simple(format, Form::decimal_precise, "bytes", "\"AA==\"");
    format.schema_tail = named("org.apache.kafka.connect.data.Decimal") +
                         ",\"parameters\":{\"scale\":\"" + std::to_string(type.scale) + "\"";
    if (!money) {
        format.schema_tail +=
            ",\"connect.decimal.precision\":\"" + std::to_string(type.precision) + "\"";
    }
    format.schema_tail += "}";
    format.unavailable = bytes;
}

struct TimeUnit {
    std::string_view type;  // Connect type
    std::string_view name;
    std::int64_t multiplier;
    std::int64_t divisor;
};

void scaled(Format& format, Form form, const TimeUnit& unit) {
    simple(format, form, unit.type, "0");
    format.schema_tail = named(unit.name);
    format.multiplier = unit.multiplier;
    format.divisor = unit.divisor;
}

void iso(Format& format, Form form, std::string_view name, std::string_view zero) {
    simple(format, form, "string", zero);
    format.schema_tail = named(name);
}

void date_format(Format& format, const DebeziumOptions& options) {
    if (options.times == TimePrecision::isostring) {
        iso(format, Form::date_iso, "io.debezium.time.IsoDate", "\"1970-01-01Z\"");
        return;
    }
    simple(format, Form::date, "int32", "0");
    format.schema_tail =
        named(options.times == TimePrecision::connect ? "org.apache.kafka.connect.data.Date"
                                                      : "io.debezium.time.Date");
}

void time_format(Format& format, const ColumnType& type, const DebeziumOptions& options) {
    constexpr TimeUnit kMicro{"int64", "io.debezium.time.MicroTime", 1, 1};
    constexpr TimeUnit kMilli{"int32", "io.debezium.time.Time", 1, 1000};
    switch (options.times) {
        case TimePrecision::adaptive:
            scaled(format, Form::scaled_time, type.precision <= 3 ? kMilli : kMicro);
            return;
        case TimePrecision::adaptive_time_microseconds:
        case TimePrecision::microseconds:
            scaled(format, Form::scaled_time, kMicro);
            return;
        case TimePrecision::connect:
            scaled(format,
                   Form::scaled_time,
                   {"int32", "org.apache.kafka.connect.data.Time", 1, 1000});
            return;
        case TimePrecision::isostring:
            iso(format, Form::time_iso, "io.debezium.time.IsoTime", "\"00:00:00Z\"");
            return;
        case TimePrecision::nanoseconds:
            scaled(format, Form::scaled_time, {"int64", "io.debezium.time.NanoTime", 1000, 1});
            return;
    }
}

void timestamp_format(Format& format, const ColumnType& type, const DebeziumOptions& options) {
    constexpr TimeUnit kMicro{"int64", "io.debezium.time.MicroTimestamp", 1, 1};
    constexpr TimeUnit kMilli{"int64", "io.debezium.time.Timestamp", 1, 1000};
    switch (options.times) {
        case TimePrecision::adaptive:
        case TimePrecision::adaptive_time_microseconds:
            scaled(format, Form::scaled_timestamp, type.precision <= 3 ? kMilli : kMicro);
            return;
        case TimePrecision::microseconds:
            scaled(format, Form::scaled_timestamp, kMicro);
            return;
        case TimePrecision::connect:
            scaled(format,
                   Form::scaled_timestamp,
                   {"int64", "org.apache.kafka.connect.data.Timestamp", 1, 1000});
            return;
        case TimePrecision::isostring:
            iso(format,
                Form::timestamp_iso,
                "io.debezium.time.IsoTimestamp",
                "\"1970-01-01T00:00:00Z\"");
            return;
        case TimePrecision::nanoseconds:
            scaled(format,
                   Form::scaled_timestamp,
                   {"int64", "io.debezium.time.NanoTimestamp", 1000, 1});
            return;
    }
}

void interval_format(Format& format, const DebeziumOptions& options) {
    if (options.intervals == IntervalMode::string) {
        iso(format, Form::interval_string, "io.debezium.time.Interval", "\"P0Y0M0DT0H0M0S\"");
        return;
    }
    simple(format, Form::interval_numeric, "int64", "0");
    format.schema_tail = named("io.debezium.time.MicroDuration");
}

// Labels with commas between; MySQL's connector puts a backslash before a comma inside a label.
std::string joined(const std::vector<std::string>& labels, bool escape_commas) {
    std::string out;
    bool first = true;
    for (const std::string& label : labels) {
        out += first ? "" : ",";
        first = false;
        for (const char character : label) {
            if (character == ',' && escape_commas) {
                out += '\\';
            }
            out += character;
        }
    }
    return out;
}

void labels_format(Format& format,
                   std::string_view name,
                   const std::string& allowed,
                   const DebeziumOptions& options) {
    text_format(format, name, options);
    format.schema_tail += ",\"parameters\":{\"allowed\":" + quoted(allowed) + "}";
}

void unsigned_format(Format& format, const DebeziumOptions& options) {
    if (options.unsigned_bigints == UnsignedMode::long_) {
        simple(format, Form::integer, "int64", "0");
        return;
    }
    simple(format, Form::unsigned_precise, "bytes", "\"AA==\"");
    format.schema_tail = named("org.apache.kafka.connect.data.Decimal") +
                         R"(,"parameters":{"scale":"0","connect.decimal.precision":"20"})";
}

void geometry_format(Format& format) {
    format.form = Form::geometry;
    format.schema_head = R"("type":"struct","fields":[)"
                         R"({"type":"bytes","optional":false,"field":"wkb"},)"
                         R"({"type":"int32","optional":true,"field":"srid"}])";
    format.schema_tail = named("io.debezium.data.geometry.Geometry") + R"(,"doc":"Geometry")";
    format.always_optional = true;
    format.zero = "null";
}

void point_format(Format& format) {
    format.form = Form::point;
    format.schema_head = R"("type":"struct","fields":[)"
                         R"({"type":"double","optional":false,"field":"x"},)"
                         R"({"type":"double","optional":false,"field":"y"},)"
                         R"({"type":"bytes","optional":true,"field":"wkb"},)"
                         R"({"type":"int32","optional":true,"field":"srid"}])";
    format.schema_tail =
        named("io.debezium.data.geometry.Point") + R"doc(,"doc":"Geometry (POINT)")doc";
    format.zero = R"({"x":0.0,"y":0.0,"wkb":"AQEAAAAAAAAAAAAAAAAAAAAAAAAA","srid":null})";
}

// An array's placeholder: one placeholder element where elements are text or bytes; where they are
// numbers, the bytes of the placeholder as numbers.
std::string array_placeholder(const Format& element,
                              TypeKind kind,
                              const DebeziumOptions& options) {
    if (kind == TypeKind::uuid) {
        return "[" + placeholder_uuid(options.unavailable_placeholder) + "]";
    }
    if (element.form == Form::zoned_timestamp || element.form == Form::zoned_time ||
        element.form == Form::date_iso || element.form == Form::time_iso ||
        element.form == Form::timestamp_iso || element.form == Form::interval_string) {
        return "[" + quoted(options.unavailable_placeholder) + "]";
    }
    if (!element.unavailable.empty()) {
        return "[" + element.unavailable + "]";
    }
    if (element.form == Form::boolean) {
        return {};
    }
    const bool real = element.form == Form::float32 || element.form == Form::float64 ||
                      element.form == Form::decimal_double;
    std::string numbers;
    for (const char byte : options.unavailable_placeholder) {
        numbers += (numbers.empty() ? "" : ",") + std::to_string(static_cast<unsigned char>(byte)) +
                   (real ? ".0" : "");
    }
    return "[" + numbers + "]";
}

bool array_format(Format& format,
                  const ColumnType& type,
                  std::string_view source_type,
                  const DebeziumOptions& options) {
    if (!type.element) {
        return false;
    }
    if (source_type.ends_with("[]")) {
        source_type.remove_suffix(2);
    }
    auto element = make_format(*type.element, source_type, options);
    if (!element) {
        return false;
    }
    format.form = Form::array;
    // Optional whatever the type is: elements of every array may be null.
    format.schema_head = "\"type\":\"array\",\"items\":{" + element->schema_head +
                         ",\"optional\":true" + element->schema_tail + "}";
    format.zero = "[]";
    format.unavailable = array_placeholder(*element, type.element->kind, options);
    format.element = std::make_shared<const Format>(std::move(*element));
    return true;
}

std::string_view text_name(std::string_view source_type) {
    if (source_type == "tsvector") {
        return "io.debezium.data.Tsvector";
    }
    return source_type == "ltree" || source_type.ends_with(".ltree") ? "io.debezium.data.Ltree"
                                                                     : "";
}

Problem write_decimal_double(JsonWriter& writer, std::string_view text) {
    double real = 0;
    if (text == "NaN") {
        real = std::numeric_limits<double>::quiet_NaN();
    } else if (text == "Infinity" || text == "-Infinity") {
        real = text.front() == '-' ? -std::numeric_limits<double>::infinity()
                                   : std::numeric_limits<double>::infinity();
    } else {
        const auto read = std::from_chars(text.data(), text.data() + text.size(), real);
        if (read.ec == std::errc::result_out_of_range) {
            return Problem::out_of_range;
        }
        if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
            return Problem::malformed;
        }
    }
    writer.real(real);
    return Problem::none;
}

Problem write_decimal(JsonWriter& writer, const Format& format, std::string_view text) {
    if (text == "NaN" || text == "Infinity" || text == "-Infinity") {
        if (format.form != Form::decimal_string) {
            return Problem::not_a_number;
        }
        writer.raw(text == "NaN"        ? "\"NAN\""
                   : text == "Infinity" ? "\"POSITIVE_INFINITY\""
                                        : "\"NEGATIVE_INFINITY\"");
        return Problem::none;
    }
    if (format.form == Form::decimal_precise) {
        if (const auto small = small_unscaled(text, format.scale)) {
            char bytes[8];
            const std::size_t count = small_bytes(*small, bytes);
            writer.base64(std::string_view(bytes, count));
            return Problem::none;
        }
    }
    auto parts = parse_decimal(text);
    if (!parts) {
        return Problem::malformed;
    }
    if (format.form == Form::decimal_precise) {
        if (!rescale(*parts, format.scale)) {
            return Problem::out_of_range;
        }
        writer.base64(unscaled_bytes(*parts));
        return Problem::none;
    }
    if (format.form == Form::decimal_string) {
        if (parts->scale < 0) {
            strip_trailing_zeros(*parts);
        }
        writer.text(plain_text(*parts));
        return Problem::none;
    }
    strip_trailing_zeros(*parts);
    writer.raw("{\"scale\":");
    writer.integer(parts->scale);
    writer.raw(",\"value\":");
    writer.base64(unscaled_bytes(*parts));
    writer.raw('}');
    return Problem::none;
}

Problem write_infinity(JsonWriter& writer, const Format& format, bool positive) {
    switch (format.form) {
        case Form::date:
            writer.integer(positive ? kPositiveInfinityDays : kNegativeInfinityDays);
            return Problem::none;
        case Form::scaled_timestamp:
            if (format.multiplier != 1) {
                writer.integer(positive ? std::numeric_limits<std::int64_t>::max()
                                        : std::numeric_limits<std::int64_t>::min());
            } else {
                writer.integer((positive ? kPositiveInfinityMs : kNegativeInfinityMs) *
                               (1000 / format.divisor));
            }
            return Problem::none;
        case Form::date_iso:
        case Form::timestamp_iso:
        case Form::zoned_timestamp:
            writer.raw(positive ? "\"infinity\"" : "\"-infinity\"");
            return Problem::none;
        case Form::boolean:
        case Form::integer:
        case Form::float32:
        case Form::float64:
        case Form::decimal_precise:
        case Form::decimal_variable:
        case Form::decimal_double:
        case Form::decimal_string:
        case Form::text:
        case Form::bytes_base64:
        case Form::bytes_base64_url:
        case Form::bytes_hex:
        case Form::scaled_time:
        case Form::time_iso:
        case Form::zoned_time:
        case Form::interval_numeric:
        case Form::interval_string:
        case Form::array:
        case Form::unsigned_precise:
        case Form::geometry:
        case Form::point:
        case Form::float_vector:
            break;
    }
    return Problem::malformed;
}

bool is_time_of_day(std::int64_t us) {
    return us >= 0 && us <= kDayUs;
}

Problem write_scaled(JsonWriter& writer, const Format& format, std::int64_t us) {
    std::int64_t result = 0;
    if (__builtin_mul_overflow(us, format.multiplier, &result)) {
        return Problem::out_of_range;
    }
    writer.integer(format.divisor == 1 ? result : floor_div(result, format.divisor));
    return Problem::none;
}

Problem write_interval_us(JsonWriter& writer, const Value& value) {
    std::int64_t total = 0;
    std::int64_t days = 0;
    const std::int64_t months = kMonthUs * value.months;  // 32 bits times 2^42 fits
    if (__builtin_mul_overflow(kDayUs, std::int64_t{value.days}, &days) ||
        __builtin_add_overflow(months, days, &total) ||
        __builtin_add_overflow(total, value.integer, &total)) {
        return Problem::out_of_range;
    }
    writer.integer(total);
    return Problem::none;
}

template <typename Write>
void write_quoted(JsonWriter& writer, Write write) {
    char text[128];
    char* const end = write(text);
    writer.raw('"');
    writer.raw(std::string_view(text, static_cast<std::size_t>(end - text)));
    writer.raw('"');
}

void write_unsigned(JsonWriter& writer, std::uint64_t value) {
    char bytes[9];  // a zero first, so that the sign bit is clear
    bytes[0] = 0;
    store(bytes + 1, value, Endian::big);
    std::size_t start = 0;
    while (start < 8 && bytes[start] == 0 && (bytes[start + 1] & 0x80) == 0) {
        ++start;
    }
    writer.base64(std::string_view(bytes + start, sizeof bytes - start));
}

// The end of both geometry structs, from the value of "wkb" on.
void write_wkb(JsonWriter& writer, const Value& value) {
    writer.base64(value.text);
    writer.raw(",\"srid\":");
    if (value.integer == 0) {
        writer.raw("null}");
    } else {
        writer.integer(value.integer);
        writer.raw('}');
    }
}

Problem write_point(JsonWriter& writer, const Value& value) {
    // byte order, type 1, x, y
    constexpr std::size_t kPointBytes = 21;
    const std::string_view wkb = value.text;
    if (wkb.size() != kPointBytes || (wkb[0] != 0 && wkb[0] != 1)) {
        return Problem::malformed;
    }
    const Endian endian = wkb[0] == 1 ? Endian::little : Endian::big;
    if (load<std::uint32_t>(wkb.data() + 1, endian) != 1) {
        return Problem::malformed;
    }
    writer.raw("{\"x\":");
    writer.real(std::bit_cast<double>(load<std::uint64_t>(wkb.data() + 5, endian)));
    writer.raw(",\"y\":");
    writer.real(std::bit_cast<double>(load<std::uint64_t>(wkb.data() + 13, endian)));
    writer.raw(",\"wkb\":");
    write_wkb(writer, value);
    return Problem::none;
}

Problem write_float_vector(JsonWriter& writer, std::string_view floats) {
    if (floats.size() % 4 != 0) {
        return Problem::malformed;
    }
    writer.raw('[');
    for (std::size_t at = 0; at < floats.size(); at += 4) {
        if (at != 0) {
            writer.raw(',');
        }
        writer.real(std::bit_cast<float>(load<std::uint32_t>(floats.data() + at, Endian::little)));
    }
    writer.raw(']');
    return Problem::none;
}

Problem write_array(JsonWriter& writer, const Format& format, const Value& value) {
    writer.raw('[');
    bool first = true;
    for (const Value& element : value.elements) {
        if (!first) {
            writer.raw(',');
        }
        first = false;
        if (element.state == ValueState::null) {
            writer.raw("null");
            continue;
        }
        if (!element.elements.empty() && format.element->form != Form::array) {
            return Problem::malformed;  // more dimensions than the type has
        }
        const std::size_t before = writer.size();
        const Problem problem = write_value(writer, *format.element, element);
        if (problem == Problem::not_a_number) {
            writer.rewind(before);
            writer.raw("null");
        } else if (problem != Problem::none) {
            return problem;
        }
    }
    writer.raw(']');
    return Problem::none;
}

}  // namespace

std::string_view to_string(Problem problem) noexcept {
    switch (problem) {
        case Problem::none:
            return "none";
        case Problem::not_a_number:
            return "NaN or an infinity, which a precise decimal cannot be";
        case Problem::out_of_range:
            return "outside the range of the chosen mode's type";
        case Problem::malformed:
            return "not a value of the column's type";
    }
    return "";
}

std::optional<Format> make_format(const ColumnType& type,
                                  std::string_view source_type,
                                  const DebeziumOptions& options) {
    Format format;
    switch (type.kind) {
        case TypeKind::unsupported:
            return std::nullopt;
        case TypeKind::boolean:
            simple(format, Form::boolean, "boolean", "false");
            break;
        case TypeKind::int16:
            simple(format, Form::integer, "int16", "0");
            break;
        case TypeKind::int32:
            simple(format, Form::integer, "int32", "0");
            break;
        case TypeKind::int64:
            simple(format, Form::integer, "int64", "0");
            break;
        case TypeKind::float32:
            simple(format, Form::float32, "float", "0.0");
            break;
        case TypeKind::float64:
            simple(format, Form::float64, "double", "0.0");
            break;
        case TypeKind::decimal:
            decimal_format(format, type, source_type, options);
            break;
        case TypeKind::text:
            text_format(format, text_name(source_type), options);
            break;
        case TypeKind::bytes:
            if (type.precision > 0 || is_bits(source_type)) {
                bits_format(format, type, source_type, options);
            } else {
                bytes_format(format, options);
            }
            break;
        case TypeKind::uuid:
            text_format(format, "io.debezium.data.Uuid", options);
            break;
        case TypeKind::json:
            text_format(format, "io.debezium.data.Json", options);
            if (type.precision == kJsonOfMap) {
                const std::string name = quoted(options.unavailable_placeholder);
                format.unavailable = quoted("{" + name + ":" + name + "}");
                format.zero = "\"{}\"";
            }
            break;
        case TypeKind::xml:
            text_format(format, "io.debezium.data.Xml", options);
            break;
        case TypeKind::enumeration:
            labels_format(format,
                          "io.debezium.data.Enum",
                          joined(type.labels, source_type.starts_with("enum(")),
                          options);
            break;
        case TypeKind::date:
            date_format(format, options);
            break;
        case TypeKind::time:
            time_format(format, type, options);
            break;
        case TypeKind::time_tz:
            iso(format, Form::zoned_time, "io.debezium.time.ZonedTime", "\"00:00:00Z\"");
            break;
        case TypeKind::timestamp:
            timestamp_format(format, type, options);
            break;
        case TypeKind::timestamp_tz:
            iso(format,
                Form::zoned_timestamp,
                "io.debezium.time.ZonedTimestamp",
                "\"1970-01-01T00:00:00Z\"");
            format.fraction_digits = type.precision;
            break;
        case TypeKind::interval:
            interval_format(format, options);
            break;
        case TypeKind::array:
            if (!array_format(format, type, source_type, options)) {
                return std::nullopt;
            }
            break;
        case TypeKind::uint64:
            unsigned_format(format, options);
            break;
        case TypeKind::year:
            simple(format, Form::integer, "int32", "0");
            format.schema_tail = named("io.debezium.time.Year");
            break;
        case TypeKind::set:
            labels_format(format, "io.debezium.data.EnumSet", joined(type.labels, false), options);
            break;
        case TypeKind::geometry:
            geometry_format(format);
            break;
        case TypeKind::point:
            point_format(format);
            break;
        case TypeKind::float_vector:
            simple(format, Form::float_vector, "array", "[]");
            format.schema_head += R"(,"items":{"type":"float","optional":false})";
            format.schema_tail = named("io.debezium.data.FloatVector");
            break;
    }
    return format;
}

Problem write_value(JsonWriter& writer, const Format& format, const Value& value) {
    if (value.state != ValueState::value) {
        if (value.state != ValueState::positive_infinity &&
            value.state != ValueState::negative_infinity) {
            return Problem::malformed;
        }
        return write_infinity(writer, format, value.state == ValueState::positive_infinity);
    }
    switch (format.form) {
        case Form::boolean:
            writer.raw(value.integer != 0 ? "true" : "false");
            break;
        case Form::date:
        case Form::integer:
            writer.integer(value.integer);
            break;
        case Form::float32:
            writer.real(static_cast<float>(value.real));
            break;
        case Form::float64:
            writer.real(value.real);
            break;
        case Form::decimal_double:
            return write_decimal_double(writer, value.text);
        case Form::decimal_precise:
        case Form::decimal_variable:
        case Form::decimal_string:
            return write_decimal(writer, format, value.text);
        case Form::text:
            writer.text(value.text);
            break;
        case Form::bytes_base64:
            writer.base64(value.text);
            break;
        case Form::bytes_base64_url:
            writer.base64(value.text, true);
            break;
        case Form::bytes_hex:
            writer.hexadecimal(value.text);
            break;
        case Form::date_iso:
            write_quoted(writer, [&](char* at) {
                at = write_date(at, value.integer);
                *at++ = 'Z';
                return at;
            });
            break;
        case Form::scaled_time:
            // Milliseconds are 32 bits of a day; microseconds hold MySQL's longer durations.
            if (format.divisor != 1 && !is_time_of_day(value.integer)) {
                return Problem::out_of_range;
            }
            return write_scaled(writer, format, value.integer);
        case Form::scaled_timestamp:
            return write_scaled(writer, format, value.integer);
        case Form::time_iso:
        case Form::zoned_time:
            if (!is_time_of_day(value.integer)) {
                return Problem::out_of_range;
            }
            write_quoted(writer, [&](char* at) {
                at = write_time(at, value.integer, kDigitsAsNeeded);
                *at++ = 'Z';
                return at;
            });
            break;
        case Form::timestamp_iso:
            write_quoted(writer, [&](char* at) {
                return write_instant(at, value.integer, kDigitsAsNeeded);
            });
            break;
        case Form::zoned_timestamp:
            write_quoted(writer, [&](char* at) {
                return write_instant(at, value.integer, format.fraction_digits);
            });
            break;
        case Form::interval_numeric:
            return write_interval_us(writer, value);
        case Form::interval_string:
            write_quoted(writer, [&](char* at) {
                return write_interval(at, value.months, value.days, value.integer);
            });
            break;
        case Form::array:
            return write_array(writer, format, value);
        case Form::unsigned_precise:
            write_unsigned(writer, static_cast<std::uint64_t>(value.integer));
            break;
        case Form::geometry:
            writer.raw("{\"wkb\":");
            write_wkb(writer, value);
            break;
        case Form::point:
            return write_point(writer, value);
        case Form::float_vector:
            return write_float_vector(writer, value.text);
    }
    return Problem::none;
}

}  // namespace tributary::encode
