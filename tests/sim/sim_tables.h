// The tables that simulated databases have, and random changes of their rows.
#pragma once

#include <charconv>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/random.h"

namespace tributary::sim {

inline constexpr std::size_t kTables = 3;
inline constexpr std::size_t kExcludedTable = 2;  // in the stream, not selected
inline constexpr std::size_t kKeylessTable = 1;   // in worlds that have one

[[nodiscard]] std::string table_name(std::size_t table);

enum class Op : char { insert = 'I', update = 'U', move_key = 'K', remove = 'D', truncate = 'T' };

struct RowState {
    std::string value;
    std::string toast;
    friend bool operator==(const RowState&, const RowState&) = default;
};

struct SimRow {
    std::size_t table = 0;
    std::size_t version = 0;  // of the table's structure
    Op op = Op::insert;
    int key = 1;
    int new_key = 1;    // of move_key
    std::string value;  // unique
    // Tables that hold rows: of column more0, which is TOASTed: an update may leave it as it is.
    std::string toast{};
    bool keeps_toast = false;
    RowState before{};  // the row as it was
};
using TableState = std::map<int, RowState>;
// What a change of that table makes of it.
void change_table(const SimRow& row, TableState& table);

// Whether one of them is about that row of the table, or, without a key, about any.
[[nodiscard]] bool touches(const std::vector<SimRow>& rows,
                           std::size_t table,
                           std::optional<int> key);

// What makes a row's value unique.
[[nodiscard]] std::string mark_of(std::uint64_t transaction, std::size_t ordinal);
// `versions`: of the tables' structures.
[[nodiscard]] SimRow random_row(Rng& random,
                                const std::vector<std::size_t>& versions,
                                const std::string& value);

// Of tables that hold rows: what a change has to fit.
struct RowRules {
    const std::vector<std::size_t>& versions;
    const std::vector<TableState>& now;
    // Another transaction holds the row; without a key: any of the table.
    std::function<bool(std::size_t table, std::optional<int> key)> locked;
    std::function<bool(std::size_t table)> read;  // somebody reads the table
};
// A random change; nothing where it would have to wait for a lock.
[[nodiscard]] std::optional<SimRow> fitting_row(Rng& random,
                                                const RowRules& rules,
                                                std::uint64_t transaction,
                                                std::size_t ordinal);
// What the tables hold to begin with, `rows` each at most; into `now` too.
[[nodiscard]] std::vector<SimRow> first_rows(Rng& random,
                                             std::size_t rows,
                                             std::uint64_t transaction,
                                             std::vector<TableState>& now);

// The number behind `mark` in a statement; `missing` where there is no mark.
[[nodiscard]] inline int number_after(std::string_view sql, std::string_view mark, int missing) {
    const auto at = sql.find(mark);
    if (at == std::string_view::npos) {
        return missing;
    }
    const std::string_view digits = sql.substr(at + mark.size());
    int value = missing;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

// add(sub-index, key, what its value has in it) for each record that a consumer must see of it.
template <typename Add>
void each_record(const SimRow& row, Add add) {
    switch (row.op) {
        case Op::insert:
        case Op::update:
            add(std::uint16_t{0}, row.key, row.value);
            break;
        case Op::move_key:
            add(std::uint16_t{0}, row.key, std::string());
            add(std::uint16_t{1}, row.key, std::string());
            add(std::uint16_t{2}, row.new_key, row.value);
            break;
        case Op::remove:
            add(std::uint16_t{0}, row.key, std::string());
            add(std::uint16_t{1}, row.key, std::string());
            break;
        case Op::truncate:
            break;
    }
}

}  // namespace tributary::sim
