// Decimal text of any length to the bytes of java.math.BigDecimal's unscaled value: two's
// complement, big-endian, shortest (org.apache.kafka.connect.data.Decimal,
// io.debezium.data.VariableScaleDecimal). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tributary::encode {

// A decimal taken apart: digits without sign, point or leading zeros ("" is zero); the value is
// digits * 10^-scale.
struct DecimalParts {
    bool negative = false;
    std::string digits;
    std::int32_t scale = 0;
};

// Reads [+-]digits[.digits][e[+-]digits]; none for anything else, and for an exponent beyond
// +-200'000 (PostgreSQL's numeric has at most 131072 digits before and 16383 after the point).
[[nodiscard]] std::optional<DecimalParts> parse_decimal(std::string_view text);

// The same value with exactly `scale` fraction digits (0 or more); false when digits other than
// zero would be lost.
[[nodiscard]] bool rescale(DecimalParts& parts, std::int32_t scale);

// As BigDecimal.stripTrailingZeros, then a scale of at least 0.
void strip_trailing_zeros(DecimalParts& parts);

// Unscaled value: two's complement, big-endian, shortest; zero is one zero byte.
[[nodiscard]] std::string unscaled_bytes(const DecimalParts& parts);

// BigDecimal.toPlainString of non-negative scales.
[[nodiscard]] std::string plain_text(const DecimalParts& parts);

// The common case without allocation: [-]digits[.digits] whose value at `scale` fits into 64 bits.
// none: take the general way.
[[nodiscard]] std::optional<std::int64_t> small_unscaled(std::string_view text, std::int32_t scale);

// Two's complement of `value`, big-endian and shortest, in `out`; returns how many bytes.
std::size_t small_bytes(std::int64_t value, char (&out)[8]);

}  // namespace tributary::encode
