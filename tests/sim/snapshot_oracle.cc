// The oracle; see the header.
#include "tests/sim/snapshot_oracle.h"

#include <algorithm>
#include <charconv>

namespace tributary::sim {
namespace {

std::string describe(const std::pair<std::string, int>& name) {
    return name.first + " " + std::to_string(name.second);
}

std::vector<int> keys_in(const TableState& table) {
    std::vector<int> keys;
    for (const auto& [key, state] : table) {
        keys.push_back(key);
    }
    return keys;
}

// Those that the change is about.
std::vector<int> keys_of(const SimRow& row, const TableState& table) {
    if (row.op != Op::truncate) {
        return {row.key, row.op == Op::move_key ? row.new_key : row.key};
    }
    return keys_in(table);
}

bool has_column(const std::string& value, const std::string& column, const std::string& text) {
    return value.find("\"" + column + "\":\"" + text + "\"") != std::string::npos;
}

}  // namespace

bool is_snapshot_row(const KafkaRecord& record) {
    return record.value && record.value->find("\"op\":\"r\"") != std::string::npos;
}

void SnapshotOracle::note(std::uint64_t end, std::size_t table, const std::vector<int>& keys) {
    for (const int key : keys) {
        const auto now = tables_[table].find(key);
        const bool is_there = now != tables_[table].end();
        versions_[{table_name(table), key}].push_back(
            {end, is_there ? std::optional(now->second) : std::nullopt});
    }
}

void SnapshotOracle::on_transaction(std::uint64_t end, const std::vector<SimRow>& rows) {
    for (const SimRow& row : rows) {
        if (row.table != kExcludedTable) {
            TableState& table = tables_[row.table];
            const std::vector<int> keys = keys_of(row, table);
            change_table(row, table);
            note(end, row.table, keys);
        }
    }
}

void SnapshotOracle::on_emptied(std::uint64_t end, std::size_t table) {
    if (table != kExcludedTable) {
        const std::vector<int> keys = keys_in(tables_[table]);
        tables_[table].clear();
        note(end, table, keys);
    }
}

const RowState* SnapshotOracle::row_at(const RowName& name, std::uint64_t place) const {
    const auto found = versions_.find(name);
    const RowState* row = nullptr;
    if (found != versions_.end()) {
        for (const Version& version : found->second) {
            if (version.end <= place) {
                row = version.row ? &*version.row : nullptr;
            }
        }
    }
    return row;
}

std::string SnapshotOracle::on_row(const KafkaRecord& record,
                                   std::uint64_t place,
                                   bool may_be_lost) {
    const auto at = record.key.rfind("\"id\":");
    int key = 0;
    if (at != std::string::npos) {
        std::from_chars(record.key.data() + at + 5, record.key.data() + record.key.size(), key);
    }
    const RowName name(record.topic.substr(record.topic.rfind('.') + 1), key);
    ++times_[name];
    whole_[name] = true;
    const RowState* const row = row_at(name, place);
    if (row != nullptr && has_column(*record.value, "v", row->value) &&
        has_column(*record.value, "more0", row->toast)) {
        return {};
    }
    if (may_be_lost) {
        has_lost_ = true;
        return {};
    }
    return "the snapshot's row " + describe(name) + " is not what the table held at " +
           std::to_string(place);
}

void SnapshotOracle::on_change(const std::string& table, int key, bool whole, bool removes) {
    bool& known = whole_[{table, key}];
    known = whole || (known && !removes);
}

std::string SnapshotOracle::repeated(const SnapshotDuty& duty) const {
    for (const auto& [name, times] : times_) {
        const auto asked = duty.asked.find(name.first);
        const std::size_t most = *duty.times_max + (asked == duty.asked.end() ? 0 : asked->second);
        if (times > most) {
            return "the snapshot's row " + describe(name) + " is there " + std::to_string(times) +
                   " times";
        }
    }
    return {};
}

std::string SnapshotOracle::missing(const SnapshotDuty& duty) const {
    for (const auto& [name, versions] : versions_) {
        if (versions.back().row && !duty.stopped.contains(name.first)) {
            const auto found = whole_.find(name);
            if (found == whole_.end() || !found->second) {
                return "row " + describe(name);
            }
        }
    }
    return {};
}

}  // namespace tributary::sim
