// The engine of every connector's snapshots: engine.h has the rules.
#include "core/snapshot/engine.h"

#include <algorithm>
#include <utility>

#include "base/planted.h"
#include "core/snapshot/engine_parts.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

using format::SnapshotMarker;
using std::chrono::milliseconds;

// A group of rows lies in one block of the log, with what it costs there beside the payload.
constexpr std::size_t kGroupBytes = 32U << 10U;
constexpr milliseconds kPlaceRetry{5};
constexpr milliseconds kErrorRetry{2000};
constexpr std::uint32_t kSpoiledWarning = 1000;
constexpr std::size_t kScanRows = 256;

// The schema's own name may have dots; it is known from the list of tables, not from the key.
std::optional<TableName> name_in(std::string_view key) {
    key.remove_prefix(kTablePrefix.size());
    const auto dot = key.find('\0');
    if (dot == std::string_view::npos) {
        return std::nullopt;
    }
    return TableName{std::string(key.substr(0, dot)), std::string(key.substr(dot + 1))};
}

}  // namespace

struct Engine::Group {
    std::vector<Placement::Row> rows;
    std::size_t bytes = kContextBytes;
    std::size_t live = 0;
};

Engine::Engine(EngineOptions options, const Surroundings& surroundings, const SideReader& side)
    : options_(std::move(options)),
      reader_(surroundings.reader),
      clock_(surroundings.clock),
      observer_(surroundings.observer),
      side_(side),
      rows_next_(std::min(kFirstChunkRows, options_.chunk_rows_max)) {}

Result<std::unique_ptr<Engine>> Engine::make(EngineOptions options,
                                             const Surroundings& surroundings,
                                             const SideReader& side,
                                             std::optional<std::vector<RunTable>> begin) {
    std::unique_ptr<Engine> engine(new Engine(std::move(options), surroundings, side));
    TRIBUTARY_TRY(stored, side.get(kRunKey));
    if (stored) {
        TRIBUTARY_TRY(run, parse_run(*stored));
        engine->run_ = run;
        engine->ever_ = true;
    }
    TRIBUTARY_TRY_VOID(engine->load());
    // A run that a mode began is gone on with; what was asked for gives way to a new one.
    const bool goes_on = engine->of_the_run() > 0 && !engine->options_.anew;
    if (begin && !goes_on) {
        engine->begin(std::move(*begin));
    } else {
        TRIBUTARY_TRY_VOID(engine->load_whole());
    }
    engine->find_withheld();
    engine->since_ = surroundings.clock.now();
    return engine;
}

// A new run; what is left of an earlier one is erased when it is registered.
void Engine::begin(std::vector<RunTable> tables) {
    for (const Table& table : tables_) {
        stale_.push_back(side_key(table.name));
    }
    tables_.clear();
    for (RunTable& table : tables) {
        tables_.push_back({std::move(table.name), {}, {}});
        tables_.back().progress.keyless = table.keyless;
    }
    sort_tables();
    tables_total_ = tables_.size();
    registered_ = false;
}

Result<void> Engine::load() {
    std::string after;
    for (;;) {
        TRIBUTARY_TRY(entries, side_.scan(kTablePrefix, after, kScanRows));
        for (const SideEntry& entry : entries) {
            TRIBUTARY_TRY(progress, parse_table(entry.value));
            const auto name = name_in(entry.key);
            if (!name) {
                return Error(errors::kLogCorrupt, "the snapshot's progress names no table");
            }
            ++tables_total_;
            if (progress.done) {
                stale_.push_back(entry.key);
            } else if (progress.ad_hoc || !options_.ad_hoc_only) {
                tables_.push_back({*name, std::move(progress), {}});
            } else {
                rests_ = true;
            }
        }
        if (entries.size() < kScanRows) {
            break;
        }
        after = entries.back().key;
    }
    sort_tables();
    return success();
}

