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
//   key     'x' 'c' xid                            committed lately
//   value   fixed64 number, ascending in the order of the commits
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
#include "ports/source.h"

namespace tributary::mysql {

inline constexpr std::string_view kXaPrefix = "x";  // of all these keys

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

// The XA transactions that were committed last. A server that dies between its binlog and its
// engine has XA COMMIT in the one and the transaction still prepared in the other (MariaDB 10.11,
// MySQL before 8.0.30), so whoever manages the transactions commits it again: a second XA COMMIT
// in the binlog, of rows that were delivered. One thread.
class CommittedXa {
  public:
    static constexpr std::size_t kKept = 64;  // more than a server commits in one group

    [[nodiscard]] static Result<CommittedXa> load(const SideReader& side);  // kEntryCorrupt

    [[nodiscard]] bool contains(std::string_view xid) const;
    void add(const std::string& xid, EntrySink& sink);
    void forget(std::string_view xid, EntrySink& sink);  // the identifier is used again

  private:
    using Commits = std::map<std::uint64_t, std::string>;
    [[nodiscard]] Commits::const_iterator find(std::string_view xid) const;

    Commits by_number_;
};

}  // namespace tributary::mysql
