// The listener's parts: devices' sessions, their connections, and the state machine over them.
// Shared by listener_session.cc (connections, timers), listener_devices.cc (sessions, wills) and
// listener_packets.cc (what each packet does). Not for use outside connectors/mqtt/session.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "connectors/mqtt/session/ack_queue.h"
#include "connectors/mqtt/session/dedupe.h"
#include "connectors/mqtt/session/listener_session.h"
#include "connectors/mqtt/session/topic_aliases.h"

namespace tributary::mqtt {

// A will, kept as a PUBLISH of MQTT 5.
struct StoredWill {
    std::string packet;
    std::chrono::seconds delay{0};
    friend bool operator==(const StoredWill&, const StoredWill&) = default;
};

// What outlives a device's connection.
struct DeviceSession {
    explicit DeviceSession(Dedupe::Options options) : dedupe(std::move(options)) {}

    Dedupe dedupe;
    std::optional<ConnectionId> connection;
    std::chrono::seconds expiry{0};
    SteadyTime ends_at = SteadyTime::max();  // while not connected
    IntakeNumber settles_with = 0;           // CONNACK waits for this
    bool recorded = false;                   // has a record in the side keyspace
    std::unique_ptr<StoredWill> will;        // as in the side keyspace; null: it has none
    SteadyTime will_at = SteadyTime::max();  // while not connected
    bool we_were_gone = false;               // the will is void if the device comes back in time
};

struct DeviceConnection {
    enum class State : std::uint8_t { awaiting_connect, open, closed };

    DeviceConnection(std::string_view peer_name, std::uint32_t connect_bytes_max)
        : reader(connect_bytes_max), aliases(0), peer(peer_name) {}

    // MQTT 5.0 3.14.0-1: a server's DISCONNECT does not come before its CONNACK.
    [[nodiscard]] bool takes_disconnect() const {
        return state == State::open && welcome.empty() && version == Version::v5;
    }

    State state = State::awaiting_connect;
    Version version = Version::v3_1_1;
    bool waiting = false;  // in Impl::waiting
    bool paused = false;
    bool throttled = false;  // in Impl::throttled
    bool problem_information = true;
    std::uint32_t in_flight = 0;
    std::size_t unfinished = 0;  // its part of Impl::unfinished
    std::uint32_t send_bytes_max = kPacketBytesMax;
    DeviceSession* session = nullptr;
    FrameReader reader;
    AckQueue acks;
    TopicAliases aliases;
    std::chrono::milliseconds patience{0};  // 1.5 times the keep alive; 0: endless
    SteadyTime deadline = SteadyTime::max();
    SteadyTime paid_until{};  // its messages, at the rate allowed, last until then
    std::string welcome;      // the CONNACK, while it waits
    std::string peer;
    std::string user;
    std::string allowed_topic;  // the last one that the policy allowed
};

struct Listener::Impl {
    Impl(ListenerOptions given, ListenerPolicy& given_policy)
        : options(std::move(given)), policy(given_policy) {}

    using Device = DeviceConnection;
    using Session = DeviceSession;

    // Connections (listener_session.cc).
    [[nodiscard]] Device& device(ConnectionId id);
    [[nodiscard]] bool may_read(const Device& one) const;
    template <typename P>
    void send(ConnectionId id, Device& one, const P& packet, Step& step);
    void drain(ConnectionId id, Device& one, Step& step);
    void wait(ConnectionId id, Device& one);
    void throttle(SteadyTime now, ConnectionId id, Device& one);
    void release_throttled(SteadyTime now, Step& step);
    void await_more(SteadyTime now, Device& one);
    void note_refusal(const Device& one, const char* why);
    void count_unfinished(SteadyTime now, ConnectionId id, Device& one, Step& step);
    void turn_away(SteadyTime now, ConnectionId id, ReasonCode reason, const char* why, Step& step);
    void end_connection(SteadyTime now, Device& one, bool with_will, Step& step);
    void begin_call(Step& step);

