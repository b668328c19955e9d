#include "connectors/postgresql/server/publication_checks.h"

#include <map>
#include <string_view>
#include <utility>

#include "connectors/postgresql/server/quote.h"

namespace tributary::postgresql {
namespace {

constexpr std::chrono::seconds kLimit{15};

// Of every table that is sent under its own name, the tables that hold its rows: each has a replica
// identity of its own, the publication's list and filter are those of the table that is named. What
// newer servers have is asked for by to_jsonb(), without naming it: column lists and filters came
// with 15 (a filter's columns are the Vars of its expression), pubgencols with 18. Before 18 a
// generated column was never looked at.
constexpr const char* kRefusalsSql = R"(WITH pub AS (
    SELECT oid, pubname, to_jsonb(p) ->> 'pubgencols' AS generated
    FROM pg_publication p WHERE pubname = $1),
sent AS MATERIALIZED (
    SELECT c.oid, c.relkind, n.nspname, c.relname, pub.generated,
        CASE WHEN jsonb_typeof(to_jsonb(r) -> 'prattrs') = 'array'
             THEN to_jsonb(r) -> 'prattrs' END AS list,
        to_jsonb(r) ->> 'prqual' AS filter,
        coalesce(to_jsonb(t) ->> 'rowfilter', '') AS filter_sql
    FROM pub
    JOIN pg_publication_tables t ON t.pubname = pub.pubname
    JOIN pg_namespace n ON n.nspname = t.schemaname
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
    LEFT JOIN pg_publication_rel r ON r.prpubid = pub.oid AND r.prrelid = c.oid),
parts AS (
    SELECT sent.*, part.oid AS part, part.relreplident AS identity,
        CASE WHEN part.oid <> sent.oid
             THEN format('%I.%I', s.nspname, part.relname) ELSE '' END AS part_sql,
        ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = sent.oid AND a.attnum > 0 AND list @> to_jsonb(a.attnum)
              ORDER BY a.attnum) AS listed,
        ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE a.attrelid = sent.oid AND a.attnum::text IN (
                  SELECT m[1] FROM regexp_matches(filter, ':varattno (\d+)', 'g') AS m)
              ORDER BY a.attnum) AS filtered,
        ARRAY(SELECT a.attname::text FROM pg_index i
              JOIN pg_attribute a ON a.attrelid = i.indrelid
                  AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
              WHERE i.indrelid = part.oid
                  AND CASE part.relreplident WHEN 'd' THEN i.indisprimary
                                             WHEN 'i' THEN i.indisreplident ELSE false END
              ORDER BY a.attnum) AS identifying
    FROM sent
    CROSS JOIN LATERAL (SELECT sent.oid WHERE sent.relkind = 'r'
                        UNION ALL
                        SELECT relid FROM pg_partition_tree(sent.oid)
                        WHERE sent.relkind = 'p' AND isleaf) of_rows(oid)
    JOIN pg_class part ON part.oid = of_rows.oid
    JOIN pg_namespace s ON s.oid = part.relnamespace)
SELECT nspname, relname, part_sql, why, array_to_string(missing, ', '), identity = 'f',
    (SELECT string_agg(quote_ident(name), ', ') FROM (
        SELECT name FROM unnest(listed) WITH ORDINALITY AS l(name, at)
        UNION ALL
        SELECT name FROM unnest(CASE WHEN why = 'list' THEN missing END) AS m(name)) AS names(name)),
    filter_sql
FROM parts
CROSS JOIN LATERAL (
    SELECT 'list', ARRAY(SELECT name FROM unnest(identifying) AS i(name)
                         WHERE name <> ALL (listed))
    WHERE list IS NOT NULL
    UNION ALL
    SELECT 'filter', ARRAY(SELECT name FROM unnest(filtered) AS f(name)
                           WHERE name <> ALL (identifying))
    WHERE identity <> 'f' AND identifying <> '{}'
    UNION ALL
    SELECT 'generated', ARRAY(SELECT a.attname::text FROM pg_attribute a
                              WHERE a.attrelid = part AND a.attnum > 0 AND NOT a.attisdropped
                                  AND (a.attgenerated = 'v' OR a.attgenerated = 's'
                                                               AND generated = 'n')
                                  AND (identity = 'f' OR a.attname = ANY (identifying))
                              ORDER BY a.attnum)
    WHERE generated IS NOT NULL AND list IS NULL) AS refused(why, missing)
WHERE missing <> '{}' OR (why = 'list' AND identity = 'f')
ORDER BY 1, 2, 3, 4)";

