#include "connectors/mysql/snapshot/snapshot.h"

#include <algorithm>

#include "base/planted.h"
#include "connectors/mysql/place_bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

using core::snapshot::ChunkBegin;
using core::snapshot::ChunkShape;
using core::snapshot::Placement;

// A name for each structure of each table that had changes while a chunk was held.
constexpr std::size_t kShapesMax = 4096;

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
    if (!all_seen()) {
        reader_.abandon();
        return ChunkBegin{
            .state = ChunkBegin::State::not_yet,
            .waits_for = seen_.executed
                             ? intake_.position().executed.minus(*seen_.executed).to_string()
                             : "beyond " + to_string(seen_.place)};
    }
    if (name_ != table) {
        shapes_.clear();
    }
    name_ = table;
    const bool waits = !planted::is(planted::Bug::mysql_chunk_before_its_place);
    return ChunkBegin{.fingerprint = seen_.fingerprint,
                      .place = place_bytes(waits ? seen_.ends : Place{})};
}

// Whether the chunk sees every transaction that was appended before it.
bool Snapshot::all_seen() const {
    if (planted::is(planted::Bug::mysql_plain_watermark)) {
        return true;
    }
    if (options_.rule == ChunkRule::gtids) {
        return seen_.executed && seen_.executed->contains(intake_.position().executed);
    }
    const auto reaches = [this](const Place& place) {
        return place.file.empty() || compare(seen_.place, place) >= 0;
    };
    const ResumePoint& appended = intake_.position();
    return reaches(options_.appended_below) && reaches(intake_.received()) &&
           (appended.by_gtid || reaches(appended.next));
}

Result<ChunkShape> Snapshot::describe() {
    TRIBUTARY_TRY(facts, reader_.describe(name_.schema, name_.table));
    TRIBUTARY_TRY(table, make_snapshot_table(facts, options_.server, filter_));
    table_ = std::move(table);
    shapes_.clear();
    return ChunkShape{.structure = std::make_shared<const TableSchema>(table_.structure),
                      .key_columns = table_.order};
}

Result<void> Snapshot::ask(const core::snapshot::RowsWanted& wanted) {
    return reader_.ask(chunk_sql(table_, wanted.after, wanted.rows_max, wanted.where));
}

Result<void> Snapshot::rows(const OnRow& on_row) {
    return held_rows(on_row, [this](const auto& on_cells) { return reader_.rows(on_cells); });
}

Result<void> Snapshot::part(std::uint64_t rows_max, std::string_view where, const OnRow& on_row) {
    return held_rows(on_row, [&](const auto& on_cells) {
        return reader_.part(whole_sql(table_, where), rows_max, on_cells);
    });
}

// Rows in the form in which the log has them, of those that `read` gives.
Result<void> Snapshot::held_rows(
    const OnRow& on_row,
    const std::function<Result<void>(const std::function<bool(mysql::ChunkReader::Cells)>&)>&
        read) {
    std::optional<std::size_t> broken;
    std::string row;
    const auto on_cells = [&](mysql::ChunkReader::Cells cells) {
        row.clear();
        broken = append_held_row(row, table_, cells);
        return !broken && on_row(row);
    };
    TRIBUTARY_TRY_VOID(read(on_cells));
    if (broken) {
        const std::string column = *broken < table_.structure.columns.size()
                                       ? "." + table_.structure.columns[*broken].name
                                       : "";
        return Error(errors::kProtocolViolation,
                     engine_->current_name() + column + ": a value that is not of its type");
    }
    return success();
}

std::vector<std::string> Snapshot::key_of(std::string_view row) const {
    return key_of_held(row);
}

void Snapshot::name_of(std::string_view row, std::string& name) const {
    name.clear();
    static_cast<void>(append_name(name, table_, nullptr, cells_of(table_, row)));
}

bool Snapshot::wants(const std::optional<MysqlGtid>& gtid, const Place& start) const {
    if (!engine_->holds() || engine_->spoiled()) {
        return false;
    }
    if (options_.rule == ChunkRule::gtids) {
        // The set may have holes: a later change of the row may be in it, whose columns those of an
        // earlier one that is not would be put over. So all that comes is put over in its order.
        const bool seen = gtid && seen_.executed->contains(*gtid);
        sight_ = seen ? Sight::seen : sight_from(start);
        return true;
    }
    sight_ = sight_from(start);
    return compare(start, seen_.place) >= 0;
}

