// resolve_position(): where `tributary reset` makes a pipeline go on. A slot that is missing is
// made here, because a position without a slot that serves it is of no use. Spec: PostgreSQL 15
// manual, 9.27.6 pg_create_logical_replication_slot, 9.27.3 pg_current_wal_lsn.
#include <chrono>

#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/position.h"
#include "connectors/postgresql/postgresql.h"
#include "connectors/postgresql/server/connection.h"
#include "connectors/postgresql/server/server_checks.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

constexpr std::chrono::seconds kStatementLimit(30);
// A standby (16 and later) has no insert position of its own.
constexpr const char* kCurrentLsnSql =
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
    "ELSE pg_current_wal_lsn() END";

// What there can be a position of. A standby gets log before it replays it.
constexpr const char* kWrittenLsnSql =
    "SELECT CASE WHEN pg_is_in_recovery() "
    "THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) "
    "ELSE pg_current_wal_insert_lsn() END";

// As PostgresqlSource makes it.
constexpr const char* kCreateSlotSql =
    "SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput')";
constexpr const char* kCreateFailoverSlotSql =
    "SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput', failover => true)";

Result<Lsn> lsn_of(Session& sql,
                   const std::string& statement,
                   const std::vector<std::string>& parameters = {}) {
    TRIBUTARY_TRY(rows, sql.query(statement, kStatementLimit, parameters));
    const auto lsn = rows.count() == 1 ? parse_lsn(rows.at(0, 0)) : std::nullopt;
    if (!lsn) {
        return Error(errors::kProtocolViolation, "the server gave no LSN for: " + statement);
    }
    return *lsn;
}

// The stream would begin there without a word, and leave out everything that is committed before.
Result<void> verify_written(Session& sql, Lsn lsn) {
    TRIBUTARY_TRY(written, lsn_of(sql, kWrittenLsnSql));
    if (lsn > written) {
        return Error(errors::kSourceRewound,
                     "--from " + to_string(lsn) + ": the server has written its log up to " +
                         to_string(written) + " only; nothing was reset");
    }
    return success();
}

}  // namespace

Result<Position> resolve_position(const Options& options, std::string_view from) {
    const Interrupter interrupter;
    TRIBUTARY_TRY(sql, Session::open(options.connection, Purpose::sql, interrupter));
    TRIBUTARY_TRY(slot, read_slot(sql, options));
    if (slot && slot->wal_status == "lost") {
        return Error(errors::kSlotLost,
                     "slot " + options.slot +
                         " is lost: drop it first, SELECT pg_drop_replication_slot(" +
                         quote_literal(options.slot) + ")");
    }
    if (from == "now" && slot) {
        TRIBUTARY_TRY(now, lsn_of(sql, kCurrentLsnSql));
        return encode_resume(now);
    }
    if (from == "now") {
        TRIBUTARY_TRY(made,
                      lsn_of(sql,
                             options.failover_slot ? kCreateFailoverSlotSql : kCreateSlotSql,
                             {options.slot}));
        return encode_resume(made);
    }
    const auto lsn = parse_lsn(from);
    if (!lsn) {
        return Error(errors::kConfigInvalid,
                     "--from takes `now` or an LSN such as 0/1A2B3C4, not " + std::string(from));
    }
    if (!slot || (slot->confirmed_flush && *slot->confirmed_flush > *lsn)) {
        return Error(
            errors::kSourceGap,
            "slot " + options.slot + " cannot serve " + std::string(from) +
                (slot ? ": it is at " + to_string(*slot->confirmed_flush) : ": it does not exist"));
    }
    TRIBUTARY_TRY_VOID(verify_written(sql, *lsn));
    return encode_resume(*lsn);
}

}  // namespace tributary::postgresql
