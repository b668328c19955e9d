// GTIDs, their sets and positions: gtid.h has the forms.
#include "connectors/mysql/binlog/gtid.h"

#include <algorithm>
#include <charconv>

#include "model/errors.h"

namespace tributary::mysql {
namespace {

using Uuid = std::array<std::uint8_t, 16>;

constexpr std::size_t kUuidTextBytes = 36;
// Numbers are signed 63-bit on both servers' wire; 0 is none on MySQL.
constexpr std::uint64_t kNumberMax = 0x7FFFFFFFFFFFFFFEULL;

bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::string without_blanks(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    std::copy_if(
        text.begin(), text.end(), std::back_inserter(out), [](char c) { return !is_blank(c); });
    return out;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != kUuidTextBytes) {
        return std::nullopt;
    }
    Uuid out{};
    std::size_t digits = 0;
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (index == 8 || index == 13 || index == 18 || index == 23) {
            if (text[index] != '-') {
                return std::nullopt;
            }
            continue;
        }
        const int digit = hex_digit(text[index]);
        if (digit < 0) {
            return std::nullopt;
        }
        auto& byte = out[digits / 2];
        byte = static_cast<std::uint8_t>(byte * 16 + digit);
        ++digits;
    }
    return out;
}

void append_uuid(std::string& out, const Uuid& uuid) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (std::size_t index = 0; index < uuid.size(); ++index) {
        if (index == 4 || index == 6 || index == 8 || index == 10) {
            out.push_back('-');
        }
        out.push_back(kDigits[uuid[index] >> 4U]);
        out.push_back(kDigits[uuid[index] & 0xFU]);
    }
}

void append_raw_uuid(std::string& out, const Uuid& uuid) {
    for (const std::uint8_t byte : uuid) {
        out.push_back(static_cast<char>(byte));
    }
}

Uuid to_uuid(std::string_view bytes) {
    Uuid out{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), out.size()), out.begin());
    return out;
}

// A tag: a letter or underscore, then letters, digits, underscores; made lower-case.
std::optional<std::string> parse_tag(std::string_view text) {
    if (text.empty() || text.size() > kGtidTagBytesMax) {
        return std::nullopt;
    }
    std::string out;
    for (const char c : text) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';
        if (!letter && (!digit || out.empty())) {
            return std::nullopt;
        }
        out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
    return out;
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint64_t> parse_gno(std::string_view text) {
    const auto value = parse_number<std::uint64_t>(text);
    return value && *value >= 1 && *value <= kNumberMax ? value : std::nullopt;
}

// Splits off the part before `separator`; the whole when there is none.
std::string_view take_part(std::string_view& rest, char separator) {
    const auto at = rest.find(separator);
    const auto part = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
    return part;
}

Error not_a_set(std::string_view part) {
    return {errors::kConfigInvalid, "'" + std::string(part) + "' is not a GTID set of MySQL"};
}

}  // namespace

std::string to_string(const MysqlGtid& gtid) {
    std::string out;
    append_uuid(out, gtid.uuid);
    out.push_back(':');
    if (!gtid.tag.empty()) {
        out.append(gtid.tag).push_back(':');
    }
    return out.append(std::to_string(gtid.number));
}

std::string to_string(const MariadbGtid& gtid) {
    return std::to_string(gtid.domain) + "-" + std::to_string(gtid.server) + "-" +
           std::to_string(gtid.number);
}

std::optional<MysqlGtid> parse_mysql_gtid(std::string_view text) {
    MysqlGtid out;
    const auto uuid = parse_uuid(take_part(text, ':'));
    if (!uuid) {
        return std::nullopt;
    }
    out.uuid = *uuid;
    if (text.find(':') != std::string_view::npos) {
        const auto tag = parse_tag(take_part(text, ':'));
        if (!tag) {
            return std::nullopt;
        }
        out.tag = *tag;
    }
    const auto number = parse_gno(text);
    if (!number) {
        return std::nullopt;
    }
    out.number = *number;
    return out;
}

std::optional<MariadbGtid> parse_mariadb_gtid(std::string_view text) {
    const auto domain = parse_number<std::uint32_t>(take_part(text, '-'));
    const auto server = parse_number<std::uint32_t>(take_part(text, '-'));
    const auto number = parse_number<std::uint64_t>(text);
    if (!domain || !server || !number) {
        return std::nullopt;
    }
    return MariadbGtid{*domain, *server, *number};
}

void MysqlGtidSet::add_interval(Intervals& intervals, Interval added) {
    // The usual case: the next number of the last interval.
    if (!intervals.empty() && intervals.back().last + 1 == added.first) {
        intervals.back().last = added.last;
        return;
    }
    // The first interval that ends at or after the place just before `added`.
    auto from = std::lower_bound(
        intervals.begin(), intervals.end(), added.first, [](const Interval& have, std::uint64_t n) {
            return have.last + 1 < n;
        });
    auto to = from;
    while (to != intervals.end() && to->first <= added.last + 1) {
        added.first = std::min(added.first, to->first);
        added.last = std::max(added.last, to->last);
        ++to;
    }
    from = intervals.erase(from, to);
    intervals.insert(from, added);
}

