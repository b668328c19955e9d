// Snapshot: takes over the rows that tables already have, chunk by chunk, while the stream runs.
// Each chunk is read by one statement of its own, held, and appended between two transactions of
// the stream where it belongs (core/snapshot/placement.h; docs/snapshots.md says why so):
//   - no chunk is read before every transaction appended so far is seen by a new statement: on
//     PostgreSQL a transaction may be in the log, and streamed, before others can see it;
//   - the chunk waits until the stream has passed the log's end as of after the read;
//   - meanwhile transactions that the chunk did not see speak for the rows that they change.
// Progress is in the side keyspace, written with the rows.
// Pure but for the ChunkReader; the intake thread. One object per connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/postgresql/chunk_port.h"
#include "connectors/postgresql/intake.h"
#include "connectors/postgresql/table_name.h"
#include "core/snapshot/placement.h"
#include "core/snapshot/progress.h"
#include "model/table_filter.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/side.h"

namespace tributary::postgresql {

struct SnapshotOptions {
    std::string source;    // for logs
    std::string database;  // TableSchema::database
    FilterRules filter{};
    std::uint64_t row_bytes_max = 64ULL << 20U;
    std::uint64_t chunk_bytes = 4ULL << 20U;  // aimed at; at most twice that, or one row
    std::uint64_t chunk_rows_max = 50'000;
};

class Snapshot final : public StreamWatcher {
  public:
    // Goes on with the run that `side` has, or begins one of `tables` when `begin` is set; null
    // when there is nothing to do. `suspects`: transactions open at this moment that may have been
    // appended by an earlier process. `reader`, `clock` and `observer` outlive it.
    struct Surroundings {
        ChunkReader& reader;
        const Clock& clock;
        Observer& observer;
    };
    [[nodiscard]] static Result<std::unique_ptr<Snapshot>> make(
        SnapshotOptions options,
        const Surroundings& surroundings,
        const SideReader& side,
        std::optional<std::vector<TableName>> begin,
        std::vector<std::uint32_t> suspects);

    // Does what can be done now, between transactions; call it often. Reads a chunk, or appends
    // one. Transient errors of the reader are kept here and tried again later.
    [[nodiscard]] Result<void> step(Intake& intake, EntrySink& sink);
    // Whether step() has rows to append now.
    [[nodiscard]] bool due(const Intake& intake) const {
        return held_ && !intake.in_transaction() && intake.position() >= held_->place;
    }
    // Rows wait for the stream to come to their place: a keepalive would tell.
    [[nodiscard]] bool waits_for(const Intake& intake) const {
        return held_ && intake.position() < held_->place;
    }
    // How long a poll may wait for input before step() should be called again; at most `wait`.
    [[nodiscard]] std::chrono::milliseconds patience(const Intake& intake,
                                                     std::chrono::milliseconds wait) const;
    [[nodiscard]] bool finished() const noexcept { return registered_ && tables_.empty(); }

    void on_begin(std::uint32_t xid, Lsn commit_lsn) override;
    [[nodiscard]] bool wants(std::uint32_t relation) const override;
    void on_row(std::string_view columns, const RowMessage& row) override;
    void on_truncate(std::uint32_t relation) override;
    void on_commit(bool selected) override;

  private:
    struct Table {
        TableName name;
        core::snapshot::TableProgress progress;
    };
    struct Shape {
        SnapshotTable table;
        SchemaId schema_id;
        std::string fingerprint;
        std::string columns;  // column_signature()
    };
    struct Held {
        BegunChunk seen;
        Lsn place;
        bool more = false;
        bool stale = false;  // the stream shows another structure: read it again
        std::int64_t read_time_us = 0;
        core::snapshot::Placement placement;
    };
    struct Group;

    Snapshot(SnapshotOptions options, const Surroundings& surroundings, TableFilter filter);

    Result<void> load(const SideReader& side, std::vector<TableName> begin);
    void register_run(Intake& intake, EntrySink& sink);
    Result<void> read_chunk(Intake& intake, EntrySink& sink);
    Result<bool> begin_chunk(BegunChunk& seen, Intake& intake, EntrySink& sink);
    Result<void> shape(const BegunChunk& seen, EntrySink& sink);
    Result<void> read_rows(Held& held);
    bool all_seen(const BegunChunk& seen);
    Result<void> postpone(const Error& error);
    void append(Intake& intake, EntrySink& sink);
    void append_group(Intake& intake, EntrySink& sink);
    void write_progress(Intake& intake, EntrySink& sink);
    void finish_table(Intake& intake, EntrySink& sink, std::string_view how);
    void finish_chunk();
    [[nodiscard]] SnapshotMarker marker(bool last_of_chunk) const;
    [[nodiscard]] std::vector<std::string> key_of(std::string_view row) const;
    [[nodiscard]] std::string current_name() const;
    [[nodiscard]] bool sees_current() const;

    SnapshotOptions options_;
    ChunkReader& reader_;
    const Clock& clock_;
    Observer& observer_;
    TableFilter filter_;

    core::snapshot::Run run_;
    bool registered_ = true;          // false: the run is new and not yet in the log
    std::vector<std::string> stale_;  // side keys of an earlier run
    std::vector<Table> tables_;       // not done; the first is being read
    std::optional<Shape> shape_;      // of the first
    std::optional<Held> held_;
    std::uint64_t rows_next_ = 0;  // of the next chunk
    SteadyTime retry_at_;
    SteadyTime since_;  // of this table, for the log
    std::uint32_t retries_ = 0;

    // Appended, and not yet seen by any chunk.
    std::vector<std::uint32_t> unseen_;
    std::uint32_t xid_ = 0;  // of the stream's transaction
    Lsn commit_lsn_;
    std::string name_;      // scratch
    std::string new_name_;  // scratch
};

}  // namespace tributary::postgresql
