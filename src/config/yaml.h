// YAML text to a Node tree with places. The only file of the room that sees yaml-cpp's parser.
// Specification: YAML 1.2, one document, a mapping at its root; anchors, aliases, tags and keys
// that are not plain text are refused, duplicate keys too. Total over any input: text over 1 MiB or
// deeper than 32 levels is an error.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/node.h"

namespace tributary::config {

// kConfigInvalid with "file:line: ..." for text that is not such YAML. Empty text is an empty
// mapping.
[[nodiscard]] Result<Node> parse_yaml(std::string_view text, std::string_view file);

// Joins `more` into `base`: mappings member by member, `sources` end to end; any other key given
// twice is kConfigInvalid and names both places.
[[nodiscard]] Result<void> merge(Node& base, Node more);

// The text as one YAML scalar, quoted where it must be.
[[nodiscard]] std::string print_scalar(std::string_view text);

}  // namespace tributary::config
