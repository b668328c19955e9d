// What a snapshot asks of its connector: ChunkReader reads rows of a table, RowStream appends them
// between two transactions of the stream. Both are called by the engine (engine.h) on the intake
// thread. Rows are the connector's bytes: what RowStream::append_row() takes is what the reader
// gave, or what the connector made of it (Placement::replace()).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/snapshot_marker.h"
#include "model/ids.h"
#include "model/schema.h"
#include "ports/source.h"

namespace tributary::core::snapshot {

// As the server has them. MySQL: the schema is the database.
struct TableName {
    std::string schema;
    std::string table;
    friend bool operator==(const TableName&, const TableName&) = default;
};

// A table of a run.
struct RunTable {
    TableName name;
    bool keyless = false;  // nothing tells its rows apart
};

struct ChunkBegin {
    enum class State {
        begun,
        not_yet,  // it would not see everything that was appended; nothing was begun
        gone,     // there is no such table in the stream any more; nothing was begun
    };
    State state = State::begun;
    std::string fingerprint{};  // begun: of the table's structure; differs after any ALTER
    Position place{};         // begun: when the stream has passed it, it has said all that is seen
    std::string waits_for{};  // not_yet: for people
    std::string why{};        // gone: for people
};

struct ChunkShape {
    std::shared_ptr<const TableSchema> structure{};  // of the rows, selected columns only
    std::vector<std::string> key_columns{};          // rows are read in their order; empty: no key
};

struct RowsWanted {
    const std::vector<std::string>& after;  // behind the row with this key; empty: from the first
    std::uint64_t rows_max;
    std::string_view where;  // only rows with this, in the server's SQL; empty: all
};

// One chunk is begin(), describe() where the structure is not known, ask(), rows(), end(), or
// abandon() at any point.
class ChunkReader {
  public:
    using OnRow = std::function<bool(std::string_view row)>;  // false: no more are wanted

    virtual ~ChunkReader() = default;

    // Begins a view of the table that stays as it is until end(), and that sees every transaction
    // that was appended so far. Transient errors are tried again by the engine.
    [[nodiscard]] virtual Result<ChunkBegin> begin(const TableName& table) = 0;
    // kConfigInvalid: a column of the key is left out by the filter.
    [[nodiscard]] virtual Result<ChunkShape> describe() = 0;
    // Asks for rows in the key's order, without waiting for them: the server makes them meanwhile.
    [[nodiscard]] virtual Result<void> ask(const RowsWanted& wanted) = 0;
    // Those that were asked for.
    [[nodiscard]] virtual Result<void> rows(const OnRow& on_row) = 0;
    // Instead of the two: rows of the whole table, in no order. Each call goes on where the one
    // before ended, in the one view that begin() made, and gives no row after the last.
    [[nodiscard]] virtual Result<void> part(std::uint64_t rows_max,
                                            std::string_view where,
                                            const OnRow& on_row) = 0;
    // Ends the view.
    [[nodiscard]] virtual Result<void> end() = 0;
    // Ends it, whatever state it is in; the next begin() starts clean.
    virtual void abandon() = 0;

    // Values of key_columns of a row, for `after`.
    [[nodiscard]] virtual std::vector<std::string> key_of(std::string_view row) const = 0;
    // The bytes by which the stream names a row (Placement::KeyOf, ViewChanges).
    virtual void name_of(std::string_view row, std::string& name) const = 0;
};

class RowStream {
  public:
    virtual ~RowStream() = default;

    // Rows may be appended now.
    [[nodiscard]] virtual bool between_transactions() const = 0;
    // Everything that the log had at the start has come again.
    [[nodiscard]] virtual bool past_start() const = 0;
    [[nodiscard]] virtual bool has_passed(const Position& place) const = 0;

    // Whether resume positions from now on say that a snapshot is under way.
    virtual void in_snapshot(bool running) = 0;
    // A position entry, whether one is due or not.
    virtual void append_position(std::int64_t now_us, EntrySink& sink) = 0;
    // Their context, each row (`ordinal` numbers it for ever), and the resume position after them.
    virtual void begin_rows(std::int64_t read_time_us, std::int64_t now_us, EntrySink& sink) = 0;
    virtual void append_row(SchemaId schema,
                            std::uint32_t ordinal,
                            format::SnapshotMarker marker,
                            std::string_view row,
                            EntrySink& sink) = 0;
    virtual void end_rows(std::int64_t now_us, EntrySink& sink) = 0;
};

}  // namespace tributary::core::snapshot
