#include "runtime/inspect.h"

#include <algorithm>

#include "base/base64.h"
#include "format/block.h"
#include "model/source_errors.h"

namespace tributary::runtime {
namespace {

std::string_view kind_name(EntryKind kind) {
    switch (kind) {
        case EntryKind::change:
            return "change";
        case EntryKind::message:
            return "message";
        case EntryKind::transaction_end:
            return "transaction_end";
        case EntryKind::position:
            return "position";
        case EntryKind::gap:
            return "gap";
    }
    return "unknown";
}

// Table names hold any character.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
    }
    return out + "\"";
}

}  // namespace

Result<std::string> entry_line(EventLog& log, StreamId stream, const Entry& entry, bool values) {
    std::string out = "{\"sequence\":" + std::to_string(entry.sequence.value());
    out += ",\"kind\":\"" + std::string(kind_name(entry.kind)) + '"';
    if (entry.schema.value() != 0) {
        TRIBUTARY_TRY(schema, log.schema(stream, entry.schema));
        out += ",\"table\":" + quoted(schema->schema + "." + schema->table);
    }
    out += ",\"ordinal\":" + std::to_string(entry.ordinal);
    out += ",\"intake_time_us\":" + std::to_string(entry.intake_time_us);
    out += ",\"bytes\":" + std::to_string(entry.payload.size());
    if (values) {
        out += ",\"context\":\"" + to_base64(entry.context) + '"';
        out += ",\"payload\":\"" + to_base64(entry.payload) + '"';
    }
    return out + "}\n";
}

Result<std::string> peek_log(
    EventLog& log, std::string_view pipeline, std::uint64_t from, std::size_t limit, bool values) {
    TRIBUTARY_TRY(stream, log.find_stream(pipeline));
    if (!stream) {
        return no_events_of(pipeline);
    }
    std::string out;
    Sequence at(std::max<std::uint64_t>(from, 1));
    while (limit > 0) {
        TRIBUTARY_TRY(block, log.read(stream->id, at));
        if (!block) {
            break;
        }
        format::BlockReader reader(*block);
        Entry entry;
        for (;;) {
            TRIBUTARY_TRY(more, reader.next(entry));
            if (!more || limit == 0) {
                break;
            }
            if (entry.sequence >= at) {
                TRIBUTARY_TRY(text, entry_line(log, stream->id, entry, values));
                out += text;
                --limit;
            }
        }
        at = next(block->last);
    }
    return out;
}

Result<std::uint64_t> verify_log(EventLog& log) {
    TRIBUTARY_TRY(streams, log.streams());
    std::uint64_t entries = 0;
    for (const StreamInfo& stream : streams) {
        Sequence at = stream.extent.first;
        while (!stream.set_aside && at.value() != 0 && at <= stream.extent.last) {
            TRIBUTARY_TRY(block, log.read(stream.id, at));
            if (!block) {
                break;  // trimmed meanwhile
            }
            format::BlockReader reader(*block);
            Entry entry;
            for (;;) {
                TRIBUTARY_TRY(more, reader.next(entry));
                if (!more) {
                    break;
                }
                ++entries;
            }
            at = next(block->last);
        }
    }
    return entries;
}

}  // namespace tributary::runtime
