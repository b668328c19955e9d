// Global transaction identifiers of both servers, and the sets and positions made of them. Pure;
// any thread.
//   MySQL     "uuid:number" or "uuid:tag:number" (8.3 and later); a set maps (uuid, tag) to
//             intervals of numbers: "uuid:1-5:8:tag:1-3,uuid:7"
//   MariaDB   "domain-server-number"; a position has the last one of each domain: "0-1-5,1-2-7"
// MySQL source documentation, "Gtid_set" and "COM_BINLOG_DUMP_GTID"; MariaDB knowledge base,
// "Global Transaction ID". Text is canonical: lower-case, sorted, without blanks.
//
// Binary form of a set (in positions; big-endian)
//   varint   count of sources; each: 16 bytes uuid, sized tag, varint count of intervals; each:
//            fixed64 first, fixed64 last
// Binary form of a MariaDB position
//   varint   count of domains; each: fixed32 domain, fixed32 server, fixed64 number
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "connectors/mysql/server_kind.h"

namespace tributary::mysql {

inline constexpr std::size_t kGtidTagBytesMax = 32;

struct MysqlGtid {
    std::array<std::uint8_t, 16> uuid{};
    std::string tag{};  // empty: none
    std::uint64_t number = 0;
    friend bool operator==(const MysqlGtid&, const MysqlGtid&) = default;
};

struct MariadbGtid {
    std::uint32_t domain = 0;
    std::uint32_t server = 0;
    std::uint64_t number = 0;
    friend bool operator==(const MariadbGtid&, const MariadbGtid&) = default;
};

[[nodiscard]] std::string to_string(const MysqlGtid& gtid);
[[nodiscard]] std::string to_string(const MariadbGtid& gtid);
// nullopt when the text is not exactly one identifier.
[[nodiscard]] std::optional<MysqlGtid> parse_mysql_gtid(std::string_view text);
[[nodiscard]] std::optional<MariadbGtid> parse_mariadb_gtid(std::string_view text);

class MysqlGtidSet {
  public:
    // Text as of @@gtid_executed, blanks and newlines allowed. kConfigInvalid, with the place.
    [[nodiscard]] static Result<MysqlGtidSet> parse(std::string_view text);

    void add(const MysqlGtid& gtid);
    void add(const MysqlGtidSet& other);
    [[nodiscard]] bool contains(const MysqlGtid& gtid) const;
    // Every transaction of `other` is in this one.
    [[nodiscard]] bool contains(const MysqlGtidSet& other) const;
    // What is in this set and not in `other`.
    [[nodiscard]] MysqlGtidSet minus(const MysqlGtidSet& other) const;
    [[nodiscard]] bool empty() const noexcept { return sources_.empty(); }
    [[nodiscard]] bool has_tags() const noexcept;
    [[nodiscard]] std::string to_string() const;

    // The set as COM_BINLOG_DUMP_GTID takes it: the tagged form (MySQL 8.3 and later) only when a
    // tag is in it.
    [[nodiscard]] std::string dump_bytes() const;
    // PREVIOUS_GTIDS_LOG_EVENT has the same form. kProtocolViolation.
    [[nodiscard]] static Result<MysqlGtidSet> parse_dump_bytes(std::string_view bytes);

    void append_binary(std::string& out) const;
    // nullopt when it is not as written; `reader` stands behind it otherwise.
    [[nodiscard]] static std::optional<MysqlGtidSet> read_binary(ByteReader& reader);

    friend bool operator==(const MysqlGtidSet&, const MysqlGtidSet&) = default;

  private:
    struct Interval {
        std::uint64_t first = 0;
        std::uint64_t last = 0;  // included
        friend bool operator==(const Interval&, const Interval&) = default;
    };
    struct Source {
        std::array<std::uint8_t, 16> uuid{};
        std::string tag;
        friend auto operator<=>(const Source&, const Source&) = default;
    };
    using Intervals = std::vector<Interval>;  // sorted, disjoint, not adjacent, not empty
    static void add_interval(Intervals& intervals, Interval added);

    std::map<Source, Intervals> sources_;
};

class MariadbGtidPosition {
  public:
    // Text as of @@gtid_binlog_pos, blanks allowed. kConfigInvalid: not one, or a domain twice.
    [[nodiscard]] static Result<MariadbGtidPosition> parse(std::string_view text);

    // `gtid` becomes the last of its domain.
    void add(const MariadbGtid& gtid);
    void remove(std::uint32_t domain) { domains_.erase(domain); }
    // The last of `domain`; nullptr when it has none.
    [[nodiscard]] const MariadbGtid* find(std::uint32_t domain) const;
    // Its domain's last number is at or after it; servers of a domain share its numbers.
    [[nodiscard]] bool contains(const MariadbGtid& gtid) const;
    [[nodiscard]] bool contains(const MariadbGtidPosition& other) const;
    [[nodiscard]] bool empty() const noexcept { return domains_.empty(); }
    // What @slave_connect_state takes.
    [[nodiscard]] std::string to_string() const;

    void append_binary(std::string& out) const;
    [[nodiscard]] static std::optional<MariadbGtidPosition> read_binary(ByteReader& reader);

    friend bool operator==(const MariadbGtidPosition&, const MariadbGtidPosition&) = default;

  private:
    std::map<std::uint32_t, MariadbGtid> domains_;
};

}  // namespace tributary::mysql
