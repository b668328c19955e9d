#include "connectors/kafka/tap.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "base/glob.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/patience.h"
#include "connectors/kafka/properties.h"
#include "ports/quiet_observer.h"

namespace tributary::kafka {

namespace {

constexpr std::chrono::milliseconds kConnectBudget{10000};
constexpr std::chrono::seconds kLookInterval{5};  // for topics made meanwhile
constexpr int kWaitMs = 100;

std::string_view bytes_of(const void* data, std::size_t size) {
    return {static_cast<const char*>(data), size};
}

class Tap {
  public:
    Tap(Client& client, const std::string& pattern, const Clock& clock, const TapCalls& calls)
        : client_(client),
          queue_(rd_kafka_queue_new(client.get())),
          pattern_(pattern),
          clock_(clock),
          calls_(calls) {}
    ~Tap() {
        for (const auto& [name, topic] : topics_) {
            for (std::int32_t partition = 0; partition < topic.partitions; ++partition) {
                rd_kafka_consume_stop(topic.handle.get(), partition);
            }
        }
    }
    Tap(const Tap&) = delete;
    Tap& operator=(const Tap&) = delete;

    [[nodiscard]] Result<void> run() {
        std::atomic<bool> interrupted{false};
        Patience patience(clock_, interrupted, kConnectBudget);
        TRIBUTARY_TRY_VOID(look(patience));
        calls_.topics(topics_.size());
        SteadyTime next_look = clock_.now() + kLookInterval;
        while (!calls_.stop()) {
            const MessageHandle message(rd_kafka_consume_queue(queue_.get(), kWaitMs));
            TRIBUTARY_TRY_VOID(take(message.get()));
            client_.serve(std::chrono::milliseconds(0));
            if (clock_.now() >= next_look) {
                const std::size_t before = topics_.size();
                Patience further(clock_, interrupted, kConnectBudget);
                TRIBUTARY_TRY_VOID(look(further));
                if (topics_.size() != before) {
                    calls_.topics(topics_.size());
                }
                next_look = clock_.now() + kLookInterval;
            }
        }
        return success();
    }

  private:
    struct Topic {
        TopicHandle handle;
        std::int32_t partitions = 0;  // of which we read
    };

    [[nodiscard]] Result<void> look(Patience& patience) {
        for (;;) {
            const rd_kafka_metadata_t* found = nullptr;
            const auto code =
                rd_kafka_metadata(client_.get(), 1, nullptr, &found, patience.slice_ms());
            const MetadataHandle metadata(found);
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
                return follow(*metadata);
            }
            if (const Error error = to_error(code, "", "list the topics"); needs_a_person(error)) {
                return error;
            }
            TRIBUTARY_TRY_VOID(patience.go_on(client_, "list the topics"));
        }
    }

    // From their ends at the first look; topics and partitions made later from their beginnings.
    [[nodiscard]] Result<void> follow(const rd_kafka_metadata_t& metadata) {
        const std::int64_t from = looked_ ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
        for (int index = 0; index < metadata.topic_cnt; ++index) {
            const rd_kafka_metadata_topic_t& described = metadata.topics[index];
            const std::string_view name(described.topic);
            if (name.starts_with("__") || !glob_matches(pattern_, name)) {
                continue;
            }
            Topic& topic = topics_[std::string(name)];
            if (!topic.handle) {
                topic.handle.reset(rd_kafka_topic_new(client_.get(), described.topic, nullptr));
            }
            for (; topic.partitions < described.partition_cnt; ++topic.partitions) {
                if (rd_kafka_consume_start_queue(
                        topic.handle.get(), topic.partitions, from, queue_.get()) != 0) {
                    return to_error(rd_kafka_last_error(), "", "read " + std::string(name));
                }
            }
        }
        looked_ = true;
        return success();
    }

    [[nodiscard]] Result<void> take(const rd_kafka_message_t* message) {
        if (message == nullptr || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            return success();
        }
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            const Error error =
                to_error(message->err, rd_kafka_message_errstr(message), "read records");
            return error.transient() ? success() : Result<void>(error);
        }
        TappedRecord record{.topic = rd_kafka_topic_name(message->rkt),
                            .partition = message->partition,
                            .offset = message->offset,
                            .time_ms = rd_kafka_message_timestamp(message, nullptr),
                            .key = std::nullopt,
                            .value = std::nullopt};
        if (message->key != nullptr) {
            record.key = bytes_of(message->key, message->key_len);
        }
        if (message->payload != nullptr) {
            record.value = bytes_of(message->payload, message->len);
        }
        calls_.record(record);
        return success();
    }

    Client& client_;
    QueueHandle queue_;
    const std::string& pattern_;
    const Clock& clock_;
    const TapCalls& calls_;
    std::map<std::string, Topic> topics_;
    bool looked_ = false;
};

}  // namespace

Result<void> tap(const Options& options,
                 const std::string& pattern,
                 const Clock& clock,
                 const TapCalls& calls) {
    QuietObserver observer;
    TRIBUTARY_TRY(conf, reader_conf(options));
    TRIBUTARY_TRY(client, Client::make(RD_KAFKA_CONSUMER, std::move(conf), "", observer));
    return Tap(*client, pattern, clock, calls).run();
}

}  // namespace tributary::kafka
