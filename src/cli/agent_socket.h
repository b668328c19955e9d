// The configuration as each verb needs it, and its running agent, asked on the admin socket. Main
// thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/commands.h"
#include "config/loaded.h"

namespace tributary::cli {

// Verbs that open no connection need no secret: they work where those cannot be read, as by hand
// beside a service that has them from systemd.
enum class Secrets { spared, needed };

[[nodiscard]] Result<config::Loaded> load(const Common& common, Secrets secrets = Secrets::spared);

// GET or POST on the running agent: errors of admin/client.h.
[[nodiscard]] Result<std::string> request(const config::Loaded& loaded,
                                          std::string_view method,
                                          const std::string& target);

}  // namespace tributary::cli
