// DECIMAL from its binary form to digits. Total over any bytes. Pure; any thread. MySQL source
// documentation, decimal2bin(): groups of nine digits as 32 bits big-endian, the rest of the digits
// before and after the point in as few bytes as they need; the first bit is inverted, and all bits
// of a negative number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/arena.h"

namespace tributary::mysql {

// "-123.4500" with exactly `scale` digits after the point. false: `bytes` is not of
// DECIMAL(precision, scale).
[[nodiscard]] bool decimal_text(std::string_view bytes,
                                std::size_t precision,
                                std::size_t scale,
                                Arena& arena,
                                std::string_view& out);

// The other way: appends the bytes of `text` as DECIMAL(precision, scale). false: not a number of
// that many digits.
[[nodiscard]] bool append_decimal_bytes(std::string& out,
                                        std::string_view text,
                                        std::size_t precision,
                                        std::size_t scale);

}  // namespace tributary::mysql
