// What outlives a device's connection: its session, its will, and reading both back at start.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "connectors/mqtt/session/listener_impl.h"
#include "connectors/mqtt/session/side_restore.h"
#include "model/errors.h"

namespace tributary::mqtt {
namespace {

Result<std::unique_ptr<StoredWill>> read_will(std::string_view value) {
    ByteReader reader(value);
    auto will = std::make_unique<StoredWill>();
    will->delay = std::chrono::seconds(reader.fixed<std::uint32_t>(Endian::big));
    will->packet = reader.bytes(reader.remaining());
    const auto frame = next_frame(will->packet, kPacketBytesMax);
    if (!reader.ok() || frame.has_error() || !frame.value() ||
        frame.value()->bytes.size() != will->packet.size() ||
        frame.value()->type() != PacketType::publish ||
        decode_publish(*frame.value(), Version::v5).has_error()) {
        return Error(errors::kLogCorrupt, "MQTT will that is none");
    }
    return will;
}

}  // namespace

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

void Listener::Impl::set_will(Session& session, std::unique_ptr<StoredWill> will, Step& step) {
    const bool same = will == nullptr ? session.will == nullptr
                                      : session.will != nullptr && *will == *session.will;
    if (same) {
        return;
    }
    const std::string key = side_key(kWillKey, session.dedupe.owner());
    if (will == nullptr) {
        erase_side(step, key);
    } else {
        std::string value;
        append_fixed(value, static_cast<std::uint32_t>(will->delay.count()), Endian::big);
        value += will->packet;
        put_side(step, key, value);
    }
    session.will = std::move(will);
}

// The agent was gone, and the device's connection with it: nothing says that the device is. Its
// will is said when it does not come back in time (MQTT 5.0 3.1.2.5: a server may defer wills until
// after its restart).
void Listener::Impl::await_return(SteadyTime now, Session& session) {
    session.ends_at = now + session.expiry;
    if (session.will != nullptr) {
        session.will_at = now + std::max(session.will->delay, options.return_grace);
        session.ends_at = std::max(session.ends_at, session.will_at);
        session.we_were_gone = true;
        remind(session.will_at);
    }
    remind(session.ends_at);
}

void Listener::Impl::emit_will(Session& session, Step& step) {
    const std::string& packet = session.will->packet;
    const auto frame = next_frame(packet, kPacketBytesMax);
    TRIBUTARY_ASSERT(frame.has_value() && frame.value().has_value());
    const auto publish = decode_publish(*frame.value(), Version::v5);
    TRIBUTARY_ASSERT(publish.has_value());
    erase_side(step, side_key(kWillKey, session.dedupe.owner()));
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
            session.recorded = true;
            return success();
        }));
    TRIBUTARY_TRY_VOID(restore_all(
        side, kWillKey, [&](const SideEntry& entry, std::string_view owner) -> Result<void> {
            TRIBUTARY_TRY(will, read_will(entry.value));
            auto* session = impl.find_session(owner);
            (session != nullptr ? *session : impl.make_session(owner, false)).will =
                std::move(will);
            return success();
        }));
    for (const auto& [client_id, session] : impl.sessions) {
        impl.await_return(now, *session);
    }
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

}  // namespace tributary::mqtt
