// The engine's chunks: begun, asked for and read, one at a time. Appending them is in engine.cc.
#include <algorithm>
#include <utility>

#include "base/planted.h"
#include "core/snapshot/engine.h"
#include "core/snapshot/engine_parts.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

constexpr std::chrono::milliseconds kUnseenRetry{2};
constexpr std::uint32_t kUnseenWarning = 5000;  // retries: some ten seconds

}  // namespace

Result<void> Engine::begin_chunk(RowStream& stream, EntrySink& sink) {
    if (planted::is(planted::Bug::snapshot_progress_apart)) {
        write_progress(stream, sink);
        stream.append_position(clock_.wall_time_us(), sink);
    }
    auto begun = begin_view(stream, sink);
    if (!begun) {
        return fail(begun.error(), stream, sink);
    }
    if (!begun.value()) {
        return success();
    }
    if (shape_->keyless) {
        return begin_whole(std::move(*begun.value()), sink);
    }
    return hold(
        ask(std::move(*begun.value()), tables_.front().progress.last_key, allowed_), stream, sink);
}

// The chunk behind the one that is held, of the same table as it is known; nothing, where it has to
// be begun when that one is appended.
std::optional<Result<Engine::Held>> Engine::ask_ahead() {
    const Placement& placement = held_->placement;
    if (!held_->more || allowed_ <= placement.left()) {
        return std::nullopt;
    }
    auto begun = reader_.begin(tables_.front().name);
    if (!begun) {
        return begun.error();
    }
    if (begun.value().state != ChunkBegin::State::begun ||
        begun.value().fingerprint != shape_->fingerprint) {
        reader_.abandon();
        return std::nullopt;
    }
    return ask(std::move(begun.value().place),
               reader_.key_of(placement.last_read()),
               allowed_ - placement.left());
}

// Rows behind `after`, in the view that was begun.
Result<Engine::Held> Engine::ask(Position place,
                                 const std::vector<std::string>& after,
                                 std::uint64_t allowed) {
    Held held([this](std::string_view row, std::string& name) { reader_.name_of(row, name); });
    held.place = std::move(place);
    held.rows_max = std::min(rows_next_, allowed);
    held.read_time_us = clock_.wall_time_us();
    // One row more than wanted tells whether there are more.
    TRIBUTARY_TRY_VOID(reader_.ask(
        {.after = after, .rows_max = held.rows_max + 1, .where = tables_.front().progress.where}));
    return held;
}

// Reads what was asked for.
Result<void> Engine::hold(Result<Held> asked, RowStream& stream, EntrySink& sink) {
    if (!asked) {
        return fail(asked.error(), stream, sink);
    }
    asked.value().placement.use(std::move(spare_));
    const auto read = read_rows(asked.value());
    const auto ended = read ? reader_.end() : read;
    if (!ended) {
        return fail(ended.error(), stream, sink);
    }
    held_.emplace(std::move(asked.value()));
    size_next_chunk(held_->placement);
    retries_ = 0;
    return success();
}

void Engine::size_next_chunk(const Placement& placement) {
    if (placement.count() > 0) {
        const std::uint64_t fit = options_.chunk_bytes * placement.count() / placement.bytes();
        rows_next_ = std::clamp<std::uint64_t>(
            fit, 1, std::min(options_.chunk_rows_max, rows_next_ * kGrowthMax));
    }
}

// Nothing: not now, or there is no such table any more.
Result<std::optional<Position>> Engine::begin_view(RowStream& stream, EntrySink& sink) {
    TRIBUTARY_TRY(begun, reader_.begin(tables_.front().name));
    switch (begun.state) {
        case ChunkBegin::State::gone:
            observer_.log(LogLevel::warn,
                          options_.source,
                          "a table went away during its snapshot: rows of it that were not read "
                          "yet are not delivered; under a new name, if it has one, `tributary "
                          "snapshot start` takes them",
                          {{"table", current_name()}, {"why", begun.why}});
            finish_table(stream, sink, "table left");
            return std::optional<Position>();
        case ChunkBegin::State::not_yet:
            wait_for_sight(begun);
            return std::optional<Position>();
        case ChunkBegin::State::begun:
            break;
    }
    TRIBUTARY_TRY_VOID(shape(begun, sink));
    return std::optional(std::move(begun.place));
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
    TableProgress& progress = tables_.front().progress;
    const bool no_key = described.key_columns.empty();
    shape_ = Shape{sink.intern(described.structure), begun.fingerprint, no_key || progress.keyless};
    if (no_key && !progress.keyless) {
        warn_of_repetition(current_name());
    }
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

// No key tells a consumer which of its rows is meant.
void Engine::warn_of_repetition(const std::string& table) {
    observer_.log(LogLevel::warn,
                  options_.source,
                  "rows of a table without a key cannot take the place of what was delivered of it "
                  "before: a consumer that counts equal rows has to forget that first",
                  {{"table", table}});
}

Error Engine::too_large(std::size_t bytes) const {
    return {errors::kRowTooLarge,
            "a row of " + current_name() + " has " + std::to_string(bytes) +
                " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max)};
}

Result<void> Engine::read_rows(Held& held) {
    std::optional<Error> failed;
    const auto on_row = [&](std::string_view row) {
        Placement& placement = held.placement;
        const std::size_t count = placement.count();
        if (count == held.rows_max) {
            held.more = true;  // the last one that was asked for
            return true;
        }
        if (count > 0 && placement.bytes() >= 2 * options_.chunk_bytes) {
            held.more = true;
            return false;
        }
        if (row.size() > options_.row_bytes_max) {
            failed = too_large(row.size());
            return false;
        }
        placement.add(row);
        return true;
    };
    TRIBUTARY_TRY_VOID(reader_.rows(on_row));
    return failed ? Result<void>(*failed) : success();
}

}  // namespace tributary::core::snapshot
