// Intake: the pure state machine between the replication stream and the log. It is fed the XLogData
// and keepalive messages of one connection and appends entries to an EntrySink: it follows
// Begin..Commit, counts ordinals, skips what a re-send repeats, drops what is not selected, joins
// Relation messages with the catalogue, and moves `resume`. Rows are checked in structure and
// copied undecoded (entry_payload.h).
//
// Identity (DESIGN 5): the ordinal of a row, transactional message or truncated table within
// Begin..Commit, from 0, before filters. A Truncate message counts once per table that it lists, so
// that each of its entries has an identity of its own. Relation and Type do not count.
//
// One thread. One object per connection: after an error, make a new one from the last position.
// PostgreSQL 15 manual 55.5.3 "Logical Replication Protocol Message Flow".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connectors/postgresql/entry_payload.h"
#include "connectors/postgresql/intake/stream_watcher.h"
#include "connectors/postgresql/intake/uncarried_key.h"
#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/position.h"
#include "connectors/postgresql/server/catalogue_port.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "core/snapshot/chunk_port.h"
#include "model/entry.h"
#include "model/table_filter.h"
#include "ports/source.h"

namespace tributary::postgresql {

struct IntakeOptions {
    std::string database;  // TableSchema::database
    FilterRules filter{};
    std::uint64_t row_bytes_max = 64ULL << 20U;      // of one pgoutput message of a selected table
    std::int64_t position_interval_us = 30'000'000;  // between position entries
};

class Intake final : public core::snapshot::RowStream {
  public:
    // `catalogue` outlives the intake. kConfigInvalid: a filter expression; kSourceDiverged:
    // `start` has positions that this connector did not write.
    [[nodiscard]] static Result<std::unique_ptr<Intake>> make(const IntakeOptions& options,
                                                              const StartPoint& start,
                                                              CatalogueReader& catalogue);

    // A new pipeline begins here, where its slot is: also what is appended before the server says
    // anything.
    void begin_at(Lsn slot_at) noexcept { position_ = slot_at; }

    // One XLogData ('w'): its header's walStart and walEnd, and the pgoutput message in it.
    // `now_us`: wall clock, microseconds since 1970. kProtocolViolation, kRowTooLarge,
    // kSchemaMismatch, kConfigInvalid (an excluded key column), or what the catalogue failed with.
    [[nodiscard]] Result<void> on_xlog_data(
        Lsn wal_start, Lsn wal_end, std::int64_t now_us, std::string_view message, EntrySink& sink);

    // One keepalive ('k'). Outside a transaction its walEnd becomes the position to hold.
    void on_keepalive(Lsn wal_end, std::int64_t now_us, EntrySink& sink);

    // Appends the position entry that is due, if any; call it when idle.
    void on_tick(std::int64_t now_us, EntrySink& sink);

    // Appends the position entry now if there is anything to say: a server that shuts down waits
    // for it.
    void flush_position(std::int64_t now_us, EntrySink& sink);

    // Tells `watcher` (which outlives this; null: nobody) of what follows.
    void watch(StreamWatcher* watcher) noexcept { watcher_ = watcher; }

    // Tables described since the last call whose key is not carried.
    [[nodiscard]] std::vector<UncarriedKey> take_uncarried_keys() {
        return std::exchange(uncarried_keys_, {});
    }

    void in_snapshot(bool running) noexcept override { in_snapshot_ = running; }

    // Rows of a snapshot, between transactions: tuples of the columns of `schema`.
    void begin_rows(std::int64_t read_time_us, std::int64_t now_us, EntrySink& sink) override;
    void append_row(SchemaId schema,
                    std::uint32_t ordinal,
                    SnapshotMarker marker,
                    std::string_view tuple,
                    EntrySink& sink) override;
    void end_rows(std::int64_t now_us, EntrySink& sink) override;
    void append_position(std::int64_t now_us, EntrySink& sink) override;

    [[nodiscard]] bool past_start() const noexcept override {
        return !start_done_ || position_ > start_done_->lsn;
    }
    [[nodiscard]] bool between_transactions() const noexcept override { return !in_transaction_; }
    [[nodiscard]] bool has_passed(const Position& place) const override {
        return position_ >= decode_resume(place).value_or(Lsn());
    }
    [[nodiscard]] bool in_transaction() const noexcept { return in_transaction_; }
    // End of the last complete transaction or keepalive position: what `resume` is or would be.
    [[nodiscard]] Lsn position() const noexcept { return position_; }

