// Bytes of contexts and payloads: entry_payload.h has the layouts.
#include "connectors/mysql/entry_payload.h"

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::uint8_t kVersion = 1;

Error corrupt(std::string_view what) {
    return {errors::kEntryCorrupt, "mysql entry: " + std::string(what)};
}

bool fits_32(std::uint64_t value) {
    return value <= 0xFFFFFFFFU;
}

}  // namespace

void append_context(std::string& out, const Context& context) {
    out.push_back(static_cast<char>(context.kind));
    out.push_back(static_cast<char>(kVersion));
    out.push_back(static_cast<char>(context.server));
    append_sized(out, context.file);
    append_fixed(out, context.offset, Endian::big);
    if (context.kind == ContextKind::position) {
        return;
    }
    if (context.kind == ContextKind::snapshot) {
        append_fixed(out, static_cast<std::uint64_t>(context.commit_time_us), Endian::big);
        return;
    }
    append_sized(out, context.gtid);
    append_varint(out, context.server_id);
    append_varint(out, context.thread_id);
    append_fixed(out, static_cast<std::uint64_t>(context.commit_time_us), Endian::big);
    append_sized(out, context.xid);
    append_sized(out, context.rows_file);
}

Result<Context> parse_context(std::string_view bytes) {
    ByteReader reader(bytes);
    Context out;
    const auto kind = reader.fixed<std::uint8_t>();
    const auto version = reader.fixed<std::uint8_t>();
    const auto server = reader.fixed<std::uint8_t>();
    if (kind != static_cast<std::uint8_t>(ContextKind::transaction) &&
        kind != static_cast<std::uint8_t>(ContextKind::position) &&
        kind != static_cast<std::uint8_t>(ContextKind::snapshot)) {
        return corrupt("unknown kind of context");
    }
    if (version != kVersion) {
        return corrupt("context of version " + std::to_string(version));
    }
    if (server < 1 || server > 2) {
        return corrupt("unknown kind of server");
    }
    out.kind = static_cast<ContextKind>(kind);
    out.server = static_cast<ServerKind>(server);
    out.file = reader.sized();
    out.offset = reader.fixed<std::uint64_t>(Endian::big);
    if (out.kind == ContextKind::transaction) {
        out.gtid = reader.sized();
        const std::uint64_t server_id = reader.varint();
        const std::uint64_t thread_id = reader.varint();
        out.server_id = static_cast<std::uint32_t>(server_id);
        out.thread_id = static_cast<std::uint32_t>(thread_id);
        out.commit_time_us = static_cast<std::int64_t>(reader.fixed<std::uint64_t>(Endian::big));
        out.xid = reader.sized();
        out.rows_file = reader.sized();
        if (!fits_32(server_id) || !fits_32(thread_id)) {
            return corrupt("context with a number out of range");
        }
    }
    if (out.kind == ContextKind::snapshot) {
        out.commit_time_us = static_cast<std::int64_t>(reader.fixed<std::uint64_t>(Endian::big));
    }
    if (!reader.ok() || !reader.at_end()) {
        return corrupt("context of a wrong length");
    }
    return out;
}

void append_event_head(std::string& out, const EventHead& head) {
    out.push_back(head.operation);
    append_varint(out, head.order);
    append_varint(out, head.table_order);
    append_varint(out, head.offset);
    append_varint(out, head.inner);
    append_varint(out, head.row);
    append_fixed(out, head.time_s, Endian::big);
}

Result<EventHead> parse_event_head(std::string_view payload) {
    ByteReader reader(payload);
    EventHead out;
    out.operation = static_cast<char>(reader.fixed<std::uint8_t>());
    out.order = reader.varint();
    out.table_order = reader.varint();
    out.offset = reader.varint();
    const std::uint64_t inner = reader.varint();
    const std::uint64_t row = reader.varint();
    out.inner = static_cast<std::uint32_t>(inner);
    out.row = static_cast<std::uint32_t>(row);
    out.time_s = reader.fixed<std::uint32_t>(Endian::big);
    if (!reader.ok()) {
        return corrupt("payload too short");
    }
    constexpr std::string_view kOperations = "IUPDTRS";
    if (kOperations.find(out.operation) == std::string_view::npos || !fits_32(inner) ||
        !fits_32(row)) {
        return corrupt("payload with an unknown operation or a number out of range");
    }
    out.rest = payload.substr(reader.offset());
    return out;
}

Result<ChangeImages> split_images(const EventHead& head, std::size_t columns) {
    ByteReader reader(head.rest);
    ChangeImages out;
    const std::size_t bitmap = (columns + 7) / 8;
    if (head.operation == 'T') {
        if (!reader.at_end()) {
            return corrupt("truncate with an image");
        }
        return out;
    }
    if (head.operation != 'I' && head.operation != 'R') {
        out.present_before = reader.bytes(bitmap);
    }
    if (head.operation != 'D') {
        out.present_after = reader.bytes(bitmap);
    }
    if (!reader.ok()) {
        return corrupt("payload too short for its bitmaps");
    }
    out.images = head.rest.substr(reader.offset());
    return out;
}

void append_transaction_end(std::string& out, const TransactionEnd& end) {
    append_sized(out, end.file);
    append_fixed(out, end.offset, Endian::big);
    format::append_tallies(out, end.event_count, end.tables);
}

Result<TransactionEnd> parse_transaction_end(std::string_view payload) {
    ByteReader reader(payload);
    TransactionEnd out;
    out.file = reader.sized();
    out.offset = reader.fixed<std::uint64_t>(Endian::big);
    if (!format::read_tallies(reader, out.event_count, out.tables)) {
        return corrupt("transaction end of a wrong length");
    }
    return out;
}

}  // namespace tributary::mysql
