#include "connectors/kafka/sink.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "connectors/kafka/admin.h"
#include "connectors/kafka/checkpoint_reader.h"
#include "connectors/kafka/errors.h"
#include "format/checkpoint.h"
#include "model/errors.h"

namespace tributary::kafka {

namespace {

constexpr std::chrono::milliseconds kTopicBudget{15000};
constexpr std::chrono::milliseconds kPingBudget{2000};
// A connection unused for longer is tried before a transaction is begun on it.
constexpr std::chrono::seconds kIdleBeforePing{10};
// Beyond the transaction's own life an answer can only say that it is lost.
constexpr std::chrono::milliseconds kCommitMargin{30000};
// Of one call. Each begins with a round trip through librdkafka's main thread; when that alone
// takes longer, librdkafka 2.0.2 forgets which call it is in, and ends the process when EndTxn is
// answered then (rdkafka_txnmgr.c, rd_kafka_txn_endtxn_complete). So not in the short slices of
// Patience.
constexpr int kCommitSliceMs = 500;
// How long a commit waits for full batches before its flush, in turns; and after how many turns
// without a request under way it takes them for answered.
constexpr std::chrono::milliseconds kFullBatchesLimit{500};
constexpr std::chrono::milliseconds kFullBatchesTurn{2};
constexpr int kQuietTurns = 2;
// The coordinator writes a transaction's markers after it answered EndTxn, and until they are there
// answers the next transaction's AddPartitionsToTxn with CONCURRENT_TRANSACTIONS (KIP-98);
// librdkafka 2.0.2 asks again only 20 ms later, and sends no record before.
constexpr std::chrono::milliseconds kMarkerTime{10};
// librdkafka registers partitions with the transaction a millisecond after the first record of one,
// during which its main thread polls (rdkafka.c, rd_kafka_thread_main), and for each such moment
// anew. Nothing of a transaction that is smaller than a batch is sent before its flush anyway: so
// its records go with its checkpoint, and all its partitions in one request.
constexpr std::uint64_t kGatherBytes = 256U << 10U;
// Records between two looks at the clock and at the callbacks that are due.
constexpr std::uint32_t kRecordsPerTick = 256;
constexpr const char* kIdentityHeader = "tributary";

std::uint64_t tag_of(const Record& record) {
    return (record.sequence.value() << 16U) | record.sub_index;
}

// librdkafka tells a null value from an empty one by the pointer.
void* pointer_of(const std::optional<std::string_view>& bytes) {
    if (!bytes) {
        return nullptr;
    }
    static char empty = 0;
    return bytes->data() == nullptr ? &empty : const_cast<char*>(bytes->data());
}

std::size_t size_of(const std::optional<std::string_view>& bytes) {
    return bytes ? bytes->size() : 0;
}

std::string name_of(const Record& record) {
    return "topic " + std::string(record.topic) + ", sequence " +
           std::to_string(record.sequence.value()) + "." + std::to_string(record.sub_index);
}

struct HandOver {
    int flags = 0;
    std::int64_t timestamp_ms = 0;
    std::uint64_t tag = 0;
};

// The packed identity first, then what the encoder adds.
HeadersHandle headers_of(const Record& record) {
    HeadersHandle headers(rd_kafka_headers_new(1 + record.headers.size()));
    if (!record.identity.empty()) {
        rd_kafka_header_add(headers.get(),
                            kIdentityHeader,
                            -1,
                            record.identity.data(),
                            static_cast<ssize_t>(record.identity.size()));
    }
    for (const auto& header : record.headers) {
        rd_kafka_header_add(headers.get(),
                            header.name.data(),
                            static_cast<ssize_t>(header.name.size()),
                            header.value.data(),
                            static_cast<ssize_t>(header.value.size()));
    }
    return headers;
}

// Takes `headers` when it succeeds. The macros RD_KAFKA_V_.. are C casts; these are the same
// arguments, each with the exact type that rdkafka.h names for its tag.
rd_kafka_resp_err_t hand_over(rd_kafka_t* client,
                              rd_kafka_topic_t* topic,
                              const Record& record,
                              HeadersHandle& headers,
                              const HandOver& how) {
    const auto code = rd_kafka_producev(client,
                                        RD_KAFKA_VTYPE_RKT,
                                        topic,
                                        RD_KAFKA_VTYPE_MSGFLAGS,
                                        how.flags,
                                        RD_KAFKA_VTYPE_KEY,
                                        pointer_of(record.key),
                                        size_of(record.key),
                                        RD_KAFKA_VTYPE_VALUE,
                                        pointer_of(record.value),
                                        size_of(record.value),
                                        RD_KAFKA_VTYPE_TIMESTAMP,
                                        how.timestamp_ms,
                                        RD_KAFKA_VTYPE_HEADERS,
                                        headers.get(),
                                        RD_KAFKA_VTYPE_OPAQUE,
                                        // A number that librdkafka hands back; never followed.
                                        // NOLINTNEXTLINE(performance-no-int-to-ptr)
                                        reinterpret_cast<void*>(how.tag),
                                        RD_KAFKA_VTYPE_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        static_cast<void>(headers.release());
    }
    return code;
}

}  // namespace

KafkaSink::KafkaSink(const Options& options,
                     SinkIdentity identity,
                     const Clock& clock,
                     Observer& observer)
    : options_(options),
      identity_(std::move(identity)),
      checkpoint_topic_(kafka::checkpoint_topic(identity_)),
      transactional_id_(kafka::transactional_id(identity_)),
      clock_(clock),
      observer_(observer) {
    batching_.batch_bytes = batch_bytes_of(options_);
}

KafkaSink::~KafkaSink() {
    drop_client(Client::kEndLimit);
}

Result<std::optional<Checkpoint>> KafkaSink::recover(std::chrono::milliseconds budget) {
    Patience patience(clock_, interrupted_, budget);
    if (phase_ != Phase::initialising && phase_ != Phase::initialised) {
        drop_client(Client::kEndLimit);
    }
    if (phase_ == Phase::none) {
        TRIBUTARY_TRY_VOID(make_client());
        phase_ = Phase::initialising;
    }
    client_->clear_lasting_error();
    std::optional<Checkpoint> checkpoint;
    for (const RecoverStep step : recover_steps()) {
        switch (step) {
            case RecoverStep::fence: {
                auto fenced = initialise(patience);
                if (fenced.has_error()) {
                    return failed(fenced.error());
                }
                break;
            }
            case RecoverStep::read_checkpoint: {
                auto read = newest_checkpoint(patience);
                if (read.has_error()) {
                    return failed(read.error());
                }
                checkpoint = std::move(read.value());
                break;
            }
        }
    }
    client_->clear_errors();
    client_->watch().mark();
    client_->watch().clear_trouble();
    last_use_ = clock_.now();
    silent_.store(false);
    phase_ = Phase::ready;
    return checkpoint;
}

Result<std::optional<Checkpoint>> KafkaSink::newest_checkpoint(Patience& patience) {
    if (!checkpoint_topic_checked_) {
        TRIBUTARY_TRY_VOID(ensure_checkpoint_topic(
            *client_, checkpoint_topic_, options_.checkpoint_replication, true, patience));
        checkpoint_topic_checked_ = true;
    }
    auto checkpoint = read_checkpoint(
        *client_,
        options_,
        {.topic = checkpoint_topic_, .key = identity_.pipeline, .pipeline = identity_.pipeline},
        observer_,
        patience);
    if (checkpoint.has_error()) {  // of a topic that is gone, librdkafka only says: no answer
        checkpoint_topic_checked_ = false;
    }
    return checkpoint;
}

Result<void> KafkaSink::make_client() {
    TRIBUTARY_TRY_VOID(check_options(options_, identity_));
    TRIBUTARY_TRY(conf, producer_conf(options_, transactional_id_, batching_));
    TRIBUTARY_TRY(client,
                  Client::make(RD_KAFKA_PRODUCER, std::move(conf), identity_.pipeline, observer_));
    client_ = std::move(client);
    return success();
}

// Nothing to do when a recover() before this one came as far.
Result<void> KafkaSink::initialise(Patience& patience) {
    if (phase_ == Phase::initialised) {
        return success();
    }
    TRIBUTARY_TRY_VOID(connect(patience));
    phase_ = Phase::initialised;
    return success();
}

Result<void> KafkaSink::connect(Patience& patience) {
    constexpr std::string_view kDoing = "connect to Kafka";
    if (!transactional()) {
        TRIBUTARY_TRY(brokers, await_brokers(*client_, patience));
        static_cast<void>(brokers);
        return success();
    }
    while (true) {
        const ErrorHandle error(rd_kafka_init_transactions(client_->get(), patience.slice_ms()));
        if (!error) {
            return success();
        }
        const Error named = to_error(*error, "init_transactions " + transactional_id_);
        if (rd_kafka_error_is_retriable(error.get()) == 0 || needs_a_person(named)) {
            return named;
        }
        if (const auto waited = patience.go_on(*client_, kDoing); !waited) {
            return patience.spent() ? no_answer(waited.error()) : waited.error();
        }
        if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__TIMED_OUT) {
            client_->serve(std::chrono::milliseconds(patience.slice_ms()));
        }
    }
}

