// Parsers of binlog events, except TABLE_MAP (table_map.h) and the row images inside rows events
// (row_image.h). Total functions: every length is checked before it is read and nothing is
// allocated by a length from the wire. Views point into the bytes given. Bodies are events without
// their 19-byte header and without CRC32. Errors: kProtocolViolation naming the event and the byte
// offset in its body. Little-endian; "packed" is MySQL's length-encoded integer. Any thread. MySQL
// 9 source documentation, "Binary log events" (binlog_event.h, control_events.h, rows_event.h);
// MariaDB knowledge base, "Replication protocol". Also of versions 5.6 on.
//
// Header            time s 4 | type 1 | server id 4 | length 4 | end position 4 | flags 2
// FORMAT_DESCRIPTION 15  binlog version 2 | server version 50, NUL-padded | created s 4 |
//                   header length 1 | one post-header length per type | checksum algorithm 1
// ROTATE 4          position 8 | file name
// QUERY 2, 165      thread 4 | seconds 4 | database length 1 | error 2 | status length 2 | status |
//                   database | NUL | text (165: MariaDB-compressed)
// EXECUTE_LOAD_QUERY 18  as QUERY with 13 bytes more behind the status length
// XID 16            number 8
// GTID 33, ANONYMOUS_GTID 34  flags 1 | uuid 16 | number 8 | then from 5.7: type 1 (2) | last
//                   committed 8 | sequence 8 | from 8.0: immediate commit us 7, the top bit of
//                   which says that the original commit us 7 follows | packed transaction length
// GTID_TAGGED 42    fields of MySQL's "serialization" form: read_field() in events.cc
// MariaDB GTID 162  number 8 | domain 4 | flags 1 | commit id 8 (flag 0x02) | xid (0x40, 0x80):
//                   format 4 | gtrid length 1 | bqual length 1 | data; then from 10.9: more flags 1
//                   | engines 1 (0x01) | start of ALTER 8 (0x04, 0x08) | thread 4 (0x10, from 11.5)
// XA_PREPARE 38     one phase 1 | format 4 | gtrid length 4 | bqual length 4 | data
// HEARTBEAT 27      file name; the place is the header's end position
// HEARTBEAT_V2 41   fields: type 1, packed length, value; 1 file name, 2 packed position, 0 end
// INCIDENT 26       number 2 | length 1 | message
// TRANSACTION_PAYLOAD 40  fields: packed type, packed length, value; 1 payload bytes, 2
// compression,
//                   3 uncompressed bytes, 0 end; then the payload
// Rows 23-25, 30-32, 39, 166-171  table id 6 | flags 2 | from v2: extra length 2, itself included,
//                   extra | packed columns | columns present (updates: before, then after) | rows
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/mysql/binlog/gtid.h"

