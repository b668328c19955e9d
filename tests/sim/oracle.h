// Oracle: whether what a read_committed consumer of SimKafka sees is what the application committed
// in SimPostgres: each row once, in the order of commits and of the rows in each, nothing else; and
// whether the checkpoints are one unbroken chain (delivery-and-faults 7.4). Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.h"
#include "tests/sim/sim_kafka.h"
#include "tests/sim/sim_postgres.h"
#include "tests/sim/snapshot_oracle.h"

namespace tributary::sim {

struct Judgement {
    std::string violation;  // empty: none
    std::size_t seen = 0;   // of what was expected
    std::size_t expected = 0;
    std::string first_missing;  // of what was expected
    bool has_lost = false;      // records of transactions that the server does not have any more
};

[[nodiscard]] Judgement judge(const SimPostgres& server,
                              const SimKafka& kafka,
                              const std::string& checkpoint_topic,
                              const SnapshotDuty& duty = {});

// Walks what a read_committed reader sees of a partition: up to the last stable offset.
template <typename Each>
void read_committed(const SimKafka& kafka, const std::string& partition, Each each) {
    const auto& log = kafka.log(partition);
    const std::size_t stable = kafka.last_stable(partition);
    for (std::size_t offset = 0; offset < stable; ++offset) {
        if (!log[offset].marker && log[offset].committed) {
            each(log[offset].record);
        }
    }
}

// What is wrong with the chain of checkpoints; empty: nothing. `moves_back`: of two resume
// positions, one after the other.
[[nodiscard]] std::string check_chain(
    const SimKafka& kafka,
    const std::string& checkpoint_topic,
    const std::function<bool(const Position& before, const Position& now)>& moves_back);

// Whether that is the record: of that table (empty: a message), with `value` in it (unless empty).
[[nodiscard]] bool fits(const std::string& table,
                        const std::string& value,
                        const KafkaRecord& record);

// How many records a committed reader sees, checkpoints left out.
[[nodiscard]] std::size_t visible(const SimKafka& kafka, const std::string& checkpoint_topic);

}  // namespace tributary::sim
