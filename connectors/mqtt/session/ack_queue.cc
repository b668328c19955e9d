#include "connectors/mqtt/session/ack_queue.h"

namespace tributary::mqtt {

void append_ack(std::string& out, const DueAck& ack, Version version) {
    const bool with_reason = version == Version::v5 && ack.reason != ReasonCode::success;
    const char bytes[] = {static_cast<char>(static_cast<unsigned>(ack.type) << 4U |
                                            (ack.type == PacketType::pubrel ? 2U : 0U)),
                          with_reason ? '\3' : '\2',
                          static_cast<char>(ack.packet_id >> 8U),
                          static_cast<char>(ack.packet_id & 0xFFU),
                          static_cast<char>(ack.reason)};
    out.append(bytes, with_reason ? 5 : 4);
}

}  // namespace tributary::mqtt
