// Random changes; see the header.
#include "tests/sim/sim_tables.h"

#include <algorithm>
#include <utility>

namespace tributary::sim {
namespace {

constexpr int kKeys = 6;
constexpr int kRowKeys = 30;  // of tables that hold rows

std::string toast_of(const std::string& mark) {
    return "t" + mark.substr(1);
}

}  // namespace

std::string table_name(std::size_t table) {
    static const std::string kNames[kTables] = {"orders", "items", "audit"};
    return kNames[table];
}

std::string mark_of(std::uint64_t transaction, std::size_t ordinal) {
    return "x" + std::to_string(transaction) + "-" + std::to_string(ordinal) + "y";
}

SimRow random_row(Rng& random, const std::vector<std::size_t>& versions, const std::string& value) {
    SimRow row;
    row.table = random.chance(150) ? kExcludedTable : random.below(kExcludedTable);
    row.version = versions[row.table];
    const std::uint64_t kind = random.below(20);
    row.op = kind < 9    ? Op::insert
             : kind < 14 ? Op::update
             : kind < 16 ? Op::move_key
             : kind < 19 ? Op::remove
                         : Op::truncate;
    row.key = static_cast<int>(random.between(1, kKeys));
    row.new_key = row.key + kKeys;
    row.value = value;
    return row;
}

void change_table(const SimRow& row, TableState& table) {
    switch (row.op) {
        case Op::insert:
            table[row.key] = {row.value, row.toast};
            break;
        case Op::update:
            table[row.key].value = row.value;
            if (!row.keeps_toast) {
                table[row.key].toast = row.toast;
            }
            break;
        case Op::move_key:
            table.erase(row.key);
            table[row.new_key] = {row.value, row.toast};
            break;
        case Op::remove:
            table.erase(row.key);
            break;
        case Op::truncate:
            table.clear();
            break;
    }
}

bool touches(const std::vector<SimRow>& rows, std::size_t table, std::optional<int> key) {
    return std::any_of(rows.begin(), rows.end(), [&](const SimRow& row) {
        const bool same = !key || row.op == Op::truncate || row.key == *key ||
                          (row.op == Op::move_key && row.new_key == *key);
        return row.table == table && same;
    });
}

std::optional<SimRow> fitting_row(Rng& random,
                                  const RowRules& rules,
                                  std::uint64_t transaction,
                                  std::size_t ordinal) {
    SimRow row = random_row(random, rules.versions, mark_of(transaction, ordinal));
    const TableState& now = rules.now[row.table];
    row.key = static_cast<int>(random.between(1, kRowKeys));
    row.new_key = static_cast<int>(random.between(1, kRowKeys));
    row.toast = toast_of(row.value);
    if (row.op == Op::truncate && (random.chance(700) || rules.read(row.table))) {
        row.op = Op::update;
    }
    if (row.op == Op::truncate) {
        return rules.locked(row.table, std::nullopt) ? std::nullopt : std::optional(row);
    }
    if (rules.locked(row.table, row.key)) {
        return std::nullopt;
    }
    if (!now.contains(row.key)) {
        row.op = Op::insert;
    } else if (row.op == Op::insert ||
               (row.op == Op::move_key &&
                (now.contains(row.new_key) || rules.locked(row.table, row.new_key)))) {
        row.op = Op::update;
    }
    row.keeps_toast = row.op == Op::update && random.coin();
    row.before = row.op == Op::insert ? RowState{} : now.at(row.key);
    return row;
}

std::vector<SimRow> first_rows(Rng& random,
                               std::size_t rows,
                               std::uint64_t transaction,
                               std::vector<TableState>& now) {
    std::vector<SimRow> out;
    for (std::size_t left = rows * kTables; left > 0; --left) {
        const std::size_t table = left % kTables;
        const int key = static_cast<int>(random.between(1, kRowKeys));
        if (now[table].contains(key)) {
            continue;
        }
        const std::string mark = mark_of(transaction, left);
        out.push_back(
            {.table = table, .version = 1, .key = key, .value = mark, .toast = toast_of(mark)});
        change_table(out.back(), now[table]);
    }
    return out;
}

}  // namespace tributary::sim