// Brokers that answer, but not the transactional id, are no dead uplink.
Error KafkaSink::no_answer(const Error& error) {
    constexpr std::chrono::milliseconds kMoment{1000};
    if (!error.is(errors::kKafkaUnreachable)) {
        return error;
    }
    Patience moment(clock_, interrupted_, kMoment);
    return await_brokers(*client_, moment)
               ? without_coordinator(transactional_id_, client_->last_error())
               : error;
}

Error KafkaSink::failed(Error error) {
    phase_ = after_failure(phase_, error);
    return error;
}

Result<void> KafkaSink::prepare_topic(std::string_view topic) {
    if (topics_.find(topic) != topics_.end()) {
        return success();
    }
    if (!client_ || phase_ == Phase::doubtful) {
        return Error(errors::kKafkaUnreachable, "topic " + std::string(topic) + ": not connected");
    }
    Patience patience(clock_, interrupted_, kTopicBudget);
    const std::string name(topic);
    TRIBUTARY_TRY(found, find_topic(*client_, name, patience));
    if (!found && !options_.topics.create) {
        return Error(errors::kTopicMissing,
                     "topic " + name + " does not exist and kafka.topics.create is false");
    }
    std::int32_t partitions = found ? found->partitions : 0;
    if (!found && partitions_.contains(topic)) {
        observer_.log(LogLevel::warn,
                      identity_.pipeline,
                      "a topic that was there is gone, with all that it held: creating it again",
                      {{.name = "topic", .value = name}});
    }
    if (!found) {
        TRIBUTARY_TRY(created,
                      create_topic(*client_,
                                   {.name = name,
                                    .partitions = options_.topics.partitions,
                                    .replication = options_.topics.replication,
                                    .settings = options_.topics.config},
                                   patience));
        partitions = created.partitions;
    }
    const auto [seen, fresh] = partitions_.emplace(name, partitions);
    if (!fresh && seen->second != partitions) {
        observer_.log(
            LogLevel::warn,
            identity_.pipeline,
            "the number of partitions changed: keys move to other partitions from here on",
            {{.name = "topic", .value = name}});
        seen->second = partitions;
    }
    topics_.emplace(name, TopicHandle(rd_kafka_topic_new(client_->get(), name.c_str(), nullptr)));
    return success();
}

