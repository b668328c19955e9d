// Log entries of an MQTT source to routed messages (ports/decoder.h, model/sensor.h). A message
// that no route takes, or whose Kafka topic is not allowed, is kValueUndecodable.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "connectors/mqtt/options.h"
#include "ports/decoder.h"

namespace tributary::mqtt {

// `gaps_topic`: where gap entries go; empty: nowhere. kConfigInvalid.
[[nodiscard]] Result<std::unique_ptr<Decoder>> make_decoder(std::span<const RouteOptions> routes,
                                                            std::string gaps_topic);

}  // namespace tributary::mqtt
