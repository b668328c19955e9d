#include "connectors/mqtt/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "connectors/mqtt/routes/routes.h"

namespace tributary::mqtt {

namespace {

constexpr std::array<std::pair<std::string_view, SensorForm>, 2> kForms{{
    {"raw", SensorForm::raw},
    {"message", SensorForm::message},
}};
constexpr std::array<std::pair<std::string_view, PayloadForm>, 3> kPayloads{{
    {"json", PayloadForm::json},
    {"text", PayloadForm::text},
    {"base64", PayloadForm::base64},
}};
constexpr std::array<std::pair<std::string_view, Protocol>, 2> kProtocols{{
    {"5", Protocol::v5},
    {"3.1.1", Protocol::v3_1_1},
}};
constexpr std::array<std::pair<std::string_view, ExpiredChoice>, 2> kExpired{{
    {"keep", ExpiredChoice::keep},
    {"drop", ExpiredChoice::drop},
}};
constexpr std::array<std::pair<std::string_view, RetainedChoice>, 3> kRetained{{
    {"first", RetainedChoice::first},
    {"always", RetainedChoice::always},
    {"never", RetainedChoice::never},
}};

constexpr std::size_t kClientIdBytesMax = 256;

RouteOptions read_route(config::Reader& reader) {
    RouteOptions out;
    reader.text({.name = "match",
                 .doc = "MQTT topic filter whose levels may have names: `plant/{site}/press/{dev}"
                        "/telemetry`; `{rest#}` takes all that follows. The first route that "
                        "matches takes a message.",
                 .required = true},
                out.match);
    reader.number({.name = "qos",
                   .doc = "QoS to subscribe with; the listener takes what a device "
                          "sends."},
                  out.qos,
                  {0, 2});
    reader.text({.name = "topic",
                 .doc = "Kafka topic. May name what the pattern captured, `iot.{site}.press`, and "
                        "then needs `topics`.",
                 .required = true},
                out.topic);
    reader.texts({.name = "topics",
                  .doc = "Regular expressions, whole match, that the Kafka topic must meet. No "
                         "message can make another topic: it is a poisoned one instead."},
                 out.topics);
    reader.text({.name = "key",
                 .doc = "Key of the record, with names as in `topic`, and `{topic}` for the whole "
                        "MQTT topic, `{client}` for the device's client identifier. Empty: none."},
                out.key);
    reader.map(
        {.name = "headers",
         .doc = "Further record headers; values may hold names. `tributary` and `mqtt.*` are "
                "the agent's own."},
        out.headers);
    reader.choice({.name = "value",
                   .doc = "`raw`: the payload's bytes, the rest in headers. `message`: a JSON "
                          "object with everything."},
                  out.value,
                  kForms);
    reader.choice({.name = "payload",
                   .doc = "How `value: message` shows the payload. One that is not what this says "
                          "is a poisoned message."},
                  out.payload,
                  kPayloads);
    reader.texts({.name = "user_properties",
                  .doc = "Names of MQTT 5 user properties that become record headers; `*` is all "
                         "of them but `tributary` and `mqtt.*`, which only the agent writes."},
                 out.user_properties);
    reader.choice({.name = "expired",
                   .doc = "What becomes of a message whose expiry interval (MQTT 5) is over before "
                          "it is on its way to Kafka: `keep`, with `mqtt.expires_ms` in its "
                          "headers, or `drop`, which counts in `messages_expired`."},
                  out.expired,
                  kExpired);
    return out;
}

void read_tls(config::Reader reader, TlsOptions& out) {
    reader.file({.name = "ca",
                 .doc = "File with the certificates that may sign the other side's; empty is the "
                        "system's. There is no way to turn verification off."},
                out.ca);
    reader.file({.name = "cert", .doc = "File with our own certificate and its chain."}, out.cert);
    reader.file({.name = "key", .doc = "File with the key of `cert`."}, out.key);
    reader.boolean({.name = "client_certificates",
                    .doc = "Listener: devices must show a certificate that `ca` signed; its "
                           "common name is their user name."},
                   out.client_certificates);
    if (out.cert.empty() != out.key.empty()) {
        reader.fail("key", "cert and key go together");
    }
    if (out.client_certificates && out.ca.empty()) {
        reader.fail("client_certificates", "needs ca");
    }
}

std::vector<AclOptions> read_acl(config::Reader& reader) {
    std::vector<AclOptions> out;
    for (config::Reader& item :
         reader.items({.name = "acl",
         .doc = "What devices may publish. Without it, whatever a route takes."})) {
        AclOptions one;
        item.text({.name = "user", .doc = "User name, or `*` for everyone.", .required = true},
                  one.user);
        item.texts({.name = "publish",
                    .doc = "Topic filters; a level `{user}` or `{client}` is the device's own "
                           "name.",
                    .required = true},
                   one.publish);
        out.push_back(std::move(one));
    }
    return out;
}

std::string no_address(const std::string& text) {
    return "\"" + text + "\" is not mqtt://host:port or mqtts://host:port; IPv6: mqtt://[::1]:1883";
}

void read_listener(config::Reader reader, ListenOptions& out) {
    std::vector<std::string> addresses;
    reader.texts({.name = "addresses",
                  .doc = "Where devices connect: `mqtt://address:port`, `mqtts://address:port`."},
                 addresses);
    for (const std::string& text : addresses) {
        if (const auto address = parse_address(text)) {
            out.addresses.push_back(*address);
        } else {
            reader.fail("addresses", no_address(text));
        }
    }
    reader.file({.name = "password_file",
                 .doc = "Users and password hashes, as mosquitto_passwd writes them."},
                out.password_file);
    reader.boolean({.name = "anonymous", .doc = "Let devices in without a user name."},
                   out.anonymous);
    out.acl = read_acl(reader);
    reader.number({.name = "connections_max", .doc = "At most this many devices at once."},
                  out.connections_max,
                  {1, 100'000});
    reader.number(
        {.name = "sessions_max", .doc = "At most this many device sessions, connected or not."},
        out.sessions_max,
        {1, 1'000'000});
    reader.duration({.name = "keepalive_max",
                     .doc = "A device that says nothing for one and a half times its keepalive, "
                            "at most this (3.1.1, which cannot be told: its own), is "
                            "disconnected."},
                    out.keep_alive_max_s,
                    config::TimeUnit::seconds,
                    {5, 65'535});
    reader.number({.name = "messages_per_second_max",
                   .doc = "A device that sends more is read more slowly; a second's worth may come "
                          "at once. 0: no bound."},
                  out.messages_per_second_max,
                  {0, 1'000'000});
}

void read_status(config::Reader reader, StatusOptions& out) {
    reader.text({.name = "topic",
                 .doc = "MQTT topic at which the agent says, retained, whether it runs; the broker "
                        "says it for an agent that died. Empty: none."},
                out.topic);
    reader.text({.name = "online", .doc = "What it says while it runs."}, out.online);
    reader.text({.name = "offline", .doc = "What is said when it does not."}, out.offline);
}

void read_subscriber(config::Reader& reader, Options& out) {
    reader.text({.name = "client_id",
                 .doc = "Client identifier at the broker, unique there; the broker's session "
                        "belongs to it. Required with `broker`."},
                out.client_id);
    reader.text({.name = "username", .doc = "User name at the broker."}, out.username);
    reader.secret({.name = "password", .doc = "Its password, as a secret reference."},
                  out.password);
    reader.choice({.name = "protocol", .doc = "MQTT version spoken to the broker."},
                  out.protocol,
                  kProtocols);
    reader.duration({.name = "keepalive", .doc = "MQTT keepalive."},
                    out.keepalive_s,
                    config::TimeUnit::seconds,
                    {1, 3600});
    reader.duration({.name = "session_expiry",
                     .doc = "How long the broker keeps our session while we are away (MQTT 5): "
                            "longer than the longest outage."},
                    out.session_expiry_s,
                    config::TimeUnit::seconds,
                    {60, 4'000'000'000});
    reader.choice({.name = "retained",
                   .doc = "Which retained messages to take when subscribing: `first` only with a "
                          "new session, `always`, `never` (MQTT 5)."},
                  out.retained,
                  kRetained);
    read_status(reader.section({.name = "status",
                                .doc = "What the agent tells the broker of "
                                       "itself."}),
                out.status);
}

void check_sides(config::Reader& reader, const Options& out) {
    if (reader.given("broker") == out.listen.has_value()) {
        reader.fail("broker", "a source has either `broker` or `listener.addresses`");
    }
    if (out.broker && (out.client_id.empty() || out.client_id.size() > kClientIdBytesMax)) {
        reader.fail("client_id", "is required with `broker`, at most 256 bytes");
    } else if (out.broker) {
        reader.claim("client_id",
                     "client_id " + out.client_id + " at " + out.broker->host + ":" +
                         std::to_string(out.broker->port));
    }
    if (out.listen) {
        const bool tls = std::any_of(out.listen->addresses.begin(),
                                     out.listen->addresses.end(),
                                     [](const Address& each) { return each.tls; });
        if (tls && out.tls.cert.empty()) {
            reader.fail("tls", "an mqtts listener needs tls.cert and tls.key");
        }
        if (!out.listen->anonymous && out.listen->password_file.empty() &&
            !out.tls.client_certificates) {
            reader.fail("listener",
                        "names nobody who may connect: password_file, tls.client_certificates "
                        "or anonymous: true");
        }
    }
}

}  // namespace

bool is_loopback(const Address& address) {
    return address.host.starts_with("127.") || address.host == "::1" || address.host == "localhost";
}

std::optional<Address> parse_address(std::string_view text) {
    Address out;
    if (text.starts_with("mqtts://")) {
        out.tls = true;
        text.remove_prefix(8);
    } else if (text.starts_with("mqtt://")) {
        text.remove_prefix(7);
    } else {
        return std::nullopt;
    }
    out.port = out.tls ? 8883 : 1883;
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t colon = text.find(':', bracket);
    if (colon != std::string_view::npos) {
        const std::string_view port = text.substr(colon + 1);
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (error != std::errc() || end != port.data() + port.size() || out.port == 0) {
            return std::nullopt;
        }
        text = text.substr(0, colon);
    }
    if (bracket != 0) {
        if (!text.ends_with(']')) {
            return std::nullopt;
        }
        text = text.substr(1, text.size() - 2);
    }
    out.host = text;
    if (out.host.empty() || out.host.find_first_of("/@? ") != std::string::npos) {
        return std::nullopt;
    }
    return out;
}

Result<Options> read_options(config::Reader& reader) {
    Options out;
    out.name = reader.peek("name");
    out.ack_delivered = reader.peek("ack") == "delivered";
    if (reader.peek("ack") == "auto") {
        reader.fail("ack",
                    "auto needs a source that says how much it holds back: buffered or delivered");
    }
    std::string broker;
    reader.text({.name = "broker",
                 .doc = "Broker to subscribe at: `mqtt://host:port`, `mqtts://host:port`."},
                broker);
    if (reader.given("broker")) {
        out.broker = parse_address(broker);
        if (!out.broker) {
            reader.fail("broker", no_address(broker));
        }
    }
    read_subscriber(reader, out);
    ListenOptions listen;
    read_listener(reader.section({.name = "listener",
                                  .doc = "Take messages from devices directly, without a broker."}),
                  listen);
    if (!listen.addresses.empty()) {
        out.listen = std::move(listen);
    }
    read_tls(reader.section({.name = "tls", .doc = "TLS of mqtts addresses."}), out.tls);
    reader.duration({.name = "connect_timeout",
                     .doc = "Give up an attempt to connect, or a device that does not, after this "
                            "long."},
                    out.connect_timeout_s,
                    config::TimeUnit::seconds,
                    {1, 300});
    reader.number({.name = "receive_maximum",
                   .doc = "How many messages may be on their way to the disk, not acknowledged "
                          "yet: at the broker, or per device. 0 is 1000 and 100."},
                  out.receive_maximum,
                  {0, 65'535});
    reader.size({.name = "message_bytes_max",
                 .doc = "Larger packets are refused. 0 is 16MiB from a broker, which drops them in "
                        "silence (MQTT 5), and 256KiB from a device."},
                out.message_bytes_max,
                {0, 64U << 20U});
    reader.text({.name = "gaps",
                 .doc = "Kafka topic for a record wherever messages may be missing (the broker "
                        "forgot our session). Empty: only the log line and the metric."},
                out.gaps_topic);
    if (const std::string why = topic_refusal(out.gaps_topic);
        !out.gaps_topic.empty() && !why.empty()) {
        reader.fail("gaps", why);
    }
    bool routes_fit = true;
    for (config::Reader& item : reader.items({.name = "routes",
                                .doc = "Which messages are taken, and where they "
                                       "go.",
                                .required = true})) {
        RouteOptions route = read_route(item);
        if (const auto made = Route::make(route); !made && !route.match.empty()) {
            item.fail("match", made.error().what());
            routes_fit = false;
        }
        out.routes.push_back(std::move(route));
    }
    if (reader.given("name")) {  // not over the empty document of a description
        check_sides(reader, out);
    }
    if (out.broker && routes_fit) {
        if (const auto filters = subscriptions(out.routes); !filters) {
            reader.fail("routes", filters.error().what());
        }
    }
    TRIBUTARY_TRY_VOID(reader.result());
    return out;
}

}  // namespace tributary::mqtt
