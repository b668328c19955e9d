// Numbers with units, as the configuration writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tributary::config {

// A decimal integer with an optional sign; nullopt for anything else, also when it does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
// Bytes: "4096", "64KiB", "8 GiB", "10MB" (B, KiB, MiB, GiB, TiB; KB, MB, GB, TB are powers of
// ten).
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);
// Milliseconds: "0", "20ms", "5s", "2m", "1h", "7d". A number other than 0 needs its unit.
[[nodiscard]] std::optional<std::int64_t> parse_duration_ms(std::string_view text);

// The shortest exact text in the largest unit that divides: 8589934592 -> "8GiB", 20 -> "20ms".
[[nodiscard]] std::string print_size(std::int64_t bytes);
[[nodiscard]] std::string print_duration_ms(std::int64_t milliseconds);

}  // namespace tributary::config
