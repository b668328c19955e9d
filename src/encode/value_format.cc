// See value_format.h.
#include "encode/value_format.h"

#include <boost/uuid/detail/md5.hpp>

#include <utility>

#include "encode/decimal.h"
#include "encode/json_writer.h"

namespace tributary::encode {
namespace {

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

// `name`: Geometry or Geography.
void spatial_format(Format& format, const std::string& name, const DebeziumOptions& options) {
    format.form = Form::geometry;
    format.schema_head = R"("type":"struct","fields":[)"
                         R"({"type":"bytes","optional":false,"field":"wkb"},)"
                         R"({"type":"int32","optional":true,"field":"srid"}])";
    format.schema_tail = named("io.debezium.data.geometry." + name) + R"(,"doc":")" + name + '"';
    format.zero = R"({"wkb":"AQcAAAAAAAAA","srid":null})";  // an empty collection
    format.unavailable = "{\"wkb\":" + written([&](JsonWriter& writer) {
                             writer.base64(options.unavailable_placeholder);
                         }) +
                         ",\"srid\":null}";
}

void geometry_format(Format& format, const DebeziumOptions& options) {
    spatial_format(format, "Geometry", options);
    format.always_optional = true;
    format.zero = "null";
}

// The bytes of the placeholder as numbers.
std::string placeholder_numbers(const DebeziumOptions& options, bool real) {
    std::string numbers;
    for (const char byte : options.unavailable_placeholder) {
        numbers += (numbers.empty() ? "" : ",") + std::to_string(static_cast<unsigned char>(byte)) +
                   (real ? ".0" : "");
    }
    return "[" + numbers + "]";
}

void vector_format(Format& format, Form form, const DebeziumOptions& options) {
    const bool wide = form == Form::double_vector;
    simple(format, form, "array", "[]");
    format.schema_head += std::string(R"(,"items":{"type":")") + (wide ? "double" : "float") +
                          R"(","optional":false})";
    format.schema_tail =
        named(wide ? "io.debezium.data.DoubleVector" : "io.debezium.data.FloatVector");
    format.unavailable = placeholder_numbers(options, true);
}

// A map whose keys are no texts is an array of pairs.
void sparse_vector_format(Format& format, const DebeziumOptions& options) {
    format.form = Form::sparse_vector;
    format.schema_head = R"("type":"struct","fields":[)"
                         R"({"type":"int16","optional":false,"field":"dimensions"},)"
                         R"({"type":"map","keys":{"type":"int16","optional":false},)"
                         R"("values":{"type":"double","optional":false},)"
                         R"("optional":false,"field":"vector"}])";
    format.schema_tail =
        named("io.debezium.data.SparseDoubleVector") + R"(,"doc":"Sparse double vector")";
    format.zero = R"({"dimensions":0,"vector":[]})";
    std::string pairs;
    const std::string& placeholder = options.unavailable_placeholder;
    for (std::size_t at = 0; at < placeholder.size(); ++at) {
        pairs += (at == 0 ? "[" : ",[") + std::to_string(at + 1) + "," +
                 std::to_string(static_cast<unsigned char>(placeholder[at])) + ".0]";
    }
    format.unavailable =
        R"({"dimensions":)" + std::to_string(placeholder.size()) + R"(,"vector":[)" + pairs + "]}";
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
    return placeholder_numbers(options, real);
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

}  // namespace

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
            geometry_format(format, options);
            break;
        case TypeKind::geography:
            spatial_format(format, "Geography", options);
            break;
        case TypeKind::point:
            point_format(format);
            break;
        case TypeKind::float_vector:
            vector_format(format, Form::float_vector, options);
            break;
        case TypeKind::double_vector:
            vector_format(format, Form::double_vector, options);
            break;
        case TypeKind::sparse_vector:
            sparse_vector_format(format, options);
            break;
    }
    return format;
}

}  // namespace tributary::encode
