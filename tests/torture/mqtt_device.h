// An MQTT device over a raw socket, with a persistent session. What is not acknowledged is sent
// again after each CONNACK in its old order, with DUP (MQTT 5.0 4.4). A server that turns it away
// (DISCONNECT, a refused CONNECT, a closed link) is tried again; an answer that it does not wait
// for is a wrong(). One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "base/unique_fd.h"
#include "connectors/mqtt/codec/codec.h"

namespace tributary::torture {

class MqttDevice {
  public:
    struct Options {
        std::uint16_t port = 0;
        std::string client_id = {};
        mqtt::Version version = mqtt::Version::v5;
        mqtt::Qos qos = mqtt::Qos::at_least_once;
    };

    explicit MqttDevice(Options options) : options_(std::move(options)), frames_(1U << 20U) {}

    void send(const std::string& topic, const std::string& payload);
    // Reads and writes what there is to, waiting up to `wait` for something to happen.
    void turn(std::chrono::milliseconds wait);
    // The link breaks: answers on their way are lost.
    void cut();

    [[nodiscard]] std::size_t unacknowledged() const { return in_flight_.size(); }
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
    };

    void connect();
    void publish(Message& message);
    void release(Message& message);
    void receive();
    void take(const mqtt::Frame& frame);
    void take_connack(const mqtt::Connack& packet);
    void take_ack(const mqtt::Ack& packet);
    void turned_away();
    void write();
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
    std::uint64_t sent_again_ = 0;
    std::string wrong_;
};

}  // namespace tributary::torture
