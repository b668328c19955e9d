// Random changes; see the header.
#include "tests/sim/sim_tables.h"

namespace tributary::sim {
namespace {

constexpr int kKeys = 6;

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

}  // namespace tributary::sim
