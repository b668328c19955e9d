// The engine of every connector's snapshots: engine.h has the rules.
#include "core/snapshot/engine.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

using format::SnapshotMarker;
using std::chrono::milliseconds;

// A group of rows lies in one block of the log, with what it costs there beside the payload.
constexpr std::size_t kGroupBytes = 32U << 10U;
constexpr std::size_t kRowOverheadBytes = 48;
constexpr std::size_t kContextBytes = 128;
// A table without a key cannot be gone on with after a kill: all of it is one group.
constexpr std::size_t kKeylessBytes = 56U << 10U;
constexpr std::uint64_t kGrowthMax = 8;  // of a chunk over the one before
constexpr milliseconds kUnseenRetry{2};
constexpr milliseconds kPlaceRetry{5};
constexpr milliseconds kErrorRetry{2000};
constexpr std::uint32_t kUnseenWarning = 5000;  // retries: some ten seconds
constexpr std::size_t kScanRows = 256;
constexpr std::uint64_t kFirstChunkRows = 1024;

std::string side_key(const TableName& name) {
    return std::string(kTablePrefix) + name.schema + std::string(1, '\0') + name.table;
}

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

Engine::Engine(EngineOptions options, const Surroundings& surroundings)
    : options_(std::move(options)),
      reader_(surroundings.reader),
      clock_(surroundings.clock),
      observer_(surroundings.observer),
      rows_next_(std::min(kFirstChunkRows, options_.chunk_rows_max)) {}

Result<std::unique_ptr<Engine>> Engine::make(EngineOptions options,
                                             const Surroundings& surroundings,
                                             const SideReader& side,
                                             std::optional<std::vector<TableName>> begin) {
    std::unique_ptr<Engine> engine(new Engine(std::move(options), surroundings));
    TRIBUTARY_TRY(stored, side.get(kRunKey));
    if (stored) {
        TRIBUTARY_TRY(run, parse_run(*stored));
        engine->run_ = run;
    }
    const bool goes_on = stored && engine->run_.state == RunState::running;
    if (!goes_on && !begin) {
        return std::unique_ptr<Engine>();
    }
    engine->registered_ = goes_on;
    TRIBUTARY_TRY_VOID(engine->load(side, goes_on ? std::vector<TableName>() : std::move(*begin)));
    engine->since_ = surroundings.clock.now();
    return engine;
}

