// The judgement; see the header.
#include "tests/sim/binlog_oracle.h"

#include <algorithm>
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

class Reader {
  public:
    Reader(const SimMysql& server, bool may_pass_over)
        : expected_(server.expected()), lost_(server.lost()), seen_(expected_.size(), false) {
        if (may_pass_over) {
            optional_ = server.passed_over();
        }
        for (std::size_t at = 0; at < expected_.size(); ++at) {
            place_.emplace(identity_of(expected_[at]), at);
        }
        result_.expected = expected_.size();
    }

    void begin(const std::string& partition) {
        partition_ = partition;
        newest_.reset();
        lost_row_.reset();
    }
    void read(const KafkaRecord& record) {
        const auto header = format::parse_record_header(record.identity);
        if (!header) {
            blame("a record without identity in " + partition_);
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
        if (newest_ && at < *newest_) {
            blame(describe(identity) + " in " + partition_ + " is out of order");
        }
        newest_ = at;
    }
    [[nodiscard]] Judgement judge() {
        const auto missing = std::find(seen_.begin(), seen_.end(), false);
        if (missing != seen_.end()) {
            result_.first_missing =
                describe(identity_of(expected_[static_cast<std::size_t>(missing - seen_.begin())]));
        }
        return result_;
    }
    void blame(const std::string& what) {
        if (result_.violation.empty()) {
            result_.violation = what;
        }
    }

  private:
    void read_unexpected(const KafkaRecord& record, const Identity& identity, bool named) {
        if (has(lost_, identity, record)) {
            result_.has_lost = true;
            lost_row_.emplace(std::get<0>(identity), std::get<1>(identity));
        } else if (!has(optional_, identity, record)) {
            blame(describe(identity) + " in " + partition_ +
                  (named ? " has another content" : " was never committed"));
        }
    }

    const std::vector<ExpectedChange> expected_;
    const std::vector<ExpectedChange> lost_;
    std::vector<ExpectedChange> optional_;
    std::vector<bool> seen_;
    std::map<Identity, std::size_t> place_;
    Judgement result_;
    std::string partition_;
    std::optional<std::size_t> newest_;
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
                bool may_pass_over) {
    Reader reader(server, may_pass_over);
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