// Of a transaction of which nothing but its place is known, behind `seen_.place`.
Snapshot::Sight Snapshot::sight_from(const Place& start) const {
    return compare(start, seen_.ends) >= 0 ? Sight::unseen : Sight::in_doubt;
}

const EventShape& Snapshot::shape_of(SchemaId id, const TableSchema& schema) {
    const auto found = shapes_.find(id.value());
    if (found != shapes_.end()) {
        return found->second;
    }
    if (shapes_.size() >= kShapesMax) {
        shapes_.clear();
    }
    return shapes_.emplace(id.value(), event_shape(schema, table_)).first->second;
}

void Snapshot::on_row(SchemaId id, const TableSchema& schema, std::string_view payload) {
    if (engine_->spoiled()) {
        return;
    }
    const EventShape& shape = shape_of(id, schema);
    if (shape.ours && (!shape.fits || !speak(shape, payload))) {
        engine_->spoil();
    }
}

// false: what the event says cannot be told exactly.
bool Snapshot::speak(const EventShape& shape, std::string_view payload) {
    const auto read = read_event(shape, payload);
    if (!read) {
        return false;
    }
    const RowEvent& event = read.value();
    if (event.history) {
        return true;
    }
    core::snapshot::ViewChanges* const whole = engine_->whole();
    return whole != nullptr ? speak_of_all(shape, event, *whole) : speak_of_chunk(shape, event);
}

bool Snapshot::name_both(const EventShape& shape, const RowEvent& event) {
    old_name_.clear();
    new_name_.clear();
    return (event.operation == 'I' || append_name(old_name_, table_, &shape, event.before)) &&
           (event.operation == 'D' || append_name(new_name_, table_, &shape, event.after));
}

bool Snapshot::speak_of_all(const EventShape& shape,
                            const RowEvent& event,
                            core::snapshot::ViewChanges& changes) {
    if (sight_ != Sight::unseen) {
        return sight_ == Sight::seen;
    }
    const bool has_new = event.operation != 'D';
    if (!event.whole || event.operation == 'P' || !name_both(shape, event) ||
        (has_new && !engine_->unfiltered())) {
        return false;
    }
    auto now = has_new ? held_row(shape, event.after) : std::optional<std::string>("");
    if (!now) {
        return false;
    }
    if (event.operation != 'I') {
        changes.drop(old_name_);
    }
    if (has_new && !planted::is(planted::Bug::keyless_rows_forgotten)) {
        changes.add(new_name_, std::move(*now));
    }
    return true;
}

bool Snapshot::speak_of_chunk(const EventShape& shape, const RowEvent& event) {
    if (!name_both(shape, event)) {
        return false;
    }
    Placement& rows = *engine_->held();
    const bool has_old = event.operation != 'I';
    const bool has_new = event.operation != 'D';
    if (event.whole) {
        if (has_old) {
            rows.drop(old_name_);
        }
        // Under a window the chunk may have seen what the event made, too.
        if (has_new && options_.rule != ChunkRule::exactly && new_name_ != old_name_) {
            rows.drop(new_name_);
        }
        return true;
    }
    if (!has_old && options_.rule == ChunkRule::exactly) {
        return true;  // an insert says nothing about a row that was there
    }
    if (event.operation == 'P' || (has_old && new_name_ != old_name_)) {
        return false;
    }
    const std::string_view current = rows.find(new_name_);
    if (current.empty()) {
        return true;
    }
    auto merged = put_over(table_, shape, current, event.after);
    if (!merged) {
        return false;
    }
    rows.replace(new_name_, new_name_, std::move(*merged));
    return true;
}

void Snapshot::on_truncate(std::string_view database, std::string_view table) {
    if (database != name_.schema || table != name_.table) {
        return;
    }
    core::snapshot::ViewChanges* const whole = engine_->whole();
    if (whole == nullptr) {
        engine_->held()->drop_all();
    } else if (sight_ == Sight::unseen) {
        whole->drop_all();
    } else if (sight_ == Sight::in_doubt) {
        engine_->spoil();
    }
}

// Rows of a table that was dropped or changed are not appended behind the statement.
void Snapshot::on_ddl(std::string_view database, std::string_view table) {
    const bool ours = database == name_.schema && (table.empty() || table == name_.table);
    if (ours && !planted::is(planted::Bug::dropped_table_appended)) {
        engine_->spoil();
    }
}

}  // namespace tributary::mysql
