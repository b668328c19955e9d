// Encoding: each function writes one layout of MQTT 5.0 (3.1.1) chapter 3.
#include <variant>

#include "base/assert.h"
#include "connectors/mqtt/codec/codec.h"
#include "connectors/mqtt/codec/wire.h"

namespace tributary::mqtt {
namespace wire {

void append_variable(std::string& out, std::uint32_t value) {
    TRIBUTARY_ASSERT(value < 1U << 28U);
    append_varint(out, value);  // the same form, of at most four bytes
}

void append_text(std::string& out, std::string_view text) {
    TRIBUTARY_ASSERT(text.size() <= 65'535);
    append_fixed(out, static_cast<std::uint16_t>(text.size()), Endian::big);
    out.append(text);
}

void LengthMark::close() {
    const std::size_t length = out_.size() - at_ - 4;
    TRIBUTARY_ASSERT(length < std::size_t{1} << 28U);
    char bytes[4];
    std::size_t count = 0;
    for (std::size_t left = length;;) {
        const auto low = static_cast<unsigned char>(left & 0x7FU);
        left >>= 7U;
        bytes[count++] =
            static_cast<char>(left == 0 ? low : static_cast<unsigned char>(low | 0x80U));
        if (left == 0) {
            break;
        }
    }
    out_.replace(at_, 4, bytes, count);
}

}  // namespace wire

namespace {

using wire::append_properties;
using wire::append_text;
using wire::LengthMark;

void append_header(std::string& out, PacketType type, unsigned flags = 0) {
    out.push_back(static_cast<char>(static_cast<unsigned>(type) << 4U | flags));
}

void append_u16(std::string& out, std::uint16_t value) {
    append_fixed(out, value, Endian::big);
}

void append_code(std::string& out, ReasonCode code) {
    out.push_back(static_cast<char>(code));
}

// Reason code and properties, left out from the end where they say nothing (3.4.2.1, 3.14.2.1).
void append_reason(std::string& out, ReasonCode reason, const Properties& properties) {
    const bool bare = properties.present == 0;
    if (reason == ReasonCode::success && bare) {
        return;
    }
    append_code(out, reason);
    if (!bare) {
        append_properties(properties, out);
    }
}

unsigned connect_flags(const Connect& packet) {
    unsigned flags = packet.clean_start ? 2 : 0;
    if (packet.will) {
        flags |= 4U | static_cast<unsigned>(packet.will->qos) << 3U;
        flags |= packet.will->retain ? 0x20U : 0U;
    }
    flags |= packet.password ? 0x40U : 0U;
    flags |= packet.user_name ? 0x80U : 0U;
    return flags;
}

// 3.1.1 3.2.2.3: five codes for every refusal.
std::uint8_t return_code_311(ReasonCode reason) {
    switch (static_cast<std::uint8_t>(reason)) {
        case 0x00:
            return 0;
        case 0x84:
            return 1;
        case 0x85:
            return 2;
        case 0x86:
        case 0x8C:
            return 4;
        case 0x87:
        case 0x8A:
            return 5;
        default:
            return 3;
    }
}

}  // namespace

void encode(const Connect& packet, std::string& out) {
    const bool v5 = packet.version == Version::v5;
    append_header(out, PacketType::connect);
    LengthMark length(out);
    append_text(out, "MQTT");
    out.push_back(static_cast<char>(packet.version));
    out.push_back(static_cast<char>(connect_flags(packet)));
    append_u16(out, packet.keep_alive_s);
    if (v5) {
        append_properties(packet.properties, out);
    }
    append_text(out, packet.client_id);
    if (packet.will) {
        if (v5) {
            append_properties(packet.will->properties, out);
        }
        append_text(out, packet.will->topic);
        append_text(out, packet.will->payload);
    }
    if (packet.user_name) {
        append_text(out, *packet.user_name);
    }
    if (packet.password) {
        append_text(out, *packet.password);
    }
    length.close();
}

void encode(const Connack& packet, Version version, std::string& out) {
    append_header(out, PacketType::connack);
    LengthMark length(out);
    out.push_back(packet.session_present ? '\1' : '\0');
    if (version == Version::v5) {
        append_code(out, packet.reason);
        append_properties(packet.properties, out);
    } else {
        out.push_back(static_cast<char>(return_code_311(packet.reason)));
    }
    length.close();
}

void encode(const Publish& packet, Version version, std::string& out) {
    const unsigned flags = (packet.dup ? 8U : 0U) | static_cast<unsigned>(packet.qos) << 1U |
                           (packet.retain ? 1U : 0U);
    append_header(out, PacketType::publish, flags);
    LengthMark length(out);
    append_text(out, packet.topic);
    if (packet.qos != Qos::at_most_once) {
        append_u16(out, packet.packet_id);
    }
    if (version == Version::v5) {
        append_properties(packet.properties, out);
    }
    out.append(packet.payload);
    length.close();
}

void encode(const Ack& packet, Version version, std::string& out) {
    append_header(out, packet.type, packet.type == PacketType::pubrel ? 2 : 0);
    LengthMark length(out);
    append_u16(out, packet.packet_id);
    if (version == Version::v5) {
        append_reason(out, packet.reason, packet.properties);
    }
    length.close();
}

void encode(const Subscribe& packet, Version version, std::string& out) {
    append_header(out, PacketType::subscribe, 2);
    LengthMark length(out);
    append_u16(out, packet.packet_id);
    if (version == Version::v5) {
        append_properties(packet.properties, out);
    }
    out.append(packet.subscriptions_view);
    length.close();
}

void encode(const Suback& packet, Version version, std::string& out) {
    append_header(out, PacketType::suback);
    LengthMark length(out);
    append_u16(out, packet.packet_id);
    if (version == Version::v5) {
        append_properties(packet.properties, out);
        out.append(packet.codes_view);
    } else {
        for (const char code : packet.codes_view) {
            const bool failed = (static_cast<unsigned char>(code) & 0x80U) != 0;
            append_code(out,
                        failed ? ReasonCode::unspecified_error : static_cast<ReasonCode>(code));
        }
    }
    length.close();
}

void encode(const Unsubscribe& packet, Version version, std::string& out) {
    append_header(out, PacketType::unsubscribe, 2);
    LengthMark length(out);
    append_u16(out, packet.packet_id);
    if (version == Version::v5) {
        append_properties(packet.properties, out);
    }
    out.append(packet.filters_view);
    length.close();
}

void encode(const Unsuback& packet, Version version, std::string& out) {
    append_header(out, PacketType::unsuback);
    LengthMark length(out);
    append_u16(out, packet.packet_id);
    if (version == Version::v5) {
        append_properties(packet.properties, out);
        out.append(packet.codes_view);
    }
    length.close();
}

void encode(const Disconnect& packet, Version version, std::string& out) {
    append_header(out, PacketType::disconnect);
    LengthMark length(out);
    if (version == Version::v5) {
        append_reason(out, packet.reason, packet.properties);
    }
    length.close();
}

void encode(const Auth& packet, std::string& out) {
    append_header(out, PacketType::auth);
    LengthMark length(out);
    append_reason(out, packet.reason, packet.properties);
    length.close();
}

void encode(const Pingreq& /*packet*/, std::string& out) {
    append_header(out, PacketType::pingreq);
    out.push_back('\0');
}

void encode(const Pingresp& /*packet*/, std::string& out) {
    append_header(out, PacketType::pingresp);
    out.push_back('\0');
}

void encode(const Packet& packet, Version version, std::string& out) {
    std::visit(
        [&](const auto& one) {
            if constexpr (requires { encode(one, out); }) {
                encode(one, out);
            } else {
                encode(one, version, out);
            }
        },
        packet);
}

void append_subscription(std::string& list, const Subscription& subscription, Version version) {
    append_text(list, subscription.filter);
    unsigned options = static_cast<unsigned>(subscription.qos);
    if (version == Version::v5) {
        options |= subscription.no_local ? 4U : 0U;
        options |= subscription.retain_as_published ? 8U : 0U;
        options |= static_cast<unsigned>(subscription.retain_handling) << 4U;
    }
    list.push_back(static_cast<char>(options));
}

void append_filter(std::string& list, std::string_view filter) {
    append_text(list, filter);
}

}  // namespace tributary::mqtt