// Those whose changes wait come first, then one that was begun; what was asked for comes last.
void Engine::sort_tables() {
    const auto rank = [](const Table& table) {
        const int begun = table.progress.last_key.empty() ? 2 : 1;
        return (table.progress.keyless ? 0 : begun) + (table.progress.ad_hoc ? 3 : 0);
    };
    std::stable_sort(tables_.begin(), tables_.end(), [&](const Table& left, const Table& right) {
        return rank(left) < rank(right);
    });
}

void Engine::find_withheld() {
    withheld_.clear();
    for (const Table& table : tables_) {
        if (table.progress.keyless && !table.progress.done) {
            withheld_.insert(table.name.schema + "." + table.name.table);
        }
    }
}

std::string Engine::current_name() const {
    return tables_.front().name.schema + "." + tables_.front().name.table;
}

Result<void> Engine::step(RowStream& stream, EntrySink& sink) {
    if (finished() || !stream.between_transactions()) {
        return success();
    }
    if (!registered_) {
        return register_run(stream, sink);
    }
    stream.in_snapshot(of_the_run() > 0);
    if (spoiled()) {
        drop_chunk();
    }
    if (whole_) {
        return step_whole(stream, sink);
    }
    if (held_) {
        return due(stream) ? append_held(stream, sink) : success();
    }
    if (tables_.empty() || !stream.past_start() || sink.full() || allowed_ == 0 ||
        clock_.now() < retry_at_) {
        return success();
    }
    return begin_chunk(stream, sink);
}

// Makes the run and its tables known before anything of the stream is appended: a pipeline that
// has events and no run has had its snapshot.
Result<void> Engine::register_run(RowStream& stream, EntrySink& sink) {
    TRIBUTARY_TRY_VOID(Spool::erase(side_, sink));
    if (ever_ || options_.anew) {
        std::for_each(withheld_.begin(), withheld_.end(), [this](const std::string& table) {
            warn_of_repetition(table);
        });
    }
    registered_ = true;
    ever_ = true;
    run_.rows = 0;
    for (const std::string& key : stale_) {
        sink.erase_side(key);
    }
    stale_.clear();
    for (const Table& table : tables_) {
        sink.put_side(side_key(table.name), encode(table.progress));
    }
    write_run(stream, sink);
    stream.append_position(clock_.wall_time_us(), sink);
    observer_.log(LogLevel::info,
                  options_.source,
                  "snapshot begins",
                  {{"tables", std::to_string(tables_.size())}});
    return success();
}

void Engine::drop_chunk() {
    if (whole_ && !whole_->spool.closed()) {
        reader_.abandon();
        if (whole_->stale && ++spoiled_views_ == kSpoiledWarning) {
            observer_.log(LogLevel::warn,
                          options_.source,
                          "a table without a key is changed whenever a view of it is made; it is "
                          "tried on",
                          {{"table", current_name()}});
        }
    }
    held_.reset();
    whole_.reset();
    shape_.reset();
}

// Tables that a mode wants and that are not done.
std::size_t Engine::of_the_run() const {
    return static_cast<std::size_t>(
        std::count_if(tables_.begin(), tables_.end(), [](const Table& table) {
            return !table.progress.ad_hoc && !table.progress.done;
        }));
}

milliseconds Engine::patience(const RowStream& stream, milliseconds wait) const {
    if (finished() || !stream.between_transactions()) {
        return wait;
    }
    if (held_ || whole_ || !stream.past_start()) {
        return due(stream) ? milliseconds(0) : std::min(wait, kPlaceRetry);
    }
    if (allowed_ == 0) {
        return std::min(wait, kPlaceRetry);
    }
    const auto left = std::chrono::ceil<milliseconds>(retry_at_ - clock_.now());
    return std::clamp(left, milliseconds(0), wait);
}

