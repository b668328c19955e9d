// Origins over MQTT; see origin.h. BrokerOrigin: the agent subscribes at a SimBroker, which
// restarts, drops what its queue has no room for, and forgets its sessions. DevicesOrigin:
// SimDevices publish to the agent's listener.
#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "connectors/mqtt/position.h"
#include "encode/sensor.h"
#include "tests/sim/mqtt_sources.h"
#include "tests/sim/origin.h"

namespace tributary::sim {
namespace {

using mqtt::Qos;

constexpr const char* kReadings = "readings";
constexpr const char* kGaps = "gaps";
constexpr std::uint64_t kBurstMax = 40;

// What a committed reader finds of the messages.
struct Found {
    std::vector<std::size_t> times;  // by the message's number
    std::size_t gaps = 0;
    std::string violation;  // of order, or one twice
};

Found find_messages(const SimKafka& kafka, const std::vector<bool>& owed) {
    Found found;
    found.times.resize(owed.size());
    std::map<std::string, std::size_t> newest;  // by device
    const auto look = [&](const KafkaRecord& record) {
        if (record.topic == kGaps) {
            ++found.gaps;
            return;
        }
        std::size_t number = 0;
        const std::string& text = record.value.value();
        std::from_chars(text.data() + 1, text.data() + text.size(), number);
        if (number >= owed.size() || record.topic != kReadings) {
            found.violation = text + " was never sent";
        } else if (found.times[number]++ > 0) {
            found.violation = text + " is there twice";
        } else if (owed[number]) {  // the others may have passed those that waited
            if (number < newest[record.key]) {
                found.violation = text + " is out of order";
            }
            newest[record.key] = number;
        }
    };
    for (const auto& each : kafka.logs()) {
        if (!each.first.starts_with(kCheckpointTopic)) {
            read_committed(kafka, each.first, look);
        }
    }
    return found;
}

class MqttOrigin : public Origin {
  public:
    explicit MqttOrigin(OriginParts parts) : Origin(std::move(parts)), random_(parts_.seed) {
        options_.name = kPipeline;
        options_.ack_delivered = parts_.plan.ack == core::AckMode::delivered;
        options_.client_id = "agent";
        options_.protocol = random_.coin() ? mqtt::Protocol::v5 : mqtt::Protocol::v3_1_1;
        options_.gaps_topic = kGaps;
        mqtt::RouteOptions& route = options_.routes.emplace_back();
        route.match = "s/{dev}";
        route.topic = kReadings;
        route.key = "{dev}";
        window_ = static_cast<std::uint16_t>(1 + random_.below(random_.coin() ? 4 : 40));
    }

    [[nodiscard]] bool may_have_twin() const override { return false; }

    [[nodiscard]] bool arrived(const SimKafka& kafka, bool exact) const override {
        // Of what was acknowledged, a disk that is lost takes what is not in Kafka with it.
        return settled() && ((!exact && !options_.ack_delivered) ||
                             first_missing(find_messages(kafka, truth_.owed()), exact).empty());
    }
    [[nodiscard]] bool released() const override { return settled(); }

    [[nodiscard]] Judgement judge(const SimKafka& kafka, bool exact) const override {
        const Found found = find_messages(kafka, truth_.owed());
        Judgement result;
        for (const std::size_t times : found.times) {
            result.seen += times;
        }
        result.expected =
            static_cast<std::size_t>(std::count(truth_.owed().begin(), truth_.owed().end(), true));
        result.first_missing = first_missing(found, exact);
        result.violation = wrong(exact);
        const auto blame = [&](const std::string& what) {
            if (result.violation.empty()) {
                result.violation = what;
            }
        };
        if (exact) {
            blame(found.violation);
            blame(found.gaps > gaps_max() ? "a gap record without cause" : "");
        }
        blame(
            check_chain(kafka, kCheckpointTopic, [&](const Position& before, const Position& now) {
                return exact && number(now) < number(before);
            }));
        return result;
    }

  protected:
    // Every message is acknowledged.
    [[nodiscard]] virtual bool settled() const = 0;
    // What the agent answered and must not.
    [[nodiscard]] virtual std::string wrong(bool exact) const = 0;
    // Gap records that must be there, and that may.
    [[nodiscard]] virtual std::size_t gaps_owed() const { return 0; }
    [[nodiscard]] virtual std::size_t gaps_max() const { return 0; }

    [[nodiscard]] PeerParts peer(const std::string& name) {
        const auto window = static_cast<std::uint16_t>(1 + random_.below(window_));
        return {.scheduler = parts_.scheduler,
                .truth = truth_,
                .seed = random_.next(),
                .name = name,
                .sender = {.version = version(),
                           .window = window,
                           // Identifiers come back soon.
                           .id_max = static_cast<std::uint16_t>(window + 1 + random_.below(3))}};
    }
    [[nodiscard]] mqtt::Version version() const {
        return options_.protocol == mqtt::Protocol::v5 ? mqtt::Version::v5 : mqtt::Version::v3_1_1;
    }
    [[nodiscard]] Qos any_qos() {
        return random_.chance(100) ? Qos::at_most_once
               : random_.coin()    ? Qos::at_least_once
                                   : Qos::exactly_once;
    }
    [[nodiscard]] MqttSourceParts source_parts() {
        return {.scheduler = parts_.scheduler,
                .clock = parts_.clock,
                .observer = parts_.observer,
                .weather = weather_,
                .seed = random_.next(),
                .options = options_};
    }
    static void finish(std::unique_ptr<Source> source, runtime::PipelineParts& parts) {
        parts.decoder = source->make_decoder();
        parts.encoder = encode::make_sensor_encoder(kPipeline);
        parts.source = std::move(source);
    }

