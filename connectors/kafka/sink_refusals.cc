// KafkaSink, records that did not arrive: which of them brokers refuse, and what else says why.
#include <algorithm>
#include <utility>

#include "connectors/kafka/admin.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/sink.h"
#include "model/errors.h"

namespace tributary::kafka {

namespace {

// A transaction that does not get on for this long may be waiting for a topic that is gone, which
// librdkafka would do until the transaction's time is up.
constexpr std::chrono::seconds kLookInterval{2};
constexpr int kLookLimitMs = 1000;
// Without an answer of any kind, to what waits or to a look. A slow uplink that is busy with a full
// request answers every few seconds.
constexpr std::chrono::seconds kSilenceMax{10};
constexpr std::uint32_t kBatchBytesMin = 1024;

std::string advice(const FailedRecord& record, bool size) {
    if (size) {
        return ": raise max.message.bytes on the topic, or message.max.bytes on the brokers";
    }
    return record.keyed ? ": compare it with the topic's settings"
                        : ": it has no key, and a topic with cleanup.policy=compact takes none "
                          "without: tables.key_columns, or cleanup.policy=delete on the topic";
}

}  // namespace

// A broker refuses a whole batch, so a refused record is poison only when it was alone in its
// batch: always in the one-record mode, and whenever it is larger than a batch may grow. Otherwise
// the next producer cuts smaller, until it is.
void KafkaSink::judge_refusals() {
    client_->serve(std::chrono::milliseconds(0));
    bool too_large = false;
    bool invalid = false;
    for (const FailedRecord& record : client_->failed()) {
        if (!refuses_record(record.code) || record.tag == 0) {
            continue;
        }
        const bool size = record.code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
                          record.code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
        const bool alone =
            batching_.one_record_per_batch || (size && record.bytes >= batching_.batch_bytes);
        if (alone) {
            poison_.push_back(
                {.sequence = Sequence(record.tag >> 16U),
                 .sub_index = static_cast<std::uint16_t>(record.tag & 0xFFFFU),
                 .reason = "topic " + record.topic + ": " + rd_kafka_err2str(record.code) + " (" +
                           rd_kafka_err2name(record.code) + ")" + advice(record, size)});
            observer_.log(LogLevel::error,
                          identity_.pipeline,
                          "the broker refuses a record",
                          {{.name = "sequence", .value = std::to_string(record.tag >> 16U)},
                           {.name = "reason", .value = poison_.back().reason}});
        }
        too_large |= size && !alone;
        invalid |= !size && !alone;
    }
    if (!poison_.empty()) {
        batching_.one_record_per_batch = false;
        return;
    }
    if (too_large) {
        batching_.batch_bytes = std::max(batching_.batch_bytes / 2, kBatchBytesMin);
    }
    batching_.one_record_per_batch =
        invalid || (too_large && batching_.batch_bytes == kBatchBytesMin);
}

// Why records failed, when one reason explains it better than the commit's own error.
// A record that only timed out may have waited for a topic that is gone.
std::optional<Error> KafkaSink::delivery_error() {
    bool timed_out = false;
    for (const FailedRecord& record : client_->failed()) {
        const Error error = to_error(record.code, "", "topic " + record.topic);
        if (error.is(errors::kTopicMissing) || error.is(errors::kKafkaDenied)) {
            return error;
        }
        if (refuses_record(record.code)) {
            return Error(errors::kKafkaTransaction, error.what());
        }
        if (error.is(errors::kKafkaClock)) {
            return error;
        }
        timed_out |= record.code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    }
    if (!timed_out) {
        return std::nullopt;
    }
    const TopicsLook look = look_at_topics(*client_, kLookLimitMs);
    if (auto lost = lost_topic(look.unknown)) {
        return lost;
    }
    return look.degraded.empty()
               ? std::nullopt
               : std::optional(Error(errors::kKafkaTransaction,
                                     "records were not taken in time: " + look.degraded));
}

// The first prepared topic that the brokers say they do not have.
std::optional<Error> KafkaSink::lost_topic(const std::vector<std::string>& unknown) const {
    for (const std::string& name : unknown) {
        if (topics_.find(name) != topics_.end()) {
            return Error(errors::kTopicMissing, "topic " + name + " does not exist any more");
        }
    }
    return std::nullopt;
}

// Between two waits for a transaction: fails when it waits for a topic that is gone.
Result<void> KafkaSink::look_again() {
    const SteadyTime now = clock_.now();
    if (const std::uint64_t answers = client_->watch().answers(); answers != answers_seen_) {
        answers_seen_ = answers;
        heard_at_ = now;
    }
    silent_.store(now - heard_at_ >= kSilenceMax);
    if (now < next_look_) {
        return success();
    }
    TopicsLook look = look_at_topics(*client_, kLookLimitMs);
    const auto lost = lost_topic(look.unknown);
    if (!look.degraded.empty() && look.degraded != degraded_) {
        observer_.log(LogLevel::warn,
                      identity_.pipeline,
                      "Kafka has not acknowledged for two seconds: " + look.degraded);
    }
    degraded_ = std::move(look.degraded);
    next_look_ = clock_.now() + kLookInterval;
    return lost ? Result<void>(*lost) : success();
}

void KafkaSink::begin_wait() {
    heard_at_ = clock_.now();
    answers_seen_ = client_->watch().answers();
    next_look_ = heard_at_ + kLookInterval;
}

std::vector<Poison> KafkaSink::take_poison() {
    return std::exchange(poison_, {});
}

}  // namespace tributary::kafka
