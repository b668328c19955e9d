// What each packet of the broker does (MQTT 5.0 and 3.1.1 chapter 3, client role).
#include <string>
#include <utility>

#include "base/bytes.h"
#include "connectors/mqtt/session/refusal.h"
#include "connectors/mqtt/session/subscriber_impl.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

std::string record_of(const std::vector<SubscriberOptions::Filter>& filters) {
    std::string record;
    for (const SubscriberOptions::Filter& filter : filters) {
        append_fixed(record, static_cast<std::uint16_t>(filter.filter.size()), Endian::big);
        record.append(filter.filter);
        record.push_back(static_cast<char>(filter.qos));
    }
    return record;
}

}  // namespace

void SubscriberSession::Impl::on_frame(SteadyTime now, const Frame& frame, Step& step) {
    const auto take_packet = [&](auto decoded, auto handle) {
        if (decoded.has_error()) {
            fail(decoded.error(), step);
        } else {
            handle(decoded.value());
        }
    };
    const Version version = options.version;
    const PacketType type = frame.type();
    if (state == State::connecting ? type != PacketType::connack : type == PacketType::connack) {
        fail({.reason = ReasonCode::protocol_error,
              .header = frame.header(),
              .what = "CONNACK is the first packet and comes once"},
             step);
        return;
    }
    switch (type) {
        case PacketType::connack: {
            // A broker that knows nothing of MQTT 5 answers in its own form, without properties.
            constexpr std::size_t kOldBytes = 4;
            const bool old = v5() && frame.bytes.size() == kOldBytes;
            take_packet(decode_connack(frame, old ? Version::v3_1_1 : version),
                        [&](Connack& packet) {
                            if (old && packet.reason == ReasonCode::success) {
                                packet.reason = ReasonCode::unsupported_protocol_version;
                            }
                            on_connack(now, packet, step);
                        });
            return;
        }
        case PacketType::publish:
            take_packet(decode_publish(frame, version),
                        [&](Publish& packet) { on_publish(now, packet, step); });
            return;
        case PacketType::pubrel:
            take_packet(decode_ack(frame, version),
                        [&](const Ack& packet) { on_pubrel(packet, step); });
            return;
        case PacketType::suback:
            take_packet(decode_suback(frame, version),
                        [&](const Suback& packet) { on_suback(now, packet, step); });
            return;
        case PacketType::unsuback:
            take_packet(decode_unsuback(frame, version), [](const Unsuback&) {});
            return;
        case PacketType::pingresp:
            take_packet(decode(frame, version), [&](const Packet&) { on_pingresp(now); });
            return;
        case PacketType::disconnect:
            if (v5()) {
                take_packet(decode_disconnect(frame, version),
                            [&](const Disconnect& packet) { on_disconnect(packet, step); });
                return;
            }
            break;
        case PacketType::connect:
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubcomp:
        case PacketType::subscribe:
        case PacketType::unsubscribe:
        case PacketType::pingreq:
        case PacketType::auth:
            break;
    }
    fail({.reason = ReasonCode::protocol_error,
          .header = frame.header(),
          .what = "not a packet that a broker sends here"},
         step);
}

void SubscriberSession::Impl::on_connack(SteadyTime now, const Connack& connack, Step& step) {
    const Properties& properties = connack.properties;
    unanswered = false;
    if (connack.reason != ReasonCode::success) {
        fail(refusal("refused the connection", connack.reason, properties),
             connack.reason,
             "the broker refused the connection",
             step);
        return;
    }
    if (properties.has(PropertyId::server_keep_alive)) {
        keep_alive = std::chrono::seconds(properties.server_keep_alive_s);
    }
    server_packet_bytes_max = properties.has(PropertyId::maximum_packet_size)
                                  ? properties.maximum_packet_size
                                  : kPacketBytesMax;
    if (!connack.session_present && (record || !dedupe.empty())) {
        on_session_lost(step);
        return;
    }
    subscribed = subscribed && connack.session_present;
    state = State::settling;  // the connection before this one may have left that undone
    settle(now, step);
}

// Nothing of the new session is subscribed to, so nothing of it can come, before what belongs to
// the old one is durably gone.
void SubscriberSession::Impl::on_session_lost(Step& step) {
    subscribed = false;
    removed.clear();
    ++counters.sessions_lost;
    state = State::settling;
    dedupe.forget(step);
    erase_side(step, side_key(kRecordKey, options.client_id));
    record.reset();
    settles_with = append(IntakeKind::gap, step);
    step.intake.back().text =
        "the broker no longer has the session: messages since the last one may be missing";
}

