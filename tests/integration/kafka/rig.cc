#include "tests/integration/kafka/rig.h"

#include <unistd.h>

#include <map>

#include "tests/servers/places.h"

namespace tributary::kafka {

void KeepingObserver::log(LogLevel /*level*/,
                          std::string_view /*pipeline*/,
                          std::string_view message,
                          std::initializer_list<LogField> fields) {
    const std::scoped_lock lock(mutex_);
    text_ += message;
    for (const auto& field : fields) {
        text_ += ' ';
        text_ += field.value;
    }
    text_ += '\n';
}

void KeepingObserver::error(std::string_view /*pipeline*/, const Error& error) {
    const std::scoped_lock lock(mutex_);
    text_ += error.message() + '\n';
}

std::string KeepingObserver::text() const {
    const std::scoped_lock lock(mutex_);
    return text_;
}

const std::filesystem::path& scratch() {
    static const servers::TemporaryDirectory directory("tributary-kafka");
    return directory.path();
}

servers::Kafka& broker(const std::string& version) {
    static std::map<std::string, std::unique_ptr<servers::Kafka>> brokers;
    auto& found = brokers[version];
    if (!found) {
        found = std::make_unique<servers::Kafka>(
            servers::KafkaOptions{.directory = scratch() / version, .version = version});
    }
    return *found;
}

Options options_for(const std::string& bootstrap) {
    Options options;
    options.bootstrap_servers = {bootstrap};
    return options;
}

namespace {

int next_number() {
    static int number = 0;
    return ++number;
}

}  // namespace

SinkIdentity fresh_identity() {
    return {.agent = "gw-" + std::to_string(::getpid()),
            .pipeline = "plant" + std::to_string(next_number())};
}

std::string fresh_topic() {
    return "topic" + std::to_string(next_number());
}

Rig::Rig(Options options, SinkIdentity identity)
    : identity_(std::move(identity)), sink_(make_sink(options, identity_, clock_, observer_)) {}

Record Rig::record(std::string_view topic, std::uint64_t sequence, std::string value) {
    const std::string& name = bytes_.emplace_back(topic);
    const std::string& key = bytes_.emplace_back(std::to_string(sequence));
    const std::string& kept = bytes_.emplace_back(std::move(value));
    const std::string& header = bytes_.emplace_back("identity" + key);
    return {.topic = name,
            .key = key,
            .value = kept,
            .identity = header,
            .headers = {},
            .sequence = Sequence(sequence),
            .sub_index = 0};
}

Result<void> Rig::produce(std::string_view topic, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t sequence = first; sequence <= last; ++sequence) {
        TRIBUTARY_TRY_VOID(sink_->produce(record(topic, sequence, "v" + std::to_string(sequence))));
    }
    return success();
}

Checkpoint Rig::checkpoint(std::uint64_t first, std::uint64_t last) const {
    Checkpoint checkpoint;
    checkpoint.pipeline = identity_.agent + "." + identity_.pipeline;
    checkpoint.log_id.bytes.fill(7);
    checkpoint.agent_version = "test";
    checkpoint.source_identity = "postgresql 1 db slot";
    checkpoint.resume.bytes = "resume" + std::to_string(last);
    checkpoint.done.bytes = "done" + std::to_string(last);
    checkpoint.first = Sequence(first);
    checkpoint.last = Sequence(last);
    checkpoint.previous_last = Sequence(first - 1);
    checkpoint.record_count = last - first + 1;
    checkpoint.chain_crc = static_cast<std::uint32_t>(last);
    checkpoint.wall_time_us = 1;
    return checkpoint;
}

Result<CommitOutcome> Rig::transaction(std::string_view topic,
                                       std::uint64_t first,
                                       std::uint64_t last) {
    TRIBUTARY_TRY_VOID(sink_->begin());
    TRIBUTARY_TRY_VOID(produce(topic, first, last));
    return sink_->commit(checkpoint(first, last));
}

std::vector<std::string> committed_keys(const std::string& bootstrap, const std::string& topic) {
    servers::KafkaReader reader({.bootstrap = bootstrap});
    std::vector<std::string> keys;
    for (const auto& record : reader.read(topic)) {
        keys.push_back(record.key.value_or("(null)"));
    }
    return keys;
}

std::vector<std::string> numbers(std::uint64_t first, std::uint64_t last) {
    std::vector<std::string> out;
    for (std::uint64_t number = first; number <= last; ++number) {
        out.push_back(std::to_string(number));
    }
    return out;
}

}  // namespace tributary::kafka
