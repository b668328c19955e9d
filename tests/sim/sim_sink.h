// SimSink: the Sink port over SimKafka. It follows the same rules as KafkaSink
// (connectors/kafka/producer_rules.h) and does what librdkafka does under it: it sends again what
// was not answered in time, without telling, counts what went over the wire, and keeps the sequence
// numbers of a producer from one transaction to the next.
// One thread (the agent's delivery fiber).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/kafka/producer_rules.h"
#include "ports/sink.h"
#include "tests/sim/sim_kafka.h"

namespace tributary::sim {

// What happens to a request, in a thousand.
struct KafkaWeather {
    std::uint64_t request_lost = 0;
    std::uint64_t reply_lost = 0;
    std::uint64_t late = 0;  // it arrives after its sender gave up
    std::int64_t latency_us = 500;
    std::int64_t late_us = 4'000'000;
    std::int64_t socket_timeout_us = 400'000;
};

struct SinkName {
    std::string transactional_id;
    std::string checkpoint_topic;
    std::string checkpoint_key;
};

class SimSink final : public Sink {
  public:
    SimSink(Scheduler& scheduler,
            SimKafka& kafka,
            const KafkaWeather& weather,
            Rng random,
            SinkName name,
            std::size_t records_per_batch);

    [[nodiscard]] Result<std::optional<Checkpoint>> recover(
        std::chrono::milliseconds budget) override;
    [[nodiscard]] Result<void> prepare_topic(std::string_view topic) override;
    [[nodiscard]] Result<void> begin() override;
    [[nodiscard]] Result<void> produce(const Record& record) override;
    // So that some transactions are gathered and others not.
    [[nodiscard]] std::uint64_t gather_bytes() const override { return 2'000; }
    [[nodiscard]] Result<CommitOutcome> commit(const Checkpoint& checkpoint) override;
    [[nodiscard]] std::vector<Poison> take_poison() override { return {}; }
    void close(std::chrono::milliseconds budget) override;
    [[nodiscard]] bool answers() const override { return true; }
    void interrupt() override { interrupted_ = true; }

    std::function<void(const std::string& text)> trace;

  private:
    // One rd_kafka_t.
    struct Producer {
        ProducerId id;
        std::map<std::string, std::int32_t> next_sequence;      // by partition
        std::set<std::string> added;                            // in the open transaction
        std::map<std::string, std::vector<KafkaRecord>> queue;  // by partition, not sent yet
        std::size_t queued = 0;
        kafka::WireCount count;
        bool trouble = false;
    };

    template <typename Reply>
    [[nodiscard]] std::optional<Reply> call(const char* name, std::function<Reply()> arrive);
    [[nodiscard]] Result<KafkaCode> retry(const char* name,
                                          std::int64_t deadline_us,
                                          const std::function<KafkaCode()>& arrive);
    [[nodiscard]] Result<void> fence(std::int64_t deadline_us);
    [[nodiscard]] Result<std::optional<Checkpoint>> read_checkpoint(std::int64_t deadline_us);
    [[nodiscard]] Result<void> send_queued(std::int64_t deadline_us);
    [[nodiscard]] Result<void> end_transaction(bool commit, std::int64_t deadline_us);
    void enqueue(const KafkaRecord& record);
    [[nodiscard]] Error failed(Error error);
    [[nodiscard]] Error refused(const char* name, KafkaCode code);

    Scheduler& scheduler_;
    SimKafka& kafka_;
    const KafkaWeather& weather_;
    Rng random_;
    const SinkName name_;
    const std::size_t records_per_batch_;
    kafka::Phase phase_ = kafka::Phase::none;
    std::unique_ptr<Producer> producer_;
    bool interrupted_ = false;
};

}  // namespace tributary::sim
