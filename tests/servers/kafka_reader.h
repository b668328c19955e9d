// Reads whole topics as an ordinary consumer sees them: read_committed (default) or
// read_uncommitted, every partition from its beginning, without a consumer group. `read` stops at
// the high watermarks captured when it is called, so a test settles its producers first: stop them,
// init_transactions on their ids, then read. `follow` and `next` are for tailing. Threads: one
// thread per object.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/servers/kafka_handle.h"

namespace tributary::servers {

struct KafkaHeader {
    std::string name;
    std::optional<std::string> value;
};

struct KafkaRecord {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string> key;
    std::optional<std::string> value;  // nullopt: a tombstone
    std::vector<KafkaHeader> headers;
    std::int64_t timestamp_ms = -1;

    // The first header of that name; nullptr when there is none.
    [[nodiscard]] const KafkaHeader* header(std::string_view name) const;
};

enum class KafkaIsolation { read_committed, read_uncommitted };

struct KafkaReaderOptions {
    std::string bootstrap = {};
    KafkaIsolation isolation = KafkaIsolation::read_committed;
    std::map<std::string, std::string> properties =
        {};                          // added to librdkafka's: security.protocol ..
    std::chrono::seconds limit{60};  // of one call of `read` or of one request
};

class KafkaReader {
  public:
    explicit KafkaReader(KafkaReaderOptions options);
    ~KafkaReader();
    KafkaReader(const KafkaReader&) = delete;
    KafkaReader& operator=(const KafkaReader&) = delete;

    // Names of all topics, sorted; internal ones ("__..") left out.
    [[nodiscard]] std::vector<std::string> topics();
    [[nodiscard]] int partitions_of(const std::string& topic);
    // Low and high watermark of a partition; the high one counts control records and open
    // transactions.
    [[nodiscard]] std::pair<std::int64_t, std::int64_t> watermarks(const std::string& topic,
                                                                   int partition);

    // All records up to the high watermarks of now, by partition, then by offset. Throws
    // ServerFailure when the limit passes first, which an open transaction does under
    // read_committed.
    [[nodiscard]] std::vector<KafkaRecord> read(const std::string& topic);
    // The same, one by one: those of several partitions are mixed.
    void visit(const std::string& topic, const std::function<void(KafkaRecord)>& each);

    // Adds a topic's partitions, from their beginning, to what `next` returns; known partitions are
    // left.
    void follow(const std::string& topic);
    // The next record of any followed partition; nullopt after `limit` without one.
    [[nodiscard]] std::optional<KafkaRecord> next(std::chrono::milliseconds limit);

  private:
    struct Stream {
        TopicHandle topic;
        std::int32_t partition = 0;
    };
    // What `visit` still has to see: per partition the captured high watermark.
    using Ends = std::map<std::int32_t, std::int64_t>;

    Stream start(const std::string& topic, int partition, rd_kafka_queue_t* queue);
    static void take(const rd_kafka_message_t& message,
                     Ends& ends,
                     const std::function<void(KafkaRecord)>& each);

    KafkaReaderOptions options_;
    ClientHandle client_;
    ClientHandle watermark_client_;  // read_uncommitted, so that it sees the high watermark
    QueueHandle queue_;
    std::map<std::pair<std::string, int>, Stream> followed_;
};

}  // namespace tributary::servers
