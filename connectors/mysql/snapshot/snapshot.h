// Snapshot: what of a snapshot is MySQL's and MariaDB's own (core/snapshot/engine.h has the rest):
// what a chunk sees, and what the stream says about its rows. docs/snapshots.md has the reasons.
//   - MariaDB: the place of the chunk's consistent snapshot is known, and the chunk is what the
//     table held there. One that lies below what was appended is read again.
//   - MySQL: what is in @@gtid_executed before the chunk is seen by it; up to the end of the binlog
//     after it, others may be. A chunk is read only when everything appended is in that set; what
//     comes meanwhile speaks for the rows that it changes, whether the chunk saw it or not: by its
//     place, the stream has said all about these rows. Of a table without a key nobody could say
//     which rows these are: it is read at a moment in which none of them is in doubt.
// An event that leaves columns out is put over the row that is held; where that cannot be done
// exactly, and behind a statement that may have made another table, the chunk is read again.
// Pure but for the ChunkReader; the intake thread. One object per connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connectors/mysql/intake/intake.h"
#include "connectors/mysql/intake/stream_watcher.h"
#include "connectors/mysql/snapshot/chunk_port.h"
#include "connectors/mysql/snapshot/snapshot_rows.h"
#include "connectors/mysql/snapshot/snapshot_table.h"
#include "core/snapshot/engine.h"
#include "model/table_filter.h"
#include "ports/clock.h"
#include "ports/observer.h"
#include "ports/side.h"

namespace tributary::mysql {

struct SnapshotOptions {
    core::snapshot::EngineOptions engine{};
    ServerKind server = ServerKind::mysql;
    ChunkRule rule = ChunkRule::gtids;
    FilterRules filter{};
    // Rule `exactly`: everything that earlier processes appended ends at or below it.
    Place appended_below{};
};

class Snapshot final : public StreamWatcher, private core::snapshot::ChunkReader {
  public:
    using TableName = core::snapshot::TableName;
    using RunTable = core::snapshot::RunTable;

    // They outlive it.
    struct Surroundings {
        mysql::ChunkReader& reader;
        Intake& intake;
        const Clock& clock;
        Observer& observer;
    };
    // Goes on with the run that `side` has, or begins one of the tables when `begin` is set. While
    // it is not finished, Intake must tell it of the stream (Intake::watch()).
    [[nodiscard]] static Result<std::unique_ptr<Snapshot>> make(
        const SnapshotOptions& options,
        const Surroundings& surroundings,
        const SideReader& side,
        std::optional<std::vector<RunTable>> begin);

    // As Engine has them.
    [[nodiscard]] Result<void> step(EntrySink& sink) {
        return engine_->step(intake_.snapshot_rows(), sink);
    }
    [[nodiscard]] bool due() const { return engine_->due(intake_.snapshot_rows()); }
    [[nodiscard]] std::chrono::milliseconds patience(std::chrono::milliseconds wait) const {
        return engine_->patience(intake_.snapshot_rows(), wait);
    }
    [[nodiscard]] bool finished() const noexcept { return engine_->finished(); }
    [[nodiscard]] core::snapshot::Engine& engine() noexcept { return *engine_; }
    [[nodiscard]] const core::snapshot::Engine& engine() const noexcept { return *engine_; }

    [[nodiscard]] bool wants(const std::optional<MysqlGtid>& gtid,
                             const Place& start) const override;
    [[nodiscard]] bool withholds(std::string_view table) const override {
        return engine_->withholds(table);
    }
    void on_row(SchemaId id, const TableSchema& schema, std::string_view payload) override;
    void on_truncate(std::string_view database, std::string_view table) override;
    void on_ddl(std::string_view database, std::string_view table) override;

  private:
    Snapshot(const SnapshotOptions& options, const Surroundings& surroundings, TableFilter filter)
        : options_(options),
          reader_(surroundings.reader),
          intake_(surroundings.intake),
          filter_(std::move(filter)) {}

    Result<core::snapshot::ChunkBegin> begin(const TableName& table) override;
    Result<core::snapshot::ChunkShape> describe() override;
    Result<void> ask(const core::snapshot::RowsWanted& wanted) override;
    Result<void> rows(const OnRow& on_row) override;
    Result<void> part(std::uint64_t rows_max, std::string_view where, const OnRow& on_row) override;
    Result<void> held_rows(
        const OnRow& on_row,
        const std::function<Result<void>(const std::function<bool(mysql::ChunkReader::Cells)>&)>&
            read);
    Result<void> end() override { return reader_.end(); }
    void abandon() override { reader_.abandon(); }
    [[nodiscard]] std::vector<std::string> key_of(std::string_view row) const override;
    void name_of(std::string_view row, std::string& name) const override;

    [[nodiscard]] bool all_seen() const;
    const EventShape& shape_of(SchemaId id, const TableSchema& schema);
    [[nodiscard]] bool speak(const EventShape& shape, std::string_view payload);
    [[nodiscard]] bool speak_of_all(const EventShape& shape,
                                    const RowEvent& event,
                                    core::snapshot::ViewChanges& changes);
    [[nodiscard]] bool speak_of_chunk(const EventShape& shape, const RowEvent& event);
    [[nodiscard]] bool name_both(const EventShape& shape, const RowEvent& event);

    SnapshotOptions options_;
    mysql::ChunkReader& reader_;
    Intake& intake_;
    TableFilter filter_;
    std::unique_ptr<core::snapshot::Engine> engine_;

    TableName name_;                                        // of the table that is read
    BegunChunk seen_;                                       // of the chunk that is read or held
    SnapshotTable table_;                                   // of the last describe()
    std::unordered_map<std::uint32_t, EventShape> shapes_;  // of events, for that table
    enum class Sight { seen, in_doubt, unseen };
    [[nodiscard]] Sight sight_from(const Place& start) const;
    mutable Sight sight_ = Sight::seen;  // of the stream's transaction by the chunk
    std::string old_name_;               // scratch
    std::string new_name_;               // scratch
};

}  // namespace tributary::mysql
