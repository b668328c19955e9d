// See decimal.h. Base conversion is by 9-digit groups into 2^32 limbs, quadratic in length: a
// numeric of 147,455 digits, PostgreSQL's largest, takes some tens of milliseconds.
#include "encode/decimal.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <vector>

namespace tributary::encode {
namespace {

constexpr std::int32_t kExponentMax = 200'000;
constexpr std::size_t kLimbDigits = 9;

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool parse_exponent(std::string_view text, std::int32_t& exponent) {
    if (!text.empty() && text.front() == '+') {
        text.remove_prefix(1);
        if (text.empty() || !is_digit(text.front())) {
            return false;
        }
    }
    const auto read = std::from_chars(text.data(), text.data() + text.size(), exponent);
    return read.ec == std::errc() && read.ptr == text.data() + text.size() &&
           exponent >= -kExponentMax && exponent <= kExponentMax;
}

// digits (decimal) to little-endian limbs of 32 bits.
std::vector<std::uint32_t> to_limbs(std::string_view digits) {
    std::vector<std::uint32_t> limbs;
    limbs.reserve(digits.size() / 9 + 1);
    while (!digits.empty()) {
        const std::size_t take = (digits.size() - 1) % kLimbDigits + 1;
        std::uint32_t part = 0;
        std::uint32_t factor = 1;
        for (const char digit : digits.substr(0, take)) {
            part = part * 10 + static_cast<std::uint32_t>(digit - '0');
            factor *= 10;
        }
        digits.remove_prefix(take);
        std::uint64_t carry = part;
        for (std::uint32_t& limb : limbs) {
            carry += static_cast<std::uint64_t>(limb) * factor;
            limb = static_cast<std::uint32_t>(carry);
            carry >>= 32U;
        }
        if (carry != 0) {
            limbs.push_back(static_cast<std::uint32_t>(carry));
        }
    }
    return limbs;
}

}  // namespace

std::optional<DecimalParts> parse_decimal(std::string_view text) {
    DecimalParts parts;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        parts.negative = text.front() == '-';
        text.remove_prefix(1);
    }
    bool any = false;
    bool point = false;
    while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !point))) {
        if (text.front() == '.') {
            point = true;
        } else {
            any = true;
            parts.scale += point ? 1 : 0;
            if (text.front() != '0' || !parts.digits.empty()) {
                parts.digits.push_back(text.front());
            }
        }
        text.remove_prefix(1);
    }
    if (!any) {
        return std::nullopt;
    }
    if (!text.empty()) {
        std::int32_t exponent = 0;
        if ((text.front() != 'e' && text.front() != 'E') ||
            !parse_exponent(text.substr(1), exponent)) {
            return std::nullopt;
        }
        parts.scale -= exponent;
    }
    return parts;
}

bool rescale(DecimalParts& parts, std::int32_t scale) {
    if (parts.digits.empty()) {
        parts.scale = scale;
        return true;
    }
    while (parts.scale > scale) {
        if (parts.digits.empty() || parts.digits.back() != '0') {
            return false;
        }
        parts.digits.pop_back();
        --parts.scale;
    }
    parts.digits.append(static_cast<std::size_t>(scale - parts.scale), '0');
    parts.scale = scale;
    return true;
}

void strip_trailing_zeros(DecimalParts& parts) {
    if (parts.digits.empty()) {
        parts.scale = 0;
        return;
    }
    while (parts.scale > 0 && parts.digits.back() == '0') {
        parts.digits.pop_back();
        --parts.scale;
    }
    if (parts.scale < 0) {
        parts.digits.append(static_cast<std::size_t>(-parts.scale), '0');
        parts.scale = 0;
    }
}

std::string unscaled_bytes(const DecimalParts& parts) {
    const std::vector<std::uint32_t> limbs = to_limbs(parts.digits);
    std::string bytes;  // little-endian magnitude, then turned
    bytes.reserve(limbs.size() * 4 + 1);
    for (const std::uint32_t limb : limbs) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            bytes.push_back(static_cast<char>((limb >> shift) & 0xFFU));
        }
    }
    bytes.push_back(0);
    if (parts.negative) {
        unsigned carry = 1;
        for (char& byte : bytes) {
            carry += static_cast<unsigned char>(~static_cast<unsigned char>(byte));
            byte = static_cast<char>(carry & 0xFFU);
            carry >>= 8U;
        }
    }
    const auto sign_of = [&](std::size_t index) {
        return (static_cast<unsigned char>(bytes[index]) & 0x80U) != 0;
    };
    while (bytes.size() > 1 && bytes.back() == (sign_of(bytes.size() - 2) ? '\xFF' : '\0')) {
        bytes.pop_back();
    }
    std::reverse(bytes.begin(), bytes.end());
    return bytes;
}

std::string plain_text(const DecimalParts& parts) {
    std::string digits = parts.digits;
    const auto scale = static_cast<std::size_t>(std::max(parts.scale, 0));
    if (digits.size() <= scale) {
        digits.insert(0, scale + 1 - digits.size(), '0');
    }
    if (scale > 0) {
        digits.insert(digits.size() - scale, 1, '.');
    }
    return (parts.negative && !parts.digits.empty() ? "-" : "") + digits;
}

std::optional<std::int64_t> small_unscaled(std::string_view text, std::int32_t scale) {
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) {
        text.remove_prefix(1);
    }
    if (text.empty() || text.size() > 18 || scale < 0 || scale > 17) {
        return std::nullopt;
    }
    std::int64_t value = 0;
    std::int32_t fraction = -1;
    int digits = 0;
    for (const char character : text) {
        if (is_digit(character)) {
            value = value * 10 + (character - '0');
            ++digits;
            fraction += fraction >= 0 ? 1 : 0;
        } else if (character == '.' && fraction < 0) {
            fraction = 0;
        } else {
            return std::nullopt;
        }
    }
    const std::int32_t missing = scale - std::max(fraction, 0);
    if (digits == 0 || missing < 0 || digits + missing > 18) {
        return std::nullopt;
    }
    for (std::int32_t step = 0; step < missing; ++step) {
        value *= 10;
    }
    return negative ? -value : value;
}

std::size_t small_bytes(std::int64_t value, char (&out)[8]) {
    const auto bits = static_cast<std::uint64_t>(value);
    std::size_t count = 8;
    while (count > 1) {
        const auto shift = static_cast<unsigned>(count - 1) * 8 - 1;
        const std::uint64_t top = static_cast<std::uint64_t>(value >> shift);
        if (top != 0 && top != ~std::uint64_t{0}) {
            break;
        }
        --count;
    }
    for (std::size_t index = 0; index < count; ++index) {
        out[index] = static_cast<char>((bits >> ((count - 1 - index) * 8)) & 0xFFU);
    }
    return count;
}

}  // namespace tributary::encode
