// Listener: the server side for devices that have no broker, publish-only, for all its connections,
// as a pure state machine. The I/O accepts transports, hands in what it reads, and carries out each
// Step (step.h). No clock, no I/O, one thread. An idle connection costs a few hundred bytes.
//
// Acknowledgements leave per connection in the order in which their packets came, when the number
// they wait for is durable. CONNACK is one of them: it waits until a new session's record, or the
// erasure of an old session, is durable.
//
// A full log (set_full): devices are turned away, 0x97 (MQTT 5) or by closing (3.1.1), because a
// negative PUBACK would end the exchange and the device would not send again.
//
// Wills become entries when a device goes without DISCONNECT, after its Will Delay Interval. They
// outlive the agent: of the devices that were connected when it stopped or died, those that do not
// come back within `return_grace` have their wills written.
//
// Side keys (dedupe.h), numbers big-endian:
//   'c' session record: u32 session expiry interval in seconds. After a restart the interval runs
//       from the restart.
//   'w' will, from CONNECT until it is said or void: u32 delay in seconds, PUBLISH of MQTT 5
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/mqtt/codec/codec.h"
#include "connectors/mqtt/session/step.h"
#include "ports/clock.h"
#include "ports/side.h"

namespace tributary::mqtt {

struct ListenerOptions {
    std::uint16_t receive_maximum = 100;  // unacknowledged messages of one device
    std::uint32_t packet_bytes_max = 256 * 1024;
    std::uint32_t connect_bytes_max = 16 * 1024;  // of a CONNECT, before anyone is known
    // Of packets that have not arrived whole, all devices together; who passes it is turned away.
    std::size_t unfinished_bytes_max = 16 * 1024 * 1024;
    std::uint16_t topic_alias_maximum = 16;
    std::uint32_t topic_bytes_max = 1024;
    std::uint32_t topic_levels_max = 64;
    std::uint32_t client_id_bytes_max = 256;  // at most 1,000
    std::uint32_t connections_max = 10'000;
    std::uint32_t sessions_max = 50'000;
    std::chrono::seconds connect_timeout{10};
    // Also where a device of MQTT 5 asks for none. 3.1.1 cannot be told: its own holds, and this
    // for the rest of a packet that was begun.
    std::chrono::seconds keep_alive_max{600};
    std::chrono::seconds session_expiry_max{7 * 24 * 3600};  // also of 3.1.1 sessions
    // Of one device; one that sends more is not read from for a while. 0: no bound.
    std::uint32_t messages_per_second_max = 0;
    std::chrono::seconds return_grace{60};  // for devices, after the agent was gone
    bool suppress_redelivered = true;       // QoS 1, dedupe.h
    // Put before the identifiers given to devices that have none (MQTT 5.0 3.2.2.3.7); the rest is
    // a number. Must differ from run to run.
    std::string assigned_client_id_prefix = "tributary-";
};

// Who may connect and publish. Called within received(); must not block.
class ListenerPolicy {
  public:
    virtual ~ListenerPolicy() = default;
    // `peer`: what accept() was given. success, or the reason code of the refusing CONNACK.
    // Sets `user` to the name by which may_publish() knows the device.
    [[nodiscard]] virtual ReasonCode authenticate(const Connect& connect,
                                                  std::string_view peer,
                                                  std::string& user) = 0;
    [[nodiscard]] virtual bool may_publish(std::string_view user,
                                           std::string_view client_id,
                                           std::string_view topic) = 0;
};

struct ListenerCounters {
    std::uint64_t connections = 0;  // now
    std::uint64_t sessions = 0;     // now
    std::uint64_t messages = 0;
    std::uint64_t wills = 0;
    std::uint64_t redeliveries = 0;
    std::uint64_t maybe_duplicates = 0;
    std::uint64_t refused_connects = 0;
    std::uint64_t refused_publishes = 0;  // not authorised, topic invalid
    std::uint64_t refused_subscribes = 0;
    std::uint64_t turned_away_full = 0;
    std::uint64_t protocol_errors = 0;
    std::uint64_t taken_over = 0;
    std::uint64_t timeouts = 0;
};

class Listener {
  public:
    // `policy` must outlive this.
    Listener(ListenerOptions options, ListenerPolicy& policy);
    ~Listener();

    // As SubscriberSession::restore().
    [[nodiscard]] Result<void> restore(const SideReader& side,
                                       IntakeNumber last,
                                       IntakeNumber acknowledgeable,
                                       SteadyTime now);

    // A transport was accepted. `peer`: what the policy is to know of it (name in the client
    // certificate, address). nullopt: connections_max is reached, close it.
    [[nodiscard]] std::optional<ConnectionId> accept(SteadyTime now, std::string_view peer);
    void received(SteadyTime now, ConnectionId connection, std::string_view bytes, Step& step);
    // The transport is gone, whoever closed it: once for each accept(). Frees the id.
    void closed(SteadyTime now, ConnectionId connection, Step& step);
    void durable(SteadyTime now, IntakeNumber number, Step& step);
    void tick(SteadyTime now, Step& step);
    [[nodiscard]] SteadyTime due() const;  // SteadyTime::max(): nothing
    // true: turns every device away and refuses CONNECT until false.
    void set_full(SteadyTime now, bool full, Step& step);
    // DISCONNECT 0x8B to all (MQTT 5) and close.
    void shut_down(SteadyTime now, Step& step);

    // false: do not read from it until it is in Step::resumed (its window is full, it has sent more
    // than it may, or it is to be closed).
    [[nodiscard]] bool wants_read(ConnectionId connection) const;
    [[nodiscard]] const ListenerCounters& counters() const;
    // The device last refused something, and why; for people.
    [[nodiscard]] const std::string& last_refused() const;
    [[nodiscard]] IntakeNumber last_number() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tributary::mqtt
