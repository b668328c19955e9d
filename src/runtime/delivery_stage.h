// DeliveryStage: the thread that puts one pipeline's entries into Kafka: recovers the checkpoint,
// holds it against the log, then takes blocks (from the ring or the log), decodes, encodes and
// produces them in transactions that carry their own checkpoint. Any doubt about a transaction ends
// in recover(): the checkpoint read back from Kafka says what happened (DESIGN 3). Where it begins
// is in delivery_start.cc, what it does with records that are refused in delivery_poison.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/arena.h"
#include "core/delivery/cut.h"
#include "core/delivery/dead_letter.h"
#include "core/delivery/ledger.h"
#include "core/retry.h"
#include "format/block.h"
#include "ports/clock.h"
#include "ports/decoder.h"
#include "ports/encoder.h"
#include "ports/event_log.h"
#include "ports/observer.h"
#include "ports/sink.h"
#include "ports/source.h"
#include "runtime/log_writer.h"
#include "runtime/pipeline_state.h"
#include "runtime/transaction_budget.h"

namespace tributary::runtime {

class DeliveryStage {
  public:
    struct Parts {
        std::string pipeline;        // name in logs, metrics and the log
        std::string checkpoint_key;  // "<agent>.<pipeline>"
        std::string agent_version;
        std::string dead_letter_topic;
        const Source& source;  // for reconcile() and describe()
        Sink& sink;
        Decoder& decoder;
        Encoder& encoder;
        EventLog& log;
        LogWriter& writer;
        PipelineShared& shared;
        TransactionBudget& budget;
        const Clock& clock;
        Observer& observer;
        core::CutLimits cut;
        core::PoisonPolicy poison;
        std::size_t dead_letter_bytes_max;
        std::uint32_t seed;  // of the jitter between tries
    };

    explicit DeliveryStage(Parts parts);

    // The thread's body: returns after PipelineShared::stop() or when parked.
    void run();

    // A stored dead letter to send again. Any thread.
    void replay(DeadLetter letter);

  private:
    static constexpr std::size_t kScratchBytes = 64U << 10U;

    [[nodiscard]] Result<void> recover();
    [[nodiscard]] Result<void> start(const std::optional<Checkpoint>& checkpoint);
    [[nodiscard]] bool same_history(const StreamInfo& stream, const Checkpoint& checkpoint);
    [[nodiscard]] Result<void> start_new_stream(const std::optional<Checkpoint>& checkpoint);
    void begin_at(const StreamInfo& stream, const std::optional<Checkpoint>& checkpoint);
    void start_intake(const StreamInfo& stream, const std::optional<Checkpoint>& checkpoint);
    [[nodiscard]] Result<void> deliver();
    [[nodiscard]] Result<void> begin();
    [[nodiscard]] Result<void> look_for_drops();
    [[nodiscard]] Result<void> pass_over_drop();
    [[nodiscard]] Result<BlockPtr> next_block(std::chrono::milliseconds wait);
    [[nodiscard]] Result<void> take(const BlockPtr& block);
    [[nodiscard]] Result<void> take_entry(const Entry& entry);
    [[nodiscard]] Result<void> know_schema(SchemaId id);
    [[nodiscard]] Result<void> produce(const Record& record);
    [[nodiscard]] Result<void> hand_over(const Record& record);
    [[nodiscard]] Result<void> hand_over_held();
    [[nodiscard]] Result<void> prepare(std::string_view topic);
    [[nodiscard]] Result<void> bury(const Record& record, std::string_view why);
    [[nodiscard]] Result<void> bury_entry(const Entry& entry, const Error& error);
    [[nodiscard]] Result<void> send_replays();
    void hold(std::size_t bytes);
    [[nodiscard]] bool due() const;
    [[nodiscard]] Result<void> commit();
    void delivered(std::uint64_t bytes);
    void drop_batch();
    [[nodiscard]] bool handle(const Error& error);  // false: parked or stopping
    [[nodiscard]] std::optional<Error> collect_poison();
    void refuse_replay(const DeadLetter& letter, std::string_view reason);
    void finish_replays();
    void requeue_replays();
    void set_connected(bool connected);
    void beat();

    Parts parts_;
    core::Ledger ledger_;
    core::Cut cut_;
    core::Backoff backoff_;
    std::minstd_rand random_;
    Arena arena_;                     // of the open transaction's records
    Arena scratch_{kScratchBytes};    // of the entry being decoded
    std::vector<Record> records_;     // of one entry, reused
    std::vector<BlockPtr> blocks_;    // of the open transaction: records may point into them
    std::deque<Record> held_;         // of the open transaction, not handed over yet
    std::size_t held_bytes_ = 0;      // of the open transaction, taken of the budget
    SteadyTime hold_until_;           // Sink::settle_time()
    bool started_ = false;            // the ledger knows the stream
    bool recovered_ = false;          // the sink may begin
    bool open_ = false;               // a transaction is open
    std::uint64_t gather_bytes_ = 0;  // Sink::gather_bytes()
    bool holds_ = false;         // its records are held until hold_until_ and for gather_bytes_
    bool only_durable_ = false;  // the log takes no more: deliver what it has, to make room
    StreamId stream_;
    Sequence dropped_before_;  // entries of stream_ before this are not delivered any more
    std::unordered_set<std::string> topics_;
    std::string last_topic_;
    core::PoisonReasons poison_;               // not delivered yet
    std::vector<DeadLetter> replays_;          // of the transaction that is open or in doubt
    std::set<std::uint64_t> refused_replays_;  // ids of those that stay dead
    std::mutex replay_mutex_;
    std::vector<DeadLetter> replay_queue_;
    SteadyTime next_cache_;
    std::int64_t newest_source_time_us_ = 0;
};

}  // namespace tributary::runtime
