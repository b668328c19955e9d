// The last transaction, known again: fingerprint.h.
#include "connectors/mysql/binlog/fingerprint.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/planted.h"

namespace tributary::mysql {
namespace {

// Enough of each event, and no more than is there of one that is too large to hold.
constexpr std::size_t kBytesOfEvent = 4096;

bool is_gtid(EventType type) {
    return type == EventType::gtid || type == EventType::gtid_tagged ||
           type == EventType::mariadb_gtid;
}

struct Announced {
    std::string gtid;
    std::int64_t commit_time_us = 0;
};

std::optional<Announced> announced(const EventHeader& header, std::string_view bytes) {
    const std::string_view body = bytes.substr(kEventHeaderBytes);
    Announced out{.gtid = {}, .commit_time_us = std::int64_t{header.time_s} * 1'000'000};
    if (header.type == EventType::mariadb_gtid) {
        const auto event = parse_mariadb_gtid_event(header.server_id, body);
        if (!event) {
            return std::nullopt;
        }
        out.gtid = to_string(event.value().gtid);
        return out;
    }
    const auto event = parse_gtid(header.type, body);
    if (!event) {
        return std::nullopt;
    }
    out.gtid = event.value().gtid ? to_string(*event.value().gtid) : std::string();
    if (event.value().commit_time_us != 0) {
        out.commit_time_us = event.value().commit_time_us;
    }
    return out;
}

}  // namespace

bool FingerprintMeter::counts(EventType type) noexcept {
    return is_gtid(type) || type == EventType::anonymous_gtid || is_rows_event(type) ||
           type == EventType::table_map || type == EventType::query ||
           type == EventType::query_compressed || type == EventType::xid ||
           type == EventType::xa_prepare;
}

void FingerprintMeter::add(std::string_view bytes) noexcept {
    crc_ = crc32c(crc_, bytes.substr(0, std::min(bytes.size(), kBytesOfEvent)));
    ++events_;
}

bool LastAgain::begins(const EventHeader& header,
                       std::string_view bytes,
                       const Place& place) const {
    if (by_place_) {
        return FingerprintMeter::counts(header.type) && place == last_.transaction.start;
    }
    if (!is_gtid(header.type)) {
        return false;
    }
    const auto event = announced(header, bytes);
    return event && event->gtid == last_.transaction.gtid;
}

// The transaction does not come any more. By place, a server that forgot it may end that file where
// it began, and go on in another. By GTID, the server that it came from has nothing else before it;
// one that forgot it may first send what other domains or servers wrote since, and a position of
// those would hide what is missing. Another server may have logged them in another order.
bool LastAgain::is_past(const EventHeader& header, const Place& place) const {
    if (planted::is(planted::Bug::last_missing_unnoticed)) {
        return false;
    }
    if (!by_place_) {
        return is_gtid(header.type) && server_ == last_.server;
    }
    const Place& start = last_.transaction.start;
    return place.file != start.file ||
           (FingerprintMeter::counts(header.type) && place.offset > start.offset);
}

LastAgain::Seen LastAgain::on_event(const EventHeader& header,
                                    std::string_view bytes,
                                    const Place& place) {
    if (over_) {
        return Seen::other;
    }
    const bool made_up = (header.flags & kArtificialFlag) != 0;
    if (!begun_) {
        if (!begins(header, bytes, place)) {
            // It says where the server is, which is behind what is awaited.
            const bool heartbeat =
                header.type == EventType::heartbeat || header.type == EventType::heartbeat_v2;
            if (heartbeat) {
                return Seen::again;
            }
            return is_past(header, place) ? Seen::differs : Seen::other;
        }
        begun_ = true;
        file_ = place.file;
        if (is_gtid(header.type)) {
            const auto event = announced(header, bytes);
            if (!event || event->commit_time_us != last_.commit_time_us) {
                return Seen::differs;
            }
        }
    } else if (is_gtid(header.type) || header.type == EventType::anonymous_gtid ||
               place.file != file_) {
        // Another begins, or the file has ended: no transaction goes on in the next one. A replica
        // may have logged the same rows as other events.
        over_ = true;
        return server_ == last_.server ? Seen::differs : Seen::other;
    }
    if (!FingerprintMeter::counts(header.type)) {
        const bool file_ends =
            !made_up && (header.type == EventType::rotate || header.type == EventType::stop);
        if (file_ends) {
            over_ = true;
            return server_ == last_.server ? Seen::differs : Seen::other;
        }
        return header.type == EventType::format_description || made_up ? Seen::other : Seen::again;
    }
    meter_.add(bytes);
    return server_ == last_.server ? compare() : Seen::again;
}

LastAgain::Seen LastAgain::compare() {
    if (meter_.events() < last_.events) {
        return Seen::again;
    }
    over_ = true;
    return meter_.crc() == last_.crc ? Seen::again : Seen::differs;
}

void name_server(ResumePoint& point, std::uint32_t server) {
    if (!point.by_gtid && !point.last) {
        point.last = Fingerprint{.server = server};
    }
}

std::optional<ResumePoint> before_last(const ResumePoint& point) {
    if (!point.last || point.last->events == 0) {
        return std::nullopt;
    }
    const Fingerprint& last = *point.last;
    ResumePoint out = point;
    if (!point.by_gtid) {
        out.next = last.transaction.start;
        return out;
    }
    if (point.server == ServerKind::mysql) {
        const auto gtid = parse_mysql_gtid(last.transaction.gtid);
        if (!gtid || !point.executed.contains(*gtid)) {
            return std::nullopt;
        }
        MysqlGtidSet one;
        one.add(*gtid);
        out.executed = point.executed.minus(one);
        return out;
    }
    const auto gtid = parse_mariadb_gtid(last.transaction.gtid);
    if (!gtid || !point.gtid_position.contains(*gtid)) {
        return std::nullopt;
    }
    out.gtid_position.remove(gtid->domain);
    if (const auto before = parse_mariadb_gtid(last.before)) {
        out.gtid_position.add(*before);
    }
    return out;
}

}  // namespace tributary::mysql
