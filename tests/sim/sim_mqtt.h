// SimBroker and SimDevice: what the agent's MQTT source talks to. Each is an MqttSender (the very
// one of the kill tests) and the packets around it, on a SimLink that may break anywhere. Both know
// the truth: which message must be in Kafka, and what the agent answered and must not.
// One thread (the scheduler's events and the agent's intake fiber).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/servers/mqtt_sender.h"
#include "tests/sim/scheduler.h"

namespace tributary::sim {

// A TCP connection between a peer and the agent: what either end sends arrives later, in order, in
// pieces of any size; what is under way is lost when it breaks. Owned by both ends.
class SimLink : public std::enable_shared_from_this<SimLink> {
  public:
    SimLink(Scheduler& scheduler, Us latency) : scheduler_(scheduler), latency_(latency) {}

    void to_agent(std::string bytes);
    void to_peer(std::string bytes);
    // The agent closes, or is killed: what it sent still arrives.
    void close();
    // Nothing arrives any more at either end but the news.
    void cut();

    [[nodiscard]] bool alive() const { return alive_; }
    std::string inbox;                              // the agent's
    std::function<void(std::string_view)> at_peer;  // bytes that came; none: it is over

  private:
    Scheduler& scheduler_;
    Us latency_;
    bool alive_ = true;
    bool closed_ = false;  // by the agent
};

// The messages of the application, by number; a payload is "m<number>".
class MqttTruth {
  public:
    // `owed`: it must be in Kafka in the end. Otherwise it may.
    [[nodiscard]] std::string next(bool owed) {
        owed_.push_back(owed);
        return "m" + std::to_string(owed_.size() - 1);
    }
    void excuse(const std::string& payload) { owed_[std::stoul(payload.substr(1))] = false; }
    [[nodiscard]] const std::vector<bool>& owed() const { return owed_; }

  private:
    std::vector<bool> owed_;
};

// What both kinds of peer are made of.
struct PeerParts {
    Scheduler& scheduler;
    MqttTruth& truth;
    std::uint64_t seed;
    std::string name;  // its messages' topic is "s/<name>"
    servers::MqttSender::Options sender;
};

// What both do with their connection.
class SimPeer {
  public:
    void cut();
    void agent_gone();

    [[nodiscard]] bool settled() const { return sender_.unacknowledged() == 0; }
    [[nodiscard]] const std::string& wrong() const { return sender_.wrong(); }

  protected:
    explicit SimPeer(PeerParts parts);
    virtual ~SimPeer() = default;

    void attach(std::shared_ptr<SimLink> link);
    void drop_link();
    void send();  // what is in out_

    PeerParts parts_;
    Rng random_;
    servers::MqttSender sender_;
    std::shared_ptr<SimLink> link_;
    std::string out_;
    bool greeted_ = false;  // CONNACK went over this link

  private:
    virtual void take(const mqtt::Packet& packet) = 0;
    void receive(std::string_view bytes);

    mqtt::FrameReader frames_{1U << 20U};
};

class SimBroker final : public SimPeer {
  public:
    SimBroker(PeerParts parts, std::size_t queue_max);

    // The agent connects; null: nobody listens.
    [[nodiscard]] std::shared_ptr<SimLink> connect();
    // A message of somebody for the agent's session; false: there is no broker, or no subscription.
    bool publish(mqtt::Qos qos);

    void set_up(bool up);
    void forget();  // its sessions: it died, and had not written them down

    [[nodiscard]] bool served() const { return link_ && subscribed_ && greeted_; }
    // Gap records that must be there, and that may.
    [[nodiscard]] std::size_t gaps_owed() const { return gaps_owed_; }
    [[nodiscard]] std::size_t gaps_max() const { return sessions_begun_; }

  private:
    void take(const mqtt::Packet& packet) override;
    void greet(const mqtt::Connect& packet);

    std::size_t queue_max_;
    bool up_ = true;
    bool session_ = false;
    bool subscribed_ = false;
    bool relied_upon_ = false;  // the agent had this session, and knew it on its disk
    bool gap_due_ = false;      // this link's CONNACK told the agent that its session is lost
    std::size_t gaps_owed_ = 0;
    std::size_t sessions_begun_ = 0;
    std::uint64_t acknowledged_before_ = 0;  // by earlier sessions
};

class SimDevice final : public SimPeer {
  public:
    // `dial`: a connection to the agent's listener; null: it does not listen.
    SimDevice(PeerParts parts, std::function<std::shared_ptr<SimLink>()> dial);

    void publish(mqtt::Qos qos);

    [[nodiscard]] bool served() const { return greeted_; }
    [[nodiscard]] bool lost_session() const { return lost_session_; }

  private:
    void turn();
    void take(const mqtt::Packet& packet) override;
    void take_connack(const mqtt::Connack& packet);

    std::function<std::shared_ptr<SimLink>()> dial_;
    bool has_session_ = false;
    bool lost_session_ = false;  // the listener forgot it
};

}  // namespace tributary::sim
