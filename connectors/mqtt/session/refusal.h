// What a broker's reason codes mean for the pipeline: which error of the table, with the broker's
// own words.
#pragma once

#include "base/error.h"
#include "connectors/mqtt/codec/packets.h"

namespace tributary::mqtt {

// What may be the matter when no CONNACK comes, or something that is none.
inline constexpr const char* kOtherProtocol =
    "; the port may be one for something else (TLS: mqtts://; WebSocket is not spoken here), or "
    "the "
    "broker may want a certificate of ours (tls.cert)";

// A CONNACK or DISCONNECT with `reason`, `properties` of it. `what` is what the broker did:
// "refused the connection". kMqttAuth, kMqttRefused, kMqttSessionTaken, kProtocolViolation,
// kSourceUnreachable (everything that may pass by itself).
[[nodiscard]] Error refusal(const char* what, ReasonCode reason, const Properties& properties);

}  // namespace tributary::mqtt
