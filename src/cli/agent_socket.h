// The running agent of a configuration, asked on its admin socket. Main thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/commands.h"
#include "config/loaded.h"

namespace tributary::cli {

[[nodiscard]] Result<config::Loaded> load(const Common& common);

// Whether an admin socket of the configuration is there: an agent runs, or died a moment ago.
[[nodiscard]] bool socket_is_there(const config::Loaded& loaded);

// GET or POST on the running agent. kAdminUnavailable when none answers, otherwise the agent's own
// error.
[[nodiscard]] Result<std::string> request(const config::Loaded& loaded,
                                          std::string_view method,
                                          const std::string& target);

// The same, any error being nullopt.
[[nodiscard]] std::optional<std::string> ask(const config::Loaded& loaded,
                                             std::string_view method,
                                             const std::string& target);

[[nodiscard]] Error nobody_answers(const config::Loaded& loaded);

}  // namespace tributary::cli