Result<void> KafkaSink::begin() {
    if (phase_ != Phase::ready) {
        return Error(errors::kKafkaUnreachable, "begin: not connected");
    }
    client_->serve(std::chrono::milliseconds(0));
    if (client_->watch().trouble() || clock_.now() - last_use_ >= kIdleBeforePing) {
        client_->watch().clear_trouble();
        Patience patience(clock_, interrupted_, kPingBudget);
        const auto brokers = await_brokers(*client_, patience);
        if (brokers.has_error()) {
            client_->watch().note_trouble();
            return failed(brokers.error());
        }
    }
    if (transactional()) {
        const ErrorHandle error(rd_kafka_begin_transaction(client_->get()));
        if (error) {
            return failed(to_error(*error, "begin_transaction"));
        }
    }
    records_until_tick_ = 0;
    transaction_bytes_ = 0;
    acknowledged_before_ = client_->acknowledged_count();
    phase_ = Phase::in_transaction;
    return success();
}

// The handle of a topic; most records go where the one before went.
Result<rd_kafka_topic_t*> KafkaSink::topic_of(std::string_view name) {
    if (last_topic_ != nullptr && name == last_topic_name_) {
        return last_topic_;
    }
    auto found = topics_.find(name);
    if (found == topics_.end()) {
        TRIBUTARY_TRY_VOID(prepare_topic(name));
        found = topics_.find(name);
    }
    last_topic_name_ = found->first;
    last_topic_ = found->second.get();
    return last_topic_;
}

