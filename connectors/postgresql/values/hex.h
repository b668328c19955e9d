// Hexadecimal digits of either case. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace tributary::postgresql {

// The value of a digit; -1 of any other character.
inline int hex_digit(char c) {
    constexpr auto kDigits = [] {
        std::array<std::int8_t, 256> table{};
        table.fill(-1);
        for (unsigned char digit = 0; digit < 10; ++digit) {
            table['0' + digit] = static_cast<std::int8_t>(digit);
        }
        for (unsigned char letter = 0; letter < 6; ++letter) {
            table['a' + letter] = static_cast<std::int8_t>(10 + letter);
            table['A' + letter] = static_cast<std::int8_t>(10 + letter);
        }
        return table;
    }();
    return kDigits[static_cast<unsigned char>(c)];
}

// `bytes` becomes a view of the arena; false when `text` is not two digits for each byte.
[[nodiscard]] inline bool hex_bytes(std::string_view text, Arena& arena, std::string_view& bytes) {
    if (text.size() % 2 != 0) {
        return false;
    }
    const std::size_t count = text.size() / 2;
    char* const out = arena.allocate(count);
    for (std::size_t index = 0; index < count; ++index) {
        const int high = hex_digit(text[index * 2]);
        const int low = hex_digit(text[index * 2 + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[index] = static_cast<char>(high * 16 + low);
    }
    bytes = {out, count};
    return true;
}

}  // namespace tributary::postgresql
