// Numbers in the text that servers answer with. Pure; any thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

namespace tributary::mysql {

// The unsigned number that `text` begins with; 0 where it begins with none.
[[nodiscard]] inline std::uint64_t leading_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    return read.ec == std::errc() ? value : 0;
}

// The numbers in the parentheses of "decimal(10,2) unsigned"; -1 where there is none.
struct Modifiers {
    int first = -1;
    int second = -1;
};

[[nodiscard]] inline Modifiers modifiers_of(std::string_view column_type) {
    Modifiers out;
    const auto open = column_type.find('(');
    if (open == std::string_view::npos) {
        return out;
    }
    const char* const end = column_type.data() + column_type.size();
    const auto first = std::from_chars(column_type.data() + open + 1, end, out.first);
    if (first.ec == std::errc() && first.ptr != end && *first.ptr == ',') {
        static_cast<void>(std::from_chars(first.ptr + 1, end, out.second));
    }
    return out;
}

}  // namespace tributary::mysql
