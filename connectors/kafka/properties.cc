#include "connectors/kafka/properties.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <utility>

#include "model/errors.h"

namespace tributary::kafka {

namespace {

constexpr const char* kQueueKbytes = "queue.buffering.max.kbytes";
constexpr const char* kQueueMessages = "queue.buffering.max.messages";
constexpr const char* kMessageBytes = "message.max.bytes";
// In a smaller queue a batch does not fill: each time it is full, all wait for linger.ms.
constexpr std::uint64_t kQueueKbytesMin = 1024;
constexpr std::uint64_t kQueueMessagesMin = 1000;

Error config_error(std::string_view name, std::string_view why) {
    return {errors::kKafkaConfig,
            "kafka.properties: " + std::string(name) + ": " + std::string(why)};
}

Result<void> set(rd_kafka_conf_t& conf, std::string_view name, std::string_view value) {
    std::array<char, 512> text{};
    const std::string name_z(name);
    const std::string value_z(value);
    if (rd_kafka_conf_set(&conf, name_z.c_str(), value_z.c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK) {
        return config_error(name, text.data());
    }
    return success();
}

Result<void> set_secret(rd_kafka_conf_t& conf,
                        const std::string& name,
                        const config::Secret& value) {
    if (const auto reason = refusal(name, value.reveal())) {
        return config_error(name, *reason);
    }
    std::array<char, 512> text{};  // quotes the value: not passed on
    if (rd_kafka_conf_set(&conf, name.c_str(), value.reveal().c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK) {
        return config_error(name, "librdkafka does not know it or does not take its value");
    }
    return success();
}

// Ours first, so that the operator's choice wins where it is free.
Result<void> set_common(rd_kafka_conf_t& conf, const Options& options) {
    if (options.bootstrap_servers.empty()) {
        return Error(errors::kKafkaConfig, "kafka.bootstrap_servers: none is given");
    }
    std::string servers;
    for (const auto& server : options.bootstrap_servers) {
        servers += servers.empty() ? "" : ",";
        servers += server;
    }
    const std::uint32_t socket_timeout_ms =
        std::min<std::uint32_t>(10000, options.transaction_timeout_ms);
    TRIBUTARY_TRY_VOID(set(conf, "bootstrap.servers", servers));
    TRIBUTARY_TRY_VOID(set(conf, "client.id", "tributary"));
    TRIBUTARY_TRY_VOID(set(conf, "socket.timeout.ms", std::to_string(socket_timeout_ms)));
    TRIBUTARY_TRY_VOID(set(conf, "socket.nagle.disable", "true"));
    TRIBUTARY_TRY_VOID(set(conf, "socket.keepalive.enable", "true"));
    TRIBUTARY_TRY_VOID(set(conf, "reconnect.backoff.ms", "50"));
    TRIBUTARY_TRY_VOID(set(conf, "reconnect.backoff.max.ms", "1000"));
    TRIBUTARY_TRY_VOID(set(conf, "allow.auto.create.topics", "false"));
    TRIBUTARY_TRY_VOID(set(conf, "log.connection.close", "false"));
    return success();
}

Result<void> set_given(rd_kafka_conf_t& conf, const Options& options) {
    for (const auto& [name, value] : options.properties) {
        if (const auto reason = refusal(name, value)) {
            return config_error(name, *reason);
        }
        TRIBUTARY_TRY_VOID(set(conf, name, value));
    }
    for (const auto& [name, value] : options.secret_properties) {
        TRIBUTARY_TRY_VOID(set_secret(conf, name, value));
    }
    return success();
}

std::uint64_t number_of(const rd_kafka_conf_t& conf, const char* name) {
    std::array<char, 64> text{};
    std::size_t size = text.size();
    std::uint64_t number = 0;
    if (rd_kafka_conf_get(&conf, name, text.data(), &size) == RD_KAFKA_CONF_OK) {
        const std::string_view digits(text.data());
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    }
    return number;
}

// librdkafka refuses a record whose value is larger than the whole queue as if there were no room
// for the moment (rdkafka_msg.c, rd_kafka_msg_new0): the queue must take any that it lets in.
Result<void> fit_queue(rd_kafka_conf_t& conf, const Options& options) {
    const std::uint64_t largest = number_of(conf, kMessageBytes);
    const std::uint64_t kbytes = std::max(kQueueKbytesMin, (largest + 1023) / 1024);
    if (number_of(conf, kQueueKbytes) < kbytes) {
        if (options.properties.contains(kQueueKbytes) ||
            options.secret_properties.contains(kQueueKbytes)) {
            return config_error(kQueueKbytes,
                                "must be at least " + std::to_string(kbytes) +
                                    ", or a record of message.max.bytes (" +
                                    std::to_string(largest) +
                                    ") never fits: raise it, or leave it out");
        }
        TRIBUTARY_TRY_VOID(set(conf, kQueueKbytes, std::to_string(kbytes)));
    }
    if (number_of(conf, kQueueMessages) < kQueueMessagesMin) {
        return config_error(kQueueMessages,
                            "must be at least " + std::to_string(kQueueMessagesMin) +
                                ", or records wait for each other: raise it, or leave it out");
    }
    return success();
}

// The transaction bounds what a record may wait; what is queued is bounded by the transaction too.
Result<void> set_producing(rd_kafka_conf_t& conf,
                           const Options& options,
                           std::string_view transactional_id) {
    TRIBUTARY_TRY_VOID(set(conf, "compression.type", "lz4"));
    // Longer than a transaction gathers: full batches go out at once, and a commit's flush sends
    // the rest without waiting. With a short linger librdkafka 2.0.2's broker thread polls without
    // a pause while a batch is past its linger and cannot be sent yet (docs/performance.md).
    TRIBUTARY_TRY_VOID(set(conf, "linger.ms", "1000"));
    TRIBUTARY_TRY_VOID(set(conf, kQueueKbytes, "16384"));
    TRIBUTARY_TRY_VOID(set(conf, kQueueMessages, "100000"));
    TRIBUTARY_TRY_VOID(set(conf, "topic.metadata.propagation.max.ms", "10000"));
    TRIBUTARY_TRY_VOID(set_given(conf, options));
    TRIBUTARY_TRY_VOID(fit_queue(conf, options));
    TRIBUTARY_TRY_VOID(set(conf, "partitioner", "murmur2_random"));
    TRIBUTARY_TRY_VOID(set(conf, "enable.idempotence", "true"));
    if (options.delivery == Delivery::exactly_once) {
        TRIBUTARY_TRY_VOID(set(conf, "transactional.id", transactional_id));
        TRIBUTARY_TRY_VOID(
            set(conf, "transaction.timeout.ms", std::to_string(options.transaction_timeout_ms)));
    }
    TRIBUTARY_TRY_VOID(
        set(conf, "message.timeout.ms", std::to_string(options.transaction_timeout_ms)));
    // Says high watermark, not last stable offset, when this client is asked for offsets.
    return set(conf, "isolation.level", "read_uncommitted");
}

}  // namespace

std::uint32_t batch_bytes_of(const Options& options) {
    std::uint32_t bytes = Batching{}.batch_bytes;
    if (const auto found = options.properties.find("batch.size");
        found != options.properties.end()) {
        const std::string& text = found->second;
        std::from_chars(text.data(), text.data() + text.size(), bytes);
    }
    return bytes;
}

Result<ConfHandle> producer_conf(const Options& options,
                                 std::string_view transactional_id,
                                 const Batching& batching) {
    ConfHandle conf(rd_kafka_conf_new());
    TRIBUTARY_TRY_VOID(set_common(*conf, options));
    TRIBUTARY_TRY_VOID(set_producing(*conf, options, transactional_id));
    TRIBUTARY_TRY_VOID(set(*conf, "batch.size", std::to_string(batching.batch_bytes)));
    if (batching.one_record_per_batch) {
        TRIBUTARY_TRY_VOID(set(*conf, "batch.num.messages", "1"));
    }
    return conf;
}

Result<ConfHandle> reader_conf(const Options& options) {
    ConfHandle conf(rd_kafka_conf_new());
    TRIBUTARY_TRY_VOID(set_common(*conf, options));
    TRIBUTARY_TRY_VOID(set_given(*conf, options));
    TRIBUTARY_TRY_VOID(set(*conf, "isolation.level", "read_committed"));
    TRIBUTARY_TRY_VOID(set(*conf, "enable.partition.eof", "true"));
    TRIBUTARY_TRY_VOID(set(*conf, "fetch.wait.max.ms", "10"));
    TRIBUTARY_TRY_VOID(set(*conf, "fetch.error.backoff.ms", "50"));
    // A full queue makes librdkafka 2.0.2 look at the partition again only a second later: only
    // bytes bound it, so that the usual tail of checkpoints and the end after it come at once.
    TRIBUTARY_TRY_VOID(set(*conf, "queued.max.messages.kbytes", "4096"));
    TRIBUTARY_TRY_VOID(set(*conf, "check.crcs", "true"));
    return conf;
}

Result<ConfHandle> admin_conf(const Options& options) {
    ConfHandle conf(rd_kafka_conf_new());
    TRIBUTARY_TRY_VOID(set_common(*conf, options));
    TRIBUTARY_TRY_VOID(set_given(*conf, options));
    return conf;
}

}  // namespace tributary::kafka
