// SimKafka: the part of a Kafka cluster that transactions depend on, to the letter of its protocol
// before KIP-890 part 2 (which is what librdkafka speaks): a coordinator per transactional id with
// epochs, two-phase ends and time-outs; partitions with producer state, sequence checks, control
// markers and a last stable offset (kafka-facts; delivery-and-faults 1.2-1.4).
//
// Every request is a call that happens when it arrives, which may be long after its sender has
// given up: EndTxn carries nothing that tells one transaction of an epoch from the next, and a late
// one ends whatever is open. That is the hole the whole protocol is built around.
// One thread (the scheduler's events).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/scheduler.h"

namespace tributary::sim {

enum class KafkaCode : std::uint8_t {
    none,
    not_coordinator,  // moved, or loading
    concurrent_transactions,
    invalid_producer_epoch,
    invalid_producer_id_mapping,
    invalid_txn_state,
    out_of_order_sequence,
};
[[nodiscard]] const char* to_text(KafkaCode code);

struct KafkaRecord {
    std::string topic;
    std::string key;
    std::optional<std::string> value;
    std::string identity;  // of the packed header
};

struct Stored {
    KafkaRecord record;
    std::int64_t producer = 0;
    std::int16_t epoch = 0;
    bool marker = false;            // a control record
    bool decided = false;           // its transaction has ended,
    bool committed = false;         // and so
    std::uint64_t transaction = 0;  // which: numbers its producer's transactions, for the oracle
};

struct ProducerId {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    friend bool operator==(const ProducerId&, const ProducerId&) = default;
};

class SimKafka {
  public:
    struct Options {
        bool verify_partitions = true;  // KIP-890 part 1 (from 3.6)
        Us marker_delay{3000};          // between a decision and its markers, at most
        Us transaction_timeout{60'000'000};
        int partitions = 2;
    };

    SimKafka(Scheduler& scheduler, Rng random, Options options);

    // --- Requests, when they arrive ---
    [[nodiscard]] std::pair<KafkaCode, ProducerId> init_producer_id(const std::string& id);
    [[nodiscard]] KafkaCode add_partition(const std::string& id,
                                          ProducerId producer,
                                          const std::string& partition);
    [[nodiscard]] KafkaCode produce(const std::string& id,
                                    ProducerId producer,
                                    const std::string& partition,
                                    std::int32_t base_sequence,
                                    const std::vector<KafkaRecord>& records);
    [[nodiscard]] KafkaCode end_txn(const std::string& id, ProducerId producer, bool commit);

    [[nodiscard]] std::string partition_of(const std::string& topic, std::string_view key) const;
    // Reading: the end, the last stable offset, and a record.
    [[nodiscard]] std::size_t high_watermark(const std::string& partition) const;
    [[nodiscard]] std::size_t last_stable(const std::string& partition) const;
    [[nodiscard]] const std::deque<Stored>& log(const std::string& partition) const;
    [[nodiscard]] const std::map<std::string, std::deque<Stored>>& logs() const { return logs_; }

    // --- Faults ---
    void set_up(bool up) { up_ = up; }
    [[nodiscard]] bool up() const { return up_; }
    void move_coordinator(Us time);      // nobody knows the transactions for so long
    void expire(const std::string& id);  // the transactional id was idle for a week
    void heal();
    // Everything decided is in the partitions, and nothing is open.
    [[nodiscard]] bool settled() const;

    std::function<void(const std::string& text)> trace;
    // A transaction was decided to be committed.
    std::function<void(ProducerId)> on_commit;

  private:
    enum class State : std::uint8_t {
        empty,
        ongoing,
        prepare_commit,
        prepare_abort,
        complete_commit,
        complete_abort
    };
    struct Coordinator {
        ProducerId producer;
        State state = State::empty;
        std::set<std::string> partitions;
        std::int64_t began_us = 0;
        std::size_t markers_left = 0;
        std::uint64_t transaction = 0;
    };
    struct ProducerState {
        std::int16_t epoch = -1;
        std::int32_t last_sequence = -1;
        std::deque<std::pair<std::int32_t, std::int32_t>> batches;  // last five: first, last
        std::optional<std::size_t> open_from;                       // first offset of what is open
    };

    void decide(Coordinator& coordinator, const std::string& id, bool commit, std::int16_t epoch);
    void write_marker(const std::string& id,
                      const std::string& partition,
                      ProducerId producer,
                      bool commit);
    void check_timeouts();
    void say(const std::string& text) const {
        if (trace) {
            trace(text);
        }
    }

    Scheduler& scheduler_;
    Rng random_;
    Options options_;
    bool up_ = true;
    std::int64_t coordinator_away_until_us_ = 0;
    std::int64_t next_producer_ = 1000;
    std::map<std::string, Coordinator> coordinators_;
    std::map<std::string, std::deque<Stored>> logs_;
    std::map<std::string, std::map<std::int64_t, ProducerState>> producers_;
};

}  // namespace tributary::sim
