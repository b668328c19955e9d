// See kafka_reader.h. librdkafka's simple consumer: explicit partitions on one queue, no group
// coordinator. A partition is read to its end when its end-of-partition event or a record lies at
// or beyond the captured high watermark; under read_committed that event comes at the last stable
// offset.
#include "tests/servers/kafka_reader.h"

#include <algorithm>
#include <iterator>

#include "tests/servers/process.h"

namespace tributary::servers {
namespace {

int milliseconds(std::chrono::seconds limit) {
    return static_cast<int>(std::chrono::milliseconds(limit).count());
}

void check(rd_kafka_resp_err_t code, const std::string& what) {
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        throw ServerFailure(what + ": " + rd_kafka_err2str(code));
    }
}

std::map<std::string, std::string> consumer_properties(const KafkaReaderOptions& options,
                                                       KafkaIsolation isolation) {
    std::map<std::string, std::string> properties = {
        {"bootstrap.servers", options.bootstrap},
        {"isolation.level",
         isolation == KafkaIsolation::read_committed ? "read_committed" : "read_uncommitted"},
        {"enable.partition.eof", "true"},
        {"check.crcs", "true"},
        {"allow.auto.create.topics", "false"},
        {"fetch.wait.max.ms", "50"},
        {"reconnect.backoff.max.ms", "500"},
        {"queued.max.messages.kbytes", "16384"},
        {"log_level", "3"},
    };
    for (const auto& [name, value] : options.properties) {
        properties[name] = value;
    }
    return properties;
}

constexpr std::chrono::seconds kWatermarkLimit{5};  // of one attempt

ClientHandle make_watermark_client(const KafkaReaderOptions& options) {
    return make_client(RD_KAFKA_CONSUMER,
                       consumer_properties(options, KafkaIsolation::read_uncommitted));
}

std::optional<std::string> bytes_of(const void* data, std::size_t size) {
    if (data == nullptr) {
        return std::nullopt;
    }
    return std::string(static_cast<const char*>(data), size);
}

std::vector<KafkaHeader> headers_of(const rd_kafka_message_t& message) {
    std::vector<KafkaHeader> result;
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return result;
    }
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t index = 0; rd_kafka_header_get_all(headers, index, &name, &value, &size) ==
                                RD_KAFKA_RESP_ERR_NO_ERROR;
         ++index) {
        result.push_back({.name = name, .value = bytes_of(value, size)});
    }
    return result;
}

KafkaRecord record_of(const rd_kafka_message_t& message) {
    KafkaRecord record;
    record.topic = rd_kafka_topic_name(message.rkt);
    record.partition = message.partition;
    record.offset = message.offset;
    record.key = bytes_of(message.key, message.key_len);
    record.value = bytes_of(message.payload, message.len);
    record.headers = headers_of(message);
    record.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
    return record;
}

}  // namespace

const KafkaHeader* KafkaRecord::header(std::string_view name) const {
    const auto found =
        std::find_if(headers.begin(), headers.end(), [name](const KafkaHeader& entry) {
            return entry.name == name;
        });
    return found == headers.end() ? nullptr : &*found;
}

KafkaReader::KafkaReader(KafkaReaderOptions options)
    : options_(std::move(options)),
      client_(make_client(RD_KAFKA_CONSUMER, consumer_properties(options_, options_.isolation))),
      watermark_client_(make_watermark_client(options_)),
      queue_(rd_kafka_queue_new(client_.get())) {}

KafkaReader::~KafkaReader() {
    for (const auto& [name, stream] : followed_) {
        rd_kafka_consume_stop(stream.topic.get(), stream.partition);
    }
}

std::vector<std::string> KafkaReader::topics() {
    const rd_kafka_metadata_t* metadata = nullptr;
    check(rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, milliseconds(options_.limit)),
          "list topics");
    std::vector<std::string> names;
    for (int index = 0; index < metadata->topic_cnt; ++index) {
        const std::string name = metadata->topics[index].topic;
        if (!name.starts_with("__")) {
            names.push_back(name);
        }
    }
    rd_kafka_metadata_destroy(metadata);
    std::sort(names.begin(), names.end());
    return names;
}

int KafkaReader::partitions_of(const std::string& topic) {
    const TopicHandle handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
    const rd_kafka_metadata_t* metadata = nullptr;
    check(
        rd_kafka_metadata(client_.get(), 0, handle.get(), &metadata, milliseconds(options_.limit)),
        "metadata of " + topic);
    const rd_kafka_resp_err_t code = metadata->topics[0].err;
    const int partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    check(code, "topic " + topic);
    return partitions;
}

