#include "connectors/postgresql/server/server_checks.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "connectors/postgresql/server/publication_checks.h"
#include "model/errors.h"
#include "model/name_pattern.h"

namespace tributary::postgresql {
namespace {

constexpr std::chrono::seconds kLimit{15};
constexpr int kOldestMajor = 13;
constexpr int kNewestMajor = 18;
// A standby can decode since 16.
constexpr int kStandbyDecoding = 160000;
constexpr int kFailoverSlots = 170000;

constexpr const char* kServerSql = R"(SELECT current_setting('wal_level'),
    pg_is_in_recovery(),
    (SELECT CASE WHEN setting::int8 < 0 THEN -1 ELSE setting::int8 * 1048576 END
       FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
    (SELECT setting::int8 FROM pg_settings WHERE name = 'wal_sender_timeout'),
    current_setting('max_replication_slots')::int8,
    (SELECT count(*) FROM pg_replication_slots),
    current_setting('max_wal_senders')::int8,
    current_database(),
    r.rolname, r.rolsuper,
    r.rolreplication OR EXISTS (SELECT FROM pg_roles m
        WHERE m.rolname IN ('rds_replication', 'rds_superuser')
          AND pg_has_role(r.oid, m.oid, 'USAGE')),
    r.rolcreatedb, r.rolcreaterole, r.rolbypassrls,
    coalesce(current_setting('idle_replication_slot_timeout', true), '0'),
    coalesce(current_setting('synchronized_standby_slots', true), ''),
    has_database_privilege(current_database(), 'CREATE')
FROM pg_roles r WHERE r.rolname = current_user)";

// to_jsonb() asks for columns that only newer servers have.
constexpr const char* kSlotSql = R"(SELECT plugin, slot_type, database, active, active_pid,
    confirmed_flush_lsn, wal_status, coalesce(safe_wal_size, -1),
    coalesce(to_jsonb(s) ->> 'invalidation_reason', ''),
    coalesce((to_jsonb(s) ->> 'failover')::bool, false)
FROM pg_replication_slots s WHERE slot_name = $1)";

constexpr const char* kPublicationSql = R"(SELECT puballtables, pubinsert, pubupdate, pubdelete,
    pubtruncate, pubviaroot FROM pg_publication WHERE pubname = $1)";

// The row filter has a column of its own since 15; to_jsonb() asks for it without naming it. A
// table without columns holds nothing that could be missing.
constexpr const char* kTablesSql =
    R"(WITH published AS MATERIALIZED (SELECT * FROM pg_publication_tables WHERE pubname = $1)
SELECT n.nspname, c.relname, c.relkind = 'p', c.relispartition,
    p.tablename IS NOT NULL,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary),
    c.relreplident,
    coalesce(to_jsonb(p) ->> 'rowfilter', '') <> '',
    has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'),
    CASE WHEN c.reltuples > 0 THEN c.reltuples::int8 END,
    (WITH RECURSIVE types(oid, base) AS (
        SELECT t.oid, t.typbasetype
        FROM (SELECT * FROM pg_index i WHERE i.indrelid = c.oid
                  AND (i.indisprimary OR i.indisreplident)
              ORDER BY i.indisprimary DESC LIMIT 1) of_key
        JOIN pg_attribute a ON a.attrelid = c.oid
            AND a.attnum = ANY ((of_key.indkey::int2[])[0:of_key.indnkeyatts - 1])
        JOIN pg_type t ON t.oid = a.atttypid
        UNION
        SELECT t.oid, t.typbasetype FROM types d JOIN pg_type t ON t.oid = d.base)
     SELECT string_agg(DISTINCT quote_ident(s.nspname), ', ')
     FROM types JOIN pg_type t ON t.oid = types.oid JOIN pg_namespace s ON s.oid = t.typnamespace
     WHERE types.base = 0 AND NOT has_schema_privilege(s.oid, 'USAGE')),
    pg_has_role(c.relowner, 'USAGE'),
    c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE')),
    c.relkind = 'p' AND EXISTS (SELECT FROM pg_partition_tree(c.oid) part
        JOIN pg_class leaf ON leaf.oid = part.relid
        JOIN pg_namespace s ON s.oid = leaf.relnamespace
        JOIN published ON published.schemaname = s.nspname AND published.tablename = leaf.relname
        WHERE part.isleaf)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN published p ON p.schemaname = n.nspname AND p.tablename = c.relname
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND EXISTS (SELECT FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
ORDER BY 1, 2)";

