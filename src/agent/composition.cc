#include "agent/composition.h"

#include <filesystem>
#include <map>
#include <utility>

#include "agent/agent.h"
#include "agent/system_clock.h"
#include "connectors/kafka/kafka.h"
#include "connectors/postgresql/postgresql.h"
#include "encode/debezium.h"
#include "model/errors.h"

namespace tributary::agent {
namespace {

// Topics that check can name without asking a source.
std::vector<std::string> fixed_topics(const config::AgentConfig& config) {
    std::vector<std::string> topics;
    for (const auto& source : config.sources) {
        if (source.topics.transaction_metadata) {
            topics.push_back(source.topics.prefix + ".transaction");
        }
    }
    return topics;
}

encode::DecimalMode decimals(config::Decimal mode) {
    switch (mode) {
        case config::Decimal::precise:
            return encode::DecimalMode::precise;
        case config::Decimal::string:
            return encode::DecimalMode::string;
        case config::Decimal::real:
            return encode::DecimalMode::double_;
    }
    return encode::DecimalMode::precise;
}

encode::TimePrecision times(config::TimePrecision mode) {
    switch (mode) {
        case config::TimePrecision::adaptive:
            return encode::TimePrecision::adaptive;
        case config::TimePrecision::adaptive_time_microseconds:
            return encode::TimePrecision::adaptive_time_microseconds;
        case config::TimePrecision::connect:
            return encode::TimePrecision::connect;
        case config::TimePrecision::isostring:
            return encode::TimePrecision::isostring;
        case config::TimePrecision::microseconds:
            return encode::TimePrecision::microseconds;
        case config::TimePrecision::nanoseconds:
            return encode::TimePrecision::nanoseconds;
    }
    return encode::TimePrecision::adaptive;
}

encode::BinaryMode binary(config::Binary mode) {
    switch (mode) {
        case config::Binary::bytes:
            return encode::BinaryMode::bytes;
        case config::Binary::base64:
            return encode::BinaryMode::base64;
        case config::Binary::base64_url_safe:
            return encode::BinaryMode::base64_url_safe;
        case config::Binary::hex:
            return encode::BinaryMode::hex;
    }
    return encode::BinaryMode::bytes;
}

std::vector<Operation> operations(const std::vector<std::string>& letters) {
    std::vector<Operation> all;
    for (const std::string& letter : letters) {
        all.push_back(letter == "c"   ? Operation::create
                      : letter == "u" ? Operation::update
                      : letter == "d" ? Operation::remove
                                      : Operation::truncate);
    }
    return all;
}

encode::DebeziumOptions encoder_options(const config::SourceConfig& source) {
    encode::DebeziumOptions options;
    options.pipeline = source.name;
    options.topic_prefix = source.topics.prefix;
    options.schemas = source.topics.schemas;
    options.tombstones = source.topics.tombstones;
    options.transaction_metadata = source.topics.transaction_metadata;
    options.context_headers = source.topics.context_headers;
    options.decimals = decimals(source.topics.decimal);
    options.times = times(source.topics.time_precision);
    options.intervals = source.topics.interval == config::Interval::numeric
                            ? encode::IntervalMode::numeric
                            : encode::IntervalMode::string;
    options.binary = binary(source.topics.binary);
    options.unsigned_bigints = source.topics.bigint_unsigned == config::BigintUnsigned::precise
                                   ? encode::UnsignedMode::precise
                                   : encode::UnsignedMode::long_;
    options.skipped_operations = operations(source.topics.skipped_operations);
    return options;
}

core::AckMode ack_mode(config::Ack ack) {
    switch (ack) {
        case config::Ack::automatic:
            return core::AckMode::automatic;
        case config::Ack::buffered:
            return core::AckMode::buffered;
        case config::Ack::delivered:
            return core::AckMode::delivered;
    }
    return core::AckMode::automatic;
}

Result<kafka::Options> kafka_options(const config::Loaded& loaded) {
    config::Reader reader = loaded.kafka();
    return kafka::read_options(reader);
}

Result<postgresql::Options> postgresql_options(const config::Loaded& loaded, std::size_t index) {
    config::Reader reader = loaded.source(index);
    TRIBUTARY_TRY(options, postgresql::read_options(reader));
    options.name = loaded.config.sources[index].name;
    return std::move(options);
}

}  // namespace

std::unique_ptr<telemetry::ProcessObserver> make_observer(const config::AgentConfig& config,
                                                          const Clock& clock) {
    telemetry::LoggingOptions options;
    options.level = config.logging.level;
    options.format = config.logging.format == config::LogFormat::json ? telemetry::LogFormat::json
                     : config.logging.format == config::LogFormat::text
                         ? telemetry::LogFormat::text
                         : telemetry::LogFormat::automatic;
    return telemetry::make_observer(options, clock);
}

LogOptions log_options(const config::AgentConfig& config, const Clock* clock) {
    LogOptions options;
    options.directory = std::filesystem::path(config.agent.state_dir) / "log";
    options.durability = config.buffer.durability == config::Durability::power
                             ? Durability::power
                             : Durability::process;
    options.max_bytes = config.buffer.max_bytes * config.sources.size();
    options.max_bytes_per_pipeline = config.buffer.max_bytes;
    options.min_free_disk_bytes = config.buffer.min_free_disk;
    options.clock = clock;
    return options;
}

Result<runtime::PipelineParts> make_pipeline(const config::Loaded& loaded,
                                             std::size_t index,
                                             const Clock& clock,
                                             Observer& observer) {
    const config::SourceConfig& source = loaded.config.sources[index];
    const kafka::SinkIdentity identity{loaded.config.agent.id, source.name};
    TRIBUTARY_TRY(sink_options, kafka_options(loaded));
    TRIBUTARY_TRY_VOID(kafka::check_options(sink_options, identity));
    TRIBUTARY_TRY(source_options, postgresql_options(loaded, index));
    runtime::PipelineParts parts;
    parts.name = source.name;
    parts.delivery_mode =
        sink_options.delivery == kafka::Delivery::exactly_once ? "exactly_once" : "at_least_once";
    parts.source = postgresql::make_source(std::move(source_options), clock, observer);
    parts.sink = kafka::make_sink(sink_options, identity, clock, observer);
    parts.decoder = parts.source->make_decoder();
    parts.encoder = encode::make_debezium_encoder(encoder_options(source),
                                                  std::string(parts.decoder->connector_name()),
                                                  parts.decoder->source_fields());
    parts.ack = ack_mode(source.ack);
    parts.cut = {.rows = source.cut.rows,
                 .bytes = source.cut.bytes,
                 .age = std::chrono::milliseconds(source.cut.age_ms)};
    parts.poison = source.poison == config::Poison::halt ? core::PoisonPolicy::halt
                                                         : core::PoisonPolicy::dead_letter;
    parts.dead_letter_topic = "_tributary.dead_letter." + identity.agent + "." + identity.pipeline;
    return parts;
}

std::vector<Finding> check_source(const config::Loaded& loaded, std::size_t index) {
    const auto options = postgresql_options(loaded, index);
    if (!options) {
        return {{Severity::error, "configuration", options.error().what(), ""}};
    }
    return postgresql::check(options.value());
}

std::vector<Finding> check_kafka(const config::Loaded& loaded) {
    const auto options = kafka_options(loaded);
    if (!options) {
        return {{Severity::error, "configuration", options.error().what(), ""}};
    }
    const SystemClock clock;
    std::vector<Finding> all;
    const auto topics = fixed_topics(loaded.config);
    for (const auto& source : loaded.config.sources) {
        for (Finding& finding :
             kafka::check(options.value(), {loaded.config.agent.id, source.name}, topics, clock)) {
            finding.subject = source.name + ": " + finding.subject;
            all.push_back(std::move(finding));
        }
    }
    return all;
}

Result<Position> resolve_position(const config::Loaded& loaded,
                                  std::size_t index,
                                  std::string_view from) {
    TRIBUTARY_TRY(options, postgresql_options(loaded, index));
    return postgresql::resolve_position(options, from);
}

}  // namespace tributary::agent
