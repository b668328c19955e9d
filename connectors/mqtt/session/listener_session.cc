// The listener's connections and timers; what each packet does is in listener_packets.cc, what
// outlives a connection in listener_devices.cc.
#include "connectors/mqtt/session/listener_session.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/planted.h"
#include "connectors/mqtt/session/listener_impl.h"

namespace tributary::mqtt {
namespace {

// Packets are signs of life (MQTT 5.0 3.1.2-22); of one that takes its time, so is each of these
// pieces. A byte now and then is none.
std::size_t pieces(std::size_t unfinished_bytes) {
    constexpr std::size_t kPieceBytes = 1024;
    return (unfinished_bytes + kPieceBytes - 1) / kPieceBytes;
}

}  // namespace

Listener::Impl::Device& Listener::Impl::device(ConnectionId id) {
    TRIBUTARY_ASSERT(id < devices.size() && devices[id] != nullptr);
    return *devices[id];
}

bool Listener::Impl::may_read(const Device& one) const {
    // MQTT 5 devices keep to the receive maximum themselves; PUBRELs come on top of it.
    constexpr std::size_t kReleases = 64;
    const std::size_t window = options.receive_maximum;
    return one.state != Device::State::closed && !one.throttled &&
           one.acks.size() < (one.version == Version::v5 ? 2 * window + kReleases : window);
}

// Views in the Step of the call before are no longer needed.
void Listener::Impl::begin_call(Step& step) {
    ended_sessions.clear();
    emitted_wills.clear();
    if (!repairs.empty()) {
        put_side(step, repairs);
        repairs.clear();
        note_if_owed(step);
    }
}

void Listener::Impl::wait(ConnectionId id, Device& one) {
    if (!one.waiting && !one.acks.empty()) {
        one.waiting = true;
        waiting.push_back(id);
    }
}

void Listener::Impl::drain(ConnectionId id, Device& one, Step& step) {
    if (one.state == Device::State::closed) {
        return;
    }
    const std::size_t at = step.wire.size();
    const bool early = planted::is(planted::Bug::puback_before_fsync);
    for (DueAck ack; one.acks.pop(early ? last_number : durable, ack);) {
        if (ack.type == PacketType::connack) {
            step.wire.append(std::exchange(one.welcome, {}));
            continue;
        }
        const bool ends =
            ack.type != PacketType::pubrec || ack.reason >= ReasonCode::unspecified_error;
        if (ends && one.in_flight > 0) {
            --one.in_flight;
        }
        append_ack(step.wire, ack, one.version);
    }
    sent(step, id, at);
}

// What comes too fast is taken, and then nothing is read until the rate is kept again: the device's
// own TCP holds it back. A second's worth may come at once.
constexpr std::chrono::seconds kBurst(1);

void Listener::Impl::throttle(SteadyTime now, ConnectionId id, Device& one) {
    if (one.throttled || one.paid_until <= now + kBurst || one.state == Device::State::closed) {
        return;
    }
    one.throttled = true;
    throttled.push_back(id);
    release_at = std::min(release_at, one.paid_until - kBurst);
}

void Listener::Impl::release_throttled(SteadyTime now, Step& step) {
    release_at = SteadyTime::max();
    std::erase_if(throttled, [&](ConnectionId id) {
        Device& one = device(id);
        if (now < one.paid_until - kBurst) {
            release_at = std::min(release_at, one.paid_until - kBurst);
            return false;
        }
        one.throttled = false;
        await_more(now, one);
        if (one.paused && may_read(one)) {
            one.paused = false;
            step.resumed.push_back(id);
        }
        return true;
    });
}

// It has shown that it is there. Who has begun a packet goes on with it, also where no keep alive
// was asked for (3.1.1).
void Listener::Impl::await_more(SteadyTime now, Device& one) {
    const auto longest = std::chrono::milliseconds(options.keep_alive_max) * 3 / 2;
    const bool endless = one.patience.count() == 0;
    if (one.reader.kept() > 0) {
        one.deadline = now + (endless ? longest : std::min(one.patience, longest));
    } else {
        one.deadline = endless ? SteadyTime::max() : now + one.patience;
    }
    remind(one.deadline);
}

void Listener::Impl::note_refusal(const Device& one, const char* why) {
    last_refused = one.session != nullptr ? one.session->dedupe.owner() : "not connected yet";
    last_refused.append(": ").append(why);
}

// Devices that send a large packet byte by byte may not use up the memory of all.
void Listener::Impl::count_unfinished(SteadyTime now, ConnectionId id, Device& one, Step& step) {
    unfinished -= one.unfinished;
    one.unfinished = one.reader.kept();
    unfinished += one.unfinished;
    if (one.unfinished > 0 && unfinished > options.unfinished_bytes_max) {
        turn_away(now, id, ReasonCode::quota_exceeded, "too many unfinished packets", step);
    }
}

// The connection is over for us: what it owes is void, what comes on it is ignored.
void Listener::Impl::turn_away(
    SteadyTime now, ConnectionId id, ReasonCode reason, const char* why, Step& step) {
    Device& one = device(id);
    if (one.state == Device::State::closed) {
        return;
    }
    if (one.takes_disconnect() && reason != ReasonCode::success) {
        send(id, one, Disconnect{.reason = reason, .properties = {}}, step);
    }
    close_after(step, id, reason, why);
    end_connection(now, one, reason != ReasonCode::success, step);
}

void Listener::Impl::end_connection(SteadyTime now, Device& one, bool with_will, Step& step) {
    one.state = Device::State::closed;
    one.acks.clear();
    one.reader.reset();
    unfinished -= std::exchange(one.unfinished, 0);
    if (one.session == nullptr) {
        return;
    }
    Session& session = *std::exchange(one.session, nullptr);
    session.dedupe.finish(step);
    session.connection.reset();
    session.ends_at = now + session.expiry;
    if (!with_will) {
        set_will(session, nullptr, step);
    } else if (session.will != nullptr) {
        session.will_at = std::min(now + session.will->delay, session.ends_at);
        remind(session.will_at);
    }
    remind(session.ends_at);
    look_after(now, session, step);
}

Intake& Listener::Impl::append(IntakeKind kind, std::string_view client_id, Step& step) {
    Intake& intake = step.intake.emplace_back();
    intake.number = ++last_number;
    intake.kind = kind;
    intake.client_id = client_id;
    return intake;
}

void Listener::Impl::note_if_owed(Step& step) {
    if (owes_note(step)) {
        append(IntakeKind::note, {}, step);
    }
}

// Every timer at once, at most once a second: deadlines mostly move on before they are reached.
void Listener::Impl::sweep(SteadyTime now, Step& step) {
    due = SteadyTime::max();
    for (std::size_t index = 0; index < devices.size(); ++index) {
        Device* one = devices[index].get();
        if (one == nullptr || one->state == Device::State::closed) {
            continue;
        }
        if (one->throttled || one->paused) {
            continue;  // nobody listens to it
        }
        if (now < one->deadline) {
            remind(one->deadline);
            continue;
        }
        ++counters.timeouts;
        turn_away(now,
                  static_cast<ConnectionId>(index),
                  ReasonCode::keep_alive_timeout,
                  "the device has been silent for too long",
                  step);
    }
    std::vector<Session*> over;
    for (const auto& [client_id, session] : sessions) {
        if (session->connection) {
            continue;
        }
        const SteadyTime at = std::min(session->will_at, session->ends_at);
        if (now < at) {
            remind(at);
        } else {
            over.push_back(session.get());
        }
    }
    for (Session* session : over) {
        if (full) {
            remind(now);
        } else if (now < session->ends_at) {
            remind(session->ends_at);
        }
        look_after(now, *session, step);
    }
    if (due != SteadyTime::max()) {
        due = std::max(due, now + std::chrono::seconds(1));
    }
}

Listener::Listener(ListenerOptions options, ListenerPolicy& policy)
    : impl_(std::make_unique<Impl>(std::move(options), policy)) {
    TRIBUTARY_ASSERT(impl_->options.receive_maximum > 0);
    TRIBUTARY_ASSERT(impl_->options.client_id_bytes_max <= kSideKeyBytesMax - 16);
}

Listener::~Listener() = default;

std::optional<ConnectionId> Listener::accept(SteadyTime now, std::string_view peer) {
    Impl& impl = *impl_;
    if (impl.counters.connections >= impl.options.connections_max) {
        return std::nullopt;
    }
    ConnectionId id = 0;
    if (impl.free_ids.empty()) {
        id = static_cast<ConnectionId>(impl.devices.size());
        impl.devices.emplace_back();
    } else {
        id = impl.free_ids.back();
        impl.free_ids.pop_back();
    }
    impl.devices[id] = std::make_unique<DeviceConnection>(peer, impl.options.connect_bytes_max);
    impl.devices[id]->deadline = now + impl.options.connect_timeout;
    impl.remind(impl.devices[id]->deadline);
    ++impl.counters.connections;
    return id;
}

void Listener::received(SteadyTime now,
                        ConnectionId connection,
                        std::string_view bytes,
                        Step& step) {
    Impl& impl = *impl_;
    impl.begin_call(step);
    DeviceConnection& one = impl.device(connection);
    if (one.state == DeviceConnection::State::closed) {
        return;
    }
    one.aliases.begin_step();
    bool alive = false;
    one.reader.feed(bytes);
    while (one.state != DeviceConnection::State::closed) {
        const auto frame = one.reader.next();
        if (frame.has_error()) {
            impl.violate(now, connection, frame.error(), step);
        } else if (!frame.value()) {
            break;
        } else {
            alive = true;
            impl.on_frame(now, connection, *frame.value(), step);
        }
    }
    alive = alive || pieces(one.reader.kept()) > pieces(one.unfinished);
    impl.count_unfinished(now, connection, one, step);
    if (alive && one.state == DeviceConnection::State::open) {
        impl.await_more(now, one);
    }
    if (one.session != nullptr) {
        one.session->dedupe.finish(step);
    }
    impl.note_if_owed(step);
    impl.drain(connection, one, step);
    impl.wait(connection, one);
    impl.throttle(now, connection, one);
    one.paused = !impl.may_read(one);
}

void Listener::closed(SteadyTime now, ConnectionId connection, Step& step) {
    Impl& impl = *impl_;
    impl.begin_call(step);
    DeviceConnection& one = impl.device(connection);
    if (one.state != DeviceConnection::State::closed) {
        impl.end_connection(now, one, true, step);
    }
    if (one.waiting) {
        std::erase(impl.waiting, connection);
    }
    if (one.throttled) {
        std::erase(impl.throttled, connection);
    }
    impl.devices[connection].reset();
    impl.free_ids.push_back(connection);
    --impl.counters.connections;
}

void Listener::durable(SteadyTime now, IntakeNumber number, Step& step) {
    Impl& impl = *impl_;
    impl.begin_call(step);
    TRIBUTARY_ASSERT(number <= impl.last_number);
    impl.durable = std::max(impl.durable, number);
    std::size_t kept = 0;
    for (const ConnectionId id : impl.waiting) {
        DeviceConnection& one = impl.device(id);
        impl.drain(id, one, step);
        if (one.paused && impl.may_read(one)) {
            one.paused = false;
            impl.await_more(now, one);
            step.resumed.push_back(id);
        }
        one.waiting = !one.acks.empty();
        if (one.waiting) {
            impl.waiting[kept++] = id;
        }
    }
    impl.waiting.resize(kept);
}

void Listener::tick(SteadyTime now, Step& step) {
    impl_->begin_call(step);
    if (now >= impl_->release_at) {
        impl_->release_throttled(now, step);
    }
    if (now >= impl_->due) {
        impl_->sweep(now, step);
    }
}

SteadyTime Listener::due() const {
    return std::min(impl_->due, impl_->release_at);
}

void Listener::set_full(SteadyTime now, bool full, Step& step) {
    Impl& impl = *impl_;
    impl.begin_call(step);
    if (impl.full == full) {
        return;
    }
    impl.full = full;
    if (!full) {
        impl.sweep(now, step);
        return;
    }
    for (std::size_t index = 0; index < impl.devices.size(); ++index) {
        const auto id = static_cast<ConnectionId>(index);
        if (impl.devices[index] != nullptr &&
            impl.devices[index]->state == DeviceConnection::State::open) {
            ++impl.counters.turned_away_full;
            impl.turn_away(now, id, ReasonCode::quota_exceeded, "the log is full", step);
        }
    }
}

void Listener::shut_down(SteadyTime now, Step& step) {
    Impl& impl = *impl_;
    impl.begin_call(step);
    for (std::size_t index = 0; index < impl.devices.size(); ++index) {
        const auto id = static_cast<ConnectionId>(index);
        DeviceConnection* one = impl.devices[index].get();
        if (one == nullptr || one->state == DeviceConnection::State::closed) {
            continue;
        }
        if (one->takes_disconnect()) {
            impl.send(id,
                      *one,
                      Disconnect{.reason = ReasonCode::server_shutting_down, .properties = {}},
                      step);
        }
        close_after(step, id, ReasonCode::server_shutting_down, "the agent stops");
        one->state = DeviceConnection::State::closed;
        if (one->session != nullptr) {
            one->session->connection.reset();
            impl.await_return(now, *one->session);
            one->session = nullptr;
        }
    }
}

bool Listener::wants_read(ConnectionId connection) const {
    return impl_->may_read(impl_->device(connection));
}

const ListenerCounters& Listener::counters() const {
    return impl_->counters;
}
const std::string& Listener::last_refused() const {
    return impl_->last_refused;
}
IntakeNumber Listener::last_number() const {
    return impl_->last_number;
}

}  // namespace tributary::mqtt