std::chrono::milliseconds KafkaSink::settle_time() const {
    return transactional() ? kMarkerTime : std::chrono::milliseconds(0);
}

std::uint64_t KafkaSink::gather_bytes() const {
    return transactional() ? kGatherBytes : 0;
}

Result<void> KafkaSink::produce(const Record& record) {
    if (phase_ != Phase::in_transaction) {
        return Error(errors::kKafkaTransaction, "produce: no transaction is open");
    }
    auto topic = topic_of(record.topic);
    if (topic.has_error()) {
        return failed(topic.error());
    }
    return enqueue(topic.value(), record, 0, tag_of(record));
}

Result<void> KafkaSink::enqueue(rd_kafka_topic_t* topic,
                                const Record& record,
                                int flags,
                                std::uint64_t tag) {
    if (records_until_tick_ == 0) {
        records_until_tick_ = kRecordsPerTick;
        timestamp_ms_ = clock_.wall_time_us() / 1000;
        client_->serve(std::chrono::milliseconds(0));
    }
    --records_until_tick_;
    HeadersHandle headers = headers_of(record);
    std::optional<Patience> patience;
    while (true) {
        const auto code = hand_over(client_->get(),
                                    topic,
                                    record,
                                    headers,
                                    {.flags = flags, .timestamp_ms = timestamp_ms_, .tag = tag});
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            transaction_bytes_ += size_of(record.key) + size_of(record.value);
            return success();
        }
        if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
            return Error(errors::kPoisonRecord,
                         name_of(record) + ": " +
                             std::to_string(size_of(record.key) + size_of(record.value)) +
                             " bytes are more than this agent's own limit, "
                             "kafka.properties: message.max.bytes (1000000 unless "
                             "given): raise it there, and on topic and brokers");
        }
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return failed(to_error(code, "", "produce to " + name_of(record)));
        }
        if (!patience) {
            patience.emplace(
                clock_, interrupted_, std::chrono::milliseconds(options_.transaction_timeout_ms));
            begin_wait();
        }
        auto waited = patience->go_on(*client_, "produce: waiting for room");
        if (waited.has_value()) {
            waited = look_again();
        }
        if (waited.has_error()) {
            return failed(waited.error());
        }
        client_->serve(std::chrono::milliseconds(10));
    }
}

// A flush makes everything queued due at once, and while librdkafka 2.0.2 holds records of a
// partition back behind a batch under way, its broker thread then polls without sleeping
// (docs/performance.md). Full batches go out before any flush; once they are answered, each
// partition's rest is one request. Only saves CPU, so it ends with any trouble.
void KafkaSink::await_full_batches() {
    if (transaction_bytes_ < batching_.batch_bytes) {
        return;
    }
    std::uint64_t partitions = 0;
    for (const auto& [topic, count] : partitions_) {
        partitions += static_cast<std::uint64_t>(count);
    }
    // More than fits below the mark in every partition: some batch is full, even when its partition
    // still waits to be registered in the transaction.
    const bool some_full = transaction_bytes_ >= partitions * batching_.batch_bytes;
    const auto deadline = clock_.now() + kFullBatchesLimit;
    for (int quiet = 0; quiet < kQuietTurns && clock_.now() < deadline;) {
        if (client_->watch().trouble() || rd_kafka_outq_len(client_->get()) == 0) {
            return;
        }
        client_->serve(kFullBatchesTurn);
        const bool under_way = client_->watch().produces_under_way() > 0 ||
                               (some_full && client_->acknowledged_count() == acknowledged_before_);
        quiet = under_way ? 0 : quiet + 1;
    }
}

