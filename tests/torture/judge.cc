// See judge.h. Expected records follow docs/events.md: a key change is d, tombstone, c with
// sub-indexes 0, 1, 2; a delete is d and, where the table has a key, a tombstone.
#include "tests/torture/judge.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "connectors/postgresql/position.h"
#include "format/record_header.h"
#include "tests/servers/failure.h"

namespace tributary::torture {
namespace {

using nlohmann::json;
using servers::KafkaRecord;
using servers::ServerFailure;

constexpr std::size_t kDifferencesMax = 20;
constexpr std::string_view kUnavailable = "__debezium_unavailable_value";

// One record, reduced to what identifies it and what it says.
struct Fact {
    std::uint64_t xid = 0;  // 0 in a tombstone, whose value says nothing
    std::uint32_t ordinal = 0;
    std::uint16_t sub_index = 0;
    char op = 0;  // 'c', 'u', 'd', 't' for a tombstone
    std::int64_t id = 0;
    std::int64_t n = -1;
    friend auto operator<=>(const Fact&, const Fact&) = default;
};

std::string text_of(const Fact& fact) {
    return std::string("op ") + fact.op + " id " + std::to_string(fact.id) + " n " +
           std::to_string(fact.n) + " xid " + std::to_string(fact.xid) + " ordinal " +
           std::to_string(fact.ordinal) + " sub " + std::to_string(fact.sub_index);
}

std::int64_t number_after(std::string_view line, std::string_view label, std::size_t from) {
    const std::size_t at = line.find(label, from);
    std::int64_t value = 0;
    if (at == std::string_view::npos ||
        std::from_chars(line.data() + at + label.size(), line.data() + line.size(), value).ec !=
            std::errc()) {
        throw ServerFailure("test_decoding: no " + std::string(label) + " in " +
                            std::string(line.substr(0, 200)));
    }
    return value;
}

TrueChange parse_change(std::string_view line) {
    constexpr std::string_view kTable = "table ";
    constexpr std::string_view kNew = " new-tuple:";
    const std::size_t colon = line.find(": ");
    if (!line.starts_with(kTable) || colon == std::string_view::npos) {
        throw ServerFailure("test_decoding: " + std::string(line.substr(0, 200)));
    }
    TrueChange change;
    change.table = std::string(line.substr(kTable.size(), colon - kTable.size()));
    const std::string_view rest = line.substr(colon + 2);
    const std::size_t split = rest.find(kNew);
    const std::size_t values = split == std::string_view::npos ? 0 : split;
    change.id = number_after(rest, " id[bigint]:", values);
    if (rest.starts_with("DELETE:")) {
        change.op = 'd';
        return change;
    }
    change.op = rest.starts_with("INSERT:") ? 'c' : 'u';
    change.n = number_after(rest, " n[bigint]:", values);
    if (split != std::string_view::npos) {
        change.old_id = number_after(rest, " id[bigint]:", 0);
    }
    return change;
}

class Court {
  public:
    explicit Court(const Evidence& evidence) : evidence_(evidence) {}

    Verdict run() {
        expect();
        for (const auto& [table, records] : evidence_.by_table) {
            compare(table, records);
        }
        for (const auto& [table, facts] : expected_) {
            if (!facts.empty() && !evidence_.by_table.contains(table)) {
                verdict_.lost += facts.size();
                say(table + ": no topic, " + std::to_string(facts.size()) + " records lost");
            }
        }
        check_positions();
        check_chain();
        check_slot();
        return std::move(verdict_);
    }

  private:
    void say(std::string text) {
        if (verdict_.differences.size() < kDifferencesMax) {
            verdict_.differences.push_back(std::move(text));
        }
    }
    void broken(std::string text) {
        ++verdict_.broken;
        say(std::move(text));
    }