// With the index of the replica identity, where it is one. A partition's old rows are as its own
// identity has them, whatever its root's is.
constexpr const char* kColumnsSql = R"(SELECT n.nspname, c.relname, a.attname,
    CASE c.relreplident
        WHEN 'n' THEN true
        WHEN 'f' THEN NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) p
            JOIN pg_class leaf ON leaf.oid = p.relid WHERE p.isleaf AND leaf.relreplident <> 'f')
        ELSE i.indrelid IS NULL OR a.attnum = ANY (i.indkey)
    END,
    EXISTS (SELECT FROM (SELECT k.indkey::int2[] AS places, k.indnkeyatts AS count
            FROM pg_index k WHERE k.indrelid = c.oid AND (k.indisprimary OR k.indisreplident)
            ORDER BY k.indisprimary DESC LIMIT 1) of_key
        WHERE a.attnum = ANY (of_key.places[0:of_key.count - 1]))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid
    AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 1, 2, a.attnum)";

std::string text_at(const Rows& rows, int column) {
    return std::string(rows.at(0, column));
}

std::string name_of(const TableFacts& table) {
    return table.schema + "." + table.table;
}

std::string joined(const std::vector<std::string>& texts, std::size_t max = 10) {
    std::string out;
    for (std::size_t index = 0; index < texts.size() && index < max; ++index) {
        out += (index == 0 ? "" : ", ") + texts[index];
    }
    if (texts.size() > max) {
        out += " and " + std::to_string(texts.size() - max) + " more";
    }
    return out;
}

std::string quoted_config(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

// Whether events of this table come under its own name: a partition's come under the root's when
// the publication says so, and a partitioned table itself has none otherwise.
bool speaks_for_itself(const TableFacts& table, bool via_root) {
    return via_root ? !table.partition : !table.partitioned;
}

// Nothing tells its rows apart.
bool is_keyless(const TableFacts& table) {
    return !table.primary_key && table.replica_identity != 'i';
}

bool expected(const TableFacts& table, const ServerFacts& facts, const TableFilter& filter) {
    const bool via_root = facts.publication && facts.publication->via_root;
    return speaks_for_itself(table, via_root) && filter.table_selected(table.schema, table.table);
}

std::string missing_operations(const PublicationFacts& publication) {
    std::vector<std::string> missing;
    const auto need = [&missing](bool there, const char* name) {
        if (!there) {
            missing.emplace_back(name);
        }
    };
    need(publication.inserts, "insert");
    need(publication.updates, "update");
    need(publication.deletes, "delete");
    need(publication.truncates, "truncate");
    return joined(missing);
}

// An `include` expression that no published table matches. A publication of all tables also has
// those that are created later.
std::optional<std::string> include_without_table(const ServerFacts& facts, const Options& options) {
    if (facts.publication && facts.publication->all_tables) {
        return std::nullopt;
    }
    for (const std::string& include : options.tables.include) {
        const auto expression = NamePattern::compile(include);
        const bool published =
            expression &&
            std::any_of(
                facts.tables.begin(), facts.tables.end(), [&expression](const TableFacts& table) {
                    return table.published && expression.value().matches(name_of(table));
                });
        if (!published) {
            return include;
        }
    }
    return std::nullopt;
}

std::string alter_publication_sql(const ServerFacts& facts,
                                  const Options& options,
                                  const TableFilter& filter) {
    std::vector<std::string> tables;
    for (const TableFacts& table : facts.tables) {
        if (expected(table, facts, filter) && !table.published) {
            tables.push_back(sql_name_of(table));
        }
    }
    return "ALTER PUBLICATION " + quote_identifier(options.publication) + " ADD TABLE " +
           joined(tables, tables.size()) + ";";
}

Error unreadable(const ServerFacts& facts, const std::string& names, const std::string& sql_names) {
    return {errors::kSourceRights,
            "a snapshot must read " + names + ", which role \"" + facts.role.name +
                "\" may not: GRANT SELECT ON " + sql_names + " TO " +
                quote_identifier(facts.role.name) + "; (and USAGE on the schema)"};
}

// PostgreSQL 15 manual, 5.8: reading such a table with row_security off is an error.
bool hides_rows(const ServerFacts& facts, const TableFacts& table) {
    return table.row_security && !facts.role.bypass_rls && !facts.role.superuser;
}

std::string bypass_sql(const ServerFacts& facts) {
    return "ALTER ROLE " + quote_identifier(facts.role.name) + " BYPASSRLS;";
}

Error hidden_rows(const ServerFacts& facts, const std::string& names) {
    return {errors::kSourceRights,
            "a snapshot must read all rows of " + names +
                ", of which row security hides some "
                "from role \"" +
                facts.role.name + "\": " + bypass_sql(facts)};
}

Error unusable_key(const ServerFacts& facts, const TableFacts& table) {
    return {errors::kSourceRights,
            "a snapshot must compare the keys of " + name_of(table) +
                ", whose type is in a schema that role \"" + facts.role.name +
                "\" may not use: GRANT USAGE ON SCHEMA " + table.hidden_schemas + " TO " +
                quote_identifier(facts.role.name) + ";"};
}

// CREATE PUBLICATION without a look at what the server is.
Result<std::string> new_publication_sql(const ServerFacts& facts,
                                        const Options& options,
                                        const TableFilter& filter) {
    const std::string head = "CREATE PUBLICATION " + quote_identifier(options.publication);
    if (options.tables.include.empty()) {
        return head + " FOR ALL TABLES";
    }
    std::vector<std::string> tables;
    for (const TableFacts& table : facts.tables) {
        // A partition comes with its root when that is selected too; naming it twice does no harm.
        if (expected(table, facts, filter)) {
            tables.push_back(sql_name_of(table));
        }
    }
    if (tables.empty()) {
        return Error(errors::kPublicationUnsuitable,
                     "no table of database " + quoted_config(facts.database) +
                         " is selected by tables.include");
    }
    return head + " FOR TABLE " + joined(tables, tables.size());
}

}  // namespace

