// Names and texts inside SQL, with standard_conforming_strings on. Pure; any thread. PostgreSQL 15
// manual 4.1.1, 4.1.2.1.
#pragma once

#include <string>
#include <string_view>

namespace tributary::postgresql {

[[nodiscard]] std::string quote_identifier(std::string_view text);
[[nodiscard]] std::string quote_literal(std::string_view text);

}  // namespace tributary::postgresql
