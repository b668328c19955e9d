#include "connectors/postgresql/snapshot.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "connectors/postgresql/copy_text.h"
#include "connectors/postgresql/table_schema.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using core::snapshot::Placement;
using core::snapshot::RunState;
using core::snapshot::TableProgress;
using std::chrono::milliseconds;

// A group of rows lies in one block of the log, with what it costs there beside the payload.
constexpr std::size_t kGroupBytes = 32U << 10U;
constexpr std::size_t kRowOverheadBytes = 48;
constexpr std::size_t kContextBytes = 128;
// A table without a key cannot be gone on with after a kill: all of it is one group.
constexpr std::size_t kKeylessBytes = 56U << 10U;
constexpr std::uint64_t kGrowthMax = 8;  // of a chunk over the one before
constexpr milliseconds kUnseenRetry{2};
constexpr milliseconds kKeepaliveRetry{5};
constexpr milliseconds kErrorRetry{2000};
constexpr std::size_t kScanRows = 256;
constexpr std::uint64_t kFirstChunkRows = 1024;

bool leaves_out(const Tuple& tuple) {
    CellReader cells(tuple);
    Cell cell;
    while (cells.next(cell)) {
        if (cell.kind == CellKind::unchanged) {
            return true;
        }
    }
    return false;
}

std::string side_key(const TableName& name) {
    return std::string(core::snapshot::kTablePrefix) + name.schema + std::string(1, '\0') +
           name.table;
}

// The schema's own name may have dots; it is known from the list of tables, not from the key.
std::optional<TableName> name_in(std::string_view key) {
    key.remove_prefix(core::snapshot::kTablePrefix.size());
    const auto dot = key.find('\0');
    if (dot == std::string_view::npos) {
        return std::nullopt;
    }
    return TableName{std::string(key.substr(0, dot)), std::string(key.substr(dot + 1))};
}

}  // namespace

struct Snapshot::Group {
    std::vector<Placement::Row> rows;
    std::size_t bytes = kContextBytes;
    std::size_t live = 0;
};

Snapshot::Snapshot(SnapshotOptions options, const Surroundings& surroundings, TableFilter filter)
    : options_(std::move(options)),
      reader_(surroundings.reader),
      clock_(surroundings.clock),
      observer_(surroundings.observer),
      filter_(std::move(filter)),
      rows_next_(std::min(kFirstChunkRows, options_.chunk_rows_max)) {}

Result<std::unique_ptr<Snapshot>> Snapshot::make(SnapshotOptions options,
                                                 const Surroundings& surroundings,
                                                 const SideReader& side,
                                                 std::optional<std::vector<TableName>> begin,
                                                 std::vector<std::uint32_t> suspects) {
    TRIBUTARY_TRY(filter, TableFilter::make(options.filter));
    std::unique_ptr<Snapshot> snapshot(
        new Snapshot(std::move(options), surroundings, std::move(filter)));
    TRIBUTARY_TRY(stored, side.get(core::snapshot::kRunKey));
    if (stored) {
        TRIBUTARY_TRY(run, core::snapshot::parse_run(*stored));
        snapshot->run_ = run;
    }
    const bool goes_on = stored && snapshot->run_.state == RunState::running;
    if (!goes_on && !begin) {
        return std::unique_ptr<Snapshot>();
    }
    snapshot->registered_ = goes_on;
    TRIBUTARY_TRY_VOID(
        snapshot->load(side, goes_on ? std::vector<TableName>() : std::move(*begin)));
    snapshot->unseen_ = std::move(suspects);
    snapshot->since_ = surroundings.clock.now();
    return snapshot;
}

