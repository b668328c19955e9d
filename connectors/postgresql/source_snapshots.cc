// PostgresqlSource, the part about snapshots (snapshot_driver.h) that speaks to the server.
#include "connectors/postgresql/source.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAskInterval{5};
constexpr std::chrono::seconds kSqlLimit{10};

}  // namespace

// The server no longer has what follows our position: an error, save where a snapshot is to make it
// good. A slot that is lost is of no use to anybody; it is replaced.
Result<void> PostgresqlSource::miss(const Error& error, ServerFacts& facts) {
    const bool curable = error.is(errors::kSlotMissing) || error.is(errors::kSlotLost) ||
                         error.is(errors::kSourceGap);
    if (options_.snapshot != SnapshotMode::when_needed || !curable ||
        (!options_.create_slot && !error.is(errors::kSourceGap))) {
        return error;
    }
    if (error.is(errors::kSlotLost)) {
        TRIBUTARY_TRY_VOID(
            sql_->query("SELECT pg_drop_replication_slot($1)", kSqlLimit, {options_.slot}));
        facts.slot.reset();
    }
    missed_ = error.what();
    return success();
}

// Before each poll.
Result<void> PostgresqlSource::step_snapshots(EntrySink& sink, milliseconds& wait) {
    TRIBUTARY_TRY_VOID(snapshots_.step(*intake_, sink));
    const SteadyTime now = clock_.now();
    if (snapshots_.waits_for_word(*intake_) && now - asked_ >= kAskInterval) {
        asked_ = now;
        TRIBUTARY_TRY_VOID(
            stream_->send_status(confirmer_.feedback(), clock_.wall_time_us(), true));
    }
    wait = snapshots_.patience(*intake_, wait);
    return success();
}

Result<bool> PostgresqlSource::start(const SnapshotRequest& request, EntrySink& sink) {
    if (!stream_ || !snapshots_.ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY(filter, TableFilter::make(options_.tables));
    TRIBUTARY_TRY(sql, this->sql());
    TRIBUTARY_TRY(facts, read_facts(*sql, options_));
    TRIBUTARY_TRY(table, find_snapshot_table(facts, filter, request.table));
    if (!request.where.empty()) {
        const std::string name =
            quote_identifier(table.name.schema) + "." + quote_identifier(table.name.table);
        const auto taken = sql->query(condition_sql(name, request.where), kSqlLimit, {"t"});
        if (!taken && taken.error().transient()) {
            return taken.error();
        }
        if (!taken) {
            return Error(
                errors::kSnapshotRefused,
                "the condition is not one of " + request.table + ": " + taken.error().what());
        }
    }
    TRIBUTARY_TRY_VOID(snapshots_.ask(table, request.where, *intake_, sink));
    return true;
}

Result<bool> PostgresqlSource::stop(const std::string& table, EntrySink& sink) {
    if (!stream_ || !snapshots_.ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY_VOID(snapshots_.stop(table, *intake_, sink));
    return true;
}

}  // namespace tributary::postgresql