std::string sql_name_of(const TableFacts& table) {
    return quote_identifier(table.schema) + "." + quote_identifier(table.table);
}

Result<std::optional<SlotFacts>> read_slot(Session& sql, const Options& options) {
    TRIBUTARY_TRY(rows, sql.query(kSlotSql, kLimit, {options.slot}));
    if (rows.count() == 0) {
        return std::optional<SlotFacts>();
    }
    SlotFacts slot;
    slot.plugin = text_at(rows, 0);
    slot.type = text_at(rows, 1);
    slot.database = text_at(rows, 2);
    slot.active = rows.boolean(0, 3);
    slot.active_pid = rows.integer(0, 4);
    slot.confirmed_flush = parse_lsn(rows.at(0, 5));
    slot.wal_status = text_at(rows, 6);
    slot.safe_wal_bytes = rows.integer(0, 7);
    slot.invalidation = text_at(rows, 8);
    slot.failover = rows.boolean(0, 9);
    return std::optional(std::move(slot));
}

Result<ServerFacts> read_facts(Session& sql, const Options& options) {
    ServerFacts facts;
    facts.version = sql.server_version();
    TRIBUTARY_TRY(server, sql.query(kServerSql, kLimit));
    if (server.count() != 1) {
        return Error(errors::kSourceUnreachable, "the server does not know its own settings");
    }
    facts.wal_level = text_at(server, 0);
    facts.in_recovery = server.boolean(0, 1);
    facts.max_slot_wal_keep_bytes = server.null(0, 2) ? -1 : server.integer(0, 2);
    facts.wal_sender_timeout_ms = server.integer(0, 3);
    facts.max_replication_slots = server.integer(0, 4);
    facts.replication_slots = server.integer(0, 5);
    facts.max_wal_senders = server.integer(0, 6);
    facts.database = text_at(server, 7);
    facts.role.name = text_at(server, 8);
    facts.role.superuser = server.boolean(0, 9);
    facts.role.replication = server.boolean(0, 10);
    facts.role.create_db = server.boolean(0, 11);
    facts.role.create_role = server.boolean(0, 12);
    facts.role.bypass_rls = server.boolean(0, 13);
    facts.idle_slot_timeout = text_at(server, 14);
    facts.synchronized_standby_slots = text_at(server, 15);
    facts.role.may_create = server.boolean(0, 16);

    TRIBUTARY_TRY(slot, read_slot(sql, options));
    facts.slot = std::move(slot);

    TRIBUTARY_TRY(publication, sql.query(kPublicationSql, kLimit, {options.publication}));
    if (publication.count() == 1) {
        facts.publication = PublicationFacts{.all_tables = publication.boolean(0, 0),
                                             .inserts = publication.boolean(0, 1),
                                             .updates = publication.boolean(0, 2),
                                             .deletes = publication.boolean(0, 3),
                                             .truncates = publication.boolean(0, 4),
                                             .via_root = publication.boolean(0, 5)};
    }

    TRIBUTARY_TRY(tables, sql.query(kTablesSql, kLimit, {options.publication}));
    for (int row = 0; row < tables.count(); ++row) {
        TableFacts& table = facts.tables.emplace_back();
        table.schema = std::string(tables.at(row, 0));
        table.table = std::string(tables.at(row, 1));
        table.partitioned = tables.boolean(row, 2);
        table.partition = tables.boolean(row, 3);
        table.published = tables.boolean(row, 4);
        table.primary_key = tables.boolean(row, 5);
        table.replica_identity = tables.at(row, 6).empty() ? 'd' : tables.at(row, 6).front();
        table.row_filter = tables.boolean(row, 7);
        table.readable = tables.boolean(row, 8);
        if (!tables.null(row, 9)) {
            table.rows_estimate = static_cast<std::uint64_t>(tables.integer(row, 9));
        }
        table.hidden_schemas = std::string(tables.null(row, 10) ? "" : tables.at(row, 10));
        table.owned = tables.boolean(row, 11);
        table.row_security = tables.boolean(row, 12);
        table.parts_published = tables.boolean(row, 13);
    }
    return facts;
}

