// Tables of the single-byte character sets of MySQL and MariaDB whose lower half is ASCII. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tributary::mysql {

// Unicode of the bytes 0x80 to 0xff; 0: no character.
using UpperHalf = std::array<std::uint16_t, 128>;

// By the server's name of the character set ("latin1", which is Windows-1252); null when it is not
// one of these.
[[nodiscard]] const UpperHalf* upper_half(std::string_view charset) noexcept;

}  // namespace tributary::mysql
