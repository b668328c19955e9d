// Snapshot: what of a snapshot is PostgreSQL's own (core/snapshot/engine.h has the rest): which
// transactions a chunk sees, and what the stream says about its rows.
//   - On PostgreSQL a transaction may be in the log, and streamed, before others can see it: a
//     chunk is read only when its pg_current_snapshot() sees every transaction appended so far.
//   - Transactions that it does not see speak for the rows that they change.
// A standby has no list of transactions under way: what it has replayed is what it sees.
// Pure but for the ChunkReader; the intake thread. One object per connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/postgresql/intake/intake.h"
#include "connectors/postgresql/server/table_name.h"
#include "connectors/postgresql/snapshot/chunk_port.h"
#include "core/snapshot/engine.h"
#include "model/table_filter.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/side.h"

namespace tributary::postgresql {

struct SnapshotOptions {
    core::snapshot::EngineOptions engine{};
    std::string database;  // TableSchema::database
    FilterRules filter{};
};

class Snapshot final : public StreamWatcher, private core::snapshot::ChunkReader {
  public:
    // Goes on with the run that `side` has, or begins one of the tables when `begin` is set. While
    // it is not finished, Intake must tell it of the stream (Intake::watch()). `reader`, `clock`
    // and `observer` outlive it.
    struct Surroundings {
        postgresql::ChunkReader& reader;
        const Clock& clock;
        Observer& observer;
    };
    [[nodiscard]] static Result<std::unique_ptr<Snapshot>> make(
        const SnapshotOptions& options,
        const Surroundings& surroundings,
        const SideReader& side,
        std::optional<std::vector<RunTable>> begin);

    // Transactions open at this moment that may have been appended before it was told of the
    // stream.
    void suspect(std::vector<std::uint32_t> xids) { unseen_ = std::move(xids); }

    // As Engine has them.
    [[nodiscard]] Result<void> step(Intake& intake, EntrySink& sink) {
        return engine_->step(intake, sink);
    }
    [[nodiscard]] bool due(const Intake& intake) const { return engine_->due(intake); }
    [[nodiscard]] bool waits_for(const Intake& intake) const { return engine_->waits_for(intake); }
    [[nodiscard]] std::chrono::milliseconds patience(const Intake& intake,
                                                     std::chrono::milliseconds wait) const {
        return engine_->patience(intake, wait);
    }
    [[nodiscard]] bool finished() const noexcept { return engine_->finished(); }
    [[nodiscard]] core::snapshot::Engine& engine() noexcept { return *engine_; }

    void on_begin(std::uint32_t xid, Lsn commit_lsn) override;
    [[nodiscard]] bool wants(std::uint32_t relation) const override;
    [[nodiscard]] bool withholds(std::string_view table) const override {
        return engine_->withholds(table);
    }
    void on_row(std::string_view columns, const RowMessage& row) override;
    void on_truncate(std::uint32_t relation) override;
    void on_commit(bool selected) override;

  private:
    Snapshot(const SnapshotOptions& options, const Surroundings& surroundings, TableFilter filter)
        : database_(options.database),
          source_(options.engine.source),
          reader_(surroundings.reader),
          observer_(surroundings.observer),
          filter_(std::move(filter)) {}

    Result<core::snapshot::ChunkBegin> begin(const TableName& table) override;
    Result<core::snapshot::ChunkShape> describe() override;
    Result<void> ask(const core::snapshot::RowsWanted& wanted) override;
    Result<void> rows(const OnRow& on_row) override;
    Result<void> part(std::uint64_t rows_max, std::string_view where, const OnRow& on_row) override;
    Result<void> end() override { return reader_.end(); }
    void abandon() override { reader_.abandon(); }
    [[nodiscard]] std::vector<std::string> key_of(std::string_view row) const override;
    void name_of(std::string_view row, std::string& name) const override;

    [[nodiscard]] Error of_rows(const Error& error, std::string_view where) const;
    void say(const RowMessage& row, core::snapshot::ViewChanges& changes);
    bool all_seen();
    [[nodiscard]] bool sees_current() const;
    [[nodiscard]] bool in_doubt() const;

    std::string database_;
    std::string source_;
    postgresql::ChunkReader& reader_;
    Observer& observer_;
    TableFilter filter_;
    std::unique_ptr<core::snapshot::Engine> engine_;

    BegunChunk seen_;      // of the chunk that is read or held
    SnapshotTable table_;  // of the last describe()
    std::string columns_;  // its column_signature()
    std::string where_;    // of the rows that were asked for
    // Appended, and not yet seen by any chunk.
    std::vector<std::uint32_t> unseen_;
    std::uint32_t xid_ = 0;  // of the stream's transaction
    Lsn commit_lsn_;
    std::string name_;      // scratch
    std::string new_name_;  // scratch
};

}  // namespace tributary::postgresql
