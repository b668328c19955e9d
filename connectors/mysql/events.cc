// Parsers of binlog events: events.h has the layouts.
#include "connectors/mysql/events.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

std::string hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out.push_back(kDigits[byte >> 4U]);
        out.push_back(kDigits[byte & 0xFU]);
    }
    return out;
}

// Reads one body; remembers where the last good read ended, for the error.
class Parser {
  public:
    Parser(EventType type, std::string_view body) : type_(type), body_(body), reader_(body) {}

    template <std::unsigned_integral T>
    T number() {
        mark();
        return reader_.fixed<T>();
    }
    // Little-endian, 1 to 8 bytes.
    std::uint64_t wide(std::size_t count) {
        std::uint64_t value = 0;
        const std::string_view taken = bytes(count);
        for (std::size_t index = taken.size(); index > 0; --index) {
            value = value << 8U | static_cast<unsigned char>(taken[index - 1]);
        }
        return value;
    }
    std::uint64_t packed() {
        const auto first = number<std::uint8_t>();
        switch (first) {
            case 252:
                return wide(2);
            case 253:
                return wide(3);
            case 254:
                return wide(8);
            case 251:
            case 255:
                reader_.fail();
                return 0;
            default:
                return first;
        }
    }
    std::string_view bytes(std::uint64_t count) {
        mark();
        if (count > reader_.remaining()) {
            reader_.fail();
            return {};
        }
        return reader_.bytes(static_cast<std::size_t>(count));
    }
    std::string_view rest() { return bytes(reader_.remaining()); }
    void fail() { reader_.fail(); }
    std::size_t remaining() const { return reader_.remaining(); }
    std::size_t offset() const { return reader_.offset(); }
    bool ok() const { return reader_.ok(); }

    Error error(std::string_view what) const {
        return {errors::kProtocolViolation,
                to_string(type_) + ", byte offset " + std::to_string(mark_) + " of " +
                    std::to_string(body_.size()) + ": " + std::string(what)};
    }
    Error too_short() const { return error("too short or a length out of range"); }

  private:
    void mark() {
        if (reader_.ok()) {
            mark_ = reader_.offset();
        }
    }

    EventType type_;
    std::string_view body_;
    ByteReader reader_;
    std::size_t mark_ = 0;
};

// One number of MySQL's serialization form: as many trailing ones in the first byte as bytes follow
// it, then a zero, then the value's bits, little-endian.
std::uint64_t read_variable(Parser& parser) {
    const auto first = parser.number<std::uint8_t>();
    const auto more = static_cast<unsigned>(std::countr_one(first));
    const std::uint64_t high = parser.wide(more);
    if (more >= 7) {  // no bit of the first byte is left
        return high;
    }
    return high << (7U - more) | static_cast<std::uint64_t>(first >> (more + 1));
}

std::int64_t read_variable_signed(Parser& parser) {
    const std::uint64_t value = read_variable(parser);
    const auto half = static_cast<std::int64_t>(value >> 1U);
    return (value & 1U) != 0 ? -half - 1 : half;
}

// Fields of GTID_TAGGED (control_events.h, Gtid_event::define_fields). Those behind the last one
// that may not be ignored may be unknown: what is needed has come before.
enum class TaggedField : std::uint64_t {
    flags = 0,
    uuid = 1,
    number = 2,
    tag = 3,
    last_committed = 4,
    sequence = 5,
    immediate_commit = 6,
    original_commit = 7,
    transaction_length = 8,
    immediate_version = 9,
    original_version = 10,
    group_ticket = 11,
};

void read_field(Parser& parser, TaggedField field, MysqlGtid& gtid, GtidEvent& out) {
    switch (field) {
        case TaggedField::uuid:
            for (std::uint8_t& byte : gtid.uuid) {
                byte = static_cast<std::uint8_t>(read_variable(parser));
            }
            return;
        case TaggedField::number:
            gtid.number = static_cast<std::uint64_t>(read_variable_signed(parser));
            return;
        case TaggedField::tag:
            gtid.tag = parser.bytes(std::min<std::uint64_t>(read_variable(parser), 255));
            return;
        case TaggedField::last_committed:
        case TaggedField::sequence:
            static_cast<void>(read_variable_signed(parser));
            return;
        case TaggedField::immediate_commit:
        case TaggedField::original_commit:  // comes second, and only where it differs
            out.commit_time_us = static_cast<std::int64_t>(read_variable(parser));
            return;
        case TaggedField::transaction_length:
            out.transaction_bytes = read_variable(parser);
            return;
        case TaggedField::flags:
        case TaggedField::immediate_version:
        case TaggedField::original_version:
        case TaggedField::group_ticket:
            static_cast<void>(read_variable(parser));
            return;
    }
}

