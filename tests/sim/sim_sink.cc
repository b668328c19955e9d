// The producer; see the header.
#include "tests/sim/sim_sink.h"

#include <algorithm>
#include <utility>

#include "format/checkpoint.h"
#include "model/errors.h"

namespace tributary::sim {
namespace {

using kafka::CommitStep;
using kafka::Phase;
using kafka::RecoverStep;

constexpr std::int64_t kTransactionBudgetUs = 62'000'000;  // the time-out and a margin
constexpr std::int64_t kPingBudgetUs = 1'000'000;

Error unreachable(const char* name) {
    return {errors::kKafkaUnreachable, std::string(name) + ": no answer"};
}

}  // namespace

SimSink::SimSink(Scheduler& scheduler,
                 SimKafka& kafka,
                 const KafkaWeather& weather,
                 Rng random,
                 SinkName name,
                 std::size_t records_per_batch)
    : scheduler_(scheduler),
      kafka_(kafka),
      weather_(weather),
      random_(random),
      name_(std::move(name)),
      records_per_batch_(records_per_batch) {}

// One request over the network; nullopt: no answer in time, and nobody knows whether it arrives.
template <typename Reply>
std::optional<Reply> SimSink::call(const char* name, std::function<Reply()> arrive) {
    const auto answer = std::make_shared<std::optional<Reply>>();
    const bool lost = random_.chance(weather_.request_lost);
    const bool late = !lost && random_.chance(weather_.late);
    const bool mute = random_.chance(weather_.reply_lost);
    const Us there(late ? weather_.socket_timeout_us + random_.between(0, weather_.late_us)
                        : random_.between(50, weather_.latency_us));
    const Us back(random_.between(50, weather_.latency_us));
    if (trace && (lost || late || mute)) {
        trace(std::string("  network: ") + name +
              (lost   ? " is lost"
               : late ? " is held for " + std::to_string(there.count() / 1000) + " ms"
                      : " is not answered"));
    }
    if (!lost) {
        scheduler_.at(there,
                      [this_scheduler = &scheduler_,
                       broker = &kafka_,
                       answer,
                       arrive,
                       back,
                       mute,
                       say = late ? trace : nullptr,
                       text = std::string(name)] {
                          if (!broker->up()) {
                              return;
                          }
                          if (say) {
                              say("  network: the late " + text + " arrives");
                          }
                          Reply reply = arrive();
                          if (!mute) {
                              this_scheduler->at(back, [answer, reply] { *answer = reply; });
                          }
                      });
    }
    if (!kafka_.up()) {
        scheduler_.sleep(Us(random_.between(1000, 50'000)));  // refused at once
    } else {
        static_cast<void>(scheduler_.wait_for(Us(weather_.socket_timeout_us),
                                              [&] { return answer->has_value(); }));
    }
    if (!answer->has_value()) {
        ++producer_->count.errors;
        producer_->trouble = true;
    }
    return *answer;
}

// Sends until there is an answer that is not "later".
Result<KafkaCode> SimSink::retry(const char* name,
                                 std::int64_t deadline_us,
                                 const std::function<KafkaCode()>& arrive) {
    for (;;) {
        const auto code = call<KafkaCode>(name, arrive);
        const bool again = !code || *code == KafkaCode::not_coordinator ||
                           *code == KafkaCode::concurrent_transactions;
        if (!again) {
            return *code;
        }
        if (interrupted_ || scheduler_.now_us() >= deadline_us) {
            return unreachable(name);
        }
        scheduler_.sleep(Us(random_.between(5'000, 100'000)));
    }
}

Error SimSink::failed(Error error) {
    phase_ = kafka::after_failure(phase_, error);
    return error;
}

Error SimSink::refused(const char* name, KafkaCode code) {
    return {errors::kKafkaTransaction, std::string(name) + ": " + to_text(code)};
}

Result<std::optional<Checkpoint>> SimSink::recover(std::chrono::milliseconds budget) {
    const std::int64_t deadline = scheduler_.now_us() + Us(budget).count();
    if (phase_ != Phase::initialising && phase_ != Phase::initialised) {
        producer_.reset();
        phase_ = Phase::none;
    }
    if (phase_ == Phase::none) {
        producer_ = std::make_unique<Producer>();
        phase_ = Phase::initialising;
    }
    std::optional<Checkpoint> checkpoint;
    for (const RecoverStep step : kafka::recover_steps()) {
        switch (step) {
            case RecoverStep::fence: {
                auto fenced = fence(deadline);
                if (!fenced) {
                    return failed(fenced.error());
                }
                break;
            }
            case RecoverStep::read_checkpoint: {
                auto read = read_checkpoint(deadline);
                if (!read) {
                    return failed(read.error());
                }
                checkpoint = std::move(read.value());
                break;
            }
        }
    }
    producer_->count = {};
    producer_->trouble = false;
    phase_ = Phase::ready;
    return checkpoint;
}

Result<void> SimSink::fence(std::int64_t deadline_us) {
    if (phase_ == Phase::initialised) {
        return success();
    }
    for (;;) {
        using Reply = std::pair<KafkaCode, ProducerId>;
        const auto reply =
            call<Reply>("InitProducerId", [broker = &kafka_, id = name_.transactional_id] {
                return broker->init_producer_id(id);
            });
        if (reply && reply->first == KafkaCode::none) {
            producer_->id = reply->second;
            phase_ = Phase::initialised;
            if (trace) {
                trace("  sink: producer " + std::to_string(producer_->id.id) + "/" +
                      std::to_string(producer_->id.epoch));
            }
            return success();
        }
        if (interrupted_ || scheduler_.now_us() >= deadline_us) {
            return unreachable("init_transactions");
        }
        scheduler_.sleep(Us(random_.between(20'000, 500'000)));
    }
}

// To the high watermark, which is where everything that was decided ends; as far as a committed
// reader gets is not enough.
Result<std::optional<Checkpoint>> SimSink::read_checkpoint(std::int64_t deadline_us) {
    const std::string partition = kafka_.partition_of(name_.checkpoint_topic, "");
    std::optional<std::size_t> high;
    while (!high) {
        high = call<std::size_t>("ListOffsets", [broker = &kafka_, partition] {
            return broker->high_watermark(partition);
        });
        if (!high && (interrupted_ || scheduler_.now_us() >= deadline_us)) {
            return unreachable("high watermark");
        }
    }
    for (;;) {
        const auto stable = call<std::size_t>(
            "Fetch", [broker = &kafka_, partition] { return broker->last_stable(partition); });
        if (stable && *stable >= *high) {
            break;
        }
        if (interrupted_ || scheduler_.now_us() >= deadline_us) {
            return Error(errors::kTransactionStuck,
                         "the checkpoint topic is held by an undecided "
                         "transaction");
        }
        scheduler_.sleep(Us(random_.between(2'000, 50'000)));
    }
    const auto& log = kafka_.log(partition);
    for (std::size_t offset = *high; offset > 0; --offset) {
        const Stored& stored = log[offset - 1];
        if (!stored.marker && stored.committed && stored.record.key == name_.checkpoint_key) {
            TRIBUTARY_TRY(checkpoint, format::unpack_checkpoint(*stored.record.value));
            return std::optional<Checkpoint>(std::move(checkpoint));
        }
    }
    return std::optional<Checkpoint>();
}

Result<void> SimSink::prepare_topic(std::string_view /*topic*/) {
    if (!producer_ || phase_ == Phase::doubtful) {
        return Error(errors::kKafkaUnreachable, "not connected");
    }
    return success();
}

Result<void> SimSink::begin() {
    if (phase_ != Phase::ready) {
        return Error(errors::kKafkaUnreachable, "begin: not connected");
    }
    if (producer_->trouble) {
        const std::int64_t deadline = scheduler_.now_us() + kPingBudgetUs;
        for (;;) {
            const std::uint64_t errors_before = producer_->count.errors;
            const auto answer = call<bool>("Metadata", [] { return true; });
            producer_->count.errors = errors_before;
            if (answer) {
                break;
            }
            if (interrupted_ || scheduler_.now_us() >= deadline) {
                return failed(unreachable("begin"));
            }
        }
        producer_->trouble = false;
    }
    producer_->added.clear();
    phase_ = Phase::in_transaction;
    return success();
}

void SimSink::enqueue(const KafkaRecord& record) {
    producer_->queue[kafka_.partition_of(record.topic, record.key)].push_back(record);
    ++producer_->queued;
}

Result<void> SimSink::produce(const Record& record) {
    if (phase_ != Phase::in_transaction) {
        return Error(errors::kKafkaTransaction, "produce: no transaction is open");
    }
    KafkaRecord copy;
    copy.topic = record.topic;
    copy.key = record.key.value_or("");
    if (record.value) {
        copy.value.emplace(*record.value);
    }
    copy.identity = record.identity;
    enqueue(copy);
    if (producer_->queued >= records_per_batch_) {
        auto sent = send_queued(scheduler_.now_us() + kTransactionBudgetUs);
        if (!sent) {
            return failed(sent.error());
        }
    }
    return success();
}

Result<void> SimSink::send_queued(std::int64_t deadline_us) {
    const std::string& id = name_.transactional_id;
    auto queue = std::exchange(producer_->queue, {});
    producer_->queued = 0;
    for (auto& each : queue) {
        const std::string& partition = each.first;
        const std::vector<KafkaRecord>& records = each.second;
        if (!producer_->added.contains(partition)) {
            TRIBUTARY_TRY(added,
                          retry("AddPartitionsToTxn",
                                deadline_us,
                                [broker = &kafka_, id, producer = producer_->id, to = partition] {
                                    return broker->add_partition(id, producer, to);
                                }));
            if (added != KafkaCode::none) {
                return refused("AddPartitionsToTxn", added);
            }
            producer_->added.insert(partition);
        }
        std::int32_t& next = producer_->next_sequence[partition];
        const auto count = static_cast<std::int32_t>(records.size());
        TRIBUTARY_TRY(
            produced,
            retry("Produce",
                  deadline_us,
                  [broker = &kafka_, id, producer = producer_->id, to = partition, next, records] {
                      return broker->produce(id, producer, to, next, records);
                  }));
        if (produced != KafkaCode::none) {
            return refused("Produce", produced);
        }
        next += count;
    }
    return success();
}

Result<void> SimSink::end_transaction(bool commit, std::int64_t deadline_us) {
    if (producer_->added.empty()) {
        return success();
    }
    for (;;) {
        ++producer_->count.end_txn_sent;
        const auto code = call<KafkaCode>(
            "EndTxn",
            [broker = &kafka_, id = name_.transactional_id, producer = producer_->id, commit] {
                return broker->end_txn(id, producer, commit);
            });
        if (code && *code == KafkaCode::none) {
            producer_->added.clear();
            return success();
        }
        const bool again = !code || *code == KafkaCode::not_coordinator ||
                           *code == KafkaCode::concurrent_transactions;
        if (!again) {
            return refused("EndTxn", *code);
        }
        if (interrupted_ || scheduler_.now_us() >= deadline_us) {
            return unreachable("EndTxn");
        }
        scheduler_.sleep(Us(random_.between(5'000, 100'000)));
    }
}

Result<CommitOutcome> SimSink::commit(const Checkpoint& checkpoint) {
    if (phase_ != Phase::in_transaction) {
        return Error(errors::kKafkaTransaction, "commit: no transaction is open");
    }
    const std::int64_t deadline = scheduler_.now_us() + kTransactionBudgetUs;
    const KafkaRecord record{.topic = name_.checkpoint_topic,
                             .key = name_.checkpoint_key,
                             .value = format::pack_checkpoint(checkpoint),
                             .identity = {}};
    Result<void> result = success();
    bool ended = false;
    for (const CommitStep step : kafka::commit_steps(true)) {
        switch (step) {
            case CommitStep::flush:
                result = send_queued(deadline);
                break;
            case CommitStep::checkpoint:
                enqueue(record);
                if (ended) {  // outside: in a transaction of its own
                    result = send_queued(deadline);
                    if (result) {
                        result = end_transaction(true, deadline);
                    }
                }
                break;
            case CommitStep::end_transaction:
                result = send_queued(deadline);
                if (result) {
                    result = end_transaction(true, deadline);
                }
                ended = true;
                break;
        }
        if (!result) {
            return failed(result.error());
        }
    }
    phase_ = kafka::after_commit(producer_->count, true);
    if (phase_ == Phase::doubtful) {
        return CommitOutcome::committed;
    }
    producer_->count = {};
    return CommitOutcome::spotless;
}

void SimSink::close(std::chrono::milliseconds budget) {
    if (phase_ == Phase::in_transaction && producer_ && !producer_->trouble) {
        static_cast<void>(end_transaction(false, scheduler_.now_us() + Us(budget).count() / 2));
    }
    producer_.reset();
    phase_ = Phase::none;
}

}  // namespace tributary::sim
