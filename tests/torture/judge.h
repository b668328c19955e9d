// The torture run's judge: what a source's own second reader says was committed (the truth) against
// what a read_committed consumer found in Kafka, exactly. What is particular to a source comes in
// as Rules (postgres_truth.h, binlog_truth.h, mqtt_feed.cc). Pure: no I/O, so that synthetic cases
// prove that it can fail (judge_test.cc). DESIGN 10, oracles 1 to 5. Any thread.
//
// Every table of a run has `id bigint` as its first column and `n bigint`, a number unique per
// written row version, as its second.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint.h"
#include "tests/servers/kafka_reader.h"

namespace tributary::torture {

// One row change as the second reader prints it.
struct TrueChange {
    std::string table;  // "public.t0"
    char op = 0;        // 'c', 'u', 'd'
    std::int64_t id = 0;
    std::optional<std::int64_t> old_id;  // of an update that sent its old key
    std::int64_t n = -1;                 // of the new row; -1 for a delete
};

struct TrueTransaction {
    std::string name;                   // as the records' source block has it: xid, GTID
    std::uint64_t last_change_lsn = 0;  // PostgreSQL: start of the last change's WAL record
    std::uint64_t end_lsn = 0;          // PostgreSQL: end of the commit record
    std::vector<TrueChange> changes;    // in order; the index is the ordinal
};

// One record, reduced to what identifies it and what it says.
struct Fact {
    std::string transaction;  // empty in a tombstone, whose value says nothing
    std::uint32_t ordinal = 0;
    std::uint16_t sub_index = 0;
    char op = 0;  // 'c', 'u', 'd', 't' for a tombstone, 'm' for a message
    std::int64_t id = 0;
    std::int64_t n = -1;
    friend auto operator<=>(const Fact&, const Fact&) = default;
};

// Per table (MQTT: per device), in the order of its topic.
using Facts = std::map<std::string, std::vector<Fact>>;

// The records that the changes must become (docs/events.md). Tables without key have no tombstones.
[[nodiscard]] Facts expected_facts(const std::vector<TrueTransaction>& truth,
                                   const std::vector<std::string>& keyless_tables);

// What is particular to a kind of source.
struct Rules {
    // Fills in what the record says; ordinal and sub-index are set already.
    std::function<void(const servers::KafkaRecord&, Fact&)> read_value;
    // Whether the packed header's position can be that of the transaction.
    std::function<bool(const std::string& transaction, std::string_view position)> position_fits;
    // Orders checkpoints' resume positions; none: not compared.
    std::function<std::partial_ordering(const Position&, const Position&)> compare_resume;
    // The bytes of positions order them, so that identities must grow within a table.
    bool positions_are_ordered = false;
};

// read_value of row changes: `transaction_field` is the source block's, "txId" or "gtid".
void read_row_change(const servers::KafkaRecord& record,
                     const std::string& transaction_field,
                     Fact& fact);

struct Evidence {
    Facts expected;
    std::uint64_t transactions = 0;                                     // in the truth
    std::uint64_t rows = 0;                                             // changes in the truth
    std::map<std::string, std::vector<servers::KafkaRecord>> by_table;  // read_committed, by offset
    std::vector<Checkpoint> checkpoints;                                // read_committed, by offset
    Rules rules;
};

struct Verdict {
    std::uint64_t rows = 0;          // changes in the truth
    std::uint64_t records = 0;       // records in Kafka
    std::uint64_t transactions = 0;  // in the truth
    std::uint64_t checkpoints = 0;
    std::uint64_t lost = 0;                // records that the truth has and Kafka has not
    std::uint64_t twice = 0;               // identities seen more than once
    std::uint64_t unexpected = 0;          // records that the truth has not
    std::uint64_t out_of_order = 0;        // partitions whose order differs
    std::uint64_t broken = 0;              // everything else that is wrong
    std::vector<std::string> differences;  // the first ones, in words
    [[nodiscard]] bool good() const {
        return lost + twice + unexpected + out_of_order + broken == 0;
    }
    void say(std::string text);
    void is_broken(std::string text);
    Verdict& operator+=(const Verdict& other);
};

// Oracles 2 and 3: the same records in the same order under unique identities; an unbroken chain
// of checkpoints whose counts are right.
[[nodiscard]] Verdict judge(const Evidence& evidence);

// Oracle 4. The last value per key (a bag for a table without key) as row JSON, from the records of
// one topic. A value that was not sent because it did not change is kept from the row before.
[[nodiscard]] std::vector<std::string> materialise(const std::vector<servers::KafkaRecord>& records,
                                                   const std::vector<std::string>& columns,
                                                   bool keyless);

}  // namespace tributary::torture
