#include "connectors/kafka/checkpoint_reader.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/properties.h"
#include "format/checkpoint.h"
#include "model/errors.h"

namespace tributary::kafka {

namespace {

constexpr std::int32_t kPartition = 0;
// A transaction takes two offsets of the topic: its record and its end marker.
constexpr std::int64_t kTail = 100;
constexpr std::int64_t kTailGrowth = 20;

struct Extent {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

struct Found {
    std::string value;
    bool tombstone = false;
    std::int64_t offset = 0;
};

Result<Extent> watermarks(Client& client, const std::string& topic, Patience& patience) {
    const std::string doing = "high watermark of " + topic;
    while (true) {
        Extent extent;
        const auto code = rd_kafka_query_watermark_offsets(client.get(),
                                                           topic.c_str(),
                                                           kPartition,
                                                           &extent.low,
                                                           &extent.high,
                                                           patience.slice_ms());
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return extent;
        }
        const Error error = to_error(code, "", doing);
        if (needs_a_person(error)) {
            return error;
        }
        TRIBUTARY_TRY_VOID(patience.go_on(client, doing));
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
            client.serve(std::chrono::milliseconds(20));
        }
    }
}

// One reading position; stops when it goes out of scope.
class Reading {
  public:
    Reading(Client& client, const std::string& topic)
        : topic_(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr)) {}
    ~Reading() { stop(); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    [[nodiscard]] bool start(std::int64_t from) {
        stop();
        started_ = rd_kafka_consume_start(topic_.get(), kPartition, from) == 0;
        return started_;
    }
    void stop() {
        if (started_) {
            rd_kafka_consume_stop(topic_.get(), kPartition);
            started_ = false;
        }
    }
    [[nodiscard]] MessageHandle next(int wait_ms) {
        return MessageHandle(rd_kafka_consume(topic_.get(), kPartition, wait_ms));
    }

  private:
    TopicHandle topic_;
    bool started_ = false;
};

std::string_view key_of(const rd_kafka_message_t& message) {
    return {static_cast<const char*>(message.key), message.key_len};
}

Found copy_of(const rd_kafka_message_t& message) {
    Found found{.value = {}, .tombstone = message.payload == nullptr, .offset = message.offset};
    if (!found.tombstone) {
        found.value.assign(static_cast<const char*>(message.payload), message.len);
    }
    return found;
}

// Every transaction of ours is decided by now, so a committed reader must get to the high
// watermark.
Error stuck(std::string_view doing, std::int64_t from, std::int64_t high) {
    return {errors::kTransactionStuck,
            std::string(doing) +
                ": a transaction in it has no end: committed readers stop at offset " +
                std::to_string(from) + " of " + std::to_string(high)};
}

// Reads [from, high) and keeps the last record with our key.
Result<std::optional<Found>> scan(Client& client,
                                  Reading& reading,
                                  const CheckpointPlace& place,
                                  std::int64_t from,
                                  std::int64_t high,
                                  Patience& patience) {
    const std::string doing = "read checkpoint from " + place.topic;
    if (!reading.start(from)) {
        return to_error(rd_kafka_last_error(), "", doing);
    }
    std::optional<Found> last;
    std::optional<std::int64_t> undecided_from;
    while (true) {
        const MessageHandle message = reading.next(patience.slice_ms());
        if (!message) {
            const auto waited = patience.go_on(client, doing);
            if (waited.has_error() && undecided_from &&
                waited.error().is(errors::kKafkaUnreachable)) {
                return stuck(doing, *undecided_from, high);
            }
            TRIBUTARY_TRY_VOID(waited);
            continue;
        }
        const auto code = message->err;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (message->offset < high && key_of(*message) == place.key) {
                last = copy_of(*message);
            }
        } else if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            if (message->offset >= high) {
                return last;
            }
            undecided_from = message->offset;
        } else {
            const Error error = to_error(code, rd_kafka_message_errstr(message.get()), doing);
            if (!error.is(errors::kKafkaUnreachable)) {
                return error;
            }
        }
        TRIBUTARY_TRY_VOID(patience.go_on(client, doing));
    }
}

Result<Checkpoint> unpack(const Found& found, const CheckpointPlace& place) {
    const std::string where = place.topic + " offset " + std::to_string(found.offset);
    if (found.tombstone) {
        return Error(errors::kCheckpointInvalid, where + ": a tombstone");
    }
    auto checkpoint = format::unpack_checkpoint(found.value);
    if (checkpoint.has_error()) {
        return checkpoint.error().at(where);
    }
    return checkpoint;
}

}  // namespace

Result<std::optional<Checkpoint>> read_checkpoint(Client& producer,
                                                  const Options& options,
                                                  const CheckpointPlace& place,
                                                  Observer& observer,
                                                  Patience& patience) {
    TRIBUTARY_TRY(extent, watermarks(producer, place.topic, patience));
    if (extent.high == extent.low) {
        return std::optional<Checkpoint>();
    }
    TRIBUTARY_TRY(conf, reader_conf(options));
    TRIBUTARY_TRY(client,
                  Client::make(RD_KAFKA_CONSUMER, std::move(conf), place.pipeline, observer));
    Reading reading(*client, place.topic);
    for (std::int64_t tail = kTail;; tail *= kTailGrowth) {
        const std::int64_t from = std::max(extent.low, extent.high - tail);
        TRIBUTARY_TRY(found, scan(*client, reading, place, from, extent.high, patience));
        if (found) {
            TRIBUTARY_TRY(checkpoint, unpack(*found, place));
            return std::optional<Checkpoint>(std::move(checkpoint));
        }
        if (from == extent.low) {
            return std::optional<Checkpoint>();
        }
    }
}

}  // namespace tributary::kafka
