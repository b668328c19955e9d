// The configuration of an MQTT source: a subscriber at a broker, or a listener for devices that
// have none. Read from the source's mapping; no client library is needed for it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/reader.h"
#include "config/secret.h"
#include "model/sensor.h"

namespace tributary::mqtt {

// A message whose expiry interval (MQTT 5) is over before it is delivered.
enum class ExpiredChoice { keep, drop };

// Where messages go: the first route whose pattern matches takes a message.
struct RouteOptions {
    std::string match;  // routes/pattern.h
    std::uint8_t qos = 1;
    std::string topic;                // routes/template.h
    std::vector<std::string> topics;  // regular expressions that a rendered topic must match
    std::string key = "{topic}";      // empty: a null key
    std::map<std::string, std::string> headers;
    SensorForm value = SensorForm::raw;
    PayloadForm payload = PayloadForm::json;
    std::vector<std::string> user_properties;  // names that become headers; "*" is all
    ExpiredChoice expired = ExpiredChoice::keep;
};

// mqtt://host:port or mqtts://host:port.
struct Address {
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(const Address&, const Address&) = default;
};
// By its name: `localhost` is what this machine says that it is.
[[nodiscard]] bool is_loopback(const Address& address);
// nullopt when it is none. The port may be left out: 1883, 8883. IPv6 in brackets.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);

struct TlsOptions {
    std::string ca;    // file of certificates that may sign the peer's; empty: the system's
    std::string cert;  // file with our own certificate (chain)
    std::string key;   // file with its key
    bool client_certificates = false;  // listener: devices must have one that `ca` signed
};

enum class RetainedChoice { first, always, never };
enum class Protocol { v5, v3_1_1 };

struct AclOptions {
    std::string user;                  // "*": everyone
    std::vector<std::string> publish;  // topic filters; {user} and {client} stand for one level
};

struct ListenOptions {
    std::vector<Address> addresses;
    std::string password_file;  // as mosquitto_passwd makes it
    bool anonymous = false;
    std::vector<AclOptions> acl;  // empty: every route is open to everyone who may connect
    std::uint32_t connections_max = 10'000;
    std::uint32_t sessions_max = 50'000;
    std::uint32_t keep_alive_max_s = 600;
    std::uint32_t messages_per_second_max = 0;  // of one device; 0: no bound
};

struct StatusOptions {
    std::string topic;  // empty: no status is published
    std::string online = "online";
    std::string offline = "offline";
};

struct Options {
    std::string name;            // of the source
    bool ack_delivered = false;  // acknowledge what is in Kafka, not what is on the disk
    // Exactly one of the two.
    std::optional<Address> broker;
    std::optional<ListenOptions> listen;
    // Subscriber
    std::string client_id;
    std::string username;
    config::Secret password;
    Protocol protocol = Protocol::v5;
    std::uint32_t keepalive_s = 30;
    std::uint32_t session_expiry_s = 7 * 24 * 3600;
    RetainedChoice retained = RetainedChoice::first;
    StatusOptions status;
    // Both
    TlsOptions tls;
    std::uint32_t connect_timeout_s = 10;
    std::uint32_t receive_maximum = 0;    // 0: 1000 at a broker, 100 per device
    std::uint32_t message_bytes_max = 0;  // 0: 16 MiB from a broker, 256 KiB from a device
    std::string gaps_topic;               // Kafka topic of gap records; empty: none are written
    std::vector<RouteOptions> routes;
};

[[nodiscard]] Result<Options> read_options(config::Reader& reader);

}  // namespace tributary::mqtt
