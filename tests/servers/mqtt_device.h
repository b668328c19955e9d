// MqttDevice: an MQTT device over a raw socket, for tests that kill or freeze its server. It keeps
// to the specification and checks that the server does: a persistent session; what is not
// acknowledged is sent again after each CONNACK in its old order, with DUP and its old identifier
// (MQTT 5.0 4.4.0-1), and at no other time; every answer must be one that this connection waits
// for, in its place (4.6.0). The first answer that is not is wrong(), and the link is cut. One
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "base/unique_fd.h"
#include "connectors/mqtt/codec/codec.h"

namespace tributary::servers {

class MqttDevice {
  public:
    struct Options {
        std::uint16_t port = 0;
        std::string client_id = {};
        mqtt::Version version = mqtt::Version::v5;
        mqtt::Qos qos = mqtt::Qos::at_least_once;
        std::size_t window = 50;          // messages in flight
        bool may_be_turned_away = false;  // by DISCONNECT or a refused CONNECT: it tries again
    };

    explicit MqttDevice(Options options) : options_(std::move(options)), frames_(1U << 20U) {}

    // Takes a message; waits while the window is full.
    void send(const std::string& topic, const std::string& payload);
    // Until everything is acknowledged; false after `limit`, or when something is wrong.
    [[nodiscard]] bool settle(std::chrono::milliseconds limit);
    // Reads and writes what there is to, waiting up to `wait` for something to happen.
    void turn(std::chrono::milliseconds wait);
    // The link breaks: answers on their way are lost.
    void cut();

    [[nodiscard]] std::size_t unacknowledged() const { return in_flight_.size(); }
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    // How often a message, or the release of one, was sent again.
    [[nodiscard]] std::uint64_t sent_again() const { return sent_again_; }
    // What the server did that it must not; empty: nothing.
    [[nodiscard]] const std::string& wrong() const { return wrong_; }

  private:
    enum class Link : std::uint8_t { down, awaiting_connack, up };
    enum class Stage : std::uint8_t { fresh, published, released };
    struct Message {
        std::uint16_t id = 0;
        std::string topic;
        std::string payload;
        Stage stage = Stage::fresh;
        bool released_again = false;  // the server may know nothing of it any more
    };

    void connect();
    void publish(Message& message);
    void release(Message& message);
    void receive();
    void take(const mqtt::Frame& frame);
    void take_connack(const mqtt::Connack& packet);
    void take_ack(const mqtt::Ack& packet);
    void turned_away(mqtt::ReasonCode reason);
    void write();
    [[nodiscard]] Message* find(std::uint16_t id);
    void complain(const std::string& what);

    Options options_;
    UniqueFd fd_;
    Link link_ = Link::down;
    std::chrono::steady_clock::time_point not_before_{};  // the next try to connect
    mqtt::FrameReader frames_;
    std::string out_;
    bool has_session_ = false;
    std::uint16_t last_id_ = 0;
    std::deque<Message> in_flight_;
    // The identifiers that this connection waits for, in order, by the kind of their answer.
    std::map<mqtt::PacketType, std::deque<std::uint16_t>> due_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t sent_again_ = 0;
    std::string wrong_;
};

}  // namespace tributary::servers
