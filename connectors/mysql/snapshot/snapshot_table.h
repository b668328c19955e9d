// One table as a snapshot reads it: its structure as the stream would have it, how its cells become
// a row image, and the SELECT of a chunk. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/server_kind.h"
#include "connectors/mysql/snapshot/chunk_port.h"
#include "connectors/mysql/values/cell_encode.h"
#include "model/schema.h"
#include "model/table_filter.h"

namespace tributary::mysql {

struct SnapshotTable {
    TableSchema structure{};                 // of the columns that are selected and can be read
    std::vector<CellForm> forms{};           // by column
    std::vector<std::string> introducers{};  // by column, of literals: "_latin1", "" for none
    std::vector<std::string> collations{};   // likewise, empty: none
    std::vector<std::string> order{};        // columns by which the rows are read; empty: no key
    std::vector<std::size_t> order_at{};     // their places in structure.columns
    std::vector<std::size_t> match_at{};     // columns by which the stream names a row
    bool by_primary_key = false;
};

// kConfigInvalid: a key column is left out by the filter. kSourceSettings: a column of MariaDB 5.3.
[[nodiscard]] Result<SnapshotTable> make_snapshot_table(const TableFacts& facts,
                                                        ServerKind kind,
                                                        const TableFilter& filter);

// SELECT of at most `rows_max` rows with `where` (SQL; empty: all) after `after` (values of
// `order`, or none to begin). Keys are
// compared and ordered by the server, by their own collations.
[[nodiscard]] std::string chunk_sql(const SnapshotTable& table,
                                    const std::vector<std::string>& after,
                                    std::uint64_t rows_max,
                                    std::string_view where);

// All of its rows with `where`, in no order.
[[nodiscard]] std::string whole_sql(const SnapshotTable& table, std::string_view where);

// A row as it is held: fixed32 bytes of the key, its values as sized texts, then bitmap and row
// image of an insert (entry_payload.h, I). Appends one; the column that is not as its type says, or
// none.
[[nodiscard]] std::optional<std::size_t> append_held_row(
    std::string& out,
    const SnapshotTable& table,
    std::span<const std::optional<std::string_view>> cells);

// The parts of it.
[[nodiscard]] std::vector<std::string> key_of_held(std::string_view row);
[[nodiscard]] std::string_view image_of_held(std::string_view row);

}  // namespace tributary::mysql
