// The bytes that intake puts into the log and the decoder reads back. They outlive the process:
// golden-tested, and changed only with a new context version. Pure; any thread.
//
// Context (one per source transaction; big-endian numbers)
//   byte     kind: 1 transaction, 3 position, 4 rows of a snapshot
//   byte     version, 1
//   byte     server kind
//   sized    file: of the transaction's first event, or the position's, or where the rows belong
//   fixed64  offset of the transaction's first event in it, or the position's, or theirs
//   then, kind 4:
//   fixed64  time of reading, us since 1970
//   then, kind 1:
//   sized    GTID text, empty when none
//   varint   server id
//   varint   thread id, 0 when not known
//   fixed64  commit time, us since 1970: MySQL's original commit timestamp where the event has one,
//            else the seconds of the transaction's first event
//   sized    xid of the XA transaction (events.h), empty when none
//   sized    file that the rows are in, empty when it is the file above (an XA transaction's rows
//            were logged when it was prepared)
//
// Change
//   byte     'I' insert, 'U' update, 'P' update with a partial JSON after image
//            (PARTIAL_UPDATE_ROWS_EVENT), 'D' delete, 'T' truncate, 'R' row of a snapshot, 'S' DDL
//   varint   order: 1-based index among the selected events of the transaction; R: its
//            format::SnapshotMarker
//   varint   table order: the same among those of its table
//   varint   offset of the event in the file; of the payload event for one inside
//   varint   1-based index inside a TRANSACTION_PAYLOAD_EVENT, 0 outside
//   varint   index of the row in its event
//   fixed32  time of the event, seconds since 1970
//   then, B = (kept columns + 7) / 8, bits least significant first, those behind the last column
//   of any value; kept columns are those of the entry's schema, in its order:
//   I R      B bytes columns present, row image
//   D        B bytes columns present, row image (before)
//   U P      B bytes present before, B bytes present after, before image, after image
//   T        nothing
//   S        schema_change.h
// A row image is as in the event (row_image.h) with the columns that are not kept taken out: null
// bits of the present columns, rounded up to bytes, then the values. The after image of P has
// packed value options first and, when bit 0 is set, one bit per kept JSON column, rounded up to
// bytes.
//
// Transaction end: sized file; fixed64 offset behind it; varint events; varint tables; each: sized
//   "database.table", varint count
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/server_kind.h"
#include "format/table_tally.h"

namespace tributary::mysql {

enum class ContextKind : std::uint8_t { transaction = 1, position = 3, snapshot = 4 };

struct Context {
    ContextKind kind = ContextKind::transaction;
    ServerKind server = ServerKind::mysql;
    std::string_view file{};
    std::uint64_t offset = 0;
    std::string_view gtid{};
    std::uint32_t server_id = 0;
    std::uint32_t thread_id = 0;
    std::int64_t commit_time_us = 0;  // snapshot: time of reading
    std::string_view xid{};
    std::string_view rows_file{};
};

void append_context(std::string& out, const Context& context);
// kEntryCorrupt when it is not as written.
[[nodiscard]] Result<Context> parse_context(std::string_view bytes);

// The head of a change.
struct EventHead {
    char operation = 'I';
    std::uint64_t order = 0;
    std::uint64_t table_order = 0;
    std::uint64_t offset = 0;
    std::uint32_t inner = 0;
    std::uint32_t row = 0;
    std::uint32_t time_s = 0;
    std::string_view rest{};
};

// `rest` is not written: the caller appends it.
void append_event_head(std::string& out, const EventHead& head);
[[nodiscard]] Result<EventHead> parse_event_head(std::string_view payload);

// What follows the head of I, R, U, P and D, split where that needs no layout: `image` has the
// before and the after image one behind the other.
struct ChangeImages {
    std::string_view present_before{};  // U, P, D
    std::string_view present_after{};   // I, R, U, P
    std::string_view images{};
};
[[nodiscard]] Result<ChangeImages> split_images(const EventHead& head, std::size_t columns);

struct TransactionEnd {
    std::string file;
    std::uint64_t offset = 0;
    std::uint64_t event_count = 0;
    std::vector<format::TableTally> tables;
};

void append_transaction_end(std::string& out, const TransactionEnd& end);
[[nodiscard]] Result<TransactionEnd> parse_transaction_end(std::string_view payload);

}  // namespace tributary::mysql
