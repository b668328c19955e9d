#include "connectors/mqtt/session/subscriber_session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "connectors/mqtt/session/ack_queue.h"
#include "connectors/mqtt/session/dedupe.h"
#include "connectors/mqtt/session/refusal.h"
#include "connectors/mqtt/session/side_restore.h"
#include "connectors/mqtt/session/topic_aliases.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

constexpr ConnectionId kConnection = 0;
constexpr std::uint16_t kUnsubscribeId = 65'535;  // SUBSCRIBE of filter n has n + 1

using Filter = SubscriberOptions::Filter;

std::string record_of(const std::vector<Filter>& filters) {
    std::string record;
    for (const Filter& filter : filters) {
        append_fixed(record, static_cast<std::uint16_t>(filter.filter.size()), Endian::big);
        record.append(filter.filter);
        record.push_back(static_cast<char>(filter.qos));
    }
    return record;
}

// The filters of `record` that `filters` does not have; kLogCorrupt.
Result<std::vector<std::string>> removed_filters(std::string_view record,
                                                 const std::vector<Filter>& filters) {
    std::vector<std::string> removed;
    ByteReader reader(record);
    while (reader.ok() && !reader.at_end()) {
        const auto text = reader.bytes(reader.fixed<std::uint16_t>(Endian::big));
        static_cast<void>(reader.fixed<std::uint8_t>());
        const bool kept = std::any_of(
            filters.begin(), filters.end(), [&](const Filter& one) { return one.filter == text; });
        if (reader.ok() && !kept) {
            removed.emplace_back(text);
        }
    }
    if (!reader.ok()) {
        return Error(errors::kLogCorrupt, "MQTT session record is cut short");
    }
    return removed;
}

std::uint32_t seconds_of(std::chrono::seconds interval) {
    constexpr auto kMax = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(interval.count(), 0, kMax));
}

}  // namespace

struct SubscriberSession::Impl {
    explicit Impl(SubscriberOptions given)
        : options(std::move(given)),
          reader(options.packet_bytes_max),
          dedupe({.owner = options.client_id, .suppress_qos1 = options.suppress_redelivered}),
          aliases(options.version == Version::v5 ? options.topic_alias_maximum
                                                 : std::uint16_t{0}) {
        TRIBUTARY_ASSERT(!options.client_id.empty() && !options.filters.empty());
        TRIBUTARY_ASSERT(options.filters.size() < kUnsubscribeId);
        TRIBUTARY_ASSERT(options.window > 0);
    }

    [[nodiscard]] bool v5() const { return options.version == Version::v5; }
    [[nodiscard]] bool open() const { return state != State::closed; }

    // Sending.
    template <typename P>
    void send(SteadyTime now, const P& packet, Step& step) {
        const std::size_t at = step.wire.size();
        if constexpr (requires { encode(packet, step.wire); }) {
            encode(packet, step.wire);
        } else {
            encode(packet, options.version, step.wire);
        }
        sent(step, kConnection, at);
        last_sent = now;
    }
    void fail(Error error, ReasonCode reason, const char* why, Step& step);
    void fail(const CodecError& error, Step& step);
    void connect(SteadyTime now, Step& step);
    void subscribe(SteadyTime now, Step& step);
    void unsubscribe_removed(SteadyTime now, Step& step);
    void ping(SteadyTime now, Step& step);
    void drain(SteadyTime now, Step& step);

    // Receiving.
    void on_frame(SteadyTime now, const Frame& frame, Step& step);
    void on_connack(SteadyTime now, const Connack& connack, Step& step);
    void on_session_lost(Step& step);
    void on_suback(SteadyTime now, const Suback& suback, Step& step);
    void on_publish(SteadyTime now, Publish& publish, Step& step);
    void on_qos1(const Publish& publish, Step& step);
    void on_qos2(const Publish& publish, Step& step);
    void on_pubrel(const Ack& pubrel, Step& step);
    void on_pingresp(SteadyTime now);
    void on_disconnect(const Disconnect& disconnect, Step& step);

