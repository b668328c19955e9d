// The oracle; see the header.
#include "tests/sim/snapshot_oracle.h"

#include <algorithm>
#include <charconv>

#include "connectors/postgresql/server/history.h"

namespace tributary::sim {
namespace {

std::string describe(const std::pair<std::string, int>& name) {
    return name.first + " " + std::to_string(name.second);
}

// Those that the change is about.
std::vector<int> keys_of(const SimRow& row, const TableState& table) {
    if (row.op != Op::truncate) {
        return {row.key, row.op == Op::move_key ? row.new_key : row.key};
    }
    std::vector<int> keys;
    for (const auto& [key, state] : table) {
        keys.push_back(key);
    }
    return keys;
}

bool has_column(const std::string& value, const std::string& column, const std::string& text) {
    return value.find("\"" + column + "\":\"" + text + "\"") != std::string::npos;
}

}  // namespace

bool is_snapshot_row(const KafkaRecord& record) {
    return record.value && record.value->find("\"op\":\"r\"") != std::string::npos;
}

SnapshotOracle::SnapshotOracle(const SimPostgres& server) {
    std::vector<TableState> tables(kTables);
    for (const SimTransaction& tx : server.transactions()) {
        for (const SimRow& row : tx.rows) {
            if (tx.message || row.table == kExcludedTable) {
                continue;
            }
            TableState& table = tables[row.table];
            const std::vector<int> keys = keys_of(row, table);
            change_table(row, table);
            for (const int key : keys) {
                const auto now = table.find(key);
                versions_[{table_name(row.table), key}].push_back(
                    {tx.end_lsn, now == table.end() ? std::nullopt : std::optional(now->second)});
            }
        }
    }
    for (const SimTransaction& tx : server.lost()) {
        lost_from_ = std::min(lost_from_, tx.commit_lsn);
    }
    // From where a standby took over, everything is another history, also what was idle then.
    for (std::uint32_t timeline = 1; timeline < server.timeline(); ++timeline) {
        if (const auto end = postgresql::timeline_end(server.history_file(), timeline)) {
            lost_from_ = std::min(lost_from_, end->value());
        }
    }
}

const RowState* SnapshotOracle::row_at(const RowName& name, std::uint64_t place) const {
    const auto found = versions_.find(name);
    const RowState* row = nullptr;
    if (found != versions_.end()) {
        for (const Version& version : found->second) {
            if (version.end_lsn <= place) {
                row = version.row ? &*version.row : nullptr;
            }
        }
    }
    return row;
}

std::string SnapshotOracle::on_row(const KafkaRecord& record, std::uint64_t place) {
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
    if (place > lost_from_) {
        has_lost_ = true;
        return {};
    }
    return "the snapshot's row " + describe(name) + " is not what the table held at " +
           std::to_string(place);
}

void SnapshotOracle::on_change(const Expected& change) {
    bool& whole = whole_[{change.table, change.key}];
    whole = change.whole || (whole && !change.value.empty());
}

std::string SnapshotOracle::repeated(const SnapshotDuty& duty) const {
    for (const auto& [name, times] : times_) {
        const auto asked = duty.asked.find("public." + name.first);
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
        if (versions.back().row && !duty.stopped.contains("public." + name.first)) {
            const auto found = whole_.find(name);
            if (found == whole_.end() || !found->second) {
                return "row " + describe(name);
            }
        }
    }
    return {};
}

}  // namespace tributary::sim
