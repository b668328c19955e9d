// Suggests what a mistyped name was meant to be.
#pragma once

#include <span>
#include <string_view>

namespace tributary::config {

// The one of `known` with the least edit distance (insert, delete, replace, swap of neighbours) to
// `name`, when that is at most a third of the name's length and at least 1; empty when none is
// near.
[[nodiscard]] std::string_view nearest(std::string_view name,
                                       std::span<const std::string_view> known);

}  // namespace tributary::config