    // The log.
    IntakeNumber append(IntakeKind kind, Step& step);
    void take(const Publish& publish, bool maybe_duplicate, Step& step);
    void settle(SteadyTime now, Step& step);
    void finish(SteadyTime now, Step& step);

    SubscriberOptions options;
    State state = State::closed;
    FrameReader reader;
    AckQueue acks;
    Dedupe dedupe;
    TopicAliases aliases;
    std::vector<SideWrite> repairs;  // go with the next entry
    std::optional<Error> failure;
    SubscriberCounters counters;

    IntakeNumber last_number = 0;
    IntakeNumber durable = 0;
    std::optional<std::string> record;  // as written; none: there is no session of ours
    std::vector<std::string> removed;   // to unsubscribe from
    bool subscribed = false;            // in this session, since the start
    std::size_t subacks_due = 0;
    std::uint32_t server_packet_bytes_max = kPacketBytesMax;
    IntakeNumber settles_with = 0;      // the gap entry's number

    std::size_t in_flight = 0;  // not acknowledged on this connection
    std::chrono::seconds keep_alive{0};
    SteadyTime last_sent;
    SteadyTime answer_by;  // CONNACK or SUBACK
    bool ping_out = false;
    SteadyTime ping_answer_by;
    IntakeNumber ping_proves = 0;       // what the PINGRESP awaited proves
    IntakeNumber acknowledged = 0;      // highest number of a PUBACK on this connection
    IntakeNumber proven = 0;            // on this connection
    std::size_t acks_since_ping = 0;
    SteadyTime prove_at = SteadyTime::max();
};

void SubscriberSession::Impl::fail(Error error, ReasonCode reason, const char* why, Step& step) {
    if (v5() && state != State::connecting) {
        const std::size_t at = step.wire.size();
        encode(Disconnect{.reason = reason, .properties = {}}, options.version, step.wire);
        sent(step, kConnection, at);
    }
    close_after(step, kConnection, reason, why);
    failure = std::move(error);
    state = State::closed;
}

void SubscriberSession::Impl::fail(const CodecError& error, Step& step) {
    const bool too_large = error.reason == ReasonCode::packet_too_large;
    fail(Error(too_large ? errors::kMqttRefused : errors::kProtocolViolation, error.message()),
         error.reason,
         error.what,
         step);
}