// A broker that has just restarted answers that it does not lead the partition yet, and one that
// has just made the topic may not know the partition: asked again, by another client, because
// librdkafka keeps what it was told about a topic.
std::pair<std::int64_t, std::int64_t> KafkaReader::watermarks(const std::string& topic,
                                                              int partition) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    static_cast<void>(poll_until(options_.limit, [&] {
        code = rd_kafka_query_watermark_offsets(watermark_client_.get(),
                                                topic.c_str(),
                                                partition,
                                                &low,
                                                &high,
                                                milliseconds(kWatermarkLimit));
        if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
            watermark_client_ = make_watermark_client(options_);
        }
        return code != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION &&
               code != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE &&
               code != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && code != RD_KAFKA_RESP_ERR__TIMED_OUT;
    }));
    check(code, "watermarks of " + topic);
    return {low, high};
}

KafkaReader::Stream KafkaReader::start(const std::string& topic,
                                       int partition,
                                       rd_kafka_queue_t* queue) {
    Stream stream{.topic = TopicHandle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr)),
                  .partition = partition};
    if (!stream.topic ||
        rd_kafka_consume_start_queue(
            stream.topic.get(), partition, RD_KAFKA_OFFSET_BEGINNING, queue) != 0) {
        throw ServerFailure("cannot read " + topic + ": " +
                            rd_kafka_err2str(rd_kafka_last_error()));
    }
    return stream;
}

void KafkaReader::take(const rd_kafka_message_t& message,
                       Ends& ends,
                       const std::function<void(KafkaRecord)>& each) {
    std::int64_t reached = message.offset;
    const auto end = ends.find(message.partition);
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (end != ends.end() && message.offset < end->second) {
            each(record_of(message));
        }
        reached = message.offset + 1;
    } else if (message.err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        throw ServerFailure("reading: " + std::string(rd_kafka_message_errstr(&message)));
    }
    if (end != ends.end() && reached >= end->second) {
        ends.erase(end);
    }
}

std::vector<KafkaRecord> KafkaReader::read(const std::string& topic) {
    std::vector<KafkaRecord> records;
    visit(topic, [&records](KafkaRecord record) { records.push_back(std::move(record)); });
    std::stable_sort(
        records.begin(), records.end(), [](const KafkaRecord& left, const KafkaRecord& right) {
            return left.partition < right.partition;
        });
    return records;
}

void KafkaReader::visit(const std::string& topic, const std::function<void(KafkaRecord)>& each) {
    Ends ends;
    const int partitions = partitions_of(topic);
    const QueueHandle queue(rd_kafka_queue_new(client_.get()));
    std::vector<Stream> streams;
    for (int partition = 0; partition < partitions; ++partition) {
        const auto [low, high] = watermarks(topic, partition);
        if (low < high) {
            ends[partition] = high;
            streams.push_back(start(topic, partition, queue.get()));
        }
    }
    const auto deadline = std::chrono::steady_clock::now() + options_.limit;
    std::string failure;
    while (!ends.empty() && failure.empty()) {
        const MessageHandle message(rd_kafka_consume_queue(queue.get(), 100));
        try {
            if (message) {
                take(*message, ends, each);
            }
        } catch (const ServerFailure& error) {
            failure = error.what();
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            failure = "the high watermark was not reached in time (an open transaction?)";
        }
    }
    for (const Stream& stream : streams) {
        rd_kafka_consume_stop(stream.topic.get(), stream.partition);
    }
    if (!failure.empty()) {
        throw ServerFailure(topic + ": " + failure);
    }
}

void KafkaReader::follow(const std::string& topic) {
    const int partitions = partitions_of(topic);
    for (int partition = 0; partition < partitions; ++partition) {
        const std::pair<std::string, int> name{topic, partition};
        if (!followed_.contains(name)) {
            followed_.emplace(name, start(topic, partition, queue_.get()));
        }
    }
}

std::optional<KafkaRecord> KafkaReader::next(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        const MessageHandle message(rd_kafka_consume_queue(
            queue_.get(), static_cast<int>(std::max<long>(0, left.count()))));
        if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return record_of(*message);
        }
        if (left.count() <= 0) {
            return std::nullopt;
        }
    }
}

}  // namespace tributary::servers
