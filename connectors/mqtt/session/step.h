// What a session wants done after one call: entries for the log with their side writes, bytes to
// send, connections to close. The caller empties it with clear() and hands it in again, so that a
// busy session allocates nothing. One thread.
//
// Order of work for the I/O after each call:
//   1. for each intake[i]: first the side writes with item == i, then append() one entry
//      (message, will: the connector's payload; gap: EntryKind::gap; note: EntryKind::position)
//      whose `done` is intake[i].number. Nothing else may come between.
//   2. send each `sends` in order, then close where close_after says so.
//   3. when the log says that number n is durable (or delivered, for `ack: delivered`): durable(n).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/mqtt/codec/packets.h"
#include "model/entry.h"

namespace tributary::mqtt {

// Given to everything that must become durable, from 1, increasing by 1, for the life of the log's
// stream (kept in the entry's position).
using IntakeNumber = std::uint64_t;

// A transport connection; given by Listener::accept(), free again after Listener::closed(). The
// subscriber's only one is 0.
using ConnectionId = std::uint32_t;

enum class IntakeKind : std::uint8_t {
    message,
    will,  // of a device that went without saying goodbye
    gap,   // the broker's session is lost: messages before this may be missing; `text` says why
    note,  // only the side writes before it
};

struct Intake {
    IntakeNumber number = 0;
    IntakeKind kind = IntakeKind::message;
    // A re-delivery (dup) of which nothing says that we have it: most likely taken in for the first
    // time, possibly again.
    bool maybe_duplicate = false;
    Publish message;             // topic alias resolved; valid until the session's next call
    std::string_view client_id;  // of the device, or our own; valid until the session's next call
    std::string_view text;       // of a gap
};

struct Send {
    ConnectionId connection = 0;
    std::size_t at = 0;  // in `wire`
    std::size_t size = 0;
    bool close_after = false;
    ReasonCode reason = ReasonCode::success;  // why it is closed
    const char* why = "";                     // static text, empty unless close_after
};

struct SideChange {
    std::size_t item = 0;  // goes before intake[item]
    bool erase = false;
    std::size_t key_at = 0;  // in `side_bytes`
    std::size_t key_size = 0;
    std::size_t value_at = 0;
    std::size_t value_size = 0;
};

struct Step {
    std::vector<Intake> intake;
    std::vector<SideChange> side;  // ordered by item
    std::string side_bytes;
    std::vector<Send> sends;
    std::string wire;
    std::vector<ConnectionId> resumed;  // may be read from again

    [[nodiscard]] std::string_view key(const SideChange& change) const {
        return std::string_view(side_bytes).substr(change.key_at, change.key_size);
    }
    [[nodiscard]] std::string_view value(const SideChange& change) const {
        return std::string_view(side_bytes).substr(change.value_at, change.value_size);
    }
    [[nodiscard]] std::string_view bytes(const Send& send) const {
        return std::string_view(wire).substr(send.at, send.size);
    }
    void clear();
};

// For the sessions. A side write that goes before the entry appended next; set_value() gives an
// earlier one, by its index in `side`, another value.
void put_side(Step& step, std::string_view key, std::string_view value);
void erase_side(Step& step, std::string_view key);
void put_side(Step& step, std::span<const SideWrite> writes);
void set_value(Step& step, std::size_t change, std::string_view value);
// What was appended to `wire` from `at` on goes to `connection`; `sends` has one row for a run.
void sent(Step& step, ConnectionId connection, std::size_t at);
// Closes `connection` behind what goes to it.
void close_after(Step& step, ConnectionId connection, ReasonCode reason, const char* why);
// Side writes stand at the end with no entry behind them.
[[nodiscard]] bool owes_note(const Step& step);

}  // namespace tributary::mqtt
