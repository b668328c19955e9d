// MQTT control packets of 3.1.1 and 5.0 as plain structs, both roles.
// Every view points into the packet's bytes (decoding) or into the caller's (encoding) and is good
// only as long as those are. Lists (user properties, topic filters, reason codes) stay in wire form
// and are walked with a reader, so that nothing is allocated for them.
// MQTT 3.1.1 and MQTT 5.0 (OASIS), chapters 2 and 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/bytes.h"

namespace tributary::mqtt {

enum class Version : std::uint8_t { v3_1_1 = 4, v5 = 5 };

enum class PacketType : std::uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
    disconnect = 14,
    auth = 15,
};

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

// MQTT 5.0 2.4. For 3.1.1 the return codes of CONNACK and SUBACK are given as their counterparts
// here (1 0x84, 2 0x85, 3 0x88, 4 0x86, 5 0x87; SUBACK failure 0x80).
enum class ReasonCode : std::uint8_t {
    success = 0x00,  // also normal disconnection, granted QoS 0
    granted_qos_1 = 0x01,
    granted_qos_2 = 0x02,
    disconnect_with_will = 0x04,
    no_matching_subscribers = 0x10,
    no_subscription_existed = 0x11,
    continue_authentication = 0x18,
    reauthenticate = 0x19,
    unspecified_error = 0x80,
    malformed_packet = 0x81,
    protocol_error = 0x82,
    implementation_specific_error = 0x83,
    unsupported_protocol_version = 0x84,
    client_identifier_not_valid = 0x85,
    bad_user_name_or_password = 0x86,
    not_authorized = 0x87,
    server_unavailable = 0x88,
    server_busy = 0x89,
    banned = 0x8A,
    server_shutting_down = 0x8B,
    bad_authentication_method = 0x8C,
    keep_alive_timeout = 0x8D,
    session_taken_over = 0x8E,
    topic_filter_invalid = 0x8F,
    topic_name_invalid = 0x90,
    packet_identifier_in_use = 0x91,
    packet_identifier_not_found = 0x92,
    receive_maximum_exceeded = 0x93,
    topic_alias_invalid = 0x94,
    packet_too_large = 0x95,
    message_rate_too_high = 0x96,
    quota_exceeded = 0x97,
    administrative_action = 0x98,
    payload_format_invalid = 0x99,
    retain_not_supported = 0x9A,
    qos_not_supported = 0x9B,
    use_another_server = 0x9C,
    server_moved = 0x9D,
    shared_subscriptions_not_supported = 0x9E,
    connection_rate_exceeded = 0x9F,
    maximum_connect_time = 0xA0,
    subscription_identifiers_not_supported = 0xA1,
    wildcard_subscriptions_not_supported = 0xA2,
};

// "quota exceeded (0x97)"; "reason 0x33" for a number that MQTT 5 does not know.
[[nodiscard]] std::string_view name(ReasonCode code) noexcept;
[[nodiscard]] std::string to_string(ReasonCode code);
[[nodiscard]] std::string_view name(PacketType type) noexcept;

// MQTT 5.0 2.2.2.2.
enum class PropertyId : std::uint8_t {
    payload_format_indicator = 1,
    message_expiry_interval = 2,
    content_type = 3,
    response_topic = 8,
    correlation_data = 9,
    subscription_identifier = 11,
    session_expiry_interval = 17,
    assigned_client_identifier = 18,
    server_keep_alive = 19,
    authentication_method = 21,
    authentication_data = 22,
    request_problem_information = 23,
    will_delay_interval = 24,
    request_response_information = 25,
    response_information = 26,
    server_reference = 28,
    reason_string = 31,
    receive_maximum = 33,
    topic_alias_maximum = 34,
    topic_alias = 35,
    maximum_qos = 36,
    retain_available = 37,
    user_property = 38,
    maximum_packet_size = 39,
    wildcard_subscription_available = 40,
    subscription_identifier_available = 41,
    shared_subscription_available = 42,
};

struct UserProperty {
    std::string_view key;
    std::string_view value;
};

