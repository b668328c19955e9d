// MqttSender: the sending end of one MQTT session, for the devices and brokers of tests: what is in
// flight, under which identifiers, and what its other end still owes. It keeps to the specification
// and checks that the other end does: what is not acknowledged is sent again on each new connection
// in its old order, with DUP and its old identifier (MQTT 5.0 4.4.0-1), and at no other time; every
// answer must be one that this connection waits for, in its place (4.6.0). Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "connectors/mqtt/codec/codec.h"

namespace tributary::servers {

class MqttSender {
  public:
    struct Options {
        mqtt::Version version = mqtt::Version::v5;
        std::size_t window = 50;        // messages of QoS 1 and 2 in flight
        std::uint16_t id_max = 60'000;  // identifiers are 1 to this in turn; above `window`
    };

    explicit MqttSender(Options options) : options_(options) {}

    // A message; behind those that wait for a place in the window. Of QoS 0 it goes at once, or
    // nowhere. What is to be sent is appended to `out`, here and below.
    void push(std::string topic, std::string payload, mqtt::Qos qos, std::string& out);
    // The session is up on a new connection, or has lost its connection.
    void link_up(std::string& out);
    void link_down();
    void take(const mqtt::Ack& packet, std::string& out);
    // The session is lost. The payloads that were not acknowledged, in order.
    std::vector<std::string> forget();

    [[nodiscard]] std::size_t unacknowledged() const { return in_flight_.size() + waiting_.size(); }
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    // How often a message, or the release of one, was sent again.
    [[nodiscard]] std::uint64_t sent_again() const { return sent_again_; }
    // What the other end did that it must not, the first time; empty: nothing.
    [[nodiscard]] const std::string& wrong() const { return wrong_; }
    void complain(const std::string& what);

  private:
    enum class Stage : std::uint8_t { fresh, published, released };
    struct Message {
        std::uint16_t id = 0;
        std::string topic;
        std::string payload;
        mqtt::Qos qos = mqtt::Qos::at_most_once;
        Stage stage = Stage::fresh;
        bool released_again = false;  // the other end may know nothing of it any more
    };

    void fill(std::string& out);
    void publish(Message& message, std::string& out);
    void release(Message& message, std::string& out);
    [[nodiscard]] Message* find(std::uint16_t id);

    Options options_;
    bool up_ = false;
    std::uint16_t last_id_ = 0;
    std::deque<Message> in_flight_;
    std::deque<Message> waiting_;
    // The identifiers that this connection waits for, in order, by the kind of their answer.
    std::map<mqtt::PacketType, std::deque<std::uint16_t>> due_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t sent_again_ = 0;
    std::string wrong_;
};

}  // namespace tributary::servers
