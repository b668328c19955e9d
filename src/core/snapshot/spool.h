// Spool: the rows of a table without a key, from the first one read to the last one appended. Such
// a table cannot be gone on with after a kill, because nothing tells which of its rows came: so all
// of it is read in one view into the side keyspace first, and appended from there, a piece at a
// time, each with the note that it was. A kill while it is read begins it again, and nothing was
// delivered; a kill afterwards goes on with the next piece.
//
// The stream waits while it is read and while it is appended: nobody could tell whether a change is
// about a row that was appended already.
//
//   "snapshot/spool/state"         byte version 2; sized side key of the table; varint id of the
//                                  rows' schema; varint time of reading, us since 1970; varint
//                                  pieces; varint pieces appended; present from the last row read
//                                  on
//   "snapshot/spool/row/<8 hex>"   rows, each sized
//
// Pure; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "ports/side.h"
#include "ports/source.h"

namespace tributary::core::snapshot {

class Spool {
  public:
    struct Table {
        std::string side_key;  // names it
        SchemaId schema;       // of its rows
        std::int64_t read_time_us = 0;
    };

    explicit Spool(Table table) : table_(std::move(table)) {}

    // The one that was read to its end by an earlier process; nullopt: there is none. kLogCorrupt.
    [[nodiscard]] static Result<std::optional<Spool>> load(const SideReader& side);
    // Erases whatever `side` has of any spool, with the entry appended next.
    [[nodiscard]] static Result<void> erase(const SideReader& side, EntrySink& sink);

    [[nodiscard]] const Table& table() const noexcept { return table_; }

    // Reading. Rows go to `sink` in pieces, with the entry appended next.
    void add(std::string_view row, EntrySink& sink);
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    // The last row was read: with the entry appended next.
    void close(EntrySink& sink);

    // Appending.
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] bool at_end() const noexcept { return next_ == pieces_; }
    // The rows of the next piece.
    [[nodiscard]] Result<std::vector<std::string>> take(const SideReader& side) const;
    [[nodiscard]] bool at_last() const noexcept { return next_ + 1 == pieces_; }
    // take()'s piece is appended, with the entry appended next.
    void pass(EntrySink& sink);
    // The same of the last one: nothing is left of the spool.
    void finish(EntrySink& sink);

  private:
    void write_piece(EntrySink& sink);
    [[nodiscard]] std::string state() const;

    Table table_;
    std::string open_;  // the piece that is being filled
    std::size_t open_cost_ = 0;
    std::uint64_t pieces_ = 0;
    std::uint64_t next_ = 0;
    std::uint64_t bytes_ = 0;
    bool closed_ = false;
};

}  // namespace tributary::core::snapshot