Result<MysqlGtidSet> MysqlGtidSet::parse(std::string_view text) {
    const std::string clean = without_blanks(text);
    MysqlGtidSet out;
    std::string_view rest = clean;
    while (!rest.empty()) {
        std::string_view part = take_part(rest, ',');
        if (part.empty()) {
            continue;  // MySQL takes empty parts too
        }
        const std::string_view whole = part;
        Source source;
        const auto uuid = parse_uuid(take_part(part, ':'));
        if (!uuid || part.empty()) {
            return not_a_set(whole);
        }
        source.uuid = *uuid;
        while (!part.empty()) {
            std::string_view piece = take_part(part, ':');
            if (const auto tag = parse_tag(piece)) {
                source.tag = *tag;
                continue;
            }
            const auto first = parse_gno(take_part(piece, '-'));
            const auto last = piece.empty() ? first : parse_gno(piece);
            if (!first || !last || *first > *last) {
                return not_a_set(whole);
            }
            add_interval(out.sources_[source], {*first, *last});
        }
    }
    return out;
}

void MysqlGtidSet::add(const MysqlGtid& gtid) {
    add_interval(sources_[{gtid.uuid, gtid.tag}], {gtid.number, gtid.number});
}

void MysqlGtidSet::add(const MysqlGtidSet& other) {
    for (const auto& [source, intervals] : other.sources_) {
        for (const Interval& interval : intervals) {
            add_interval(sources_[source], interval);
        }
    }
}

bool MysqlGtidSet::contains(const MysqlGtid& gtid) const {
    const auto found = sources_.find({gtid.uuid, gtid.tag});
    return found != sources_.end() &&
           std::any_of(found->second.begin(), found->second.end(), [&gtid](const Interval& have) {
               return have.first <= gtid.number && gtid.number <= have.last;
           });
}

bool MysqlGtidSet::contains(const MysqlGtidSet& other) const {
    return other.minus(*this).empty();
}

MysqlGtidSet MysqlGtidSet::minus(const MysqlGtidSet& other) const {
    MysqlGtidSet out;
    for (const auto& [source, intervals] : sources_) {
        const auto found = other.sources_.find(source);
        const Intervals none;
        const Intervals& removed = found == other.sources_.end() ? none : found->second;
        for (const Interval& interval : intervals) {
            std::uint64_t next = interval.first;
            for (const Interval& hole : removed) {
                if (hole.last < next || hole.first > interval.last) {
                    continue;
                }
                if (hole.first > next) {
                    add_interval(out.sources_[source], {next, hole.first - 1});
                }
                next = hole.last + 1;
            }
            if (next <= interval.last) {
                add_interval(out.sources_[source], {next, interval.last});
            }
        }
    }
    return out;
}

bool MysqlGtidSet::has_tags() const noexcept {
    return std::any_of(sources_.begin(), sources_.end(), [](const auto& entry) {
        return !entry.first.tag.empty();
    });
}

std::string MysqlGtidSet::to_string() const {
    std::string out;
    const Uuid* last = nullptr;
    for (const auto& [source, intervals] : sources_) {
        if (last == nullptr || *last != source.uuid) {
            if (!out.empty()) {
                out.push_back(',');
            }
            append_uuid(out, source.uuid);
            last = &source.uuid;
        }
        if (!source.tag.empty()) {
            out.append(":").append(source.tag);
        }
        for (const Interval& interval : intervals) {
            out.append(":").append(std::to_string(interval.first));
            if (interval.last != interval.first) {
                out.append("-").append(std::to_string(interval.last));
            }
        }
    }
    return out;
}

std::string MysqlGtidSet::dump_bytes() const {
    std::string out;
    const bool tagged = has_tags();
    const std::uint64_t count = sources_.size();
    append_fixed(out, tagged ? (1ULL << 56U) | (count << 8U) | 1U : count);
    for (const auto& [source, intervals] : sources_) {
        append_raw_uuid(out, source.uuid);
        if (tagged) {
            out.push_back(static_cast<char>(source.tag.size() << 1U));
            out.append(source.tag);
        }
        append_fixed(out, static_cast<std::uint64_t>(intervals.size()));
        for (const Interval& interval : intervals) {
            append_fixed(out, interval.first);
            append_fixed(out, interval.last + 1);
        }
    }
    return out;
}

