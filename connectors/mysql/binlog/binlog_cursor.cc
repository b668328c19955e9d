// Places of events: binlog_cursor.h.
#include "connectors/mysql/binlog/binlog_cursor.h"

#include <utility>

#include "connectors/mysql/binlog/events.h"

namespace tributary::mysql {
namespace {

constexpr std::uint64_t kWrap = 1ULL << 32U;
// A place a little below what was reckoned is that place; one further below is 4 GiB above.
constexpr std::uint64_t kBackMax = 1ULL << 20U;
constexpr std::uint64_t kFirstEvent = 4;  // behind the magic number

// The place with these low 32 bits that is nearest above `expected`, or slightly below it.
std::uint64_t extend(std::uint32_t low, std::uint64_t expected) {
    const std::uint64_t floor = expected > kBackMax ? expected - kBackMax : 0;
    std::uint64_t place = (floor & ~(kWrap - 1)) | low;
    if (place < floor) {
        place += kWrap;
    }
    return place;
}

}  // namespace

Result<void> BinlogCursor::on_event(std::string_view bytes) {
    TRIBUTARY_TRY(header, parse_header(bytes));
    const std::string_view body = bytes.substr(kEventHeaderBytes);
    const bool artificial = (header.flags & kArtificialFlag) != 0;
    if (header.type == EventType::heartbeat || header.type == EventType::heartbeat_v2) {
        TRIBUTARY_TRY(heartbeat, parse_heartbeat(header.type, body));
        if (!heartbeat.file.empty() && heartbeat.file != next_.file) {
            next_ = {std::string(heartbeat.file), kFirstEvent};
        }
        next_.offset = heartbeat.position.value_or(extend(header.end_position, next_.offset));
        file_ = next_.file;
        offset_ = next_.offset;
        return success();
    }
    file_ = next_.file;
    offset_ = next_.offset;
    if (header.type == EventType::rotate) {
        TRIBUTARY_TRY(rotate, parse_rotate(body));
        next_ = {std::string(rotate.file), rotate.position};
        return success();
    }
    // Made for the connection: the FORMAT_DESCRIPTION before a place in the middle of a file (its
    // end position is 0), GTID_LIST after what was skipped.
    const bool repeated = header.type == EventType::format_description &&
                          header.end_position == 0 && next_.offset != kFirstEvent;
    if (artificial || repeated) {
        return success();
    }
    std::uint64_t end = next_.offset + header.length;
    if (header.end_position != 0) {
        end = extend(header.end_position, end);
    }
    offset_ = end >= header.length ? end - header.length : 0;
    next_.offset = end;
    return success();
}

}  // namespace tributary::mysql