RefusedChanges::Why why_of(std::string_view text) {
    if (text == "list") {
        return RefusedChanges::Why::column_list;
    }
    return text == "filter" ? RefusedChanges::Why::row_filter
                            : RefusedChanges::Why::generated_column;
}

// The table in the publication anew: as one transaction no change goes by between the two.
std::string add_anew(const TableFacts& table,
                     const Options& options,
                     const std::string& columns,
                     const std::string& filter) {
    const std::string publication = "ALTER PUBLICATION " + quote_identifier(options.publication);
    const std::string name = sql_name_of(table);
    return "BEGIN; " + publication + " DROP TABLE " + name + "; " + publication + " ADD TABLE " +
           name + (columns.empty() ? "" : " (" + columns + ")") +
           (filter.empty() ? "" : " WHERE (" + filter + ")") + "; COMMIT;";
}

std::string remedy_of(const RefusedChanges& refused,
                      const TableFacts& table,
                      const Options& options) {
    const std::string part = refused.part.empty() ? sql_name_of(table) : refused.part;
    switch (refused.why) {
        case RefusedChanges::Why::column_list:
            return refused.full ? add_anew(table, options, "", refused.filter) +
                                      " and tables.exclude_columns for what is not wanted"
                                : add_anew(table, options, refused.listed, refused.filter);
        case RefusedChanges::Why::row_filter:
            // A list and REPLICA IDENTITY FULL do not go together.
            return refused.listed.empty() ? "ALTER TABLE " + part +
                                                " REPLICA IDENTITY FULL; or a filter of columns of "
                                                "the replica identity only"
                                          : add_anew(table, options, refused.listed, "");
        case RefusedChanges::Why::generated_column:
            return "ALTER PUBLICATION " + quote_identifier(options.publication) +
                   " SET (publish_generated_columns = stored); or ALTER TABLE " + part +
                   " REPLICA IDENTITY DEFAULT; with a primary key, which a virtual column needs";
    }
    return {};
}

std::string cause_of(const RefusedChanges& refused) {
    switch (refused.why) {
        case RefusedChanges::Why::column_list:
            return refused.full ? "it has REPLICA IDENTITY FULL, and is published with a column "
                                  "list, which leaves out what every old row is to have"
                                : "its column list in the publication leaves out " +
                                      refused.columns + " of its replica identity";
        case RefusedChanges::Why::row_filter:
            return "its row filter in the publication asks for " + refused.columns +
                   ", which the replica identity does not have";
        case RefusedChanges::Why::generated_column:
            return "the publication leaves out the generated column " + refused.columns +
                   " of its replica identity";
    }
    return {};
}

}  // namespace

Result<void> read_refusals(Session& sql, const Options& options, ServerFacts& facts) {
    TRIBUTARY_TRY(rows, sql.query(kRefusalsSql, kLimit, {options.publication}));
    std::map<std::pair<std::string_view, std::string_view>, TableFacts*> by_name;
    for (TableFacts& table : facts.tables) {
        by_name.emplace(std::pair(std::string_view(table.schema), std::string_view(table.table)),
                        &table);
    }
    for (int row = 0; row < rows.count(); ++row) {
        const auto table = by_name.find({rows.at(row, 0), rows.at(row, 1)});
        if (table == by_name.end()) {
            continue;
        }
        table->second->refusals.push_back({.why = why_of(rows.at(row, 3)),
                                           .part = std::string(rows.at(row, 2)),
                                           .columns = std::string(rows.at(row, 4)),
                                           .full = rows.boolean(row, 5),
                                           .listed = std::string(rows.at(row, 6)),
                                           .filter = std::string(rows.at(row, 7))});
    }
    return success();
}

std::vector<Finding> judge_refusals(const TableFacts& table,
                                    const PublicationFacts& publication,
                                    const Options& options) {
    std::vector<Finding> findings;
    if (!publication.updates && !publication.deletes) {
        return findings;
    }
    const std::string what = publication.updates && publication.deletes
                                 ? "UPDATE and DELETE"
                                 : (publication.updates ? "UPDATE" : "DELETE");
    for (const RefusedChanges& refused : table.refusals) {
        findings.push_back({Severity::warning,
                            "table " + table.schema + "." + table.table,
                            "the server refuses " + what + " on " +
                                (refused.part.empty() ? "it" : "its partition " + refused.part) +
                                " to everybody: " + cause_of(refused),
                            remedy_of(refused, table, options)});
    }
    return findings;
}

}  // namespace tributary::postgresql
