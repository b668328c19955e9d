// Text between two marks, as SQL and YAML's single quotes want it: a mark inside is doubled, all
// else is itself. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace tributary {

[[nodiscard]] inline std::string quoted_by(std::string_view text, char mark) {
    std::string out(1, mark);
    for (const char letter : text) {
        if (letter == mark) {
            out += mark;
        }
        out += letter;
    }
    return out + mark;
}

}  // namespace tributary
