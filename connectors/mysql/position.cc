// Bytes of this connector's positions: position.h has the table.
#include "connectors/mysql/position.h"

#include <algorithm>

#include "base/bytes.h"
#include "core/intake/reconcile.h"

namespace tributary::mysql {
namespace {

constexpr std::uint8_t kPlain = 1;
constexpr std::uint8_t kExtended = 2;
constexpr std::uint8_t kByGtid = 1;
constexpr std::uint8_t kByPlace = 2;
constexpr std::uint8_t kInSnapshot = 16;
// XA transactions are bounded by the rows that wait (IntakeOptions::xa_bytes_max).
constexpr std::uint64_t kOpenXaMax = 1U << 20U;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "binlog.000012": the name's digits without leading zeros, and what stands before them.
struct FileName {
    std::string_view base;
    std::string_view number;
};

FileName split(std::string_view file) {
    std::size_t at = file.size();
    while (at > 0 && is_digit(file[at - 1])) {
        --at;
    }
    std::string_view number = file.substr(at);
    number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
    return {file.substr(0, at), number};
}

// Order of what two points have complete; unordered across servers and modes.
std::partial_ordering compare_sets(bool left_has_right, bool right_has_left) {
    if (left_has_right && right_has_left) {
        return std::partial_ordering::equivalent;
    }
    if (left_has_right) {
        return std::partial_ordering::greater;
    }
    return right_has_left ? std::partial_ordering::less : std::partial_ordering::unordered;
}

std::partial_ordering compare_resume(const ResumePoint& left, const ResumePoint& right) {
    if (left.server != right.server || left.by_gtid != right.by_gtid) {
        return std::partial_ordering::unordered;
    }
    if (!left.by_gtid) {
        return compare(left.next, right.next);
    }
    if (left.server == ServerKind::mysql) {
        return compare_sets(left.executed.contains(right.executed),
                            right.executed.contains(left.executed));
    }
    return compare_sets(left.gtid_position.contains(right.gtid_position),
                        right.gtid_position.contains(left.gtid_position));
}

// Whether the transaction is among the complete ones of `point`.
bool covers(const ResumePoint& point, const TransactionId& id) {
    if (!point.by_gtid) {
        return compare(id.start, point.next) < 0;
    }
    if (point.server == ServerKind::mysql) {
        const auto gtid = parse_mysql_gtid(id.gtid);
        return gtid && point.executed.contains(*gtid);
    }
    const auto gtid = parse_mariadb_gtid(id.gtid);
    return gtid && point.gtid_position.contains(*gtid);
}

// How `left` stands to `right` when what they have complete is the same.
std::partial_ordering compare_halves(const std::optional<Identity>& left,
                                     const std::optional<Identity>& right) {
    if (!left || !right) {
        return static_cast<int>(left.has_value()) <=> static_cast<int>(right.has_value());
    }
    if (!same(left->transaction, right->transaction)) {
        return std::partial_ordering::unordered;
    }
    return left->ordinal <=> right->ordinal;
}

}  // namespace

std::optional<Identity> half_taken(const ResumePoint& point, const Position& done) {
    auto identity = decode_done(done);
    if (!identity || identity->ordinal == kWholeTransaction ||
        covers(point, identity->transaction)) {
        return std::nullopt;
    }
    return identity;
}

std::strong_ordering compare(const Place& left, const Place& right) {
    const FileName a = split(left.file);
    const FileName b = split(right.file);
    if (const auto order = a.number.size() <=> b.number.size(); order != 0) {
        return order;
    }
    if (const auto order = a.number.compare(b.number) <=> 0; order != 0) {
        return order;
    }
    if (const auto order = a.base.compare(b.base) <=> 0; order != 0) {
        return order;
    }
    return left.offset <=> right.offset;
}

std::string to_string(const Place& place) {
    return place.file + ":" + std::to_string(place.offset);
}

bool same(const TransactionId& left, const TransactionId& right) {
    if (!left.gtid.empty() && !right.gtid.empty()) {
        return left.gtid == right.gtid;
    }
    return left.start == right.start;
}

std::string to_string(const TransactionId& id) {
    return id.gtid.empty() ? to_string(id.start) : id.gtid;
}

namespace {

void append_fingerprint(std::string& out, const Fingerprint& last) {
    append_sized(out, last.transaction.gtid);
    append_sized(out, last.transaction.start.file);
    append_fixed(out, last.transaction.start.offset, Endian::big);
    append_fixed(out, static_cast<std::uint64_t>(last.commit_time_us), Endian::big);
    append_fixed(out, last.events, Endian::big);
    append_fixed(out, last.crc, Endian::big);
    append_fixed(out, last.server, Endian::big);
    append_sized(out, last.before);
}

Fingerprint read_fingerprint(ByteReader& reader) {
    Fingerprint out;
    out.transaction.gtid = reader.sized();
    out.transaction.start.file = reader.sized();
    out.transaction.start.offset = reader.fixed<std::uint64_t>(Endian::big);
    out.commit_time_us = static_cast<std::int64_t>(reader.fixed<std::uint64_t>(Endian::big));
    out.events = reader.fixed<std::uint32_t>(Endian::big);
    out.crc = reader.fixed<std::uint32_t>(Endian::big);
    out.server = reader.fixed<std::uint32_t>(Endian::big);
    out.before = reader.sized();
    return out;
}

}  // namespace

std::string ResumePoint::gtids() const {
    if (!by_gtid) {
        return {};
    }
    return server == ServerKind::mysql ? executed.to_string() : gtid_position.to_string();
}

void encode_resume_into(const ResumePoint& point, Position& out) {
    std::string& bytes = out.bytes;
    bytes.clear();
    bytes.push_back(static_cast<char>(point.last ? kExtended : kPlain));
    bytes.push_back(static_cast<char>(point.server));
    bytes.push_back(static_cast<char>((point.by_gtid ? kByGtid : kByPlace) +
                                      (point.in_snapshot ? kInSnapshot : 0)));
    if (point.by_gtid) {
        if (point.server == ServerKind::mysql) {
            point.executed.append_binary(bytes);
        } else {
            point.gtid_position.append_binary(bytes);
        }
    }
    append_sized(bytes, point.next.file);
    append_fixed(bytes, point.next.offset, Endian::big);
    append_varint(bytes, point.open_xa.size());
    for (const std::string& xid : point.open_xa) {
        append_sized(bytes, xid);
    }
    if (point.last) {
        append_fingerprint(bytes, *point.last);
    }
}

void encode_done_into(const Identity& identity, Position& out) {
    std::string& bytes = out.bytes;
    bytes.clear();
    const bool timed = identity.commit_time_us != 0;
    bytes.push_back(static_cast<char>(timed ? kExtended : kPlain));
    append_sized(bytes, identity.transaction.gtid);
    append_sized(bytes, identity.transaction.start.file);
    append_fixed(bytes, identity.transaction.start.offset, Endian::big);
    if (timed) {
        append_fixed(bytes, static_cast<std::uint64_t>(identity.commit_time_us), Endian::big);
    }
    append_fixed(bytes, identity.ordinal, Endian::big);
}

Position encode_resume(const ResumePoint& point) {
    Position out;
    encode_resume_into(point, out);
    return out;
}

Position encode_done(const Identity& identity) {
    Position out;
    encode_done_into(identity, out);
    return out;
}

Position whole(const Position& done) {
    auto identity = decode_done(done);
    if (!identity) {
        return done;
    }
    identity->ordinal = kWholeTransaction;
    return encode_done(*identity);
}

std::optional<ResumePoint> decode_resume(const Position& position) {
    ByteReader reader(position.bytes);
    ResumePoint out;
    const auto version = reader.fixed<std::uint8_t>();
    const auto server = reader.fixed<std::uint8_t>();
    const auto flags = reader.fixed<std::uint8_t>();
    const std::uint8_t mode = flags & static_cast<std::uint8_t>(~kInSnapshot);
    if ((version != kPlain && version != kExtended) || server < 1 || server > 2 ||
        (mode != kByGtid && mode != kByPlace)) {
        return std::nullopt;
    }
    out.server = static_cast<ServerKind>(server);
    out.by_gtid = mode == kByGtid;
    out.in_snapshot = flags != mode;
    if (out.by_gtid && out.server == ServerKind::mysql) {
        auto set = MysqlGtidSet::read_binary(reader);
        if (!set) {
            return std::nullopt;
        }
        out.executed = std::move(*set);
    } else if (out.by_gtid) {
        auto gtids = MariadbGtidPosition::read_binary(reader);
        if (!gtids) {
            return std::nullopt;
        }
        out.gtid_position = std::move(*gtids);
    }
    out.next.file = reader.sized();
    out.next.offset = reader.fixed<std::uint64_t>(Endian::big);
    std::uint64_t open = reader.varint();
    if (!reader.ok() || open > kOpenXaMax) {
        return std::nullopt;
    }
    for (; open > 0 && reader.ok(); --open) {
        out.open_xa.emplace_back(reader.sized());
    }
    if (version == kExtended) {
        out.last = read_fingerprint(reader);
    }
    if (!reader.ok() || !reader.at_end()) {
        return std::nullopt;
    }
    return out;
}

std::optional<Identity> decode_done(const Position& position) {
    ByteReader reader(position.bytes);
    Identity out;
    const auto version = reader.fixed<std::uint8_t>();
    out.transaction.gtid = reader.sized();
    out.transaction.start.file = reader.sized();
    out.transaction.start.offset = reader.fixed<std::uint64_t>(Endian::big);
    if (version == kExtended) {
        out.commit_time_us = static_cast<std::int64_t>(reader.fixed<std::uint64_t>(Endian::big));
    }
    out.ordinal = reader.fixed<std::uint32_t>(Endian::big);
    if ((version != kPlain && version != kExtended) || !reader.ok() || !reader.at_end()) {
        return std::nullopt;
    }
    return out;
}

void append_event_position(std::string& out, const TransactionId& id) {
    append_sized(out, id.gtid);
    if (id.gtid.empty()) {
        append_sized(out, id.start.file);
        append_fixed(out, id.start.offset, Endian::big);
    }
}

std::partial_ordering compare(const StartPoint& left, const StartPoint& right) {
    if (left.resume.empty() || right.resume.empty()) {
        return static_cast<int>(!left.resume.empty()) <=> static_cast<int>(!right.resume.empty());
    }
    const auto a = decode_resume(left.resume);
    const auto b = decode_resume(right.resume);
    if (!a || !b) {
        return std::partial_ordering::unordered;
    }
    const auto half_a = half_taken(*a, left.done);
    const auto half_b = half_taken(*b, right.done);
    const auto order = compare_resume(*a, *b);
    if (order == 0) {
        return compare_halves(half_a, half_b);
    }
    // The one that has less complete may have begun only what the other has complete or begun too.
    if (order < 0 && half_a && !covers(*b, half_a->transaction)) {
        return std::partial_ordering::unordered;
    }
    if (order > 0 && half_b && !covers(*a, half_b->transaction)) {
        return std::partial_ordering::unordered;
    }
    return order;
}

Verdict reconcile(const LogExtent& log, const Checkpoint& checkpoint, std::string_view identity) {
    const bool readable = (checkpoint.resume.empty() || decode_resume(checkpoint.resume)) &&
                          (checkpoint.done.empty() || decode_done(checkpoint.done));
    return core::reconcile(log, checkpoint, identity, readable, [&] {
        return compare(StartPoint{.resume = checkpoint.resume, .done = checkpoint.done},
                       StartPoint{.resume = log.resume, .done = log.done});
    });
}

std::string describe(const Position& position) {
    if (position.empty()) {
        return "none";
    }
    if (const auto resume = decode_resume(position)) {
        const std::string place = to_string(resume->next);
        return resume->by_gtid ? resume->gtids() + " (" + place + ")" : place;
    }
    if (const auto done = decode_done(position)) {
        return to_string(done->transaction) + (done->ordinal == kWholeTransaction
                                                   ? std::string(" whole")
                                                   : " #" + std::to_string(done->ordinal));
    }
    return "not a position of mysql";
}

}  // namespace tributary::mysql
