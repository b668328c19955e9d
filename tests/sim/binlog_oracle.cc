// The judgement; see the header.
#include "tests/sim/binlog_oracle.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "connectors/mysql/position.h"
#include "format/record_header.h"

namespace tributary::sim {
namespace {

using RowOf = std::pair<std::string, std::uint32_t>;  // transaction, ordinal
using Identity = std::tuple<std::string, std::uint32_t, std::uint16_t>;

Identity identity_of(const ExpectedChange& change) {
    return {change.transaction, change.ordinal, change.sub_index};
}

std::string describe(const Identity& identity) {
    return "record " + std::get<0>(identity) + " #" + std::to_string(std::get<1>(identity)) + "." +
           std::to_string(std::get<2>(identity));
}

// "uuid:7", "0-1-7", or "binlog.000001:120".
std::string transaction_of(std::string_view position) {
    ByteReader reader(position);
    std::string gtid(reader.sized());
    if (!gtid.empty()) {
        return gtid;
    }
    const std::string file(reader.sized());
    return file + ":" + std::to_string(reader.fixed<std::uint64_t>(Endian::big));
}

// Of a row of a snapshot, which has the byte before, where no transaction can begin.
LogPlace place_of_row(std::string_view position) {
    const std::string text = transaction_of(position);
    LogPlace place;
    place.file = static_cast<std::uint64_t>(number_after(text, ".", 0));
    place.offset = static_cast<std::uint64_t>(number_after(text, ":", 0)) + 1;
    return place;
}

bool fits(const ExpectedChange& change, const KafkaRecord& record) {
    return change.of_structure ? !record.topic.ends_with("." + change.table) && record.value &&
                                     record.value->find(change.value) != std::string::npos
                               : sim::fits(change.table, change.value, record);
}

bool has(const std::vector<ExpectedChange>& changes,
         const Identity& identity,
         const KafkaRecord& record) {
    return std::any_of(changes.begin(), changes.end(), [&](const ExpectedChange& change) {
        return identity_of(change) == identity && fits(change, record);
    });
}

std::vector<SimRow> of_keyed_tables(const SimMysql& server, const std::vector<SimRow>& rows) {
    std::vector<SimRow> out;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(out), [&](const SimRow& row) {
        return !server.keyless(row.table);
    });
    return out;
}

// Whether these are the rows that the table held.
bool are_rows_of(const TableState& table, const std::vector<std::string>& rows) {
    const auto is_there = [&](const auto& each) {
        const std::string wanted = "\"after\":{\"id\":" + std::to_string(each.first) + ",\"v\":\"" +
                                   each.second.value + "\",\"more0\":\"" + each.second.toast + "\"";
        return std::any_of(rows.begin(), rows.end(), [&](const std::string& row) {
            return row.find(wanted) != std::string::npos;
        });
    };
    return table.size() == rows.size() && std::all_of(table.begin(), table.end(), is_there);
}

SnapshotOracle snapshot_oracle(const SimMysql& server) {
    SnapshotOracle oracle;
    std::uint64_t end = 0;
    for (const BinlogTransaction& tx : server.transactions()) {
        ++end;
        if (tx.kind == BinlogTransaction::Kind::drop) {
            for (const SimRow& row : tx.rows) {
                oracle.on_emptied(end, row.table);
            }
        } else if (SimMysql::changes_rows(tx.kind)) {
            oracle.on_transaction(end, of_keyed_tables(server, tx.rows));
        }
    }
    return oracle;
}

class Reader {
  public:
    Reader(const SimMysql& server, const BinlogDuty& duty)
        : server_(server),
          duty_(duty),
          expected_(server.expected(duty.may_pass_over)),
          lost_(server.lost()),
          seen_(expected_.size(), false) {
        if (server.setup().rows > 0) {
            rows_.emplace(snapshot_oracle(server));
        }
        for (std::size_t at = 0; at < expected_.size(); ++at) {
            place_.emplace(identity_of(expected_[at]), at);
        }
        result_.expected = server.expected_count();
    }