Result<GtidEvent> parse_tagged(std::string_view body) {
    Parser parser(EventType::gtid_tagged, body);
    GtidEvent out;
    MysqlGtid gtid;
    const std::uint64_t version = read_variable(parser);
    const std::uint64_t size = read_variable(parser);
    const std::uint64_t last_needed = read_variable(parser);
    if (!parser.ok()) {
        return parser.too_short();
    }
    if (version != 1 || size > body.size()) {
        return parser.error("serialization version " + std::to_string(version));
    }
    while (parser.ok() && parser.remaining() > 0) {
        const std::uint64_t field = read_variable(parser);
        if (field > static_cast<std::uint64_t>(TaggedField::group_ticket)) {
            if (field <= last_needed) {
                return parser.error("unknown field " + std::to_string(field));
            }
            break;
        }
        read_field(parser, static_cast<TaggedField>(field), gtid, out);
    }
    if (!parser.ok()) {
        return parser.too_short();
    }
    if (gtid.number == 0 || gtid.number > 0x7FFFFFFFFFFFFFFEULL ||
        gtid.tag.size() > kGtidTagBytesMax) {
        return parser.error("not a GTID");
    }
    out.gtid = std::move(gtid);
    return out;
}

constexpr std::uint64_t kLogicalTimestamps = 2;
constexpr std::uint64_t kOriginalFollows = 1ULL << 55U;

// What MySQL 8.0 added behind the GTID: when, and how large.
void read_gtid_tail(Parser& parser, GtidEvent& out) {
    if (parser.remaining() < 17 || parser.number<std::uint8_t>() != kLogicalTimestamps) {
        return;
    }
    static_cast<void>(parser.bytes(16));
    if (parser.remaining() < 7) {
        return;
    }
    const std::uint64_t immediate = parser.wide(7);
    const bool original = (immediate & kOriginalFollows) != 0;
    out.commit_time_us =
        static_cast<std::int64_t>(original ? parser.wide(7) : immediate & ~kOriginalFollows);
    if (parser.remaining() > 0) {
        out.transaction_bytes = parser.packed();
    }
}

// What newer versions added; older ones end before it or fill up with zeros.
void read_mariadb_tail(Parser& parser, MariadbGtidEvent& out) {
    constexpr std::uint8_t kEngines = 0x01;
    constexpr std::uint8_t kAlterEnd = 0x04 | 0x08;
    constexpr std::uint8_t kThread = 0x10;
    const auto flags = parser.number<std::uint8_t>();
    static_cast<void>(parser.bytes((flags & kEngines) != 0 ? 1 : 0));
    static_cast<void>(parser.bytes((flags & kAlterEnd) != 0 ? 8 : 0));
    if ((flags & kThread) != 0) {
        out.thread_id = parser.number<std::uint32_t>();
    }
}

}  // namespace

