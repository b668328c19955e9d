#include "connectors/postgresql/snapshot/chunk_reader.h"

#include <chrono>
#include <utility>

#include "connectors/postgresql/server/catalogue.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

constexpr std::chrono::seconds kLimit{10};
// The stream is not answered meanwhile: below a third of any sensible wal_sender_timeout.
constexpr std::chrono::seconds kRowsLimit{20};
constexpr std::uint64_t kShortHeader = 24;
constexpr std::uint64_t kLongHeader = 40;

// Holders of an id's lock: every transaction until after others can see it. No right is needed.
constexpr const char* kOpenSql = R"(SELECT transactionid FROM pg_locks
WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted)";

// Read before the snapshot is taken: what a standby has replayed by now is seen by it.
constexpr const char* kBeforeSql =
    R"(SELECT to_regclass($1)::oid, pg_is_in_recovery(), pg_last_wal_replay_lsn())";

constexpr const char* kSeenSql = R"(SELECT
    CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_current_snapshot()::text END,
    c.oid,
    concat_ws(';', c.oid, c.relreplident,
        (SELECT string_agg(concat_ws(',', a.attnum, a.attname, a.atttypid, a.atttypmod,
                                     a.attnotnull, a.attgenerated), ';' ORDER BY a.attnum)
           FROM pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT string_agg(concat_ws(',', i.indexrelid, i.indisprimary, i.indisreplident), ';'
                           ORDER BY i.indexrelid)
           FROM pg_index i
          WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident))),
    CASE WHEN pg_is_in_recovery()
         THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
         ELSE pg_current_wal_insert_lsn() END,
    pb.oid IS NOT NULL,
    CASE WHEN pb.puballtables THEN 'all'
         ELSE (SELECT to_jsonb(p)::text FROM pg_get_publication_tables(pb.pubname) p
                WHERE p.relid = c.oid) END
FROM pg_class c LEFT JOIN pg_publication pb ON pb.pubname = $2
WHERE c.oid = to_regclass($1))";

// Column lists and row filters came with 15; to_jsonb() asks for them without naming them. Types
// with oids from 16384 are not PostgreSQL's own: of those the key's index says which operators have
// its order, of what a domain is over (btree strategies 1 and 5, PostgreSQL 15 manual 38.16.2).
// regclass and its like have oid's operators, but not its text: beside them a literal needs a cast.
constexpr const char* kDescribeSql = R"(SELECT n.nspname, c.relname, c.relkind = 'p',
    c.relreplident, coalesce(to_jsonb(p) ->> 'rowfilter', ''), a.attname,
    format_type(base.oid, NULL), own.less, own.greater, p.tablename IS NOT NULL
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_publication_tables p
    ON p.pubname = $2 AND p.schemaname = n.nspname AND p.tablename = c.relname
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND CASE WHEN to_jsonb(p) -> 'attnames' IS NULL THEN a.attgenerated = ''
             ELSE (to_jsonb(p) -> 'attnames') ? a.attname::text END
CROSS JOIN LATERAL (
    WITH RECURSIVE of_domains(oid, base) AS (
        SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
        UNION ALL
        SELECT t.oid, t.typbasetype FROM of_domains d JOIN pg_type t ON t.oid = d.base)
    SELECT oid FROM of_domains WHERE base = 0) base
LEFT JOIN LATERAL (
    SELECT max(named) FILTER (WHERE amopstrategy = 1) AS less,
        max(named) FILTER (WHERE amopstrategy = 5) AS greater
    FROM (SELECT o.amopstrategy, i.indisprimary,
              bool_or(i.indisprimary) OVER () AS has_primary,
              format('OPERATOR(%I.%s)', s.nspname, op.oprname) AS named
          FROM pg_index i
          CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[]) AS k(attnum, opclass)
          JOIN pg_opclass oc ON oc.oid = k.opclass
          JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
          JOIN pg_amop o ON o.amopfamily = oc.opcfamily AND o.amopstrategy IN (1, 5)
              AND o.amoplefttype = oc.opcintype AND o.amoprighttype = oc.opcintype
          JOIN pg_operator op ON op.oid = o.amopopr
          JOIN pg_namespace s ON s.oid = op.oprnamespace
          WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident)
              AND k.attnum = a.attnum) of_keys
    WHERE indisprimary = has_primary) own
    ON base.oid >= 16384 OR base.oid::regtype::text LIKE 'reg%'
