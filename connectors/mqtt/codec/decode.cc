// Decoding: each function reads one layout of MQTT 5.0 (3.1.1) chapter 3. The cursor checks every
// length; finish() that the packet was used up.
#include <string>

#include "connectors/mqtt/codec/codec.h"
#include "connectors/mqtt/codec/wire.h"

namespace tributary::mqtt {
namespace wire {

std::uint32_t Cursor::variable(const char* what) {
    const std::size_t begin = at_;
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        const auto byte = u8(what);
        value |= static_cast<std::uint32_t>(byte & 0x7FU) << shift;
        if ((byte & 0x80U) == 0) {
            if (byte == 0 && shift != 0) {
                malformed("variable byte integer is not in its shortest form", begin);
            }
            return ok_ ? value : 0;
        }
    }
    malformed("variable byte integer of more than four bytes", begin);
    return 0;
}

std::string_view Cursor::text(const char* what) {
    const std::size_t begin = at_;
    const auto view = binary(what);
    if (ok_ && !valid_utf8(view)) {
        malformed(what, begin);
        return {};
    }
    return view;
}

std::uint16_t Cursor::packet_id() {
    const auto id = u16("packet identifier cut short");
    if (ok_ && id == 0) {
        protocol_error("packet identifier 0", at_ - 2);
    }
    return id;
}

}  // namespace wire

namespace {

using wire::Cursor;

// MQTT 5.0 1.5.5 wants the shortest form of the remaining length too.
void check_minimal_length(Cursor& cursor, const Frame& frame, Version version) {
    if (version == Version::v5 && frame.body_at > 2 && frame.bytes[frame.body_at - 1] == '\0') {
        cursor.malformed("remaining length is not in its shortest form", 1);
    }
}

Cursor start(const Frame& frame, Version version) {
    Cursor cursor(frame);
    check_minimal_length(cursor, frame, version);
    return cursor;
}

template <typename T>
CodecResult<T> finish(Cursor& cursor, T& packet) {
    cursor.finish();
    if (!cursor.ok()) {
        return cursor.error();
    }
    return packet;
}

std::string_view read_topic(Cursor& cursor, const char* what) {
    const std::size_t at = cursor.at();
    const auto topic = cursor.binary(what);
    if (cursor.ok() && !valid_topic(topic)) {
        cursor.malformed(what, at);
    }
    return topic;
}

void read_will(Cursor& cursor, Version version, unsigned flags, Connect& out) {
    Will& will = out.will.emplace();
    will.qos = static_cast<Qos>(flags >> 3U & 3U);
    will.retain = (flags & 0x20U) != 0;
    if (version == Version::v5) {
        wire::read_properties(cursor, wire::kWillProperties, false, will.properties);
    }
    will.topic = read_topic(cursor, "will topic is not a topic name");
    will.payload = cursor.binary("will payload cut short");
}

// 3.1.2.3: the bits of the connect flags that exclude each other.
void check_connect_flags(Cursor& cursor, Version version, unsigned flags, std::size_t at) {
    const bool will = (flags & 0x04U) != 0;
    const bool password_only = (flags & 0xC0U) == 0x40U;
    if ((flags & 1U) != 0) {
        cursor.malformed("reserved connect flag is set", at);
    } else if (!will && (flags & 0x38U) != 0) {
        cursor.malformed("will QoS or will retain without a will", at);
    } else if ((flags & 0x18U) == 0x18U) {
        cursor.malformed("will QoS 3", at);
    } else if (version == Version::v3_1_1 && password_only) {
        cursor.malformed("password without user name", at);
    }
}

bool one_of(ReasonCode code, std::string_view codes) {
    return codes.find(static_cast<char>(code)) != std::string_view::npos;
}

using std::literals::string_view_literals::operator""sv;

constexpr auto kPubackCodes = "\x00\x10\x80\x83\x87\x90\x91\x97\x99"sv;
constexpr auto kPubrelCodes = "\x00\x92"sv;
constexpr auto kConnackCodes =
    "\x00\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8A\x8C\x90\x95\x97\x99\x9A\x9B\x9C\x9D\x9F"sv;
constexpr auto kSubackCodes = "\x00\x01\x02\x80\x83\x87\x8F\x91\x97\x9E\xA1\xA2"sv;
constexpr auto kSubackCodes311 = "\x00\x01\x02\x80"sv;
constexpr auto kUnsubackCodes = "\x00\x11\x80\x83\x87\x8F\x91"sv;
constexpr auto kDisconnectCodes =
    "\x00\x04\x80\x81\x82\x83\x87\x89\x8B\x8D\x8E\x8F\x90\x93\x94\x95\x96\x97\x98\x99\x9A\x9B\x9C"
    "\x9D\x9E\x9F\xA0\xA1\xA2"sv;
constexpr auto kAuthCodes = "\x00\x18\x19"sv;

// A reason code, which must be one that the packet may have (2.4).
ReasonCode read_reason(Cursor& cursor, std::string_view allowed) {
    const std::size_t at = cursor.at();
    const auto code = static_cast<ReasonCode>(cursor.u8("reason code cut short"));
    if (cursor.ok() && !one_of(code, allowed)) {
        cursor.protocol_error("reason code that this packet does not have", at);
    }
    return code;
}

void check_codes(Cursor& cursor, std::string_view codes, std::string_view allowed) {
    const std::size_t begin = cursor.at() - codes.size();
    if (cursor.ok() && codes.empty()) {
        cursor.protocol_error("no reason code", begin);
    }
    for (std::size_t index = 0; index < codes.size(); ++index) {
        if (!one_of(static_cast<ReasonCode>(codes[index]), allowed)) {
            cursor.protocol_error("reason code that this packet does not have", begin + index);
            return;
        }
    }
}

ReasonCode connack_reason_311(Cursor& cursor) {
    constexpr ReasonCode kCodes[] = {ReasonCode::success,
                                     ReasonCode::unsupported_protocol_version,
                                     ReasonCode::client_identifier_not_valid,
                                     ReasonCode::server_unavailable,
                                     ReasonCode::bad_user_name_or_password,
                                     ReasonCode::not_authorized};
    const std::size_t at = cursor.at();
    const auto code = cursor.u8("return code cut short");
    if (code >= std::size(kCodes)) {
        cursor.protocol_error("unknown return code", at);
        return ReasonCode::unspecified_error;
    }
    return kCodes[code];
}

// Options of one filter (3.8.3.1; 3.1.1: the requested QoS alone).
void check_subscription(Cursor& cursor,
                        std::string_view filter,
                        unsigned options,
                        Version version) {
    const std::size_t at = cursor.at() - 1;
    if (!valid_filter(filter)) {
        cursor.fail(ReasonCode::topic_filter_invalid, "topic filter is not valid", at);
    } else if ((options & 3U) == 3) {
        cursor.malformed("subscription QoS 3", at);
    } else if ((options & (version == Version::v5 ? 0xC0U : 0xFCU)) != 0) {
        cursor.malformed("reserved subscription option is set", at);
    } else if ((options & 0x30U) == 0x30U) {
        cursor.protocol_error("retain handling 3", at);
    } else if ((options & 4U) != 0 && filter.starts_with("$share/")) {
        cursor.protocol_error("no local on a shared subscription", at);
    }
}

}  // namespace

