#include "connectors/postgresql/snapshot/snapshot.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/planted.h"
#include "connectors/postgresql/intake/uncarried_key.h"
#include "connectors/postgresql/snapshot/copy_text.h"
#include "connectors/postgresql/values/table_schema.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

using core::snapshot::ChunkBegin;
using core::snapshot::ChunkShape;

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

}  // namespace

Result<std::unique_ptr<Snapshot>> Snapshot::make(const SnapshotOptions& options,
                                                 const Surroundings& surroundings,
                                                 const SideReader& side,
                                                 std::optional<std::vector<RunTable>> begin) {
    TRIBUTARY_TRY(filter, TableFilter::make(options.filter));
    std::unique_ptr<Snapshot> snapshot(new Snapshot(options, surroundings, std::move(filter)));
    TRIBUTARY_TRY(
        engine,
        core::snapshot::Engine::make(options.engine,
                                     {*snapshot, surroundings.clock, surroundings.observer},
                                     side,
                                     std::move(begin)));
    snapshot->engine_ = std::move(engine);
    return snapshot;
}

Result<ChunkBegin> Snapshot::begin(const TableName& table) {
    TRIBUTARY_TRY(begun, reader_.begin(table.schema, table.table));
    seen_ = std::move(begun);
    if (!seen_.exists) {
        return ChunkBegin{.state = ChunkBegin::State::gone,
                          .why = "it was dropped, or has another name now"};
    }
    if (!seen_.published) {
        return ChunkBegin{.state = ChunkBegin::State::gone,
                          .why = "it was taken out of the publication"};
    }
    if (!all_seen()) {
        reader_.abandon();
        return ChunkBegin{.state = ChunkBegin::State::not_yet,
                          .waits_for = std::to_string(unseen_.size()) +
                                       " that were open when the agent connected, or that wait "
                                       "for a synchronous standby"};
    }
    const bool at_once = planted::is(planted::Bug::chunk_before_its_place);
    return ChunkBegin{.fingerprint = seen_.fingerprint,
                      .place = encode_resume(at_once ? Lsn() : seen_.place)};
}

// Whether the chunk sees every transaction that was appended before it.
bool Snapshot::all_seen() {
    if (!seen_.visible || planted::is(planted::Bug::plain_watermark)) {
        unseen_.clear();  // a standby shows everything that it has sent
        return true;
    }
    unseen_.erase(std::remove_if(unseen_.begin(),
                                 unseen_.end(),
                                 [this](std::uint32_t xid) { return seen_.visible->sees(xid); }),
                  unseen_.end());
    return unseen_.empty();
}

Result<ChunkShape> Snapshot::describe() {
    TRIBUTARY_TRY(facts, reader_.describe(seen_.oid));
    TRIBUTARY_TRY(catalogue, reader_.catalogue(seen_.oid));
    TRIBUTARY_TRY(table, make_snapshot_table(database_, facts, catalogue, filter_));
    table_ = std::move(table);
    columns_ = column_signature(table_.structure);
    if (!table_.uncarried_key.empty()) {
        warn_of_uncarried_key(
            observer_,
            source_,
            {table_.structure.schema + "." + table_.structure.table, table_.uncarried_key});
    }
    return ChunkShape{.structure = std::make_shared<const TableSchema>(table_.structure),
                      .key_columns = table_.order};
}

Result<void> Snapshot::ask(const core::snapshot::RowsWanted& wanted) {
    where_ = wanted.where;
    return reader_.ask(chunk_sql(table_, wanted.after, wanted.rows_max, wanted.where));
}

Result<void> Snapshot::rows(const OnRow& on_row) {
    const auto columns = static_cast<std::uint16_t>(table_.structure.columns.size());
    bool broken = false;
    std::string tuple;
    const auto read = reader_.rows([&](std::string_view line) {
        tuple.clear();
        broken = !append_copy_tuple(tuple, line, columns);
        return !broken && on_row(tuple);
    });
    if (!read) {
        return of_rows(read.error(), where_);
    }
    if (broken) {
        return Error(errors::kProtocolViolation,
                     "snapshot of " + engine_->current_name() + ": a row that is not one of COPY");
    }
    return success();
}

Result<void> Snapshot::part(std::uint64_t rows_max, std::string_view where, const OnRow& on_row) {
    std::string tuple;
    const auto read = reader_.part(
        whole_sql(table_, where),
        rows_max,
        [&](const std::vector<std::optional<std::string_view>>& cells) {
            tuple.clear();
            append_fixed(tuple, static_cast<std::uint16_t>(cells.size()), Endian::big);
            for (const auto& cell : cells) {
                tuple.push_back(static_cast<char>(cell ? CellKind::text : CellKind::null));
                if (cell) {
                    append_fixed(tuple, static_cast<std::uint32_t>(cell->size()), Endian::big);
                    tuple.append(*cell);
                }
            }
            return on_row(tuple);
        });
    return read ? Result<void>(success()) : of_rows(read.error(), where);
}

