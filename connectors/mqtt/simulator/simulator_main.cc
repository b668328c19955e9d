// tributary-sim: a plant of presses that publish readings, for the quickstart, demonstrations and
// tests. Over Paho MQTT C++, so that it is a peer that shares no code with the agent.
//   tributary-sim --url tcp://127.0.0.1:1883 --devices 4 --rate 50 --count 1000
// Every device is a client of its own with its own session. A reading is JSON:
//   {"dev":"press-3","seq":17,"ts":1700000000000,"pressure_bar":5.31,"temperature_c":41.2}
// `seq` counts from 1 per device without a hole, so that a consumer can prove what it got. Ends
// with 0 when every reading was acknowledged. Threads: one, besides Paho's own.
#include <mqtt/async_client.h>

#include <utility>  // Boost 1.74 Asio uses std::exchange without it

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using std::chrono::milliseconds;

struct Plan {
    std::string url = "tcp://127.0.0.1:1883";
    std::string topic = "plant/north/press/{dev}/telemetry";
    std::string prefix = "press";  // of client identifiers and device names
    std::string user;
    std::uint32_t devices = 1;
    std::uint32_t rate = 10;  // readings a second, of all devices together; 0: as fast as it goes
    std::uint32_t count = 0;  // readings in all; 0: until the connection is refused or a signal
    std::uint32_t inflight = 20;
    std::uint32_t qos = 1;
    std::uint32_t seed = 1;
    bool v5 = true;
};

constexpr std::string_view kUsage =
    "usage: tributary-sim [--url tcp://host:port] [--devices n] [--rate n] [--count n] [--qos n]\n"
    "  [--topic plant/north/press/{dev}/telemetry] [--prefix press] [--inflight n] [--seed n]\n"
    "  [--protocol 5|3.1.1] [--user name]    (password: $TRIBUTARY_SIM_PASSWORD)\n";

bool number(std::string_view text, std::uint32_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

std::optional<Plan> parse(const std::vector<std::string_view>& arguments) {
    Plan plan;
    const std::map<std::string_view, std::string*> texts{{"--url", &plan.url},
                                                         {"--topic", &plan.topic},
                                                         {"--prefix", &plan.prefix},
                                                         {"--user", &plan.user}};
    const std::map<std::string_view, std::uint32_t*> numbers{{"--devices", &plan.devices},
                                                             {"--rate", &plan.rate},
                                                             {"--count", &plan.count},
                                                             {"--qos", &plan.qos},
                                                             {"--inflight", &plan.inflight},
                                                             {"--seed", &plan.seed}};
    for (std::size_t at = 0; at + 1 < arguments.size(); at += 2) {
        const std::string_view value = arguments[at + 1];
        if (const auto text = texts.find(arguments[at]); text != texts.end()) {
            *text->second = value;
        } else if (const auto found = numbers.find(arguments[at]); found != numbers.end()) {
            if (!number(value, *found->second)) {
                return std::nullopt;
            }
        } else if (arguments[at] == "--protocol" && (value == "5" || value == "3.1.1")) {
            plan.v5 = value == "5";
        } else {
            return std::nullopt;
        }
    }
    const bool whole = arguments.size() % 2 == 0;
    if (!whole || plan.devices == 0 || plan.devices > 10'000 || plan.qos > 2 ||
        plan.inflight == 0) {
        return std::nullopt;
    }
    return plan;
}

std::string with_device(std::string topic, const std::string& device) {
    constexpr std::string_view kName = "{dev}";
    for (std::size_t at = topic.find(kName); at != std::string::npos; at = topic.find(kName)) {
        topic.replace(at, kName.size(), device);
    }
    return topic;
}

std::int64_t now_ms() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

class Device {
  public:
    Device(const Plan& plan, std::uint32_t index)
        : plan_(plan),
          name_(plan.prefix + "-" + std::to_string(index + 1)),
          topic_(with_device(plan.topic, name_)),
          random_(plan.seed * 7919U + index) {
        mqtt::create_options creation(plan.v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
        creation.set_send_while_disconnected(true, true);
        creation.set_max_buffered_messages(100'000);
        client_ = std::make_unique<mqtt::async_client>(plan.url, name_, creation, nullptr);
        mqtt::connect_options connection;
        if (plan.v5) {
            connection.set_mqtt_version(MQTTVERSION_5);
            connection.set_clean_start(false);
            connection.set_properties({{mqtt::property::SESSION_EXPIRY_INTERVAL, 3600}});
        } else {
            connection.set_mqtt_version(MQTTVERSION_3_1_1);
            connection.set_clean_session(false);
        }
        connection.set_max_inflight(static_cast<int>(plan.inflight));
        connection.set_automatic_reconnect(1, 4);
        if (!plan.user.empty()) {
            connection.set_user_name(plan.user);
            const char* password =
                std::getenv("TRIBUTARY_SIM_PASSWORD");  // NOLINT(concurrency-mt-unsafe)
            connection.set_password(password == nullptr ? "" : password);
        }
        client_->connect(connection)->wait();
    }

    // Waits for room when too many are not acknowledged.
    void publish() {
        if (tokens_.size() >= plan_.inflight) {
            tokens_.front()->wait();
            std::erase_if(tokens_, [](const auto& token) { return token->is_complete(); });
        }
        std::uniform_int_distribution<int> spread(-99, 99);
        const std::string payload =
            "{\"dev\":\"" + name_ + "\",\"seq\":" + std::to_string(++seq_) +
            ",\"ts\":" + std::to_string(now_ms()) +
            ",\"pressure_bar\":" + std::to_string(5.0 + spread(random_) / 100.0).substr(0, 4) +
            ",\"temperature_c\":" + std::to_string(40.0 + spread(random_) / 10.0).substr(0, 4) +
            "}";
        tokens_.push_back(client_->publish(topic_, payload, static_cast<int>(plan_.qos), false));
    }
    void settle() {
        for (const auto& token : tokens_) {
            token->wait();
        }
        tokens_.clear();
        client_->disconnect()->wait();
    }

  private:
    const Plan& plan_;
    std::string name_;
    std::string topic_;
    std::mt19937 random_;
    std::uint64_t seq_ = 0;
    std::unique_ptr<mqtt::async_client> client_;
    std::vector<mqtt::delivery_token_ptr> tokens_;
};

void simulate(const Plan& plan) {
    std::vector<std::unique_ptr<Device>> devices;
    for (std::uint32_t index = 0; index < plan.devices; ++index) {
        devices.push_back(std::make_unique<Device>(plan, index));
    }
    std::cout << plan.devices << " devices at " << plan.url << std::endl;
    boost::asio::io_context io;
    boost::asio::steady_timer pace(io, std::chrono::nanoseconds(0));
    for (std::uint64_t sent = 0; plan.count == 0 || sent < plan.count; ++sent) {
        devices[sent % devices.size()]->publish();
        if (plan.rate > 0) {
            pace.expires_at(pace.expiry() + std::chrono::nanoseconds(1'000'000'000 / plan.rate));
            pace.wait();
        }
    }
    for (const auto& device : devices) {
        device->settle();
    }
    std::cout << plan.count << " readings acknowledged" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
    const auto plan = parse(std::vector<std::string_view>(argv + 1, argv + argc));
    if (!plan) {
        std::cerr << kUsage;
        return 2;
    }
    try {
        simulate(*plan);
    } catch (const std::exception& error) {
        std::cerr << "tributary-sim: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