    // Sessions (listener_devices.cc).
    [[nodiscard]] Session* find_session(std::string_view client_id);
    Session& make_session(std::string_view client_id, bool persistent);
    void look_after(SteadyTime now, Session& session, Step& step);
    void end_session(Session& session, Step& step);
    void set_will(Session& session, std::unique_ptr<StoredWill> will, Step& step);
    void emit_will(Session& session, Step& step);
    void await_return(SteadyTime now, Session& session);
    void write_record(Session& session, Step& step);
    void sweep(SteadyTime now, Step& step);
    void remind(SteadyTime at) { due = std::min(due, at); }

    // The log.
    Intake& append(IntakeKind kind, std::string_view client_id, Step& step);
    void note_if_owed(Step& step);

    // Packets (listener_packets.cc).
    void on_frame(SteadyTime now, ConnectionId id, const Frame& frame, Step& step);
    void violate(SteadyTime now, ConnectionId id, const CodecError& error, Step& step);
    void on_first(SteadyTime now, ConnectionId id, const Frame& frame, Step& step);
    void on_connect(SteadyTime now, ConnectionId id, const Connect& connect, Step& step);
    [[nodiscard]] ReasonCode judge(Device& one, const Connect& connect, std::string_view client_id);
    void refuse(
        ConnectionId id, Version version, std::string_view who, ReasonCode reason, Step& step);
    Session& attach(SteadyTime now,
                    ConnectionId id,
                    const Connect& connect,
                    std::string_view client_id,
                    bool& session_present,
                    Step& step);
    void welcome(ConnectionId id,
                 const Connect& connect,
                 std::string_view assigned,
                 bool session_present);
    void on_publish(SteadyTime now, ConnectionId id, Publish& publish, Step& step);
    [[nodiscard]] ReasonCode judge(Device& one, const Publish& publish);
    void refuse(
        SteadyTime now, ConnectionId id, const Publish& publish, ReasonCode reason, Step& step);
    [[nodiscard]] std::optional<IntakeNumber> take(Device& one, const Publish& publish, Step& step);
    void on_pubrel(Device& one, const Ack& pubrel, Step& step);
    void on_subscribe(ConnectionId id, const Subscribe& subscribe, Step& step);
    void on_unsubscribe(ConnectionId id, const Unsubscribe& unsubscribe, Step& step);
    void on_disconnect(SteadyTime now, ConnectionId id, const Disconnect& disconnect, Step& step);

    ListenerOptions options;
    ListenerPolicy& policy;
    ListenerCounters counters;
    bool full = false;
    std::size_t unfinished = 0;  // bytes of packets that have not arrived whole
    IntakeNumber last_number = 0;
    IntakeNumber durable = 0;
    SteadyTime due = SteadyTime::max();
    std::uint64_t assigned_ids = 0;
    std::vector<std::unique_ptr<Device>> devices;
    std::vector<ConnectionId> free_ids;
    std::vector<ConnectionId> waiting;    // connections that owe acknowledgements
    std::vector<ConnectionId> throttled;  // connections that have sent too much
    SteadyTime release_at = SteadyTime::max();
    std::string last_refused;
    std::unordered_map<std::string_view, std::unique_ptr<Session>> sessions;  // by their own id
    std::vector<SideWrite> repairs;  // go before everything else
    // What views in the last Step may point to.
    std::vector<std::unique_ptr<Session>> ended_sessions;
    std::vector<std::unique_ptr<StoredWill>> emitted_wills;
};

template <typename P>
void Listener::Impl::send(ConnectionId id, Device& one, const P& packet, Step& step) {
    const std::size_t at = step.wire.size();
    if constexpr (requires { encode(packet, step.wire); }) {
        encode(packet, step.wire);
    } else {
        encode(packet, one.version, step.wire);
    }
    if (step.wire.size() - at > one.send_bytes_max) {
        step.wire.resize(at);  // MQTT 5.0 3.1.2.11.4: never sent
        return;
    }
    sent(step, id, at);
}

}  // namespace tributary::mqtt
