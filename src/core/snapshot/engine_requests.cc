// What an operator asks of the engine, and what it tells (ports/snapshot.h).
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/snapshot/engine.h"
#include "core/snapshot/engine_parts.h"
#include "model/errors.h"

namespace tributary::core::snapshot {

Result<void> Engine::add(const TableName& name,
                         std::string where,
                         RowStream& stream,
                         EntrySink& sink) {
    TRIBUTARY_ASSERT(ready(stream));
    const bool under_way = std::any_of(
        tables_.begin(), tables_.end(), [&](const Table& table) { return table.name == name; });
    if (under_way) {
        return Error(errors::kSnapshotRefused,
                     "a snapshot of " + name.schema + "." + name.table + " is under way already");
    }
    if (tables_.empty()) {
        for (const std::string& key : stale_) {
            sink.erase_side(key);
        }
        stale_.clear();
        run_.rows = 0;
        tables_total_ = 0;
        since_ = clock_.now();
    }
    Table table{name, {}, {}};
    table.progress.ad_hoc = true;
    table.progress.where = std::move(where);
    sink.put_side(side_key(name), encode(table.progress));
    tables_.push_back(std::move(table));
    ++tables_total_;
    ever_ = true;
    write_run(stream, sink);
    stream.append_position(clock_.wall_time_us(), sink);
    observer_.log(LogLevel::info,
                  options_.source,
                  "snapshot of a table was asked for",
                  {{"table", name.schema + "." + name.table}});
    return success();
}

Result<void> Engine::remove(const std::string& name, RowStream& stream, EntrySink& sink) {
    TRIBUTARY_ASSERT(ready(stream));
    const auto meant = [&](const Table& table) {
        return name.empty() || table.name.schema + "." + table.name.table == name;
    };
    if (std::none_of(tables_.begin(), tables_.end(), meant)) {
        return Error(errors::kSnapshotRefused,
                     name.empty() ? std::string("no snapshot is under way")
                                  : "no snapshot of \"" + name + "\" is under way");
    }
    if (meant(tables_.front())) {
        if (whole_) {
            TRIBUTARY_TRY_VOID(Spool::erase(side_, sink));
        }
        drop_chunk();
        rows_next_ = std::min(kFirstChunkRows, options_.chunk_rows_max);
    }
    for (const Table& table : tables_) {
        if (meant(table)) {
            sink.erase_side(side_key(table.name));
            observer_.log(LogLevel::warn,
                          options_.source,
                          withholds(table.name.schema + "." + table.name.table)
                              ? "snapshot of a table without a key was stopped: none of its rows "
                                "and of its changes until now is delivered"
                              : "snapshot of a table was stopped: the rest of its rows is not "
                                "delivered",
                          {{"table", table.name.schema + "." + table.name.table},
                           {"rows", std::to_string(table.progress.rows)}});
        }
    }
    std::erase_if(tables_, meant);
    find_withheld();
    since_ = clock_.now();
    write_run(stream, sink);
    stream.append_position(clock_.wall_time_us(), sink);
    return success();
}

SnapshotStatus Engine::status() const {
    SnapshotStatus status;
    status.state = !finished() ? SnapshotState::running
                   : ever_     ? SnapshotState::complete
                               : SnapshotState::none;
    status.tables_total = static_cast<std::uint32_t>(tables_total_);
    status.rows = run_.rows;
    for (const Table& table : tables_) {
        const bool filtered = !table.progress.where.empty();
        status.tables.push_back({.name = table.name.schema + "." + table.name.table,
                                 .rows = table.progress.rows,
                                 .rows_estimate = filtered ? std::nullopt : table.estimate,
                                 .ad_hoc = table.progress.ad_hoc,
                                 .where = table.progress.where});
    }
    return status;
}

void Engine::estimate(const TableName& name, std::uint64_t rows) {
    for (Table& table : tables_) {
        if (table.name == name) {
            table.estimate = rows;
        }
    }
}

}  // namespace tributary::core::snapshot
