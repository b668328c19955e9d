// Engine: takes over the rows that tables already have, chunk by chunk, while the stream runs.
// Each chunk is read by one statement of its own, held, and appended between two transactions of
// the stream where it belongs (placement.h; docs/snapshots.md says why so):
//   - no chunk is read before a new statement sees every transaction that was appended;
//   - the chunk waits until the stream has passed the place that the reader names after the read;
//   - meanwhile the connector tells the Placement what the stream says about its rows.
// What a place is, and which transactions a chunk sees, the connector knows (chunk_port.h).
// Progress is in the side keyspace, written with the rows.
// Pure but for the ChunkReader; the intake thread. One object per connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/snapshot/chunk_port.h"
#include "core/snapshot/placement.h"
#include "core/snapshot/progress.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/side.h"

namespace tributary::core::snapshot {

struct EngineOptions {
    std::string source;  // for logs
    std::uint64_t row_bytes_max = 64ULL << 20U;
    std::uint64_t chunk_bytes = 4ULL << 20U;  // aimed at; at most twice that, or one row
    std::uint64_t chunk_rows_max = 50'000;
};

class Engine {
  public:
    // They outlive the engine.
    struct Surroundings {
        ChunkReader& reader;
        const Clock& clock;
        Observer& observer;
    };
    // Goes on with the run that `side` has, or begins one of `tables` when `begin` is set; null
    // when there is nothing to do.
    [[nodiscard]] static Result<std::unique_ptr<Engine>> make(
        EngineOptions options,
        const Surroundings& surroundings,
        const SideReader& side,
        std::optional<std::vector<TableName>> begin);

    // Does what can be done now, between transactions; call it often. Reads a chunk, or appends
    // one. Transient errors of the reader are kept here and tried again later.
    [[nodiscard]] Result<void> step(RowStream& stream, EntrySink& sink);
    // Whether step() has rows to append now.
    [[nodiscard]] bool due(const RowStream& stream) const {
        return held_ && stream.between_transactions() && stream.has_passed(held_->place);
    }
    // Rows wait for the stream to come to their place: word from an idle server would tell.
    [[nodiscard]] bool waits_for(const RowStream& stream) const {
        return held_ && !stream.has_passed(held_->place);
    }
    // How long a poll may wait for input before step() should be called again; at most `wait`.
    [[nodiscard]] std::chrono::milliseconds patience(const RowStream& stream,
                                                     std::chrono::milliseconds wait) const;
    [[nodiscard]] bool finished() const noexcept { return registered_ && tables_.empty(); }

    // The chunk that waits, for what the stream says about it; null: none.
    [[nodiscard]] Placement* held() noexcept { return held_ ? &held_->placement : nullptr; }
    [[nodiscard]] bool holds() const noexcept { return held_.has_value(); }
    // Only while a chunk is held: what the stream says cannot be put over it; it is read again.
    void spoil() { held_->stale = true; }
    [[nodiscard]] bool spoiled() const noexcept { return held_ && held_->stale; }
    // "schema.table" of the table under way; only while there is one.
    [[nodiscard]] std::string current_name() const;

  private:
    struct Table {
        TableName name;
        TableProgress progress;
    };
    struct Shape {
        SchemaId schema_id;
        std::string fingerprint;
        bool keyless = false;
    };
    struct Held {
        explicit Held(Placement::KeyOf key_of) : placement(std::move(key_of)) {}
        Position place;
        bool more = false;
        bool stale = false;
        std::int64_t read_time_us = 0;
        Placement placement;
    };
    struct Group;

    Engine(EngineOptions options, const Surroundings& surroundings);

    Result<void> load(const SideReader& side, std::vector<TableName> begin);
    void register_run(RowStream& stream, EntrySink& sink);
    Result<void> read_chunk(RowStream& stream, EntrySink& sink);
    Result<bool> begin_chunk(RowStream& stream, EntrySink& sink);
    void wait_for_sight(const ChunkBegin& begun);
    Result<void> shape(const ChunkBegin& begun, EntrySink& sink);
    Result<void> read_rows(Held& held);
    Result<void> postpone(const Error& error);
    void append(RowStream& stream, EntrySink& sink);
    void append_group(RowStream& stream, EntrySink& sink);
    void write_progress(RowStream& stream, EntrySink& sink);
    void finish_table(RowStream& stream, EntrySink& sink, std::string_view how);
    void finish_chunk();
    [[nodiscard]] format::SnapshotMarker marker(bool last_of_table) const;

    EngineOptions options_;
    ChunkReader& reader_;
    const Clock& clock_;
    Observer& observer_;

    Run run_;
    bool registered_ = true;          // false: the run is new and not yet in the log
    std::vector<std::string> stale_;  // side keys of an earlier run
    std::vector<Table> tables_;       // not done; the first is being read
    std::optional<Shape> shape_;      // of the first
    std::optional<Held> held_;
    std::uint64_t rows_next_ = 0;  // of the next chunk
    SteadyTime retry_at_;
    SteadyTime since_;  // of this table, for the log
    std::uint32_t retries_ = 0;
};

}  // namespace tributary::core::snapshot
