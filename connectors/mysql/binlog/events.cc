// Parsers of binlog events: events.h has the layouts.
#include "connectors/mysql/binlog/events.h"

#include "base/bytes.h"
#include "connectors/mysql/binlog/event_parser.h"
#include "model/errors.h"

namespace tributary::mysql {

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
    EventParser parser(EventType::format_description, body);
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
    EventParser parser(EventType::rotate, body);
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

namespace {

// Status variables of a QUERY event: a code byte, then bytes by code. What is wanted stands before
// any code that may be unknown. MySQL 9 source documentation, "Query_log_event".
std::uint16_t client_collation(std::string_view variables) {
    ByteReader reader(variables);
    while (reader.ok() && !reader.at_end()) {
        switch (reader.fixed<std::uint8_t>()) {
            case 0:  // flags2
            case 3:  // auto_increment
                static_cast<void>(reader.bytes(4));
                break;
            case 1:  // sql_mode
                static_cast<void>(reader.bytes(8));
                break;
            case 6:  // catalog
                static_cast<void>(reader.bytes(reader.fixed<std::uint8_t>()));
                break;
            case 4: {  // character_set_client, collation_connection, collation_server
                const auto collation = reader.fixed<std::uint16_t>();
                return reader.ok() ? collation : std::uint16_t{0};
            }
            default:
                return 0;
        }
    }
    return 0;
}

}  // namespace

Result<Query> parse_query(EventType type, std::string_view body) {
    EventParser parser(type, body);
    Query out;
    out.thread_id = parser.number<std::uint32_t>();
    static_cast<void>(parser.number<std::uint32_t>());
    const auto database = parser.number<std::uint8_t>();
    out.error_code = parser.number<std::uint16_t>();
    const auto status = parser.number<std::uint16_t>();
    if (type == EventType::execute_load_query) {
        static_cast<void>(parser.bytes(13));
    }
    out.collation = client_collation(parser.bytes(status));
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

Result<XaPrepare> parse_xa_prepare(std::string_view body) {
    EventParser parser(EventType::xa_prepare, body);
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
    EventParser parser(type, body);
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
            EventParser number(type, value);
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
    EventParser parser(EventType::incident, body);
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
    EventParser parser(EventType::transaction_payload, body);
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
        EventParser number(EventType::transaction_payload, value);
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
    EventParser parser(type, body);
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
