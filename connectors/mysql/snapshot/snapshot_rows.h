// What an event of the stream says about rows of a chunk: which row it names, and the row with the
// event put over it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/snapshot/snapshot_table.h"
#include "connectors/mysql/values/row_image.h"
#include "model/schema.h"

namespace tributary::mysql {

// One column of an image: not there, NULL, or the value's bytes with its length prefix.
struct ImageCell {
    bool present = false;
    std::optional<std::string_view> bytes{};
};
using ImageCells = std::vector<ImageCell>;

// The columns of one image off the front of `bytes`, which is moved behind it. false: not whole.
[[nodiscard]] bool read_cells(const RowLayout& layout,
                              std::string_view present,
                              std::string_view& bytes,
                              ImageCells& out);

// How events of one structure are read beside rows of a SnapshotTable.
struct EventShape {
    bool ours = false;  // of the table
    bool fits = false;  // it has the table's columns; else the table was altered
    RowLayout layout{};
    std::size_t row_end = 0;             // row_end_column()
    std::vector<std::size_t> columns{};  // places in the event, by column of the table
    std::vector<bool> same{};            // by column of the table: bytes mean the same
};
[[nodiscard]] EventShape event_shape(const TableSchema& events, const SnapshotTable& table);

// An I, U, P or D, by columns of the table.
struct RowEvent {
    char operation = 'I';
    bool history = false;  // of a system-versioned table: says nothing about current rows
    bool whole = false;    // nothing is left out that the event has put
    ImageCells before{};   // U, P, D
    ImageCells after{};    // I, U, P; what it leaves out is that of `before`
};
// kEntryCorrupt when the payload is not as written. P: JSON in `after` may be differences.
[[nodiscard]] Result<RowEvent> read_event(const EventShape& shape, std::string_view payload);

// The bytes by which a row is named. false: a column is left out or does not mean the same.
[[nodiscard]] bool append_name(std::string& out,
                               const SnapshotTable& table,
                               const EventShape* shape,
                               const ImageCells& cells);

// The cells of a row that append_held_row() or put_over() wrote.
[[nodiscard]] ImageCells cells_of(const SnapshotTable& table, std::string_view row);

// A row of a table without a key, of all its columns; nullopt: it does not mean the same.
[[nodiscard]] std::optional<std::string> held_row(const EventShape& shape, const ImageCells& cells);

// `row` with what `event` has put over it; nullopt: it does not mean the same.
[[nodiscard]] std::optional<std::string> put_over(const SnapshotTable& table,
                                                  const EventShape& shape,
                                                  std::string_view row,
                                                  const ImageCells& event);

}  // namespace tributary::mysql
