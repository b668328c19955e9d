#include "connectors/mysql/snapshot/snapshot_driver.h"

#include <optional>
#include <utility>

#include "connectors/mysql/snapshot/snapshot_checks.h"
#include "core/snapshot/engine.h"
#include "model/errors.h"

namespace tributary::mysql {

using std::chrono::milliseconds;

ChunkRule chunk_rule(ServerKind kind, bool by_gtid) {
    if (kind == ServerKind::mariadb) {
        return ChunkRule::exactly;
    }
    return by_gtid ? ChunkRule::gtids : ChunkRule::place;
}

Result<void> SnapshotDriver::miss(const Error& error) {
    if (with_.options.snapshot != SnapshotMode::when_needed || !error.is(errors::kSourceGap)) {
        return error;
    }
    missed_ = error.what();
    with_.observer.add(Counter::source_gaps, with_.options.name, 1);
    with_.observer.log(LogLevel::warn,
                       with_.options.name,
                       "the server no longer has all changes: a snapshot makes good what is there; "
                       "rows deleted meanwhile are not told",
                       {{"why", missed_}});
    return success();
}

// A log that was lost in the middle of a snapshot: how far it was is lost too.
Result<bool> SnapshotDriver::lost(const ResumePoint& from, const SideReader& side) const {
    TRIBUTARY_TRY(run, side.get(core::snapshot::kRunKey));
    if (with_.options.snapshot == SnapshotMode::no_data || !from.in_snapshot || run) {
        return false;
    }
    with_.observer.log(LogLevel::warn,
                       with_.options.name,
                       "the log that knew how far the snapshot was is lost: it begins again");
    return true;
}

Result<void> SnapshotDriver::open(const Opening& opening, const SideReader& side, Intake& intake) {
    const Options& options = with_.options;
    TRIBUTARY_TRY(lost, this->lost(opening.from, side));
    std::optional<std::vector<Snapshot::RunTable>> begin;
    if (begins_snapshot(options.snapshot, opening.fresh || lost, begun_)) {
        TRIBUTARY_TRY_VOID(verify_snapshot(opening.facts, opening.from.by_gtid));
        TRIBUTARY_TRY(tables, opening.tables());
        begin = std::move(tables);
    }
    TRIBUTARY_TRY(snapshot,
                  Snapshot::make({.source = options.name,
                                  .server = opening.facts.kind,
                                  .rule = chunk_rule(opening.facts.kind, opening.from.by_gtid),
                                  .filter = options.tables,
                                  .row_bytes_max = options.row_bytes_max,
                                  .chunk_rows_max = options.snapshot_chunk_rows,
                                  .keyless_bytes_max = options.snapshot_keyless_bytes,
                                  .ad_hoc_only = options.snapshot == SnapshotMode::no_data,
                                  .anew = missed(),
                                  .appended_below = opening.appended_below},
                                 {with_.reader, intake, with_.clock, with_.observer},
                                 side,
                                 std::move(begin)));
    snapshot_ = std::move(snapshot);
    begun_ = true;
    runs_ = !snapshot_->finished();
    intake.watch(runs_ ? snapshot_.get() : nullptr);
    return success();
}

void SnapshotDriver::close() {
    snapshot_.reset();
    runs_ = false;
    with_.reader.close();
}

Result<void> SnapshotDriver::step(Intake& intake, EntrySink& sink) {
    if (!runs_) {
        return success();
    }
    snapshot_->engine().allow(allowed_rows_);
    // Its run is in the log before anything else is.
    TRIBUTARY_TRY_VOID(snapshot_->step(sink));
    missed_.clear();
    if (snapshot_->finished()) {
        end(intake);
    }
    return success();
}

Result<bool> SnapshotDriver::on_event(EntrySink& sink) {
    if (!runs_ || !snapshot_->due()) {
        return true;
    }
    TRIBUTARY_TRY_VOID(snapshot_->step(sink));
    return !stops_stream();
}

bool SnapshotDriver::stops_stream() const {
    return complete() || (runs_ && snapshot_->engine().holds_stream());
}

milliseconds SnapshotDriver::patience(milliseconds wait) const {
    return runs_ ? snapshot_->patience(wait) : wait;
}

void SnapshotDriver::end(Intake& intake) {
    intake.watch(nullptr);
    runs_ = false;
    with_.reader.close();
}

bool SnapshotDriver::complete() const {
    return with_.options.snapshot == SnapshotMode::initial_only && snapshot_ != nullptr &&
           snapshot_->finished();
}

bool SnapshotDriver::ready(Intake& intake) const {
    return snapshot_ != nullptr && snapshot_->engine().ready(intake.snapshot_rows());
}

Result<void> SnapshotDriver::ask(const core::snapshot::TableName& table,
                                 const std::string& where,
                                 Intake& intake,
                                 EntrySink& sink) {
    TRIBUTARY_TRY_VOID(snapshot_->engine().add(table, where, intake.snapshot_rows(), sink));
    runs_ = true;
    intake.watch(snapshot_.get());
    return success();
}

Result<void> SnapshotDriver::stop(const std::string& table, Intake& intake, EntrySink& sink) {
    TRIBUTARY_TRY_VOID(snapshot_->engine().remove(table, intake.snapshot_rows(), sink));
    if (runs_ && snapshot_->finished()) {
        end(intake);
    }
    return success();
}

SnapshotStatus SnapshotDriver::status() const {
    return snapshot_ == nullptr ? SnapshotStatus{} : snapshot_->engine().status();
}

}  // namespace tributary::mysql
