// The subscriber's connection, timers and what it sends; what each packet does is in
// subscriber_packets.cc.
#include "connectors/mqtt/session/subscriber_session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/planted.h"
#include "connectors/mqtt/session/refusal.h"
#include "connectors/mqtt/session/side_restore.h"
#include "connectors/mqtt/session/subscriber_impl.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

using Filter = SubscriberOptions::Filter;

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

void SubscriberSession::Impl::fail(Error error, ReasonCode reason, const char* why, Step& step) {
    if (v5() && state != State::connecting) {
        const std::size_t at = step.wire.size();
        encode(Disconnect{.reason = reason, .properties = {}}, options.version, step.wire);
        sent(step, kSubscriberConnection, at);
    }
    close_after(step, kSubscriberConnection, reason, why);
    failure = std::move(error);
    state = State::closed;
}

void SubscriberSession::Impl::fail(const CodecError& error, Step& step) {
    const bool too_large = error.reason == ReasonCode::packet_too_large;
    const std::string limit =
        too_large ? "; message_bytes_max is " + std::to_string(options.packet_bytes_max) : "";
    fail(Error(too_large ? errors::kMqttRefused : errors::kProtocolViolation,
               error.message() + limit + (state == State::connecting ? kOtherProtocol : "")),
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
    answer_by = now + options.connect_timeout;
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
    const bool early = planted::is(planted::Bug::puback_before_fsync);
    for (DueAck ack; acks.pop(early ? last_number : durable, ack);) {
        append_ack(step.wire, ack, options.version);
        if (ack.type == PacketType::puback) {
            acknowledged = std::max(acknowledged, ack.number);
            ++acks_since_ping;
        }
        counters.acknowledged += ack.type == PacketType::pubcomp ? 0 : 1;
    }
    if (step.wire.size() == at) {
        return;
    }
    sent(step, kSubscriberConnection, at);
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

IntakeNumber SubscriberSession::Impl::append(IntakeKind kind, Step& step) {
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
        TRIBUTARY_TRY_VOID(restore_all(
            side, kind, [&](const SideEntry& entry, std::string_view owner) -> Result<void> {
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
    impl.acknowledged = 0;
    impl.proven = 0;
    impl.acks_since_ping = 0;
    impl.ping_out = false;
    impl.prove_at = SteadyTime::max();
    impl.state = State::connecting;
    // The broker may have begun another session for a CONNECT whose answer was lost: the next one
    // finds that session, and nothing subscribed in it.
    impl.subscribed = impl.subscribed && !impl.unanswered;
    impl.unanswered = true;
    put_side(step, impl.repairs);
    impl.repairs.clear();
    impl.finish(now, step);
    impl.connect(now, step);
}

void SubscriberSession::received(SteadyTime now, std::string_view bytes, Step& step) {
    Impl& impl = *impl_;
    if (!impl.open()) {
        return;
    }
    heard(now);
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

// What it owes us may stand behind all that it sends.
void SubscriberSession::heard(SteadyTime now) {
    Impl& impl = *impl_;
    if (impl.state != State::connecting) {
        impl.answer_by = now + impl.options.connect_timeout;
    }
}

void SubscriberSession::lost(SteadyTime /*now*/) {
    impl_->state = State::closed;
}

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
        impl.fail(Error(errors::kSourceUnreachable,
                        std::string("no ") + what + " from the broker" +
                            (impl.state == State::connecting ? kOtherProtocol : "")),
                  ReasonCode::unspecified_error,
                  "the broker does not answer",
                  step);
    };
    switch (impl.state) {
        case State::closed:
            return;
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
        case State::running:
            break;
    }
    if (impl.ping_out) {
        if (now >= impl.answer_by) {
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
        case State::closed:
            return due;
        case State::connecting:
            return impl.answer_by;
        case State::subscribing:
            due = impl.answer_by;
            break;
        case State::settling:
        case State::running:
            break;
    }
    if (impl.ping_out) {
        return std::min(due, impl.answer_by);
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
        sent(step, kSubscriberConnection, at);
    }
    close_after(step, kSubscriberConnection, ReasonCode::success, "we said goodbye");
    impl.state = State::closed;
}

SubscriberSession::State SubscriberSession::state() const {
    return impl_->state;
}

bool SubscriberSession::wants_read() const {
    // MQTT 5 brokers keep to the window themselves, or should (mosquitto 2.0.11 with a backlog does
    // not); PUBRELs come on top of it. What is beyond is held back by TCP.
    constexpr std::size_t kReleases = 64;
    const std::size_t window = impl_->options.window;
    return impl_->acks.size() < (impl_->v5() ? 2 * window + kReleases : window);
}

const std::optional<Error>& SubscriberSession::failure() const {
    return impl_->failure;
}
const SubscriberCounters& SubscriberSession::counters() const {
    return impl_->counters;
}
IntakeNumber SubscriberSession::last_number() const {
    return impl_->last_number;
}

}  // namespace tributary::mqtt
