// MqttDevice: an MQTT device over a raw socket with a persistent session, for tests that kill or
// freeze its server: an MqttSender and the link under it. The first thing that its server does and
// must not is wrong(), and the link is cut. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "tests/servers/mqtt_sender.h"

namespace tributary::servers {

class MqttDevice {
  public:
    struct Options {
        std::uint16_t port = 0;
        std::string client_id = {};
        mqtt::Version version = mqtt::Version::v5;
        mqtt::Qos qos = mqtt::Qos::at_least_once;
        std::size_t window = 50;          // messages in flight
        std::uint16_t keep_alive_s = 60;  // who turns it must see to that
        bool may_be_turned_away = false;  // by DISCONNECT or a refused CONNECT: it tries again
    };

    explicit MqttDevice(Options options)
        : options_(std::move(options)),
          sender_({.version = options_.version, .window = options_.window}) {}

    // Takes a message; waits while the window is full.
    void send(const std::string& topic, const std::string& payload);
    // Until everything is acknowledged; false after `limit`, or when something is wrong.
    [[nodiscard]] bool settle(std::chrono::milliseconds limit);
    // Reads and writes what there is to, waiting up to `wait` for something to happen.
    void turn(std::chrono::milliseconds wait);
    // The link breaks: answers on their way are lost.
    void cut();

    [[nodiscard]] std::size_t unacknowledged() const { return sender_.unacknowledged(); }
    [[nodiscard]] std::uint64_t acknowledged() const { return sender_.acknowledged(); }
    [[nodiscard]] std::uint64_t sent_again() const { return sender_.sent_again(); }
    // What the server did that it must not; empty: nothing.
    [[nodiscard]] const std::string& wrong() const { return sender_.wrong(); }

  private:
    enum class Link : std::uint8_t { down, awaiting_connack, up };

    void connect();
    void receive();
    void take(const mqtt::Frame& frame);
    void take_connack(const mqtt::Connack& packet);
    void turned_away(mqtt::ReasonCode reason);
    void write();
    void complain(const std::string& what);

    Options options_;
    MqttSender sender_;
    UniqueFd fd_;
    Link link_ = Link::down;
    std::chrono::steady_clock::time_point not_before_{};  // the next try to connect
    mqtt::FrameReader frames_{1U << 20U};
    std::string out_;
    bool has_session_ = false;
};

}  // namespace tributary::servers
