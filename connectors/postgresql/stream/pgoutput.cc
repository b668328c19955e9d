// Parser of pgoutput protocol 1: pgoutput.h. Each function reads one layout of PostgreSQL 15 manual
// 55.9; ByteReader checks every length, and finish() that the message was used up exactly.
#include "connectors/postgresql/stream/pgoutput.h"

#include <string>

#include "model/errors.h"

namespace tributary::postgresql {
namespace {

std::string type_name(char type) {
    if (type >= ' ' && type <= '~') {
        return std::string("'") + type + "'";
    }
    return "byte " + std::to_string(static_cast<unsigned char>(type));
}

Error violation(char type, std::size_t offset, std::string_view what) {
    return {errors::kProtocolViolation,
            "pgoutput message " + type_name(type) + ", byte offset " + std::to_string(offset) +
                ": " + std::string(what)};
}

// Reads one message; remembers where the last good read ended, for the error.
class Parser {
  public:
    Parser(std::string_view message, char type) : reader_(message), type_(type) {}

    template <std::unsigned_integral T>
    T number() {
        mark();
        return reader_.fixed<T>(Endian::big);
    }
    std::string_view c_string() {
        mark();
        return reader_.c_string();
    }
    std::string_view bytes(std::size_t count) {
        mark();
        return reader_.bytes(count);
    }
    std::string_view rest(std::string_view message) const {
        return message.substr(reader_.offset());
    }
    std::size_t offset() const { return reader_.offset(); }
    std::size_t remaining() const { return reader_.remaining(); }
    bool ok() const { return reader_.ok(); }
    bool at_end() const { return reader_.at_end(); }

    // The error for what failed: too short at the last mark, or `what`.
    Error error(std::string_view what) const {
        return violation(type_, mark_, reader_.ok() ? what : "message too short");
    }
    Result<void> finish() {
        if (!reader_.ok()) {
            return error("");
        }
        mark();
        if (!reader_.at_end()) {
            return error(std::to_string(reader_.remaining()) + " bytes too many");
        }
        return success();
    }
    void mark() {
        if (reader_.ok()) {
            mark_ = reader_.offset();
        }
    }

