// What the source database must be like: read it (I/O), then judge it (pure). The same facts decide
// whether open() goes on and what `tributary check` prints.
// Why here: a setting that is wrong must be named with the statement that mends it, not found out
// by a stream that stalls or loses. Threads: any; a Session belongs to its thread. Spec: PostgreSQL
// 15 manual, 54.19 pg_replication_slots, 53.40 pg_publication, 20.6 Replication settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/options.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/server/history.h"
#include "connectors/postgresql/server/table_name.h"
#include "model/table_filter.h"
#include "ports/check.h"

namespace tributary::postgresql {

struct RoleFacts {
    std::string name;
    bool superuser = false;
    bool replication = false;  // the attribute, or a managed service's role that stands for it
    bool create_db = false;
    bool create_role = false;
    bool bypass_rls = false;
    bool may_create = true;  // a publication in this database
};

struct SlotFacts {
    std::string plugin;
    std::string type;  // logical, physical
    std::string database;
    bool active = false;
    std::int64_t active_pid = 0;
    std::optional<Lsn> confirmed_flush;
    std::string wal_status;  // reserved, extended, unreserved, lost
    std::int64_t safe_wal_bytes = -1;
    std::string invalidation;  // why it is lost, where the server says so (17); or empty
    bool failover = false;     // a standby keeps a copy of it (17)
};

struct PublicationFacts {
    bool all_tables = false;
    bool inserts = false;
    bool updates = false;
    bool deletes = false;
    bool truncates = false;
    bool via_root = false;
};

struct ColumnFacts {
    std::string name;
    bool in_old_rows = true;  // by the replica identity; true too where there are no old rows
    bool in_key = false;      // the primary key, or the index of the replica identity
};

// What the server refuses to everybody because of how the table is published.
struct RefusedChanges {
    enum class Why : std::uint8_t { column_list, row_filter, generated_column };
    Why why = Why::column_list;
    std::string part{};     // the partition whose rows they are, as SQL; empty: the table itself
    std::string columns{};  // of the replica identity and not of the list, or of the filter alone
    bool full = false;      // REPLICA IDENTITY FULL
    std::string listed{};   // the column list, as SQL, with `columns` if it lacks them; or empty
    std::string filter{};   // the row filter, as SQL; or empty
};

struct TableFacts {
    std::string schema;
    std::string table;
    bool partitioned = false;
    bool partition = false;
    bool published = false;
    bool primary_key = false;
    char replica_identity = 'd';  // d default, n nothing, f full, i index
    bool row_filter = false;
    bool readable = true;                          // SELECT on the whole table
    bool owned = true;                             // by the role, or one that it has the rights of
    bool parts_published = false;                  // of a partitioned one, under their own names
    bool row_security = false;                     // policies hold for it without BYPASSRLS
    std::optional<std::uint64_t> rows_estimate{};  // of the last ANALYZE or VACUUM
    // Schemas of the key's types that the role may not use, quoted; empty: none.
    std::string hidden_schemas{};
    std::vector<ColumnFacts> columns{};      // read_columns()
    std::vector<RefusedChanges> refusals{};  // read_refusals()
    // A column of the key whose type is not mapped, "id of type xid8"; empty: none.
    // read_uncarried_keys().
    std::string uncarried_key{};
};

// "schema"."table", as SQL takes it.
[[nodiscard]] std::string sql_name_of(const TableFacts& table);

struct ServerFacts {
    int version = 0;  // 150004
    std::string wal_level;
    bool in_recovery = false;
    std::int64_t max_slot_wal_keep_bytes = -1;  // -1: no bound
    std::int64_t wal_sender_timeout_ms = 60000;
    // "0" and empty before 18 and 17: the servers without these settings do neither.
    std::string idle_slot_timeout = "0";
    std::string synchronized_standby_slots;
    std::int64_t max_replication_slots = 0;
    std::int64_t replication_slots = 0;
    std::int64_t max_wal_senders = 0;
    std::string database;
    RoleFacts role;
    std::optional<SlotFacts> slot;
    std::optional<PublicationFacts> publication;
    std::vector<TableFacts> tables;  // permanent ones outside the system's schemas
};

[[nodiscard]] Result<ServerFacts> read_facts(Session& sql, const Options& options);
// Of every table, where the options name columns: for judge() alone, because a pipeline that runs
// learns them from its Relations.
[[nodiscard]] Result<void> read_columns(Session& sql, const Options& options, ServerFacts& facts);
[[nodiscard]] Result<std::optional<SlotFacts>> read_slot(Session& sql, const Options& options);
[[nodiscard]] Result<SystemFacts> identify_system(Session& replication);

// kSourceSettings: version outside 13..18, wal_level, standby before 16.
[[nodiscard]] Result<void> verify_settings(const ServerFacts& facts);

// kPublicationMissing, kPublicationUnsuitable. `fresh`: a new pipeline, for which every table that
// is asked for by name or expression must be published; later a published one per expression is
// enough.
[[nodiscard]] Result<void> verify_publication(const ServerFacts& facts,
                                              const Options& options,
                                              const TableFilter& filter,
                                              bool fresh);
// Tables that the filter selects, "schema.table": those that the publication sends, or those that
// it does not.
[[nodiscard]] std::vector<std::string> selected_tables(const ServerFacts& facts,
                                                       const TableFilter& filter,
                                                       bool published);

// `resume`: needed_from(), where the pipeline goes on; nullopt for a new one. kSlotForeign,
// kSlotInUse, kSlotLost, kSourceGap.
[[nodiscard]] Result<void> verify_slot(const SlotFacts& slot,
                                       const Options& options,
                                       std::optional<Lsn> resume);

// The tables whose rows a snapshot takes: those whose events the stream has, under their own names.
// kSourceRights naming the ones that may not be read, with the statement that mends it.
[[nodiscard]] Result<std::vector<RunTable>> snapshot_tables(const ServerFacts& facts,
                                                            const TableFilter& filter);

struct SnapshotChoice {
    TableName name;
    std::optional<std::uint64_t> rows_estimate{};
};
// The table that an operator calls `name` ("schema.table"). kSnapshotRefused: the stream has no
// events under this name; kSourceRights.
[[nodiscard]] Result<SnapshotChoice> find_snapshot_table(const ServerFacts& facts,
                                                         const TableFilter& filter,
                                                         const std::string& name);

// CREATE PUBLICATION for the tables that the options select. kPublicationUnsuitable when there is
// none, kSourceSettings on a standby, with the statement for its primary.
[[nodiscard]] Result<std::string> create_publication_sql(const ServerFacts& facts,
                                                         const Options& options,
                                                         const TableFilter& filter);

// Everything `tributary check` has to say about these facts. Pure.
[[nodiscard]] std::vector<Finding> judge(const ServerFacts& facts,
                                         const Options& options,
                                         const TableFilter& filter);

}  // namespace tributary::postgresql