Result<void> read_columns(Session& sql, const Options& options, ServerFacts& facts) {
    if (options.tables.key_columns.empty() && options.tables.exclude_columns.empty()) {
        return success();
    }
    std::map<std::pair<std::string_view, std::string_view>, TableFacts*> by_name;
    for (TableFacts& table : facts.tables) {
        by_name.emplace(std::pair(std::string_view(table.schema), std::string_view(table.table)),
                        &table);
    }
    TRIBUTARY_TRY(columns, sql.query(kColumnsSql, kLimit));
    for (int row = 0; row < columns.count(); ++row) {
        if (const auto table = by_name.find({columns.at(row, 0), columns.at(row, 1)});
            table != by_name.end()) {
            table->second->columns.push_back({std::string(columns.at(row, 2)),
                                              columns.boolean(row, 3),
                                              columns.boolean(row, 4)});
        }
    }
    return success();
}

Result<SystemFacts> identify_system(Session& replication) {
    TRIBUTARY_TRY(rows, replication.query("IDENTIFY_SYSTEM", kLimit));
    const auto flushed = rows.count() == 1 ? parse_lsn(rows.at(0, 2)) : std::nullopt;
    if (!flushed) {
        return Error(errors::kProtocolViolation, "IDENTIFY_SYSTEM gave no position");
    }
    SystemFacts system;
    system.system_id = text_at(rows, 0);
    system.timeline = static_cast<std::uint32_t>(rows.integer(0, 1));
    system.flushed = *flushed;
    return system;
}

Result<void> verify_settings(const ServerFacts& facts) {
    const int major = facts.version / 10000;
    if (major < kOldestMajor || major > kNewestMajor) {
        return Error(errors::kSourceSettings,
                     "PostgreSQL " + std::to_string(major) + " is not supported: 13 to 18 are");
    }
    if (facts.wal_level != "logical") {
        return Error(errors::kSourceSettings,
                     "wal_level is " + facts.wal_level +
                         ": run ALTER SYSTEM SET wal_level = 'logical'; and restart the server");
    }
    if (facts.in_recovery && facts.version < kStandbyDecoding) {
        return Error(
            errors::kSourceSettings,
            "the server is a standby; before PostgreSQL 16 only a primary can be followed");
    }
    return success();
}

std::vector<std::string> selected_tables(const ServerFacts& facts,
                                         const TableFilter& filter,
                                         bool published) {
    std::vector<std::string> names;
    for (const TableFacts& table : facts.tables) {
        if (table.published == published && expected(table, facts, filter)) {
            names.push_back(name_of(table));
        }
    }
    return names;
}

Result<SnapshotChoice> find_snapshot_table(const ServerFacts& facts,
                                           const TableFilter& filter,
                                           const std::string& name) {
    const auto found =
        std::find_if(facts.tables.begin(), facts.tables.end(), [&](const TableFacts& table) {
            return name_of(table) == name;
        });
    const auto refuse = [&name](const char* why) {
        return Error(errors::kSnapshotRefused, "table \"" + name + "\" " + why);
    };
    if (found == facts.tables.end()) {
        return refuse("does not exist; the name is written as schema.table");
    }
    if (!filter.table_selected(found->schema, found->table)) {
        return refuse("is not selected by `tables`");
    }
    const bool via_root = facts.publication && facts.publication->via_root;
    if (!speaks_for_itself(*found, via_root)) {
        return refuse(via_root ? "is a partition, whose rows come under its root's name"
                               : "is partitioned, and its rows come under its partitions' names");
    }
    if (!found->published) {
        return refuse("is not in the publication");
    }
    if (!found->readable) {
        return unreadable(facts, name, sql_name_of(*found));
    }
    if (hides_rows(facts, *found)) {
        return hidden_rows(facts, name);
    }
    if (!found->hidden_schemas.empty()) {
        return unusable_key(facts, *found);
    }
    return SnapshotChoice{{found->schema, found->table}, found->rows_estimate};
}

Result<std::vector<RunTable>> snapshot_tables(const ServerFacts& facts, const TableFilter& filter) {
    std::vector<RunTable> tables;
    std::vector<std::string> hidden;
    std::vector<std::string> secured;
    std::string grant;
    const TableFacts* unusable = nullptr;
    for (const TableFacts& table : facts.tables) {
        if (!table.published || !expected(table, facts, filter)) {
            continue;
        }
        tables.push_back({{table.schema, table.table}, is_keyless(table)});
        if (!table.readable) {
            hidden.push_back(name_of(table));
            grant += (grant.empty() ? "" : ", ") + sql_name_of(table);
        }
        if (hides_rows(facts, table)) {
            secured.push_back(name_of(table));
        }
        if (!table.hidden_schemas.empty()) {
            unusable = &table;
        }
    }
    if (!hidden.empty()) {
        return unreadable(facts, joined(hidden), grant);
    }
    if (!secured.empty()) {
        return hidden_rows(facts, joined(secured));
    }
    if (unusable != nullptr) {
        return unusable_key(facts, *unusable);
    }
    return tables;
}

