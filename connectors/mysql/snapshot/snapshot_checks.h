// Which tables a snapshot takes, whether the account may read them, and what it costs: for the
// start of one and for `tributary check`. Threads: any; a session belongs to its thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/options.h"
#include "connectors/mysql/server/catalogue_port.h"
#include "connectors/mysql/server/server_checks.h"
#include "connectors/mysql/server/sql.h"
#include "core/snapshot/chunk_port.h"
#include "model/table_filter.h"
#include "ports/check.h"

namespace tributary::mysql {

struct SelectedTable {
    core::snapshot::TableName name;
    bool readable = true;
    // By primary key, or unique index of whole columns, no NULLs; in the order of comparisons.
    bool keyed = true;
    std::uint64_t bytes_about = 0;                 // the server's estimate
    std::vector<CatalogueColumn> old_fractions{};  // has_old_fractions(): its columns
};

struct Selection {
    std::vector<SelectedTable> tables{};  // that the account may see, by name
    bool blind = false;  // it sees no database at all: a server tells nobody of what he may not use
    bool key_chosen = true;  // tables.key_columns names a column of them, or is empty
};
[[nodiscard]] Result<Selection> selected_tables(SqlSession& sql, const TableFilter& filter);

// Whether tables.key_columns names a column of a selected table.
[[nodiscard]] Result<bool> chooses_a_key(SqlSession& sql,
                                         const Selection& selection,
                                         const TableFilter& filter);

// The tables of a run. kSourceSettings: a column of MariaDB 5.3. kSourceRights: one cannot be read,
// or none can be seen; it says what mends that.
[[nodiscard]] Result<std::vector<core::snapshot::RunTable>> snapshot_tables(
    const Selection& selection, const std::string& user);

// The table of a request, "database.table". kSnapshotRefused: there is none that is selected;
// kSourceRights.
[[nodiscard]] Result<core::snapshot::TableName> find_snapshot_table(SqlSession& sql,
                                                                    const TableFilter& filter,
                                                                    const std::string& name,
                                                                    const std::string& user);
// That the server takes it. kSnapshotRefused.
[[nodiscard]] Result<void> verify_condition(SqlSession& sql,
                                            const core::snapshot::TableName& table,
                                            const std::string& where);

// Without GTIDs the server must be asked in another way what is seen. kSourceRights.
[[nodiscard]] Result<void> verify_snapshot(const ServerFacts& facts, bool by_gtid);

// What `tributary check` says of them: in any mode, and of a snapshot. Pure.
[[nodiscard]] std::vector<Finding> judge_tables(const Selection& selection,
                                                const ServerFacts& facts,
                                                const Options& options);
[[nodiscard]] std::vector<Finding> judge_snapshot(const Selection& selection,
                                                  const ServerFacts& facts,
                                                  const Options& options);

}  // namespace tributary::mysql
