// Parser of pgoutput, protocol version 1: total functions over the bytes of one XLogData message.
// Every length is checked before it is read, nothing is allocated, and each message must be used up
// exactly. Views point into the message. Errors: kProtocolViolation naming the message type and
// the byte offset. Any thread.
// PostgreSQL 15 manual 55.9 "Logical Replication Message Formats" and 55.5 "Logical Streaming
// Replication Protocol".
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "connectors/postgresql/lsn.h"

namespace tributary::postgresql {

// PostgreSQL counts microseconds from 2000-01-01; everything of ours from 1970-01-01.
inline constexpr std::int64_t kPostgresqlEpochUs = 946'684'800'000'000;

enum class MessageType : char {
    begin = 'B',
    message = 'M',
    commit = 'C',
    origin = 'O',
    relation = 'R',
    type = 'Y',
    insert = 'I',
    update = 'U',
    remove = 'D',
    truncate = 'T',
};

struct BeginMessage {
    Lsn final_lsn;                    // of the commit record
    std::int64_t commit_time_us = 0;  // since 1970-01-01 UTC
    std::uint32_t xid = 0;
};

struct CommitMessage {
    Lsn commit_lsn;
    Lsn end_lsn;  // after the commit record
    std::int64_t commit_time_us = 0;
};

struct OriginMessage {
    Lsn commit_lsn;  // on the origin
    std::string_view name;
};

struct LogicalMessage {
    bool transactional = false;
    Lsn lsn;
    std::string_view prefix;
    std::string_view content;
};

enum class ReplicaIdentity : char { key = 'd', nothing = 'n', full = 'f', index = 'i' };

struct RelationColumn {
    bool identity = false;  // part of the replica identity
    std::string_view name;
    std::uint32_t type_oid = 0;
    std::int32_t type_modifier = -1;
};

struct RelationMessage {
    std::uint32_t oid = 0;
    std::string_view schema;  // never empty: pg_catalog stands for the empty string on the wire
    std::string_view table;
    ReplicaIdentity identity = ReplicaIdentity::key;
    std::uint16_t column_count = 0;
    std::string_view columns;  // column_count of them, checked; walk with RelationColumnReader
};

class RelationColumnReader {
  public:
    explicit RelationColumnReader(const RelationMessage& relation)
        : reader_(relation.columns), left_(relation.column_count) {}
    // The next column; false after the last one or where the bytes do not fit.
    [[nodiscard]] bool next(RelationColumn& column) noexcept;
    [[nodiscard]] bool ok() const noexcept { return reader_.ok(); }
    [[nodiscard]] std::size_t offset() const noexcept { return reader_.offset(); }

  private:
    ByteReader reader_;
    std::uint16_t left_;
};

struct TypeMessage {
    std::uint32_t oid = 0;
    std::string_view schema;
    std::string_view name;
};

enum class CellKind : char { null = 'n', unchanged = 'u', text = 't', binary = 'b' };

struct Cell {
    CellKind kind = CellKind::null;
    std::string_view bytes;  // text or binary
};

// TupleData, checked. `cells` starts after the column count.
struct Tuple {
    std::uint16_t column_count = 0;
    bool has_binary = false;  // a column in binary form, which we never ask for
    std::string_view cells;
};

class CellReader {
  public:
    explicit CellReader(const Tuple& tuple) : reader_(tuple.cells), left_(tuple.column_count) {}
    // The next cell; false after the last one or where the bytes do not fit.
    [[nodiscard]] bool next(Cell& cell) noexcept {
        if (left_ == 0 || !reader_.ok()) {
            return false;
        }
        const auto kind = static_cast<char>(reader_.fixed<std::uint8_t>());
        cell.kind = static_cast<CellKind>(kind);
        cell.bytes = {};
        if (kind == 't' || kind == 'b') {
            cell.bytes = reader_.bytes(reader_.fixed<std::uint32_t>(Endian::big));
        } else if (kind != 'n' && kind != 'u') {
            reader_.fail();
        }
        --left_;
        return reader_.ok();
    }
    [[nodiscard]] bool ok() const noexcept { return reader_.ok(); }
    [[nodiscard]] bool at_end() const noexcept { return left_ == 0 && reader_.at_end(); }
    [[nodiscard]] std::size_t offset() const noexcept { return reader_.offset(); }

  private:
    ByteReader reader_;
    std::uint16_t left_;
};

enum class OldTuple : char { none = 0, key = 'K', full = 'O' };

// Insert, Update and Delete.
struct RowMessage {
    MessageType type = MessageType::insert;
    std::uint32_t relation = 0;
    OldTuple old_kind = OldTuple::none;
    Tuple old_tuple;         // when old_kind is not none
    Tuple new_tuple;         // insert and update
    std::string_view image;  // the message after the relation oid: tuple markers and tuples
};

struct TruncateMessage {
    bool cascade = false;
    bool restart_identity = false;
    std::uint32_t relation_count = 0;
    std::string_view relations;  // relation_count big-endian oids
    [[nodiscard]] std::uint32_t relation(std::size_t index) const {
        return load<std::uint32_t>(relations.data() + index * 4, Endian::big);
    }
};

// The type of a message: its first byte.
[[nodiscard]] Result<MessageType> message_type(std::string_view message);

// Each takes the whole message, first byte included, which must be of that type.
[[nodiscard]] Result<BeginMessage> parse_begin(std::string_view message);
[[nodiscard]] Result<CommitMessage> parse_commit(std::string_view message);
[[nodiscard]] Result<OriginMessage> parse_origin(std::string_view message);
[[nodiscard]] Result<LogicalMessage> parse_logical_message(std::string_view message);
[[nodiscard]] Result<RelationMessage> parse_relation(std::string_view message);
[[nodiscard]] Result<TypeMessage> parse_type(std::string_view message);
[[nodiscard]] Result<RowMessage> parse_row(std::string_view message);
[[nodiscard]] Result<TruncateMessage> parse_truncate(std::string_view message);

// Insert, Update and Delete images as the log holds them: what follows the relation oid.
// kProtocolViolation with the byte offset in `image`.
[[nodiscard]] Result<RowMessage> parse_image(MessageType type, std::string_view image);

using AnyMessage = std::variant<BeginMessage,
                                CommitMessage,
                                OriginMessage,
                                LogicalMessage,
                                RelationMessage,
                                TypeMessage,
                                RowMessage,
                                TruncateMessage>;

// Any message, for tests, fuzzing and tools.
[[nodiscard]] Result<AnyMessage> parse_message(std::string_view message);

}  // namespace tributary::postgresql
