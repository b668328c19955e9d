// The tables that simulated databases have, and random changes of their rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/random.h"

namespace tributary::sim {

inline constexpr std::size_t kTables = 3;
inline constexpr std::size_t kExcludedTable = 2;  // in the stream, not selected

[[nodiscard]] std::string table_name(std::size_t table);

enum class Op : char { insert = 'I', update = 'U', move_key = 'K', remove = 'D', truncate = 'T' };

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
};

// What makes a row's value unique.
[[nodiscard]] std::string mark_of(std::uint64_t transaction, std::size_t ordinal);
// `versions`: of the tables' structures.
[[nodiscard]] SimRow random_row(Rng& random,
                                const std::vector<std::size_t>& versions,
                                const std::string& value);

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
