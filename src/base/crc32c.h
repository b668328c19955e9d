// CRC32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 B.4), by the SSE4.2 or ARMv8
// instruction where the processor has it.
#pragma once

#include <cstdint>
#include <string_view>

namespace tributary {

// The CRC of `bytes` appended to what gave `crc` (0 to start). crc32c(crc32c(0, a), b) == crc32c(0,
// a+b).
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) noexcept;

}  // namespace tributary