Result<void> KafkaSink::produce_checkpoint(const Checkpoint& checkpoint) {
    const std::string value = format::pack_checkpoint(checkpoint);
    auto found = topics_.find(checkpoint_topic_);
    if (found == topics_.end()) {
        found = topics_
                    .emplace(checkpoint_topic_,
                             TopicHandle(rd_kafka_topic_new(
                                 client_->get(), checkpoint_topic_.c_str(), nullptr)))
                    .first;
    }
    const Record record{.topic = checkpoint_topic_,
                        .key = identity_.pipeline,
                        .value = value,
                        .identity = {},
                        .headers = {},
                        .sequence = {},
                        .sub_index = 0};
    return enqueue(found->second.get(), record, RD_KAFKA_MSG_F_COPY, 0);
}

Result<CommitOutcome> KafkaSink::commit(const Checkpoint& checkpoint) {
    if (phase_ != Phase::in_transaction) {
        return Error(errors::kKafkaTransaction, "commit: no transaction is open");
    }
    await_full_batches();
    Result<void> result = success();
    for (const CommitStep step : commit_steps(transactional())) {
        switch (step) {
            case CommitStep::flush:
                result = flush("flush");
                break;
            case CommitStep::checkpoint:
                result = produce_checkpoint(checkpoint);
                break;
            case CommitStep::end_transaction:
                result = commit_transaction();
                break;
        }
        if (result.has_error()) {
            break;
        }
    }
    if (result.has_error()) {
        judge_refusals();
        const auto cause = delivery_error();
        return failed(cause ? *cause : result.error());
    }
    last_use_ = clock_.now();
    silent_.store(false);
    phase_ = after_commit(client_->watch().since_mark(), transactional());
    if (phase_ == Phase::doubtful || batching_.one_record_per_batch) {
        batching_.one_record_per_batch = false;
        phase_ = Phase::doubtful;
        return CommitOutcome::committed;
    }
    client_->watch().mark();
    return CommitOutcome::spotless;
}

// Both steps of librdkafka's commit (send what is queued, EndTxn) go on in the background when a
// call's time is up; calling again resumes them.
Result<void> KafkaSink::commit_transaction() {
    Patience patience(clock_,
                      interrupted_,
                      std::chrono::milliseconds(options_.transaction_timeout_ms) + kCommitMargin);
    begin_wait();
    while (true) {
        const ErrorHandle error(rd_kafka_commit_transaction(client_->get(), kCommitSliceMs));
        if (!error) {
            return success();
        }
        if (rd_kafka_error_is_retriable(error.get()) == 0) {
            return to_error(*error, "commit_transaction");
        }
        TRIBUTARY_TRY_VOID(patience.go_on(*client_, "commit_transaction"));
        TRIBUTARY_TRY_VOID(look_again());
        if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__TIMED_OUT) {
            client_->serve(std::chrono::milliseconds(10));
        }
    }
}

// at_least_once: until every record handed over is acknowledged.
Result<void> KafkaSink::flush(std::string_view doing) {
    Patience patience(clock_,
                      interrupted_,
                      std::chrono::milliseconds(options_.transaction_timeout_ms) + kCommitMargin);
    begin_wait();
    while (rd_kafka_flush(client_->get(), patience.slice_ms()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        TRIBUTARY_TRY_VOID(patience.go_on(*client_, doing));
        TRIBUTARY_TRY_VOID(look_again());
    }
    if (client_->failed_count() > 0) {
        return Error(errors::kKafkaTransaction,
                     std::string(doing) + ": " + std::to_string(client_->failed_count()) +
                         " records failed");
    }
    return success();
}

void KafkaSink::drop_client(std::chrono::milliseconds budget) {
    last_topic_ = nullptr;
    topics_.clear();
    if (client_ && !client_->end(budget)) {
        observer_.log(LogLevel::warn,
                      identity_.pipeline,
                      "the former Kafka client ends in the background: a name lookup hangs");
    }
    client_.reset();
    phase_ = Phase::none;
}

void KafkaSink::close(std::chrono::milliseconds budget) {
    drop_client(budget);
}

}  // namespace tributary::kafka