// The properties of one packet. A field means something only where has() says so; the two that may
// occur several times are walked in `list_view`.
struct Properties {
    std::uint64_t present = 0;  // bit n: property n
    std::uint32_t message_expiry_interval_s = 0;
    std::uint32_t session_expiry_interval_s = 0;  // 0xFFFFFFFF: never
    std::uint32_t will_delay_interval_s = 0;
    std::uint32_t maximum_packet_size = 0;
    std::uint16_t server_keep_alive_s = 0;
    std::uint16_t receive_maximum = 0;
    std::uint16_t topic_alias_maximum = 0;
    std::uint16_t topic_alias = 0;
    std::uint8_t payload_format_indicator = 0;
    std::uint8_t request_problem_information = 1;
    std::uint8_t request_response_information = 0;
    std::uint8_t maximum_qos = 2;
    std::uint8_t retain_available = 1;
    std::uint8_t wildcard_subscription_available = 1;
    std::uint8_t subscription_identifier_available = 1;
    std::uint8_t shared_subscription_available = 1;
    std::string_view content_type;
    std::string_view response_topic;
    std::string_view correlation_data;
    std::string_view assigned_client_identifier;
    std::string_view authentication_method;
    std::string_view authentication_data;
    std::string_view response_information;
    std::string_view server_reference;
    std::string_view reason_string;
    // Properties in wire form. Decoded: the whole section, checked. To encode: what
    // append_user_property() and append_subscription_identifier() made. Readers and encoder take
    // only user properties and subscription identifiers from it.
    std::string_view list_view;

    [[nodiscard]] bool has(PropertyId id) const noexcept {
        return (present >> static_cast<unsigned>(id) & 1U) != 0;
    }
    Properties& set(PropertyId id) noexcept {
        present |= std::uint64_t{1} << static_cast<unsigned>(id);
        return *this;
    }
};

// Walks `list_view` in wire order. The bytes were checked when the packet was decoded.
class UserPropertyReader {
  public:
    explicit UserPropertyReader(const Properties& properties) : reader_(properties.list_view) {}
    [[nodiscard]] bool next(UserProperty& property) noexcept;

  private:
    ByteReader reader_;
};

class SubscriptionIdentifierReader {
  public:
    explicit SubscriptionIdentifierReader(const Properties& properties)
        : reader_(properties.list_view) {}
    [[nodiscard]] bool next(std::uint32_t& identifier) noexcept;

  private:
    ByteReader reader_;
};

struct Will {
    std::string_view topic;
    std::string_view payload;
    Qos qos = Qos::at_most_once;
    bool retain = false;
    Properties properties;
};

struct Connect {
    Version version = Version::v5;
    bool clean_start = false;        // 3.1.1: clean session
    std::uint16_t keep_alive_s = 0;  // 0: none
    std::string_view client_id;
    std::optional<Will> will;
    std::optional<std::string_view> user_name;
    std::optional<std::string_view> password;  // binary
    Properties properties;
};

struct Connack {
    bool session_present = false;
    ReasonCode reason = ReasonCode::success;
    Properties properties;
};

struct Publish {
    std::string_view topic;  // empty: only a topic alias was sent
    std::string_view payload;
    Qos qos = Qos::at_most_once;
    bool dup = false;
    bool retain = false;
    std::uint16_t packet_id = 0;  // QoS 1 and 2
    Properties properties;
};

// PUBACK, PUBREC, PUBREL and PUBCOMP.
struct Ack {
    PacketType type = PacketType::puback;
    std::uint16_t packet_id = 0;
    ReasonCode reason = ReasonCode::success;
    Properties properties;
};

enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, never = 2 };

struct Subscription {
    std::string_view filter;
    Qos qos = Qos::at_most_once;
    // MQTT 5 only.
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send;
};

struct Subscribe {
    std::uint16_t packet_id = 0;
    std::string_view subscriptions_view;  // wire form, checked; append_subscription() makes it
    Properties properties;
};

// Walks the filters of a SUBSCRIBE.
class SubscriptionReader {
  public:
    explicit SubscriptionReader(const Subscribe& subscribe)
        : reader_(subscribe.subscriptions_view) {}
    [[nodiscard]] bool next(Subscription& subscription) noexcept;

  private:
    ByteReader reader_;
};

struct Unsubscribe {
    std::uint16_t packet_id = 0;
    std::string_view filters_view;  // wire form, checked; append_filter() makes it
    Properties properties;
};

class FilterReader {
  public:
    explicit FilterReader(const Unsubscribe& unsubscribe) : reader_(unsubscribe.filters_view) {}
    [[nodiscard]] bool next(std::string_view& filter) noexcept;

  private:
    ByteReader reader_;
};

struct Suback {
    std::uint16_t packet_id = 0;
    std::string_view codes_view;  // one ReasonCode a byte, as many as filters
    Properties properties;
};

struct Unsuback {
    std::uint16_t packet_id = 0;
    std::string_view codes_view;  // MQTT 5 only
    Properties properties;
};

struct Pingreq {};
struct Pingresp {};

struct Disconnect {
    ReasonCode reason = ReasonCode::success;
    Properties properties;
};

struct Auth {
    ReasonCode reason = ReasonCode::success;
    Properties properties;
};

using Packet = std::variant<Connect,
                            Connack,
                            Publish,
                            Ack,
                            Subscribe,
                            Suback,
                            Unsubscribe,
                            Unsuback,
                            Pingreq,
                            Pingresp,
                            Disconnect,
                            Auth>;

}  // namespace tributary::mqtt
