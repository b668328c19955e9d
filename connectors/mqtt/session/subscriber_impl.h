// The subscriber's parts, shared by subscriber_session.cc (connection, timers, what is sent) and
// subscriber_packets.cc (what each packet does). Not for use outside connectors/mqtt/session.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "connectors/mqtt/session/ack_queue.h"
#include "connectors/mqtt/session/dedupe.h"
#include "connectors/mqtt/session/subscriber_session.h"
#include "connectors/mqtt/session/topic_aliases.h"
#include "model/entry.h"

namespace tributary::mqtt {

inline constexpr ConnectionId kSubscriberConnection = 0;
// SUBSCRIBE of filter n has n + 1.
inline constexpr std::uint16_t kUnsubscribeId = 65'535;
// A message that the broker might send again keeps its identifier from all others, and there are
// no more than these: so many newer messages prove its PUBACK too (2.2.1).
inline constexpr std::size_t kRememberedMax = 65'535;

struct SubscriberSession::Impl {
    explicit Impl(SubscriberOptions given)
        : options(std::move(given)),
          reader(options.packet_bytes_max),
          dedupe({.owner = options.client_id,
                  .remembered_max = kRememberedMax,
                  .suppress_qos1 = options.suppress_redelivered}),
          aliases(options.version == Version::v5 ? options.topic_alias_maximum : std::uint16_t{0}) {
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
        sent(step, kSubscriberConnection, at);
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
    std::vector<SideWrite> repairs;  // go before everything else
    std::optional<Error> failure;
    SubscriberCounters counters;

    IntakeNumber last_number = 0;
    IntakeNumber durable = 0;
    std::optional<std::string> record;  // as written; none: there is no session of ours
    std::vector<std::string> removed;   // to unsubscribe from
    bool subscribed = false;            // in this session, since the start
    bool unanswered = false;            // CONNECT was sent, and its CONNACK has not come
    std::size_t subacks_due = 0;
    std::uint32_t server_packet_bytes_max = kPacketBytesMax;
    IntakeNumber settles_with = 0;  // the gap entry's number

    std::chrono::seconds keep_alive{0};
    SteadyTime last_sent;
    SteadyTime answer_by;  // CONNACK, SUBACK or PINGRESP, or any other sign of life
    bool ping_out = false;
    IntakeNumber ping_proves = 0;   // what the PINGRESP awaited proves
    IntakeNumber acknowledged = 0;  // highest number of a PUBACK on this connection
    IntakeNumber proven = 0;        // on this connection
    std::size_t acks_since_ping = 0;
    SteadyTime prove_at = SteadyTime::max();
};

}  // namespace tributary::mqtt
