// The judgement; see the header.
#include "tests/sim/oracle.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/bytes.h"
#include "connectors/postgresql/position.h"
#include "connectors/postgresql/server/history.h"
#include "format/checkpoint.h"
#include "format/record_header.h"

namespace tributary::sim {
namespace {

using Identity =
    std::tuple<std::uint64_t, std::uint32_t, std::uint16_t>;  // lsn, ordinal, sub-index

std::string describe(const Identity& identity) {
    return "record " + std::to_string(std::get<0>(identity)) + " #" +
           std::to_string(std::get<1>(identity)) + "." + std::to_string(std::get<2>(identity));
}

bool was_lost(const SimPostgres& server, const Identity& identity) {
    return std::any_of(server.lost().begin(), server.lost().end(), [&](const SimTransaction& tx) {
        return tx.commit_lsn - (tx.message ? 1 : 0) == std::get<0>(identity);
    });
}

// What a transaction that ends later is of another history than the one that is left.
std::uint64_t lost_from(const SimPostgres& server) {
    std::uint64_t from = UINT64_MAX;
    for (const SimTransaction& tx : server.lost()) {
        from = std::min(from, tx.commit_lsn);
    }
    // From where a standby took over, everything is another history, also what was idle then.
    for (std::uint32_t timeline = 1; timeline < server.timeline(); ++timeline) {
        if (const auto end = postgresql::timeline_end(server.history_file(), timeline)) {
            from = std::min(from, end->value());
        }
    }
    return from;
}

SnapshotOracle snapshot_oracle(const SimPostgres& server) {
    SnapshotOracle oracle;
    for (const SimTransaction& tx : server.transactions()) {
        if (!tx.message) {
            oracle.on_transaction(tx.end_lsn, tx.rows);
        }
    }
    return oracle;
}

}  // namespace

bool fits(const std::string& table, const std::string& value, const KafkaRecord& record) {
    const std::string wanted = table.empty() ? ".message" : "." + table;
    return record.topic.ends_with(wanted) &&
           (value.empty() || table.empty() ||
            (record.value && record.value->find(value) != std::string::npos));
}

std::string check_chain(
    const SimKafka& kafka,
    const std::string& topic,
    const std::function<bool(const Position& before, const Position& now)>& moves_back) {
    std::optional<Checkpoint> before;
    std::string violation;
    read_committed(kafka, kafka.partition_of(topic, ""), [&](const KafkaRecord& record) {
        const auto read = format::unpack_checkpoint(*record.value);
        if (!violation.empty() || !read) {
            violation = violation.empty() ? "a checkpoint cannot be read" : violation;
            return;
        }
        const Checkpoint& now = read.value();
        const Sequence previous = before ? before->last : Sequence();
        if (now.previous_last != previous || now.last < previous) {
            violation =
                "the chain of checkpoints breaks: " + std::to_string(now.previous_last.value()) +
                " does not follow " + std::to_string(previous.value());
        } else if (before && moves_back(before->resume, now.resume)) {
            violation = "a checkpoint's resume position moves back";
        }
        before = now;
    });
    return violation;
}

std::size_t visible(const SimKafka& kafka, const std::string& checkpoint_topic) {
    std::size_t count = 0;
    for (const auto& [partition, log] : kafka.logs()) {
        if (!partition.starts_with(checkpoint_topic)) {
            read_committed(kafka, partition, [&](const KafkaRecord&) { ++count; });
        }
    }
    return count;
}

namespace {

// One reader of all partitions of a world with a database.
class Reader {
  public:
    explicit Reader(const SimPostgres& server)
        : server_(server), expected_(server.expected()), seen_(expected_.size(), false) {
        for (std::size_t at = 0; at < expected_.size(); ++at) {
            place_.emplace(
                Identity(expected_[at].lsn, expected_[at].ordinal, expected_[at].sub_index), at);
        }
        if (server.holds_rows()) {
            rows_.emplace(snapshot_oracle(server));
            lost_from_ = lost_from(server);
        }
        result_.expected = expected_.size();
    }

