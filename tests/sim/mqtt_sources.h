// SimSubscriber and SimListener: the two MQTT sources over simulated links. The sessions, what they
// remember, the entries and the decoder are the connector's own; only what the connector does
// through Asio is done here, in the order of subscriber/source.cc and listener/source.cc.
// One thread (the agent's intake fiber).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connectors/mqtt/decoder.h"
#include "connectors/mqtt/entry_writer.h"
#include "connectors/mqtt/options.h"
#include "connectors/mqtt/session/listener_session.h"
#include "connectors/mqtt/session/subscriber_session.h"
#include "ports/observer.h"
#include "ports/source.h"
#include "tests/sim/sim_mqtt.h"
#include "tests/sim/sim_source.h"

namespace tributary::sim {

struct MqttSourceParts {
    Scheduler& scheduler;
    const SimClock& clock;
    Observer& observer;
    const SourceWeather& weather;
    std::uint64_t seed;
    mqtt::Options options;
};

// What both sources share.
class SimMqttSource : public Source {
  public:
    SimMqttSource(MqttSourceParts parts, bool devices);

    void confirm(const Position& position) override;
    [[nodiscard]] Result<std::optional<Pressure>> pressure() override {
        return std::optional<Pressure>();
    }
    [[nodiscard]] Verdict reconcile(const LogExtent& /*log*/,
                                    const Checkpoint& /*checkpoint*/) const override {
        return Verdict::resume;
    }
    [[nodiscard]] std::unique_ptr<Decoder> make_decoder() const override;
    [[nodiscard]] std::string identity() const override { return "mqtt"; }
    [[nodiscard]] std::string describe(const Position& position) const override;
    void interrupt() override { interrupted_ = true; }
    void progressed() override { progressed_ = true; }

  protected:
    // The number of the last entry, when the session has to begin anew from the log.
    [[nodiscard]] std::optional<mqtt::IntakeNumber> last_of(const StartPoint& start, bool running);
    // Up to which number acknowledgements were allowed before this run.
    [[nodiscard]] mqtt::IntakeNumber acknowledgeable(mqtt::IntakeNumber last) const {
        return parts_.options.ack_delivered ? 0 : last;
    }
    void begin_poll(EntrySink& sink);
    void write(EntrySink* sink);
    // Waits for `done` or until `due`; true: interrupted.
    bool wait(std::chrono::milliseconds most, SteadyTime due, const std::function<bool()>& done);
    // Some of what has arrived.
    [[nodiscard]] std::string some(SimLink& link, std::size_t most);

    MqttSourceParts parts_;
    Rng random_;
    mqtt::EntryWriter writer_;
    mqtt::Step step_;
    mqtt::IntakeNumber confirmed_ = 0;
    mqtt::IntakeNumber told_ = 0;
    bool interrupted_ = false;
    bool progressed_ = false;
};

class SimSubscriber final : public SimMqttSource {
  public:
    SimSubscriber(MqttSourceParts parts, SimBroker& broker, mqtt::SubscriberOptions session);

    [[nodiscard]] Result<void> open(const StartPoint& start, const SideReader& side) override;
    [[nodiscard]] Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> idle(std::chrono::milliseconds wait) override;
    void close(std::chrono::milliseconds budget) override;

  private:
    [[nodiscard]] Result<void> read(EntrySink* sink, std::size_t chunk);
    [[nodiscard]] Result<void> tend(EntrySink* sink);
    [[nodiscard]] Result<void> carry_out(EntrySink* sink);
    [[nodiscard]] Error ended();

    SimBroker& broker_;
    const mqtt::SubscriberOptions session_options_;
    std::unique_ptr<mqtt::SubscriberSession> session_;
    std::shared_ptr<SimLink> link_;
};

class SimListener final : public SimMqttSource {
  public:
    SimListener(MqttSourceParts parts, mqtt::ListenerOptions session);

    // A device dials; null: nobody listens.
    [[nodiscard]] std::shared_ptr<SimLink> dial(Us latency);

    [[nodiscard]] Result<void> open(const StartPoint& start, const SideReader& side) override;
    [[nodiscard]] Result<void> poll(EntrySink& sink, std::chrono::milliseconds wait) override;
    [[nodiscard]] Result<void> idle(std::chrono::milliseconds wait) override;
    void close(std::chrono::milliseconds budget) override;

  private:
    [[nodiscard]] bool anything_to_read() const;
    void serve(EntrySink* sink);
    void tend(EntrySink* sink);
    void set_full(bool full, EntrySink* sink);
    void carry_out(EntrySink* sink);

    // Everyone may do everything.
    struct Policy final : mqtt::ListenerPolicy {
        mqtt::ReasonCode authenticate(const mqtt::Connect& /*connect*/,
                                      std::string_view /*peer*/,
                                      std::string& /*user*/) override {
            return mqtt::ReasonCode::success;
        }
        bool may_publish(std::string_view /*user*/,
                         std::string_view /*client_id*/,
                         std::string_view /*topic*/) override {
            return true;
        }
    };

    const mqtt::ListenerOptions session_options_;
    Policy policy_;
    std::unique_ptr<mqtt::Listener> listener_;
    bool open_ = false;
    bool full_ = false;
    std::optional<SteadyTime> paused_since_;
    std::vector<std::shared_ptr<SimLink>> knocking_;
    std::map<mqtt::ConnectionId, std::shared_ptr<SimLink>> links_;
    std::deque<mqtt::ConnectionId> parted_;  // the session is to be told
};

}  // namespace tributary::sim