  private:
    struct Table {
        bool selected = false;
        std::string name;                // "schema.table"
        std::string columns;             // column_signature() of those that are kept
        SchemaId schema_id;              // of the columns that are kept
        std::uint16_t column_count = 0;  // on the wire
        bool drops_columns = false;
        std::uint16_t kept_count = 0;
        std::vector<bool> keep;               // by column on the wire
        std::vector<bool> key;                // the same: key columns that old rows have
        std::string unsent_key;               // a column of a chosen key that old rows lack
        std::uint32_t tally = 0;              // place in end_.tables, in transaction
        std::uint64_t tally_transaction = 0;  // this one
    };

    Intake(IntakeOptions options, TableFilter filter, CatalogueReader& catalogue);

    Result<void> on_begin(std::string_view message);
    Result<void> on_commit(std::string_view message, std::int64_t now_us, EntrySink& sink);
    Result<void> tell(std::uint32_t relation, const Table& table, const RowMessage& row);
    Result<void> on_origin(std::string_view message);
    Result<void> on_relation(std::string_view message, EntrySink& sink);
    Result<void> select_columns(const RelationMessage& relation, Table& table, EntrySink& sink);
    Result<void> on_row(Lsn wal_start,
                        std::int64_t now_us,
                        std::string_view message,
                        EntrySink& sink);
    Result<void> on_truncate(Lsn wal_start,
                             std::int64_t now_us,
                             std::string_view message,
                             EntrySink& sink);
    Result<void> on_message(std::int64_t now_us, std::string_view message, EntrySink& sink);
    Result<void> on_free_message(const LogicalMessage& message,
                                 std::int64_t now_us,
                                 EntrySink& sink);

    Result<Table*> find_table(std::uint32_t oid, MessageType type);
    Result<std::uint32_t> next_ordinal(MessageType type);
    void count(Table& table);
    bool withheld(const Table& table);
    [[nodiscard]] static bool key_moved(const Table& table, const RowMessage& row);
    void start_payload(char operation, const Table* table, Lsn lsn);
    void write_tuple(const Table& table, const Tuple& tuple);
    void write_image(const Table& table, const RowMessage& row);
    void open_context(std::int64_t now_us, EntrySink& sink);
    void append(
        EntryKind kind, SchemaId schema, Identity identity, std::int64_t now_us, EntrySink& sink);
    void move_resume(Lsn position, std::int64_t now_us, EntrySink& sink);
    [[nodiscard]] bool repeated(Identity identity) const noexcept;

    IntakeOptions options_;
    TableFilter filter_;
    CatalogueReader* catalogue_;
    StreamWatcher* watcher_ = nullptr;
    bool withheld_ = false;  // something of the transaction
    std::unordered_map<std::uint32_t, std::unique_ptr<Table>> tables_;
    std::vector<UncarriedKey> uncarried_keys_;
    std::uint32_t last_oid_ = 0;
    Table* last_table_ = nullptr;

    // Of the stream
    std::optional<Identity> start_done_;  // nothing up to here is appended again
    Identity last_;          // nothing at or below this may come any more on this connection
    Identity done_;          // newest identity appended or given at the start
    Lsn position_;           // everything below was received
    Lsn appended_position_;  // of the newest resume that came with an entry
    std::int64_t position_time_us_ = 0;  // when that was
    Lsn last_commit_end_;                // for source.sequence

    // Of the open transaction
    bool in_snapshot_ = false;
    bool in_transaction_ = false;
    bool context_open_ = false;
    BeginMessage begin_;
    std::string origin_name_;
    Lsn origin_lsn_;
    std::uint32_t ordinal_ = 0;      // of the next counted event
    std::uint64_t transaction_ = 0;  // number of Begins, to tell tallies apart
    TransactionEnd end_;             // counts of selected events, repeats included

    // Reused from call to call
    std::string scratch_;
    Position done_bytes_;
};

}  // namespace tributary::postgresql
