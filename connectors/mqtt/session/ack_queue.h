// AckQueue: the acknowledgements that one connection owes, in the order in which their packets came
// (MQTT 5.0 4.6). Each waits for a number to be durable; one that is not ready holds back those
// behind it, so order is kept among PUBACKs, among PUBRECs and among PUBCOMPs. Pure; one thread.
#pragma once

#include <cstdint>
#include <string>

#include "connectors/mqtt/codec/packets.h"
#include "connectors/mqtt/session/ring.h"
#include "connectors/mqtt/session/step.h"

namespace tributary::mqtt {

struct DueAck {
    IntakeNumber number = 0;  // waits for this to be durable
    std::uint16_t packet_id = 0;
    PacketType type = PacketType::puback;  // PUBACK, PUBREC, PUBCOMP; CONNACK: written by the owner
    ReasonCode reason = ReasonCode::success;
};

class AckQueue {
  public:
    void push(const DueAck& ack) { due_.push(ack); }
    // The next one whose turn it is when everything up to `durable` is; false: none.
    [[nodiscard]] bool pop(IntakeNumber durable, DueAck& ack) {
        if (due_.empty() || due_.front().number > durable) {
            return false;
        }
        ack = due_.front();
        due_.pop();
        return true;
    }
    [[nodiscard]] std::size_t size() const { return due_.size(); }
    [[nodiscard]] bool empty() const { return due_.empty(); }
    void clear() { due_.clear(); }

  private:
    Ring<DueAck> due_;
};

// PUBACK, PUBREC, PUBREL or PUBCOMP without properties.
void append_ack(std::string& out, const DueAck& ack, Version version);

}  // namespace tributary::mqtt
