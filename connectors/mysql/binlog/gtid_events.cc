// Parsers of GTID events of both servers: events.h has the layouts.
#include <algorithm>
#include <bit>

#include "connectors/mysql/binlog/event_parser.h"
#include "connectors/mysql/binlog/events.h"

namespace tributary::mysql {
namespace {

// One number of MySQL's serialization form: as many trailing ones in the first byte as bytes follow
// it, then a zero, then the value's bits, little-endian.
std::uint64_t read_variable(EventParser& parser) {
    const auto first = parser.number<std::uint8_t>();
    const auto more = static_cast<unsigned>(std::countr_one(first));
    const std::uint64_t high = parser.wide(more);
    if (more >= 7) {  // no bit of the first byte is left
        return high;
    }
    return high << (7U - more) | static_cast<std::uint64_t>(first >> (more + 1));
}

std::int64_t read_variable_signed(EventParser& parser) {
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

void read_field(EventParser& parser, TaggedField field, MysqlGtid& gtid, GtidEvent& out) {
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
    EventParser parser(EventType::gtid_tagged, body);
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
void read_gtid_tail(EventParser& parser, GtidEvent& out) {
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
void read_mariadb_tail(EventParser& parser, MariadbGtidEvent& out) {
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

Result<GtidEvent> parse_gtid(EventType type, std::string_view body) {
    if (type == EventType::gtid_tagged) {
        return parse_tagged(body);
    }
    EventParser parser(type, body);
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

Result<MariadbGtidEvent> parse_mariadb_gtid_event(std::uint32_t server_id, std::string_view body) {
    constexpr std::uint8_t kCommitId = 0x02;
    EventParser parser(EventType::mariadb_gtid, body);
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

}  // namespace tributary::mysql
