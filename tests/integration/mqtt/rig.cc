#include "tests/integration/mqtt/rig.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "admin/client.h"

namespace tributary::mqtt_testing {
namespace {

namespace fs = std::filesystem;
using servers::poll_until;

struct Broker {
    servers::TemporaryDirectory directory{"tributary-mqtt"};
    std::unique_ptr<servers::Mosquitto> mosquitto;
};

std::unique_ptr<Broker>& broker() {
    static std::unique_ptr<Broker> one = std::make_unique<Broker>();
    return one;
}

class StopBroker final : public testing::Environment {
  public:
    void TearDown() override { broker().reset(); }
};

const auto* const kStop = testing::AddGlobalTestEnvironment(new StopBroker);

}  // namespace

servers::Mosquitto& mosquitto() {
    auto& server = broker()->mosquitto;
    if (!server) {
        server = std::make_unique<servers::Mosquitto>(
            servers::MosquittoOptions{.directory = broker()->directory.path() / "broker"});
    }
    return *server;
}

Site::Site() : directory_("tributary-site") {
    static std::atomic<int> number{0};
    name = "site" + std::to_string(++number) + "_" + std::to_string(::getpid());
    kafka();
}

void Site::subscribe(const std::string& qos, const std::string& protocol) {
    lines.push_back("broker: " + mosquitto().url());
    lines.push_back("client_id: " + name);
    lines.push_back("protocol: \"" + protocol + "\"");
    route.push_back("qos: " + qos);
}

void Site::listen() {
    lines.push_back("listener: {addresses: ['" + listener_url() + "'], anonymous: true}");
}

void Site::write() const {
    std::ostringstream out;
    out << "agent:\n  id: " << name << "\n  state_dir: " << path("state").string() << "\n"
        << "buffer:\n  max_bytes: " << max_bytes << "\n  min_free_disk: 16MiB\n"
        << "logging: {level: info, format: json}\n"
        << "kafka:\n  bootstrap_servers: [\"" << uplink().bootstrap() << "\"]\n"
        << "admin:\n  listen: [\"unix:" << path("admin.sock").string() << "\"]\n"
        << "sources:\n  - name: sensors\n    type: mqtt\n";
    for (const std::string& line : lines) {
        out << "    " << line << "\n";
    }
    out << "    routes:\n      - match: '" << name << "/{dev}'\n        topic: " << topic() << "\n"
        << "        key: '{dev}'\n";
    for (const std::string& line : route) {
        out << "        " << line << "\n";
    }
    agent_testing::write_file(path("tributary.yaml"), out.str());
}

Agent::Agent(const Site& site, std::vector<std::pair<std::string, std::string>> environment)
    : socket_(site.path("admin.sock")) {
    static std::atomic<int> number{0};
    log_file_ = site.path("agent" + std::to_string(++number) + ".log");
    site.write();
    process_ = servers::Process::spawn(
        {.command = {TRIBUTARY_COMMAND, "-c", site.path("tributary.yaml").string(), "run"},
         .environment = std::move(environment),
         .output_file = log_file_});
}

int Agent::stop(milliseconds limit) {
    process_.signal(SIGTERM);
    const auto ended = process_.wait(limit);
    return ended && ended->signal == 0 ? ended->code : -1;
}

nlohmann::json Agent::pipeline() const {
    const auto answer = admin::request(socket_.string(), "GET", "/v1/status");
    const auto whole =
        answer ? nlohmann::json::parse(answer.value(), nullptr, false) : nlohmann::json();
    return whole.is_object() && !whole.at("pipelines").empty() ? whole.at("pipelines").at(0)
                                                               : nlohmann::json();
}

bool Agent::poll(const std::function<bool(const nlohmann::json&)>& done, milliseconds limit) const {
    nlohmann::json last;
    const bool reached = poll_until(limit, [&] {
        last = pipeline();
        return last.is_object() && done(last);
    });
    if (!reached) {
        ADD_FAILURE() << "not reached: " << last.dump() << "\n" << log();
    }
    return reached;
}

bool Agent::ready() const {
    return poll([](const auto& at) { return at.at("intake").at("state") == "running"; });
}

std::size_t Agent::own_memory_bytes() const {
    std::ifstream status("/proc/" + std::to_string(pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
        constexpr std::string_view kName = "RssAnon:";
        if (line.starts_with(kName)) {
            return std::stoul(line.substr(kName.size())) * 1024;  // it says KiB
        }
    }
    ADD_FAILURE() << "no RssAnon of the agent";
    return 0;
}

std::uint64_t Agent::metric(const std::string& metric_name) const {
    const auto answer = admin::request(socket_.string(), "GET", "/metrics");
    const std::string text = answer ? answer.value() : "";
    const auto line = text.find("\n" + metric_name + "{");
    const auto value = line == std::string::npos ? line : text.find("} ", line);
    return value == std::string::npos ? 0 : std::stoull(text.substr(value + 2));
}

std::string Agent::log() const {
    return agent_testing::read_file(log_file_);
}

bool Agent::logs(const std::string& text, milliseconds limit) const {
    const bool found = poll_until(limit, [&] { return log().find(text) != std::string::npos; });
    if (!found) {
        ADD_FAILURE() << "no log line with " << text << ":\n" << log();
    }
    return found;
}

namespace {

// Paho knows tcp://, not mqtt://.
std::string paho_url(const std::string& url) {
    return url.starts_with("mqtt://") ? "tcp" + url.substr(4) : url;
}

}  // namespace

Publisher::Publisher(const PublisherOptions& options) : options_(options) {
    paho::create_options creation(options.v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
    creation.set_send_while_disconnected(true, true);
    creation.set_max_buffered_messages(100'000);
    client_ = std::make_unique<paho::async_client>(
        paho_url(options.url), options.client_id, creation, nullptr);
    paho::connect_options connection;
    if (options.v5) {
        connection.set_mqtt_version(MQTTVERSION_5);
        connection.set_clean_start(false);
        connection.set_properties({{paho::property::SESSION_EXPIRY_INTERVAL, 3600}});
    } else {
        connection.set_mqtt_version(MQTTVERSION_3_1_1);
        connection.set_clean_session(false);
    }
    connection.set_max_inflight(options.inflight);
    connection.set_keep_alive_interval(10);
    if (options.reconnect) {
        connection.set_automatic_reconnect(1, 2);
    }
    if (!options.user.empty()) {
        connection.set_user_name(options.user);
        connection.set_password(options.password);
    }
    const bool connected = poll_until(kPatience, [&] {
        try {
            return client_->connect(connection)->wait_for(seconds(10));
        } catch (const paho::exception&) {
            return false;
        }
    });
    EXPECT_TRUE(connected) << "Paho does not get in at " << options.url;
}

Publisher::~Publisher() {
    try {
        if (client_->is_connected()) {
            client_->disconnect()->wait_for(seconds(5));
        }
    } catch (const paho::exception&) {
        // the agent may be gone
    }
}

std::size_t Publisher::unacknowledged() const {
    return static_cast<std::size_t>(std::count_if(
        tokens_.begin(), tokens_.end(), [](const auto& token) { return !token->is_complete(); }));
}

void Publisher::send(const std::string& topic, const std::string& payload, int qos) {
    send(paho::make_message(topic, payload, qos, false));
}

void Publisher::send(const paho::const_message_ptr& message) {
    if (testing::Test::HasFailure()) {
        return;  // it would wait as long again for each message
    }
    const auto limit = static_cast<std::size_t>(options_.inflight);
    if (tokens_.size() >= limit) {
        const bool room = poll_until(kPatience, [&] {
            std::erase_if(tokens_, [](const auto& token) { return token->is_complete(); });
            return tokens_.size() < limit;
        });
        EXPECT_TRUE(room) << "nothing is acknowledged any more";
    }
    const bool sent = poll_until(kPatience, [&] {
        try {
            tokens_.push_back(client_->publish(message));
            return true;
        } catch (const paho::exception&) {
            return false;
        }
    });
    EXPECT_TRUE(sent);
}

bool Publisher::settle(milliseconds limit) {
    return poll_until(limit, [&] { return unacknowledged() == 0; });
}

std::vector<servers::KafkaRecord> read_topic(const std::string& topic) {
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
    const auto names = reader.topics();
    if (std::find(names.begin(), names.end(), topic) == names.end()) {
        return {};
    }
    return reader.read(topic);
}

std::map<std::string, int> counts(const std::string& topic) {
    std::map<std::string, int> all;
    for (const servers::KafkaRecord& record : read_topic(topic)) {
        ++all[record.value.value_or("tombstone")];
    }
    return all;
}

void expect_once_each(const std::string& topic, const std::string& prefix, int count) {
    std::map<std::string, int> seen;
    const bool there = poll_until(kPatience, [&] {
        seen = counts(topic);
        return seen.size() >= static_cast<std::size_t>(count);
    });
    EXPECT_TRUE(there) << seen.size() << " of " << count;
    int lost = 0;
    int repeated = 0;
    for (int number = 0; number < count; ++number) {
        const auto found = seen.find(prefix + std::to_string(number));
        lost += found == seen.end() ? 1 : 0;
        repeated += found != seen.end() && found->second != 1 ? 1 : 0;
    }
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(repeated, 0);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(count));
}

std::string header(const servers::KafkaRecord& record, std::string_view name) {
    const auto* found = record.header(name);
    return found != nullptr && found->value ? *found->value : "";
}

}  // namespace tributary::mqtt_testing
