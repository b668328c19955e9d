// Partial updates of JSON columns (binlog_row_value_options=PARTIAL_JSON): diffs applied to the
// document of the row before. Only containers on a path are taken apart. Total over any bytes.
// Pure; any thread. MySQL source documentation, "Json_diff" and "PARTIAL_UPDATE_ROWS_EVENT". A
// diff:
//   byte     0 replace, 1 insert, 2 remove
//   packed   length of the path, path: $.key, $."a key", $[3], ...
//   packed   length of the value, value in binary form (not when removing)
#pragma once

#include <string_view>

#include "base/arena.h"

namespace tributary::mysql {

// The text of `before` (binary form) after `diffs`. false: not as the server writes them, or a path
// that `before` does not have.
[[nodiscard]] bool apply_json_diffs(std::string_view before,
                                    std::string_view diffs,
                                    Arena& arena,
                                    std::string_view& out);

}  // namespace tributary::mysql