    void begin(const std::string& partition) {
        partition_ = partition;
        newest_.reset();
        below_ = 0;
        lost_row_.reset();
    }
    void read(const KafkaRecord& record) {
        const auto header = format::parse_record_header(record.identity);
        if (!header) {
            blame("a record without identity in " + partition_);
            return;
        }
        if (rows_ && is_snapshot_row(record) && of_keyless(record)) {
            ++result_.seen;
            keyless_rows_.push_back(*record.value);
            return;
        }
        if (rows_ && is_snapshot_row(record)) {
            read_row(record, header.value().position);
            return;
        }
        const Identity identity(transaction_of(header.value().position),
                                header.value().ordinal,
                                header.value().sub_index);
        const auto found = place_.find(identity);
        const ExpectedChange* const wanted =
            found == place_.end() ? nullptr : &expected_[found->second];
        // A tombstone, which tells nothing, is of what came before it.
        const bool of_lost = lost_row_ == RowOf(std::get<0>(identity), std::get<1>(identity));
        lost_row_.reset();
        if (of_lost || wanted == nullptr || !fits(*wanted, record)) {
            read_unexpected(record, identity, wanted != nullptr);
            return;
        }
        const std::size_t at = found->second;
        if (seen_[at]) {
            blame(describe(identity) + " is there twice");
            return;
        }
        seen_[at] = true;
        ++result_.seen;
        if ((newest_ && at < *newest_) || wanted->of_log < below_) {
            blame(describe(identity) + " in " + partition_ + " is out of order");
        }
        newest_ = at;
        if (rows_ && !wanted->of_structure && !wanted->keyless) {
            rows_->on_change(wanted->table, wanted->key, wanted->whole, wanted->removes);
        }
    }
    [[nodiscard]] Judgement judge() {
        const auto missing =
            std::find_if(expected_.begin(), end_of_expected(), [this](const ExpectedChange& each) {
                return !each.may_miss && !each.keyless &&
                       !seen_[static_cast<std::size_t>(&each - expected_.data())];
            });
        if (missing != end_of_expected()) {
            result_.first_missing = describe(identity_of(*missing));
        } else if (rows_ && duty_.snapshots.every_row) {
            result_.first_missing = rows_->missing(duty_.snapshots);
        }
        const bool exact = duty_.snapshots.every_row && duty_.snapshots.times_max;
        if (result_.first_missing.empty() && exact && !begins_with_rows()) {
            result_.first_missing =
                "the rows of a table without a key, as of one moment, and what "
                "came after";
        }
        if (rows_ && duty_.snapshots.times_max) {
            blame(rows_->repeated(duty_.snapshots));
        }
        result_.has_lost = result_.has_lost || (rows_ && rows_->has_lost());
        return result_;
    }
    void blame(const std::string& what) {
        if (result_.violation.empty()) {
            result_.violation = what;
        }
    }

  private:
    [[nodiscard]] bool of_keyless(const KafkaRecord& record) const {
        return server_.setup().has_keyless &&
               record.topic.ends_with("." + table_name(kKeylessTable));
    }
    // There is a moment as of which the rows are, and all changes since are there, and none before.
    [[nodiscard]] bool begins_with_rows() const {
        if (!server_.setup().has_keyless) {
            return true;
        }
        std::size_t first = 0;
        std::size_t last = server_.transactions().size();
        for (std::size_t at = 0; at < expected_.size(); ++at) {
            const ExpectedChange& change = expected_[at];
            if (change.keyless && seen_[at]) {
                last = std::min(last, change.of_log);
            } else if (change.keyless && !change.may_miss) {
                first = std::max(first, change.of_log + 1);
            }
        }
        std::vector<TableState> tables(kTables);
        for (std::size_t at = 0; at <= last; ++at) {
            if (at >= first && are_rows_of(tables[kKeylessTable], keyless_rows_)) {
                return true;
            }
            if (at < last) {
                SimMysql::change_tables(server_.transactions()[at], tables);
            }
        }
        return false;
    }
    // Where rows are all that is wanted: what came with them.
    [[nodiscard]] std::vector<ExpectedChange>::const_iterator end_of_expected() const {
        const auto newest = std::find(seen_.rbegin(), seen_.rend(), true);
        return duty_.snapshots.ends ? expected_.begin() + (seen_.rend() - newest) : expected_.end();
    }
    // Everything that is below its place has come, and nothing else.
    void read_row(const KafkaRecord& record, std::string_view position) {
        const LogPlace place = place_of_row(position);
        const std::size_t below = server_.count_below(place);
        ++result_.seen;
        const bool may_be_lost = server_.may_be_lost(place);
        blame(rows_->on_row(record, below, may_be_lost));
        if (may_be_lost) {
            return;
        }
        if (newest_ && expected_[*newest_].of_log >= below) {
            blame("a row of the snapshot at " + transaction_of(position) + " in " + partition_ +
                  " is out of order");
        }
        below_ = std::max(below_, below);
    }
    void read_unexpected(const KafkaRecord& record, const Identity& identity, bool named) {
        if (has(lost_, identity, record)) {
            result_.has_lost = true;
            lost_row_.emplace(std::get<0>(identity), std::get<1>(identity));
        } else {
            blame(describe(identity) + " in " + partition_ +
                  (named ? " has another content" : " was never committed"));
        }
    }

    const SimMysql& server_;
    const BinlogDuty duty_;
    const std::vector<ExpectedChange> expected_;
    const std::vector<ExpectedChange> lost_;
    std::vector<bool> seen_;
    std::map<Identity, std::size_t> place_;
    Judgement result_;
    std::string partition_;
    std::optional<std::size_t> newest_;
    std::size_t below_ = 0;  // transactions that a row of a snapshot was behind
    std::optional<SnapshotOracle> rows_;
    std::vector<std::string> keyless_rows_;
    std::optional<RowOf> lost_row_;  // of which the record before was
};

bool moves_back(const Position& before, const Position& now) {
    return mysql::compare(StartPoint{.resume = now, .done = {}},
                          StartPoint{.resume = before, .done = {}}) < 0;
}

}  // namespace

Judgement judge(const SimMysql& server,
                const SimKafka& kafka,
                const std::string& checkpoint_topic,
                const BinlogDuty& duty) {
    Reader reader(server, duty);
    for (const auto& each : kafka.logs()) {
        if (!each.first.starts_with(checkpoint_topic)) {
            reader.begin(each.first);
            read_committed(
                kafka, each.first, [&](const KafkaRecord& record) { reader.read(record); });
        }
    }
    reader.blame(check_chain(kafka, checkpoint_topic, moves_back));
    return reader.judge();
}

}  // namespace tributary::sim
