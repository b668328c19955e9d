// MariaDB's COMPRESSED columns: the bytes that a value was stored as. Total over any bytes; what is
// inflated is bounded by kInflatedBytesMax. Pure; any thread. MariaDB knowledge base,
// "Storage-Engine Independent Column Compression".
//   byte     0: the value follows as it is; else bits 7-4: 8 (zlib), bit 3: without zlib's header,
//            bits 2-0: count k of the length's bytes
//   k bytes  length of the value, big-endian
//   then the deflated value
#pragma once

#include <cstddef>
#include <string_view>

#include "base/arena.h"

namespace tributary::mysql {

inline constexpr std::size_t kInflatedBytesMax = std::size_t{64} << 20U;

// false: not as above, or more than the bound. An empty value is stored as no bytes.
[[nodiscard]] bool inflate_column(std::string_view stored, Arena& arena, std::string_view& out);

}  // namespace tributary::mysql