    [[nodiscard]] std::uint64_t burst() {
        return 1 + random_.below(std::min<std::uint64_t>(2 * parts_.plan.rows_max, kBurstMax));
    }

    Rng random_;
    MqttTruth truth_;
    mqtt::Options options_;
    std::uint16_t window_ = 1;  // of the agent

  private:
    static std::uint64_t number(const Position& position) {
        const auto place = mqtt::decode_place(position);
        return place ? place->number : 0;
    }
    [[nodiscard]] std::string first_missing(const Found& found, bool exact) const {
        for (std::size_t at = 0; at < truth_.owed().size(); ++at) {
            if (truth_.owed()[at] && found.times[at] == 0) {
                return "m" + std::to_string(at);
            }
        }
        // An agent whose disk is lost does not know that it had a session.
        return exact && found.gaps < gaps_owed() ? "a gap record" : "";
    }
};

class BrokerOrigin final : public MqttOrigin {
  public:
    explicit BrokerOrigin(OriginParts parts)
        : MqttOrigin(std::move(parts)),
          queue_max_(random_.chance(200) ? 20 : 1'000'000),
          broker_(peer("dev"), queue_max_) {}

    void furnish(runtime::PipelineParts& parts) override {
        mqtt::SubscriberOptions session;
        session.version = version();
        session.client_id = options_.client_id;
        session.window = window_;
        session.proof_interval = Ms(random_.between(1, 2'000));
        session.filters = {{.filter = "s/+", .qos = Qos::exactly_once}};
        finish(std::make_unique<SimSubscriber>(source_parts(), broker_, std::move(session)), parts);
    }

    bool work() override {
        bool published = false;
        for (std::uint64_t left = burst(); left > 0; --left) {
            published = broker_.publish(any_qos());
        }
        return published;
    }

    void agent_gone() override { broker_.agent_gone(); }
    [[nodiscard]] bool served() const override { return broker_.served(); }

  protected:
    void set_up(bool up) override { broker_.set_up(up); }
    void crash() override { broker_.forget(); }
    void cut() override { broker_.cut(); }
    [[nodiscard]] bool settled() const override { return broker_.settled(); }
    [[nodiscard]] std::string wrong(bool /*exact*/) const override { return broker_.wrong(); }
    [[nodiscard]] std::size_t gaps_owed() const override { return broker_.gaps_owed(); }
    [[nodiscard]] std::size_t gaps_max() const override { return broker_.gaps_max(); }

  private:
    std::size_t queue_max_;
    SimBroker broker_;
};

class DevicesOrigin final : public MqttOrigin {
  public:
    explicit DevicesOrigin(OriginParts parts) : MqttOrigin(std::move(parts)) {
        const std::uint64_t count = 1 + random_.below(4);
        for (std::uint64_t number = 0; number < count; ++number) {
            devices_.push_back(std::make_unique<SimDevice>(peer("d" + std::to_string(number)),
                                                           [this] { return dial(); }));
        }
    }

    void furnish(runtime::PipelineParts& parts) override {
        mqtt::ListenerOptions session;
        session.receive_maximum = window_;
        session.assigned_client_id_prefix = "none";
        auto source = std::make_unique<SimListener>(source_parts(), std::move(session));
        listener_ = source.get();
        finish(std::move(source), parts);
    }

    bool work() override {
        SimDevice& device = *devices_[random_.below(devices_.size())];
        for (std::uint64_t left = burst(); left > 0; --left) {
            device.publish(any_qos());
        }
        return true;
    }

    void agent_gone() override {
        listener_ = nullptr;
        for (const auto& device : devices_) {
            device->agent_gone();
        }
    }
    [[nodiscard]] bool served() const override {
        return std::all_of(
            devices_.begin(), devices_.end(), [](const auto& each) { return each->served(); });
    }

  protected:
    void set_up(bool up) override {
        if (!up) {
            cut();
        }
    }
    void cut() override {
        for (const auto& device : devices_) {
            device->cut();
        }
    }
    [[nodiscard]] bool settled() const override {
        return std::all_of(
            devices_.begin(), devices_.end(), [](const auto& each) { return each->settled(); });
    }
    [[nodiscard]] std::string wrong(bool exact) const override {
        for (const auto& device : devices_) {
            if (!device->wrong().empty()) {
                return device->wrong();
            }
            if (exact && device->lost_session()) {
                return "a device's session is lost";
            }
        }
        return {};
    }

  private:
    std::shared_ptr<SimLink> dial() {
        return listener_ == nullptr ? nullptr : listener_->dial(Us(random_.between(50, 3'000)));
    }

    std::vector<std::unique_ptr<SimDevice>> devices_;
    SimListener* listener_ = nullptr;  // of the agent that lives
};

}  // namespace

std::unique_ptr<Origin> make_broker_origin(OriginParts parts) {
    return std::make_unique<BrokerOrigin>(std::move(parts));
}

std::unique_ptr<Origin> make_devices_origin(OriginParts parts) {
    return std::make_unique<DevicesOrigin>(std::move(parts));
}

}  // namespace tributary::sim
