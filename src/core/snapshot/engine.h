// Engine: takes over the rows that tables already have, chunk by chunk, while the stream runs.
// Each chunk is read by one statement of its own, held, and appended between two transactions of
// the stream where it belongs (placement.h; docs/snapshots.md says why so):
//   - no chunk is read before a new statement sees every transaction that was appended;
//   - the chunk waits until the stream has passed the place that the reader names after the read;
//   - meanwhile the connector tells the Placement what the stream says about its rows;
//   - when its place has come, the server is asked for the next chunk, whose rows it makes while
//     these are appended, and then that is read. All of this is one step: nothing of the stream
//     comes between, so that the next chunk sees and waits for what it would have, if it were asked
//     for after these rows. Its structure is the same, else it is left and begun anew.
// What a place is, and which transactions a chunk sees, the connector knows (chunk_port.h).
// A table without a key is read in one view, kept aside (spool.h), and appended from there, while
// the stream waits. What the stream says about such a table of a run before that is in its rows:
// the connector withholds it (withholds()). Progress is in the side keyspace, written with the
// rows. Beside the run that a mode began, tables that an operator asks for are taken in the order
// of asking (ports/snapshot.h). Pure but for the ChunkReader; the intake thread. One object per
// connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/snapshot/chunk_port.h"
#include "core/snapshot/placement.h"
#include "core/snapshot/progress.h"
#include "core/snapshot/spool.h"
#include "core/snapshot/view_changes.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/side.h"
#include "ports/snapshot.h"

namespace tributary::core::snapshot {

struct EngineOptions {
    std::string source;  // for logs
    std::uint64_t row_bytes_max = 64ULL << 20U;
    std::uint64_t chunk_bytes = 2ULL << 20U;  // aimed at; at most twice that, or one row
    std::uint64_t chunk_rows_max = 50'000;
    std::uint64_t keyless_bytes_max = 1ULL << 30U;  // of a table without a key, kept aside
    bool ad_hoc_only = false;                       // a run that a mode began rests where it is
    bool anew = false;  // what is under way is worth nothing: `begin` begins all again
};

class Engine {
  public:
    // They outlive the engine.
    struct Surroundings {
        ChunkReader& reader;
        const Clock& clock;
        Observer& observer;
    };
    // Goes on with the run that `side` has, or begins one of the tables when `begin` is set;
    // finished() when there is nothing to do. `side` outlives it.
    [[nodiscard]] static Result<std::unique_ptr<Engine>> make(
        EngineOptions options,
        const Surroundings& surroundings,
        const SideReader& side,
        std::optional<std::vector<RunTable>> begin);

    // Does what can be done now, between transactions; call it often. Reads a chunk, or appends
    // one. Transient errors of the reader are kept here and tried again later.
    [[nodiscard]] Result<void> step(RowStream& stream, EntrySink& sink);
    // Whether step() has rows to append now.
    [[nodiscard]] bool due(const RowStream& stream) const {
        return stream.between_transactions() &&
               (holds_stream() || (waits() != nullptr && stream.has_passed(*waits())));
    }
    // Rows wait for the stream to come to their place: word from an idle server would tell.
    [[nodiscard]] bool waits_for(const RowStream& stream) const {
        return waits() != nullptr && !stream.has_passed(*waits());
    }
    // Nothing of the stream may be appended now: step() has to come first.
    [[nodiscard]] bool holds_stream() const noexcept { return whole_ && whole_->placed; }
    // How long a poll may wait for input before step() should be called again; at most `wait`.
    [[nodiscard]] std::chrono::milliseconds patience(const RowStream& stream,
                                                     std::chrono::milliseconds wait) const;
    [[nodiscard]] bool finished() const noexcept { return registered_ && tables_.empty(); }

    // An operator's requests, between two transactions and when the run is in the log (ready()).
    // kSnapshotRefused: the table is under way already, or is not.
    [[nodiscard]] bool ready(const RowStream& stream) const {
        return registered_ && stream.between_transactions();
    }
    [[nodiscard]] Result<void> add(const TableName& name,
                                   std::string where,
                                   RowStream& stream,
                                   EntrySink& sink);
    [[nodiscard]] Result<void> remove(const std::string& name, RowStream& stream, EntrySink& sink);
    [[nodiscard]] SnapshotStatus status() const;
    void allow(std::uint64_t rows) noexcept { allowed_ = rows; }
    // How many rows the server says that a table has.
    void estimate(const TableName& name, std::uint64_t rows);