std::string to_string(EventType type) {
    const auto number = static_cast<unsigned>(type);
    std::string_view name = "event";
    switch (type) {
        case EventType::query:
            name = "QUERY_EVENT";
            break;
        case EventType::stop:
            name = "STOP_EVENT";
            break;
        case EventType::rotate:
            name = "ROTATE_EVENT";
            break;
        case EventType::intvar:
            name = "INTVAR_EVENT";
            break;
        case EventType::append_block:
            name = "APPEND_BLOCK_EVENT";
            break;
        case EventType::delete_file:
            name = "DELETE_FILE_EVENT";
            break;
        case EventType::rand:
            name = "RAND_EVENT";
            break;
        case EventType::user_var:
            name = "USER_VAR_EVENT";
            break;
        case EventType::format_description:
            name = "FORMAT_DESCRIPTION_EVENT";
            break;
        case EventType::xid:
            name = "XID_EVENT";
            break;
        case EventType::begin_load_query:
            name = "BEGIN_LOAD_QUERY_EVENT";
            break;
        case EventType::execute_load_query:
            name = "EXECUTE_LOAD_QUERY_EVENT";
            break;
        case EventType::table_map:
            name = "TABLE_MAP_EVENT";
            break;
        case EventType::write_rows_v1:
        case EventType::write_rows:
            name = "WRITE_ROWS_EVENT";
            break;
        case EventType::update_rows_v1:
        case EventType::update_rows:
            name = "UPDATE_ROWS_EVENT";
            break;
        case EventType::delete_rows_v1:
        case EventType::delete_rows:
            name = "DELETE_ROWS_EVENT";
            break;
        case EventType::incident:
            name = "INCIDENT_EVENT";
            break;
        case EventType::heartbeat:
        case EventType::heartbeat_v2:
            name = "HEARTBEAT_LOG_EVENT";
            break;
        case EventType::ignorable:
            name = "IGNORABLE_LOG_EVENT";
            break;
        case EventType::rows_query:
            name = "ROWS_QUERY_LOG_EVENT";
            break;
        case EventType::gtid:
        case EventType::mariadb_gtid:
            name = "GTID_EVENT";
            break;
        case EventType::gtid_tagged:
            name = "GTID_TAGGED_LOG_EVENT";
            break;
        case EventType::anonymous_gtid:
            name = "ANONYMOUS_GTID_EVENT";
            break;
        case EventType::previous_gtids:
            name = "PREVIOUS_GTIDS_LOG_EVENT";
            break;
        case EventType::transaction_context:
            name = "TRANSACTION_CONTEXT_EVENT";
            break;
        case EventType::view_change:
            name = "VIEW_CHANGE_EVENT";
            break;
        case EventType::xa_prepare:
            name = "XA_PREPARE_LOG_EVENT";
            break;
        case EventType::partial_update_rows:
            name = "PARTIAL_UPDATE_ROWS_EVENT";
            break;
        case EventType::transaction_payload:
            name = "TRANSACTION_PAYLOAD_EVENT";
            break;
        case EventType::annotate_rows:
            name = "ANNOTATE_ROWS_EVENT";
            break;
        case EventType::binlog_checkpoint:
            name = "BINLOG_CHECKPOINT_EVENT";
            break;
        case EventType::gtid_list:
            name = "GTID_LIST_EVENT";
            break;
        case EventType::start_encryption:
            name = "START_ENCRYPTION_EVENT";
            break;
        case EventType::query_compressed:
            name = "QUERY_COMPRESSED_EVENT";
            break;
        case EventType::write_rows_compressed_v1:
        case EventType::write_rows_compressed:
            name = "WRITE_ROWS_COMPRESSED_EVENT";
            break;
        case EventType::update_rows_compressed_v1:
        case EventType::update_rows_compressed:
            name = "UPDATE_ROWS_COMPRESSED_EVENT";
            break;
        case EventType::delete_rows_compressed_v1:
        case EventType::delete_rows_compressed:
            name = "DELETE_ROWS_COMPRESSED_EVENT";
            break;
    }
    return std::string(name) + " (" + std::to_string(number) + ")";
}

Result<EventHeader> parse_header(std::string_view event) {
    ByteReader reader(event);
    EventHeader out;
    out.time_s = reader.fixed<std::uint32_t>();
    out.type = static_cast<EventType>(reader.fixed<std::uint8_t>());
    out.server_id = reader.fixed<std::uint32_t>();
    out.length = reader.fixed<std::uint32_t>();
    out.end_position = reader.fixed<std::uint32_t>();
    out.flags = reader.fixed<std::uint16_t>();
    if (!reader.ok()) {
        return Error(
            errors::kProtocolViolation,
            "event of " + std::to_string(event.size()) + " bytes, shorter than its header");
    }
    return out;
}

Result<FormatDescription> parse_format_description(std::string_view body) {
    Parser parser(EventType::format_description, body);
    FormatDescription out;
    out.binlog_version = parser.number<std::uint16_t>();
    const std::string_view version = parser.bytes(50);
    out.server_version = version.substr(0, version.find('\0'));
    out.created_s = parser.number<std::uint32_t>();
    const auto header_bytes = parser.number<std::uint8_t>();
    const std::string_view lengths = parser.rest();
    if (!parser.ok()) {
        return parser.too_short();
    }
    if (out.binlog_version != 4 || header_bytes != kEventHeaderBytes) {
        return parser.error("binlog version " + std::to_string(out.binlog_version) +
                            " with headers of " + std::to_string(header_bytes) + " bytes");
    }
    if (!lengths.empty()) {
        out.checksum = static_cast<std::uint8_t>(lengths.back());
    }
    return out;
}

Result<Rotate> parse_rotate(std::string_view body) {
    Parser parser(EventType::rotate, body);
    Rotate out;
    out.position = parser.number<std::uint64_t>();
    out.file = parser.rest();
    if (!parser.ok()) {
        return parser.too_short();
    }
    if (out.file.empty() || out.file.find('\0') != std::string_view::npos) {
        return parser.error("no file name");
    }
    return out;
}

