#include "connectors/postgresql/server/catalogue.h"

#include <chrono>
#include <string>
#include <utility>

#include "model/errors.h"

namespace tributary::postgresql {
namespace {

constexpr std::chrono::seconds kLimit{10};

// Whether a committed transaction is visible, after a nap if it is not. The epoch of its xid is the
// one in which it is nearest to the snapshot.
constexpr int kVisibleTries = 5000;
constexpr const char* kVisible = R"(WITH near AS (
    SELECT top, (top / 4294967296) * 4294967296 + $1::bigint AS xid
    FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS top) t),
answer AS (
    SELECT pg_visible_in_snapshot((CASE
        WHEN xid - top > 2147483648 THEN xid - 4294967296
        WHEN top - xid > 2147483648 THEN xid + 4294967296
        ELSE xid END)::text::xid8, pg_current_snapshot()) AS visible
    FROM near)
SELECT visible, CASE WHEN NOT visible THEN pg_sleep(0.002) END FROM answer)";

// One row per column that is not dropped; one row with NULL columns for a table without any.
constexpr const char* kColumns = R"(SELECT n.nspname, c.relname, a.attname, a.atttypid, a.atttypmod,
       format_type(a.atttypid, a.atttypmod), a.attndims,
       a.attnotnull OR (t.typtype = 'd' AND t.typnotnull),
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
       c.relkind = 'p' AND EXISTS (SELECT FROM pg_partition_tree(c.oid) p
           JOIN pg_class leaf ON leaf.oid = p.relid WHERE p.isleaf AND leaf.relreplident <> 'f')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.oid = $1::oid
ORDER BY a.attnum)";

// Key columns only, in index order: INCLUDE columns come after indnkeyatts. `instead` is the first
// unique index, by name, whose columns are all NOT NULL, of a table without a primary key.
constexpr const char* kKeys = R"(WITH instead AS (
    SELECT u.indexrelid
    FROM pg_index u
    JOIN pg_class c ON c.oid = u.indexrelid
    WHERE u.indrelid = $1::oid AND u.indisunique AND u.indisvalid AND u.indimmediate
        AND u.indpred IS NULL AND u.indexprs IS NULL
        AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = $1::oid AND p.indisprimary)
        AND NOT EXISTS (SELECT FROM pg_attribute n WHERE n.attrelid = $1::oid AND NOT n.attnotnull
            AND n.attnum = ANY ((u.indkey::int2[])[0:u.indnkeyatts - 1]))
    ORDER BY u.indisclustered DESC, c.relname
    LIMIT 1)
SELECT i.indisprimary, i.indisreplident, a.attname, i.indexrelid IN (SELECT indexrelid FROM instead)
FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = $1::oid AND k.place <= i.indnkeyatts
    AND (i.indisprimary OR i.indisreplident OR i.indexrelid IN (SELECT indexrelid FROM instead))
ORDER BY i.indexrelid, k.place)";

// The types of $1, those of the columns of $2, and what they are made of. An array is what its
// element names as its array: int2vector and oidvector have elements too, and another text form.
constexpr const char* kTypes = R"(WITH RECURSIVE wanted(oid) AS (
    SELECT unnest($1::oid[])
    UNION
    SELECT atttypid FROM pg_attribute WHERE attrelid = $2::oid AND attnum > 0 AND NOT attisdropped
    UNION
    SELECT part.oid
    FROM wanted w
    JOIN pg_type t ON t.oid = w.oid
    LEFT JOIN pg_type element ON element.oid = t.typelem AND element.typarray = t.oid
    CROSS JOIN LATERAL (VALUES (coalesce(element.oid, 0)), (t.typbasetype)) AS part(oid)
    WHERE part.oid <> 0)
SELECT t.oid, t.typname, t.typtype, t.typcategory, coalesce(element.oid, 0),
       t.typbasetype, t.typtypmod, t.typndims, e.enumlabel
FROM wanted w
JOIN pg_type t ON t.oid = w.oid
LEFT JOIN pg_type element ON element.oid = t.typelem AND element.typarray = t.oid
LEFT JOIN pg_enum e ON e.enumtypid = t.oid
ORDER BY t.oid, e.enumsortorder)";