// The stream goes on whatever happens to the reader's own connection, and to a table that was asked
// for.
Result<void> Engine::fail(const Error& error, RowStream& stream, EntrySink& sink) {
    reader_.abandon();
    whole_.reset();
    if (!error.transient() && tables_.front().progress.ad_hoc) {
        observer_.error(options_.source, error.at("snapshot of " + current_name()));
        return remove(current_name(), stream, sink);
    }
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

// The whole chunk, whether the sink is full or not: its bytes have a bound.
Result<void> Engine::append_held(RowStream& stream, EntrySink& sink) {
    std::optional<Result<Held>> next = ask_ahead();
    if (held_->placement.at_end()) {  // nothing was read
        finish_table(stream, sink, "table taken over");
    }
    while (!held_->placement.at_end()) {
        append_group(stream, sink);
    }
    finish_chunk();
    return next ? hold(std::move(*next), stream, sink) : success();
}

void Engine::append_group(RowStream& stream, EntrySink& sink) {
    Placement& placement = held_->placement;
    TableProgress& progress = tables_.front().progress;
    Group group;
    std::vector<SnapshotMarker> markers;
    while (!placement.at_end()) {
        const Placement::Row row = placement.peek();
        const std::size_t cost = row.current.empty() ? 0 : row.current.size() + kRowOverheadBytes;
        if (group.live > 0 && group.bytes + cost > kGroupBytes) {
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
    progress.last_key = reader_.key_of(group.rows.back().read);
    const std::int64_t now_us = clock_.wall_time_us();
    const bool last = placement.at_end() && !held_->more;
    if (group.live == 0) {
        if (last) {
            finish_table(stream, sink, "table taken over");
        } else {
            write_progress(stream, sink);
            stream.append_position(now_us, sink);
        }
        return;
    }
    sink.keep_together(group.bytes);
    const std::uint64_t first_ordinal = run_.rows_ever - group.live + 1;
    const SchemaId schema = shape_->schema_id;
    if (last) {
        progress.done = true;
    }
    if (last || !planted::is(planted::Bug::snapshot_progress_apart)) {
        write_progress(stream, sink);
    }
    stream.begin_rows(held_->read_time_us, now_us, sink);
    std::size_t at = 0;
    for (const Placement::Row& row : group.rows) {
        if (!row.current.empty()) {
            stream.append_row(schema,
                              static_cast<std::uint32_t>(first_ordinal + at),
                              markers[at],
                              row.current,
                              sink);
            ++at;
        }
    }
    stream.end_rows(now_us, sink);
    if (last) {
        finish_table(stream, sink, "table taken over");
    }
}

void Engine::write_progress(RowStream& stream, EntrySink& sink) {
    const Table& table = tables_.front();
    sink.put_side(side_key(table.name), encode(table.progress));
    write_run(stream, sink);
}

void Engine::write_run(RowStream& stream, EntrySink& sink) {
    const bool all_done = std::all_of(
        tables_.begin(), tables_.end(), [](const Table& table) { return table.progress.done; });
    run_.state = all_done && !rests_ ? RunState::done : RunState::running;
    stream.in_snapshot(of_the_run() > 0);
    sink.put_side(kRunKey, encode(run_));
}

void Engine::finish_table(RowStream& stream, EntrySink& sink, std::string_view how) {
    TableProgress& progress = tables_.front().progress;
    if (!progress.done) {  // no row of it is left to say so
        progress.done = true;
        write_progress(stream, sink);
        stream.append_position(clock_.wall_time_us(), sink);
    }
    const auto elapsed = std::chrono::duration_cast<milliseconds>(clock_.now() - since_).count();
    observer_.log(LogLevel::info,
                  options_.source,
                  how,
                  {{"table", current_name()},
                   {"rows", std::to_string(progress.rows)},
                   {"ms", std::to_string(elapsed)}});
    stale_.push_back(side_key(tables_.front().name));
    tables_.erase(tables_.begin());
    find_withheld();
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

void Engine::finish_chunk() {
    const bool ended = !held_->more;
    spare_ = ended ? std::string() : held_->placement.release();
    held_.reset();
    if (ended) {
        shape_.reset();
        rows_next_ = std::min(kFirstChunkRows, options_.chunk_rows_max);
    }
}

// Debezium's words, in its order of precedence.
SnapshotMarker Engine::marker(bool last_of_table) const {
    if (tables_.front().progress.ad_hoc) {
        return SnapshotMarker::incremental;
    }
    if (last_of_table && of_the_run() == 1) {
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

}  // namespace tributary::core::snapshot
