// Records of sensor messages (model/sensor.h), as `raw` or `message`. What comes out, with
// examples: docs/mqtt.md. One thread.
//
// raw       value: the payload's bytes; none (a tombstone) for an empty retained payload, which is
//           how MQTT deletes a retained message
// message   {"kind":"message","topic":"..","captures":{..},"client":"..","qos":1,"retain":false,
//            "received_ms":..,"properties":{..},"encoding":"json","payload":..}
// Both have the headers mqtt.topic, mqtt.qos, mqtt.received_ms and, where they apply, mqtt.kind
// (will, gap), mqtt.client, mqtt.retain, mqtt.maybe_duplicate, mqtt.expires_ms, content-type,
// mqtt.response_topic, mqtt.correlation_data, then those of the route.
#pragma once

#include <memory>
#include <string>

#include "ports/encoder.h"

namespace tributary::encode {

// `pipeline` stands in the packed `tributary` header. encode() fails with kValueUndecodable when
// the payload is not what the route says it is.
[[nodiscard]] std::unique_ptr<Encoder> make_sensor_encoder(std::string pipeline);

}  // namespace tributary::encode