    void expect() {
        const std::set<std::string> keyless(evidence_.keyless_tables.begin(),
                                            evidence_.keyless_tables.end());
        for (const TrueTransaction& transaction : evidence_.truth) {
            by_xid_[transaction.xid] = &transaction;
            ++verdict_.transactions;
            std::uint32_t ordinal = 0;
            for (const TrueChange& change : transaction.changes) {
                expect(change,
                       {.xid = transaction.xid, .ordinal = ordinal++},
                       keyless.contains(change.table));
                ++verdict_.rows;
            }
        }
    }

    void expect(const TrueChange& change, Fact fact, bool keyless) {
        std::vector<Fact>& facts = expected_[change.table];
        const bool moved = !keyless && change.old_id && *change.old_id != change.id;
        const auto put = [&](char op, std::uint16_t sub_index, std::int64_t id, std::int64_t n) {
            facts.push_back({.xid = op == 't' ? 0 : fact.xid,
                             .ordinal = fact.ordinal,
                             .sub_index = sub_index,
                             .op = op,
                             .id = id,
                             .n = n});
        };
        if (moved || change.op == 'd') {
            const std::int64_t id = moved ? *change.old_id : change.id;
            put('d', 0, id, -1);
            if (!keyless) {
                put('t', 1, id, -1);
            }
        }
        if (moved) {
            put('c', 2, change.id, change.n);
        } else if (change.op != 'd') {
            put(change.op, 0, change.id, change.n);
        }
    }

    // What the record says; also notes its identity, position and sequence.
    std::optional<Fact> found(const std::string& table, const KafkaRecord& record) {
        const auto* header = record.header("tributary");
        if (header == nullptr || !header->value) {
            broken(table + ": a record without tributary header at " +
                   std::to_string(record.offset));
            return std::nullopt;
        }
        const auto parsed = format::parse_record_header(*header->value);
        if (!parsed || parsed.value().position.size() != 8) {
            broken(table + ": a bad tributary header at " + std::to_string(record.offset));
            return std::nullopt;
        }
        const auto& identity = parsed.value();
        const auto lsn = load<std::uint64_t>(identity.position.data(), Endian::big);
        Fact fact{.ordinal = identity.ordinal, .sub_index = identity.sub_index};
        if (!identities_.emplace(lsn, identity.ordinal, identity.sub_index).second) {
            ++verdict_.twice;
            say(table + ": twice: position " + std::to_string(lsn) + " ordinal " +
                std::to_string(identity.ordinal) + " sub " + std::to_string(identity.sub_index));
        }
        sequences_.push_back(identity.sequence.value());
        check_order(table, lsn, identity.ordinal, identity.sub_index);
        read_value(record, fact);
        if (fact.xid != 0) {
            positions_[fact.xid].insert(lsn);
        }
        return fact;
    }

    void check_order(const std::string& table,
                     std::uint64_t lsn,
                     std::uint32_t ordinal,
                     std::uint16_t sub_index) {
        const auto now = std::tuple(lsn, ordinal, sub_index);
        auto& before = newest_[table];
        if (now <= before) {
            broken(table + ": the identity does not grow at position " + std::to_string(lsn) +
                   " ordinal " + std::to_string(ordinal));
        }
        before = std::max(before, now);
    }

    static void read_value(const KafkaRecord& record, Fact& fact) {
        if (!record.value) {
            fact.op = 't';
            fact.id = json::parse(record.key.value_or("{}")).value("id", std::int64_t{-1});
            return;
        }
        const json value = json::parse(*record.value);
        fact.op = value.at("op").get<std::string>().at(0);
        fact.xid = value.at("source").at("txId").get<std::uint64_t>();
        const json& row = value.at(fact.op == 'd' ? "before" : "after");
        fact.id = row.at("id").get<std::int64_t>();
        if (fact.op != 'd') {
            fact.n = row.at("n").get<std::int64_t>();
        }
    }