Result<void> verify_publication(const ServerFacts& facts,
                                const Options& options,
                                const TableFilter& filter,
                                bool fresh) {
    const std::string name = "publication " + quoted_config(options.publication);
    if (!facts.publication) {
        return Error(errors::kPublicationMissing,
                     name + " does not exist in database " + quoted_config(facts.database));
    }
    if (const std::string missing = missing_operations(*facts.publication); !missing.empty()) {
        return Error(errors::kPublicationUnsuitable, name + " does not publish " + missing);
    }
    if (options.tables.include.empty()) {
        return success();
    }
    const std::vector<std::string> unpublished = selected_tables(facts, filter, false);
    if (fresh && !unpublished.empty()) {
        return Error(
            errors::kPublicationUnsuitable,
            name + " does not contain " + joined(unpublished) + ", which tables.include selects");
    }
    if (const auto include = include_without_table(facts, options)) {
        return Error(errors::kPublicationUnsuitable,
                     name + " contains no table that tables.include " + quoted_config(*include) +
                         " selects");
    }
    return success();
}

Result<void> verify_slot(const SlotFacts& slot, const Options& options, std::optional<Lsn> resume) {
    const std::string name = "slot " + quoted_config(options.slot);
    if (slot.type != "logical" || slot.plugin != "pgoutput") {
        return Error(errors::kSlotForeign,
                     name + " is " + slot.type +
                         (slot.plugin.empty() ? "" : " for " + slot.plugin) +
                         ", not logical for pgoutput");
    }
    if (slot.database != options.connection.dbname) {
        return Error(errors::kSlotForeign,
                     name + " belongs to database " + quoted_config(slot.database));
    }
    if (slot.wal_status == "lost") {
        return Error(errors::kSlotLost,
                     name + " has lost WAL that it needed (wal_status lost" +
                         (slot.invalidation.empty() ? "" : ", " + slot.invalidation) + ")");
    }
    if (slot.active) {
        return Error(
            errors::kSlotInUse,
            name + " is in use by process " + std::to_string(slot.active_pid) + " of the server");
    }
    if (!slot.confirmed_flush) {
        return Error(errors::kSlotInUse, name + " is still being created");
    }
    if (resume && *slot.confirmed_flush > *resume) {
        return Error(errors::kSourceGap,
                     name + " is at " + to_string(*slot.confirmed_flush) +
                         ", ahead of our position " + to_string(*resume));
    }
    return success();
}

Result<std::string> create_publication_sql(const ServerFacts& facts,
                                           const Options& options,
                                           const TableFilter& filter) {
    TRIBUTARY_TRY(statement, new_publication_sql(facts, options, filter));
    if (facts.in_recovery) {
        return Error(errors::kSourceSettings,
                     "publication " + quoted_config(options.publication) +
                         " does not exist, and a standby cannot create it: run " + statement +
                         "; on its primary");
    }
    return statement;
}

namespace {

class Judge {
  public:
    Judge(const ServerFacts& facts, const Options& options, const TableFilter& filter)
        : facts_(facts), options_(options), filter_(filter) {}

    std::vector<Finding> all() {
        settings();
        bounds();
        role();
        publication();
        tables();
        slot();
        failover();
        return std::move(findings_);
    }

  private:
    void ok(std::string subject, std::string what) {
        findings_.push_back({Severity::ok, std::move(subject), std::move(what), ""});
    }
    void warn(std::string subject, std::string what, std::string remedy) {
        findings_.push_back(
            {Severity::warning, std::move(subject), std::move(what), std::move(remedy)});
    }
    void error(std::string subject, std::string what, std::string remedy) {
        findings_.push_back(
            {Severity::error, std::move(subject), std::move(what), std::move(remedy)});
    }

    void settings() {
        const std::string version = "PostgreSQL " + std::to_string(facts_.version / 10000) + "." +
                                    std::to_string(facts_.version % 10000);
        const int major = facts_.version / 10000;
        if (major < kOldestMajor || major > kNewestMajor) {
            error("version", version, "use PostgreSQL 13 to 18");
        } else {
            ok("version", version);
        }
        if (facts_.wal_level == "logical") {
            ok("wal_level", "logical");
        } else {
            error("wal_level",
                  facts_.wal_level,
                  "ALTER SYSTEM SET wal_level = 'logical'; then restart the server");
        }
        if (facts_.in_recovery && facts_.version < kStandbyDecoding) {
            error("recovery", "the server is a standby", "connect to the primary");
        }
    }