// A row with which the server could not compute: what it computes but values is conditions.
Error Snapshot::of_rows(const Error& error, std::string_view where) const {
    if (!error.is(errors::kValueUndecodable)) {
        return error;
    }
    if (!where.empty()) {
        return {errors::kSnapshotRefused,
                error.what() + "; the condition that was given fails for a row: give another one"};
    }
    if (!table_.facts.row_filter.empty()) {
        return {errors::kPublicationUnsuitable,
                error.what() + "; the table's row filter in the publication, WHERE " +
                    table_.facts.row_filter +
                    ", fails for a row: mend the row, or give the table a filter that takes every "
                    "row"};
    }
    return error;
}

void Snapshot::name_of(std::string_view row, std::string& name) const {
    name.clear();
    append_cells(name, tuple_of(row), table_.match_at);
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
    for (const std::size_t at : table_.order_at) {
        key.emplace_back(cells[at].bytes);
    }
    return key;
}

void Snapshot::on_begin(std::uint32_t xid, Lsn commit_lsn) {
    xid_ = xid;
    commit_lsn_ = commit_lsn;
}

bool Snapshot::sees_current() const {
    if (planted::is(planted::Bug::plain_watermark)) {
        return false;
    }
    return seen_.visible ? seen_.visible->sees(xid_) : commit_lsn_ < seen_.replayed;
}

// Whether the view may see the stream's transaction or not: of a standby nothing is known but its
// place before and after the view was made.
bool Snapshot::in_doubt() const {
    return !seen_.visible && commit_lsn_ < seen_.place;
}

bool Snapshot::wants(std::uint32_t relation) const {
    return engine_->holds() && relation == seen_.oid && !sees_current();
}

void Snapshot::on_row(std::string_view columns, const RowMessage& row) {
    if (columns != columns_) {
        engine_->spoil();
    }
    if (engine_->spoiled()) {
        return;
    }
    if (core::snapshot::ViewChanges* const whole = engine_->whole()) {
        say(row, *whole);
        return;
    }
    if (row.type == MessageType::insert) {
        return;  // it says nothing about a row that was there
    }
    const std::vector<std::size_t>& match = table_.match_at;
    const bool has_old = row.old_kind != OldTuple::none;
    name_.clear();
    append_cells(name_, has_old ? row.old_tuple : row.new_tuple, match);
    if (row.type == MessageType::remove || row.old_kind == OldTuple::full ||
        !leaves_out(row.new_tuple)) {
        engine_->held()->drop(name_);
        return;
    }
    const std::string_view current = engine_->held()->find(name_);
    if (current.empty()) {
        return;
    }
    new_name_.clear();
    append_cells(new_name_, row.new_tuple, match, has_old ? &row.old_tuple : nullptr);
    engine_->held()->replace(name_, new_name_, put_over(tuple_of(current), row.new_tuple));
}

// Of a table without a key: nothing but the whole old row names a row, which REPLICA IDENTITY FULL
// sends.
void Snapshot::say(const RowMessage& row, core::snapshot::ViewChanges& changes) {
    const bool has_old = row.type != MessageType::insert;
    const bool has_new = row.type != MessageType::remove;
    if (in_doubt() || (has_old && row.old_kind != OldTuple::full) ||
        (has_new && !engine_->unfiltered())) {
        engine_->spoil();
        return;
    }
    if (has_old) {
        name_.clear();
        append_cells(name_, row.old_tuple, table_.match_at);
        changes.drop(name_);
    }
    if (has_new) {
        std::string now = put_over(has_old ? row.old_tuple : row.new_tuple, row.new_tuple);
        name_of(now, name_);
        changes.add(name_, std::move(now));
    }
}

void Snapshot::on_truncate(std::uint32_t /*relation*/) {
    core::snapshot::ViewChanges* const whole = engine_->whole();
    if (whole != nullptr && in_doubt()) {
        engine_->spoil();
    } else if (whole != nullptr) {
        whole->drop_all();
    } else {
        engine_->held()->drop_all();
    }
}

void Snapshot::on_commit(bool selected) {
    if (!engine_->holds()) {
        // One that was suspected has come: it was not appended before.
        unseen_.erase(std::remove(unseen_.begin(), unseen_.end(), xid_), unseen_.end());
    }
    if (selected && !(engine_->holds() && sees_current())) {
        unseen_.push_back(xid_);
    }
}

}  // namespace tributary::postgresql
