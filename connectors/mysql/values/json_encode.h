// MySQL's JSON text to its binary form, so that a row that was read by SELECT lies in the log as
// the binlog would have it (json_binary.h has the layout; always the large one). Numbers: what the
// server prints for a double becomes one, other fractions a DECIMAL. What the text does not tell:
// dates, times and binary values inside a document, which the server prints as strings, stay
// strings. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace tributary::mysql {

// Appends the binary form. false: `text` is no JSON, or deeper than the server allows.
[[nodiscard]] bool encode_json(std::string& out, std::string_view text);

}  // namespace tributary::mysql
