#include "tests/integration/mqtt/device.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

namespace tributary::mqtt_testing {
namespace {

using mqtt::PacketType;
using mqtt::Qos;
using mqtt::ReasonCode;
using mqtt::Version;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTurn{100};
constexpr milliseconds kConnectAgain{10};
constexpr std::chrono::seconds kPatience{90};
constexpr std::uint32_t kSessionSeconds = 3600;

}  // namespace

void Device::send(const std::string& topic, const std::string& payload) {
    const auto deadline = steady_clock::now() + kPatience;
    while (in_flight_.size() >= options_.window && !testing::Test::HasFailure()) {
        if (steady_clock::now() >= deadline) {
            wrong("nothing is acknowledged any more");
            return;
        }
        turn(kTurn);
    }
    if (testing::Test::HasFailure()) {
        return;
    }
    do {
        last_id_ = static_cast<std::uint16_t>(last_id_ % 60'000 + 1);
    } while (find(last_id_) != nullptr);
    in_flight_.push_back({.id = last_id_, .topic = topic, .payload = payload});
    if (link_ == Link::up) {
        publish(in_flight_.back());
    }
    turn(milliseconds(0));
}

bool Device::settle(milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (!in_flight_.empty() && !testing::Test::HasFailure()) {
        if (steady_clock::now() >= deadline) {
            return false;
        }
        turn(kTurn);
    }
    return in_flight_.empty();
}

void Device::turn(milliseconds wait) {
    if (link_ == Link::down) {
        connect();
        if (link_ == Link::down) {
            std::this_thread::sleep_for(std::min(wait, kConnectAgain));  // nobody listens
            return;
        }
    }
    pollfd socket{fd_.get(), static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
    if (::poll(&socket, 1, static_cast<int>(wait.count())) <= 0) {
        return;
    }
    if ((socket.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        receive();
    }
    write();
}

void Device::connect() {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    if (::connect(fd.get(), generic, sizeof address) != 0) {
        return;
    }
    fd_ = std::move(fd);
    link_ = Link::awaiting_connack;
    mqtt::Connect packet;
    packet.version = options_.version;
    packet.clean_start = false;
    packet.keep_alive_s = 60;
    packet.client_id = options_.client_id;
    if (options_.version == Version::v5) {
        packet.properties.session_expiry_interval_s = kSessionSeconds;
        packet.properties.set(mqtt::PropertyId::session_expiry_interval);
    }
    mqtt::encode(packet, out_);
    write();
}

void Device::lose() {
    fd_ = UniqueFd();
    link_ = Link::down;
    frames_.reset();
    out_.clear();
    pubacks_.clear();
    pubrecs_.clear();
    pubcomps_.clear();
    releases_again_.clear();
    for (Message& message : in_flight_) {
        message.on_link = false;
    }
}

void Device::publish(Message& message) {
    mqtt::Publish packet;
    packet.topic = message.topic;
    packet.payload = message.payload;
    packet.qos = options_.qos;
    packet.packet_id = message.id;
    packet.dup = message.sent_before;
    mqtt::encode(packet, options_.version, out_);
    sent_again_ += message.sent_before ? 1 : 0;
    message.sent_before = true;
    message.on_link = true;
    (options_.qos == Qos::at_least_once ? pubacks_ : pubrecs_).push_back(message.id);
}

void Device::release(Message& message, bool again) {
    mqtt::Ack packet;
    packet.type = PacketType::pubrel;
    packet.packet_id = message.id;
    mqtt::encode(packet, options_.version, out_);
    message.released = true;
    message.on_link = true;
    pubcomps_.push_back(message.id);
    if (again) {
        ++sent_again_;
        releases_again_.push_back(message.id);
    }
}

// MQTT 5.0 4.4: after a reconnect, in the order of the first sending.
void Device::resend() {
    for (Message& message : in_flight_) {
        if (message.released) {
            release(message, true);
        } else {
            publish(message);
        }
    }
}

void Device::receive() {
    std::array<char, 16'384> buffer{};
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        lose();
        return;
    }
    frames_.feed({buffer.data(), static_cast<std::size_t>(got)});
    while (link_ != Link::down) {
        const auto frame = frames_.next();
        if (frame.has_error()) {
            wrong(frame.error().message());
            return;
        }
        if (!frame.value()) {
            return;
        }
        take(*frame.value());
    }
}

void Device::take(const mqtt::Frame& frame) {
    const auto packet = mqtt::decode(frame, options_.version);
    if (packet.has_error()) {
        wrong(packet.error().message());
    } else if (const auto* connack = std::get_if<mqtt::Connack>(&packet.value())) {
        take_connack(*connack);
    } else if (link_ != Link::up) {
        wrong("a packet before CONNACK");
    } else if (const auto* ack = std::get_if<mqtt::Ack>(&packet.value())) {
        take_ack(*ack);
    } else {
        wrong("a packet that nobody waits for, first byte " + std::to_string(frame.header()));
    }
}

void Device::take_connack(const mqtt::Connack& packet) {
    if (link_ != Link::awaiting_connack || packet.reason != ReasonCode::success) {
        wrong("CONNACK with reason " + std::to_string(static_cast<int>(packet.reason)));
        return;
    }
    // Once a CONNACK has come the session is durable; before, a CONNECT may have made one whose
    // CONNACK was lost.
    if (has_session_ && !packet.session_present) {
        wrong("the session is lost");
        return;
    }
    has_session_ = true;
    link_ = Link::up;
    resend();
}

void Device::take_ack(const mqtt::Ack& packet) {
    bool excused = false;  // of a release that was sent again the listener may know nothing
    if (packet.type == PacketType::puback) {
        finish(packet.packet_id, pubacks_, "PUBACK");
    } else if (packet.type == PacketType::pubcomp) {
        if (!releases_again_.empty() && releases_again_.front() == packet.packet_id) {
            releases_again_.pop_front();
            excused = packet.reason == ReasonCode::packet_identifier_not_found;
        }
        finish(packet.packet_id, pubcomps_, "PUBCOMP");
    } else if (packet.type == PacketType::pubrec && !pubrecs_.empty() &&
               pubrecs_.front() == packet.packet_id) {
        pubrecs_.pop_front();
        release(*find(packet.packet_id), false);
    } else {
        wrong("PUBREC or PUBREL of " + std::to_string(packet.packet_id) + ", which is not due");
        return;
    }
    if (packet.reason != ReasonCode::success && !excused) {
        wrong("an answer to " + std::to_string(packet.packet_id) + " with reason " +
              std::to_string(static_cast<int>(packet.reason)));
    }
}

void Device::finish(std::uint16_t id, std::deque<std::uint16_t>& awaited, const char* what) {
    if (awaited.empty() || awaited.front() != id) {
        wrong(std::string(what) + " of " + std::to_string(id) + ", which is not the next");
        return;
    }
    awaited.pop_front();
    std::erase_if(in_flight_, [&](const Message& message) { return message.id == id; });
    ++acknowledged_;
}

void Device::write() {
    while (!out_.empty() && link_ != Link::down) {
        const ssize_t sent =
            ::send(fd_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (sent < 0) {
            receive();  // answers that came before the end still count
            return;
        }
        out_.erase(0, static_cast<std::size_t>(sent));
    }
}

Device::Message* Device::find(std::uint16_t id) {
    const auto found = std::find_if(in_flight_.begin(),
                                    in_flight_.end(),
                                    [&](const Message& message) { return message.id == id; });
    return found == in_flight_.end() ? nullptr : &*found;
}

void Device::wrong(const std::string& what) {
    ADD_FAILURE() << options_.client_id << ": " << what << " (after " << acknowledged_
                  << " acknowledged, " << sent_again_ << " sent again)";
    lose();
}

}  // namespace tributary::mqtt_testing
