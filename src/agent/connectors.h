// Which connectors there are, as the configuration needs to know them: what each declares. No
// client library is needed for it.
#pragma once

#include "config/loaded.h"

namespace tributary::agent {

// What every connector that is built in declares, for config::load() and describe().
[[nodiscard]] config::Connectors connectors();

}  // namespace tributary::agent