CodecResult<Connect> decode_connect(const Frame& frame) {
    Cursor cursor(frame);
    Connect packet;
    const std::size_t name_at = cursor.at();
    const auto protocol = cursor.binary("protocol name cut short");
    const auto level = cursor.u8("protocol level cut short");
    if (cursor.ok() && (protocol != "MQTT" || (level != 4 && level != 5))) {
        cursor.fail(ReasonCode::unsupported_protocol_version, "neither MQTT 3.1.1 nor 5", name_at);
    }
    if (!cursor.ok()) {
        return cursor.error();
    }
    packet.version = static_cast<Version>(level);
    check_minimal_length(cursor, frame, packet.version);
    const std::size_t flags_at = cursor.at();
    const unsigned flags = cursor.u8("connect flags cut short");
    check_connect_flags(cursor, packet.version, flags, flags_at);
    packet.clean_start = (flags & 2U) != 0;
    packet.keep_alive_s = cursor.u16("keep alive cut short");
    if (packet.version == Version::v5) {
        wire::read_properties(cursor, wire::kConnectProperties, false, packet.properties);
    }
    packet.client_id = cursor.text("client identifier is not UTF-8 or cut short");
    if (cursor.ok() && (flags & 4U) != 0) {
        read_will(cursor, packet.version, flags, packet);
    }
    if (cursor.ok() && (flags & 0x80U) != 0) {
        packet.user_name = cursor.text("user name is not UTF-8 or cut short");
    }
    if (cursor.ok() && (flags & 0x40U) != 0) {
        packet.password = cursor.binary("password cut short");
    }
    return finish(cursor, packet);
}

