// SubscriberSession: our side of a session at a broker, as a pure state machine: CONNECT,
// SUBSCRIBE, keepalive, intake at QoS 0 to 2 and acknowledgement of what is durable.
// The I/O opens the transport, calls opened(), hands in what it reads with received(), and carries
// out each Step (step.h). No clock, no I/O, one thread.
//
// State machine: closed -> connecting (CONNECT sent) -> settling (a lost session is written down)
//                -> subscribing -> running; any -> closed on lost() or when a Step closes.
//
// Acknowledgements leave in the order in which their packets came, when the number they wait for is
// durable (MQTT 5.0 4.6). At most `window` messages are unacknowledged: in MQTT 5 as Receive
// Maximum, with some room for brokers that pass it; beyond, and in 3.1.1, by not reading
// (wants_read()).
//
// A lost session (CONNACK without Session Present though we had one) becomes a gap entry; the
// SUBSCRIBE waits until that and the erasure of the old identifiers are durable, so identifiers of
// the new session can never be taken for those of the old one.
//
// Session record, side key 'c' (dedupe.h): the filters that the broker confirmed, each u16 length,
// bytes, u8 qos. Present: we had a session.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "connectors/mqtt/codec/codec.h"
#include "connectors/mqtt/session/step.h"
#include "ports/clock.h"
#include "ports/side.h"

namespace tributary::mqtt {

struct SubscriberOptions {
    Version version = Version::v5;
    std::string client_id;  // not empty
    std::optional<std::string> user_name;
    std::optional<std::string> password;
    std::chrono::seconds keep_alive{30};
    std::chrono::seconds session_expiry{7 * 24 * 3600};  // MQTT 5
    std::chrono::seconds connect_timeout{10};  // CONNACK; silence before SUBACK or PINGRESP
    // A PINGREQ that proves PUBACKs is sent this long after the first unproven one.
    std::chrono::milliseconds proof_interval{1000};
    std::uint16_t window = 1000;  // unacknowledged messages, 1 to 65,535
    std::uint16_t topic_alias_maximum = 64;
    std::uint32_t packet_bytes_max = 16 * 1024 * 1024;
    bool suppress_redelivered = true;  // QoS 1, dedupe.h
    struct Filter {
        std::string filter;
        Qos qos = Qos::at_least_once;
        RetainHandling retain_handling = RetainHandling::send_if_new;  // MQTT 5
        std::uint32_t subscription_identifier = 0;                     // MQTT 5; 0: none
    };
    std::vector<Filter> filters;  // not empty
};

struct SubscriberCounters {
    std::uint64_t messages = 0;          // taken in
    std::uint64_t redeliveries = 0;      // not taken in again
    std::uint64_t maybe_duplicates = 0;  // taken in, may have been taken in before
    std::uint64_t sessions_lost = 0;
    std::uint64_t acknowledged = 0;  // PUBACK and PUBREC sent
};

class SubscriberSession {
  public:
    enum class State : std::uint8_t { closed, connecting, settling, subscribing, running };

    explicit SubscriberSession(SubscriberOptions options);
    ~SubscriberSession();

    // Before the first opened(): what earlier runs left. `last`: the number of the log's last
    // entry, 0 for none; `acknowledgeable`: up to which durable() would have been called.
    // kLogIo, kLogCorrupt.
    [[nodiscard]] Result<void> restore(const SideReader& side,
                                       IntakeNumber last,
                                       IntakeNumber acknowledgeable);

    // The transport is up.
    void opened(SteadyTime now, Step& step);
    // Bytes that came. After an error (failure()) the Step closes the connection.
    void received(SteadyTime now, std::string_view bytes, Step& step);
    // Bytes of the broker are there, read or not: it lives, however long its answer takes.
    void heard(SteadyTime now);
    // The transport is gone.
    void lost(SteadyTime now);
    // Everything up to `number` may be acknowledged.
    void durable(SteadyTime now, IntakeNumber number, Step& step);
    // Timers: call at due() or later.
    void tick(SteadyTime now, Step& step);
    [[nodiscard]] SteadyTime due() const;
    // Says goodbye: DISCONNECT, keeping the session.
    void close(Step& step);

    [[nodiscard]] State state() const;
    [[nodiscard]] bool wants_read() const;  // false: the window is full
    // Why the last connection ended, when the broker or the session decided it.
    [[nodiscard]] const std::optional<Error>& failure() const;
    [[nodiscard]] const SubscriberCounters& counters() const;
    [[nodiscard]] IntakeNumber last_number() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tributary::mqtt
