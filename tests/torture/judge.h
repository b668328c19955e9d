// The torture run's judge: what PostgreSQL's own test_decoding says was committed (the truth)
// against what a read_committed consumer found in Kafka, exactly. Pure: no I/O, so that synthetic
// cases prove that it can fail (judge_test.cc). DESIGN 10, oracles 1 to 5. Any thread.
//
// Every table of a run has `id bigint` as its first column and `n bigint`, a number unique per
// written row version, as its second.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "model/checkpoint.h"
#include "tests/servers/kafka_reader.h"

namespace tributary::torture {

// One row change as test_decoding prints it.
struct TrueChange {
    std::string table;  // "public.t0"
    char op = 0;        // 'c', 'u', 'd'
    std::int64_t id = 0;
    std::optional<std::int64_t> old_id;  // of an update that sent its old key
    std::int64_t n = -1;                 // of the new row; -1 for a delete
};

struct TrueTransaction {
    std::uint64_t xid = 0;
    std::uint64_t last_change_lsn = 0;  // start of the last change's WAL record
    std::uint64_t end_lsn = 0;          // end of the commit record
    std::vector<TrueChange> changes;    // in order; the index is the ordinal
};

// Fed with the rows of pg_logical_slot_get_changes (include-xids on), in order.
class TruthParser {
  public:
    // Throws ServerFailure for a line that it does not understand.
    void add(std::uint64_t lsn, std::string_view line);
    [[nodiscard]] std::vector<TrueTransaction> take() { return std::move(transactions_); }

  private:
    std::optional<TrueTransaction> open_;
    std::vector<TrueTransaction> transactions_;
};

// The slot's confirmed position, and a wall time after which it was read.
struct SlotSample {
    std::int64_t wall_time_us = 0;
    std::uint64_t confirmed_lsn = 0;
};

struct Evidence {
    std::string prefix;                                                 // of the topics
    std::vector<std::string> keyless_tables;                            // no tombstones
    std::vector<TrueTransaction> truth;                                 // in commit order
    std::map<std::string, std::vector<servers::KafkaRecord>> by_table;  // read_committed, by offset
    std::vector<Checkpoint> checkpoints;                                // read_committed, by offset
    std::vector<SlotSample> slot;
    std::uint64_t slot_created_lsn = 0;  // confirmed before the first checkpoint
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
};

// Oracles 2, 3 and 5: the same records in the same order under unique identities; an unbroken chain
// of checkpoints whose counts are right; a slot that was never confirmed past a checkpoint.
[[nodiscard]] Verdict judge(const Evidence& evidence);

// Oracle 4. The last value per key (a bag for a table without key) as row JSON, from the records of
// one topic. A value that was not sent because it did not change is kept from the row before.
[[nodiscard]] std::vector<std::string> materialise(const std::vector<servers::KafkaRecord>& records,
                                                   const std::vector<std::string>& columns,
                                                   bool keyless);

}  // namespace tributary::torture
