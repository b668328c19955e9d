// Captured TABLE_MAP and rows events as the change events that they give, one a line.
#pragma once

#include <string>

#include "connectors/mysql/server_kind.h"

namespace tributary::mysql::test {

// `rows`: lines as rows_of_binlog.py prints them. An error is a line of its own.
[[nodiscard]] std::string rows_text(const std::string& rows, ServerKind kind);

}  // namespace tributary::mysql::test
