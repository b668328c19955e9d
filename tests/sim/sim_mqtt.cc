#include "tests/sim/sim_mqtt.h"

#include <utility>
#include <variant>

namespace tributary::sim {

using mqtt::Qos;
using mqtt::ReasonCode;
using mqtt::Version;

// --- The link -----------------------------------------------------------------------------------

void SimLink::to_agent(std::string bytes) {
    scheduler_.at(latency_, [self = shared_from_this(), bytes = std::move(bytes)] {
        if (self->alive_ && !self->closed_) {
            self->inbox += bytes;
        }
    });
}

void SimLink::to_peer(std::string bytes) {
    if (bytes.empty()) {
        return;
    }
    scheduler_.at(latency_, [self = shared_from_this(), bytes = std::move(bytes)] {
        if (self->alive_) {
            self->at_peer(bytes);
        }
    });
}

void SimLink::close() {
    closed_ = true;
    scheduler_.at(latency_, [self = shared_from_this()] {
        if (std::exchange(self->alive_, false)) {
            self->at_peer({});
        }
    });
}

void SimLink::cut() {
    if (std::exchange(alive_, false)) {
        scheduler_.at(latency_, [self = shared_from_this()] { self->at_peer({}); });
    }
}

// --- What both do -------------------------------------------------------------------------------

SimPeer::SimPeer(PeerParts parts)
    : parts_(std::move(parts)), random_(parts_.seed), sender_(parts_.sender) {}

void SimPeer::attach(std::shared_ptr<SimLink> link) {
    link_ = std::move(link);
    link_->at_peer = [this, link = link_.get()](std::string_view bytes) {
        if (link == link_.get()) {
            receive(bytes);
        }
    };
}

void SimPeer::agent_gone() {
    if (link_ && random_.coin()) {
        link_->close();
    } else {
        cut();
    }
}

void SimPeer::cut() {
    if (link_) {
        link_->cut();
    }
    drop_link();
}

void SimPeer::drop_link() {
    link_.reset();
    greeted_ = false;
    frames_.reset();
    out_.clear();
    sender_.link_down();
}

void SimPeer::send() {
    if (link_ && !out_.empty()) {
        link_->to_agent(std::exchange(out_, {}));
    }
    out_.clear();
}

void SimPeer::receive(std::string_view bytes) {
    if (bytes.empty()) {
        return drop_link();
    }
    frames_.feed(bytes);
    while (link_) {
        const auto frame = frames_.next();
        if (frame.has_error() || !frame.value()) {
            if (frame.has_error()) {
                sender_.complain(frame.error().message());
            }
            break;
        }
        const auto packet = mqtt::decode(*frame.value(), parts_.sender.version);
        if (packet.has_error()) {
            sender_.complain(packet.error().message());
        } else {
            take(packet.value());
        }
    }
    send();
}

// --- The broker ---------------------------------------------------------------------------------

SimBroker::SimBroker(PeerParts parts, std::size_t queue_max)
    : SimPeer(std::move(parts)), queue_max_(queue_max) {}

std::shared_ptr<SimLink> SimBroker::connect() {
    if (!up_) {
        return nullptr;
    }
    // One client identifier has one connection: CONNECT would end the other one.
    cut();
    attach(std::make_shared<SimLink>(parts_.scheduler, Us(random_.between(50, 3'000))));
    return link_;
}

bool SimBroker::publish(Qos qos) {
    if (!up_ || !subscribed_) {
        return false;
    }
    // What a full queue has no room for is dropped, as QoS 0 is without a connection.
    const bool kept = qos != Qos::at_most_once && sender_.unacknowledged() < queue_max_;
    const std::string payload = parts_.truth.next(kept);
    if (kept || qos == Qos::at_most_once) {
        sender_.push("s/" + parts_.name, payload, qos, out_);
    }
    send();
    return true;
}

void SimBroker::set_up(bool up) {
    up_ = up;
    if (!up) {
        cut();
    }
}

void SimBroker::forget() {
    cut();
    for (const std::string& payload : sender_.forget()) {
        parts_.truth.excuse(payload);
    }
    relied_upon_ = relied_upon_ || sender_.acknowledged() > acknowledged_before_;
    acknowledged_before_ = sender_.acknowledged();
    session_ = false;
    subscribed_ = false;
}

void SimBroker::take(const mqtt::Packet& packet) {
    const Version version = parts_.sender.version;
    if (const auto* connect = std::get_if<mqtt::Connect>(&packet)) {
        return greet(*connect);
    }
    if (!greeted_) {
        return sender_.complain("a packet before CONNECT");
    }
    if (const auto* ack = std::get_if<mqtt::Ack>(&packet)) {
        sender_.take(*ack, out_);
    } else if (const auto* subscribe = std::get_if<mqtt::Subscribe>(&packet)) {
        // It is sent when the loss of the session before is durable, not earlier.
        gaps_owed_ += std::exchange(gap_due_, false) ? 1 : 0;
        subscribed_ = true;
        mqtt::encode(mqtt::Suback{.packet_id = subscribe->packet_id,
                                  .codes_view = std::string_view("\2", 1),
                                  .properties = {}},
                     version,
                     out_);
    } else if (std::holds_alternative<mqtt::Pingreq>(packet)) {
        mqtt::encode(mqtt::Pingresp{}, out_);
    } else if (std::holds_alternative<mqtt::Disconnect>(packet)) {
        drop_link();
    } else {
        sender_.complain("a packet that is none of a subscriber's");
    }
}

void SimBroker::greet(const mqtt::Connect& packet) {
    if (packet.clean_start || greeted_) {
        return sender_.complain("a CONNECT that would lose the session");
    }
    mqtt::encode(
        mqtt::Connack{.session_present = session_, .properties = {}}, parts_.sender.version, out_);
    greeted_ = true;
    gap_due_ = !session_ && std::exchange(relied_upon_, false);
    sessions_begun_ += session_ ? 0 : 1;
    session_ = true;
    sender_.link_up(out_);
}

// --- The device ---------------------------------------------------------------------------------

SimDevice::SimDevice(PeerParts parts, std::function<std::shared_ptr<SimLink>()> dial)
    : SimPeer(std::move(parts)), dial_(std::move(dial)) {
    turn();
}

void SimDevice::publish(Qos qos) {
    sender_.push("s/" + parts_.name, parts_.truth.next(qos != Qos::at_most_once), qos, out_);
    send();
}

// Dials again and again while it has no connection.
void SimDevice::turn() {
    parts_.scheduler.at(Us(random_.between(5'000, 150'000)), [this] { turn(); });
    if (link_) {
        return;
    }
    auto link = dial_();
    if (!link) {
        return;
    }
    attach(std::move(link));
    mqtt::Connect packet;
    packet.version = parts_.sender.version;
    packet.client_id = parts_.name;
    if (packet.version == Version::v5) {
        packet.properties.session_expiry_interval_s = 3600;
        packet.properties.set(mqtt::PropertyId::session_expiry_interval);
    }
    mqtt::encode(packet, out_);
    send();
}

void SimDevice::take(const mqtt::Packet& packet) {
    if (const auto* connack = std::get_if<mqtt::Connack>(&packet)) {
        take_connack(*connack);
    } else if (const auto* ack = std::get_if<mqtt::Ack>(&packet); ack != nullptr && greeted_) {
        sender_.take(*ack, out_);
    } else if (std::holds_alternative<mqtt::Disconnect>(packet) && greeted_) {
        cut();
    } else {
        sender_.complain("a packet that no device waits for");
    }
}

void SimDevice::take_connack(const mqtt::Connack& packet) {
    if (packet.reason != ReasonCode::success) {
        return cut();
    }
    if (greeted_) {
        return sender_.complain("a second CONNACK");
    }
    greeted_ = true;
    if (has_session_ && !packet.session_present) {
        lost_session_ = true;
        // What was under way is sent as new.
        for (std::string& payload : sender_.forget()) {
            sender_.push("s/" + parts_.name, std::move(payload), Qos::at_least_once, out_);
        }
    }
    has_session_ = true;
    sender_.link_up(out_);
}

}  // namespace tributary::sim
