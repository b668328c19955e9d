#include "connectors/postgresql/snapshot/snapshot_driver.h"

#include <utility>
#include <vector>

#include "base/planted.h"
#include "connectors/postgresql/position.h"

namespace tributary::postgresql {

using std::chrono::milliseconds;

// A log that was lost in the middle of a snapshot: how far it was is lost too.
Result<bool> SnapshotDriver::lost(const StartPoint& start, const SideReader& side) const {
    TRIBUTARY_TRY(run, side.get(core::snapshot::kRunKey));
    if (with_.options.snapshot == SnapshotMode::no_data || !says_in_snapshot(start.resume) || run) {
        return false;
    }
    with_.observer.log(LogLevel::warn,
                       with_.options.name,
                       "the log that knew how far the snapshot was is lost: it begins again");
    return true;
}

void SnapshotDriver::tell_of_missed(const std::string& missed) const {
    with_.observer.add(Counter::source_gaps, with_.options.name, 1);
    with_.observer.log(LogLevel::warn,
                       with_.options.name,
                       "the server no longer has all changes: a snapshot makes good what is there; "
                       "rows deleted meanwhile are not told",
                       {{"why", missed}});
}

Result<SnapshotDriver::Begin> SnapshotDriver::tables_to_begin(const Opening& opening,
                                                              const SideReader& side) const {
    const bool fresh = opening.start.resume.empty() && opening.start.done.empty();
    TRIBUTARY_TRY(lost, this->lost(opening.start, side));
    if (!begins_snapshot(
            with_.options.snapshot, fresh || lost || !opening.missed.empty(), begun_)) {
        return Begin();
    }
    TRIBUTARY_TRY(tables, snapshot_tables(opening.facts, opening.filter));
    return Begin(std::move(tables));
}

Result<void> SnapshotDriver::open(const Opening& opening,
                                  Begin begin,
                                  std::optional<Lsn> slot_at,
                                  const SideReader& side,
                                  std::unique_ptr<Intake>& intake) {
    snapshot_.reset();
    const Options& options = with_.options;
    const bool fresh = opening.start.resume.empty() && opening.start.done.empty();
    const bool missed = !opening.missed.empty();
    if (missed) {
        tell_of_missed(opening.missed);
    }
    if (slot_at && (missed || (fresh && begin))) {
        // The run is in the log before anything of the stream is, at a position of its own.
        TRIBUTARY_TRY(
            made,
            Intake::make(intake_options(options),
                         {encode_resume(*slot_at), missed ? opening.start.done : Position{}},
                         with_.catalogue));
        intake = std::move(made);
    } else if (slot_at && fresh) {
        intake->begin_at(*slot_at);
    }
    TRIBUTARY_TRY(
        snapshot,
        Snapshot::make({.engine = {.source = options.name,
                                   .row_bytes_max = options.row_bytes_max,
                                   .chunk_rows_max = options.snapshot_chunk_rows,
                                   .keyless_bytes_max = options.snapshot_keyless_bytes,
                                   .ad_hoc_only = options.snapshot == SnapshotMode::no_data,
                                   .anew = missed},
                        .database = options.connection.dbname,
                        .filter = options.tables},
                       {with_.reader, with_.clock, with_.observer},
                       side,
                       std::move(begin)));
    snapshot_ = std::move(snapshot);
    begun_ = true;
    runs_ = false;
    for (const TableFacts& table : opening.facts.tables) {
        if (table.rows_estimate) {
            snapshot_->engine().estimate({table.schema, table.table}, *table.rows_estimate);
        }
    }
    if (snapshot_->finished()) {
        return success();
    }
    return watch(*intake);
}

// From now on the snapshot is told of the stream. What is open at this moment may have been
// appended before, or be in the log below a slot that was just made: neither comes again.
Result<void> SnapshotDriver::watch(Intake& intake) {
    TRIBUTARY_TRY(open, with_.reader.open_transactions());
    if (!planted::is(planted::Bug::open_transactions_forgotten)) {
        snapshot_->suspect(std::move(open));
    }
    intake.watch(snapshot_.get());
    runs_ = true;
    return success();
}

Result<void> SnapshotDriver::step(Intake& intake, EntrySink& sink) {
    if (snapshot_ == nullptr || (!runs_ && snapshot_->finished())) {
        return success();
    }
    if (!runs_) {  // a table was asked for, between two transactions
        TRIBUTARY_TRY_VOID(watch(intake));
    }
    snapshot_->engine().allow(allowed_rows_);
    TRIBUTARY_TRY_VOID(snapshot_->step(intake, sink));
    if (snapshot_->finished()) {
        end(intake);
    }
    return success();
}

Result<void> SnapshotDriver::on_message(Intake& intake, EntrySink& sink) {
    return runs_ && snapshot_->due(intake) ? snapshot_->step(intake, sink) : success();
}

bool SnapshotDriver::stops_stream() const {
    return complete() || (runs_ && snapshot_->engine().holds_stream());
}

bool SnapshotDriver::waits_for_word(const Intake& intake) const {
    return runs_ && !intake.in_transaction() &&
           (!intake.past_start() || snapshot_->waits_for(intake));
}

milliseconds SnapshotDriver::patience(const Intake& intake, milliseconds wait) const {
    return runs_ ? snapshot_->patience(intake, wait) : wait;
}

void SnapshotDriver::end(Intake& intake) {
    intake.watch(nullptr);
    runs_ = false;
    with_.reader.close();
    if (with_.options.snapshot == SnapshotMode::initial_only) {
        with_.observer.log(
            LogLevel::warn,
            with_.options.name,
            "snapshot.mode initial_only wants no more. The slot stays, and holds WAL, so that "
            "another mode can go on from here; drop it if that is not wanted",
            {{"slot", with_.options.slot}});
    }
}

bool SnapshotDriver::complete() const {
    return with_.options.snapshot == SnapshotMode::initial_only && snapshot_ != nullptr &&
           snapshot_->finished();
}

bool SnapshotDriver::ready(const Intake& intake) const {
    return snapshot_ != nullptr && snapshot_->engine().ready(intake);
}

Result<void> SnapshotDriver::ask(const SnapshotChoice& table,
                                 const std::string& where,
                                 Intake& intake,
                                 EntrySink& sink) {
    TRIBUTARY_TRY_VOID(snapshot_->engine().add(table.name, where, intake, sink));
    if (table.rows_estimate) {
        snapshot_->engine().estimate(table.name, *table.rows_estimate);
    }
    return success();
}

Result<void> SnapshotDriver::stop(const std::string& table, Intake& intake, EntrySink& sink) {
    TRIBUTARY_TRY_VOID(snapshot_->engine().remove(table, intake, sink));
    if (runs_ && snapshot_->finished()) {
        end(intake);
    }
    return success();
}

SnapshotStatus SnapshotDriver::status() const {
    return snapshot_ == nullptr ? SnapshotStatus{} : snapshot_->engine().status();
}

}  // namespace tributary::postgresql
