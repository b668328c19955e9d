// The bytes that intake puts into the log and the decoder reads back. They outlive the process:
// golden-tested, and changed only with a new context version. Pure; any thread.
//
// Context (one per source transaction; big-endian numbers)
//   byte     kind: 1 transaction, 2 message outside transactions, 3 position, 4 rows of a snapshot
//   byte     version, 1
//   fixed64  LSN: of the commit record, of the message, the position, or the place of the rows
//   fixed64  end LSN of the transaction before, 0 when not known (kinds 1, 2 and 4)
//   fixed32  xid                                   (kind 1)
//   fixed64  commit time, us since 1970            (kind 1); time of reading (kind 4)
//   sized    origin name, empty when none          (kind 1)
//   fixed64  origin's commit LSN                   (kind 1, when there is an origin)
//
// Change:   byte 'I' 'U' 'D' 'T' 'R'; varint order; varint table order; varint (context LSN - event
// LSN, modulo 2^64); then
//   I U D   the pgoutput message after its relation oid, columns that are not selected taken out
//   T       byte options (1 cascade, 2 restart identity)
//   R       'N' and a tuple, as I; `order` is the row's SnapshotMarker
// Message:  byte 'M'; varint order (0 outside transactions); varint 0; varint as above; sized
// prefix; content `order` is the 1-based index among the selected events of the transaction, `table
// order` the same among those of its table.
//
// Transaction end: fixed64 end LSN; varint events; varint tables; each: sized "schema.table",
// varint
//   count
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "format/snapshot_marker.h"
#include "format/table_tally.h"

namespace tributary::postgresql {

enum class ContextKind : std::uint8_t { transaction = 1, message = 2, position = 3, snapshot = 4 };

using format::SnapshotMarker;

struct Context {
    ContextKind kind = ContextKind::transaction;
    Lsn lsn;
    Lsn last_commit_end{};
    std::uint32_t xid = 0;
    std::int64_t commit_time_us = 0;
    std::string_view origin{};
    Lsn origin_lsn{};
};

void append_context(std::string& out, const Context& context);
// kEntryCorrupt when it is not as written.
[[nodiscard]] Result<Context> parse_context(std::string_view bytes);

// The head of a change or message payload.
struct EventHead {
    char operation = 'I';
    std::uint64_t order = 0;
    std::uint64_t table_order = 0;
    Lsn lsn{};
    std::string_view rest{};
};

// `rest` is not written: the caller appends it.
void append_event_head(std::string& out, const EventHead& head, Lsn context_lsn);
[[nodiscard]] Result<EventHead> parse_event_head(std::string_view payload, Lsn context_lsn);

struct TransactionEnd {
    Lsn end_lsn;
    std::uint64_t event_count = 0;
    std::vector<format::TableTally> tables;
};

void append_transaction_end(std::string& out, const TransactionEnd& end);
[[nodiscard]] Result<TransactionEnd> parse_transaction_end(std::string_view payload);

}  // namespace tributary::postgresql
