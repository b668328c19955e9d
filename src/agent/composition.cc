#include "agent/composition.h"

#include <filesystem>
#include <map>
#include <utility>

#include "agent/agent.h"
#include "agent/source_kind.h"
#include "agent/system_clock.h"
#include "connectors/kafka/kafka.h"
#include "model/errors.h"

namespace tributary::agent {
namespace {

// Topics that check can name without asking a source.
std::vector<std::string> fixed_topics(const config::SourceConfig& source) {
    return source.topics.transaction_metadata
               ? std::vector<std::string>{source.topics.prefix + ".transaction"}
               : std::vector<std::string>{};
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

telemetry::LogFormat log_format(config::LogFormat format) {
    switch (format) {
        case config::LogFormat::automatic:
            return telemetry::LogFormat::automatic;
        case config::LogFormat::text:
            return telemetry::LogFormat::text;
        case config::LogFormat::json:
            return telemetry::LogFormat::json;
        case config::LogFormat::journal:
            return telemetry::LogFormat::journal;
    }
    return telemetry::LogFormat::automatic;
}

Result<kafka::Options> kafka_options(const config::Loaded& loaded) {
    config::Reader reader = loaded.kafka();
    return kafka::read_options(reader);
}

}  // namespace

std::unique_ptr<telemetry::ProcessObserver> make_observer(const config::AgentConfig& config,
                                                          const Clock& clock) {
    telemetry::LoggingOptions options;
    options.level = config.logging.level;
    options.format = log_format(config.logging.format);
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
    TRIBUTARY_TRY(made, source_kind(source.type).make(loaded, index, clock, observer));
    runtime::PipelineParts parts;
    parts.name = source.name;
    parts.delivery_mode =
        sink_options.delivery == kafka::Delivery::exactly_once ? "exactly_once" : "at_least_once";
    parts.source = std::move(made.source);
    parts.sink = kafka::make_sink(sink_options, identity, clock, observer);
    parts.decoder = std::move(made.decoder);
    parts.encoder = std::move(made.encoder);
    parts.ack = ack_mode(source.ack);
    parts.cut = {.rows = source.cut.rows,
                 .bytes = source.cut.bytes,
                 .age = std::chrono::milliseconds(source.cut.age_ms)};
    parts.poison = source.poison == config::Poison::halt ? core::PoisonPolicy::halt
                                                         : core::PoisonPolicy::dead_letter;
    parts.view = view_factory(loaded, index, clock, observer);
    parts.snapshot_delay = std::chrono::milliseconds(source.snapshot_delay_ms);
    parts.dead_letter_topic = "_tributary.dead_letter." + identity.agent + "." + identity.pipeline;
    return parts;
}

// The source that comes with them is never opened.
runtime::ViewFactory view_factory(const config::Loaded& loaded,
                                  std::size_t index,
                                  const Clock& clock,
                                  Observer& observer) {
    return [&loaded, index, &clock, &observer]() -> Result<runtime::ViewParts> {
        TRIBUTARY_TRY(
            made,
            source_kind(loaded.config.sources[index].type).make(loaded, index, clock, observer));
        return runtime::ViewParts{std::move(made.decoder), std::move(made.encoder)};
    };
}

SourceCheck check_source(const config::Loaded& loaded, std::size_t index) {
    return source_kind(loaded.config.sources[index].type).check(loaded, index);
}

Finding check_kafka_properties(const config::Loaded& loaded) {
    const auto options = kafka_options(loaded);
    if (!options) {
        return {Severity::error, "configuration", options.error().what(), ""};
    }
    for (const auto& source : loaded.config.sources) {
        const auto valid =
            kafka::check_options(options.value(), {loaded.config.agent.id, source.name});
        if (!valid) {
            return {Severity::error,
                    "properties",
                    valid.error().what(),
                    std::string(valid.error().kind().next)};
        }
    }
    return {Severity::ok, "properties", "librdkafka takes them", ""};
}

std::vector<Finding> check_kafka(const config::Loaded& loaded) {
    const auto options = kafka_options(loaded);
    if (!options) {
        return {{Severity::error, "configuration", options.error().what(), ""}};
    }
    const SystemClock clock;
    std::vector<Finding> all;
    for (const auto& source : loaded.config.sources) {
        for (Finding& finding : kafka::check(options.value(),
                                             {loaded.config.agent.id, source.name},
                                             fixed_topics(source),
                                             clock)) {
            finding.subject = source.name + ": " + finding.subject;
            all.push_back(std::move(finding));
        }
    }
    return all;
}

Result<Position> resolve_position(const config::Loaded& loaded,
                                  std::size_t index,
                                  std::string_view from) {
    return source_kind(loaded.config.sources[index].type).resolve_position(loaded, index, from);
}

}  // namespace tributary::agent
