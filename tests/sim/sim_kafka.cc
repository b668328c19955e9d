// The coordinator and the partitions; see the header. Rules from Kafka's TransactionCoordinator,
// ProducerAppendInfo and ProducerStateManager, as delivery-and-faults 1.3 tells them.
#include "tests/sim/sim_kafka.h"

#include <algorithm>

#include "base/crc32c.h"

namespace tributary::sim {
namespace {

constexpr std::size_t kBatchesRemembered = 5;
constexpr Us kTimeoutCheck{10'000'000};

const std::deque<Stored> kNothing;

}  // namespace

const char* to_text(KafkaCode code) {
    switch (code) {
        case KafkaCode::none:
            return "ok";
        case KafkaCode::not_coordinator:
            return "not_coordinator";
        case KafkaCode::concurrent_transactions:
            return "concurrent_transactions";
        case KafkaCode::invalid_producer_epoch:
            return "invalid_producer_epoch";
        case KafkaCode::invalid_producer_id_mapping:
            return "invalid_producer_id_mapping";
        case KafkaCode::invalid_txn_state:
            return "invalid_txn_state";
        case KafkaCode::out_of_order_sequence:
            return "out_of_order_sequence";
    }
    return "";
}

SimKafka::SimKafka(Scheduler& scheduler, Rng random, Options options)
    : scheduler_(scheduler), random_(random), options_(options) {
    scheduler_.at(kTimeoutCheck, [this] { check_timeouts(); });
}

std::pair<KafkaCode, ProducerId> SimKafka::init_producer_id(const std::string& id) {
    if (scheduler_.now_us() < coordinator_away_until_us_) {
        return {KafkaCode::not_coordinator, {}};
    }
    auto [found, fresh] = coordinators_.try_emplace(id);
    Coordinator& coordinator = found->second;
    if (fresh) {
        coordinator.producer = {next_producer_++, -1};
    }
    switch (coordinator.state) {
        case State::ongoing:
            // The epoch moves first, so that nobody adds to what is being aborted.
            decide(
                coordinator, id, false, static_cast<std::int16_t>(coordinator.producer.epoch + 1));
            return {KafkaCode::concurrent_transactions, {}};
        case State::prepare_commit:
        case State::prepare_abort:
            return {KafkaCode::concurrent_transactions, {}};
        case State::empty:
        case State::complete_commit:
        case State::complete_abort:
            break;
    }
    coordinator.state = State::empty;
    ++coordinator.producer.epoch;
    return {KafkaCode::none, coordinator.producer};
}

KafkaCode SimKafka::add_partition(const std::string& id,
                                  ProducerId producer,
                                  const std::string& partition) {
    if (scheduler_.now_us() < coordinator_away_until_us_) {
        return KafkaCode::not_coordinator;
    }
    const auto found = coordinators_.find(id);
    if (found == coordinators_.end() || found->second.producer.id != producer.id) {
        return KafkaCode::invalid_producer_id_mapping;
    }
    Coordinator& coordinator = found->second;
    if (coordinator.producer.epoch != producer.epoch) {
        return KafkaCode::invalid_producer_epoch;
    }
    if (coordinator.state == State::prepare_commit || coordinator.state == State::prepare_abort) {
        return KafkaCode::concurrent_transactions;
    }
    if (coordinator.state != State::ongoing) {
        coordinator.state = State::ongoing;
        coordinator.partitions.clear();
        coordinator.began_us = scheduler_.now_us();
        ++coordinator.transaction;
    }
    coordinator.partitions.insert(partition);
    return KafkaCode::none;
}

KafkaCode SimKafka::produce(const std::string& id,
                            ProducerId producer,
                            const std::string& partition,
                            std::int32_t base_sequence,
                            const std::vector<KafkaRecord>& records) {
    auto& log = logs_[partition];
    auto [state_at, fresh] = producers_[partition].try_emplace(producer.id);
    ProducerState& state = state_at->second;
    if (!fresh && producer.epoch < state.epoch) {
        return KafkaCode::invalid_producer_epoch;
    }
    const auto last = base_sequence + static_cast<std::int32_t>(records.size()) - 1;
    if (producer.epoch == state.epoch &&
        std::find(state.batches.begin(), state.batches.end(), std::pair(base_sequence, last)) !=
            state.batches.end()) {
        return KafkaCode::none;  // sent again: it is there
    }
    std::uint64_t transaction = 0;
    const auto found = coordinators_.find(id);
    if (found != coordinators_.end()) {
        transaction = found->second.transaction;
    }
    if (options_.verify_partitions && !state.open_from) {
        const bool open = found != coordinators_.end() && found->second.producer == producer &&
                          found->second.state == State::ongoing &&
                          found->second.partitions.contains(partition);
        if (!open) {
            return KafkaCode::invalid_txn_state;
        }
    }
    const std::int32_t expected = producer.epoch == state.epoch ? state.last_sequence + 1 : 0;
    if (base_sequence != expected && state.last_sequence >= 0) {
        return KafkaCode::out_of_order_sequence;
    }
    if (producer.epoch != state.epoch) {
        state.batches.clear();
    }
    state.epoch = producer.epoch;
    state.last_sequence = last;
    state.batches.emplace_back(base_sequence, last);
    if (state.batches.size() > kBatchesRemembered) {
        state.batches.pop_front();
    }
    if (!state.open_from) {
        state.open_from = log.size();
    }
    for (const KafkaRecord& record : records) {
        log.push_back({.record = record,
                       .producer = producer.id,
                       .epoch = producer.epoch,
                       .transaction = transaction});
    }
    return KafkaCode::none;
}

KafkaCode SimKafka::end_txn(const std::string& id, ProducerId producer, bool commit) {
    if (scheduler_.now_us() < coordinator_away_until_us_) {
        return KafkaCode::not_coordinator;
    }
    const auto found = coordinators_.find(id);
    if (found == coordinators_.end() || found->second.producer.id != producer.id) {
        return KafkaCode::invalid_producer_id_mapping;
    }
    Coordinator& coordinator = found->second;
    if (coordinator.producer.epoch != producer.epoch) {
        return KafkaCode::invalid_producer_epoch;
    }
    switch (coordinator.state) {
        case State::ongoing:
            decide(coordinator, id, commit, producer.epoch);
            return KafkaCode::none;
        case State::prepare_commit:
            return commit ? KafkaCode::concurrent_transactions : KafkaCode::invalid_txn_state;
        case State::prepare_abort:
            return commit ? KafkaCode::invalid_txn_state : KafkaCode::concurrent_transactions;
        case State::complete_commit:
            return commit ? KafkaCode::none : KafkaCode::invalid_txn_state;
        case State::complete_abort:
            return commit ? KafkaCode::invalid_txn_state : KafkaCode::none;
        case State::empty:
            break;
    }
    return KafkaCode::invalid_txn_state;
}

// From here on the outcome stands; the markers follow, one partition after the other.
void SimKafka::decide(Coordinator& coordinator,
                      const std::string& id,
                      bool commit,
                      std::int16_t epoch) {
    say("  kafka: transaction " + std::to_string(coordinator.transaction) + " of producer " +
        std::to_string(coordinator.producer.id) + "/" + std::to_string(epoch) + " is to " +
        (commit ? "commit" : "abort"));
    coordinator.producer.epoch = epoch;
    coordinator.state = commit ? State::prepare_commit : State::prepare_abort;
    coordinator.markers_left = coordinator.partitions.size();
    if (commit && on_commit) {
        on_commit(coordinator.producer);
    }
    for (const std::string& partition : coordinator.partitions) {
        const Us delay(random_.between(100, options_.marker_delay.count()));
        scheduler_.at(delay, [this, id, partition, producer = coordinator.producer, commit] {
            write_marker(id, partition, producer, commit);
        });
    }
}

void SimKafka::write_marker(const std::string& id,
                            const std::string& partition,
                            ProducerId producer,
                            bool commit) {
    if (!up_) {
        scheduler_.at(Us(200'000), [this, id, partition, producer, commit] {
            write_marker(id, partition, producer, commit);
        });
        return;
    }
    auto& log = logs_[partition];
    ProducerState& state = producers_[partition][producer.id];
    if (producer.epoch > state.epoch) {
        state.batches.clear();
        state.last_sequence = -1;
    }
    state.epoch = std::max(state.epoch, producer.epoch);
    if (state.open_from) {
        for (std::size_t offset = *state.open_from; offset < log.size(); ++offset) {
            Stored& stored = log[offset];
            if (stored.producer == producer.id && !stored.marker && !stored.decided) {
                stored.decided = true;
                stored.committed = commit;
            }
        }
        state.open_from.reset();
    }
    log.push_back({.record = {},
                   .producer = producer.id,
                   .epoch = producer.epoch,
                   .marker = true,
                   .decided = true,
                   .committed = commit});
    Coordinator& coordinator = coordinators_.at(id);
    if (coordinator.producer.id == producer.id && --coordinator.markers_left == 0) {
        coordinator.state = commit ? State::complete_commit : State::complete_abort;
    }
}

void SimKafka::check_timeouts() {
    for (auto& [id, coordinator] : coordinators_) {
        if (coordinator.state == State::ongoing &&
            scheduler_.now_us() - coordinator.began_us >= options_.transaction_timeout.count()) {
            say("  kafka: time-out");
            decide(
                coordinator, id, false, static_cast<std::int16_t>(coordinator.producer.epoch + 1));
        }
    }
    scheduler_.at(kTimeoutCheck, [this] { check_timeouts(); });
}

std::string SimKafka::partition_of(const std::string& topic, std::string_view key) const {
    if (topic.starts_with('_')) {
        return topic + "/0";
    }
    const auto hash = crc32c(0, key) % static_cast<std::uint32_t>(options_.partitions);
    return topic + "/" + std::to_string(hash);
}

const std::deque<Stored>& SimKafka::log(const std::string& partition) const {
    const auto found = logs_.find(partition);
    return found == logs_.end() ? kNothing : found->second;
}

std::size_t SimKafka::high_watermark(const std::string& partition) const {
    return log(partition).size();
}

std::size_t SimKafka::last_stable(const std::string& partition) const {
    std::size_t stable = log(partition).size();
    const auto found = producers_.find(partition);
    if (found != producers_.end()) {
        for (const auto& [id, state] : found->second) {
            stable = state.open_from ? std::min(stable, *state.open_from) : stable;
        }
    }
    return stable;
}

void SimKafka::move_coordinator(Us time) {
    say("fault: the transaction coordinator moves");
    coordinator_away_until_us_ = scheduler_.now_us() + time.count();
}

void SimKafka::expire(const std::string& id) {
    const auto found = coordinators_.find(id);
    if (found == coordinators_.end()) {
        return;
    }
    const State state = found->second.state;
    if (state == State::empty || state == State::complete_commit ||
        state == State::complete_abort) {
        say("fault: the transactional id expires");
        coordinators_.erase(found);
    }
}

void SimKafka::heal() {
    up_ = true;
    coordinator_away_until_us_ = 0;
    options_.marker_delay = Us(2'000);
}

bool SimKafka::settled() const {
    return std::none_of(coordinators_.begin(), coordinators_.end(), [](const auto& each) {
        return each.second.state == State::ongoing || each.second.state == State::prepare_commit ||
               each.second.state == State::prepare_abort;
    });
}

}  // namespace tributary::sim
