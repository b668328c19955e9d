// See value_text.h.
#include "encode/value_text.h"

#include <bit>
#include <charconv>
#include <limits>
#include <system_error>

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
        case Form::double_vector:
        case Form::sparse_vector:
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
    std::int64_t months = 0;
    std::int64_t days = 0;
    if (__builtin_mul_overflow(kMonthUs, std::int64_t{value.months}, &months) ||
        __builtin_mul_overflow(kDayUs, std::int64_t{value.days}, &days) ||
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

template <typename Real, typename Bits>
Problem write_vector(JsonWriter& writer, std::string_view reals) {
    static_assert(sizeof(Real) == sizeof(Bits));
    if (reals.size() % sizeof(Bits) != 0) {
        return Problem::malformed;
    }
    writer.raw('[');
    for (std::size_t at = 0; at < reals.size(); at += sizeof(Bits)) {
        if (at != 0) {
            writer.raw(',');
        }
        writer.real(std::bit_cast<Real>(load<Bits>(reals.data() + at, Endian::little)));
    }
    writer.raw(']');
    return Problem::none;
}

Problem write_sparse_vector(JsonWriter& writer, const Value& value) {
    constexpr std::size_t kElementBytes = 12;
    constexpr std::int64_t kPlaceMax = std::numeric_limits<std::int16_t>::max();
    if (value.text.size() % kElementBytes != 0) {
        return Problem::malformed;
    }
    if (value.integer < 0 || value.integer > kPlaceMax) {
        return Problem::out_of_range;
    }
    writer.raw("{\"dimensions\":");
    writer.integer(value.integer);
    writer.raw(",\"vector\":[");
    for (std::size_t at = 0; at < value.text.size(); at += kElementBytes) {
        const char* const element = value.text.data() + at;
        writer.raw(at == 0 ? "[" : ",[");
        writer.integer(load<std::uint32_t>(element, Endian::little));
        writer.raw(',');
        writer.real(std::bit_cast<double>(load<std::uint64_t>(element + 4, Endian::little)));
        writer.raw(']');
    }
    writer.raw("]}");
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
            return write_vector<float, std::uint32_t>(writer, value.text);
        case Form::double_vector:
            return write_vector<double, std::uint64_t>(writer, value.text);
        case Form::sparse_vector:
            return write_sparse_vector(writer, value);
    }
    return Problem::none;
}

}  // namespace tributary::encode