std::uint32_t unsigned_at(const Rows& rows, int row, int column) {
    return static_cast<std::uint32_t>(rows.integer(row, column));
}

std::string text_at(const Rows& rows, int row, int column) {
    return std::string(rows.at(row, column));
}

char letter_at(const Rows& rows, int row, int column) {
    const std::string_view text = rows.at(row, column);
    return text.empty() ? ' ' : text.front();
}

void read_columns(const Rows& rows, CatalogueTable& table) {
    table.exists = rows.count() > 0;
    for (int row = 0; row < rows.count(); ++row) {
        table.schema = text_at(rows, row, 0);
        table.table = text_at(rows, row, 1);
        table.partial_partitions = rows.boolean(row, 9);
        if (rows.null(row, 2)) {
            continue;
        }
        CatalogueColumn& column = table.columns.emplace_back();
        column.name = text_at(rows, row, 2);
        column.type_oid = unsigned_at(rows, row, 3);
        column.type_modifier = static_cast<std::int32_t>(rows.integer(row, 4));
        column.type_name = text_at(rows, row, 5);
        column.dimensions = unsigned_at(rows, row, 6);
        column.not_null = rows.boolean(row, 7);
        if (!rows.null(row, 8)) {
            column.default_expression = text_at(rows, row, 8);
        }
    }
}

// An index may be both the primary key and the chosen replica identity.
void read_keys(const Rows& rows, CatalogueTable& table) {
    for (int row = 0; row < rows.count(); ++row) {
        if (rows.boolean(row, 0)) {
            table.primary_key.push_back(text_at(rows, row, 2));
        }
        if (rows.boolean(row, 1)) {
            table.identity_index.push_back(text_at(rows, row, 2));
        }
        if (rows.boolean(row, 3)) {
            table.unique_index.push_back(text_at(rows, row, 2));
        }
    }
}

void read_types(const Rows& rows, CatalogueTable& table) {
    for (int row = 0; row < rows.count(); ++row) {
        const std::uint32_t oid = unsigned_at(rows, row, 0);
        if (table.types.empty() || table.types.back().oid != oid) {
            CatalogueType& type = table.types.emplace_back();
            type.oid = oid;
            type.name = text_at(rows, row, 1);
            type.kind = letter_at(rows, row, 2);
            type.category = letter_at(rows, row, 3);
            type.element_oid = unsigned_at(rows, row, 4);
            type.base_oid = unsigned_at(rows, row, 5);
            type.base_modifier = static_cast<std::int32_t>(rows.integer(row, 6));
            type.base_dimensions = unsigned_at(rows, row, 7);
        }
        if (!rows.null(row, 8)) {
            table.types.back().labels.push_back(text_at(rows, row, 8));
        }
    }
}

std::string oid_array(std::span<const std::uint32_t> oids) {
    std::string text = "{";
    for (const std::uint32_t oid : oids) {
        text += text.size() > 1 ? "," : "";
        text += std::to_string(oid);
    }
    return text + "}";
}

}  // namespace

Result<void> SqlCatalogue::await_visible(std::uint32_t xid) {
    TRIBUTARY_TRY(session, session_());
    for (int count = 0; count < kVisibleTries; ++count) {
        TRIBUTARY_TRY(answer, session->query(kVisible, kLimit, {std::to_string(xid)}));
        if (answer.count() == 1 && answer.boolean(0, 0)) {
            return success();
        }
    }
    return Error(errors::kSourceUnreachable,
                 "transaction " + std::to_string(xid) +
                     " is committed but not visible: its server waits for a synchronous standby");
}

Result<CatalogueTable> SqlCatalogue::read(std::uint32_t relation_oid,
                                          std::span<const std::uint32_t> type_oids) {
    TRIBUTARY_TRY(session, session_());
    const std::string oid = std::to_string(relation_oid);
    CatalogueTable table;
    TRIBUTARY_TRY(columns, session->query(kColumns, kLimit, {oid}));
    read_columns(columns, table);
    TRIBUTARY_TRY(keys, session->query(kKeys, kLimit, {oid}));
    read_keys(keys, table);
    TRIBUTARY_TRY(types, session->query(kTypes, kLimit, {oid_array(type_oids), oid}));
    read_types(types, table);
    return table;
}

}  // namespace tributary::postgresql
