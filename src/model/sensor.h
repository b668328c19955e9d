// A message of a sensor feed (MQTT), decoded from the log and routed: what the sensor encoder turns
// into a record. Views point into the entry's block, the decoder's routes or the batch's arena.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tributary {

struct NamedText {
    std::string_view name;
    std::string_view value;
};

// What the record's value is.
enum class SensorForm : std::uint8_t {
    raw,      // the payload's bytes; what else is known stands in headers
    message,  // a JSON object with everything
};

// How a `message` shows the payload.
enum class PayloadForm : std::uint8_t {
    json,    // must be JSON (RFC 8259), embedded as it came
    text,    // must be UTF-8
    base64,  // any bytes
};

enum class SensorKind : std::uint8_t {
    message,
    will,  // of a device that went without saying goodbye
    gap,   // messages before this may be missing; `payload` says why
};

struct SensorMessage {
    SensorKind kind = SensorKind::message;
    // As it came.
    std::string_view topic;
    std::string_view payload;
    std::string_view client;  // of the device; empty where a broker stands between
    std::uint8_t qos = 0;
    bool retain = false;
    bool maybe_duplicate = false;           // a re-delivery that may have been taken in before
    std::optional<bool> payload_is_text;    // MQTT 5 payload format indicator
    std::optional<std::uint32_t> expiry_s;  // what was left of it at intake
    std::optional<std::string_view> content_type;
    std::optional<std::string_view> response_topic;
    std::optional<std::string_view> correlation_data;
    std::span<const NamedText> user_properties;  // all of them, in order, repeats kept
    // By its route.
    std::string_view kafka_topic;
    std::optional<std::string_view> key;
    std::span<const NamedText> captures;
    std::span<const NamedText> headers;  // the route's own, and the user properties it lets through
    SensorForm form = SensorForm::raw;
    PayloadForm payload_form = PayloadForm::json;
};

}  // namespace tributary
