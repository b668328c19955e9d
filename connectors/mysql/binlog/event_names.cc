// Names of event types and XA identifiers: events.h.
#include "base/bytes.h"
#include "connectors/mysql/binlog/events.h"

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

}  // namespace tributary::mysql
