// Dedupe: which packet identifiers of one MQTT session we have taken in and have not been let go
// of, so that what the sender sends again is neither lost nor taken twice. One per session (our own
// at a broker, or one per device of the listener). It lives in memory and, write by write with the
// entries, in the side keyspace (ports/side.h), from which it is rebuilt at start. Pure; one
// thread.
//
// QoS 1. Remembered per message: packet identifier, intake number, hash of topic and payload.
//   dup = 0                      always a new message; what the identifier stood for before is let
//                                go
//   dup = 1, same id and hash    ours already: not taken in again, acknowledged once per connection
//   dup = 1, otherwise           taken in, marked maybe_duplicate
// A message is let go of when it is proven that the sender has our PUBACK:
//   subscriber: a PINGRESP to a PINGREQ sent after that PUBACK (prove_through)
//   listener: nothing that a device sends proves it, so: the identifier is used anew (dup = 0), or
//             as many newer messages came as may be in flight (`remembered_max`), or its session
//             ends
// What is left: if the sender uses the identifier again for a message of the same topic and payload
// before that proof (or before the proof's own record is durable, if we crash), loses the
// connection while sending it and sends it again with dup, it counts as the earlier one.
//
// QoS 2. Remembered from PUBLISH to PUBREL. A PUBLISH of a remembered identifier and the same hash
// is answered and not taken in; of another hash it is a new message of a sender that lost its
// memory. PUBREL forgets it; PUBCOMP waits until that is durable.
//
// Side keys, per owner (client identifier; lengths and numbers big-endian):
//   '1' u16 length, owner, u64 first number    messages of one step: n x {u64 number, u64 hash, u16
//                                              id}
//   '2' u16 length, owner, u16 id              {u64 number, u64 hash}
//   'c' u16 length, owner                      the session's record (subscriber_session.h,
//                                              listener_session.h)
//   'w' u16 length, owner                      its will (listener_session.h)
// A group is written with the first message of its step and names those after it too: entries with
// a number above the last durable one are ignored when read back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "connectors/mqtt/session/ring.h"
#include "connectors/mqtt/session/step.h"
#include "model/entry.h"

namespace tributary::mqtt {

inline constexpr char kGroupKey = '1';
inline constexpr char kIdentifierKey = '2';
inline constexpr char kRecordKey = 'c';
inline constexpr char kWillKey = 'w';

// A side key: kind, u16 length, owner. At most 3 + owner + 8 bytes.
[[nodiscard]] std::string side_key(char kind, std::string_view owner);
// The owner in a side key; kLogCorrupt.
[[nodiscard]] Result<std::string_view> side_owner(std::string_view key);

// 64 bits of topic and payload. Not against an adversary: a device can only make its own messages
// look alike.
[[nodiscard]] std::uint64_t message_hash(std::string_view topic, std::string_view payload) noexcept;

class Dedupe {
  public:
    // What to do with a PUBLISH of QoS 1 or 2.
    enum class Verdict : std::uint8_t {
        take,              // a new message
        take_maybe_again,  // a new message as far as we know, sent as a re-delivery
        answer,            // known: acknowledge when `number` is durable
        ignore,            // known, and this connection has its acknowledgement already
    };
    struct Answer {
        Verdict verdict = Verdict::take;
        IntakeNumber number = 0;  // of the known message
    };
    struct Options {
        std::string owner;               // the client identifier
        std::size_t remembered_max = 0;  // QoS 1 messages kept at most; 0: until proven
        bool persistent = true;          // false: the session ends with its connection
        bool suppress_qos1 = true;       // false: every PUBLISH of QoS 1 is taken in
    };

    explicit Dedupe(Options options) : options_(std::move(options)) {}

    // A PUBLISH that came. With `take` or `take_maybe_again` call the _taken() next.
    [[nodiscard]] Answer qos1(std::uint16_t id, bool dup, std::uint64_t hash);
    [[nodiscard]] Answer qos2(std::uint16_t id, bool dup, std::uint64_t hash);
    // The message will be the next entry of `step`, with this number.
    void qos1_taken(std::uint16_t id, std::uint64_t hash, IntakeNumber number, Step& step);
    void qos2_taken(std::uint16_t id, std::uint64_t hash, IntakeNumber number, Step& step);
    // PUBREL; `next`: the number of the next entry of `step`, with which the erasure goes. Returns
    // what PUBCOMP waits for and whether the identifier was known.
    struct Release {
        bool known = false;
        IntakeNumber number = 0;
    };
    [[nodiscard]] Release qos2_release(std::uint16_t id, IntakeNumber next, Step& step);

    // The sender has every PUBACK for numbers up to this.
    void prove_through(IntakeNumber number);
    // A new connection of the same session: acknowledgements are due once more.
    void new_connection() { ++connection_; }
    // The session ended: everything is erased with the next entry of `step`.
    void forget(Step& step);
    // Erasures that wait for any entry go with the next one of `step`.
    void flush(Step& step);
    // Ends a step in which a message may have been taken.
    void finish(Step& step);

    // One side entry of this owner, kGroupKey or kIdentifierKey, in the order of keys. What names
    // numbers that are not durable is mended by `repairs`, which must be written with the first
    // entry after the start: those numbers are given anew. kLogCorrupt.
    [[nodiscard]] Result<void> restore(std::string_view key,
                                       std::string_view value,
                                       IntakeNumber last_durable,
                                       std::vector<SideWrite>& repairs);

    [[nodiscard]] bool empty() const { return known1_.empty() && known2_.empty(); }
    [[nodiscard]] std::size_t remembered_qos1() const { return known1_.size(); }
    [[nodiscard]] std::size_t remembered_qos2() const { return known2_.size(); }
    [[nodiscard]] const std::string& owner() const { return options_.owner; }

  private:
    struct Known {
        IntakeNumber number = 0;
        std::uint64_t hash = 0;
        std::uint32_t connection = 0;  // that has or is owed the acknowledgement
        std::uint16_t id = 0;
    };
    struct Group {
        IntakeNumber first = 0;
        IntakeNumber last = 0;
    };

    [[nodiscard]] Known* find_qos1(std::uint16_t id);
    void remember(const Known& known);
    void make_room();
    void forget_oldest();
    void write_group(Step& step);
    [[nodiscard]] std::string group_key(IntakeNumber first) const;
    [[nodiscard]] std::string identifier_key(std::uint16_t id) const;

    Options options_;
    std::uint32_t connection_ = 1;
    Ring<Known> known1_;  // by number
    // Where in known1_ an identifier was used last, counted from the first message ever; only for
    // sessions that may remember many. A place that is gone or holds another identifier means none.
    std::unique_ptr<std::uint32_t[]> places_;
    std::uint32_t forgotten_ = 0;  // messages that have left known1_
    Ring<Group> groups_;
    std::unordered_map<std::uint16_t, Known> known2_;
    IntakeNumber last_release_ = 0;
    std::vector<IntakeNumber> erasures_;  // groups, by their first number
    std::size_t open_ = 0;                // messages at the end of known1_ not yet in a group
    std::size_t open_change_ = 0;         // the group's row in Step::side
};

}  // namespace tributary::mqtt
