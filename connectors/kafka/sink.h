// KafkaSink: ports/sink.h over one librdkafka producer at a time, by the rules and through the
// phases of producer_rules.h.
//
// A producer goes from in_transaction back to ready only after a spotless commit (wire_watch.h);
// every other end leaves it doubtful, and recover() destroys it. initialising and initialised
// outlive a failed recover(): the next one goes on where that one stopped.
// Threads: ports/sink.h.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/kafka/client.h"
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/patience.h"
#include "connectors/kafka/producer_rules.h"
#include "connectors/kafka/properties.h"

namespace tributary::kafka {

class KafkaSink final : public Sink {
  public:
    KafkaSink(const Options& options,
              SinkIdentity identity,
              const Clock& clock,
              Observer& observer);
    ~KafkaSink() override;

    [[nodiscard]] Result<std::optional<Checkpoint>> recover(
        std::chrono::milliseconds budget) override;
    [[nodiscard]] Result<void> prepare_topic(std::string_view topic) override;
    [[nodiscard]] Result<void> begin() override;
    [[nodiscard]] Result<void> produce(const Record& record) override;
    [[nodiscard]] std::chrono::milliseconds settle_time() const override;
    [[nodiscard]] std::uint64_t gather_bytes() const override;
    [[nodiscard]] Result<CommitOutcome> commit(const Checkpoint& checkpoint) override;
    [[nodiscard]] std::vector<Poison> take_poison() override;
    void close(std::chrono::milliseconds budget) override;
    [[nodiscard]] bool answers() const override { return !silent_.load(); }
    void interrupt() override { interrupted_.store(true); }

  private:
    [[nodiscard]] bool transactional() const { return options_.delivery == Delivery::exactly_once; }
    [[nodiscard]] Result<void> make_client();
    [[nodiscard]] Result<void> initialise(Patience& patience);
    [[nodiscard]] Result<void> connect(Patience& patience);
    [[nodiscard]] Result<std::optional<Checkpoint>> newest_checkpoint(Patience& patience);
    [[nodiscard]] Result<rd_kafka_topic_t*> topic_of(std::string_view name);
    [[nodiscard]] Result<void> enqueue(rd_kafka_topic_t* topic,
                                       const Record& record,
                                       int flags,
                                       std::uint64_t tag);
    void await_full_batches();
    [[nodiscard]] Result<void> produce_checkpoint(const Checkpoint& checkpoint);
    [[nodiscard]] Result<void> commit_transaction();
    [[nodiscard]] Result<void> flush(std::string_view doing);
    [[nodiscard]] Error failed(Error error);
    [[nodiscard]] Error no_answer(const Error& error);
    void judge_refusals();
    [[nodiscard]] std::optional<Error> delivery_error();
    [[nodiscard]] std::optional<Error> lost_topic(const std::vector<std::string>& unknown) const;
    [[nodiscard]] Result<void> look_again();
    void begin_wait();
    void drop_client(std::chrono::milliseconds budget);

    const Options options_;
    const SinkIdentity identity_;
    const std::string checkpoint_topic_;
    const std::string transactional_id_;
    const Clock& clock_;
    Observer& observer_;

    Phase phase_ = Phase::none;
    std::atomic<bool> interrupted_{false};
    std::atomic<bool> silent_{false};
    std::unique_ptr<Client> client_;
    std::map<std::string, TopicHandle, std::less<>> topics_;       // of client_; prepared
    std::map<std::string, std::int32_t, std::less<>> partitions_;  // as first seen
    std::string_view last_topic_name_;                             // of the record before
    rd_kafka_topic_t* last_topic_ = nullptr;
    bool checkpoint_topic_checked_ = false;
    Batching batching_;
    std::vector<Poison> poison_;
    SteadyTime last_use_;
    SteadyTime next_look_;  // at the metadata, while a transaction does not get on
    SteadyTime heard_at_;   // when, in this wait, the brokers were last seen to have answered
    std::uint64_t answers_seen_ = 0;
    std::string degraded_;  // what the look before said (TopicsLook); logged when it changes
    std::int64_t timestamp_ms_ = 0;
    std::uint32_t records_until_tick_ = 0;
    std::uint64_t transaction_bytes_ = 0;    // keys and values handed over since begin()
    std::uint64_t acknowledged_before_ = 0;  // records, at begin()
};

}  // namespace tributary::kafka