    // The chunk that waits, for what the stream says about it; null: none.
    [[nodiscard]] Placement* held() noexcept { return held_ ? &held_->placement : nullptr; }
    // The same of a table without a key.
    [[nodiscard]] ViewChanges* whole() noexcept {
        return whole_ && !whole_->placed ? &whole_->changes : nullptr;
    }
    // Whether there is one of the two.
    [[nodiscard]] bool holds() const noexcept { return held_ || (whole_ && !whole_->placed); }
    // Only then: whether all rows of the table are wanted.
    [[nodiscard]] bool unfiltered() const { return tables_.front().progress.where.empty(); }
    // Only then: what the stream says cannot be put over it; it is read again.
    void spoil() { (held_ ? held_->stale : whole_->stale) = true; }
    [[nodiscard]] bool spoiled() const noexcept {
        return (held_ && held_->stale) || (whole_ && whole_->stale);
    }
    // Whether a change of this table ("schema.table") is not to be appended, as its rows will say
    // it.
    [[nodiscard]] bool withholds(std::string_view name) const { return withheld_.contains(name); }
    // "schema.table" of the table under way; only while there is one.
    [[nodiscard]] std::string current_name() const;

  private:
    struct Table {
        TableName name;
        TableProgress progress;
        std::optional<std::uint64_t> estimate{};
    };
    struct Shape {
        SchemaId schema_id;
        std::string fingerprint;
        bool keyless = false;
    };
    struct Held {
        explicit Held(Placement::KeyOf key_of) : placement(std::move(key_of)) {}
        Position place;
        std::uint64_t rows_max = 0;  // what was asked for
        bool more = false;
        bool stale = false;
        std::int64_t read_time_us = 0;
        Placement placement;
    };
    struct Whole {
        explicit Whole(Spool of) : spool(std::move(of)), placed(spool.closed()) {}
        Spool spool;
        ViewChanges changes{};
        Position place{};
        bool placed;  // the stream has passed `place`, and waits
        bool stale = false;
        std::uint64_t part_rows = 4;  // of the next rows()
    };
    struct Group;

    Engine(EngineOptions options, const Surroundings& surroundings, const SideReader& side);

    Result<void> load();
    void begin(std::vector<RunTable> tables);
    void sort_tables();
    void find_withheld();
    Result<void> register_run(RowStream& stream, EntrySink& sink);
    Result<void> begin_chunk(RowStream& stream, EntrySink& sink);
    Result<std::optional<Position>> begin_view(RowStream& stream, EntrySink& sink);
    void wait_for_sight(const ChunkBegin& begun);
    Result<void> shape(const ChunkBegin& begun, EntrySink& sink);
    [[nodiscard]] std::optional<Result<Held>> ask_ahead();
    Result<Held> ask(Position place, const std::vector<std::string>& after, std::uint64_t allowed);
    Result<void> hold(Result<Held> asked, RowStream& stream, EntrySink& sink);
    Result<void> read_rows(Held& held);
    void size_next_chunk(const Placement& placement);
    Result<void> load_whole();
    Result<void> begin_whole(Position place, EntrySink& sink);
    Result<void> step_whole(RowStream& stream, EntrySink& sink);
    Result<void> read_part(RowStream& stream, EntrySink& sink);
    Result<std::uint64_t> read_part_rows(EntrySink& sink);
    Result<void> end_view(EntrySink& sink);
    Result<void> append_whole(RowStream& stream, EntrySink& sink);
    Result<void> append_piece(RowStream& stream, EntrySink& sink);
    [[nodiscard]] const Position* waits() const;
    void warn_of_repetition(const std::string& table);
    [[nodiscard]] Error too_large(std::size_t bytes) const;
    Result<void> fail(const Error& error, RowStream& stream, EntrySink& sink);
    Result<void> append_held(RowStream& stream, EntrySink& sink);
    void append_group(RowStream& stream, EntrySink& sink);
    void write_progress(RowStream& stream, EntrySink& sink);
    void finish_table(RowStream& stream, EntrySink& sink, std::string_view how);
    void finish_chunk();
    void write_run(RowStream& stream, EntrySink& sink);
    void drop_chunk();
    [[nodiscard]] std::size_t of_the_run() const;
    [[nodiscard]] format::SnapshotMarker marker(bool last_of_table) const;

    EngineOptions options_;
    ChunkReader& reader_;
    const Clock& clock_;
    Observer& observer_;
    const SideReader& side_;

    Run run_;
    bool ever_ = false;               // there is or was a run
    bool registered_ = true;          // false: the run is new and not yet in the log
    std::vector<std::string> stale_;  // side keys of tables that are done, or of an earlier run
    std::size_t tables_total_ = 0;    // of the run
    bool rests_ = false;              // there are tables of a run that is not gone on with
    std::uint64_t allowed_ = UINT64_MAX;
    std::vector<Table> tables_;                    // not done; the first is being read
    std::set<std::string, std::less<>> withheld_;  // names of those without a key, of the run
    std::optional<Shape> shape_;                   // of the first
    std::optional<Held> held_;
    std::string spare_;  // memory of the chunk before, for the next
    std::optional<Whole> whole_;
    std::uint64_t rows_next_ = 0;  // of the next chunk
    SteadyTime retry_at_;
    SteadyTime since_;  // of this table, for the log
    std::uint32_t retries_ = 0;
    std::uint32_t spoiled_views_ = 0;  // in a row
};

}  // namespace tributary::core::snapshot