    void bounds() {
        if (facts_.max_slot_wal_keep_bytes < 0) {
            warn("max_slot_wal_keep_size",
                 "not set: an agent that stays away lets WAL fill the server's disk",
                 "ALTER SYSTEM SET max_slot_wal_keep_size = '16GB'; SELECT pg_reload_conf();");
        } else {
            ok("max_slot_wal_keep_size", std::to_string(facts_.max_slot_wal_keep_bytes) + " bytes");
        }
        if (facts_.wal_sender_timeout_ms == 0) {
            warn("wal_sender_timeout",
                 "0: the server never gives up on an agent that lost its power",
                 "ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();");
        } else {
            ok("wal_sender_timeout", std::to_string(facts_.wal_sender_timeout_ms) + " ms");
        }
        if (facts_.idle_slot_timeout != "0") {
            warn("idle_replication_slot_timeout",
                 facts_.idle_slot_timeout +
                     ": the server gives the slot up when the agent stays away for longer",
                 "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();");
        }
        if (!facts_.slot && facts_.replication_slots >= facts_.max_replication_slots) {
            error("max_replication_slots",
                  "all " + std::to_string(facts_.max_replication_slots) + " slots are taken",
                  "ALTER SYSTEM SET max_replication_slots = " +
                      std::to_string(facts_.max_replication_slots + 5) +
                      "; then restart the server");
        }
    }

    void role() {
        const std::string name = quote_identifier(facts_.role.name);
        if (facts_.role.replication || facts_.role.superuser) {
            ok("right REPLICATION", "role " + facts_.role.name + " may replicate");
        } else {
            error("right REPLICATION",
                  "role " + facts_.role.name + " may not replicate",
                  "ALTER ROLE " + name + " REPLICATION;");
        }
        const auto excess = [this, &name](bool has, const char* right) {
            if (has) {
                warn(std::string("excess right ") + right,
                     "role " + facts_.role.name + " has " + right + " and does not need it",
                     "ALTER ROLE " + name + " NO" + right + ";");
            }
        };
        excess(facts_.role.superuser, "SUPERUSER");
        excess(facts_.role.create_db, "CREATEDB");
        excess(facts_.role.create_role, "CREATEROLE");
        excess(facts_.role.bypass_rls && !bypass_is_needed(), "BYPASSRLS");
    }

    // Whether the agent publishes it itself counts as published.
    bool published(const TableFacts& table) const {
        return table.published || (creates_publication() && expected(table, facts_, filter_));
    }

    // A publication that is made after the slot is not seen by what the slot decodes first.
    bool creates_publication() const {
        return !facts_.publication && options_.create_publication && !facts_.slot;
    }

    bool bypass_is_needed() const {
        return options_.snapshot != SnapshotMode::no_data &&
               std::any_of(
                   facts_.tables.begin(), facts_.tables.end(), [this](const TableFacts& table) {
                       return table.row_security && published(table) &&
                              expected(table, facts_, filter_);
                   });
    }

    // What stops the agent from making the publication is an error, with what mends it.
    void new_publication(const std::string& subject) {
        const auto sql = new_publication_sql(facts_, options_, filter_);
        if (!sql) {
            error(subject, "cannot be created: " + sql.error().what(), "correct tables.include");
            return;
        }
        std::vector<std::string> foreign;
        for (const TableFacts& table : facts_.tables) {
            if (!table.owned && expected(table, facts_, filter_)) {
                foreign.push_back(name_of(table));
            }
        }
        const std::string role = "role " + facts_.role.name;
        if (facts_.in_recovery) {
            error(subject,
                  "does not exist, and a standby cannot create it",
                  sql.value() + "; -- on its primary");
        } else if (options_.tables.include.empty() && !facts_.role.superuser) {
            error(subject,
                  "does not exist, and only a superuser may create one for all tables",
                  sql.value() + "; -- as a superuser; or set tables.include");
        } else if (!options_.tables.include.empty() && !foreign.empty()) {
            error(subject,
                  "does not exist, and " + role + " does not own " + joined(foreign),
                  sql.value() + "; -- as their owner, or as a superuser");
        } else if (!facts_.role.may_create) {
            error(subject,
                  "does not exist, and " + role + " may not create it",
                  "GRANT CREATE ON DATABASE " + quote_identifier(facts_.database) + " TO " +
                      quote_identifier(facts_.role.name) + ";");
        } else {
            ok(subject, "does not exist; the agent creates it when the pipeline is new");
        }
    }

