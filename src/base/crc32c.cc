#include "base/crc32c.h"

#include <array>
#include <cstddef>

#include "base/bytes.h"

namespace tributary {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t index = 0; index < 256; ++index) {
        std::uint32_t value = index;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1U) ^ ((value & 1U) != 0 ? 0x82F63B78U : 0U);
        }
        table[index] = value;
    }
    return table;
}

constexpr auto kTable = make_table();

std::uint32_t by_table(std::uint32_t state, std::string_view bytes) noexcept {
    for (const char byte : bytes) {
        state = (state >> 8U) ^ kTable[(state ^ static_cast<unsigned char>(byte)) & 0xFFU];
    }
    return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t state,
                                                               std::string_view bytes) noexcept {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t wide = state;
    for (; left >= 8; left -= 8, at += 8) {
        wide = __builtin_ia32_crc32di(wide, load<std::uint64_t>(at, Endian::little));
    }
    auto narrow = static_cast<std::uint32_t>(wide);
    for (; left > 0; --left, ++at) {
        narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
    }
    return narrow;
}

bool have_instruction() noexcept {
    static const bool have = __builtin_cpu_supports("sse4.2") != 0;
    return have;
}
#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) noexcept {
    const std::uint32_t state = ~crc;
#if defined(__x86_64__)
    if (have_instruction()) {
        return ~by_instruction(state, bytes);
    }
#endif
    return ~by_table(state, bytes);
}

}  // namespace tributary
