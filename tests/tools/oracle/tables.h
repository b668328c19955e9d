// The other side of the comparison: what the published tables of a PostgreSQL database hold now,
// column by column as canonical text. Threads: one per object's connection.
#pragma once

#include <string>
#include <vector>

#include "tests/servers/sql.h"
#include "tests/tools/oracle/canonical.h"
#include "tests/tools/oracle/materialise.h"

namespace tributary::oracle {

struct SourceTable {
    std::string schema;
    std::string name;
    std::vector<Column> columns;  // without generated ones: pgoutput does not send them
    std::vector<CanonicalRow> rows;
};

// All tables of `publication` (empty: of every publication), read in one repeatable-read snapshot.
// Throws servers::ServerFailure.
[[nodiscard]] std::vector<SourceTable> read_tables(servers::SqlConnection& connection,
                                                   const std::string& publication);

}  // namespace tributary::oracle
