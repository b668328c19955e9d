// How far a snapshot is, as the side keyspace holds it (ports/side.h): one value for the run and
// one per table. Written with the rows that it speaks of, so that a kill neither repeats nor misses
// a row. Pure; any thread.
//
//   "snapshot/run"            byte version 1; byte state; varint rows of all runs; varint rows of
//                             this run
//   "snapshot/table/<name>"   byte version 1; byte done; varint rows; varint n, n sized names of
//                             the key's columns; varint m, m sized values (0: no row read yet)
//                             version 2, of a table that was asked for: the same, then sized
//                             condition (empty: all rows)
//                             version 3, of a table without a key: as version 1
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tributary::core::snapshot {

inline constexpr std::string_view kRunKey = "snapshot/run";
inline constexpr std::string_view kTablePrefix = "snapshot/table/";

enum class RunState : std::uint8_t { running = 1, done = 2 };

struct Run {
    RunState state = RunState::running;
    std::uint64_t rows_ever = 0;  // numbers rows over all runs: part of their identity
    std::uint64_t rows = 0;       // appended in this run
    friend bool operator==(const Run&, const Run&) = default;
};

struct TableProgress {
    bool done = false;
    std::uint64_t rows = 0;                  // appended
    std::vector<std::string> key_columns{};  // what `last_key` are values of
    std::vector<std::string> last_key{};     // of the last row that is dealt with, as text
    bool keyless = false;                    // of a run: its changes wait for its rows
    bool ad_hoc = false;                     // asked for by an operator
    std::string where{};                     // then: only rows with this, in the server's SQL
    friend bool operator==(const TableProgress&, const TableProgress&) = default;
};

[[nodiscard]] std::string encode(const Run& run);
[[nodiscard]] std::string encode(const TableProgress& table);
// kLogCorrupt when it is not as written.
[[nodiscard]] Result<Run> parse_run(std::string_view bytes);
[[nodiscard]] Result<TableProgress> parse_table(std::string_view bytes);

}  // namespace tributary::core::snapshot
