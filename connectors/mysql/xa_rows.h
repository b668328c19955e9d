// Rows of XA transactions that are prepared and open, in the side keyspace (ports/side.h): a row
// goes there as it comes, is copied into the stream at XA COMMIT and erased at XA ROLLBACK, so that
// neither memory nor the stream's trim waits for a transaction manager. Bytes of keys and values.
// Pure.
//
//   key     'x' 'h' xid                            head, once the transaction is prepared
//   value   byte 1, version; sized GTID text; sized file; fixed64 offset of the first event; varint
//           bytes of the rows; fixed32 ordinal behind the last row; varint events; varint tables;
//           each: sized "database.table", varint count
//   key     'x' 'r' xid fixed32 ordinal            one row
//   value   fixed32 schema id; the change's payload (entry_payload.h)
// All big-endian. A xid (events.h) is no prefix of another.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/position.h"
#include "ports/side.h"

namespace tributary::mysql {

struct XaHead {
    TransactionId prepared{};  // the transaction that holds the rows
    std::uint64_t bytes = 0;
    std::uint32_t rows_end = 0;  // ordinals are below
    std::uint64_t event_count = 0;
    std::vector<format::TableTally> tables{};
};

struct XaRow {
    std::uint32_t ordinal = 0;
    SchemaId schema{};
    std::string_view payload{};
};

[[nodiscard]] std::string xa_head_key(std::string_view xid);
[[nodiscard]] std::string xa_row_prefix(std::string_view xid);
[[nodiscard]] std::string xa_row_key(std::string_view xid, std::uint32_t ordinal);

[[nodiscard]] std::string encode_xa_head(const XaHead& head);
[[nodiscard]] Result<XaHead> decode_xa_head(std::string_view value);  // kEntryCorrupt
void encode_xa_row(std::string& out, SchemaId schema, std::string_view payload);
[[nodiscard]] Result<XaRow> decode_xa_row(std::string_view key, std::string_view value);

// Every open XA transaction by xid.
[[nodiscard]] Result<std::map<std::string, XaHead>> load_xa_heads(const SideReader& side);

}  // namespace tributary::mysql
