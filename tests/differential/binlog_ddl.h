// DDL of MySQL and MariaDB whose schema change records both sides must agree on, in database `ddl`;
// for a session that has no table of that database open. Pure.
#pragma once

#include <string>
#include <vector>

namespace tributary::differential {

// Rounds of statements, to be quiesced after each: what the agent says of a table comes from the
// catalogue, so that a round names each table once. Those of `ddl.hurried` are on purpose another
// way.
[[nodiscard]] std::vector<std::vector<std::string>> binlog_ddl(bool mysql);

}  // namespace tributary::differential