void SubscriberSession::Impl::on_suback(SteadyTime now, const Suback& suback, Step& step) {
    const std::size_t index = std::size_t{suback.packet_id} - 1;
    if (state != State::subscribing || index >= options.filters.size() ||
        suback.codes_view.size() != 1) {
        fail({.reason = ReasonCode::protocol_error, .header = 0x90, .what = "SUBACK not asked for"},
             step);
        return;
    }
    const SubscriberOptions::Filter& filter = options.filters[index];
    const auto code = static_cast<ReasonCode>(suback.codes_view.front());
    if (code != static_cast<ReasonCode>(filter.qos)) {
        const bool lower = static_cast<std::uint8_t>(code) < 0x80;
        Error error = refusal("refused a subscription", code, suback.properties);
        fail(Error(errors::kMqttSubscription,
                   "filter \"" + filter.filter + "\" at QoS " +
                       std::to_string(static_cast<int>(filter.qos)) + ": " +
                       (lower ? "the broker grants QoS " + std::to_string(static_cast<int>(code)) +
                                    " only"
                              : error.what())),
             ReasonCode::success,
             "a subscription was not granted",
             step);
        return;
    }
    if (--subacks_due > 0) {
        return;
    }
    subscribed = true;
    state = State::running;
    unsubscribe_removed(now, step);
    std::string wanted = record_of(options.filters);
    if (record != wanted) {
        put_side(step, side_key(kRecordKey, options.client_id), wanted);
        record = std::move(wanted);
    }
}

void SubscriberSession::Impl::on_publish(SteadyTime /*now*/, Publish& publish, Step& step) {
    if (!aliases.resolve(publish)) {
        fail({.reason = ReasonCode::topic_alias_invalid,
              .header = 0x30,
              .what = "topic alias unknown or above the maximum"},
             step);
        return;
    }
    if (publish.qos == Qos::at_most_once) {
        take(publish, false, step);
        return;
    }
    if (publish.qos == Qos::at_least_once) {
        on_qos1(publish, step);
    } else {
        on_qos2(publish, step);
    }
}

void SubscriberSession::Impl::on_qos1(const Publish& publish, Step& step) {
    const auto hash = message_hash(publish.topic, publish.payload);
    auto answer = dedupe.qos1(publish.packet_id, publish.dup, hash);
    switch (answer.verdict) {
        case Dedupe::Verdict::take:
        case Dedupe::Verdict::take_maybe_again:
            answer.number = last_number + 1;
            dedupe.qos1_taken(publish.packet_id, hash, answer.number, step);
            take(publish, answer.verdict == Dedupe::Verdict::take_maybe_again, step);
            break;
        case Dedupe::Verdict::answer:
            ++counters.redeliveries;
            break;
        case Dedupe::Verdict::ignore:
            ++counters.redeliveries;
            return;
    }
    acks.push(
        {.number = answer.number, .packet_id = publish.packet_id, .type = PacketType::puback});
}

void SubscriberSession::Impl::on_qos2(const Publish& publish, Step& step) {
    const auto hash = message_hash(publish.topic, publish.payload);
    auto answer = dedupe.qos2(publish.packet_id, publish.dup, hash);
    const bool again = answer.verdict == Dedupe::Verdict::take_maybe_again;
    if (again || answer.verdict == Dedupe::Verdict::take) {
        answer.number = last_number + 1;
        dedupe.qos2_taken(publish.packet_id, hash, answer.number, step);
        take(publish, again, step);
    } else {
        ++counters.redeliveries;
    }
    acks.push(
        {.number = answer.number, .packet_id = publish.packet_id, .type = PacketType::pubrec});
}

void SubscriberSession::Impl::on_pubrel(const Ack& pubrel, Step& step) {
    const auto release = dedupe.qos2_release(pubrel.packet_id, last_number + 1, step);
    acks.push(
        {.number = release.number,
         .packet_id = pubrel.packet_id,
         .type = PacketType::pubcomp,
         .reason = release.known ? ReasonCode::success : ReasonCode::packet_identifier_not_found});
}

void SubscriberSession::Impl::on_pingresp(SteadyTime now) {
    if (!ping_out) {
        return;
    }
    ping_out = false;
    if (ping_proves > proven) {
        proven = ping_proves;
        dedupe.prove_through(proven);
    }
    if (options.suppress_redelivered && acknowledged > proven) {
        prove_at = now + options.proof_interval;
    }
}

void SubscriberSession::Impl::on_disconnect(const Disconnect& disconnect, Step& step) {
    failure = refusal("closed the connection", disconnect.reason, disconnect.properties);
    close_after(step, kSubscriberConnection, disconnect.reason, "the broker closed the connection");
    state = State::closed;
}

}  // namespace tributary::mqtt