CodecResult<Connack> decode_connack(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Connack packet;
    const std::size_t at = cursor.at();
    const auto flags = cursor.u8("acknowledge flags cut short");
    if (flags > 1) {
        cursor.malformed("reserved acknowledge flag is set", at);
    }
    packet.session_present = flags == 1;
    packet.reason =
        version == Version::v5 ? read_reason(cursor, kConnackCodes) : connack_reason_311(cursor);
    if (packet.session_present && packet.reason != ReasonCode::success) {
        cursor.protocol_error("session present in a refusal", at);
    }
    if (version == Version::v5) {
        wire::read_properties(cursor, wire::kConnackProperties, false, packet.properties);
    }
    return finish(cursor, packet);
}

CodecResult<Publish> decode_publish(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Publish packet;
    const unsigned flags = frame.header();
    packet.dup = (flags & 8U) != 0;
    packet.retain = (flags & 1U) != 0;
    packet.qos = static_cast<Qos>(flags >> 1U & 3U);
    if ((flags & 6U) == 6) {
        cursor.malformed("QoS 3", 0);
    }
    if (packet.dup && packet.qos == Qos::at_most_once) {
        cursor.malformed("dup on QoS 0", 0);
    }
    const std::size_t topic_at = cursor.at();
    packet.topic = cursor.binary("topic cut short");
    const bool alias_only = packet.topic.empty() && version == Version::v5;
    if (cursor.ok() && !alias_only && !valid_topic(packet.topic)) {
        cursor.malformed("topic is not UTF-8, is empty or has a wildcard", topic_at);
    }
    if (packet.qos != Qos::at_most_once) {
        packet.packet_id = cursor.packet_id();
    }
    if (version == Version::v5) {
        wire::read_properties(cursor, wire::kPublishProperties, true, packet.properties);
    }
    if (cursor.ok() && alias_only && !packet.properties.has(PropertyId::topic_alias)) {
        cursor.protocol_error("neither topic nor topic alias", topic_at);
    }
    packet.payload = cursor.rest();
    return finish(cursor, packet);
}

CodecResult<Ack> decode_ack(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Ack packet;
    packet.type = frame.type();
    packet.packet_id = cursor.packet_id();
    if (version == Version::v5 && cursor.remaining() > 0) {
        const bool first_half =
            packet.type == PacketType::puback || packet.type == PacketType::pubrec;
        packet.reason = read_reason(cursor, first_half ? kPubackCodes : kPubrelCodes);
        if (cursor.remaining() > 0) {
            wire::read_properties(cursor, wire::kAckProperties, false, packet.properties);
        }
    }
    return finish(cursor, packet);
}

CodecResult<Subscribe> decode_subscribe(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Subscribe packet;
    packet.packet_id = cursor.packet_id();
    if (version == Version::v5) {
        wire::read_properties(cursor, wire::kSubscribeProperties, false, packet.properties);
    }
    const std::size_t begin = cursor.at();
    if (cursor.ok() && cursor.remaining() == 0) {
        cursor.protocol_error("no topic filter", begin);
    }
    while (cursor.ok() && cursor.remaining() > 0) {
        const auto filter = cursor.text("topic filter is not UTF-8 or cut short");
        const unsigned options = cursor.u8("subscription options cut short");
        if (cursor.ok()) {
            check_subscription(cursor, filter, options, version);
        }
    }
    if (cursor.ok()) {
        packet.subscriptions_view = cursor.since(begin);
    }
    return finish(cursor, packet);
}

CodecResult<Suback> decode_suback(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Suback packet;
    packet.packet_id = cursor.packet_id();
    if (version == Version::v5) {
        wire::read_properties(cursor, wire::kAckProperties, false, packet.properties);
    }
    packet.codes_view = cursor.rest();
    check_codes(cursor, packet.codes_view, version == Version::v5 ? kSubackCodes : kSubackCodes311);
    return finish(cursor, packet);
}

