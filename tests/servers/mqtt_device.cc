#include "tests/servers/mqtt_device.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>
#include <utility>
#include <variant>

namespace tributary::servers {
namespace {

using mqtt::ReasonCode;
using mqtt::Version;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTurn{100};
constexpr milliseconds kConnectAgain{10};
constexpr milliseconds kTurnedAway{250};
constexpr std::chrono::seconds kPatience{90};
constexpr std::uint32_t kSessionSeconds = 3600;

}  // namespace

void MqttDevice::send(const std::string& topic, const std::string& payload) {
    const auto deadline = steady_clock::now() + kPatience;
    while (unacknowledged() >= options_.window && wrong().empty()) {
        if (steady_clock::now() >= deadline) {
            return complain("nothing is acknowledged any more");
        }
        turn(kTurn);
    }
    sender_.push(topic, payload, options_.qos, out_);
    turn(milliseconds(0));
}

bool MqttDevice::settle(milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (unacknowledged() > 0 && wrong().empty() && steady_clock::now() < deadline) {
        turn(kTurn);
    }
    return unacknowledged() == 0;
}

void MqttDevice::turn(milliseconds wait) {
    if (link_ == Link::down) {
        if (steady_clock::now() >= not_before_) {
            connect();
        }
        if (link_ == Link::down) {
            std::this_thread::sleep_for(std::min(wait, kConnectAgain));  // nobody listens
            return;
        }
    }
    write();
    const auto events = static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT);
    pollfd socket{.fd = fd_.get(), .events = events, .revents = 0};
    if (::poll(&socket, 1, static_cast<int>(wait.count())) <= 0) {
        return;
    }
    if ((socket.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        receive();
    }
    write();
}

void MqttDevice::connect() {
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
    packet.keep_alive_s = options_.keep_alive_s;
    packet.client_id = options_.client_id;
    if (options_.version == Version::v5) {
        packet.properties.session_expiry_interval_s = kSessionSeconds;
        packet.properties.set(mqtt::PropertyId::session_expiry_interval);
    }
    mqtt::encode(packet, out_);
}

void MqttDevice::cut() {
    fd_ = UniqueFd();
    link_ = Link::down;
    frames_.reset();
    out_.clear();
    sender_.link_down();
}

void MqttDevice::receive() {
    std::array<char, 16'384> buffer{};
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            cut();
        }
        return;
    }
    frames_.feed({buffer.data(), static_cast<std::size_t>(got)});
    while (link_ != Link::down) {
        const auto frame = frames_.next();
        if (frame.has_error()) {
            return complain(frame.error().message());
        }
        if (!frame.value()) {
            return;
        }
        take(*frame.value());
    }
}

void MqttDevice::take(const mqtt::Frame& frame) {
    const auto packet = mqtt::decode(frame, options_.version);
    if (packet.has_error()) {
        complain(packet.error().message());
    } else if (const auto* connack = std::get_if<mqtt::Connack>(&packet.value())) {
        take_connack(*connack);
    } else if (link_ != Link::up) {
        complain("a packet before CONNACK");
    } else if (const auto* bye = std::get_if<mqtt::Disconnect>(&packet.value())) {
        turned_away(bye->reason);
    } else if (const auto* ack = std::get_if<mqtt::Ack>(&packet.value())) {
        sender_.take(*ack, out_);
        if (!wrong().empty()) {
            cut();
        }
    } else {
        complain("a packet that nobody waits for, first byte " + std::to_string(frame.header()));
    }
}

void MqttDevice::take_connack(const mqtt::Connack& packet) {
    if (packet.reason != ReasonCode::success) {
        return turned_away(packet.reason);
    }
    // Once a CONNACK has come the session is durable; before, a CONNECT may have made one whose
    // CONNACK was lost.
    if (link_ != Link::awaiting_connack || (has_session_ && !packet.session_present)) {
        return complain("the session is lost");
    }
    has_session_ = true;
    link_ = Link::up;
    sender_.link_up(out_);
}

void MqttDevice::turned_away(ReasonCode reason) {
    if (!options_.may_be_turned_away) {
        return complain("turned away with reason " + std::to_string(static_cast<int>(reason)));
    }
    cut();
    not_before_ = steady_clock::now() + kTurnedAway;
}

void MqttDevice::write() {
    while (!out_.empty() && link_ != Link::down) {
        const ssize_t sent =
            ::send(fd_.get(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            return;  // full, or at its end: poll and recv say which
        }
        out_.erase(0, static_cast<std::size_t>(sent));
    }
}

void MqttDevice::complain(const std::string& what) {
    sender_.complain(what);
    cut();
}

}  // namespace tributary::servers
