// What a publication makes the server refuse to everybody who writes: an UPDATE or DELETE whose old
// row cannot be sent as the publication wants it. Read it (I/O), then judge it (pure); for
// `tributary check` alone, because a pipeline that runs is not hurt. Threads: as server_checks.h.
// Spec: PostgreSQL 15 manual, 31.3 Row Filters, 31.4 Column Lists, CREATE PUBLICATION; 18,
// publish_generated_columns.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/server/server_checks.h"
#include "ports/check.h"

namespace tributary::postgresql {

// Fills TableFacts::refusals of published tables.
[[nodiscard]] Result<void> read_refusals(Session& sql, const Options& options, ServerFacts& facts);

[[nodiscard]] std::vector<Finding> judge_refusals(const TableFacts& table,
                                                  const PublicationFacts& publication,
                                                  const Options& options);

}  // namespace tributary::postgresql
