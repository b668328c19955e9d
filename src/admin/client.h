// The command's side of the admin API.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tributary::admin {

// One request over the unix socket `socket_path` ("/run/tributary/admin.sock", also with "unix:"
// before it), at most 10 s. The body of a 2xx answer. kAdminUnavailable: nobody answers there;
// kAdminDenied: this user may not ask there; kArgumentInvalid: the agent does not take what was
// asked; otherwise the error that the agent named.
[[nodiscard]] Result<std::string> request(std::string_view socket_path,
                                          std::string_view method,
                                          std::string_view target);

// As a value in a target's query: whatever is not a letter, a digit or one of -._ becomes %XX.
[[nodiscard]] std::string escape(std::string_view value);

}  // namespace tributary::admin
