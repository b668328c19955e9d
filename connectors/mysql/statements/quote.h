// Names and texts inside SQL, with NO_BACKSLASH_ESCAPES in sql_mode, which SqlSession pins. Pure;
// any thread. MySQL manual 9.1.1, 9.2.
#pragma once

#include <string>
#include <string_view>

namespace tributary::mysql {

// `text` quoted, for any text: `a``b`, 'a''b'.
[[nodiscard]] std::string quote_identifier(std::string_view text);
[[nodiscard]] std::string quote_literal(std::string_view text);

}  // namespace tributary::mysql
