// Glob patterns for people: `*` is any run of characters, `?` any one, all else itself. The whole
// text must match. Linear in text times pattern, no recursion. Any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace tributary {

[[nodiscard]] constexpr bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t at = 0;    // in pattern
    std::size_t from = 0;  // in text
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;  // where in text the last star gave up
    while (from < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            resume = from;
        } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[from])) {
            ++at;
            ++from;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            from = ++resume;
        } else {
            return false;
        }
    }
    while (at < pattern.size() && pattern[at] == '*') {
        ++at;
    }
    return at == pattern.size();
}

}  // namespace tributary
