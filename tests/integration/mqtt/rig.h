// What the MQTT tests of the whole agent share: one Kafka and one mosquitto per program, a site (a
// state directory, a Kafka topic, one MQTT source) per test, the real command as a process, and
// Paho as publisher. One thread, besides Paho's own.
#pragma once

#include <mqtt/async_client.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/agent/rig.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/mosquitto.h"
#include "tests/servers/places.h"
#include "tests/servers/process.h"

namespace tributary::mqtt_testing {

namespace paho = ::mqtt;  // the connector's namespace has the library's name

using agent_testing::kafka;
using agent_testing::kPatience;
using agent_testing::uplink;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Started at the first call, stopped after the last test.
servers::Mosquitto& mosquitto();

// One agent's surroundings.
class Site {
  public:
    Site();

    // Takes `filter` from the broker / from devices at its own port into topic().
    void subscribe(const std::string& qos = "1", const std::string& protocol = "5");
    void listen();
    // The file from the members below.
    void write() const;

    [[nodiscard]] std::string topic() const { return name + ".readings"; }
    // A topic of MQTT that the site's route takes: one level after the site's name.
    [[nodiscard]] std::string mqtt_topic(const std::string& device = "press-7") const {
        return name + "/" + device;
    }
    [[nodiscard]] std::string listener_url() const {
        return "mqtt://127.0.0.1:" + std::to_string(port_.port());
    }
    [[nodiscard]] std::uint16_t listener_port() const { return port_.port(); }
    [[nodiscard]] std::filesystem::path path(const std::string& file) const {
        return directory_.path() / file;
    }

    std::string name;
    std::string max_bytes = "64MiB";
    std::vector<std::string> lines;  // of the source
    std::vector<std::string> route;  // further keys of its route

  private:
    servers::TemporaryDirectory directory_;
    servers::PortLease port_;
};

// `tributary run`, killed with this object.
class Agent {
  public:
    explicit Agent(const Site& site,
                   std::vector<std::pair<std::string, std::string>> environment = {});

    void kill9() { process_.kill(); }
    [[nodiscard]] int stop(milliseconds limit = seconds(20));
    [[nodiscard]] bool running() { return process_.running(); }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }
    [[nodiscard]] nlohmann::json pipeline() const;  // null while there is none
    [[nodiscard]] bool poll(const std::function<bool(const nlohmann::json&)>& done,
                            milliseconds limit = kPatience) const;
    // Intake runs.
    [[nodiscard]] bool ready() const;
    [[nodiscard]] std::size_t own_memory_bytes() const;  // RssAnon
    // Of /metrics, the pipeline's; 0 while nobody answers.
    [[nodiscard]] std::uint64_t metric(const std::string& metric_name) const;
    [[nodiscard]] std::string log() const;
    [[nodiscard]] bool logs(const std::string& text, milliseconds limit = kPatience) const;

  private:
    std::filesystem::path socket_;
    std::filesystem::path log_file_;
    servers::Process process_;
};

struct PublisherOptions {
    std::string url = {};
    std::string client_id = {};
    bool v5 = true;
    int inflight = 100;
    std::string user = {};
    std::string password = {};
    bool reconnect = true;
};

// Paho: publishes, reconnects by itself, and sends again what was not acknowledged.
class Publisher {
  public:
    explicit Publisher(const PublisherOptions& options);
    ~Publisher();

    // Waits while more than `inflight` are not acknowledged.
    void send(const std::string& topic, const std::string& payload, int qos = 1);
    void send(const paho::const_message_ptr& message);
    // Until everything is acknowledged; false after `limit`.
    [[nodiscard]] bool settle(milliseconds limit = kPatience);
    [[nodiscard]] std::size_t unacknowledged() const;
    [[nodiscard]] paho::async_client& client() { return *client_; }

  private:
    PublisherOptions options_;
    std::unique_ptr<paho::async_client> client_;
    std::vector<paho::delivery_token_ptr> tokens_;
};

// What a read_committed consumer sees.
[[nodiscard]] std::vector<servers::KafkaRecord> read_topic(const std::string& topic);
// How often each value is there.
[[nodiscard]] std::map<std::string, int> counts(const std::string& topic);
// Waits for `count` records, then asserts that payloads "<prefix>0".."<prefix>count-1" are there
// once each, and nothing else.
void expect_once_each(const std::string& topic, const std::string& prefix, int count);
[[nodiscard]] std::string header(const servers::KafkaRecord& record, std::string_view name);

}  // namespace tributary::mqtt_testing
