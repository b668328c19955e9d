// The state directory: belongs to one process at a time.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tributary::agent {

// Makes `directory` (mode 0700) when missing and locks it until the returned descriptor closes.
// A root process first becomes, for good, the user that `directory` belongs to, so that the service
// can use what `check` or `reset` made there; call it before a thread starts.
// kStateDirUnusable: cannot be made or written. kStateDirLocked: another process holds it; names
// its pid.
[[nodiscard]] Result<UniqueFd> lock_state_dir(const std::filesystem::path& directory);

}  // namespace tributary::agent
