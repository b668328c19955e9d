// PostgresqlSource, the part about snapshots: when one begins, what an operator asks for, and what
// the stream waits for meanwhile.
#include <algorithm>
#include <utility>

#include "connectors/postgresql/position.h"
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

// Goes on with a snapshot, or begins one where the mode wants it.
Result<void> PostgresqlSource::begin_snapshot(const ServerFacts& facts,
                                              const TableFilter& filter,
                                              const StartPoint& start,
                                              std::optional<Lsn> slot_at,
                                              const SideReader& side) {
    snapshot_.reset();
    const bool fresh = start.resume.empty() && start.done.empty();
    const bool missed = !missed_.empty();
    // A log that was lost in the middle of a snapshot: how far it was is lost too.
    TRIBUTARY_TRY(run, side.get(core::snapshot::kRunKey));
    const bool lost =
        options_.snapshot != SnapshotMode::no_data && says_in_snapshot(start.resume) && !run;
    if (lost) {
        observer_.log(LogLevel::warn,
                      options_.name,
                      "the log that knew how far the snapshot was is lost: it begins again");
    }
    std::optional<std::vector<RunTable>> begin;
    if (begins_snapshot(options_.snapshot, fresh || lost || missed, snapshot_begun_)) {
        TRIBUTARY_TRY(tables, snapshot_tables(facts, filter));
        begin = std::move(tables);
    }
    if (missed) {
        observer_.add(Counter::source_gaps, options_.name, 1);
        observer_.log(LogLevel::warn,
                      options_.name,
                      "the server no longer has all changes: a snapshot makes good what is there; "
                      "rows deleted meanwhile are not told",
                      {{"why", missed_}});
    }
    if (((fresh && begin) || missed) && slot_at) {
        // The run is in the log before anything of the stream is, at a position of its own.
        TRIBUTARY_TRY(made,
                      Intake::make(intake_options(options_),
                                   {encode_resume(*slot_at), missed ? start.done : Position{}},
                                   catalogue_));
        intake_ = std::move(made);
    }
    TRIBUTARY_TRY(snapshot,
                  Snapshot::make({.source = options_.name,
                                  .database = options_.connection.dbname,
                                  .filter = intake_options(options_).filter,
                                  .row_bytes_max = options_.row_bytes_max,
                                  .chunk_rows_max = options_.snapshot_chunk_rows,
                                  .keyless_bytes_max = options_.snapshot_keyless_bytes,
                                  .ad_hoc_only = options_.snapshot == SnapshotMode::no_data,
                                  .anew = missed},
                                 {chunks_, clock_, observer_},
                                 side,
                                 std::move(begin)));
    snapshot_ = std::move(snapshot);
    snapshot_begun_ = true;
    snapshot_runs_ = false;
    for (const TableFacts& table : facts.tables) {
        if (table.rows_estimate) {
            snapshot_->engine().estimate({table.schema, table.table}, *table.rows_estimate);
        }
    }
    if (snapshot_->finished()) {
        return success();
    }
    if (fresh) {
        // Nothing was appended by an earlier process to a pipeline that is new.
        intake_->watch(snapshot_.get());
        snapshot_runs_ = true;
        return success();
    }
    return watch_stream();
}

// From now on the snapshot is told of the stream. What is open at this moment may have been
// appended before.
Result<void> PostgresqlSource::watch_stream() {
    TRIBUTARY_TRY(open, chunks_.open_transactions());
    snapshot_->suspect(std::move(open));
    intake_->watch(snapshot_.get());
    snapshot_runs_ = true;
    return success();
}

Result<void> PostgresqlSource::step_snapshot(EntrySink& sink, milliseconds& wait) {
    if (snapshot_ == nullptr || (!snapshot_runs_ && snapshot_->finished())) {
        return success();
    }
    if (!snapshot_runs_) {  // a table was asked for, between two transactions
        TRIBUTARY_TRY_VOID(watch_stream());
    }
    snapshot_->engine().allow(allowed_rows_);
    TRIBUTARY_TRY_VOID(snapshot_->step(*intake_, sink));
    if (snapshot_->finished()) {
        end_snapshot();
        return success();
    }
    TRIBUTARY_TRY_VOID(ask_for_place(clock_.now()));
    wait = snapshot_->patience(*intake_, wait);
    return success();
}

// Nothing more is taken from the stream now: rows have to come first, or there is to be no more.
bool PostgresqlSource::stops_stream() const {
    return complete() || (snapshot_runs_ && snapshot_->engine().holds_stream());
}

void PostgresqlSource::end_snapshot() {
    intake_->watch(nullptr);
    snapshot_runs_ = false;
    chunks_.close();
    if (options_.snapshot == SnapshotMode::initial_only) {
        observer_.log(LogLevel::warn,
                      options_.name,
                      "snapshot.mode initial_only wants no more. The slot stays, and holds WAL, so "
                      "that another mode can go on from here; drop it if that is not wanted",
                      {{"slot", options_.slot}});
    }
}

bool PostgresqlSource::complete() const {
    return options_.snapshot == SnapshotMode::initial_only && snapshot_ != nullptr &&
           snapshot_->finished();
}

// A keepalive says how far the stream is when nothing else comes.
Result<void> PostgresqlSource::ask_for_place(SteadyTime now) {
    if (intake_->in_transaction() || (intake_->past_start() && !snapshot_->waits_for(*intake_)) ||
        now - asked_ < kAskInterval) {
        return success();
    }
    asked_ = now;
    return stream_->send_status(confirmer_.feedback(), clock_.wall_time_us(), true);
}

Result<bool> PostgresqlSource::start(const SnapshotRequest& request, EntrySink& sink) {
    if (!stream_ || snapshot_ == nullptr || !snapshot_->engine().ready(*intake_)) {
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
    TRIBUTARY_TRY_VOID(snapshot_->engine().add(table.name, request.where, *intake_, sink));
    if (table.rows_estimate) {
        snapshot_->engine().estimate(table.name, *table.rows_estimate);
    }
    return true;
}

Result<bool> PostgresqlSource::stop(const std::string& table, EntrySink& sink) {
    if (!stream_ || snapshot_ == nullptr || !snapshot_->engine().ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY_VOID(snapshot_->engine().remove(table, *intake_, sink));
    if (snapshot_runs_ && snapshot_->finished()) {
        end_snapshot();
    }
    return true;
}

SnapshotStatus PostgresqlSource::status() const {
    return snapshot_ == nullptr ? SnapshotStatus{} : snapshot_->engine().status();
}

}  // namespace tributary::postgresql
