// check(): what `tributary check` asks of the server.
#include <algorithm>
#include <set>
#include <utility>

#include "connectors/postgresql/intake/intake.h"
#include "connectors/postgresql/postgresql.h"
#include "connectors/postgresql/server/catalogue.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/server/publication_checks.h"
#include "connectors/postgresql/server/server_checks.h"
#include "connectors/postgresql/snapshot/chunk_reader.h"
#include "connectors/postgresql/snapshot/snapshot_table.h"
#include "connectors/postgresql/values/types.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

constexpr std::chrono::seconds kLimit{15};

// Columns of unique indexes, of which one may be the key.
constexpr const char* kKeyTypesSql =
    R"(SELECT DISTINCT c.oid, n.nspname, c.relname, a.atttypid, a.atttypmod, a.attndims
FROM pg_publication_tables t
JOIN pg_namespace n ON n.nspname = t.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique
JOIN pg_attribute a ON a.attrelid = c.oid
    AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
WHERE t.pubname = $1)";

Finding failed(std::string subject, const Error& error) {
    return {Severity::error,
            std::move(subject),
            std::string(error.kind().name) + ": " + error.what(),
            std::string(error.kind().next)};
}

struct KeyedTable {
    std::uint32_t oid = 0;
    std::string schema;
    std::string table;
    friend auto operator<=>(const KeyedTable&, const KeyedTable&) = default;
};

// Selected tables with a unique index over a column of a type that is not mapped.
Result<std::set<KeyedTable>> doubtful_tables(Session& sql,
                                             const Options& options,
                                             const TableFilter& filter) {
    TRIBUTARY_TRY(rows, sql.query(kKeyTypesSql, kLimit, {options.publication}));
    const auto number = [&rows](int row, int column) {
        return static_cast<std::uint32_t>(rows.integer(row, column));
    };
    std::set<std::uint32_t> oids;
    for (int row = 0; row < rows.count(); ++row) {
        oids.insert(number(row, 3));
    }
    SqlCatalogue catalogue([&sql]() -> Result<Session*> { return &sql; });
    const std::vector<std::uint32_t> wanted(oids.begin(), oids.end());
    TRIBUTARY_TRY(known, catalogue.read(0, wanted));
    std::set<KeyedTable> doubtful;
    for (int row = 0; row < rows.count(); ++row) {
        const ColumnType type = map_type(number(row, 3),
                                         static_cast<std::int32_t>(rows.integer(row, 4)),
                                         number(row, 5),
                                         known.types);
        KeyedTable table{
            number(row, 0), std::string(rows.at(row, 1)), std::string(rows.at(row, 2))};
        if (type.kind == TypeKind::unsupported &&
            filter.table_selected(table.schema, table.table)) {
            doubtful.insert(std::move(table));
        }
    }
    return doubtful;
}

// Fills TableFacts::uncarried_key, by the rules that the stream has.
Result<void> read_uncarried_keys(Session& sql,
                                 const Options& options,
                                 const TableFilter& filter,
                                 const Interrupter& interrupter,
                                 ServerFacts& facts) {
    TRIBUTARY_TRY(doubtful, doubtful_tables(sql, options, filter));
    SqlChunkReader reader(options.connection, options.publication, interrupter);
    for (const KeyedTable& table : doubtful) {
        TRIBUTARY_TRY(described, reader.describe(table.oid));
        TRIBUTARY_TRY(catalogue, reader.catalogue(table.oid));
        const auto made =
            make_snapshot_table(options.connection.dbname, described, catalogue, filter);
        const auto found =
            std::find_if(facts.tables.begin(), facts.tables.end(), [&table](const auto& each) {
                return each.schema == table.schema && each.table == table.table;
            });
        if (made && found != facts.tables.end()) {
            found->uncarried_key = made.value().uncarried_key;
        }
    }
    return success();
}

}  // namespace

SourceCheck check(const Options& options) {
    const Interrupter interrupter;
    const auto filter = TableFilter::make(intake_options(options).filter);
    if (!filter) {
        return {.findings = {failed("tables", filter.error())}};
    }
    auto sql = Session::open(options.connection, Purpose::sql, interrupter);
    if (!sql) {
        return {.findings = {failed("connection", sql.error())}};
    }
    SourceCheck out;
    std::vector<Finding>& findings = out.findings;
    findings.push_back({Severity::ok,
                        "connection",
                        sql.value().tls() ? "answers, with TLS" : "answers, without TLS",
                        ""});
    auto facts = read_facts(sql.value(), options);
    if (!facts) {
        findings.push_back(failed("settings", facts.error()));
        return out;
    }
    if (const auto read = read_columns(sql.value(), options, facts.value()); !read) {
        findings.push_back(failed("settings", read.error()));
        return out;
    }
    if (const auto read = read_refusals(sql.value(), options, facts.value()); !read) {
        findings.push_back(failed("publication " + options.publication, read.error()));
        return out;
    }
    if (const auto read =
            read_uncarried_keys(sql.value(), options, filter.value(), interrupter, facts.value());
        !read) {
        findings.push_back(failed("keys", read.error()));
        return out;
    }
    auto judged = judge(facts.value(), options, filter.value());
    findings.insert(findings.end(), judged.begin(), judged.end());
    out.tables = selected_tables(facts.value(), filter.value(), true);
    auto replication = Session::open(options.connection, Purpose::replication, interrupter);
    if (!replication) {
        findings.push_back(failed("replication connection", replication.error()));
        return out;
    }
    const auto system = identify_system(replication.value());
    if (!system) {
        findings.push_back(failed("replication connection", system.error()));
        return out;
    }
    findings.push_back({Severity::ok,
                        "replication connection",
                        "system " + system.value().system_id + ", timeline " +
                            std::to_string(system.value().timeline) + ", written up to " +
                            to_string(system.value().flushed),
                        ""});
    return out;
}

}  // namespace tributary::postgresql