// The tables of the run under way, or those of a new one and what is left of an earlier one.
Result<void> Snapshot::load(const SideReader& side, std::vector<TableName> begin) {
    for (TableName& name : begin) {
        tables_.push_back({std::move(name), {}});
    }
    std::string after;
    for (;;) {
        TRIBUTARY_TRY(entries, side.scan(core::snapshot::kTablePrefix, after, kScanRows));
        for (const SideEntry& entry : entries) {
            if (!registered_) {
                stale_.push_back(entry.key);
                continue;
            }
            TRIBUTARY_TRY(progress, core::snapshot::parse_table(entry.value));
            const auto name = name_in(entry.key);
            if (!name) {
                return Error(errors::kLogCorrupt, "the snapshot's progress names no table");
            }
            if (!progress.done) {
                tables_.push_back({*name, std::move(progress)});
            }
        }
        if (entries.size() < kScanRows) {
            break;
        }
        after = entries.back().key;
    }
    // One that was begun is finished first.
    std::stable_partition(tables_.begin(), tables_.end(), [](const Table& table) {
        return !table.progress.last_key.empty();
    });
    return success();
}

std::string Snapshot::current_name() const {
    return tables_.front().name.schema + "." + tables_.front().name.table;
}

Result<void> Snapshot::step(Intake& intake, EntrySink& sink) {
    if (finished() || intake.in_transaction()) {
        return success();
    }
    intake.in_snapshot(true);
    if (!registered_) {
        register_run(intake, sink);
        return success();
    }
    if (held_ && held_->stale) {
        held_.reset();
        shape_.reset();
    }
    if (held_) {
        if (due(intake)) {
            append(intake, sink);
        }
        return success();
    }
    if (tables_.empty() || !intake.past_start() || sink.full() || clock_.now() < retry_at_) {
        return success();
    }
    return read_chunk(intake, sink);
}

// Makes the run and its tables known before anything of the stream is appended: a pipeline that
// has events and no run has had its snapshot.
void Snapshot::register_run(Intake& intake, EntrySink& sink) {
    registered_ = true;
    run_.rows = 0;
    run_.state = tables_.empty() ? RunState::done : RunState::running;
    for (const std::string& key : stale_) {
        sink.erase_side(key);
    }
    stale_.clear();
    for (const Table& table : tables_) {
        sink.put_side(side_key(table.name), core::snapshot::encode(table.progress));
    }
    sink.put_side(core::snapshot::kRunKey, core::snapshot::encode(run_));
    intake.in_snapshot(run_.state == RunState::running);
    intake.append_position(clock_.wall_time_us(), sink);
    observer_.log(LogLevel::info,
                  options_.source,
                  "snapshot begins",
                  {{"tables", std::to_string(tables_.size())}});
}

Result<void> Snapshot::read_chunk(Intake& intake, EntrySink& sink) {
    BegunChunk seen;
    const auto begun = begin_chunk(seen, intake, sink);
    if (!begun) {
        reader_.abandon();
        return postpone(begun.error());
    }
    if (!begun.value()) {
        return success();
    }
    Held held{.seen = std::move(seen),
              .place = {},
              .read_time_us = clock_.wall_time_us(),
              .placement = Placement([this](std::string_view row, std::string& key) {
                  key.clear();
                  append_cells(key, tuple_of(row), shape_->table.match_at);
              })};
    auto read = read_rows(held);
    if (!read) {
        reader_.abandon();
        return postpone(read.error());
    }
    const auto ended = reader_.end();
    if (!ended) {
        reader_.abandon();
        return postpone(ended.error());
    }
    held.place = ended.value();
    held_.emplace(std::move(held));
    retries_ = 0;
    return success();
}

// false: not now, or there is no such table any more.
Result<bool> Snapshot::begin_chunk(BegunChunk& seen, Intake& intake, EntrySink& sink) {
    const Table& table = tables_.front();
    TRIBUTARY_TRY(begun, reader_.begin(table.name.schema, table.name.table));
    seen = std::move(begun);
    if (!seen.exists) {
        finish_table(intake, sink, "table was dropped during its snapshot");
        return false;
    }
    if (!all_seen(seen)) {
        reader_.abandon();
        retry_at_ = clock_.now() + kUnseenRetry;
        if (++retries_ == 5000) {
            observer_.log(LogLevel::warn,
                          options_.source,
                          "the snapshot waits for transactions that were open when the agent "
                          "connected, or that wait for a synchronous standby",
                          {{"transactions", std::to_string(unseen_.size())}});
        }
        return false;
    }
    TRIBUTARY_TRY_VOID(shape(seen, sink));
    return true;
}