CodecResult<Unsubscribe> decode_unsubscribe(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Unsubscribe packet;
    packet.packet_id = cursor.packet_id();
    if (version == Version::v5) {
        wire::read_properties(cursor, wire::kUnsubscribeProperties, false, packet.properties);
    }
    const std::size_t begin = cursor.at();
    if (cursor.ok() && cursor.remaining() == 0) {
        cursor.protocol_error("no topic filter", begin);
    }
    while (cursor.ok() && cursor.remaining() > 0) {
        const std::size_t at = cursor.at();
        const auto filter = cursor.text("topic filter is not UTF-8 or cut short");
        if (cursor.ok() && !valid_filter(filter)) {
            cursor.fail(ReasonCode::topic_filter_invalid, "topic filter is not valid", at);
        }
    }
    if (cursor.ok()) {
        packet.filters_view = cursor.since(begin);
    }
    return finish(cursor, packet);
}

CodecResult<Unsuback> decode_unsuback(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Unsuback packet;
    packet.packet_id = cursor.packet_id();
    if (version == Version::v5) {
        wire::read_properties(cursor, wire::kAckProperties, false, packet.properties);
        packet.codes_view = cursor.rest();
        check_codes(cursor, packet.codes_view, kUnsubackCodes);
    }
    return finish(cursor, packet);
}

CodecResult<Disconnect> decode_disconnect(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Disconnect packet;
    if (version == Version::v5 && cursor.remaining() > 0) {
        packet.reason = read_reason(cursor, kDisconnectCodes);
        if (cursor.remaining() > 0) {
            wire::read_properties(cursor, wire::kDisconnectProperties, false, packet.properties);
        }
    }
    return finish(cursor, packet);
}

CodecResult<Auth> decode_auth(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    Auth packet;
    if (version != Version::v5) {
        cursor.malformed("AUTH is not a packet of MQTT 3.1.1", 0);
    }
    if (cursor.remaining() > 0) {
        packet.reason = read_reason(cursor, kAuthCodes);
        if (cursor.remaining() > 0) {
            wire::read_properties(cursor, wire::kAuthProperties, false, packet.properties);
        }
    }
    return finish(cursor, packet);
}

namespace {

template <typename T>
CodecResult<Packet> widen(CodecResult<T>&& decoded) {
    if (decoded.has_error()) {
        return std::move(decoded).error();
    }
    return Packet(std::move(decoded).value());
}

template <typename T>
CodecResult<Packet> decode_empty(const Frame& frame, Version version) {
    Cursor cursor = start(frame, version);
    T packet;
    return widen(finish(cursor, packet));
}

}  // namespace

CodecResult<Packet> decode(const Frame& frame, Version version) {
    switch (frame.type()) {
        case PacketType::connect:
            return widen(decode_connect(frame));
        case PacketType::connack:
            return widen(decode_connack(frame, version));
        case PacketType::publish:
            return widen(decode_publish(frame, version));
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp:
            return widen(decode_ack(frame, version));
        case PacketType::subscribe:
            return widen(decode_subscribe(frame, version));
        case PacketType::suback:
            return widen(decode_suback(frame, version));
        case PacketType::unsubscribe:
            return widen(decode_unsubscribe(frame, version));
        case PacketType::unsuback:
            return widen(decode_unsuback(frame, version));
        case PacketType::pingreq:
            return decode_empty<Pingreq>(frame, version);
        case PacketType::pingresp:
            return decode_empty<Pingresp>(frame, version);
        case PacketType::disconnect:
            return widen(decode_disconnect(frame, version));
        case PacketType::auth:
            return widen(decode_auth(frame, version));
    }
    return CodecError{.header = frame.header(), .what = "packet type 0"};
}

bool SubscriptionReader::next(Subscription& subscription) noexcept {
    if (reader_.at_end()) {
        return false;
    }
    subscription.filter = reader_.bytes(reader_.fixed<std::uint16_t>(Endian::big));
    const unsigned options = reader_.fixed<std::uint8_t>();
    subscription.qos = static_cast<Qos>(options & 3U);
    subscription.no_local = (options & 4U) != 0;
    subscription.retain_as_published = (options & 8U) != 0;
    subscription.retain_handling = static_cast<RetainHandling>(options >> 4U & 3U);
    return reader_.ok();
}

bool FilterReader::next(std::string_view& filter) noexcept {
    if (reader_.at_end()) {
        return false;
    }
    filter = reader_.bytes(reader_.fixed<std::uint16_t>(Endian::big));
    return reader_.ok();
}

}  // namespace tributary::mqtt
