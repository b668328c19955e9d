// Rows that a foreign key changes (ON DELETE, ON UPDATE). InnoDB changes them below the binary log,
// so that nobody can follow them: `tributary check` names such tables. MySQL 9.6 and later changes
// them above it. Why SHOW CREATE TABLE: information_schema tells of constraints only to accounts
// that may write. MySQL 9 manual, innodb_native_foreign_keys. Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/server/server_checks.h"
#include "connectors/mysql/snapshot/snapshot_checks.h"

namespace tributary::mysql {

// Whether a table of this SHOW CREATE TABLE has such a foreign key. Pure.
[[nodiscard]] bool cascades(std::string_view create_table);

// Those of `selection` that have one, "schema.table"; what cannot be looked at is left out.
[[nodiscard]] std::vector<std::string> cascading_tables(SqlSession& sql,
                                                        const Selection& selection);

// What `tributary check` says of them. Pure.
[[nodiscard]] std::vector<Finding> judge_cascades(const std::vector<std::string>& tables,
                                                  const ServerFacts& facts);

}  // namespace tributary::mysql