// Whether the chunk sees every transaction that was appended before it.
bool Snapshot::all_seen(const BegunChunk& seen) {
    if (!seen.visible) {
        unseen_.clear();  // a standby shows everything that it has sent
        return true;
    }
    unseen_.erase(std::remove_if(unseen_.begin(),
                                 unseen_.end(),
                                 [&seen](std::uint32_t xid) { return seen.visible->sees(xid); }),
                  unseen_.end());
    return unseen_.empty();
}

Result<void> Snapshot::shape(const BegunChunk& seen, EntrySink& sink) {
    if (shape_ && shape_->fingerprint == seen.fingerprint) {
        return success();
    }
    TRIBUTARY_TRY(facts, reader_.describe(seen.oid));
    TRIBUTARY_TRY(catalogue, reader_.catalogue(seen.oid));
    TRIBUTARY_TRY(table, make_snapshot_table(options_.database, facts, catalogue, filter_));
    const SchemaId id = sink.intern(std::make_shared<const TableSchema>(table.structure));
    std::string columns = column_signature(table.structure);
    shape_ = Shape{std::move(table), id, seen.fingerprint, std::move(columns)};
    if (!shape_->table.plain_order) {
        return Error(errors::kSnapshotKeyMissing,
                     "table " + current_name() +
                         " has a key of an extension's type, whose order "
                         "is not built in");
    }
    TableProgress& progress = tables_.front().progress;
    if (progress.key_columns != shape_->table.order) {
        if (!progress.last_key.empty()) {
            observer_.log(LogLevel::warn,
                          options_.source,
                          "the table's key was changed during its snapshot: it is read again from "
                          "its beginning",
                          {{"table", current_name()}});
        }
        progress.last_key.clear();
        progress.key_columns = shape_->table.order;
    }
    return success();
}