namespace tributary::mysql {

inline constexpr std::size_t kEventHeaderBytes = 19;

enum class EventType : std::uint8_t {
    query = 2,
    stop = 3,
    rotate = 4,
    intvar = 5,
    append_block = 9,
    delete_file = 11,
    rand = 13,
    user_var = 14,
    format_description = 15,
    xid = 16,
    begin_load_query = 17,
    execute_load_query = 18,
    table_map = 19,
    write_rows_v1 = 23,
    update_rows_v1 = 24,
    delete_rows_v1 = 25,
    incident = 26,
    heartbeat = 27,
    ignorable = 28,
    rows_query = 29,
    write_rows = 30,
    update_rows = 31,
    delete_rows = 32,
    gtid = 33,
    anonymous_gtid = 34,
    previous_gtids = 35,
    transaction_context = 36,
    view_change = 37,
    xa_prepare = 38,
    partial_update_rows = 39,
    transaction_payload = 40,
    heartbeat_v2 = 41,
    gtid_tagged = 42,
    // MariaDB
    annotate_rows = 160,
    binlog_checkpoint = 161,
    mariadb_gtid = 162,
    gtid_list = 163,
    start_encryption = 164,
    query_compressed = 165,
    write_rows_compressed_v1 = 166,
    update_rows_compressed_v1 = 167,
    delete_rows_compressed_v1 = 168,
    write_rows_compressed = 169,
    update_rows_compressed = 170,
    delete_rows_compressed = 171,
};

[[nodiscard]] std::string to_string(EventType type);  // "WRITE_ROWS_EVENT (30)"

inline constexpr std::uint16_t kArtificialFlag = 0x20;  // made for the connection, in no file
inline constexpr std::uint16_t kIgnorableFlag = 0x80;   // whoever does not know it skips it

struct EventHeader {
    std::uint32_t time_s = 0;
    EventType type = EventType::stop;
    std::uint32_t server_id = 0;
    std::uint32_t length = 0;  // of the event in its file, CRC32 included
    std::uint32_t end_position = 0;
    std::uint16_t flags = 0;
};
[[nodiscard]] Result<EventHeader> parse_header(std::string_view event);

struct FormatDescription {
    std::uint16_t binlog_version = 0;
    std::string_view server_version;
    std::uint32_t created_s = 0;  // not 0: written when the server started
    std::uint8_t checksum = 0;    // 0 none, 1 CRC32
};
[[nodiscard]] Result<FormatDescription> parse_format_description(std::string_view body);

struct Rotate {
    std::uint64_t position = 0;
    std::string_view file;
};
[[nodiscard]] Result<Rotate> parse_rotate(std::string_view body);

struct Query {
    std::uint32_t thread_id = 0;
    std::uint16_t error_code = 0;
    std::uint16_t collation = 0;  // of the session's character_set_client; 0: not told
    std::string_view database;    // UTF-8
    std::string_view text;        // of query_compressed: still compressed
};
// QUERY, QUERY_COMPRESSED and EXECUTE_LOAD_QUERY, by `type`.
[[nodiscard]] Result<Query> parse_query(EventType type, std::string_view body);

struct GtidEvent {
    std::optional<MysqlGtid> gtid;    // none: anonymous
    std::int64_t commit_time_us = 0;  // original commit; 0 when not told
    std::uint64_t transaction_bytes = 0;
};
// GTID, ANONYMOUS_GTID and GTID_TAGGED, by `type`.
[[nodiscard]] Result<GtidEvent> parse_gtid(EventType type, std::string_view body);

inline constexpr std::uint8_t kMariadbStandalone = 0x01;  // one statement, no COMMIT or XID
inline constexpr std::uint8_t kMariadbPreparedXa = 0x40;
inline constexpr std::uint8_t kMariadbCompletedXa = 0x80;

struct MariadbGtidEvent {
    MariadbGtid gtid;
    std::uint8_t flags = 0;
    std::string xid;              // with flags 0x40 and 0x80
    std::uint32_t thread_id = 0;  // 0: not told
};
[[nodiscard]] Result<MariadbGtidEvent> parse_mariadb_gtid_event(std::uint32_t server_id,
                                                                std::string_view body);

// An XA identifier as one string of bytes: format 4, little-endian, gtrid length 1, bqual length 1,
// both. No two are a prefix of one another.
inline constexpr std::size_t kXidPartBytesMax = 64;
[[nodiscard]] std::optional<std::string> make_xid(std::uint32_t format,
                                                  std::string_view gtrid,
                                                  std::string_view bqual);
// "X'7831',X'62',7"
[[nodiscard]] std::string describe_xid(std::string_view xid);

struct XaPrepare {
    bool one_phase = false;
    std::string xid;
};
[[nodiscard]] Result<XaPrepare> parse_xa_prepare(std::string_view body);

struct Heartbeat {
    std::string_view file;
    std::optional<std::uint64_t> position;  // 64 bits; none in the first version
};
[[nodiscard]] Result<Heartbeat> parse_heartbeat(EventType type, std::string_view body);

struct Incident {
    std::uint16_t number = 0;
    std::string_view message;
};
[[nodiscard]] Result<Incident> parse_incident(std::string_view body);

struct PayloadHead {
    bool complete = false;          // false: `body` ends inside the fields, give more
    std::uint64_t compression = 0;  // 0 zstd, 255 none
    std::uint64_t uncompressed_bytes = 0;
    std::uint64_t payload_bytes = 0;
    std::size_t payload_offset = 0;  // in the body
};
// `body`: the first bytes of a TRANSACTION_PAYLOAD event's body, as far as they came.
[[nodiscard]] Result<PayloadHead> parse_payload_head(std::string_view body);

enum class RowsKind : std::uint8_t { write, update, remove };

// A rows event that closes a statement without rows has this table id, with 4 or 6 bytes of ones.
[[nodiscard]] bool is_dummy_table(std::uint64_t table_id) noexcept;

struct RowsEvent {
    RowsKind kind = RowsKind::write;
    bool partial = false;     // PARTIAL_UPDATE_ROWS
    bool compressed = false;  // MariaDB: `rows` are to be inflated
    std::uint64_t table_id = 0;
    std::uint16_t flags = 0;
    std::uint64_t columns = 0;
    std::string_view present_before;  // update, remove
    std::string_view present_after;   // write, update
    std::string_view rows;
};
[[nodiscard]] bool is_rows_event(EventType type) noexcept;
[[nodiscard]] Result<RowsEvent> parse_rows(EventType type, std::string_view body);

// MariaDB's compressed queries and rows (log_event.cc, binlog_buf_compress): byte 0x80 | algorithm
// (0 zlib) << 4 | n, then n bytes of the original length, big-endian, then the compressed bytes.
// The original length; kProtocolViolation.
[[nodiscard]] Result<std::uint64_t> inflated_bytes(std::string_view compressed);
// At most `bytes_max` are taken out; `out` is replaced. kProtocolViolation when it is damaged, or
// has not the length that it tells (unless that is more than `bytes_max`).
[[nodiscard]] Result<void> inflate_into(std::string_view compressed,
                                        std::size_t bytes_max,
                                        std::string& out);

}  // namespace tributary::mysql
