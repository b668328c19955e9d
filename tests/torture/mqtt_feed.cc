// See mqtt_feed.h. Mosquitto is stopped with SIGTERM, never killed: it keeps its sessions in
// memory, so that a kill loses what it had acknowledged (docs/mqtt.md, "Brokers forget"), and no
// reader could tell that from a loss of ours.
#include "tests/torture/mqtt_feed.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "connectors/mqtt/position.h"
#include "tests/servers/failure.h"
#include "tests/servers/mosquitto.h"
#include "tests/servers/mqtt_device.h"
#include "tests/servers/places.h"

namespace tributary::torture {
namespace {

using servers::KafkaRecord;
using servers::MqttDevice;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kSettleLimit{120};
constexpr int kPayloadMax = 400;
constexpr int kPaceMinMs = 5;
constexpr int kPaceMaxMs = 60;
constexpr std::size_t kWindow = 20;

// One device's thread.
class Load {
  public:
    Load(MqttDevice::Options options, std::uint64_t seed)
        : name_(options.client_id), random_(seed), thread_([this, options] { work(options); }) {}
    ~Load() { stop(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    void stop() {
        stopping_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    void cut() { cutting_ = true; }
    void pause(bool paused) { paused_ = paused; }
    [[nodiscard]] const std::string& name() const { return name_; }
    // After stop(): messages 0 to sent() - 1 are acknowledged, or it did not settle.
    [[nodiscard]] std::int64_t sent() const { return sent_; }
    [[nodiscard]] bool settled() const { return settled_; }
    [[nodiscard]] std::uint64_t sent_again() const { return sent_again_; }
    [[nodiscard]] const std::string& wrong() const { return wrong_; }

  private:
    void work(const MqttDevice::Options& options) {
        MqttDevice device(options);
        std::chrono::steady_clock::time_point next{};
        while (!stopping_) {
            if (cutting_.exchange(false)) {
                device.cut();
            }
            const auto now = std::chrono::steady_clock::now();
            if (!paused_ && device.unacknowledged() < kWindow && now >= next) {
                device.send("plant/" + name_, next_payload());
                next = now + milliseconds(std::uniform_int_distribution<int>(kPaceMinMs,
                                                                             kPaceMaxMs)(random_));
            }
            device.turn(milliseconds(kPaceMinMs));
        }
        settled_ = device.settle(kSettleLimit);
        sent_again_ = device.sent_again();
        wrong_ = device.wrong();
    }

    // "<number> <filler>"
    std::string next_payload() {
        const int filler = std::uniform_int_distribution<int>(0, kPayloadMax)(random_);
        return std::to_string(sent_++) + " " + std::string(static_cast<std::size_t>(filler), 'f');
    }

    std::string name_;
    std::mt19937_64 random_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> cutting_{false};
    std::atomic<bool> paused_{false};
    std::int64_t sent_ = 0;
    bool settled_ = false;
    std::uint64_t sent_again_ = 0;
    std::string wrong_;
    std::thread thread_;
};

std::int64_t number_of(const KafkaRecord& record) {
    const std::string& text = record.value.value();
    std::int64_t number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

void read_message(const KafkaRecord& record, Fact& fact) {
    fact = {.transaction = {}, .ordinal = 0, .sub_index = 0, .op = 'm', .id = 0, .n = -1};
    fact.n = record.value ? number_of(record) : -1;
}

class MqttFeed final : public Feed {
  public:
    MqttFeed(MqttEnd end, const MqttFeedOptions& options) : end_(end), options_(options) {
        if (end == MqttEnd::subscriber) {
            broker_ = std::make_unique<servers::Mosquitto>(
                servers::MosquittoOptions{.directory = options.folder});
        }
    }

    [[nodiscard]] std::string name() const override {
        return end_ == MqttEnd::listener ? "devices" : "sensors";
    }
    [[nodiscard]] std::vector<std::string> configuration() const override {
        const std::string route =
            "routes: [{match: 'plant/{dev}', topic: " + topic() + ", key: '{dev}'";
        if (end_ == MqttEnd::listener) {
            return {"type: mqtt",
                    "listener: {addresses: ['mqtt://127.0.0.1:" + std::to_string(port()) +
                        "'], anonymous: true}",
                    route + "}]"};
        }
        return {
            "type: mqtt",
            "broker: mqtt://127.0.0.1:" + std::to_string(port()),
            "client_id: torture",
            // With 5, mosquitto 2.0.11 sends more after a reconnect than Receive Maximum allows.
            "protocol: \"3.1.1\"",
            route + ", qos: " + (options_.seed % 2 == 0 ? "1" : "2") + "}]"};
    }
    // Sessions live on the agent's disk, and its port is one.
    [[nodiscard]] bool twin_follows() const override { return false; }

    void begin() override {
        for (int number = 1; number <= options_.devices; ++number) {
            // A broker takes what a device sends again with QoS 1 for another message.
            const bool exact = number % 2 == 0 || end_ == MqttEnd::subscriber;
            loads_.push_back(std::make_unique<Load>(
                MqttDevice::Options{
                    .port = port(),
                    .client_id = name() + std::to_string(number),
                    .version = number % 3 == 0 ? mqtt::Version::v3_1_1 : mqtt::Version::v5,
                    .qos = exact ? mqtt::Qos::exactly_once : mqtt::Qos::at_least_once,
                    .may_be_turned_away = true},
                options_.seed + static_cast<std::uint64_t>(number)));
        }
    }

    void end() override {
        for (const auto& load : loads_) {
            load->stop();
        }
    }

    bool drained(const std::string& bootstrap) override {
        return last_word_.seen(bootstrap, topic(), [this](const KafkaRecord& record) {
            for (const auto& load : loads_) {
                if (record.key == load->name() && number_of(record) == load->sent() - 1) {
                    finished_.insert(load->name());
                }
            }
            return finished_.size() == loads_.size();
        });
    }

    FeedReport judge(servers::KafkaReader& reader, Plant wrong) override {
        FeedReport report;
        Evidence evidence;
        std::uint64_t again = 0;
        for (const auto& load : loads_) {
            if (!load->settled()) {
                report.problems.push_back(load->name() + " was not acknowledged everything");
            }
            if (!load->wrong().empty()) {
                report.problems.push_back(load->name() + ": " + load->wrong());
            }
            for (std::int64_t number = 0; number < load->sent(); ++number) {
                evidence.expected[load->name()].push_back(
                    {.transaction = {}, .op = 'm', .n = number});
            }
            evidence.rows += static_cast<std::uint64_t>(load->sent());
            again += load->sent_again();
        }
        for (auto& [table, records] : read_tables(reader, name(), {"readings"})) {
            for (KafkaRecord& record : records) {
                evidence.by_table[record.key.value_or("")].push_back(std::move(record));
            }
        }
        evidence.checkpoints = read_checkpoints(reader, name());
        evidence.rules.read_value = read_message;
        evidence.rules.compare_resume = [](const Position& left, const Position& right) {
            const auto number = [](const Position& position) {
                const auto place = mqtt::decode_place(position);
                return place ? place->number : 0;
            };
            return std::partial_ordering(number(left) <=> number(right));
        };
        const std::uint64_t marked = allow_marked(evidence);
        plant(evidence.by_table[loads_.front()->name()], wrong);
        report.verdict = torture::judge(evidence);
        report.note = std::to_string(again) + " sent again by devices, " + std::to_string(marked) +
                      " marked maybe_duplicate";
        if (report.verdict.rows < 100 || report.verdict.checkpoints < 10) {
            report.problems.push_back("too little load: " + std::to_string(report.verdict.rows));
        }
        return report;
    }

    [[nodiscard]] bool can_be_killed() const override { return false; }
    void kill9() override {}
    // Without a broker the links to the devices are what can break.
    void stop() override {
        if (broker_) {
            broker_->stop();
        }
        kick();
    }
    void kick() override {
        for (const auto& load : loads_) {
            load->cut();
        }
    }
    void start() override {
        if (broker_) {
            broker_->start();
        }
    }
    void freeze() override {
        if (broker_) {
            broker_->freeze();
        }
        pause(true);
    }
    void thaw() override {
        if (broker_) {
            broker_->thaw();
        }
        pause(false);
    }

  private:
    [[nodiscard]] std::string topic() const { return name() + ".readings"; }
    [[nodiscard]] std::uint16_t port() const { return broker_ ? broker_->port() : port_.port(); }
    void pause(bool paused) {
        for (const auto& load : loads_) {
            load->pause(paused);
        }
    }

    // A message that is there again may be, where its header says that it may be (docs/mqtt.md).
    static std::uint64_t allow_marked(Evidence& evidence) {
        std::uint64_t marked = 0;
        for (const auto& [device, records] : evidence.by_table) {
            auto& expected = evidence.expected[device];
            std::set<std::int64_t> seen;
            std::size_t index = 0;
            for (const KafkaRecord& record : records) {
                const auto* header = record.header("mqtt.maybe_duplicate");
                const bool repeated = !seen.insert(number_of(record)).second;
                if (repeated && header != nullptr && header->value == "true") {
                    const auto at = std::min(index, expected.size());
                    expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(at),
                                    {.transaction = {}, .op = 'm', .n = number_of(record)});
                    ++marked;
                }
                ++index;
            }
        }
        return marked;
    }

    MqttEnd end_;
    MqttFeedOptions options_;
    servers::PortLease port_;
    std::unique_ptr<servers::Mosquitto> broker_;
    std::vector<std::unique_ptr<Load>> loads_;
    std::set<std::string> finished_;
    LastWord last_word_;
};

}  // namespace

std::unique_ptr<Feed> make_mqtt_feed(MqttEnd end, const MqttFeedOptions& options) {
    return std::make_unique<MqttFeed>(end, options);
}

}  // namespace tributary::torture
