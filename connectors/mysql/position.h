// The bytes of this connector's positions. Pure; any thread. Big-endian; base/bytes.h has varint
// and sized.
//   resume   byte     version: 2, or 1 when the last part is not there
//            byte     server kind
//            byte     mode: 1 GTID, 2 file and offset; 16 more while a snapshot is under way
//            bytes    mode 1: MySQL's set or MariaDB's position, binary form of gtid.h: everything
//                     that is complete
//            sized    file: behind the last complete transaction; in mode 1 only for people
//            fixed64  offset in it
//            varint   count of XA transactions that are prepared and open; each: sized xid
//            (events.h)
//            version 2: the last complete transaction (fingerprint.h): sized GTID text, sized file,
//            fixed64 offset, fixed64 time of its commit, us since 1970, fixed32 count and fixed32
//            CRC32C of its events, fixed32 CRC32C of the server's name, sized GTID text before it
//            in its domain (MariaDB)
//   done     byte     version: 2, or 1 without the time
//            sized    GTID text, empty when the transaction has none
//            sized    file
//            fixed64  offset of the transaction's first event in it
//            fixed64  version 2: time of its commit, us since 1970
//            fixed32  ordinal
//   event    sized GTID text, or empty and then sized file and fixed64 offset of the transaction's
//            first event: for the packed record header
//
// An identity is (transaction, ordinal). A transaction is told by its GTID, without one by the
// place of its first event. The ordinal is the index of the row among ALL rows of the transaction's
// rows events, from 0, whether or not their tables are selected: so filters may change between a
// stop and a start. Rows are counted by their sizes (row_image.h), without decoding. A rows event
// whose rows cannot be sized (a column type that is not known, or more than row_bytes_max bytes)
// counts as one row; were its table selected, it would stop the pipeline. A TRUNCATE counts one,
// other statements none.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "connectors/mysql/binlog/gtid.h"
#include "connectors/mysql/server_kind.h"
#include "model/ids.h"
#include "ports/source.h"

namespace tributary::mysql {

// Ordinal of a transaction's end: everything of it is done.
inline constexpr std::uint32_t kWholeTransaction = 0xFFFFFFFFU;

// A place in the binlog of one server.
struct Place {
    std::string file{};
    std::uint64_t offset = 0;
    friend bool operator==(const Place&, const Place&) = default;
};

// Orders by the number that ends the file's name, then by offset.
[[nodiscard]] std::strong_ordering compare(const Place& left, const Place& right);
[[nodiscard]] std::string to_string(const Place& place);  // "binlog.000003:1234"

struct TransactionId {
    std::string gtid{};  // text; empty when there is none
    Place start{};       // of its first event
};

// GTIDs decide where both have one.
[[nodiscard]] bool same(const TransactionId& left, const TransactionId& right);
[[nodiscard]] std::string to_string(const TransactionId& id);

struct Identity {
    TransactionId transaction{};
    std::uint32_t ordinal = 0;
    std::int64_t commit_time_us = 0;  // 0: not known
};

// What is known again of a transaction (fingerprint.h). No events: there is none yet.
struct Fingerprint {
    TransactionId transaction{};
    std::int64_t commit_time_us = 0;  // the original commit's
    std::uint32_t events = 0;
    std::uint32_t crc = 0;     // of the events, as the server that sent them has them
    std::uint32_t server = 0;  // which one that is: CRC32C of its name
    std::string before{};      // MariaDB: the GTID before it in its domain, if any
};

struct ResumePoint {
    ServerKind server = ServerKind::mysql;
    bool by_gtid = false;
    MysqlGtidSet executed{};              // by_gtid, MySQL
    MariadbGtidPosition gtid_position{};  // by_gtid, MariaDB
    Place next{};                         // behind the last complete transaction
    std::vector<std::string> open_xa{};   // xids whose rows wait in the side keyspace
    bool in_snapshot = false;             // how far it is, only the log knows
    std::optional<Fingerprint> last{};    // the last complete transaction

    // The set or position as text; empty when not by_gtid.
    [[nodiscard]] std::string gtids() const;
};

[[nodiscard]] Position encode_resume(const ResumePoint& point);
[[nodiscard]] Position encode_done(const Identity& identity);
// Write into a Position that is reused from call to call.
void encode_resume_into(const ResumePoint& point, Position& out);
void encode_done_into(const Identity& identity, Position& out);

// `done`, with nothing of its transaction left to come.
[[nodiscard]] Position whole(const Position& done);

// nullopt: not as written. An empty position means none and is nullopt too.
[[nodiscard]] std::optional<ResumePoint> decode_resume(const Position& position);
[[nodiscard]] std::optional<Identity> decode_done(const Position& position);

// The transaction that `done` leaves half taken in beyond `point`, if any.
[[nodiscard]] std::optional<Identity> half_taken(const ResumePoint& point, const Position& done);

// For the packed record header.
void append_event_position(std::string& out, const TransactionId& id);

// Orders what two states of one pipeline have taken in. unordered: of two servers or histories, or
// not positions of this connector. Empty comes before everything.
[[nodiscard]] std::partial_ordering compare(const StartPoint& left, const StartPoint& right);

// ports/source.h, Source::reconcile(). `identity`: of the server, empty when none was reached yet.
[[nodiscard]] Verdict reconcile(const LogExtent& log,
                                const Checkpoint& checkpoint,
                                std::string_view identity);

// For people, either form: "3e11fa47-...:1-77 (binlog.000003:1234)", "0-1-5 #17", "0-1-5 whole";
// "none" when empty.
[[nodiscard]] std::string describe(const Position& position);

}  // namespace tributary::mysql