    void compare(const std::string& table, const std::vector<KafkaRecord>& records) {
        std::vector<Fact> actual;
        actual.reserve(records.size());
        for (const KafkaRecord& record : records) {
            if (const auto fact = found(table, record)) {
                actual.push_back(*fact);
            }
        }
        verdict_.records += records.size();
        std::vector<Fact> expected = expected_[table];
        if (actual == expected) {
            return;
        }
        const auto [right, left] =
            std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
        say(table + ": first difference at record " + std::to_string(right - expected.begin()) +
            ": truth " + (right == expected.end() ? "ends" : text_of(*right)) + "; Kafka " +
            (left == actual.end() ? "ends" : text_of(*left)));
        count_differences(table, std::move(expected), std::move(actual));
    }

    void count_differences(const std::string& table,
                           std::vector<Fact> expected,
                           std::vector<Fact> actual) {
        std::sort(expected.begin(), expected.end());
        std::sort(actual.begin(), actual.end());
        std::vector<Fact> missing;
        std::vector<Fact> surplus;
        std::set_difference(expected.begin(),
                            expected.end(),
                            actual.begin(),
                            actual.end(),
                            std::back_inserter(missing));
        std::set_difference(actual.begin(),
                            actual.end(),
                            expected.begin(),
                            expected.end(),
                            std::back_inserter(surplus));
        verdict_.lost += missing.size();
        verdict_.unexpected += surplus.size();
        if (missing.empty() && surplus.empty()) {
            ++verdict_.out_of_order;
        }
        for (const Fact& fact : missing) {
            say(table + ": lost: " + text_of(fact));
        }
        for (const Fact& fact : surplus) {
            say(table + ": not in the truth: " + text_of(fact));
        }
    }

    // A transaction has one position, and it lies where its commit record does.
    void check_positions() {
        for (const auto& [xid, positions] : positions_) {
            const auto known = by_xid_.find(xid);
            if (known == by_xid_.end()) {
                continue;  // already counted as not in the truth
            }
            const std::uint64_t position = *positions.begin();
            if (positions.size() != 1 || position <= known->second->last_change_lsn ||
                position >= known->second->end_lsn) {
                broken("transaction " + std::to_string(xid) + ": position " +
                       std::to_string(position) + " is not its commit, or not the only one");
            }
        }
    }

    void check_chain() {
        std::sort(sequences_.begin(), sequences_.end());
        std::uint64_t last = 0;
        std::string resume;
        std::uint64_t counted = 0;
        for (const Checkpoint& checkpoint : evidence_.checkpoints) {
            ++verdict_.checkpoints;
            const std::string where = "checkpoint " + std::to_string(verdict_.checkpoints) +
                                      ", last " + std::to_string(checkpoint.last.value()) + ": ";
            const bool empty = checkpoint.first.value() == 0;
            if (checkpoint.previous_last.value() != last || checkpoint.last.value() < last ||
                (!empty && checkpoint.first.value() != last + 1) ||
                (empty && checkpoint.last.value() != last)) {
                broken(where + "the chain is broken, before it was " + std::to_string(last));
            }
            if (postgresql::compare(checkpoint.resume, Position{resume}) < 0) {
                broken(where + "its resume position went back");
            }
            const auto from = std::upper_bound(sequences_.begin(), sequences_.end(), last);
            const auto to = std::upper_bound(from, sequences_.end(), checkpoint.last.value());
            const auto records = static_cast<std::uint64_t>(to - from);
            if (checkpoint.record_count != records) {
                broken(where + "it counts " + std::to_string(checkpoint.record_count) +
                       " records, Kafka has " + std::to_string(records));
            }
            counted += records;
            last = std::max(last, checkpoint.last.value());
            resume = checkpoint.resume.bytes;
        }
        if (counted != sequences_.size()) {
            broken(std::to_string(sequences_.size() - counted) +
                   " records are in no checkpoint's range");
        }
    }

