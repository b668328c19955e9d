// Log entries of an MQTT source to routed messages (ports/decoder.h, model/sensor.h). A message
// that no route takes, or whose Kafka topic is not allowed, is kValueUndecodable.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "connectors/mqtt/options.h"
#include "ports/clock.h"
#include "ports/decoder.h"
#include "ports/observer.h"

namespace tributary::mqtt {

struct DecoderParts {
    std::span<const RouteOptions> routes;
    std::string gaps_topic;  // where gap entries go; empty: nowhere
    std::string pipeline;    // for counters
    // Outlive the decoder. The clock is asked only for routes that drop what has expired: all else
    // is a function of the log.
    const Clock& clock;
    Observer& observer;
};

// kConfigInvalid.
[[nodiscard]] Result<std::unique_ptr<Decoder>> make_decoder(DecoderParts parts);

}  // namespace tributary::mqtt
