// type: mqtt
#include <string>
#include <utility>

#include "agent/source_kind.h"
#include "agent/system_clock.h"
#include "connectors/mqtt/mqtt.h"
#include "encode/sensor.h"
#include "model/errors.h"

namespace tributary::agent {
namespace {

Result<mqtt::Options> options_of(const config::Loaded& loaded, std::size_t index) {
    config::Reader reader = loaded.source(index);
    TRIBUTARY_TRY(options, mqtt::read_options(reader));
    options.name = loaded.config.sources[index].name;
    return std::move(options);
}

Result<SourceParts> make(const config::Loaded& loaded,
                         std::size_t index,
                         const Clock& clock,
                         Observer& observer) {
    TRIBUTARY_TRY(options, options_of(loaded, index));
    SourceParts parts;
    parts.source = mqtt::make_source(std::move(options), clock, observer);
    parts.decoder = parts.source->make_decoder();
    parts.encoder = encode::make_sensor_encoder(loaded.config.sources[index].name);
    return parts;
}

SourceCheck check(const config::Loaded& loaded, std::size_t index) {
    const auto options = options_of(loaded, index);
    if (!options) {
        return {.findings = {{Severity::error, "configuration", options.error().what(), ""}}};
    }
    const SystemClock clock;
    return {.findings = mqtt::check(options.value(), clock)};
}

// A broker and a device keep no history: there is nothing to choose a position from.
Result<Position> resolve_position(const config::Loaded& /*loaded*/,
                                  std::size_t /*index*/,
                                  std::string_view from) {
    if (from == "now") {
        return Position{};
    }
    return Error(errors::kConfigInvalid,
                 "an MQTT source has no positions to choose from; only `now`");
}

}  // namespace

const SourceKind kMqttSource{
    .type = "mqtt", .make = make, .check = check, .resolve_position = resolve_position};

}  // namespace tributary::agent
