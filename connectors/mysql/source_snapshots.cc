// MysqlSource, the part about snapshots: when one begins, what an operator asks for, and what the
// stream waits for meanwhile.
#include <utility>

#include "connectors/mysql/position.h"
#include "connectors/mysql/snapshot/snapshot_checks.h"
#include "connectors/mysql/source.h"
#include "model/errors.h"

namespace tributary::mysql {

using std::chrono::milliseconds;

// The server no longer has what follows our position: an error, save where a snapshot is to make it
// good.
Result<void> MysqlSource::miss(const Error& error) {
    if (options_.snapshot != SnapshotMode::when_needed || !error.is(errors::kSourceGap)) {
        return error;
    }
    missed_ = error.what();
    observer_.add(Counter::source_gaps, options_.name, 1);
    observer_.log(LogLevel::warn,
                  options_.name,
                  "the server no longer has all changes: a snapshot makes good what is there; rows "
                  "deleted meanwhile are not told",
                  {{"why", missed_}});
    return success();
}

Result<std::vector<Snapshot::RunTable>> MysqlSource::tables_of_run(const ServerFacts& facts) {
    TRIBUTARY_TRY(filter, TableFilter::make(options_.tables));
    TRIBUTARY_TRY(session, sql());
    TRIBUTARY_TRY(selection, selected_tables(*session, filter));
    TRIBUTARY_TRY(tables, snapshot_tables(selection, facts.user));
    if (tables.empty()) {
        observer_.log(LogLevel::warn,
                      options_.name,
                      "the snapshot is empty: the account sees no table that is selected; GRANT "
                      "SELECT on those whose rows are wanted",
                      {{"account", facts.user}});
    }
    return std::move(tables);
}

// Goes on with a snapshot, or begins one where the mode wants it.
Result<void> MysqlSource::begin_snapshot(const ServerFacts& facts,
                                         const ResumePoint& from,
                                         const SideReader& side) {
    // A log that was lost in the middle of a snapshot: how far it was is lost too.
    TRIBUTARY_TRY(run, side.get(core::snapshot::kRunKey));
    const bool lost = options_.snapshot != SnapshotMode::no_data && from.in_snapshot && !run;
    if (lost) {
        observer_.log(LogLevel::warn,
                      options_.name,
                      "the log that knew how far the snapshot was is lost: it begins again");
    }
    const bool maria = facts.kind == ServerKind::mariadb;
    const ChunkRule rule = maria          ? ChunkRule::exactly
                           : from.by_gtid ? ChunkRule::gtids
                                          : ChunkRule::place;
    chunks_.use(facts.kind, rule);
    std::optional<std::vector<Snapshot::RunTable>> begin;
    if (begins_snapshot(options_.snapshot, fresh_ || lost, snapshot_begun_)) {
        TRIBUTARY_TRY_VOID(verify_snapshot(facts, from.by_gtid));
        TRIBUTARY_TRY(tables, tables_of_run(facts));
        begin = std::move(tables);
    }
    Place appended_below;
    if (maria && from.by_gtid) {  // its GTIDs do not tell where in the binlog they are
        TRIBUTARY_TRY(session, sql());
        TRIBUTARY_TRY(now, current_position(*session, facts, GtidMode::off));
        appended_below = std::move(now.next);
    }
    TRIBUTARY_TRY(snapshot,
                  Snapshot::make({.source = options_.name,
                                  .server = facts.kind,
                                  .rule = rule,
                                  .filter = options_.tables,
                                  .row_bytes_max = options_.row_bytes_max,
                                  .chunk_rows_max = options_.snapshot_chunk_rows,
                                  .keyless_bytes_max = options_.snapshot_keyless_bytes,
                                  .ad_hoc_only = options_.snapshot == SnapshotMode::no_data,
                                  .anew = !missed_.empty(),
                                  .appended_below = std::move(appended_below)},
                                 {chunks_, *intake_, clock_, observer_},
                                 side,
                                 std::move(begin)));
    snapshot_ = std::move(snapshot);
    snapshot_begun_ = true;
    snapshot_runs_ = !snapshot_->finished();
    intake_->watch(snapshot_runs_ ? snapshot_.get() : nullptr);
    return success();
}

Result<void> MysqlSource::step_snapshot(EntrySink& sink, milliseconds& wait) {
    if (!snapshot_runs_) {
        return success();
    }
    snapshot_->engine().allow(allowed_rows_);
    // Its run is in the log before anything else is.
    TRIBUTARY_TRY_VOID(snapshot_->step(sink));
    missed_.clear();
    if (snapshot_->finished()) {
        end_snapshot();
        return success();
    }
    wait = snapshot_->patience(wait);
    return success();
}

// Rows have to come before anything more is taken from the stream.
bool MysqlSource::stops_stream() const {
    return snapshot_runs_ && snapshot_->engine().holds_stream();
}

void MysqlSource::end_snapshot() {
    intake_->watch(nullptr);
    snapshot_runs_ = false;
    chunks_.close();
}

bool MysqlSource::complete() const {
    return options_.snapshot == SnapshotMode::initial_only && snapshot_ != nullptr &&
           snapshot_->finished();
}

Result<bool> MysqlSource::start(const SnapshotRequest& request, EntrySink& sink) {
    if (!stream_ || snapshot_ == nullptr || !snapshot_->engine().ready(intake_->snapshot_rows())) {
        return false;
    }
    TRIBUTARY_TRY(filter, TableFilter::make(options_.tables));
    TRIBUTARY_TRY(session, sql());
    TRIBUTARY_TRY(facts, read_facts(*session));
    TRIBUTARY_TRY_VOID(verify_snapshot(facts, intake_->position().by_gtid));
    TRIBUTARY_TRY(table, find_snapshot_table(*session, filter, request.table, facts.user));
    if (!request.where.empty()) {
        TRIBUTARY_TRY_VOID(verify_condition(*session, table, request.where));
    }
    TRIBUTARY_TRY_VOID(
        snapshot_->engine().add(table, request.where, intake_->snapshot_rows(), sink));
    snapshot_runs_ = true;
    intake_->watch(snapshot_.get());
    return true;
}

Result<bool> MysqlSource::stop(const std::string& table, EntrySink& sink) {
    if (!stream_ || snapshot_ == nullptr || !snapshot_->engine().ready(intake_->snapshot_rows())) {
        return false;
    }
    TRIBUTARY_TRY_VOID(snapshot_->engine().remove(table, intake_->snapshot_rows(), sink));
    if (snapshot_runs_ && snapshot_->finished()) {
        end_snapshot();
    }
    return true;
}

SnapshotStatus MysqlSource::status() const {
    return snapshot_ == nullptr ? SnapshotStatus{} : snapshot_->engine().status();
}

}  // namespace tributary::mysql
