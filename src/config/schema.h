// The description of every key, printed for machines and for people.
#pragma once

#include <string>

#include "config/loaded.h"

namespace tributary::config {

// JSON Schema (draft-07): one object, no further keys allowed; an item of `sources` is one of the
// types.
[[nodiscard]] std::string json_schema(const Description& description);

// docs/configuration.md.
[[nodiscard]] std::string markdown(const Description& description);

}  // namespace tributary::config