    // A checkpoint's wall time is taken before its transaction commits, so one with a later time
    // cannot have been in Kafka when the slot was read.
    void check_slot() {
        for (const SlotSample& sample : evidence_.slot) {
            std::uint64_t held = evidence_.slot_created_lsn;
            for (const Checkpoint& checkpoint : evidence_.checkpoints) {
                if (checkpoint.wall_time_us > sample.wall_time_us) {
                    break;
                }
                const auto resume = postgresql::decode_resume(checkpoint.resume);
                held = std::max(held, resume ? resume->value() : 0);
            }
            if (sample.confirmed_lsn > held) {
                broken("the slot was confirmed to " + std::to_string(sample.confirmed_lsn) +
                       ", the newest checkpoint reached " + std::to_string(held));
            }
        }
    }

    const Evidence& evidence_;
    Verdict verdict_;
    std::map<std::string, std::vector<Fact>> expected_;
    std::unordered_map<std::uint64_t, const TrueTransaction*> by_xid_;
    std::set<std::tuple<std::uint64_t, std::uint32_t, std::uint16_t>> identities_;
    std::map<std::string, std::tuple<std::uint64_t, std::uint32_t, std::uint16_t>> newest_;
    std::map<std::uint64_t, std::set<std::uint64_t>> positions_;
    std::vector<std::uint64_t> sequences_;
};

// Rows of a table with a key, and where a moved row's values wait for its new key.
class Keyed {
  public:
    void take(const KafkaRecord& record) {
        const std::string key = record.key.value_or("");
        if (!record.value) {
            rows_.erase(key);
            return;
        }
        const json value = json::parse(*record.value);
        if (value.at("op") == "d") {
            if (const auto row = rows_.find(key); row != rows_.end()) {
                moved_ = row->second;
                rows_.erase(row);
            }
            return;
        }
        const bool arrives = record.header("__debezium.oldkey") != nullptr;
        json after = value.at("after");
        const json before = arrives ? moved_ : rows_[key];
        for (auto& [name, cell] : after.items()) {
            if (cell.is_string() && cell.get_ref<const std::string&>() == kUnavailable) {
                cell = before.is_object() ? before.value(name, json()) : json();
            }
        }
        rows_[key] = std::move(after);
    }
    [[nodiscard]] const std::map<std::string, json>& rows() const { return rows_; }

  private:
    std::map<std::string, json> rows_;
    json moved_;
};

std::string row_text(const json& row, const std::vector<std::string>& columns) {
    json kept = json::object();
    for (const std::string& column : columns) {
        kept[column] = row.value(column, json());
    }
    return kept.dump();
}

}  // namespace

void TruthParser::add(std::uint64_t lsn, std::string_view line) {
    if (line.starts_with("BEGIN ")) {
        open_.emplace();
        open_->xid = static_cast<std::uint64_t>(number_after(line, "BEGIN ", 0));
        return;
    }
    if (!open_) {
        throw ServerFailure("test_decoding: outside a transaction: " + std::string(line));
    }
    if (line.starts_with("COMMIT ")) {
        open_->end_lsn = lsn;
        transactions_.push_back(*std::exchange(open_, std::nullopt));
        return;
    }
    open_->last_change_lsn = lsn;
    open_->changes.push_back(parse_change(line));
}

Verdict judge(const Evidence& evidence) {
    return Court(evidence).run();
}

std::vector<std::string> materialise(const std::vector<KafkaRecord>& records,
                                     const std::vector<std::string>& columns,
                                     bool keyless) {
    std::vector<std::string> rows;
    if (!keyless) {
        Keyed keyed;
        for (const KafkaRecord& record : records) {
            keyed.take(record);
        }
        for (const auto& [key, row] : keyed.rows()) {
            rows.push_back(row_text(row, columns));
        }
        std::sort(rows.begin(), rows.end());
        return rows;
    }
    std::multiset<std::string> bag;
    for (const KafkaRecord& record : records) {
        const json value = json::parse(record.value.value());
        if (const json& before = value.at("before"); !before.is_null()) {
            if (const auto row = bag.find(row_text(before, columns)); row != bag.end()) {
                bag.erase(row);
            }
        }
        if (const json& after = value.at("after"); !after.is_null()) {
            bag.insert(row_text(after, columns));
        }
    }
    return {bag.begin(), bag.end()};
}

}  // namespace tributary::torture
