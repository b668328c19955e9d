// The engine's tables without a key: read in one view into a Spool, appended from there.
#include <algorithm>
#include <utility>

#include "core/snapshot/engine.h"
#include "core/snapshot/engine_parts.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

using format::SnapshotMarker;

// About this much is read at a time.
constexpr std::size_t kPartBytes = 256U << 10U;
constexpr std::uint64_t kPartRowsMax = 20'000;
// Of what the stream says between a view and its place, which is a moment later.
constexpr std::size_t kChangesBytesMax = 8U << 20U;

}  // namespace

const Position* Engine::waits() const {
    if (held_) {
        return &held_->place;
    }
    return whole_ && !whole_->placed ? &whole_->place : nullptr;
}

// One that was read to its end by an earlier process is gone on with before anything else.
Result<void> Engine::load_whole() {
    TRIBUTARY_TRY(spool, Spool::load(side_));
    if (!spool) {
        return success();
    }
    const auto at = std::find_if(tables_.begin(), tables_.end(), [&](const Table& table) {
        return side_key(table.name) == spool->table().side_key;
    });
    if (at != tables_.end()) {
        std::rotate(tables_.begin(), at, at + 1);
        whole_.emplace(std::move(*spool));
    }
    return success();
}

Result<void> Engine::begin_whole(Position place, EntrySink& sink) {
    TRIBUTARY_TRY_VOID(Spool::erase(side_, sink));
    whole_.emplace(
        Spool({side_key(tables_.front().name), shape_->schema_id, clock_.wall_time_us()}));
    whole_->place = std::move(place);
    retries_ = 0;
    return success();
}

Result<void> Engine::step_whole(RowStream& stream, EntrySink& sink) {
    if (whole_->spool.closed()) {
        return append_whole(stream, sink);
    }
    if (!whole_->placed && !stream.has_passed(whole_->place)) {
        whole_->stale = whole_->changes.bytes() > kChangesBytesMax;  // a later view has seen them
        return success();
    }
    whole_->placed = true;
    return sink.full() ? success() : read_part(stream, sink);
}

Result<void> Engine::read_part(RowStream& stream, EntrySink& sink) {
    const auto read = read_part_rows(sink);
    const auto ended = read && read.value() == 0 ? end_view(sink) : Result<void>(success());
    if (!read || !ended) {
        return fail(read ? ended.error() : read.error(), stream, sink);
    }
    stream.append_position(clock_.wall_time_us(), sink);
    return success();
}

// How many came; 0 after the last.
Result<std::uint64_t> Engine::read_part_rows(EntrySink& sink) {
    Spool& spool = whole_->spool;
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    std::string name;
    std::optional<Error> failed;
    const TableProgress& progress = tables_.front().progress;
    const auto on_row = [&](std::string_view row) {
        if (row.size() > options_.row_bytes_max) {
            failed = too_large(row.size());
            return false;
        }
        ++rows;
        bytes += row.size();
        reader_.name_of(row, name);
        if (!whole_->changes.leaves_out(name)) {
            spool.add(row, sink);
        }
        return true;
    };
    TRIBUTARY_TRY_VOID(reader_.part(whole_->part_rows, progress.where, on_row));
    if (failed) {
        return *failed;
    }
    if (spool.bytes() > options_.keyless_bytes_max) {
        return Error(errors::kSnapshotKeyMissing,
                     "table " + current_name() + " has no key that is published, and more than " +
                         std::to_string(options_.keyless_bytes_max >> 20U) + " MiB of rows");
    }
    if (rows > 0) {
        const std::uint64_t fit =
            whole_->part_rows * kPartBytes / std::max<std::uint64_t>(bytes, 1);
        whole_->part_rows = std::clamp<std::uint64_t>(
            fit, 1, std::min<std::uint64_t>(whole_->part_rows * kGrowthMax, kPartRowsMax));
    }
    return rows;
}

Result<void> Engine::end_view(EntrySink& sink) {
    TRIBUTARY_TRY_VOID(reader_.end());
    if (!whole_->changes.settled()) {
        return Error(errors::kSourceUnreachable,
                     "the stream dropped rows of a table without a key that its view did not have");
    }
    for (const auto& [name, row] : whole_->changes.added()) {
        whole_->spool.add(row, sink);
    }
    spoiled_views_ = 0;
    whole_->spool.close(sink);
    return success();
}

Result<void> Engine::append_whole(RowStream& stream, EntrySink& sink) {
    while (!whole_->spool.at_end()) {
        if (sink.full()) {
            return success();
        }
        TRIBUTARY_TRY_VOID(append_piece(stream, sink));
    }
    if (!tables_.front().progress.done) {
        whole_->spool.finish(sink);  // no row of it was left to be appended
    }
    finish_table(stream, sink, "table taken over");
    whole_.reset();
    shape_.reset();
    return success();
}

Result<void> Engine::append_piece(RowStream& stream, EntrySink& sink) {
    Spool& spool = whole_->spool;
    TableProgress& progress = tables_.front().progress;
    TRIBUTARY_TRY(rows, spool.take(side_));
    const bool last = spool.at_last();
    std::size_t bytes = kContextBytes;
    std::vector<SnapshotMarker> markers;
    for (const std::string& row : rows) {
        bytes += row.size() + kRowOverheadBytes;
        markers.push_back(marker(last && markers.size() + 1 == rows.size()));
        ++progress.rows;
        ++run_.rows;
        ++run_.rows_ever;
    }
    sink.keep_together(bytes);
    if (last) {
        progress.done = true;
        spool.finish(sink);
    } else {
        spool.pass(sink);
    }
    write_progress(stream, sink);
    const std::int64_t now_us = clock_.wall_time_us();
    if (rows.empty()) {
        stream.append_position(now_us, sink);
        return success();
    }
    const std::uint64_t first_ordinal = run_.rows_ever - rows.size() + 1;
    stream.begin_rows(spool.table().read_time_us, now_us, sink);
    for (std::size_t at = 0; at < rows.size(); ++at) {
        stream.append_row(spool.table().schema,
                          static_cast<std::uint32_t>(first_ordinal + at),
                          markers[at],
                          rows[at],
                          sink);
    }
    stream.end_rows(now_us, sink);
    return success();
}

}  // namespace tributary::core::snapshot