// The tables of the run under way, or those of a new one and what is left of an earlier one.
Result<void> Engine::load(const SideReader& side, std::vector<TableName> begin) {
    for (TableName& name : begin) {
        tables_.push_back({std::move(name), {}});
    }
    std::string after;
    for (;;) {
        TRIBUTARY_TRY(entries, side.scan(kTablePrefix, after, kScanRows));
        for (const SideEntry& entry : entries) {
            if (!registered_) {
                stale_.push_back(entry.key);
                continue;
            }
            TRIBUTARY_TRY(progress, parse_table(entry.value));
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

std::string Engine::current_name() const {
    return tables_.front().name.schema + "." + tables_.front().name.table;
}

Result<void> Engine::step(RowStream& stream, EntrySink& sink) {
    if (finished() || !stream.between_transactions()) {
        return success();
    }
    stream.in_snapshot(true);
    if (!registered_) {
        register_run(stream, sink);
        return success();
    }
    if (held_ && held_->stale) {
        held_.reset();
        shape_.reset();
    }
    if (held_) {
        if (due(stream)) {
            append(stream, sink);
        }
        return success();
    }
    if (tables_.empty() || !stream.past_start() || sink.full() || clock_.now() < retry_at_) {
        return success();
    }
    return read_chunk(stream, sink);
}

// Makes the run and its tables known before anything of the stream is appended: a pipeline that
// has events and no run has had its snapshot.
void Engine::register_run(RowStream& stream, EntrySink& sink) {
    registered_ = true;
    run_.rows = 0;
    run_.state = tables_.empty() ? RunState::done : RunState::running;
    for (const std::string& key : stale_) {
        sink.erase_side(key);
    }
    stale_.clear();
    for (const Table& table : tables_) {
        sink.put_side(side_key(table.name), encode(table.progress));
    }
    sink.put_side(kRunKey, encode(run_));
    stream.in_snapshot(run_.state == RunState::running);
    stream.append_position(clock_.wall_time_us(), sink);
    observer_.log(LogLevel::info,
                  options_.source,
                  "snapshot begins",
                  {{"tables", std::to_string(tables_.size())}});
}

Result<void> Engine::read_chunk(RowStream& stream, EntrySink& sink) {
    const auto begun = begin_chunk(stream, sink);
    if (!begun) {
        reader_.abandon();
        return postpone(begun.error());
    }
    if (!begun.value()) {
        return success();
    }
    Held held([this](std::string_view row, std::string& name) { reader_.name_of(row, name); });
    held.read_time_us = clock_.wall_time_us();
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
Result<bool> Engine::begin_chunk(RowStream& stream, EntrySink& sink) {
    TRIBUTARY_TRY(begun, reader_.begin(tables_.front().name));
    switch (begun.state) {
        case ChunkBegin::State::gone:
            finish_table(stream, sink, "table was dropped during its snapshot");
            return false;
        case ChunkBegin::State::not_yet:
            wait_for_sight(begun);
            return false;
        case ChunkBegin::State::begun:
            break;
    }
    TRIBUTARY_TRY_VOID(shape(begun, sink));
    return true;
}

// The chunk would not see every transaction that was appended before it.
void Engine::wait_for_sight(const ChunkBegin& begun) {
    retry_at_ = clock_.now() + kUnseenRetry;
    if (++retries_ == kUnseenWarning) {
        observer_.log(LogLevel::warn,
                      options_.source,
                      "the snapshot waits for transactions that others cannot see yet",
                      {{"transactions", begun.waits_for}});
    }
}

Result<void> Engine::shape(const ChunkBegin& begun, EntrySink& sink) {
    if (shape_ && shape_->fingerprint == begun.fingerprint) {
        return success();
    }
    TRIBUTARY_TRY(described, reader_.describe());
    shape_ =
        Shape{sink.intern(described.structure), begun.fingerprint, described.key_columns.empty()};
    TableProgress& progress = tables_.front().progress;
    if (progress.key_columns != described.key_columns) {
        if (!progress.last_key.empty()) {
            observer_.log(LogLevel::warn,
                          options_.source,
                          "the table's key was changed during its snapshot: it is read again from "
                          "its beginning",
                          {{"table", current_name()}});
        }
        progress.last_key.clear();
        progress.key_columns = described.key_columns;
    }
    return success();
}

Result<void> Engine::read_rows(Held& held) {
    const bool keyless = shape_->keyless;
    // One row more than wanted tells whether there are more.
    const std::uint64_t wanted =
        keyless ? std::numeric_limits<std::int64_t>::max() - 1 : rows_next_;
    std::optional<Error> failed;
    const auto on_row = [&](std::string_view row) {
        Placement& placement = held.placement;
        const std::size_t count = placement.count();
        if (count == wanted) {
            held.more = true;  // the last one that was asked for
            return true;
        }
        if (count > 0 && placement.bytes() >= 2 * options_.chunk_bytes) {
            held.more = true;
            return false;
        }
        if (row.size() > options_.row_bytes_max) {
            failed =
                Error(errors::kRowTooLarge,
                      "a row of " + current_name() + " has " + std::to_string(row.size()) +
                          " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max));
            return false;
        }
        if (keyless && count > 0 &&
            placement.bytes() + row.size() + (count + 1) * kRowOverheadBytes > kKeylessBytes) {
            held.more = true;
            return false;
        }
        placement.add(row);
        return true;
    };
    TRIBUTARY_TRY_VOID(reader_.rows(tables_.front().progress.last_key, wanted + 1, on_row));
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

milliseconds Engine::patience(const RowStream& stream, milliseconds wait) const {
    if (finished() || !stream.between_transactions()) {
        return wait;
    }
    if (held_ || !stream.past_start()) {
        return due(stream) ? milliseconds(0) : std::min(wait, kPlaceRetry);
    }
    const auto left = std::chrono::ceil<milliseconds>(retry_at_ - clock_.now());
    return std::clamp(left, milliseconds(0), wait);
}

// The stream goes on whatever happens to the reader's own connection.
Result<void> Engine::postpone(const Error& error) {
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

void Engine::append(RowStream& stream, EntrySink& sink) {
    if (held_->placement.at_end()) {  // nothing was read
        if (!held_->more) {
            finish_table(stream, sink, "table taken over");
        }
        finish_chunk();
        return;
    }
    while (!sink.full() && !held_->placement.at_end()) {
        append_group(stream, sink);
    }
    if (held_->placement.at_end()) {
        finish_chunk();
    }
}

void Engine::append_group(RowStream& stream, EntrySink& sink) {
    Placement& placement = held_->placement;
    TableProgress& progress = tables_.front().progress;
    const std::size_t bytes_max = shape_->keyless ? SIZE_MAX : kGroupBytes;
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
        run_.state = tables_.size() == 1 ? RunState::done : RunState::running;
    }
    write_progress(stream, sink);
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
    stream.in_snapshot(run_.state == RunState::running);
    const Table& table = tables_.front();
    sink.put_side(side_key(table.name), encode(table.progress));
    sink.put_side(kRunKey, encode(run_));
}

void Engine::finish_table(RowStream& stream, EntrySink& sink, std::string_view how) {
    TableProgress& progress = tables_.front().progress;
    if (!progress.done) {  // no row of it is left to say so
        progress.done = true;
        run_.state = tables_.size() == 1 ? RunState::done : RunState::running;
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

void Engine::finish_chunk() {
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
SnapshotMarker Engine::marker(bool last_of_table) const {
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

}  // namespace tributary::core::snapshot
