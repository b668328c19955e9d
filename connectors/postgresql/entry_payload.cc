// Bytes of contexts and payloads: entry_payload.h has the layouts.
#include "connectors/postgresql/entry_payload.h"

#include "model/errors.h"

namespace tributary::postgresql {
namespace {

constexpr std::uint8_t kVersion = 1;

Error corrupt(std::string_view what) {
    return {errors::kEntryCorrupt, "postgresql entry: " + std::string(what)};
}

}  // namespace

void append_context(std::string& out, const Context& context) {
    out.push_back(static_cast<char>(context.kind));
    out.push_back(static_cast<char>(kVersion));
    append_fixed(out, context.lsn.value(), Endian::big);
    if (context.kind == ContextKind::position) {
        return;
    }
    append_fixed(out, context.last_commit_end.value(), Endian::big);
    if (context.kind == ContextKind::message) {
        return;
    }
    if (context.kind == ContextKind::snapshot) {
        append_fixed(out, static_cast<std::uint64_t>(context.commit_time_us), Endian::big);
        return;
    }
    append_fixed(out, context.xid, Endian::big);
    append_fixed(out, static_cast<std::uint64_t>(context.commit_time_us), Endian::big);
    append_sized(out, context.origin);
    if (!context.origin.empty()) {
        append_fixed(out, context.origin_lsn.value(), Endian::big);
    }
}

Result<Context> parse_context(std::string_view bytes) {
    ByteReader reader(bytes);
    Context out;
    const auto kind = reader.fixed<std::uint8_t>();
    const auto version = reader.fixed<std::uint8_t>();
    if (kind < 1 || kind > 4) {
        return corrupt("unknown kind of context");
    }
    if (version != kVersion) {
        return corrupt("context of version " + std::to_string(version));
    }
    out.kind = static_cast<ContextKind>(kind);
    out.lsn = Lsn(reader.fixed<std::uint64_t>(Endian::big));
    if (out.kind != ContextKind::position) {
        out.last_commit_end = Lsn(reader.fixed<std::uint64_t>(Endian::big));
    }
    if (out.kind == ContextKind::transaction) {
        out.xid = reader.fixed<std::uint32_t>(Endian::big);
        out.commit_time_us = static_cast<std::int64_t>(reader.fixed<std::uint64_t>(Endian::big));
        out.origin = reader.sized();
        if (!out.origin.empty()) {
            out.origin_lsn = Lsn(reader.fixed<std::uint64_t>(Endian::big));
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

void append_event_head(std::string& out, const EventHead& head, Lsn context_lsn) {
    out.push_back(head.operation);
    append_varint(out, head.order);
    append_varint(out, head.table_order);
    append_varint(out, context_lsn.value() - head.lsn.value());
}

Result<EventHead> parse_event_head(std::string_view payload, Lsn context_lsn) {
    ByteReader reader(payload);
    EventHead out;
    out.operation = static_cast<char>(reader.fixed<std::uint8_t>());
    out.order = reader.varint();
    out.table_order = reader.varint();
    out.lsn = Lsn(context_lsn.value() - reader.varint());
    if (!reader.ok()) {
        return corrupt("payload too short");
    }
    out.rest = payload.substr(reader.offset());
    return out;
}

void append_transaction_end(std::string& out, const TransactionEnd& end) {
    append_fixed(out, end.end_lsn.value(), Endian::big);
    format::append_tallies(out, end.event_count, end.tables);
}

Result<TransactionEnd> parse_transaction_end(std::string_view payload) {
    ByteReader reader(payload);
    TransactionEnd out;
    out.end_lsn = Lsn(reader.fixed<std::uint64_t>(Endian::big));
    if (!format::read_tallies(reader, out.event_count, out.tables)) {
        return corrupt("transaction end of a wrong length");
    }
    return out;
}

}  // namespace tributary::postgresql
