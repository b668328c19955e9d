// See java_number.h.
#include "encode/java_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace tributary::encode {
namespace {

struct Digits {
    char text[24];
    int count = 0;
    int exponent = 0;  // of the first digit
};

char* put(char* at, std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

// d[.ddd]e[+-]xx to digits and exponent.
Digits parse_scientific(const char* begin, const char* end) {
    Digits digits;
    const char* at = begin;
    for (; at != end && *at != 'e'; ++at) {
        if (*at != '.') {
            digits.text[digits.count++] = *at;
        }
    }
    ++at;
    const bool negative = *at == '-';
    ++at;
    std::from_chars(at, end, digits.exponent);
    if (negative) {
        digits.exponent = -digits.exponent;
    }
    return digits;
}

// Shortest digits of a positive finite value. Where one digit is enough Java takes the closest of
// two digits, which differs only among the smallest subnormal values (4.9E-324, 1.4E-45).
template <typename Float>
Digits shortest(Float value) {
    char text[40];
    const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
    Digits digits = parse_scientific(text, end.ptr);
    constexpr Float kSmall = std::is_same_v<Float, float> ? Float(1e-37) : Float(1e-300);
    if (digits.count == 1 && value < kSmall) {
        const auto two =
            std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific, 1);
        Float back = 0;
        const auto read = std::from_chars(text, two.ptr, back);
        if (read.ec == std::errc() && back == value) {
            digits = parse_scientific(text, two.ptr);
        }
    }
    while (digits.count > 1 && digits.text[digits.count - 1] == '0') {
        --digits.count;
    }
    return digits;
}

char* write_plain(char* at, const Digits& digits) {
    const int whole = digits.exponent + 1;
    if (whole <= 0) {
        at = put(at, "0.");
        for (int zero = whole; zero < 0; ++zero) {
            *at++ = '0';
        }
        return std::copy_n(digits.text, digits.count, at);
    }
    for (int index = 0; index < whole; ++index) {
        *at++ = index < digits.count ? digits.text[index] : '0';
    }
    *at++ = '.';
    if (digits.count <= whole) {
        *at++ = '0';
        return at;
    }
    return std::copy_n(digits.text + whole, digits.count - whole, at);
}

char* write_scientific(char* at, const Digits& digits) {
    *at++ = digits.text[0];
    *at++ = '.';
    if (digits.count == 1) {
        *at++ = '0';
    } else {
        at = std::copy_n(digits.text + 1, digits.count - 1, at);
    }
    *at++ = 'E';
    return std::to_chars(at, at + 5, digits.exponent).ptr;
}

// Values of 0.001 to below 10,000,000 with at most six decimals, as sensors have them; null: it is
// none. A decimal of up to 15 digits that reads as the value is the shortest that does, since no
// two of them read as one value (DBL_DIG).
char* write_few_decimals(char* at, double value) {
    constexpr std::uint64_t kScale = 1'000'000;
    const auto scaled = static_cast<std::uint64_t>(value * kScale + 0.5);
    if (static_cast<double>(scaled) / kScale != value) {
        return nullptr;
    }
    at = std::to_chars(at, at + 8, scaled / kScale).ptr;
    *at++ = '.';
    auto fraction = static_cast<std::uint32_t>(scaled % kScale);
    std::uint32_t place = kScale / 10;
    do {
        *at++ = static_cast<char>('0' + fraction / place);
        fraction %= place;
        place /= 10;
    } while (fraction != 0);
    return at;
}

template <typename Float>
char* write_java(char* at, Float value) {
    if (std::isnan(value)) {
        return put(at, "\"NaN\"");
    }
    if (std::isinf(value)) {
        return put(at, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    }
    if (std::signbit(value)) {
        *at++ = '-';
        value = -value;
    }
    if (value == 0) {
        return put(at, "0.0");
    }
    const bool plain = value >= Float(1e-3) && value < Float(1e7);
    if constexpr (std::is_same_v<Float, double>) {
        if (char* const end = plain ? write_few_decimals(at, value) : nullptr; end != nullptr) {
            return end;
        }
    }
    const Digits digits = shortest(value);
    return plain ? write_plain(at, digits) : write_scientific(at, digits);
}

}  // namespace

char* write_java_double(char* at, double value) {
    return write_java(at, value);
}

char* write_java_float(char* at, float value) {
    return write_java(at, value);
}

}  // namespace tributary::encode
