// MysqlSource, the part about snapshots: what is asked of the server for them in SQL.
#include <utility>

#include "connectors/mysql/position.h"
#include "connectors/mysql/snapshot/snapshot_checks.h"
#include "connectors/mysql/source.h"
#include "model/errors.h"

namespace tributary::mysql {

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

Result<void> MysqlSource::open_snapshots(const ServerFacts& facts,
                                         const ResumePoint& from,
                                         const SideReader& side) {
    chunks_.use(facts.kind, chunk_rule(facts.kind, from.by_gtid));
    Place appended_below;
    if (facts.kind == ServerKind::mariadb && from.by_gtid) {
        // Its GTIDs do not tell where in the binlog they are.
        TRIBUTARY_TRY(session, sql());
        TRIBUTARY_TRY(now, current_position(*session, facts, GtidMode::off));
        appended_below = std::move(now.next);
    }
    return driver_.open({.facts = facts,
                         .from = from,
                         .fresh = fresh_,
                         .tables = [&] { return tables_of_run(facts); },
                         .appended_below = std::move(appended_below)},
                        side,
                        *intake_);
}

Result<bool> MysqlSource::start(const SnapshotRequest& request, EntrySink& sink) {
    if (!stream_ || !driver_.ready(*intake_)) {
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
    TRIBUTARY_TRY_VOID(driver_.ask(table, request.where, *intake_, sink));
    return true;
}

Result<bool> MysqlSource::stop(const std::string& table, EntrySink& sink) {
    if (!stream_ || !driver_.ready(*intake_)) {
        return false;
    }
    TRIBUTARY_TRY_VOID(driver_.stop(table, *intake_, sink));
    return true;
}

}  // namespace tributary::mysql
