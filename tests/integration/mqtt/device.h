// Device: an MQTT device over a raw socket, for tests that kill its listener. It keeps to the
// specification and asserts that the listener does: a persistent session; what is not acknowledged
// is sent again after each CONNACK in its old order, with DUP and its old identifier (MQTT 5.0
// 4.4.0-1), and at no other time; every answer must be one that this connection waits for, in its
// place (4.6.0). A wrong answer fails the running test and is never passed over. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "base/unique_fd.h"
#include "connectors/mqtt/codec/codec.h"

namespace tributary::mqtt_testing {

class Device {
  public:
    struct Options {
        std::uint16_t port = 0;
        std::string client_id = {};
        mqtt::Version version = mqtt::Version::v5;
        mqtt::Qos qos = mqtt::Qos::at_least_once;
        std::size_t window = 50;  // messages in flight
    };

    explicit Device(Options options) : options_(std::move(options)), frames_(1U << 20U) {}

    // Takes a message; waits while the window is full.
    void send(const std::string& topic, const std::string& payload);
    // Until everything is acknowledged; false after `limit`.
    [[nodiscard]] bool settle(std::chrono::milliseconds limit);
    // Reads and sends what there is to, waiting up to `wait` for something to happen.
    void turn(std::chrono::milliseconds wait);
    // The link breaks: answers on their way are lost.
    void cut() { lose(); }

    [[nodiscard]] std::size_t unacknowledged() const { return in_flight_.size(); }
    [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
    // How often a message, or the release of one, was sent again.
    [[nodiscard]] std::uint64_t sent_again() const { return sent_again_; }

  private:
    enum class Link : std::uint8_t { down, awaiting_connack, up };
    struct Message {
        std::uint16_t id = 0;
        std::string topic;
        std::string payload;
        bool released = false;     // QoS 2: PUBREC came, PUBREL is owed an answer
        bool sent_before = false;  // on any connection
        bool on_link = false;      // on this one
    };

    void connect();
    void lose();
    void publish(Message& message);
    void release(Message& message, bool again);
    void resend();
    void receive();
    void take(const mqtt::Frame& frame);
    void take_connack(const mqtt::Connack& packet);
    void take_ack(const mqtt::Ack& packet);
    void finish(std::uint16_t id, std::deque<std::uint16_t>& awaited, const char* what);
    void write();
    [[nodiscard]] Message* find(std::uint16_t id);
    void wrong(const std::string& what);

    Options options_;
    UniqueFd fd_;
    Link link_ = Link::down;
    mqtt::FrameReader frames_;
    std::string out_;
    bool has_session_ = false;
    std::uint16_t last_id_ = 0;
    std::deque<Message> in_flight_;
    // What this connection waits for, in order.
    std::deque<std::uint16_t> pubacks_;
    std::deque<std::uint16_t> pubrecs_;
    std::deque<std::uint16_t> pubcomps_;
    std::deque<std::uint16_t> releases_again_;  // may be answered "packet identifier not found"
    std::uint64_t acknowledged_ = 0;
    std::uint64_t sent_again_ = 0;
};

}  // namespace tributary::mqtt_testing