    void publication() {
        const std::string subject = "publication " + options_.publication;
        const std::string name = quote_identifier(options_.publication);
        if (creates_publication()) {
            new_publication(subject);
            return;
        }
        if (!facts_.publication) {
            const auto sql = new_publication_sql(facts_, options_, filter_);
            error(subject,
                  "does not exist",
                  sql ? sql.value() + ";"
                      : "CREATE PUBLICATION " + name + " FOR TABLE ...; -- " + sql.error().what());
            return;
        }
        const std::string missing = missing_operations(*facts_.publication);
        if (!missing.empty()) {
            error(subject,
                  "does not publish " + missing,
                  "ALTER PUBLICATION " + name +
                      " SET (publish = 'insert, update, delete, truncate');");
        }
        const auto unpublished = options_.tables.include.empty()
                                     ? std::vector<std::string>{}
                                     : selected_tables(facts_, filter_, false);
        if (!unpublished.empty()) {
            error(subject,
                  "does not contain " + joined(unpublished) + ", which tables.include selects",
                  alter_publication_sql(facts_, options_, filter_));
        } else if (const std::string roots = unheard_roots(); !roots.empty()) {
            error(subject,
                  "has the events of " + roots +
                      " under its partitions' names, of which tables.include selects none",
                  "ALTER PUBLICATION " + name +
                      " SET (publish_via_partition_root = true); or name the partitions in "
                      "tables.include");
        } else if (const auto include = include_without_table(facts_, options_)) {
            error(subject,
                  "contains no table that tables.include \"" + *include + "\" selects",
                  "ALTER PUBLICATION " + name + " ADD TABLE ...; or correct tables.include");
        } else if (missing.empty()) {
            ok(subject, facts_.publication->all_tables ? "all tables" : "suits");
        }
    }

    // The partitioned tables that an `include` expression means, where it selects nothing that is
    // published under a name of its own.
    std::string unheard_roots() const {
        if (facts_.publication->via_root) {
            return {};
        }
        std::vector<std::string> unheard;
        for (const std::string& include : options_.tables.include) {
            const auto expression = NamePattern::compile(include);
            std::vector<std::string> roots;
            bool heard = false;
            for (const TableFacts& table : facts_.tables) {
                if (!expression || !expression.value().matches(name_of(table))) {
                    continue;
                }
                heard = heard || table.published;
                if (table.parts_published) {
                    roots.push_back(name_of(table));
                }
            }
            if (!heard) {
                unheard.insert(unheard.end(), roots.begin(), roots.end());
            }
        }
        return joined(unheard);
    }

    // Which columns tables.key_columns makes the key of a table.
    bool key_of(const TableFacts& table, const std::string& subject) {
        bool chosen = false;
        for (const ColumnFacts& column : table.columns) {
            if (!filter_.chooses_for_key(table.schema, table.table, column.name)) {
                continue;
            }
            chosen = true;
            if (!column.in_old_rows) {
                error(subject,
                      "has " + column.name +
                          " as its key by tables.key_columns, and old rows come without it: its "
                          "first update or delete stops the pipeline",
                      "ALTER TABLE " + sql_name_of(table) +
                          " REPLICA IDENTITY FULL; of each of its partitions too");
            }
        }
        return chosen;
    }

    void key_is_selected(const TableFacts& table, const std::string& subject) {
        for (const ColumnFacts& column : table.columns) {
            if (column.in_key && !filter_.column_selected(table.schema, table.table, column.name)) {
                error(subject,
                      column.name +
                          " is part of the key, and tables.exclude_columns leaves it out: the "
                          "pipeline stops at the first event of the table",
                      "an expression in tables.exclude_columns that does not match it, or "
                      "tables.exclude for the whole table");
            }
        }
    }

    void tables() {
        bool chosen = options_.tables.key_columns.empty();
        for (const TableFacts& table : facts_.tables) {
            if (!published(table) || !filter_.table_selected(table.schema, table.table)) {
                continue;
            }
            const std::string subject = "table " + name_of(table);
            const bool no_identity = table.replica_identity == 'n' ||
                                     (table.replica_identity == 'd' && !table.primary_key);
            if (no_identity) {
                warn(subject,
                     "has no replica identity: the server refuses UPDATE and DELETE on it while it "
                     "is "
                     "published",
                     "ALTER TABLE " + sql_name_of(table) +
                         " ADD PRIMARY KEY (...); or ALTER TABLE " + sql_name_of(table) +
                         " REPLICA IDENTITY FULL;");
            }
            if (facts_.publication) {
                const auto refused = judge_refusals(table, *facts_.publication, options_);
                findings_.insert(findings_.end(), refused.begin(), refused.end());
            }
            if (!table.uncarried_key.empty()) {
                warn(subject,
                     "its key has " + table.uncarried_key +
                         ", which is not carried, so that its records have no key",
                     "tables.key_columns: other columns that tell its rows apart");
            }
            chosen = key_of(table, subject) || chosen;
            key_is_selected(table, subject);
            snapshot_of(table, subject);
            if (options_.snapshot != SnapshotMode::no_data && !facts_.slot &&
                !table.hidden_schemas.empty()) {
                error(subject,
                      "has a key of a type whose schema the role may not use: a snapshot cannot "
                      "compare its values",
                      "GRANT USAGE ON SCHEMA " + table.hidden_schemas + " TO " +
                          quote_identifier(facts_.role.name) + ";");
            }
            if (options_.snapshot != SnapshotMode::no_data && !facts_.slot && is_keyless(table) &&
                expected(table, facts_, filter_)) {
                warn(subject,
                     "has no key: its snapshot is one transaction, keeps all rows in the local log "
                     "first, and the stream waits while they are read and appended",
                     "ALTER TABLE " + sql_name_of(table) +
                         " ADD PRIMARY KEY (...); or snapshot.mode: no_data");
            }
            if (table.row_filter) {
                warn(subject,
                     "is published with a row filter: rows outside it are not delivered",
                     "ALTER PUBLICATION " + quote_identifier(options_.publication) +
                         " SET TABLE ...; without WHERE, if that is not wanted");
            }
        }
        if (!chosen) {
            warn("tables.key_columns",
                 "names no column of a table that is selected and published: every table keeps its "
                 "own key",
                 "correct it: schema, table and column in full, as they are spelt");
        }
    }

