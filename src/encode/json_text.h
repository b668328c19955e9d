// Whether bytes are one JSON text (RFC 8259) in UTF-8, so that they may be embedded as they are.
// Total over any input, no recursion: nesting is bounded by kJsonDepthMax. Pure.
#pragma once

#include <string_view>

namespace tributary::encode {

inline constexpr int kJsonDepthMax = 128;

[[nodiscard]] bool is_json(std::string_view text) noexcept;
// Well-formed UTF-8 (RFC 3629).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace tributary::encode