Result<Query> parse_query(EventType type, std::string_view body) {
    Parser parser(type, body);
    Query out;
    out.thread_id = parser.number<std::uint32_t>();
    static_cast<void>(parser.number<std::uint32_t>());
    const auto database = parser.number<std::uint8_t>();
    out.error_code = parser.number<std::uint16_t>();
    const auto status = parser.number<std::uint16_t>();
    if (type == EventType::execute_load_query) {
        static_cast<void>(parser.bytes(13));
    }
    static_cast<void>(parser.bytes(status));
    out.database = parser.bytes(database);
    if (parser.number<std::uint8_t>() != 0) {
        parser.fail();
    }
    out.text = parser.rest();
    if (!parser.ok()) {
        return parser.too_short();
    }
    return out;
}

Result<GtidEvent> parse_gtid(EventType type, std::string_view body) {
    if (type == EventType::gtid_tagged) {
        return parse_tagged(body);
    }
    Parser parser(type, body);
    GtidEvent out;
    MysqlGtid gtid;
    static_cast<void>(parser.number<std::uint8_t>());
    const std::string_view uuid = parser.bytes(gtid.uuid.size());
    gtid.number = parser.number<std::uint64_t>();
    if (!parser.ok()) {
        return parser.too_short();
    }
    if (type == EventType::gtid) {
        if (gtid.number == 0 || gtid.number > 0x7FFFFFFFFFFFFFFEULL) {
            return parser.error("GTID number " + std::to_string(gtid.number));
        }
        std::copy(uuid.begin(), uuid.end(), gtid.uuid.begin());
        out.gtid = std::move(gtid);
    }
    read_gtid_tail(parser, out);
    if (!parser.ok()) {
        return parser.too_short();
    }
    return out;
}

std::optional<std::string> make_xid(std::uint32_t format,
                                    std::string_view gtrid,
                                    std::string_view bqual) {
    if (gtrid.empty() || gtrid.size() > kXidPartBytesMax || bqual.size() > kXidPartBytesMax) {
        return std::nullopt;
    }
    std::string out;
    append_fixed(out, format);
    out.push_back(static_cast<char>(gtrid.size()));
    out.push_back(static_cast<char>(bqual.size()));
    return out.append(gtrid).append(bqual);
}

std::string describe_xid(std::string_view xid) {
    ByteReader reader(xid);
    const auto format = reader.fixed<std::uint32_t>();
    const auto gtrid_bytes = reader.fixed<std::uint8_t>();
    const auto bqual_bytes = reader.fixed<std::uint8_t>();
    const std::string_view gtrid = reader.bytes(gtrid_bytes);
    const std::string_view bqual = reader.bytes(bqual_bytes);
    return "X'" + hex(gtrid) + "',X'" + hex(bqual) + "'," + std::to_string(format);
}

Result<MariadbGtidEvent> parse_mariadb_gtid_event(std::uint32_t server_id, std::string_view body) {
    constexpr std::uint8_t kCommitId = 0x02;
    Parser parser(EventType::mariadb_gtid, body);
    MariadbGtidEvent out;
    out.gtid.number = parser.number<std::uint64_t>();
    out.gtid.domain = parser.number<std::uint32_t>();
    out.gtid.server = server_id;
    out.flags = parser.number<std::uint8_t>();
    if ((out.flags & kCommitId) != 0) {
        static_cast<void>(parser.number<std::uint64_t>());
    }
    if ((out.flags & (kMariadbPreparedXa | kMariadbCompletedXa)) != 0) {
        const auto format = parser.number<std::uint32_t>();
        const auto gtrid_bytes = parser.number<std::uint8_t>();
        const auto bqual_bytes = parser.number<std::uint8_t>();
        const std::string_view gtrid = parser.bytes(gtrid_bytes);
        const std::string_view bqual = parser.bytes(bqual_bytes);
        const auto xid = make_xid(format, gtrid, bqual);
        if (parser.ok() && !xid) {
            return parser.error("not an XA identifier");
        }
        out.xid = xid.value_or("");
    }
    if (!parser.ok()) {
        return parser.too_short();
    }
    read_mariadb_tail(parser, out);
    return out;
}

