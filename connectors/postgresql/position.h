// The bytes of this connector's positions. Pure; any thread.
//   resume   8 bytes    LSN, big-endian: START_REPLICATION from here sends everything not yet held
//            9 bytes    the same and 1: and rows of a snapshot are still to be taken
//   done     12 bytes   LSN and ordinal, big-endian: identity of the last event taken in
//   event    8 bytes    LSN of the event's transaction, big-endian: for the packed record header
// An identity is (commit LSN of the transaction, ordinal in it) or, for a message outside
// transactions, done_below(its LSN): that LSN is the end of the message's record, where the commit
// record of the transaction that wrote it may begin. Identities arrive in their own order:
// transactions are sent in commit order, and a message when its record is decoded.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connectors/postgresql/lsn.h"
#include "model/ids.h"

namespace tributary::postgresql {

// Ordinal of a transaction's end: everything of it is done.
inline constexpr std::uint32_t kWholeTransaction = 0xFFFFFFFFU;

struct Identity {
    Lsn lsn;
    std::uint32_t ordinal = 0;
    friend auto operator<=>(const Identity&, const Identity&) = default;
};

// Everything whose transaction committed below `lsn` is done: the identity that a position-only
// entry leaves behind. `lsn` 0 gives the identity before all others.
[[nodiscard]] Identity done_below(Lsn lsn);

[[nodiscard]] Position encode_resume(Lsn lsn, bool in_snapshot = false);
[[nodiscard]] Position encode_done(Identity identity);
// Writes into a Position that is reused from call to call, without allocating after the first.
void encode_done_into(Identity identity, Position& out);

// Whether a resume position says that a snapshot was under way: known even where the log that had
// its progress is lost.
[[nodiscard]] bool says_in_snapshot(const Position& position);

// nullopt: not of that kind. An empty position means none and is nullopt too.
[[nodiscard]] std::optional<Lsn> decode_resume(const Position& position);
[[nodiscard]] std::optional<Identity> decode_done(const Position& position);

// For people, either form: "0/1A2B3C4", "0/1A2B3C4 #17", "0/1A2B3C4 whole"; "none" when empty.
[[nodiscard]] std::string describe(const Position& position);

}  // namespace tributary::postgresql
