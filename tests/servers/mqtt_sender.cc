#include "tests/servers/mqtt_sender.h"

#include <algorithm>
#include <utility>

namespace tributary::servers {

using mqtt::PacketType;
using mqtt::Qos;
using mqtt::ReasonCode;

void MqttSender::push(std::string topic, std::string payload, Qos qos, std::string& out) {
    Message message{.topic = std::move(topic), .payload = std::move(payload), .qos = qos};
    if (qos != Qos::at_most_once) {
        waiting_.push_back(std::move(message));
        fill(out);
    } else if (up_) {
        publish(message, out);
    }
}

void MqttSender::link_up(std::string& out) {
    up_ = true;
    for (Message& message : in_flight_) {
        if (message.stage == Stage::released) {
            release(message, out);
        } else {
            publish(message, out);
        }
    }
    fill(out);
}

void MqttSender::link_down() {
    up_ = false;
    due_.clear();
}

void MqttSender::fill(std::string& out) {
    while (up_ && !waiting_.empty() && in_flight_.size() < options_.window) {
        do {
            last_id_ = static_cast<std::uint16_t>(last_id_ % options_.id_max + 1);
        } while (find(last_id_) != nullptr);
        in_flight_.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
        in_flight_.back().id = last_id_;
        publish(in_flight_.back(), out);
    }
}

void MqttSender::publish(Message& message, std::string& out) {
    mqtt::Publish packet;
    packet.topic = message.topic;
    packet.payload = message.payload;
    packet.qos = message.qos;
    packet.packet_id = message.id;
    packet.dup = message.stage != Stage::fresh;
    mqtt::encode(packet, options_.version, out);
    sent_again_ += packet.dup ? 1 : 0;
    message.stage = Stage::published;
    if (message.qos != Qos::at_most_once) {
        const bool once = message.qos == Qos::exactly_once;
        due_[once ? PacketType::pubrec : PacketType::puback].push_back(message.id);
    }
}

void MqttSender::release(Message& message, std::string& out) {
    mqtt::Ack packet;
    packet.type = PacketType::pubrel;
    packet.packet_id = message.id;
    mqtt::encode(packet, options_.version, out);
    message.released_again = message.stage == Stage::released;
    sent_again_ += message.released_again ? 1 : 0;
    message.stage = Stage::released;
    due_[PacketType::pubcomp].push_back(message.id);
}

void MqttSender::take(const mqtt::Ack& packet, std::string& out) {
    auto& due = due_[packet.type];
    if (due.empty() || due.front() != packet.packet_id) {
        return complain("an answer of type " + std::to_string(static_cast<int>(packet.type)) +
                        " to " + std::to_string(packet.packet_id) + ", which is not the next");
    }
    due.pop_front();
    Message& message = *find(packet.packet_id);
    const bool excused =
        message.released_again && packet.reason == ReasonCode::packet_identifier_not_found;
    if (packet.reason != ReasonCode::success && !excused) {
        return complain("an answer to " + std::to_string(packet.packet_id) + " with reason " +
                        std::to_string(static_cast<int>(packet.reason)));
    }
    if (packet.type == PacketType::pubrec) {
        return release(message, out);
    }
    std::erase_if(in_flight_, [&](const Message& one) { return one.id == packet.packet_id; });
    ++acknowledged_;
    fill(out);
}

std::vector<std::string> MqttSender::forget() {
    std::vector<std::string> payloads;
    for (auto* queue : {&in_flight_, &waiting_}) {
        for (Message& message : *queue) {
            payloads.push_back(std::move(message.payload));
        }
        queue->clear();
    }
    due_.clear();
    return payloads;
}

MqttSender::Message* MqttSender::find(std::uint16_t id) {
    const auto found = std::find_if(in_flight_.begin(),
                                    in_flight_.end(),
                                    [&](const Message& message) { return message.id == id; });
    return found == in_flight_.end() ? nullptr : &*found;
}

void MqttSender::complain(const std::string& what) {
    if (wrong_.empty()) {
        wrong_ = what + " (after " + std::to_string(acknowledged_) + " acknowledged, " +
                 std::to_string(sent_again_) + " sent again)";
    }
}

}  // namespace tributary::servers