void SubscriberSession::Impl::connect(SteadyTime now, Step& step) {
    Connect packet;
    packet.version = options.version;
    packet.keep_alive_s =
        static_cast<std::uint16_t>(std::clamp<std::int64_t>(options.keep_alive.count(), 0, 65'535));
    packet.client_id = options.client_id;
    packet.user_name = options.user_name;
    packet.password = options.password;
    if (v5()) {
        Properties& properties = packet.properties;
        properties.session_expiry_interval_s = seconds_of(options.session_expiry);
        properties.receive_maximum = options.window;
        properties.maximum_packet_size = options.packet_bytes_max;
        properties.set(PropertyId::session_expiry_interval)
            .set(PropertyId::receive_maximum)
            .set(PropertyId::maximum_packet_size);
        if (options.topic_alias_maximum > 0) {
            properties.topic_alias_maximum = options.topic_alias_maximum;
            properties.set(PropertyId::topic_alias_maximum);
        }
    }
    keep_alive = std::chrono::seconds(packet.keep_alive_s);
    answer_by = now + options.connect_timeout;
    send(now, packet, step);
}

void SubscriberSession::Impl::subscribe(SteadyTime now, Step& step) {
    if (subscribed) {
        state = State::running;
        return;
    }
    state = State::subscribing;
    answer_by = now + options.connect_timeout;
    subacks_due = options.filters.size();
    for (std::size_t index = 0; index < options.filters.size(); ++index) {
        const Filter& filter = options.filters[index];
        constexpr std::size_t kAround = 20;  // of a SUBSCRIBE with one filter
        if (filter.filter.size() + kAround > server_packet_bytes_max) {
            fail(Error(errors::kMqttRefused,
                       "the broker takes packets of " + std::to_string(server_packet_bytes_max) +
                           " bytes at most, too few for filter \"" + filter.filter + "\""),
                 ReasonCode::success,
                 "a filter is longer than the broker's maximum packet size",
                 step);
            return;
        }
        std::string list;
        std::string identifier;
        append_subscription(list,
                            {.filter = filter.filter,
                             .qos = filter.qos,
                             .retain_as_published = true,
                             .retain_handling = filter.retain_handling},
                            options.version);
        Subscribe packet;
        packet.packet_id = static_cast<std::uint16_t>(index + 1);
        packet.subscriptions_view = list;
        if (v5() && filter.subscription_identifier != 0) {
            append_subscription_identifier(identifier, filter.subscription_identifier);
            packet.properties.set(PropertyId::subscription_identifier).list_view = identifier;
        }
        send(now, packet, step);
    }
}

void SubscriberSession::Impl::unsubscribe_removed(SteadyTime now, Step& step) {
    if (removed.empty()) {
        return;
    }
    std::string list;
    for (const std::string& filter : removed) {
        append_filter(list, filter);
    }
    removed.clear();
    Unsubscribe packet;
    packet.packet_id = kUnsubscribeId;
    packet.filters_view = list;
    send(now, packet, step);
}

// A PINGRESP proves that the broker has read every PUBACK that went before the PINGREQ.
void SubscriberSession::Impl::ping(SteadyTime now, Step& step) {
    ping_out = true;
    ping_answer_by = now + options.connect_timeout;
    ping_proves = acknowledged;
    acks_since_ping = 0;
    prove_at = SteadyTime::max();
    send(now, Pingreq{}, step);
}

void SubscriberSession::Impl::drain(SteadyTime now, Step& step) {
    if (!open()) {
        return;
    }
    const std::size_t at = step.wire.size();
    for (DueAck ack; acks.pop(durable, ack);) {
        append_ack(step.wire, ack, options.version);
        if (ack.type == PacketType::puback) {
            acknowledged = std::max(acknowledged, ack.number);
            ++acks_since_ping;
        }
        if (ack.type != PacketType::pubrec && in_flight > 0) {
            --in_flight;
        }
        counters.acknowledged += ack.type == PacketType::pubcomp ? 0 : 1;
    }
    if (step.wire.size() == at) {
        return;
    }
    sent(step, kConnection, at);
    last_sent = now;
    constexpr std::size_t kAcksMin = 1000;
    if (!options.suppress_redelivered || ping_out || acknowledged == proven) {
        return;
    }
    if (acks_since_ping >= std::max<std::size_t>(options.window, kAcksMin)) {
        ping(now, step);
    } else if (prove_at == SteadyTime::max()) {
        prove_at = now + options.proof_interval;
    }
}

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
        case PacketType::connack:
            take_packet(decode_connack(frame, version),
                        [&](const Connack& packet) { on_connack(now, packet, step); });
            return;
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
        case PacketType::auth: break;
    }
    fail({.reason = ReasonCode::protocol_error,
          .header = frame.header(),
          .what = "not a packet that a broker sends here"},
         step);
}

