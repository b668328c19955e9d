#include "runtime/log_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/base64.h"
#include "base/glob.h"
#include "format/block.h"
#include "model/source_errors.h"
#include "runtime/inspect.h"

namespace tributary::runtime {
namespace {

constexpr std::size_t kPageBytesMax = 1U << 20U;  // of lines
constexpr std::size_t kReadBytesMax = 8U << 20U;  // of blocks

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// JSON as it is, anything else in base64 under another name.
void append_bytes(std::string& out,
                  std::string_view name,
                  const std::optional<std::string_view>& bytes) {
    out += ",\"";
    out += name;
    if (!bytes) {
        out += "\":null";
    } else if (nlohmann::json::accept(*bytes)) {
        out += "\":";
        out += *bytes;
    } else {
        out += "_base64\":\"" + to_base64(*bytes) + '"';
    }
}

void append_record(std::string& out, const Entry& entry, const Record& record) {
    out += "{\"sequence\":" + std::to_string(entry.sequence.value());
    out += ",\"intake_time_us\":" + std::to_string(entry.intake_time_us);
    out += ",\"topic\":" + json_text(record.topic);
    append_bytes(out, "key", record.key);
    append_bytes(out, "value", record.value);
    out += "}\n";
}

}  // namespace

Result<void> LogView::prepare(StreamId stream) {
    if (stream_ == stream) {
        return success();
    }
    stream_.reset();
    TRIBUTARY_TRY(parts, make_());
    parts_ = std::move(parts);
    stream_ = stream;
    next_ = Sequence();
    return success();
}

Result<EventsPage> LogView::page(EventLog& log, const EventsQuery& query) {
    const std::lock_guard lock(mutex_);
    TRIBUTARY_TRY(stream, log.find_stream(pipeline_));
    if (!stream) {
        return no_events_of(pipeline_);
    }
    if (!query.raw) {
        TRIBUTARY_TRY_VOID(prepare(stream->id));
    }
    EventsPage page;
    page.first = stream->extent.first.value();
    page.last = stream->extent.last.value();
    page.next = std::max(query.from, page.first);
    std::size_t read_bytes = 0;
    const std::uint64_t end = query.to == 0 ? page.last : std::min(query.to, page.last);
    while (page.next <= end && page.count < query.limit && page.lines.size() < kPageBytesMax &&
           read_bytes < kReadBytesMax) {
        TRIBUTARY_TRY(block, log.read(stream->id, Sequence(page.next)));
        if (!block) {
            break;
        }
        page.next = std::max(page.next, block->first.value());  // what was before is gone meanwhile
        read_bytes += block->bytes.size();
        TRIBUTARY_TRY_VOID(add_block(log, *block, query, page));
    }
    page.end = page.next > end;
    return page;
}

Result<void> LogView::add_block(EventLog& log,
                                const Block& block,
                                const EventsQuery& query,
                                EventsPage& page) {
    format::BlockReader reader(block);
    Entry entry;
    while (page.count < query.limit && page.lines.size() < kPageBytesMax) {
        TRIBUTARY_TRY(more, reader.next(entry));
        if (!more || (query.to != 0 && entry.sequence.value() > query.to)) {
            return success();
        }
        if (entry.sequence.value() >= page.next) {
            TRIBUTARY_TRY_VOID(add_entry(log, block.stream, entry, query, page));
            page.next = entry.sequence.value() + 1;
        }
    }
    return success();
}

Result<void> LogView::add_entry(EventLog& log,
                                StreamId stream,
                                const Entry& entry,
                                const EventsQuery& query,
                                EventsPage& page) {
    if (query.raw) {
        TRIBUTARY_TRY(line, entry_line(log, stream, entry, true));
        page.lines += line;
        ++page.count;
        return success();
    }
    Decoder& decoder = *parts_.decoder;
    if (entry.schema.value() != 0 && !decoder.has_schema(entry.schema)) {
        TRIBUTARY_TRY(schema, log.schema(stream, entry.schema));
        decoder.add_schema(entry.schema, std::move(schema));
    }
    if (entry.sequence != next_) {
        decoder.begin_at(entry.sequence);
    }
    next_ = next(entry.sequence);
    arena_.reset();
    records_.clear();
    Change change;
    Result<void> encoded = success();
    const auto decoded = decoder.decode(entry, arena_, change);
    if (decoded && decoded.value()) {
        encoded = parts_.encoder->encode(change, arena_, records_);
    }
    if (!decoded || !encoded) {
        const Error& error = decoded ? encoded.error() : decoded.error();
        page.lines += "{\"sequence\":" + std::to_string(entry.sequence.value()) +
                      ",\"undecodable\":" + json_text(error.what()) + "}\n";
        ++page.count;
        return success();
    }
    for (const Record& record : records_) {
        if (query.pattern.empty() || glob_matches(query.pattern, record.topic)) {
            append_record(page.lines, entry, record);
            ++page.count;
        }
    }
    return success();
}

std::optional<std::int64_t> intake_time_us(EventLog& log, StreamId stream, Sequence at) {
    const auto block = log.read(stream, at);
    return block && block.value() ? intake_time_us(*block.value(), at) : std::nullopt;
}

std::optional<std::int64_t> intake_time_us(const Block& block, Sequence at) {
    format::BlockReader reader(block);
    Entry entry;
    for (auto more = reader.next(entry); more && more.value(); more = reader.next(entry)) {
        if (entry.sequence == at) {
            return entry.intake_time_us;
        }
    }
    return std::nullopt;
}

Result<std::uint64_t> find_time(EventLog& log, std::string_view pipeline, std::int64_t time_us) {
    TRIBUTARY_TRY(stream, log.find_stream(pipeline));
    if (!stream) {
        return no_events_of(pipeline);
    }
    std::uint64_t low = std::max<std::uint64_t>(1, stream->extent.first.value());
    std::uint64_t high = stream->extent.last.value() + 1;  // everything from here on is new enough
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        TRIBUTARY_TRY(block, log.read(stream->id, Sequence(middle)));
        if (!block) {
            return high;
        }
        if (block->first.value() > middle) {  // trimmed meanwhile
            low = std::min(high, block->first.value());
            continue;
        }
        format::BlockReader reader(*block);
        Entry entry;
        for (;;) {
            TRIBUTARY_TRY(more, reader.next(entry));
            if (!more || entry.intake_time_us >= time_us) {
                break;
            }
        }
        if (entry.intake_time_us >= time_us) {
            // The first in this block that is new enough: the answer is it or an earlier block's.
            if (entry.sequence > block->first) {
                return entry.sequence.value();
            }
            high = std::min(high, block->first.value());
        } else {
            low = block->last.value() + 1;
        }
    }
    return high;
}

}  // namespace tributary::runtime