Result<MysqlGtidSet> MysqlGtidSet::parse_dump_bytes(std::string_view bytes) {
    ByteReader reader(bytes);
    MysqlGtidSet out;
    const auto head = reader.fixed<std::uint64_t>();
    const bool tagged = (head >> 56U) == 1;
    std::uint64_t left = tagged ? (head >> 8U) & 0xFFFFFFFFFFULL : head;
    for (; left > 0 && reader.ok(); --left) {
        Source source;
        source.uuid = to_uuid(reader.bytes(16));
        if (tagged) {
            const auto size = reader.fixed<std::uint8_t>();
            source.tag = reader.bytes(size >> 1U);
        }
        auto intervals = reader.fixed<std::uint64_t>();
        for (; intervals > 0 && reader.ok(); --intervals) {
            const auto first = reader.fixed<std::uint64_t>();
            const auto end = reader.fixed<std::uint64_t>();
            if (!reader.ok() || first < 1 || end <= first || end - 1 > kNumberMax) {
                reader.fail();
                break;
            }
            add_interval(out.sources_[source], {first, end - 1});
        }
    }
    if (!reader.ok() || !reader.at_end()) {
        return Error(errors::kProtocolViolation,
                     "GTID set of a wrong form, " + std::to_string(bytes.size()) + " bytes");
    }
    return out;
}

void MysqlGtidSet::append_binary(std::string& out) const {
    append_varint(out, sources_.size());
    for (const auto& [source, intervals] : sources_) {
        append_raw_uuid(out, source.uuid);
        append_sized(out, source.tag);
        append_varint(out, intervals.size());
        for (const Interval& interval : intervals) {
            append_fixed(out, interval.first, Endian::big);
            append_fixed(out, interval.last, Endian::big);
        }
    }
}

std::optional<MysqlGtidSet> MysqlGtidSet::read_binary(ByteReader& reader) {
    MysqlGtidSet out;
    for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
        Source source;
        source.uuid = to_uuid(reader.bytes(16));
        source.tag = reader.sized();
        for (std::uint64_t more = reader.varint(); more > 0 && reader.ok(); --more) {
            const auto first = reader.fixed<std::uint64_t>(Endian::big);
            const auto last = reader.fixed<std::uint64_t>(Endian::big);
            if (!reader.ok() || first < 1 || last < first || last > kNumberMax) {
                reader.fail();
                break;
            }
            add_interval(out.sources_[source], {first, last});
        }
    }
    return reader.ok() ? std::optional(std::move(out)) : std::nullopt;
}

Result<MariadbGtidPosition> MariadbGtidPosition::parse(std::string_view text) {
    const std::string clean = without_blanks(text);
    MariadbGtidPosition out;
    std::string_view rest = clean;
    while (!rest.empty()) {
        const std::string_view part = take_part(rest, ',');
        const auto gtid = parse_mariadb_gtid(part);
        if (!gtid || !out.domains_.emplace(gtid->domain, *gtid).second) {
            return Error(errors::kConfigInvalid,
                         "'" + std::string(part) + "' is not a GTID of MariaDB" +
                             (gtid ? ", or its domain is named twice" : ""));
        }
    }
    return out;
}

void MariadbGtidPosition::add(const MariadbGtid& gtid) {
    domains_[gtid.domain] = gtid;
}

const MariadbGtid* MariadbGtidPosition::find(std::uint32_t domain) const {
    const auto found = domains_.find(domain);
    return found == domains_.end() ? nullptr : &found->second;
}

bool MariadbGtidPosition::contains(const MariadbGtid& gtid) const {
    const auto found = domains_.find(gtid.domain);
    return found != domains_.end() && gtid.number <= found->second.number;
}

bool MariadbGtidPosition::contains(const MariadbGtidPosition& other) const {
    return std::all_of(other.domains_.begin(), other.domains_.end(), [this](const auto& entry) {
        return contains(entry.second);
    });
}

std::string MariadbGtidPosition::to_string() const {
    std::string out;
    for (const auto& [domain, gtid] : domains_) {
        if (!out.empty()) {
            out.push_back(',');
        }
        out.append(mysql::to_string(gtid));
    }
    return out;
}

void MariadbGtidPosition::append_binary(std::string& out) const {
    append_varint(out, domains_.size());
    for (const auto& [domain, gtid] : domains_) {
        append_fixed(out, gtid.domain, Endian::big);
        append_fixed(out, gtid.server, Endian::big);
        append_fixed(out, gtid.number, Endian::big);
    }
}

std::optional<MariadbGtidPosition> MariadbGtidPosition::read_binary(ByteReader& reader) {
    MariadbGtidPosition out;
    for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
        MariadbGtid gtid;
        gtid.domain = reader.fixed<std::uint32_t>(Endian::big);
        gtid.server = reader.fixed<std::uint32_t>(Endian::big);
        gtid.number = reader.fixed<std::uint64_t>(Endian::big);
        if (reader.ok()) {
            out.add(gtid);
        }
    }
    return reader.ok() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace tributary::mysql
