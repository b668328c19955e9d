// See judge.h. Expected records follow docs/events.md: a key change is d, tombstone, c with
// sub-indexes 0, 1, 2; a delete is d and, where the table has a key, a tombstone.
#include "tests/torture/judge.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "format/record_header.h"

namespace tributary::torture {
namespace {

using nlohmann::json;
using servers::KafkaRecord;

constexpr std::size_t kDifferencesMax = 20;
constexpr std::string_view kUnavailable = "__debezium_unavailable_value";

std::string text_of(const Fact& fact) {
    return std::string("op ") + fact.op + " id " + std::to_string(fact.id) + " n " +
           std::to_string(fact.n) + " transaction " + fact.transaction + " ordinal " +
           std::to_string(fact.ordinal) + " sub " + std::to_string(fact.sub_index);
}

void expect(const TrueChange& change,
            const std::string& transaction,
            std::uint32_t ordinal,
            bool keyless,
            std::vector<Fact>& facts) {
    const bool moved = !keyless && change.old_id && *change.old_id != change.id;
    const auto put = [&](char op, std::uint16_t sub_index, std::int64_t id, std::int64_t n) {
        facts.push_back({.transaction = op == 't' ? "" : transaction,
                         .ordinal = ordinal,
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

class Court {
  public:
    explicit Court(const Evidence& evidence) : evidence_(evidence) {}

    Verdict run() {
        verdict_.rows = evidence_.rows;
        verdict_.transactions = evidence_.transactions;
        for (const auto& [table, records] : evidence_.by_table) {
            compare(table, records);
        }
        for (const auto& [table, facts] : evidence_.expected) {
            if (!facts.empty() && !evidence_.by_table.contains(table)) {
                verdict_.lost += facts.size();
                verdict_.say(table + ": no topic, " + std::to_string(facts.size()) +
                             " records lost");
            }
        }
        check_positions();
        check_chain();
        return std::move(verdict_);
    }

  private:
    using Identity = std::tuple<std::string, std::uint32_t, std::uint16_t>;

    // What the record says; also notes its identity, position and sequence.
    std::optional<Fact> found(const std::string& table, const KafkaRecord& record) {
        const auto* header = record.header("tributary");
        const auto parsed = header != nullptr && header->value
                                ? format::parse_record_header(*header->value)
                                : Result<format::RecordIdentity>(format::RecordIdentity{});
        if (!parsed || parsed.value().position.empty()) {
            verdict_.is_broken(table + ": a record without a good tributary header at " +
                               std::to_string(record.offset));
            return std::nullopt;
        }
        const auto& identity = parsed.value();
        Fact fact{.transaction = {},
                  .ordinal = identity.ordinal,
                  .sub_index = identity.sub_index,
                  .op = 0};
        sequences_.push_back(identity.sequence.value());
        evidence_.rules.read_value(record, fact);
        check_identity(
            table, {std::string(identity.position), identity.ordinal, identity.sub_index}, fact);
        if (!fact.transaction.empty()) {
            positions_[fact.transaction].emplace(identity.position);
        }
        return fact;
    }

    void check_identity(const std::string& table, const Identity& identity, const Fact& fact) {
        if (!identities_.insert(identity).second) {
            ++verdict_.twice;
            verdict_.say(table + ": an identity is there twice: " + text_of(fact));
        }
        if (!evidence_.rules.positions_are_ordered) {
            return;
        }
        auto& before = newest_[table];
        if (identity <= before) {
            verdict_.is_broken(table + ": the identity does not grow at " + text_of(fact));
        }
        before = std::max(before, identity);
    }

    void compare(const std::string& table, const std::vector<KafkaRecord>& records) {
        std::vector<Fact> actual;
        actual.reserve(records.size());
        for (const KafkaRecord& record : records) {
            if (auto fact = found(table, record)) {
                actual.push_back(std::move(*fact));
            }
        }
        verdict_.records += records.size();
        const auto known = evidence_.expected.find(table);
        std::vector<Fact> expected =
            known == evidence_.expected.end() ? std::vector<Fact>() : known->second;
        if (actual == expected) {
            return;
        }
        const auto [right, left] =
            std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
        verdict_.say(table + ": first difference at record " +
                     std::to_string(right - expected.begin()) + ": truth " +
                     (right == expected.end() ? "ends" : text_of(*right)) + "; Kafka " +
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
            verdict_.say(table + ": lost: " + text_of(fact));
        }
        for (const Fact& fact : surplus) {
            verdict_.say(table + ": not in the truth: " + text_of(fact));
        }
    }

    // A transaction has one position, and it is the transaction's.
    void check_positions() {
        for (const auto& [transaction, positions] : positions_) {
            if (positions.size() != 1 ||
                !evidence_.rules.position_fits(transaction, *positions.begin())) {
                verdict_.is_broken("transaction " + transaction + " has " +
                                   std::to_string(positions.size()) +
                                   " positions, or one that is not its own");
            }
        }
    }

    void check_chain() {
        std::sort(sequences_.begin(), sequences_.end());
        std::uint64_t last = 0;
        Position resume;
        std::uint64_t counted = 0;
        for (const Checkpoint& checkpoint : evidence_.checkpoints) {
            ++verdict_.checkpoints;
            const std::string where = "checkpoint " + std::to_string(verdict_.checkpoints) +
                                      ", last " + std::to_string(checkpoint.last.value()) + ": ";
            const bool empty = checkpoint.first.value() == 0;
            if (checkpoint.previous_last.value() != last || checkpoint.last.value() < last ||
                (!empty && checkpoint.first.value() != last + 1) ||
                (empty && checkpoint.last.value() != last)) {
                verdict_.is_broken(where + "the chain is broken, before it was " +
                                   std::to_string(last));
            }
            if (evidence_.rules.compare_resume &&
                evidence_.rules.compare_resume(checkpoint.resume, resume) < 0) {
                verdict_.is_broken(where + "its resume position went back");
            }
            const auto from = std::upper_bound(sequences_.begin(), sequences_.end(), last);
            const auto to = std::upper_bound(from, sequences_.end(), checkpoint.last.value());
            const auto records = static_cast<std::uint64_t>(to - from);
            if (checkpoint.record_count != records) {
                verdict_.is_broken(where + "it counts " + std::to_string(checkpoint.record_count) +
                                   " records, Kafka has " + std::to_string(records));
            }
            counted += records;
            last = std::max(last, checkpoint.last.value());
            resume = checkpoint.resume;
        }
        if (counted != sequences_.size()) {
            verdict_.is_broken(std::to_string(sequences_.size() - counted) +
                               " records are in no checkpoint's range");
        }
    }

    const Evidence& evidence_;
    Verdict verdict_;
    std::set<Identity> identities_;
    std::map<std::string, Identity> newest_;
    std::map<std::string, std::set<std::string>> positions_;
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

Facts expected_facts(const std::vector<TrueTransaction>& truth,
                     const std::vector<std::string>& keyless_tables) {
    const std::set<std::string> keyless(keyless_tables.begin(), keyless_tables.end());
    Facts facts;
    for (const TrueTransaction& transaction : truth) {
        std::uint32_t ordinal = 0;
        for (const TrueChange& change : transaction.changes) {
            expect(change,
                   transaction.name,
                   ordinal++,
                   keyless.contains(change.table),
                   facts[change.table]);
        }
    }
    return facts;
}

void read_row_change(const KafkaRecord& record, const std::string& transaction_field, Fact& fact) {
    if (!record.value) {
        fact.op = 't';
        fact.id = json::parse(record.key.value_or("{}")).value("id", std::int64_t{-1});
        return;
    }
    const json value = json::parse(*record.value);
    fact.op = value.at("op").get<std::string>().at(0);
    const json& transaction = value.at("source").at(transaction_field);
    fact.transaction =
        transaction.is_string() ? transaction.get<std::string>() : transaction.dump();
    const json& row = value.at(fact.op == 'd' ? "before" : "after");
    fact.id = row.at("id").get<std::int64_t>();
    if (fact.op != 'd') {
        fact.n = row.at("n").get<std::int64_t>();
    }
}

void Verdict::say(std::string text) {
    if (differences.size() < kDifferencesMax) {
        differences.push_back(std::move(text));
    }
}

void Verdict::is_broken(std::string text) {
    ++broken;
    say(std::move(text));
}

Verdict& Verdict::operator+=(const Verdict& other) {
    rows += other.rows;
    records += other.records;
    transactions += other.transactions;
    checkpoints += other.checkpoints;
    lost += other.lost;
    twice += other.twice;
    unexpected += other.unexpected;
    out_of_order += other.out_of_order;
    broken += other.broken;
    for (const std::string& difference : other.differences) {
        say(difference);
    }
    return *this;
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
