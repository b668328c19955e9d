// What each packet of a device does (MQTT 5.0 and 3.1.1 chapter 3, server role).
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "connectors/mqtt/session/listener_impl.h"

namespace tributary::mqtt {
namespace {

// Protocol level 5 and later is answered in the form of 5, everything older in that of 3.1.1.
Version answer_version(const Frame& connect) {
    ByteReader reader(connect.body());
    static_cast<void>(reader.bytes(reader.fixed<std::uint16_t>(Endian::big)));
    // A bridge of mosquitto sets the highest bit first (`try_private`), and leaves it out when that
    // is refused as 3.1.1 does.
    constexpr std::uint8_t kPrivate = 0x80;
    const auto level = reader.fixed<std::uint8_t>();
    return level >= 5 && level < kPrivate ? Version::v5 : Version::v3_1_1;
}

bool levels_fit(std::string_view topic, std::size_t levels_max) {
    if (topic.size() < levels_max) {
        return true;  // each level but the first takes a byte at least
    }
    return static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/')) < levels_max;
}

std::unique_ptr<StoredWill> store(const Connect& connect) {
    if (!connect.will) {
        return nullptr;
    }
    const Will& will = *connect.will;
    auto stored = std::make_unique<StoredWill>();
    Publish publish;
    publish.topic = will.topic;
    publish.payload = will.payload;
    publish.qos = will.qos;
    publish.retain = will.retain;
    publish.packet_id = will.qos == Qos::at_most_once ? 0 : 1;
    publish.properties = will.properties;
    if (will.properties.has(PropertyId::will_delay_interval)) {
        stored->delay = std::chrono::seconds(will.properties.will_delay_interval_s);
        constexpr std::uint64_t kDelay = std::uint64_t{1}
                                         << static_cast<unsigned>(PropertyId::will_delay_interval);
        publish.properties.present &= ~kDelay;
    }
    encode(publish, Version::v5, stored->packet);
    return stored;
}

CodecError protocol_error(const Frame& frame, const char* what) {
    return {.reason = ReasonCode::protocol_error, .header = frame.header(), .what = what};
}

}  // namespace

void Listener::Impl::violate(SteadyTime now, ConnectionId id, const CodecError& error, Step& step) {
    ++counters.protocol_errors;
    note_refusal(device(id), error.what);
    turn_away(now, id, error.reason, error.what, step);
}

void Listener::Impl::on_frame(SteadyTime now, ConnectionId id, const Frame& frame, Step& step) {
    Device& one = device(id);
    if (one.state == Device::State::awaiting_connect) {
        on_first(now, id, frame, step);
        return;
    }
    const auto take_packet = [&](auto decoded, auto handle) {
        if (decoded.has_error()) {
            violate(now, id, decoded.error(), step);
        } else {
            handle(decoded.value());
        }
    };
    const Version version = one.version;
    switch (frame.type()) {
        case PacketType::publish:
            take_packet(decode_publish(frame, version),
                        [&](Publish& packet) { on_publish(now, id, packet, step); });
            return;
        case PacketType::pubrel:
            take_packet(decode_ack(frame, version),
                        [&](const Ack& packet) { on_pubrel(one, packet, step); });
            return;
        case PacketType::subscribe:
            take_packet(decode_subscribe(frame, version),
                        [&](const Subscribe& packet) { on_subscribe(id, packet, step); });
            return;
        case PacketType::unsubscribe:
            take_packet(decode_unsubscribe(frame, version),
                        [&](const Unsubscribe& packet) { on_unsubscribe(id, packet, step); });
            return;
        case PacketType::pingreq:
            take_packet(decode(frame, version),
                        [&](const Packet&) { send(id, one, Pingresp{}, step); });
            return;
        case PacketType::disconnect:
            take_packet(decode_disconnect(frame, version),
                        [&](const Disconnect& packet) { on_disconnect(now, id, packet, step); });
            return;
        case PacketType::connect:
        case PacketType::connack:
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubcomp:
        case PacketType::suback:
        case PacketType::unsuback:
        case PacketType::pingresp:
        case PacketType::auth:
            break;
    }
    violate(now, id, protocol_error(frame, "not a packet that a device sends here"), step);
}

void Listener::Impl::on_first(SteadyTime now, ConnectionId id, const Frame& frame, Step& step) {
    if (frame.type() != PacketType::connect) {
        violate(now, id, protocol_error(frame, "the first packet is not CONNECT"), step);
        return;
    }
    const auto connect = decode_connect(frame);
    if (connect.has_value()) {
        on_connect(now, id, connect.value(), step);
    } else if (connect.error().reason == ReasonCode::unsupported_protocol_version) {
        refuse(id, answer_version(frame), "a device", connect.error().reason, step);
    } else {
        violate(now, id, connect.error(), step);
    }
}

// A CONNACK that says no, and the end.
void Listener::Impl::refuse(
    ConnectionId id, Version version, std::string_view who, ReasonCode reason, Step& step) {
    Device& one = device(id);
    ++counters.refused_connects;
    last_refused.assign(who).append(": CONNECT is refused: ").append(name(reason));
    one.version = version;
    send(id, one, Connack{.reason = reason, .properties = {}}, step);
    close_after(step, id, reason, "CONNECT refused");
    one.state = Device::State::closed;
}

ReasonCode Listener::Impl::judge(Device& one, const Connect& connect, std::string_view client_id) {
    if (full) {
        ++counters.turned_away_full;
        return ReasonCode::quota_exceeded;
    }
    const bool nameless = connect.client_id.empty();
    if (client_id.size() > options.client_id_bytes_max ||
        (nameless && connect.version == Version::v3_1_1 && !connect.clean_start)) {
        return ReasonCode::client_identifier_not_valid;
    }
    if (connect.properties.has(PropertyId::authentication_method)) {
        return ReasonCode::bad_authentication_method;
    }
    const ReasonCode verdict = policy.authenticate(connect, one.peer, one.user);
    if (verdict != ReasonCode::success) {
        return verdict;
    }
    if (connect.will) {
        const std::string_view topic = connect.will->topic;
        if (topic.size() > options.topic_bytes_max ||
            !levels_fit(topic, options.topic_levels_max)) {
            return ReasonCode::topic_name_invalid;
        }
        if (!policy.may_publish(one.user, client_id, topic)) {
            return ReasonCode::not_authorized;
        }
    }
    if (find_session(client_id) == nullptr && sessions.size() >= options.sessions_max) {
        return ReasonCode::quota_exceeded;
    }
    return ReasonCode::success;
}

void Listener::Impl::on_connect(SteadyTime now,
                                ConnectionId id,
                                const Connect& connect,
                                Step& step) {
    Device& one = device(id);
    std::string assigned;
    if (connect.client_id.empty()) {
        assigned = options.assigned_client_id_prefix + std::to_string(++assigned_ids);
    }
    const std::string_view client_id = assigned.empty() ? connect.client_id : assigned;
    const ReasonCode verdict = judge(one, connect, client_id);
    if (verdict != ReasonCode::success) {
        refuse(id, connect.version, client_id, verdict, step);
        return;
    }
    one.version = connect.version;
    if (connect.properties.has(PropertyId::maximum_packet_size)) {
        one.send_bytes_max = connect.properties.maximum_packet_size;
    }
    one.problem_information = connect.properties.request_problem_information == 1;
    bool session_present = false;
    Session& session = attach(now, id, connect, client_id, session_present, step);
    one.state = Device::State::open;
    one.session = &session;
    one.reader.limit(options.packet_bytes_max);
    if (one.version == Version::v5) {
        one.aliases = TopicAliases(options.topic_alias_maximum);
    }
    welcome(id, connect, assigned, session_present);
}

// The session that the device goes on with, or a new one.
Listener::Impl::Session& Listener::Impl::attach(SteadyTime now,
                                                ConnectionId id,
                                                const Connect& connect,
                                                std::string_view client_id,
                                                bool& session_present,
                                                Step& step) {
    if (Session* old = find_session(client_id); old != nullptr && old->connection) {
        ++counters.taken_over;
        turn_away(now,
                  *old->connection,
                  ReasonCode::session_taken_over,
                  "the device connected again",
                  step);
    }
    Session* session = find_session(client_id);  // it may have ended with that connection
    if (session != nullptr && session->we_were_gone && now < session->will_at) {
        set_will(*session, nullptr, step);
    }
    IntakeNumber settles_with = 0;
    if (session != nullptr &&
        (connect.clean_start || now >= session->ends_at || session->expiry.count() == 0)) {
        end_session(*session, step);
        settles_with = last_number;
        session = nullptr;
    }
    session_present = session != nullptr;
    std::chrono::seconds expiry{0};
    if (connect.version == Version::v5) {
        expiry = std::chrono::seconds(connect.properties.session_expiry_interval_s);
    } else if (!connect.clean_start) {
        expiry = options.session_expiry_max;
    }
    expiry = std::min(expiry, options.session_expiry_max);
    if (session == nullptr) {
        session = &make_session(client_id, expiry.count() > 0);
        session->settles_with = settles_with;
    }
    // A resumed session's will was for a device that is back; one that was due is said all the
    // same.
    if (session->will != nullptr && now >= session->will_at) {
        emit_will(*session, step);
    }
    set_will(*session, store(connect), step);
    session->will_at = SteadyTime::max();
    session->we_were_gone = false;
    const bool changed = session->expiry != expiry;
    session->expiry = expiry;
    if (session->recorded ? changed : expiry.count() > 0) {
        write_record(*session, step);
    }
    if (owes_note(step)) {
        append(IntakeKind::note, session->dedupe.owner(), step);
        session->settles_with = last_number;
    }
    session->connection = id;
    session->ends_at = SteadyTime::max();
    session->dedupe.new_connection();
    return *session;
}

// CONNACK, with what we allow and what we decided. It waits for the session to be durable.
void Listener::Impl::welcome(ConnectionId id,
                             const Connect& connect,
                             std::string_view assigned,
                             bool session_present) {
    Device& one = device(id);
    Session& session = *one.session;
    std::chrono::seconds keep_alive(connect.keep_alive_s);
    Connack packet;
    packet.session_present = session_present;
    if (one.version == Version::v5) {
        Properties& properties = packet.properties;
        properties.receive_maximum = options.receive_maximum;
        properties.maximum_packet_size = options.packet_bytes_max;
        properties.topic_alias_maximum = options.topic_alias_maximum;
        properties.wildcard_subscription_available = 0;
        properties.subscription_identifier_available = 0;
        properties.shared_subscription_available = 0;
        properties.set(PropertyId::receive_maximum)
            .set(PropertyId::maximum_packet_size)
            .set(PropertyId::topic_alias_maximum)
            .set(PropertyId::wildcard_subscription_available)
            .set(PropertyId::subscription_identifier_available)
            .set(PropertyId::shared_subscription_available);
        if (session.expiry.count() != connect.properties.session_expiry_interval_s) {
            properties.session_expiry_interval_s =
                static_cast<std::uint32_t>(session.expiry.count());
            properties.set(PropertyId::session_expiry_interval);
        }
        if (!assigned.empty()) {
            properties.assigned_client_identifier = assigned;
            properties.set(PropertyId::assigned_client_identifier);
        }
        if (keep_alive.count() == 0 || keep_alive > options.keep_alive_max) {
            keep_alive = options.keep_alive_max;
            properties.server_keep_alive_s = static_cast<std::uint16_t>(keep_alive.count());
            properties.set(PropertyId::server_keep_alive);
        }
    }
    one.patience = keep_alive * 3 / 2;
    encode(packet, one.version, one.welcome);
    one.acks.push({.number = session.settles_with, .type = PacketType::connack});
}

// What forbids a PUBLISH that is well-formed.
ReasonCode Listener::Impl::judge(Device& one, const Publish& publish) {
    const std::string_view topic = publish.topic;
    if (topic == one.allowed_topic) {
        return ReasonCode::success;
    }
    if (topic.size() > options.topic_bytes_max || !levels_fit(topic, options.topic_levels_max)) {
        return ReasonCode::topic_name_invalid;
    }
    if (!policy.may_publish(one.user, one.session->dedupe.owner(), topic)) {
        return ReasonCode::not_authorized;
    }
    one.allowed_topic.assign(topic);
    return ReasonCode::success;
}

void Listener::Impl::on_publish(SteadyTime now, ConnectionId id, Publish& publish, Step& step) {
    Device& one = device(id);
    if (!one.aliases.resolve(publish)) {
        violate(now,
                id,
                {.reason = ReasonCode::topic_alias_invalid,
                 .what = "topic alias unknown or above the maximum"},
                step);
        return;
    }
    if (options.messages_per_second_max > 0) {
        one.paid_until =
            std::max(one.paid_until, now) +
            std::chrono::nanoseconds(std::chrono::seconds(1)) / options.messages_per_second_max;
    }
    const bool counted = publish.qos != Qos::at_most_once;
    if (counted && one.version == Version::v5 && one.in_flight >= options.receive_maximum) {
        violate(now,
                id,
                {.reason = ReasonCode::receive_maximum_exceeded,
                 .what = "more messages in flight than allowed"},
                step);
        return;
    }
    const ReasonCode verdict = judge(one, publish);
    if (verdict != ReasonCode::success) {
        refuse(now, id, publish, verdict, step);
        return;
    }
    const auto number = take(one, publish, step);
    if (counted && number) {
        ++one.in_flight;
        one.acks.push(
            {.number = *number,
             .packet_id = publish.packet_id,
             .type = publish.qos == Qos::at_least_once ? PacketType::puback : PacketType::pubrec});
    }
}

// MQTT 5 says why; 3.1.1 has no word for it, and closing is what it allows (3.3.5-2). A message of
// QoS 0 is dropped.
void Listener::Impl::refuse(
    SteadyTime now, ConnectionId id, const Publish& publish, ReasonCode reason, Step& step) {
    Device& one = device(id);
    ++counters.refused_publishes;
    note_refusal(one, "it may not publish that topic");
    if (publish.qos == Qos::at_most_once) {
        return;
    }
    if (one.version != Version::v5) {
        turn_away(now, id, reason, "the device may not publish this topic", step);
        return;
    }
    ++one.in_flight;
    one.acks.push(
        {.number = 0,
         .packet_id = publish.packet_id,
         .type = publish.qos == Qos::at_least_once ? PacketType::puback : PacketType::pubrec,
         .reason = reason});
}

// Takes the message in unless it is known. What its acknowledgement waits for; nullopt: none is
// due.
std::optional<IntakeNumber> Listener::Impl::take(Device& one, const Publish& publish, Step& step) {
    Dedupe& dedupe = one.session->dedupe;
    const bool qos1 = publish.qos == Qos::at_least_once;
    Dedupe::Answer answer;
    if (publish.qos != Qos::at_most_once) {
        const auto hash = message_hash(publish.topic, publish.payload);
        answer = qos1 ? dedupe.qos1(publish.packet_id, publish.dup, hash)
                      : dedupe.qos2(publish.packet_id, publish.dup, hash);
        if (answer.verdict == Dedupe::Verdict::answer ||
            answer.verdict == Dedupe::Verdict::ignore) {
            ++counters.redeliveries;
            return answer.verdict == Dedupe::Verdict::answer ? std::optional(answer.number)
                                                             : std::nullopt;
        }
        if (qos1) {
            dedupe.qos1_taken(publish.packet_id, hash, last_number + 1, step);
        } else {
            dedupe.qos2_taken(publish.packet_id, hash, last_number + 1, step);
        }
    }
    Intake& intake = append(IntakeKind::message, dedupe.owner(), step);
    intake.message = publish;
    intake.maybe_duplicate = answer.verdict == Dedupe::Verdict::take_maybe_again;
    ++counters.messages;
    counters.maybe_duplicates += intake.maybe_duplicate ? 1 : 0;
    return intake.number;
}

void Listener::Impl::on_pubrel(Device& one, const Ack& pubrel, Step& step) {
    const auto release = one.session->dedupe.qos2_release(pubrel.packet_id, last_number + 1, step);
    one.acks.push(
        {.number = release.number,
         .packet_id = pubrel.packet_id,
         .type = PacketType::pubcomp,
         .reason = release.known ? ReasonCode::success : ReasonCode::packet_identifier_not_found});
}

void Listener::Impl::on_subscribe(ConnectionId id, const Subscribe& subscribe, Step& step) {
    ++counters.refused_subscribes;
    std::string codes;
    SubscriptionReader filters(subscribe);
    for (Subscription filter; filters.next(filter);) {
        codes.push_back(static_cast<char>(ReasonCode::not_authorized));
    }
    Suback packet;
    packet.packet_id = subscribe.packet_id;
    packet.codes_view = codes;
    Device& one = device(id);
    if (one.problem_information) {
        packet.properties.reason_string = "this listener takes messages and sends none";
        packet.properties.set(PropertyId::reason_string);
    }
    send(id, one, packet, step);
}

void Listener::Impl::on_unsubscribe(ConnectionId id, const Unsubscribe& unsubscribe, Step& step) {
    std::string codes;
    FilterReader filters(unsubscribe);
    for (std::string_view filter; filters.next(filter);) {
        codes.push_back(static_cast<char>(ReasonCode::no_subscription_existed));
    }
    Unsuback packet;
    packet.packet_id = unsubscribe.packet_id;
    packet.codes_view = codes;
    send(id, device(id), packet, step);
}

void Listener::Impl::on_disconnect(SteadyTime now,
                                   ConnectionId id,
                                   const Disconnect& disconnect,
                                   Step& step) {
    Device& one = device(id);
    Session& session = *one.session;
    if (disconnect.properties.has(PropertyId::session_expiry_interval)) {
        const auto expiry =
            std::min(std::chrono::seconds(disconnect.properties.session_expiry_interval_s),
                     options.session_expiry_max);
        if (session.expiry.count() == 0 && expiry.count() > 0) {
            violate(now,
                    id,
                    {.reason = ReasonCode::protocol_error,
                     .what = "a session that ends with its connection cannot be prolonged"},
                    step);
            return;
        }
        if (expiry != session.expiry) {
            session.expiry = expiry;
            if (session.recorded && expiry.count() > 0) {
                write_record(session, step);
            }
        }
    }
    // The device's in-flight acknowledgements are void; what it sends again will be known.
    close_after(step, id, ReasonCode::success, "the device said goodbye");
    end_connection(now, one, disconnect.reason != ReasonCode::success, step);
}

}  // namespace tributary::mqtt
