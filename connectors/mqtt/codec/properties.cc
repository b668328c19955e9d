// Properties (MQTT 5.0 2.2.2), read and written, and the list readers of packets.h.
//
// | type on the wire | properties |
// |------------------|------------|
// | byte             | 1 23 25 36 37 40 41 42 |
// | two bytes        | 19 33 34 35 |
// | four bytes       | 2 17 24 39 |
// | variable         | 11 |
// | UTF-8 string     | 3 8 18 21 26 28 31 |
// | binary           | 9 22 |
// | string pair      | 38 |
#include "base/assert.h"
#include "connectors/mqtt/codec/wire.h"

namespace tributary::mqtt {
namespace wire {

using P = PropertyId;

const PropertySet kConnectProperties = property_set(P::session_expiry_interval,
                                                    P::receive_maximum,
                                                    P::maximum_packet_size,
                                                    P::topic_alias_maximum,
                                                    P::request_response_information,
                                                    P::request_problem_information,
                                                    P::user_property,
                                                    P::authentication_method,
                                                    P::authentication_data);
const PropertySet kConnackProperties = property_set(P::session_expiry_interval,
                                                    P::receive_maximum,
                                                    P::maximum_qos,
                                                    P::retain_available,
                                                    P::maximum_packet_size,
                                                    P::assigned_client_identifier,
                                                    P::topic_alias_maximum,
                                                    P::reason_string,
                                                    P::user_property,
                                                    P::wildcard_subscription_available,
                                                    P::subscription_identifier_available,
                                                    P::shared_subscription_available,
                                                    P::server_keep_alive,
                                                    P::response_information,
                                                    P::server_reference,
                                                    P::authentication_method,
                                                    P::authentication_data);
const PropertySet kPublishProperties = property_set(P::payload_format_indicator,
                                                    P::message_expiry_interval,
                                                    P::topic_alias,
                                                    P::response_topic,
                                                    P::correlation_data,
                                                    P::user_property,
                                                    P::subscription_identifier,
                                                    P::content_type);
const PropertySet kWillProperties = property_set(P::will_delay_interval,
                                                 P::payload_format_indicator,
                                                 P::message_expiry_interval,
                                                 P::content_type,
                                                 P::response_topic,
                                                 P::correlation_data,
                                                 P::user_property);
const PropertySet kAckProperties = property_set(P::reason_string, P::user_property);
const PropertySet kSubscribeProperties = property_set(P::subscription_identifier, P::user_property);
const PropertySet kUnsubscribeProperties = property_set(P::user_property);
const PropertySet kDisconnectProperties = property_set(
    P::session_expiry_interval, P::reason_string, P::user_property, P::server_reference);
const PropertySet kAuthProperties = property_set(
    P::authentication_method, P::authentication_data, P::reason_string, P::user_property);

namespace {

std::uint8_t at_most_one(Cursor& cursor) {
    const auto value = cursor.u8("property cut short");
    if (value > 1) {
        cursor.protocol_error("property is neither 0 nor 1", cursor.at() - 1);
    }
    return value;
}

std::uint16_t positive_u16(Cursor& cursor, ReasonCode reason) {
    const auto value = cursor.u16("property cut short");
    if (value == 0) {
        cursor.fail(reason, "property must not be 0", cursor.at());
    }
    return value;
}

std::uint32_t four_bytes(Cursor& cursor) {
    return cursor.u32("property cut short");
}

std::string_view topic(Cursor& cursor) {
    const auto text = cursor.text("response topic is not UTF-8 or cut short");
    if (cursor.ok() && !valid_topic(text)) {
        cursor.protocol_error("response topic is not a topic name", cursor.at());
    }
    return text;
}

void positive_size(Cursor& cursor, std::uint32_t& out) {
    out = four_bytes(cursor);
    if (out == 0) {
        cursor.protocol_error("maximum packet size must not be 0", cursor.at());
    }
}

void identifier(Cursor& cursor) {
    if (cursor.variable("subscription identifier is not a variable byte integer") == 0) {
        cursor.protocol_error("subscription identifier must not be 0", cursor.at());
    }
}

void pair(Cursor& cursor) {
    static_cast<void>(cursor.text("user property is not UTF-8 or cut short"));
    static_cast<void>(cursor.text("user property is not UTF-8 or cut short"));
}

constexpr const char* kText = "string property is not UTF-8 or cut short";
constexpr const char* kBinary = "binary property cut short";

void read_value(Cursor& cursor, PropertyId id, Properties& out) {
    switch (id) {
        case P::payload_format_indicator:
            out.payload_format_indicator = at_most_one(cursor);
            break;
        case P::message_expiry_interval:
            out.message_expiry_interval_s = four_bytes(cursor);
            break;
        case P::content_type:
            out.content_type = cursor.text(kText);
            break;
        case P::response_topic:
            out.response_topic = topic(cursor);
            break;
        case P::correlation_data:
            out.correlation_data = cursor.binary(kBinary);
            break;
        case P::subscription_identifier:
            identifier(cursor);
            break;
        case P::session_expiry_interval:
            out.session_expiry_interval_s = four_bytes(cursor);
            break;
        case P::assigned_client_identifier:
            out.assigned_client_identifier = cursor.text(kText);
            break;
        case P::server_keep_alive:
            out.server_keep_alive_s = cursor.u16("property cut short");
            break;
        case P::authentication_method:
            out.authentication_method = cursor.text(kText);
            break;
        case P::authentication_data:
            out.authentication_data = cursor.binary(kBinary);
            break;
        case P::request_problem_information:
            out.request_problem_information = at_most_one(cursor);
            break;
        case P::will_delay_interval:
            out.will_delay_interval_s = four_bytes(cursor);
            break;
        case P::request_response_information:
            out.request_response_information = at_most_one(cursor);
            break;
        case P::response_information:
            out.response_information = cursor.text(kText);
            break;
        case P::server_reference:
            out.server_reference = cursor.text(kText);
            break;
        case P::reason_string:
            out.reason_string = cursor.text(kText);
            break;
        case P::receive_maximum:
            out.receive_maximum = positive_u16(cursor, ReasonCode::protocol_error);
            break;
        case P::topic_alias_maximum:
            out.topic_alias_maximum = cursor.u16("property cut short");
            break;
        case P::topic_alias:
            out.topic_alias = positive_u16(cursor, ReasonCode::topic_alias_invalid);
            break;
        case P::maximum_qos:
            out.maximum_qos = at_most_one(cursor);
            break;
        case P::retain_available:
            out.retain_available = at_most_one(cursor);
            break;
        case P::user_property:
            pair(cursor);
            break;
        case P::maximum_packet_size:
            positive_size(cursor, out.maximum_packet_size);
            break;
        case P::wildcard_subscription_available:
            out.wildcard_subscription_available = at_most_one(cursor);
            break;
        case P::subscription_identifier_available:
            out.subscription_identifier_available = at_most_one(cursor);
            break;
        case P::shared_subscription_available:
            out.shared_subscription_available = at_most_one(cursor);
            break;
    }
}

bool may_repeat(PropertyId id, bool several_identifiers) {
    return id == P::user_property || (id == P::subscription_identifier && several_identifiers);
}

void append_u8(std::string& out, PropertyId id, std::uint8_t value) {
    out.push_back(static_cast<char>(id));
    out.push_back(static_cast<char>(value));
}

template <std::unsigned_integral T>
void append_number(std::string& out, PropertyId id, T value) {
    out.push_back(static_cast<char>(id));
    append_fixed(out, value, Endian::big);
}

void append_string(std::string& out, PropertyId id, std::string_view value) {
    out.push_back(static_cast<char>(id));
    append_text(out, value);
}

void append_value(std::string& out, PropertyId id, const Properties& in) {
    switch (id) {
        case P::payload_format_indicator:
            append_u8(out, id, in.payload_format_indicator);
            break;
        case P::message_expiry_interval:
            append_number(out, id, in.message_expiry_interval_s);
            break;
        case P::content_type:
            append_string(out, id, in.content_type);
            break;
        case P::response_topic:
            append_string(out, id, in.response_topic);
            break;
        case P::correlation_data:
            append_string(out, id, in.correlation_data);
            break;
        case P::session_expiry_interval:
            append_number(out, id, in.session_expiry_interval_s);
            break;
        case P::assigned_client_identifier:
            append_string(out, id, in.assigned_client_identifier);
            break;
        case P::server_keep_alive:
            append_number(out, id, in.server_keep_alive_s);
            break;
        case P::authentication_method:
            append_string(out, id, in.authentication_method);
            break;
        case P::authentication_data:
            append_string(out, id, in.authentication_data);
            break;
        case P::request_problem_information:
            append_u8(out, id, in.request_problem_information);
            break;
        case P::will_delay_interval:
            append_number(out, id, in.will_delay_interval_s);
            break;
        case P::request_response_information:
            append_u8(out, id, in.request_response_information);
            break;
        case P::response_information:
            append_string(out, id, in.response_information);
            break;
        case P::server_reference:
            append_string(out, id, in.server_reference);
            break;
        case P::reason_string:
            append_string(out, id, in.reason_string);
            break;
        case P::receive_maximum:
            append_number(out, id, in.receive_maximum);
            break;
        case P::topic_alias_maximum:
            append_number(out, id, in.topic_alias_maximum);
            break;
        case P::topic_alias:
            append_number(out, id, in.topic_alias);
            break;
        case P::maximum_qos:
            append_u8(out, id, in.maximum_qos);
            break;
        case P::retain_available:
            append_u8(out, id, in.retain_available);
            break;
        case P::maximum_packet_size:
            append_number(out, id, in.maximum_packet_size);
            break;
        case P::wildcard_subscription_available:
            append_u8(out, id, in.wildcard_subscription_available);
            break;
        case P::subscription_identifier_available:
            append_u8(out, id, in.subscription_identifier_available);
            break;
        case P::shared_subscription_available:
            append_u8(out, id, in.shared_subscription_available);
            break;
        case P::subscription_identifier:
        case P::user_property:
            break;  // from list_view
    }
}

// Moves `reader` over the value of a property that is not wanted. The bytes were checked.
void skip_value(ByteReader& reader, PropertyId id) {
    switch (id) {
        case P::payload_format_indicator:
        case P::request_problem_information:
        case P::request_response_information:
        case P::maximum_qos:
        case P::retain_available:
        case P::wildcard_subscription_available:
        case P::subscription_identifier_available:
        case P::shared_subscription_available:
            static_cast<void>(reader.bytes(1));
            return;
        case P::server_keep_alive:
        case P::receive_maximum:
        case P::topic_alias_maximum:
        case P::topic_alias:
            static_cast<void>(reader.bytes(2));
            return;
        case P::message_expiry_interval:
        case P::session_expiry_interval:
        case P::will_delay_interval:
        case P::maximum_packet_size:
            static_cast<void>(reader.bytes(4));
            return;
        case P::subscription_identifier:
            static_cast<void>(reader.varint());
            return;
        case P::content_type:
        case P::response_topic:
        case P::correlation_data:
        case P::assigned_client_identifier:
        case P::authentication_method:
        case P::authentication_data:
        case P::response_information:
        case P::server_reference:
        case P::reason_string:
            static_cast<void>(reader.bytes(reader.fixed<std::uint16_t>(Endian::big)));
            return;
        case P::user_property:
            static_cast<void>(reader.bytes(reader.fixed<std::uint16_t>(Endian::big)));
            static_cast<void>(reader.bytes(reader.fixed<std::uint16_t>(Endian::big)));
            return;
    }
    reader.fail();
}

// Moves `reader` behind the identifier of the next property `wanted`; false at the end.
bool find_property(ByteReader& reader, PropertyId wanted) {
    while (!reader.at_end()) {
        const auto id = static_cast<PropertyId>(reader.fixed<std::uint8_t>());
        if (id == wanted) {
            return true;
        }
        skip_value(reader, id);
    }
    return false;
}

}  // namespace

void read_properties(Cursor& cursor,
                     PropertySet allowed,
                     bool several_identifiers,
                     Properties& out) {
    const std::size_t length_at = cursor.at();
    const std::uint32_t length = cursor.variable("property length is not valid");
    if (length == 0) {
        return;
    }
    if (cursor.remaining() < length) {
        cursor.malformed("properties are longer than the packet", length_at);
        return;
    }
    const std::size_t begin = cursor.at();
    const std::size_t end = begin + length;
    while (cursor.ok() && cursor.at() < end) {
        const std::size_t at = cursor.at();
        const auto number = cursor.u8("");
        const auto id = static_cast<PropertyId>(number);
        if (number >= 64 || (allowed >> number & 1U) == 0) {
            cursor.malformed("property that this packet does not have", at);
            return;
        }
        if (out.has(id) && !may_repeat(id, several_identifiers)) {
            cursor.protocol_error("property occurs twice", at);
            return;
        }
        out.set(id);
        read_value(cursor, id, out);
    }
    if (cursor.ok() && cursor.at() != end) {
        cursor.malformed("property reaches beyond the property length", length_at);
    }
    if (cursor.ok() && out.has(P::authentication_data) && !out.has(P::authentication_method)) {
        cursor.protocol_error("authentication data without a method", length_at);
    }
    out.list_view = cursor.since(begin);
}

void append_properties(const Properties& properties, std::string& out) {
    LengthMark length(out);
    for (unsigned number = 1; properties.present >> number != 0; ++number) {
        if ((properties.present >> number & 1U) != 0) {
            append_value(out, static_cast<PropertyId>(number), properties);
        }
    }
    SubscriptionIdentifierReader identifiers(properties);
    for (std::uint32_t value = 0; identifiers.next(value);) {
        append_subscription_identifier(out, value);
    }
    UserPropertyReader users(properties);
    for (UserProperty user; users.next(user);) {
        append_user_property(out, user.key, user.value);
    }
    length.close();
}

}  // namespace wire

bool UserPropertyReader::next(UserProperty& property) noexcept {
    if (!wire::find_property(reader_, PropertyId::user_property)) {
        return false;
    }
    property.key = reader_.bytes(reader_.fixed<std::uint16_t>(Endian::big));
    property.value = reader_.bytes(reader_.fixed<std::uint16_t>(Endian::big));
    return reader_.ok();
}

bool SubscriptionIdentifierReader::next(std::uint32_t& identifier) noexcept {
    if (!wire::find_property(reader_, PropertyId::subscription_identifier)) {
        return false;
    }
    identifier = static_cast<std::uint32_t>(reader_.varint());
    return reader_.ok();
}

void append_user_property(std::string& list, std::string_view key, std::string_view value) {
    list.push_back(static_cast<char>(PropertyId::user_property));
    wire::append_text(list, key);
    wire::append_text(list, value);
}

void append_subscription_identifier(std::string& list, std::uint32_t identifier) {
    list.push_back(static_cast<char>(PropertyId::subscription_identifier));
    wire::append_variable(list, identifier);
}

}  // namespace tributary::mqtt