  private:
    ByteReader reader_;
    std::size_t mark_ = 0;
    char type_;
};

Result<Parser> start(std::string_view message, MessageType type) {
    Parser parser(message, static_cast<char>(type));
    const auto first = parser.number<std::uint8_t>();
    if (!parser.ok() || static_cast<char>(first) != static_cast<char>(type)) {
        return violation(message.empty() ? static_cast<char>(type) : message.front(),
                         0,
                         "not the message type expected here");
    }
    return parser;
}

std::int64_t time_us(std::uint64_t since_2000) {
    return static_cast<std::int64_t>(since_2000 + static_cast<std::uint64_t>(kPostgresqlEpochUs));
}

// "TupleData": Int16 columns; each a byte n, u, t or b, and for the last two Int32 length and
// bytes. The cells are walked on their own reader: this is the hot path.
Result<Tuple> read_tuple(std::string_view message, std::size_t& at, char type) {
    if (message.size() - at < 2) {
        return violation(type, at, "message too short for a tuple");
    }
    Tuple tuple;
    tuple.column_count = load<std::uint16_t>(message.data() + at, Endian::big);
    at += 2;
    const std::size_t begin = at;
    for (std::uint16_t column = 0; column < tuple.column_count; ++column) {
        if (at >= message.size()) {
            return violation(type, at, "message too short for a column");
        }
        const char kind = message[at];
        if (kind == 'n' || kind == 'u') {
            ++at;
            continue;
        }
        if (kind != 't' && kind != 'b') {
            return violation(type, at, "unknown kind of column " + type_name(kind));
        }
        if (message.size() - at < 5) {
            return violation(type, at + 1, "message too short for a column's length");
        }
        const auto length = load<std::uint32_t>(message.data() + at + 1, Endian::big);
        if (message.size() - at - 5 < length) {
            return violation(
                type, at + 1, "column of " + std::to_string(length) + " bytes does not fit");
        }
        tuple.has_binary |= kind == 'b';
        at += 5 + length;
    }
    tuple.cells = message.substr(begin, at - begin);
    return tuple;
}

Result<void> read_old(std::string_view bytes, std::size_t& at, char type, RowMessage& out) {
    if (at >= bytes.size() || (bytes[at] != 'K' && bytes[at] != 'O')) {
        return success();
    }
    out.old_kind = static_cast<OldTuple>(bytes[at]);
    ++at;
    TRIBUTARY_TRY(tuple, read_tuple(bytes, at, type));
    out.old_tuple = tuple;
    return success();
}

Result<void> read_new(std::string_view bytes, std::size_t& at, char type, RowMessage& out) {
    if (at >= bytes.size() || bytes[at] != 'N') {
        return violation(type, at, "new tuple expected");
    }
    ++at;
    TRIBUTARY_TRY(tuple, read_tuple(bytes, at, type));
    out.new_tuple = tuple;
    return success();
}

// What follows the relation oid, from `at` to the end of `bytes`.
Result<void> read_image(std::string_view bytes, std::size_t at, RowMessage& out) {
    const char type = static_cast<char>(out.type);
    out.image = bytes.substr(at);
    if (out.type != MessageType::insert) {
        TRIBUTARY_TRY_VOID(read_old(bytes, at, type, out));
    }
    if (out.type != MessageType::remove) {
        TRIBUTARY_TRY_VOID(read_new(bytes, at, type, out));
    } else if (out.old_kind == OldTuple::none) {
        return violation(type, at, "old tuple expected");
    }
    if (at != bytes.size()) {
        return violation(type, at, std::to_string(bytes.size() - at) + " bytes too many");
    }
    return success();
}

}  // namespace

bool RelationColumnReader::next(RelationColumn& column) noexcept {
    if (left_ == 0) {
        return false;
    }
    column.identity = (reader_.fixed<std::uint8_t>() & 1U) != 0;
    column.name = reader_.c_string();
    column.type_oid = reader_.fixed<std::uint32_t>(Endian::big);
    column.type_modifier = static_cast<std::int32_t>(reader_.fixed<std::uint32_t>(Endian::big));
    --left_;
    return reader_.ok();
}

Result<MessageType> message_type(std::string_view message) {
    if (message.empty()) {
        return Error(errors::kProtocolViolation, "pgoutput message, byte offset 0: empty");
    }
    switch (message.front()) {
        case 'B':
        case 'M':
        case 'C':
        case 'O':
        case 'R':
        case 'Y':
        case 'I':
        case 'U':
        case 'D':
        case 'T':
            return static_cast<MessageType>(message.front());
        default:
            return violation(message.front(), 0, "unknown message type");
    }
}

// Byte1('B') Int64 final LSN, Int64 commit time, Int32 xid
Result<BeginMessage> parse_begin(std::string_view message) {
    TRIBUTARY_TRY(parser, start(message, MessageType::begin));
    BeginMessage out;
    out.final_lsn = Lsn(parser.number<std::uint64_t>());
    out.commit_time_us = time_us(parser.number<std::uint64_t>());
    out.xid = parser.number<std::uint32_t>();
    TRIBUTARY_TRY_VOID(parser.finish());
    return out;
}

// Byte1('C') Int8 flags (unused, 0), Int64 commit LSN, Int64 end LSN, Int64 commit time
Result<CommitMessage> parse_commit(std::string_view message) {
    TRIBUTARY_TRY(parser, start(message, MessageType::commit));
    CommitMessage out;
    if (parser.number<std::uint8_t>() != 0) {
        return parser.error("unknown flags");
    }
    out.commit_lsn = Lsn(parser.number<std::uint64_t>());
    out.end_lsn = Lsn(parser.number<std::uint64_t>());
    out.commit_time_us = time_us(parser.number<std::uint64_t>());
    TRIBUTARY_TRY_VOID(parser.finish());
    return out;
}

// Byte1('O') Int64 commit LSN on the origin, String name
Result<OriginMessage> parse_origin(std::string_view message) {
    TRIBUTARY_TRY(parser, start(message, MessageType::origin));
    OriginMessage out;
    out.commit_lsn = Lsn(parser.number<std::uint64_t>());
    out.name = parser.c_string();
    TRIBUTARY_TRY_VOID(parser.finish());
    return out;
}

// Byte1('M') Int8 flags (1 transactional), Int64 LSN, String prefix, Int32 length, content
Result<LogicalMessage> parse_logical_message(std::string_view message) {
    TRIBUTARY_TRY(parser, start(message, MessageType::message));
    LogicalMessage out;
    const auto flags = parser.number<std::uint8_t>();
    if (flags > 1) {
        return parser.error("unknown flags");
    }
    out.transactional = flags == 1;
    out.lsn = Lsn(parser.number<std::uint64_t>());
    out.prefix = parser.c_string();
    out.content = parser.bytes(parser.number<std::uint32_t>());
    TRIBUTARY_TRY_VOID(parser.finish());
    return out;
}

// Byte1('R') Int32 oid, String schema, String table, Int8 replica identity, Int16 columns; each:
// Int8 flags (1 identity), String name, Int32 type oid, Int32 type modifier
Result<RelationMessage> parse_relation(std::string_view message) {
    TRIBUTARY_TRY(parser, start(message, MessageType::relation));
    RelationMessage out;
    out.oid = parser.number<std::uint32_t>();
    out.schema = parser.c_string();
    out.table = parser.c_string();
    const auto identity = static_cast<char>(parser.number<std::uint8_t>());
    if (parser.ok() && identity != 'd' && identity != 'n' && identity != 'f' && identity != 'i') {
        return parser.error("unknown replica identity");
    }
    if (out.schema.empty()) {
        out.schema = "pg_catalog";
    }
    out.identity = static_cast<ReplicaIdentity>(identity);
    out.column_count = parser.number<std::uint16_t>();
    if (!parser.ok()) {
        return parser.error("");
    }
    const std::size_t begin = parser.offset();
    out.columns = parser.rest(message);
    RelationColumnReader columns(out);
    RelationColumn column;
    while (columns.next(column)) {
        if (column.name.empty()) {
            return violation('R', begin + columns.offset(), "column without a name");
        }
    }
    if (!columns.ok()) {
        return violation('R', begin, "message too short for its columns");
    }
    if (begin + columns.offset() != message.size()) {
        return violation('R', begin + columns.offset(), "bytes too many");
    }
    return out;
}

// Byte1('Y') Int32 oid, String schema, String name
Result<TypeMessage> parse_type(std::string_view message) {
    TRIBUTARY_TRY(parser, start(message, MessageType::type));
    TypeMessage out;
    out.oid = parser.number<std::uint32_t>();
    out.schema = parser.c_string();
    out.name = parser.c_string();
    TRIBUTARY_TRY_VOID(parser.finish());
    return out;
}

// Byte1('I'|'U'|'D') Int32 oid; [Byte1('K'|'O') TupleData] (U, D), Byte1('N') TupleData (I, U)
Result<RowMessage> parse_row(std::string_view message) {
    constexpr std::size_t kImageAt = 5;
    const char type = message.empty() ? '\0' : message.front();
    if (type != 'I' && type != 'U' && type != 'D') {
        return violation(type, 0, "not a row message");
    }
    if (message.size() < kImageAt) {
        return violation(type, 1, "message too short");
    }
    RowMessage out;
    out.type = static_cast<MessageType>(type);
    out.relation = load<std::uint32_t>(message.data() + 1, Endian::big);
    TRIBUTARY_TRY_VOID(read_image(message, kImageAt, out));
    return out;
}

Result<RowMessage> parse_image(MessageType type, std::string_view image) {
    RowMessage out;
    out.type = type;
    TRIBUTARY_TRY_VOID(read_image(image, 0, out));
    return out;
}

// Byte1('T') Int32 relations, Int8 options (1 cascade, 2 restart identity), Int32 oid each
Result<TruncateMessage> parse_truncate(std::string_view message) {
    TRIBUTARY_TRY(parser, start(message, MessageType::truncate));
    TruncateMessage out;
    out.relation_count = parser.number<std::uint32_t>();
    const auto options = parser.number<std::uint8_t>();
    if (options > 3) {
        return parser.error("unknown options");
    }
    out.cascade = (options & 1U) != 0;
    out.restart_identity = (options & 2U) != 0;
    parser.mark();
    if (!parser.ok() || parser.remaining() != std::size_t{out.relation_count} * 4) {
        return parser.error("length does not fit the number of relations");
    }
    out.relations = parser.rest(message);
    return out;
}

Result<AnyMessage> parse_message(std::string_view message) {
    TRIBUTARY_TRY(type, message_type(message));
    const auto wrap = [](const auto& result) -> Result<AnyMessage> {
        if (result.has_error()) {
            return result.error();
        }
        return AnyMessage(result.value());
    };
    switch (type) {
        case MessageType::begin:
            return wrap(parse_begin(message));
        case MessageType::message:
            return wrap(parse_logical_message(message));
        case MessageType::commit:
            return wrap(parse_commit(message));
        case MessageType::origin:
            return wrap(parse_origin(message));
        case MessageType::relation:
            return wrap(parse_relation(message));
        case MessageType::type:
            return wrap(parse_type(message));
        case MessageType::insert:
        case MessageType::update:
        case MessageType::remove:
            return wrap(parse_row(message));
        case MessageType::truncate:
            return wrap(parse_truncate(message));
    }
    return violation(message.front(), 0, "unknown message type");
}

}  // namespace tributary::postgresql
