#include "connectors/mqtt/session/refusal.h"

#include <string>

#include "model/errors.h"

namespace tributary::mqtt {
namespace {

const ErrorKind& kind_of(ReasonCode reason) {
    switch (reason) {
        case ReasonCode::bad_user_name_or_password:
        case ReasonCode::not_authorized:
        case ReasonCode::banned:
        case ReasonCode::bad_authentication_method:
            return errors::kMqttAuth;
        case ReasonCode::session_taken_over:
            return errors::kMqttSessionTaken;
        case ReasonCode::malformed_packet:
        case ReasonCode::protocol_error:
        case ReasonCode::receive_maximum_exceeded:
        case ReasonCode::topic_alias_invalid:
        case ReasonCode::packet_identifier_in_use:
        case ReasonCode::packet_identifier_not_found:
            return errors::kProtocolViolation;
        case ReasonCode::unsupported_protocol_version:
        case ReasonCode::client_identifier_not_valid:
        case ReasonCode::topic_filter_invalid:
        case ReasonCode::topic_name_invalid:
        case ReasonCode::packet_too_large:
        case ReasonCode::payload_format_invalid:
        case ReasonCode::retain_not_supported:
        case ReasonCode::qos_not_supported:
        case ReasonCode::use_another_server:
        case ReasonCode::server_moved:
        case ReasonCode::shared_subscriptions_not_supported:
        case ReasonCode::subscription_identifiers_not_supported:
        case ReasonCode::wildcard_subscriptions_not_supported:
            return errors::kMqttRefused;
        case ReasonCode::success:
        case ReasonCode::granted_qos_1:
        case ReasonCode::granted_qos_2:
        case ReasonCode::disconnect_with_will:
        case ReasonCode::no_matching_subscribers:
        case ReasonCode::no_subscription_existed:
        case ReasonCode::continue_authentication:
        case ReasonCode::reauthenticate:
        case ReasonCode::unspecified_error:
        case ReasonCode::implementation_specific_error:
        case ReasonCode::server_unavailable:
        case ReasonCode::server_busy:
        case ReasonCode::server_shutting_down:
        case ReasonCode::keep_alive_timeout:
        case ReasonCode::message_rate_too_high:
        case ReasonCode::quota_exceeded:
        case ReasonCode::administrative_action:
        case ReasonCode::connection_rate_exceeded:
        case ReasonCode::maximum_connect_time:
            return errors::kSourceUnreachable;
    }
    return errors::kSourceUnreachable;
}

// The broker's text, bounded and without control characters, for a log line.
std::string quoted(std::string_view text) {
    constexpr std::size_t kTextMax = 200;
    std::string out;
    for (const char character : text.substr(0, kTextMax)) {
        const auto byte = static_cast<unsigned char>(character);
        out.push_back(byte < 0x20 || byte == 0x7F ? '?' : character);
    }
    return out;
}

}  // namespace

Error refusal(const char* what, ReasonCode reason, const Properties& properties) {
    std::string text = "the broker " + std::string(what) + ": " + to_string(reason);
    if (reason == ReasonCode::unsupported_protocol_version) {
        text += "; for a broker that does not speak MQTT 5, set protocol: \"3.1.1\"";
    }
    if (properties.has(PropertyId::reason_string)) {
        text += ", \"" + quoted(properties.reason_string) + "\"";
    }
    if (properties.has(PropertyId::server_reference)) {
        text += ", it names another server: " + quoted(properties.server_reference);
    }
    return {kind_of(reason), std::move(text)};
}

}  // namespace tributary::mqtt