Result<void> Snapshot::read_rows(Held& held) {
    const bool keyless = shape_->table.order.empty();
    const auto columns = static_cast<std::uint16_t>(shape_->table.structure.columns.size());
    // One row more than wanted tells whether there are more.
    const std::uint64_t wanted =
        keyless ? std::numeric_limits<std::int64_t>::max() - 1 : rows_next_;
    std::optional<Error> failed;
    std::string tuple;
    TRIBUTARY_TRY_VOID(reader_.rows(
        chunk_sql(shape_->table, tables_.front().progress.last_key, wanted + 1),
        [&](std::string_view line) {
            const std::size_t count = held.placement.count();
            if (count == wanted) {
                held.more = true;  // the last line that was asked for
                return true;
            }
            if (count > 0 && held.placement.bytes() >= 2 * options_.chunk_bytes) {
                held.more = true;
                return false;
            }
            tuple.clear();
            if (!append_copy_tuple(tuple, line, columns)) {
                failed = Error(errors::kProtocolViolation,
                               "snapshot of " + current_name() + ": a row that is not one of COPY");
            } else if (tuple.size() > options_.row_bytes_max) {
                failed =
                    Error(errors::kRowTooLarge,
                          "a row of " + current_name() + " has " + std::to_string(tuple.size()) +
                              " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max));
            } else if (keyless && count > 0 &&
                       held.placement.bytes() + tuple.size() + (count + 1) * kRowOverheadBytes >
                           kKeylessBytes) {
                held.more = true;
                return false;
            } else {
                held.placement.add(tuple);
            }
            return !failed;
        }));
    if (failed) {
        return *failed;
    }
    if (keyless && held.more) {
        return Error(errors::kSnapshotKeyMissing,
                     "table " + current_name() + " has no key that is published, and more than " +
                         std::to_string(kKeylessBytes >> 10U) + " KiB of rows");
    }
    return success();
}

milliseconds Snapshot::patience(const Intake& intake, milliseconds wait) const {
    if (finished() || intake.in_transaction()) {
        return wait;
    }
    if (held_ || !intake.past_start()) {
        return due(intake) ? milliseconds(0) : std::min(wait, kKeepaliveRetry);
    }
    const auto left = std::chrono::ceil<milliseconds>(retry_at_ - clock_.now());
    return std::clamp(left, milliseconds(0), wait);
}

// The stream goes on whatever happens to the reader's own connection.
Result<void> Snapshot::postpone(const Error& error) {
    if (!error.transient()) {
        return error.at("snapshot of " + current_name());
    }
    observer_.log(LogLevel::warn,
                  options_.source,
                  "a chunk of the snapshot could not be read; it is tried again",
                  {{"table", current_name()}, {"error", error.what()}});
    retry_at_ = clock_.now() + kErrorRetry;
    rows_next_ = std::max<std::uint64_t>(rows_next_ / 4, 1);  // it may have taken too long
    shape_.reset();
    return success();
}

void Snapshot::append(Intake& intake, EntrySink& sink) {
    if (held_->placement.at_end()) {  // nothing was read
        if (!held_->more) {
            finish_table(intake, sink, "table taken over");
        }
        finish_chunk();
        return;
    }
    while (!sink.full() && !held_->placement.at_end()) {
        append_group(intake, sink);
    }
    if (held_->placement.at_end()) {
        finish_chunk();
    }
}

void Snapshot::append_group(Intake& intake, EntrySink& sink) {
    Placement& placement = held_->placement;
    TableProgress& progress = tables_.front().progress;
    const std::size_t bytes_max = shape_->table.order.empty() ? SIZE_MAX : kGroupBytes;
    Group group;
    std::vector<SnapshotMarker> markers;
    while (!placement.at_end()) {
        const Placement::Row row = placement.peek();
        const std::size_t cost = row.current.empty() ? 0 : row.current.size() + kRowOverheadBytes;
        if (group.live > 0 && group.bytes + cost > bytes_max) {
            break;
        }
        if (!row.current.empty()) {
            markers.push_back(marker(!held_->more && placement.left() == 1));
            ++progress.rows;
            ++run_.rows;
            ++run_.rows_ever;
            ++group.live;
            group.bytes += cost;
        }
        group.rows.push_back(row);
        placement.pop();
    }
    progress.last_key = key_of(group.rows.back().read);
    const std::int64_t now_us = clock_.wall_time_us();
    const bool last = placement.at_end() && !held_->more;
    if (group.live == 0) {
        if (last) {
            finish_table(intake, sink, "table taken over");
        } else {
            write_progress(intake, sink);
            intake.append_position(now_us, sink);
        }
        return;
    }
    sink.keep_together(group.bytes);
    const std::uint64_t first_ordinal = run_.rows_ever - group.live + 1;
    const SchemaId schema = shape_->schema_id;
    if (last) {
        progress.done = true;
        run_.state = tables_.size() == 1 ? RunState::done : RunState::running;
    }
    write_progress(intake, sink);
    intake.begin_rows(held_->read_time_us, now_us, sink);
    std::size_t at = 0;
    for (const Placement::Row& row : group.rows) {
        if (!row.current.empty()) {
            intake.append_row(schema,
                              static_cast<std::uint32_t>(first_ordinal + at),
                              markers[at],
                              row.current,
                              sink);
            ++at;
        }
    }
    intake.end_rows(now_us, sink);
    if (last) {
        finish_table(intake, sink, "table taken over");
    }
}

void Snapshot::write_progress(Intake& intake, EntrySink& sink) {
    intake.in_snapshot(run_.state == RunState::running);
    const Table& table = tables_.front();
    sink.put_side(side_key(table.name), core::snapshot::encode(table.progress));
    sink.put_side(core::snapshot::kRunKey, core::snapshot::encode(run_));
}

void Snapshot::finish_table(Intake& intake, EntrySink& sink, std::string_view how) {
    TableProgress& progress = tables_.front().progress;
    if (!progress.done) {  // no row of it is left to say so
        progress.done = true;
        run_.state = tables_.size() == 1 ? RunState::done : RunState::running;
        write_progress(intake, sink);
        intake.append_position(clock_.wall_time_us(), sink);
    }
    const auto elapsed = std::chrono::duration_cast<milliseconds>(clock_.now() - since_).count();
    observer_.log(LogLevel::info,
                  options_.source,
                  how,
                  {{"table", current_name()},
                   {"rows", std::to_string(progress.rows)},
                   {"ms", std::to_string(elapsed)}});
    tables_.erase(tables_.begin());
    since_ = clock_.now();
    rows_next_ = std::min(kFirstChunkRows, options_.chunk_rows_max);
    if (!held_) {
        shape_.reset();
    }
    if (tables_.empty()) {
        observer_.log(LogLevel::info,
                      options_.source,
                      "snapshot complete",
                      {{"rows", std::to_string(run_.rows)}});
    }
}

void Snapshot::finish_chunk() {
    const Placement& placement = held_->placement;
    if (placement.count() > 0) {
        const std::uint64_t fit =
            options_.chunk_bytes * placement.count() / std::max<std::size_t>(placement.bytes(), 1);
        rows_next_ = std::clamp<std::uint64_t>(
            fit, 1, std::min(options_.chunk_rows_max, rows_next_ * kGrowthMax));
    }
    const bool ended = !held_->more;
    held_.reset();
    if (ended) {
        shape_.reset();
        rows_next_ = std::min(kFirstChunkRows, options_.chunk_rows_max);
    }
}

// Debezium's words, in its order of precedence.
SnapshotMarker Snapshot::marker(bool last_of_table) const {
    if (last_of_table && tables_.size() == 1) {
        return SnapshotMarker::last;
    }
    if (run_.rows == 0) {
        return SnapshotMarker::first;
    }
    if (last_of_table) {
        return SnapshotMarker::last_in_table;
    }
    return tables_.front().progress.rows == 0 ? SnapshotMarker::first_in_table
                                              : SnapshotMarker::middle;
}

std::vector<std::string> Snapshot::key_of(std::string_view row) const {
    std::vector<std::string> key;
    std::vector<Cell> cells;
    const Tuple tuple = tuple_of(row);
    CellReader reader(tuple);
    Cell cell;
    while (reader.next(cell)) {
        cells.push_back(cell);
    }
    for (const std::size_t at : shape_->table.order_at) {
        key.emplace_back(cells[at].bytes);
    }
    return key;
}

void Snapshot::on_begin(std::uint32_t xid, Lsn commit_lsn) {
    xid_ = xid;
    commit_lsn_ = commit_lsn;
}

bool Snapshot::sees_current() const {
    return held_->seen.visible ? held_->seen.visible->sees(xid_)
                               : commit_lsn_ < held_->seen.replayed;
}

bool Snapshot::wants(std::uint32_t relation) const {
    return held_ && relation == held_->seen.oid && !sees_current();
}

void Snapshot::on_row(std::string_view columns, const RowMessage& row) {
    if (columns != shape_->columns) {
        held_->stale = true;
    }
    if (held_->stale || row.type == MessageType::insert) {
        return;  // an insert says nothing about a row that was there
    }
    const std::vector<std::size_t>& match = shape_->table.match_at;
    const bool has_old = row.old_kind != OldTuple::none;
    name_.clear();
    append_cells(name_, has_old ? row.old_tuple : row.new_tuple, match);
    if (row.type == MessageType::remove || row.old_kind == OldTuple::full ||
        !leaves_out(row.new_tuple)) {
        held_->placement.drop(name_);
        return;
    }
    const std::string_view current = held_->placement.find(name_);
    if (current.empty()) {
        return;
    }
    new_name_.clear();
    append_cells(new_name_, row.new_tuple, match, has_old ? &row.old_tuple : nullptr);
    held_->placement.replace(name_, new_name_, put_over(tuple_of(current), row.new_tuple));
}

void Snapshot::on_truncate(std::uint32_t /*relation*/) {
    held_->placement.drop_all();
}

void Snapshot::on_commit(bool selected) {
    if (!held_) {
        // One that was suspected has come: it was not appended before.
        unseen_.erase(std::remove(unseen_.begin(), unseen_.end(), xid_), unseen_.end());
    }
    if (selected && !(held_ && sees_current())) {
        unseen_.push_back(xid_);
    }
}

}  // namespace tributary::postgresql
