// Dedupe: which packet identifiers of one MQTT session we have taken in and have not been let go of,
// so that what the sender sends again is neither lost nor taken twice. One per session (our own at
// a broker, or one per device of the listener). It lives in memory and, write by write with the
// entries, in the side keyspace (ports/side.h), from which it is rebuilt at start. Pure; one thread.
//
// QoS 1. Remembered per message: packet identifier, intake number, hash of topic and payload.
//   dup = 0                     always a new message; what the identifier stood for before is let go
//   dup = 1, same id and hash   ours already: not taken in again, acknowledged once per connection
//   dup = 1, otherwise          taken in, marked maybe_duplicate
// A message is let go of when it is proven that the sender has our PUBACK:
//   subscriber: a PINGRESP to a PINGREQ sent after that PUBACK (prove_through)
//   listener: nothing that a device sends proves it, so: the identifier is used anew (dup = 0), or
//             as many newer messages came as may be in flight (`remembered_max`), or its session ends
// What is left: if the sender used the identifier again for a message of the same bytes before that
// proof, lost the connection while sending it and sends it again with dup, it counts as the earlier.
//
// QoS 2. Remembered from PUBLISH to PUBREL. A PUBLISH of a remembered identifier is answered and not
// taken in (unless dup = 0 and the bytes differ: that sender lost its memory, and the message is
// new). PUBREL forgets it; PUBCOMP waits until that is durable.
//
// Side keys, per owner (client identifier; lengths and numbers big-endian):
//   '1' u16 length, owner, u64 first number    messages of one step: n x {u64 number, u64 hash, u16 id}
//   '2' u16 length, owner, u16 id              {u64 number, u64 hash}
//   'c' u16 length, owner                      the session's record (subscriber_session.h,
//                                              listener_session.h)
// A group is written with the first message of its step and names those after it too: entries with
// a number above the last durable one are ignored when read back.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "connectors/mqtt/session/step.h"
#include "ports/side.h"

namespace tributary::mqtt {

// FNV-1a over topic, a separator and payload, 64 bits, mixed. Not against an adversary: a device
// can only make its own messages look alike.
[[nodiscard]] std::uint64_t message_hash(std::string_view topic, std::string_view payload) noexcept;

class Dedupe {
  public:
    // What to do with a PUBLISH of QoS 1 or 2.
    enum class Verdict : std::uint8_t {
        take,             // a new message
        take_maybe_again, // a new message as far as we know, sent as a re-delivery
        answer,           // known: acknowledge when `number` is durable
        ignore,           // known, and this connection has its acknowledgement already
    };
    struct Answer {
        Verdict verdict = Verdict::take;
        IntakeNumber number = 0;  // of the known message
    };

    // `owner`: the client identifier. `remembered_max`: QoS 1 messages kept at most; 0: until proven.
    explicit Dedupe(std::string owner, std::size_t remembered_max = 0);

    // A PUBLISH that came. With `take` or `take_maybe_again` call taken() with its number next.
    [[nodiscard]] Answer qos1(std::uint16_t id, bool dup, std::uint64_t hash);
    void qos1_taken(std::uint16_t id, std::uint64_t hash, IntakeNumber number);
    [[nodiscard]] Answer qos2(std::uint16_t id, bool dup, std::uint64_t hash);
    // Writes the id for the entry appended next, which must be `number`.
    void qos2_taken(std::uint16_t id, std::uint64_t hash, IntakeNumber number, Step& step);
    // PUBREL. true: known; its erasure goes with the entry appended next, and PUBCOMP waits for it.
    [[nodiscard]] bool qos2_release(std::uint16_t id, Step& step);

    // The sender has every PUBACK for numbers up to this.
    void prove_through(IntakeNumber number);
    // A new connection of the same session: acknowledgements are due once more.
    void new_connection() { ++connection_; }
    // The session ended: everything is erased with the entry appended next.
    void forget(Step& step);

    // Ends a step: writes the step's group before the first entry it describes, and erasures that
    // wait for nothing with whatever entry there is. Call once per step that took a message or has
    // an entry.
    void finish(Step& step);

    // One side entry of this owner ('1' or '2'). kLogCorrupt.
    [[nodiscard]] Result<void> restore(std::string_view key,
                                       std::string_view value,
                                       IntakeNumber last_durable);

    [[nodiscard]] bool empty() const;
    [[nodiscard]] std::size_t remembered_qos1() const;
    [[nodiscard]] std::size_t remembered_qos2() const;
    [[nodiscard]] IntakeNumber oldest_qos1() const;  // 0: none

  private:
    std::string owner_;
    std::size_t remembered_max_;
    std::uint32_t connection_ = 0;
};

}  // namespace tributary::mqtt
