// The listener's connections, sessions and timers; what each packet does is in listener_packets.cc.
#include "connectors/mqtt/session/listener_session.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "connectors/mqtt/session/listener_impl.h"
#include "connectors/mqtt/session/side_restore.h"
#include "model/errors.h"

namespace tributary::mqtt {

Listener::Impl::Device& Listener::Impl::device(ConnectionId id) {
    TRIBUTARY_ASSERT(id < devices.size() && devices[id] != nullptr);
    return *devices[id];
}

bool Listener::Impl::may_read(const Device& one) const {
    // MQTT 5 devices keep to the receive maximum themselves; PUBRELs come on top of it.
    constexpr std::size_t kReleases = 64;
    const std::size_t window = options.receive_maximum;
    return one.state != Device::State::closed &&
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
    for (DueAck ack; one.acks.pop(durable, ack);) {
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
    if (one.state == Device::State::open && one.version == Version::v5 &&
        reason != ReasonCode::success) {
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
    if (with_will && one.will != nullptr) {
        session.will_at = std::min(now + one.will->delay, session.ends_at);
        session.will = std::move(one.will);
        remind(session.will_at);
    }
    one.will.reset();
    remind(session.ends_at);
    look_after(now, session, step);
}

Listener::Impl::Session* Listener::Impl::find_session(std::string_view client_id) {
    const auto found = sessions.find(client_id);
    return found == sessions.end() ? nullptr : found->second.get();
}

Listener::Impl::Session& Listener::Impl::make_session(std::string_view client_id, bool persistent) {
    auto session =
        std::make_unique<Session>(Dedupe::Options{.owner = std::string(client_id),
                                                  .remembered_max = options.receive_maximum,
                                                  .persistent = persistent,
                                                  .suppress_qos1 = options.suppress_redelivered});
    Session& made = *session;
    sessions.emplace(made.dedupe.owner(), std::move(session));
    ++counters.sessions;
    return made;
}

// A session that nobody is connected to: its will, its end. A full log takes neither; they wait.
void Listener::Impl::look_after(SteadyTime now, Session& session, Step& step) {
    if (full || session.connection) {
        return;
    }
    if (session.will != nullptr && now >= session.will_at) {
        emit_will(session, step);
    }
    if (now >= session.ends_at) {
        end_session(session, step);
    }
}

void Listener::Impl::end_session(Session& session, Step& step) {
    TRIBUTARY_ASSERT(!session.connection);
    if (session.will != nullptr) {
        emit_will(session, step);
    }
    session.dedupe.forget(step);
    if (session.recorded) {
        erase_side(step, side_key(kRecordKey, session.dedupe.owner()));
    }
    note_if_owed(step);
    auto found = sessions.find(session.dedupe.owner());
    TRIBUTARY_ASSERT(found != sessions.end());
    ended_sessions.push_back(std::move(found->second));
    sessions.erase(found);
    --counters.sessions;
}

void Listener::Impl::emit_will(Session& session, Step& step) {
    const std::string& packet = session.will->packet;
    const auto frame = next_frame(packet, kPacketBytesMax);
    TRIBUTARY_ASSERT(frame.has_value() && frame.value().has_value());
    const auto publish = decode_publish(*frame.value(), Version::v5);
    TRIBUTARY_ASSERT(publish.has_value());
    append(IntakeKind::will, session.dedupe.owner(), step).message = publish.value();
    emitted_wills.push_back(std::move(session.will));
    session.will_at = SteadyTime::max();
    ++counters.wills;
}

void Listener::Impl::write_record(Session& session, Step& step) {
    std::string value;
    append_fixed(value, static_cast<std::uint32_t>(session.expiry.count()), Endian::big);
    put_side(step, side_key(kRecordKey, session.dedupe.owner()), value);
    session.recorded = true;
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

Result<void> Listener::restore(const SideReader& side,
                               IntakeNumber last,
                               IntakeNumber acknowledgeable,
                               SteadyTime now) {
    Impl& impl = *impl_;
    TRIBUTARY_ASSERT(impl.last_number == 0 && acknowledgeable <= last);
    impl.last_number = last;
    impl.durable = acknowledgeable;
    TRIBUTARY_TRY_VOID(restore_all(
        side, kRecordKey, [&](const SideEntry& entry, std::string_view owner) -> Result<void> {
            ByteReader reader(entry.value);
            const auto expiry = reader.fixed<std::uint32_t>(Endian::big);
            if (!reader.ok() || !reader.at_end()) {
                return Error(errors::kLogCorrupt, "MQTT session record of a wrong size");
            }
            DeviceSession& session = impl.make_session(owner, true);
            session.expiry = std::chrono::seconds(expiry);
            session.ends_at = now + session.expiry;
            session.recorded = true;
            impl.remind(session.ends_at);
            return success();
        }));
    for (const char kind : {kGroupKey, kIdentifierKey}) {
        TRIBUTARY_TRY_VOID(restore_all(
            side, kind, [&](const SideEntry& entry, std::string_view owner) -> Result<void> {
                if (auto* session = impl.find_session(owner)) {
                    return session->dedupe.restore(entry.key, entry.value, last, impl.repairs);
                }
                impl.repairs.push_back({entry.key, std::nullopt});
                return success();
            }));
    }
    return success();
}

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
    if (one.state == DeviceConnection::State::open && one.patience.count() > 0) {
        one.deadline = now + one.patience;
    }
    one.reader.feed(bytes);
    while (one.state != DeviceConnection::State::closed) {
        const auto frame = one.reader.next();
        if (frame.has_error()) {
            impl.violate(now, connection, frame.error(), step);
        } else if (!frame.value()) {
            break;
        } else {
            impl.on_frame(now, connection, *frame.value(), step);
        }
    }
    impl.count_unfinished(now, connection, one, step);
    if (one.session != nullptr) {
        one.session->dedupe.finish(step);
    }
    impl.note_if_owed(step);
    impl.drain(connection, one, step);
    impl.wait(connection, one);
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
    impl.devices[connection].reset();
    impl.free_ids.push_back(connection);
    --impl.counters.connections;
}

void Listener::durable(SteadyTime /*now*/, IntakeNumber number, Step& step) {
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
    if (now >= impl_->due) {
        impl_->sweep(now, step);
    }
}

SteadyTime Listener::due() const {
    return impl_->due;
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

void Listener::shut_down(Step& step) {
    Impl& impl = *impl_;
    impl.begin_call(step);
    for (std::size_t index = 0; index < impl.devices.size(); ++index) {
        const auto id = static_cast<ConnectionId>(index);
        DeviceConnection* one = impl.devices[index].get();
        if (one == nullptr || one->state == DeviceConnection::State::closed) {
            continue;
        }
        if (one->state == DeviceConnection::State::open && one->version == Version::v5) {
            impl.send(id,
                      *one,
                      Disconnect{.reason = ReasonCode::server_shutting_down, .properties = {}},
                      step);
        }
        close_after(step, id, ReasonCode::server_shutting_down, "the agent stops");
        one->state = DeviceConnection::State::closed;
        if (one->session != nullptr) {
            one->session->connection.reset();
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
IntakeNumber Listener::last_number() const {
    return impl_->last_number;
}

}  // namespace tributary::mqtt