void SubscriberSession::Impl::on_connack(SteadyTime now, const Connack& connack, Step& step) {
    const Properties& properties = connack.properties;
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
    const Filter& filter = options.filters[index];
    const auto code = static_cast<ReasonCode>(suback.codes_view.front());
    if (code != static_cast<ReasonCode>(filter.qos)) {
        const bool lower = static_cast<std::uint8_t>(code) < 0x80;
        Error error = refusal("refused a subscription", code, suback.properties);
        fail(Error(errors::kMqttSubscription,
                   "filter \"" + filter.filter + "\" at QoS " +
                       std::to_string(static_cast<int>(filter.qos)) + ": " +
                       (lower ? "the broker grants QoS " +
                                    std::to_string(static_cast<int>(code)) + " only"
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
    if (v5() && in_flight >= options.window) {
        fail({.reason = ReasonCode::receive_maximum_exceeded,
              .header = 0x30,
              .what = "more messages in flight than we allowed"},
             step);
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
        case Dedupe::Verdict::answer: ++counters.redeliveries; break;
        case Dedupe::Verdict::ignore: ++counters.redeliveries; return;
    }
    ++in_flight;
    acks.push({.number = answer.number,
               .packet_id = publish.packet_id,
               .type = PacketType::puback});
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
    ++in_flight;
    acks.push({.number = answer.number,
               .packet_id = publish.packet_id,
               .type = PacketType::pubrec});
}

void SubscriberSession::Impl::on_pubrel(const Ack& pubrel, Step& step) {
    const auto release = dedupe.qos2_release(pubrel.packet_id, last_number + 1, step);
    acks.push({.number = release.number,
               .packet_id = pubrel.packet_id,
               .type = PacketType::pubcomp,
               .reason = release.known ? ReasonCode::success
                                       : ReasonCode::packet_identifier_not_found});
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
    close_after(step, kConnection, disconnect.reason, "the broker closed the connection");
    state = State::closed;
}

IntakeNumber SubscriberSession::Impl::append(IntakeKind kind, Step& step) {
    for (SideWrite& repair : repairs) {
        if (repair.value) {
            put_side(step, repair.key, *repair.value);
        } else {
            erase_side(step, repair.key);
        }
    }
    repairs.clear();
    Intake& intake = step.intake.emplace_back();
    intake.number = ++last_number;
    intake.kind = kind;
    intake.client_id = options.client_id;
    return last_number;
}

void SubscriberSession::Impl::take(const Publish& publish, bool maybe_duplicate, Step& step) {
    append(IntakeKind::message, step);
    Intake& intake = step.intake.back();
    intake.message = publish;
    intake.maybe_duplicate = maybe_duplicate;
    ++counters.messages;
    counters.maybe_duplicates += maybe_duplicate ? 1 : 0;
}

// A lost session is written down: go on.
void SubscriberSession::Impl::settle(SteadyTime now, Step& step) {
    if (state == State::settling && durable >= settles_with) {
        subscribe(now, step);
    }
}

void SubscriberSession::Impl::finish(SteadyTime now, Step& step) {
    dedupe.finish(step);
    if (owes_note(step)) {
        append(IntakeKind::note, step);
    }
    drain(now, step);
}

SubscriberSession::SubscriberSession(SubscriberOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

SubscriberSession::~SubscriberSession() = default;

Result<void> SubscriberSession::restore(const SideReader& side,
                                        IntakeNumber last,
                                        IntakeNumber acknowledgeable) {
    Impl& impl = *impl_;
    TRIBUTARY_ASSERT(impl.last_number == 0 && acknowledgeable <= last);
    impl.last_number = last;
    impl.durable = acknowledgeable;
    // What another client identifier left behind goes with the first entry.
    const auto ours = [&](const SideEntry& entry, std::string_view owner) {
        if (owner == impl.options.client_id) {
            return true;
        }
        impl.repairs.push_back({entry.key, std::nullopt});
        return false;
    };
    for (const char kind : {kGroupKey, kIdentifierKey}) {
        TRIBUTARY_TRY_VOID(
            restore_all(side, kind, [&](const SideEntry& entry, std::string_view owner) -> Result<void> {
                return ours(entry, owner)
                           ? impl.dedupe.restore(entry.key, entry.value, last, impl.repairs)
                           : Result<void>(success());
            }));
    }
    return restore_all(
        side, kRecordKey, [&](const SideEntry& entry, std::string_view owner) -> Result<void> {
            if (ours(entry, owner)) {
                impl.record = entry.value;
                TRIBUTARY_TRY(removed, removed_filters(entry.value, impl.options.filters));
                impl.removed = std::move(removed);
            }
            return success();
        });
}

void SubscriberSession::opened(SteadyTime now, Step& step) {
    Impl& impl = *impl_;
    TRIBUTARY_ASSERT(!impl.open());
    impl.reader.reset();
    impl.acks.clear();
    impl.aliases.clear();
    impl.dedupe.new_connection();
    impl.failure.reset();
    impl.in_flight = 0;
    impl.acknowledged = 0;
    impl.proven = 0;
    impl.acks_since_ping = 0;
    impl.ping_out = false;
    impl.prove_at = SteadyTime::max();
    impl.state = State::connecting;
    impl.connect(now, step);
}

void SubscriberSession::received(SteadyTime now, std::string_view bytes, Step& step) {
    Impl& impl = *impl_;
    if (!impl.open()) {
        return;
    }
    impl.aliases.begin_step();
    impl.reader.feed(bytes);
    while (impl.open()) {
        const auto frame = impl.reader.next();
        if (frame.has_error()) {
            impl.fail(frame.error(), step);
        } else if (!frame.value()) {
            break;
        } else {
            impl.on_frame(now, *frame.value(), step);
        }
    }
    impl.finish(now, step);
}

void SubscriberSession::lost(SteadyTime /*now*/) { impl_->state = State::closed; }

void SubscriberSession::durable(SteadyTime now, IntakeNumber number, Step& step) {
    Impl& impl = *impl_;
    TRIBUTARY_ASSERT(number <= impl.last_number);
    impl.durable = std::max(impl.durable, number);
    impl.settle(now, step);
    impl.drain(now, step);
}

void SubscriberSession::tick(SteadyTime now, Step& step) {
    Impl& impl = *impl_;
    const auto silent = [&](const char* what) {
        impl.fail(Error(errors::kSourceUnreachable, std::string("no ") + what + " from the broker"),
                  ReasonCode::unspecified_error,
                  "the broker does not answer",
                  step);
    };
    switch (impl.state) {
        case State::closed: return;
        case State::connecting:
            if (now >= impl.answer_by) {
                silent("CONNACK");
            }
            return;
        case State::subscribing:
            if (now >= impl.answer_by) {
                silent("SUBACK");
                return;
            }
            break;
        case State::settling:
        case State::running: break;
    }
    if (impl.ping_out) {
        if (now >= impl.ping_answer_by) {
            silent("PINGRESP");
        }
        return;
    }
    const bool idle = impl.keep_alive.count() > 0 && now >= impl.last_sent + impl.keep_alive;
    if (idle || now >= impl.prove_at) {
        impl.ping(now, step);
    }
}

SteadyTime SubscriberSession::due() const {
    const Impl& impl = *impl_;
    SteadyTime due = SteadyTime::max();
    switch (impl.state) {
        case State::closed: return due;
        case State::connecting: return impl.answer_by;
        case State::subscribing: due = impl.answer_by; break;
        case State::settling:
        case State::running: break;
    }
    if (impl.ping_out) {
        return std::min(due, impl.ping_answer_by);
    }
    if (impl.keep_alive.count() > 0) {
        due = std::min(due, impl.last_sent + impl.keep_alive);
    }
    return std::min(due, impl.prove_at);
}

void SubscriberSession::close(Step& step) {
    Impl& impl = *impl_;
    if (!impl.open()) {
        return;
    }
    if (impl.state != State::connecting) {
        const std::size_t at = step.wire.size();
        encode(Disconnect{}, impl.options.version, step.wire);
        sent(step, kConnection, at);
    }
    close_after(step, kConnection, ReasonCode::success, "we said goodbye");
    impl.state = State::closed;
}

SubscriberSession::State SubscriberSession::state() const { return impl_->state; }

bool SubscriberSession::wants_read() const {
    // MQTT 5 brokers keep to the window themselves; PUBRELs come on top of it.
    constexpr std::size_t kReleases = 64;
    const std::size_t window = impl_->options.window;
    return impl_->acks.size() < (impl_->v5() ? 2 * window + kReleases : window);
}

const std::optional<Error>& SubscriberSession::failure() const { return impl_->failure; }
const SubscriberCounters& SubscriberSession::counters() const { return impl_->counters; }
IntakeNumber SubscriberSession::last_number() const { return impl_->last_number; }
std::size_t SubscriberSession::unacknowledged() const { return impl_->in_flight; }

}  // namespace tributary::mqtt