WHERE c.oid = $1::oid
ORDER BY a.attnum)";

bool no_such_table(const Error& error) {
    return error.what().find("SQLSTATE 42P01") != std::string::npos;
}

}  // namespace

Lsn without_page_header(Lsn at, std::uint64_t page_bytes, std::uint64_t segment_bytes) {
    const bool first_page = at.value() % segment_bytes == kLongHeader;
    if (first_page || at.value() % page_bytes == kShortHeader) {
        return Lsn(at.value() - (first_page ? kLongHeader : kShortHeader));
    }
    return at;
}

Result<Session*> SqlChunkReader::session() {
    if (session_ && PQstatus(session_->get()) == CONNECTION_OK) {
        return &*session_;
    }
    session_.reset();
    TRIBUTARY_TRY(made, Session::open(connection_, Purpose::sql, interrupter_));
    // Rows that a policy hides would be missing in silence: an error says so instead. The stream
    // is not read while a lock is waited for.
    TRIBUTARY_TRY(set, made.query("SET row_security = off; SET lock_timeout = 200", kLimit));
    static_cast<void>(set);
    TRIBUTARY_TRY(sizes,
                  made.query("SELECT current_setting('wal_block_size')::int8, "
                             "pg_size_bytes(current_setting('wal_segment_size'))",
                             kLimit));
    page_bytes_ = static_cast<std::uint64_t>(sizes.integer(0, 0));
    segment_bytes_ = static_cast<std::uint64_t>(sizes.integer(0, 1));
    session_.emplace(std::move(made));
    return &*session_;
}

Result<std::vector<std::uint32_t>> SqlChunkReader::open_transactions() {
    TRIBUTARY_TRY(session, this->session());
    TRIBUTARY_TRY(rows, session->query(kOpenSql, kLimit));
    std::vector<std::uint32_t> xids;
    for (int row = 0; row < rows.count(); ++row) {
        xids.push_back(static_cast<std::uint32_t>(rows.integer(row, 0)));
    }
    return xids;
}

Result<BegunChunk> SqlChunkReader::begin(const std::string& schema, const std::string& table) {
    TRIBUTARY_TRY(session, this->session());
    const std::string name = quote_identifier(schema) + "." + quote_identifier(table);
    BegunChunk begun;
    TRIBUTARY_TRY(before, session->query(kBeforeSql, kLimit, {name}));
    begun.exists = !before.null(0, 0);
    if (!begun.exists) {
        return begun;
    }
    const bool standby = before.boolean(0, 1);
    begun.replayed = parse_lsn(before.at(0, 2)).value_or(Lsn());
    cursor_open_ = false;
    // The lock before the snapshot: a table that is rewritten between the two would look empty.
    const auto locked =
        session->query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE " + name +
                           " IN ACCESS SHARE MODE",
                       kLimit);
    if (!locked && no_such_table(locked.error())) {
        abandon();
        begun.exists = false;
        return begun;
    }
    if (!locked) {
        return locked.error();
    }
    TRIBUTARY_TRY(seen, session->query(kSeenSql, kLimit, {name, publication_}));
    if (seen.count() != 1) {
        return Error(errors::kSourceUnreachable, "the table went away while it was locked");
    }
    if (!seen.boolean(0, 4)) {
        return Error(errors::kPublicationMissing,
                     "publication \"" + publication_ + "\" does not exist any more");
    }
    begun.published = !seen.null(0, 5);
    if (!begun.published) {
        abandon();
        return begun;
    }
    begun.oid = static_cast<std::uint32_t>(seen.integer(0, 1));
    begun.fingerprint = std::string(seen.at(0, 2)) + ";" + std::string(seen.at(0, 5));
    const auto place = parse_lsn(seen.at(0, 3));
    if (!place) {
        return Error(errors::kProtocolViolation, "the server does not say where its log ends");
    }
    begun.place = without_page_header(*place, page_bytes_, segment_bytes_);
    if (!standby) {
        begun.visible = VisibleSet::parse(seen.at(0, 0));
        if (!begun.visible) {
            return Error(errors::kProtocolViolation, "pg_current_snapshot() is not readable");
        }
    }
    return begun;
}