    // A pipeline that has its slot has begun: it needs no more rows unless they are asked for.
    void snapshot_of(const TableFacts& table, const std::string& subject) {
        if (options_.snapshot == SnapshotMode::no_data || !expected(table, facts_, filter_)) {
            return;
        }
        const std::string name = quote_identifier(facts_.role.name);
        if (!table.readable) {
            unreadable_rows(subject,
                            "may not be read",
                            "GRANT SELECT ON " + sql_name_of(table) + " TO " + name +
                                "; GRANT USAGE ON SCHEMA " + quote_identifier(table.schema) +
                                " TO " + name + ";");
        }
        if (hides_rows(facts_, table)) {
            unreadable_rows(subject, "has row security, which hides rows", bypass_sql(facts_));
        }
    }

    void unreadable_rows(const std::string& subject,
                         const std::string& what,
                         const std::string& remedy) {
        if (facts_.slot && options_.snapshot != SnapshotMode::always) {
            warn(subject,
                 what + ": a snapshot, which a new pipeline begins with, could not take its rows",
                 remedy + " or snapshot.mode: no_data");
        } else {
            error(subject,
                  what + ", and snapshot.mode wants its rows",
                  remedy + " or snapshot.mode: no_data, if only changes are wanted");
        }
    }

    void slot() {
        const std::string subject = "slot " + options_.slot;
        if (!facts_.slot) {
            if (options_.create_slot) {
                ok(subject, "does not exist; the agent creates it when the pipeline is new");
            } else {
                error(subject,
                      "does not exist and create_slot is false",
                      "SELECT pg_create_logical_replication_slot(" + quote_literal(options_.slot) +
                          ", 'pgoutput');");
            }
            return;
        }
        const auto verdict = verify_slot(*facts_.slot, options_, std::nullopt);
        if (verdict) {
            ok(subject,
               "confirmed up to " + to_string(*facts_.slot->confirmed_flush) + ", wal_status " +
                   facts_.slot->wal_status);
        } else if (verdict.error().is(errors::kSlotInUse)) {
            warn(subject,
                 verdict.error().what() + "; that is right while the agent runs",
                 "SELECT * FROM pg_stat_replication WHERE pid = " +
                     std::to_string(facts_.slot->active_pid) + "; -- who it is");
        } else {
            error(subject, verdict.error().what(), std::string(verdict.error().kind().next));
        }
    }

    // What a promoted standby needs to go on with the slot.
    void failover() {
        if (!options_.failover_slot) {
            return;
        }
        if (facts_.version < kFailoverSlots) {
            error("failover_slot", "needs PostgreSQL 17 or later", "failover_slot: false");
            return;
        }
        if (facts_.slot && !facts_.slot->failover) {
            warn("failover_slot",
                 "slot " + options_.slot + " was made without it: no standby keeps a copy",
                 "ALTER_REPLICATION_SLOT " + options_.slot +
                     " (FAILOVER true); -- in psql \"dbname=" + facts_.database +
                     " replication=database\", while the agent is stopped");
        }
        if (facts_.synchronized_standby_slots.empty()) {
            warn("synchronized_standby_slots",
                 "empty: the agent may deliver transactions that a promoted standby never had",
                 "ALTER SYSTEM SET synchronized_standby_slots = 'the standby''s physical slot'; "
                 "SELECT pg_reload_conf();");
        } else {
            ok("synchronized_standby_slots", facts_.synchronized_standby_slots);
        }
    }

    const ServerFacts& facts_;
    const Options& options_;
    const TableFilter& filter_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> judge(const ServerFacts& facts,
                           const Options& options,
                           const TableFilter& filter) {
    return Judge(facts, options, filter).all();
}

}  // namespace tributary::postgresql
