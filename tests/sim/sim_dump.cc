// What a replica is sent; see the header. MySQL source documentation, "Replication protocol".
#include "tests/sim/sim_dump.h"

#include <algorithm>

#include "base/bytes.h"
#include "tests/sim/binlog_bytes.h"
#include "tests/sim/sim_mysql.h"

namespace tributary::sim {
namespace {

constexpr std::int64_t kHeartbeatUs = 250'000;
constexpr std::uint16_t kFatalReadingBinlog = 1236;
constexpr std::size_t kLengthAt = 9;

mysql::EventHeader header_of(std::string_view event) {
    return mysql::parse_header(event).value();
}

std::string_view body_of(std::string_view event) {
    return event.substr(mysql::kEventHeaderBytes, event.size() - mysql::kEventHeaderBytes - 4);
}

// The events of a file begin there.
bool is_boundary(const std::string& bytes, std::uint64_t offset) {
    std::uint64_t at = SimMysql::kFirstOffset;
    while (at < offset && at < bytes.size()) {
        at += load<std::uint32_t>(bytes.data() + at + kLengthAt, Endian::little);
    }
    return at == offset;
}

}  // namespace

SimDump::SimDump(SimMysql& server, const mysql::ResumePoint& from) : server_(server), from_(from) {
    const std::string refused = why_not();
    if (!refused.empty()) {
        refuse(refused);
        return;
    }
    begin();
}

std::string SimDump::why_not() const {
    if (from_.by_gtid) {
        return server_.setup().kind == mysql::ServerKind::mysql ? why_not_by_gtid()
                                                                : why_not_mariadb();
    }
    for (const auto& [number, file] : server_.files()) {
        if (SimMysql::file_name(number) == from_.next.file) {
            if (from_.next.offset > file.bytes.size()) {
                return "Client requested master to start replication from position > file size";
            }
            return is_boundary(file.bytes, from_.next.offset)
                       ? ""
                       : "bogus data in log event; the first event was read at " +
                             mysql::to_string(from_.next);
        }
    }
    return "Could not find first log file name in binary log index file";
}

// The server knows only its own numbers well.
std::string SimDump::why_not_by_gtid() const {
    const std::string more = from_.executed.minus(server_.executed()).to_string();
    if (more.find(server_.server_uuid()) != std::string::npos) {
        return "Slave has more GTIDs than the master has, using the master's SERVER_UUID";
    }
    return from_.executed.contains(server_.files().begin()->second.executed)
               ? ""
               : "Cannot replicate because the master purged required binary logs";
}

std::string SimDump::why_not_mariadb() const {
    constexpr const char* kTooOld =
        "Could not find GTID state requested by slave in any binlog files. Probably the slave "
        "state is too old and required binlog files have been purged.";
    const mysql::MariadbGtidPosition now = server_.position();
    const mysql::MariadbGtidPosition& purged = server_.files().begin()->second.position;
    for (const std::uint32_t domain : {0U, 1U}) {
        const mysql::MariadbGtid* const ours = from_.gtid_position.find(domain);
        const mysql::MariadbGtid* const gone = purged.find(domain);
        if (ours == nullptr) {
            if (gone != nullptr) {
                return kTooOld;
            }
            continue;
        }
        const std::string missing = "connecting slave requested to start from GTID " +
                                    mysql::to_string(*ours) +
                                    ", which is not in the master's binlog";
        if (!now.contains(*ours)) {
            return missing;
        }
        if (gone != nullptr && ours->number < gone->number) {
            return kTooOld;
        }
        const bool is_there =
            (gone != nullptr && *gone == *ours) ||
            std::any_of(server_.transactions_.begin(),
                        server_.transactions_.end(),
                        [&](const BinlogTransaction& tx) { return tx.mariadb_gtid == *ours; });
        if (!is_there) {
            return missing +
                   ". Since the master's binlog contains GTIDs with higher sequence numbers, it "
                   "probably means that the slave has diverged due to executing extra erroneous "
                   "transactions";
        }
    }
    return "";
}

void SimDump::begin() {
    const auto& files = server_.files();
    file_ = files.begin()->first;
    offset_ = SimMysql::kFirstOffset;
    if (!from_.by_gtid) {
        while (SimMysql::file_name(file_) != from_.next.file) {
            ++file_;
        }
        offset_ = from_.next.offset;
    } else {
        // The newest file before which the replica has everything.
        for (const auto& [number, file] : files) {
            if (from_.executed.contains(file.executed) &&
                from_.gtid_position.contains(file.position)) {
                file_ = number;
            }
        }
    }
    send_made_up_rotate();
    if (offset_ > SimMysql::kFirstOffset) {
        send(binlog::event(mysql::EventType::format_description,
                           {.server_id = server_.server_},
                           std::nullopt,
                           binlog::format_description(0)));
    }
}

// Packets are numbered on, message by message.
void SimDump::send_packet(std::string_view message) {
    for (const unsigned shift : {0U, 8U, 16U}) {
        out_.push_back(static_cast<char>((message.size() >> shift) & 0xFFU));
    }
    out_.push_back(static_cast<char>(sequence_++));
    out_.append(message);
}

void SimDump::refuse(std::string_view message) {
    std::string bytes("\xff", 1);
    append_fixed(bytes, kFatalReadingBinlog);
    send_packet(bytes.append("#HY000").append(message));
    ended_ = true;
}

void SimDump::send_made_up_rotate() {
    send(binlog::event(mysql::EventType::rotate,
                       {.server_id = server_.server_, .flags = mysql::kArtificialFlag},
                       std::nullopt,
                       binlog::rotate(SimMysql::file_name(file_), offset_)));
}

bool SimDump::at_end() const {
    return file_ == server_.last_file() && offset_ >= server_.files().at(file_).bytes.size();
}

bool SimDump::has_bytes(std::int64_t now_us) const {
    return !out_.empty() || (!ended_ && (!at_end() || now_us - spoke_us_ >= kHeartbeatUs));
}

std::string SimDump::read(std::size_t bytes_max, std::int64_t now_us) {
    while (out_.empty() && !ended_ && has_bytes(now_us)) {
        send_next(now_us);
    }
    const std::string bytes = out_.substr(0, bytes_max);
    out_.erase(0, bytes.size());
    return bytes;
}

// Whether the replica has what begins with this event; the answer is of all up to the next one.
bool SimDump::skips(std::string_view event) const {
    using mysql::EventType;
    const mysql::EventHeader header = header_of(event);
    const std::string_view body = body_of(event);
    if (header.type == EventType::gtid || header.type == EventType::gtid_tagged) {
        const auto parsed = mysql::parse_gtid(header.type, body);
        return from_.by_gtid && from_.executed.contains(*parsed.value().gtid);
    }
    if (header.type == EventType::mariadb_gtid) {
        const auto parsed = mysql::parse_mariadb_gtid_event(header.server_id, body);
        return from_.by_gtid && from_.gtid_position.contains(parsed.value().gtid);
    }
    const bool of_file = header.type == EventType::format_description ||
                         header.type == EventType::previous_gtids ||
                         header.type == EventType::gtid_list || header.type == EventType::rotate;
    return skipping_ && !of_file;
}

// What a server says when it has skipped something.
void SimDump::send_skipped() {
    const binlog::Head made_up{.server_id = server_.server_, .flags = mysql::kArtificialFlag};
    if (server_.setup().kind == mysql::ServerKind::mariadb) {
        send(binlog::event(mysql::EventType::gtid_list,
                           made_up,
                           std::nullopt,
                           binlog::gtid_list(from_.gtid_position)));
    } else {
        send(binlog::heartbeat(server_.server_, SimMysql::file_name(file_), offset_));
    }
}

void SimDump::send_next(std::int64_t now_us) {
    spoke_us_ = now_us;
    if (!server_.files().contains(file_)) {
        refuse("could not find next log");
        return;
    }
    const std::string& bytes = server_.files().at(file_).bytes;
    if (offset_ >= bytes.size()) {
        if (at_end()) {
            send(binlog::heartbeat(server_.server_, SimMysql::file_name(file_), offset_));
            return;
        }
        ++file_;
        offset_ = SimMysql::kFirstOffset;
        skipping_ = false;
        send_made_up_rotate();
        return;
    }
    const auto length = load<std::uint32_t>(bytes.data() + offset_ + kLengthAt, Endian::little);
    const std::string_view event = std::string_view(bytes).substr(offset_, length);
    const bool skip = skips(event);
    if (!skip) {
        if (skipping_) {
            send_skipped();
        }
        send(event);
    }
    skipping_ = skip;
    offset_ += length;
}

}  // namespace tributary::sim