Result<SnapshotFacts> SqlChunkReader::describe(std::uint32_t oid) {
    TRIBUTARY_TRY(session, this->session());
    TRIBUTARY_TRY(rows, session->query(kDescribeSql, kLimit, {std::to_string(oid), publication_}));
    SnapshotFacts facts;
    facts.oid = oid;
    if (rows.count() == 0) {
        return Error(errors::kSourceSettings, "a table without any published column");
    }
    if (!rows.boolean(0, 9)) {  // since the chunk was begun; without a list every column would come
        return Error(errors::kSourceUnreachable, "the table just left the publication");
    }
    facts.schema = std::string(rows.at(0, 0));
    facts.table = std::string(rows.at(0, 1));
    facts.partitioned = rows.boolean(0, 2);
    facts.replica_identity = rows.at(0, 3).empty() ? 'd' : rows.at(0, 3).front();
    facts.row_filter = std::string(rows.at(0, 4));
    for (int row = 0; row < rows.count(); ++row) {
        facts.published.emplace_back(rows.at(row, 5));
        if (!rows.null(row, 7) && !rows.null(row, 8)) {
            facts.own_orders.push_back({.column = facts.published.back(),
                                        .type = std::string(rows.at(row, 6)),
                                        .less = std::string(rows.at(row, 7)),
                                        .greater = std::string(rows.at(row, 8))});
        }
    }
    return facts;
}

Result<CatalogueTable> SqlChunkReader::catalogue(std::uint32_t oid) {
    SqlCatalogue catalogue([this] { return session(); });
    return catalogue.read(oid, {});
}

Result<void> SqlChunkReader::ask(const std::string& sql) {
    TRIBUTARY_TRY(session, this->session());
    return session->send(sql, kLimit);
}

Result<void> SqlChunkReader::rows(const std::function<bool(std::string_view line)>& on_line) {
    TRIBUTARY_TRY(session, this->session());
    return session->copy_out(kRowsLimit, on_line);
}

Result<void> SqlChunkReader::part(
    const std::string& select,
    std::uint64_t rows_max,
    const std::function<bool(const std::vector<std::optional<std::string_view>>& cells)>& on_row) {
    TRIBUTARY_TRY(session, this->session());
    if (!cursor_open_) {
        TRIBUTARY_TRY_VOID(session->query(
            "DECLARE tributary_rows NO SCROLL CURSOR WITHOUT HOLD FOR " + select, kLimit));
        cursor_open_ = true;
    }
    TRIBUTARY_TRY(
        rows,
        session->query("FETCH FORWARD " + std::to_string(rows_max) + " FROM tributary_rows",
                       kRowsLimit));
    std::vector<std::optional<std::string_view>> cells(static_cast<std::size_t>(rows.columns()));
    for (int row = 0; row < rows.count(); ++row) {
        for (int column = 0; column < rows.columns(); ++column) {
            cells[static_cast<std::size_t>(column)] =
                rows.null(row, column) ? std::nullopt : std::optional(rows.at(row, column));
        }
        if (!on_row(cells)) {
            break;
        }
    }
    return success();
}

Result<void> SqlChunkReader::end() {
    TRIBUTARY_TRY(session, this->session());
    // Rows that were cut short have failed the transaction.
    const bool failed = PQtransactionStatus(session->get()) == PQTRANS_INERROR;
    TRIBUTARY_TRY(ended, session->query(failed ? "ROLLBACK" : "COMMIT", kLimit));
    static_cast<void>(ended);
    return success();
}

void SqlChunkReader::abandon() {
    if (session_ && PQstatus(session_->get()) == CONNECTION_OK &&
        PQtransactionStatus(session_->get()) != PQTRANS_IDLE &&
        PQtransactionStatus(session_->get()) != PQTRANS_ACTIVE &&
        session_->query("ROLLBACK", kLimit)) {
        return;
    }
    if (session_ && PQtransactionStatus(session_->get()) != PQTRANS_IDLE) {
        session_.reset();
    }
}

}  // namespace tributary::postgresql