Result<XaPrepare> parse_xa_prepare(std::string_view body) {
    Parser parser(EventType::xa_prepare, body);
    XaPrepare out;
    out.one_phase = parser.number<std::uint8_t>() != 0;
    const auto format = parser.number<std::uint32_t>();
    const auto gtrid_bytes = parser.number<std::uint32_t>();
    const auto bqual_bytes = parser.number<std::uint32_t>();
    const std::string_view gtrid = parser.bytes(gtrid_bytes);
    const std::string_view bqual = parser.bytes(bqual_bytes);
    if (!parser.ok()) {
        return parser.too_short();
    }
    auto xid = make_xid(format, gtrid, bqual);
    if (!xid) {
        return parser.error("not an XA identifier");
    }
    out.xid = std::move(*xid);
    return out;
}

Result<Heartbeat> parse_heartbeat(EventType type, std::string_view body) {
    Parser parser(type, body);
    Heartbeat out;
    if (type == EventType::heartbeat) {
        out.file = parser.rest();
        return out;
    }
    while (parser.ok() && parser.remaining() > 0) {
        const auto field = parser.number<std::uint8_t>();
        if (field == 0) {
            break;
        }
        const std::string_view value = parser.bytes(parser.packed());
        if (field == 1) {
            out.file = value;
        } else if (field == 2 && parser.ok()) {
            Parser number(type, value);
            out.position = number.packed();
            if (!number.ok()) {
                return number.too_short();
            }
        }
    }
    if (!parser.ok()) {
        return parser.too_short();
    }
    return out;
}

Result<Incident> parse_incident(std::string_view body) {
    Parser parser(EventType::incident, body);
    Incident out;
    out.number = parser.number<std::uint16_t>();
    const auto bytes = parser.number<std::uint8_t>();
    out.message = parser.bytes(bytes);
    if (!parser.ok()) {
        return parser.too_short();
    }
    return out;
}

Result<PayloadHead> parse_payload_head(std::string_view body) {
    constexpr std::size_t kFieldsBytesMax = 256;
    Parser parser(EventType::transaction_payload, body);
    PayloadHead out;
    while (parser.ok()) {
        const std::uint64_t field = parser.packed();
        if (parser.ok() && field == 0) {
            out.complete = true;
            out.payload_offset = parser.offset();
            return out;
        }
        const std::string_view value = parser.bytes(parser.packed());
        if (!parser.ok()) {
            break;
        }
        Parser number(EventType::transaction_payload, value);
        const std::uint64_t told = field <= 3 ? number.packed() : 0;
        if (!number.ok()) {
            return number.too_short();
        }
        if (field == 1) {
            out.payload_bytes = told;
        } else if (field == 2) {
            out.compression = told;
        } else if (field == 3) {
            out.uncompressed_bytes = told;
        }
    }
    if (body.size() > kFieldsBytesMax) {
        return parser.too_short();
    }
    return out;
}

bool is_dummy_table(std::uint64_t table_id) noexcept {
    return table_id == 0xFFFFFFFFU || table_id == 0xFFFFFFFFFFFFULL || table_id == 0xFFFFFFU;
}

bool is_rows_event(EventType type) noexcept {
    const auto number = static_cast<unsigned>(type);
    return (number >= 23 && number <= 25) || (number >= 30 && number <= 32) || number == 39 ||
           (number >= 166 && number <= 171);
}

Result<RowsEvent> parse_rows(EventType type, std::string_view body) {
    Parser parser(type, body);
    if (!is_rows_event(type)) {
        return parser.error("not a rows event");
    }
    const auto number = static_cast<unsigned>(type);
    RowsEvent out;
    out.partial = type == EventType::partial_update_rows;
    out.compressed = number >= 166;
    const unsigned first = out.compressed ? 166 : number >= 30 ? 30 : 23;
    out.kind = out.partial ? RowsKind::update : static_cast<RowsKind>((number - first) % 3);
    out.table_id = parser.wide(6);
    out.flags = parser.number<std::uint16_t>();
    const bool has_extra = out.compressed ? number >= 169 : number >= 30;
    if (has_extra) {
        const auto extra = parser.number<std::uint16_t>();
        if (extra < 2) {
            parser.fail();
        }
        static_cast<void>(parser.bytes(extra - 2U));
    }
    if (parser.ok() && parser.remaining() == 0 && is_dummy_table(out.table_id)) {
        return out;
    }
    out.columns = parser.packed();
    const std::uint64_t bitmap = out.columns / 8 + (out.columns % 8 != 0 ? 1 : 0);
    if (out.kind != RowsKind::write) {
        out.present_before = parser.bytes(bitmap);
    }
    if (out.kind != RowsKind::remove) {
        out.present_after = parser.bytes(bitmap);
    }
    out.rows = parser.rest();
    if (!parser.ok()) {
        return parser.too_short();
    }
    return out;
}

}  // namespace tributary::mysql