    void begin(const std::string& partition) {
        partition_ = partition;
        newest_.reset();
        newest_lsn_ = 0;
    }
    void read(const KafkaRecord& record) {
        const auto header = format::parse_record_header(record.identity);
        if (!header || header.value().position.size() != sizeof(std::uint64_t)) {
            blame("a record without identity in " + partition_);
            return;
        }
        const Identity identity(load<std::uint64_t>(header.value().position.data(), Endian::big),
                                header.value().ordinal,
                                header.value().sub_index);
        if (rows_ && is_snapshot_row(record)) {
            read_row(record, std::get<0>(identity) + 1);
        } else {
            read_change(record, identity);
        }
    }
    Judgement judge(const SnapshotDuty& duty) {
        const auto missing =
            std::find_if(expected_.begin(), expected_.end(), [this](const Expected& each) {
                return !each.may_miss && !seen_[static_cast<std::size_t>(&each - expected_.data())];
            });
        if (missing != expected_.end()) {
            result_.first_missing =
                describe(Identity(missing->lsn, missing->ordinal, missing->sub_index));
        } else if (rows_ && duty.every_row) {
            result_.first_missing = rows_->missing(duty);
        }
        if (rows_ && duty.times_max) {
            blame(rows_->repeated(duty));
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
    // Everything that is below its place has come, and nothing else.
    void read_row(const KafkaRecord& record, std::uint64_t place) {
        ++result_.seen;
        blame(rows_->on_row(record, place, place > lost_from_));
        if (newest_lsn_ >= place) {
            out_of_order("a row of the snapshot at " + std::to_string(place));
        }
        newest_lsn_ = place - 1;
    }
    void read_change(const KafkaRecord& record, const Identity& identity) {
        const auto found = place_.find(identity);
        const Expected* const wanted = found == place_.end() ? nullptr : &expected_[found->second];
        if (wanted == nullptr || !fits(wanted->table, wanted->value, record)) {
            if (was_lost(server_, identity)) {
                result_.has_lost = true;
            } else {
                blame(describe(identity) + " in " + partition_ +
                      (found == place_.end() ? " was never committed" : " has another content"));
            }
            return;
        }
        if (seen_[found->second]) {
            blame(describe(identity) + " is there twice");
            return;
        }
        seen_[found->second] = true;
        ++result_.seen;
        const bool late = std::get<0>(identity) < newest_lsn_;
        if (late || (newest_ && found->second < *newest_)) {
            out_of_order(describe(identity));
        }
        newest_ = found->second;
        newest_lsn_ = std::get<0>(identity);
        if (rows_) {
            const Expected& change = expected_[found->second];
            rows_->on_change(change.table, change.key, change.whole, change.value.empty());
        }
    }
    void out_of_order(const std::string& what) {
        blame(what + " in " + partition_ + " is out of order");
    }

    const SimPostgres& server_;
    const std::vector<Expected> expected_;
    std::vector<bool> seen_;
    std::map<Identity, std::size_t> place_;
    std::optional<SnapshotOracle> rows_;
    std::uint64_t lost_from_ = UINT64_MAX;
    Judgement result_;
    std::string partition_;
    std::optional<std::size_t> newest_;
    std::uint64_t newest_lsn_ = 0;
};

}  // namespace

Judgement judge(const SimPostgres& server,
                const SimKafka& kafka,
                const std::string& checkpoint_topic,
                const SnapshotDuty& duty) {
    Reader reader(server);
    for (const auto& each : kafka.logs()) {
        if (!each.first.starts_with(checkpoint_topic)) {
            reader.begin(each.first);
            read_committed(
                kafka, each.first, [&](const KafkaRecord& record) { reader.read(record); });
        }
    }
    reader.blame(
        check_chain(kafka, checkpoint_topic, [](const Position& before, const Position& now) {
            return postgresql::decode_resume(now) < postgresql::decode_resume(before);
        }));
    return reader.judge(duty);
}

}  // namespace tributary::sim
