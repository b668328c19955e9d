// Events as bytes; see the header.
#include "tests/sim/binlog_bytes.h"

#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"

namespace tributary::sim::binlog {
namespace {

constexpr std::size_t kCrcBytes = 4;
constexpr std::uint32_t kThread = 77;

std::string named(std::string_view text) {
    return std::string(1, static_cast<char>(text.size())).append(text);
}

// One field of a table map's optional metadata.
std::string field(int type, std::string_view bytes) {
    return std::string(1, static_cast<char>(type)) + named(bytes);
}

void put_table_id(std::string& out, std::uint64_t id) {
    append_fixed(out, static_cast<std::uint32_t>(id));
    append_fixed(out, std::uint16_t{0});
}

// A bit for each column, all of them alike.
std::string bitmap(std::size_t version, char byte) {
    constexpr std::size_t kBitsPerByte = 8;
    return std::string((2 + version + kBitsPerByte - 1) / kBitsPerByte, byte);
}

// Which columns an image has: all, or only that one.
constexpr char kId = 1;
constexpr char kV = 2;
constexpr char kAll = '\xff';

std::string present(const SimRow& row, char columns) {
    std::string out = bitmap(row.version, columns == kAll ? kAll : '\0');
    out[0] = columns;
    return out;
}

// Columns: id INT, v VARCHAR(10000), and one VARCHAR(40) more per version of the structure.
std::string image(const SimRow& row, char columns, int key, const RowState& state) {
    std::string out = bitmap(columns == kAll ? row.version : 0, '\0');  // nothing is NULL
    if ((columns & kId) != 0) {
        append_fixed(out, static_cast<std::uint32_t>(key));
    }
    if ((columns & kV) != 0) {
        append_fixed(out, static_cast<std::uint16_t>(state.value.size()));
        out.append(state.value);
    }
    for (std::size_t more = 0; columns == kAll && more < row.version; ++more) {
        out += named(more == 0 && !state.toast.empty() ? state.toast : "m");
    }
    return out;
}

void put_wide(std::string& out, std::uint64_t value, std::size_t bytes) {
    for (; bytes > 0; --bytes, value >>= 8U) {
        out.push_back(static_cast<char>(value & 0xFFU));
    }
}

std::string put_header(mysql::EventType type,
                       const Head& head,
                       std::optional<std::uint64_t> offset,
                       std::size_t body_bytes) {
    const auto length = static_cast<std::uint32_t>(mysql::kEventHeaderBytes + body_bytes);
    std::string out;
    append_fixed(out, head.time_s);
    out.push_back(static_cast<char>(type));
    append_fixed(out, head.server_id);
    append_fixed(out, length);
    append_fixed(out, offset ? static_cast<std::uint32_t>(*offset + length) : std::uint32_t{0});
    append_fixed(out, head.flags);
    return out;
}

// MySQL's packed integer.
void put_packed(std::string& out, std::uint64_t value) {
    if (value < 251) {
        out.push_back(static_cast<char>(value));
    } else {
        out.push_back('\xfd');
        put_wide(out, value, 3);
    }
}

// MySQL's serialization form: as many ones from below in the first byte as bytes follow it, a zero,
// then the value's bits.
void put_variable(std::string& out, std::uint64_t value) {
    std::size_t more = 0;
    while (more < 8 && value >> (7 * (more + 1)) != 0) {
        ++more;
    }
    const std::uint64_t ones = (1ULL << more) - 1;
    if (more == 8) {
        out.push_back('\xff');
        put_wide(out, value, 8);
    } else {
        put_wide(out, ones | value << (more + 1), more + 1);
    }
}

void put_signed(std::string& out, std::uint64_t value) {
    put_variable(out, value << 1U);
}

}  // namespace

std::string inner_event(mysql::EventType type, const Head& head, std::string_view body) {
    return put_header(type, head, {}, body.size()).append(body);
}

std::string event(mysql::EventType type,
                  const Head& head,
                  std::optional<std::uint64_t> offset,
                  std::string_view body) {
    std::string out = put_header(type, head, offset, body.size() + kCrcBytes).append(body);
    append_fixed(out,
                 static_cast<std::uint32_t>(
                     ::crc32_z(0, reinterpret_cast<const unsigned char*>(out.data()), out.size())));
    return out;
}

std::string heartbeat(std::uint32_t server_id, std::string_view file, std::uint64_t offset) {
    // Its end position is the place itself.
    const std::uint64_t length = mysql::kEventHeaderBytes + file.size() + kCrcBytes;
    return event(mysql::EventType::heartbeat, {.server_id = server_id}, offset - length, file);
}

std::string format_description(std::uint32_t created_s) {
    constexpr std::size_t kVersionBytes = 50;
    constexpr std::size_t kTypes = 42;
    std::string out;
    append_fixed(out, std::uint16_t{4});
    std::string version = "simulated";
    version.resize(kVersionBytes);
    out += version;
    append_fixed(out, created_s);
    out.push_back(static_cast<char>(mysql::kEventHeaderBytes));
    out.append(kTypes, '\0');
    out.push_back('\1');  // CRC32
    return out;
}

std::string rotate(std::string_view file, std::uint64_t offset) {
    std::string out;
    append_fixed(out, offset);
    return out.append(file);
}

std::string query(std::string_view text) {
    constexpr std::string_view kDatabase = "shop";
    std::string out;
    append_fixed(out, kThread);
    append_fixed(out, std::uint32_t{0});
    out.push_back(static_cast<char>(kDatabase.size()));
    append_fixed(out, std::uint16_t{0});
    append_fixed(out, std::uint16_t{0});
    return out.append(kDatabase).append(1, '\0').append(text);
}

std::string gtid(const std::optional<mysql::MysqlGtid>& gtid,
                 std::int64_t commit_us,
                 std::int64_t original_us) {
    constexpr std::uint64_t kOriginalFollows = 1ULL << 55U;
    const bool copied = commit_us != original_us;
    std::string out(1, '\0');
    for (std::size_t at = 0; at < 16; ++at) {
        out.push_back(gtid ? static_cast<char>(gtid->uuid[at]) : '\0');
    }
    append_fixed(out, gtid ? gtid->number : std::uint64_t{0});
    out.push_back('\2');
    out.append(16, '\0');
    put_wide(out, static_cast<std::uint64_t>(commit_us) | (copied ? kOriginalFollows : 0), 7);
    if (copied) {
        put_wide(out, static_cast<std::uint64_t>(original_us), 7);
    }
    out.push_back('\0');  // transaction length
    return out;
}

std::string tagged_gtid(const mysql::MysqlGtid& gtid,
                        std::int64_t commit_us,
                        std::int64_t original_us) {
    constexpr std::uint64_t kNoneOfTheseMayBeIgnored = 0;
    std::string fields;
    const auto field = [&fields](std::uint64_t id, std::uint64_t value) {
        put_variable(fields, id);
        put_variable(fields, value);
    };
    field(0, 0);  // flags
    put_variable(fields, 1);
    for (const std::uint8_t byte : gtid.uuid) {
        put_variable(fields, byte);
    }
    put_variable(fields, 2);
    put_signed(fields, gtid.number);
    field(3, gtid.tag.size());
    fields += gtid.tag;
    field(6, static_cast<std::uint64_t>(commit_us));
    if (commit_us != original_us) {
        field(7, static_cast<std::uint64_t>(original_us));
    }
    std::string out;
    put_variable(out, 1);  // version
    put_variable(out, fields.size());
    put_variable(out, kNoneOfTheseMayBeIgnored);
    return out + fields;
}

std::string mariadb_gtid(const mysql::MariadbGtid& gtid, std::uint8_t flags, std::string_view xid) {
    std::string out;
    append_fixed(out, gtid.number);
    append_fixed(out, gtid.domain);
    out.push_back(static_cast<char>(flags));
    return out.append(xid.empty() ? std::string_view("\0\0\0\0\0\0", 6) : xid);
}

std::string gtid_list(const mysql::MariadbGtidPosition& position) {
    std::string out;
    append_fixed(out, std::uint32_t{0});
    return out.append(position.to_string());  // nobody reads it
}

std::string payload(std::string_view events) {
    std::string packed(ZSTD_compressBound(events.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), events.data(), events.size(), 3));
    std::string out;
    const auto field = [&out](char id, std::uint64_t value) {
        std::string number;
        put_packed(number, value);
        out.append(1, id).append(named(number));
    };
    field(2, 0);  // zstd
    field(3, events.size());
    field(1, packed.size());
    return out.append(1, '\0').append(packed);
}

std::string xa_prepare(bool one_phase, std::string_view gtrid) {
    std::string out(1, one_phase ? '\1' : '\0');
    append_fixed(out, std::uint32_t{1});
    append_fixed(out, static_cast<std::uint32_t>(gtrid.size()));
    append_fixed(out, std::uint32_t{0});
    return out.append(gtrid);
}

std::string table_map(std::uint64_t table_id,
                      std::size_t table,
                      std::size_t version,
                      mysql::ServerKind server,
                      bool has_key) {
    constexpr char kLong = 3;
    constexpr char kVarchar = 15;
    std::string types{kLong, kVarchar};
    types.append(version, kVarchar);
    std::string sizes("\x40\x9c", 2);  // 40,000 bytes, then 160 each
    std::string names = named("id") + named("v");
    for (std::size_t more = 0; more < version; ++more) {
        sizes.append("\xa0\x00", 2);
        names += named("more" + std::to_string(more));
    }
    std::string out;
    put_table_id(out, table_id);
    append_fixed(out, std::uint16_t{1});
    out += named("shop") + '\0' + named(table_name(table)) + '\0';
    out += named(types) + named(sizes);
    out += bitmap(version, '\0');           // nothing may be NULL
    out += field(1, std::string(1, '\0'));  // id is signed
    // utf8mb4_0900_ai_ci, utf8mb4_general_ci
    out += server == mysql::ServerKind::mysql ? field(2, std::string_view("\xfc\xff\x00", 3))
                                              : field(2, "\x2d");
    out += field(4, names);
    return has_key ? out + field(8, std::string(1, '\0')) : out;  // primary key: id
}

mysql::EventType rows_type(Op op) {
    switch (op) {
        case Op::insert:
            return mysql::EventType::write_rows;
        case Op::update:
        case Op::move_key:
            return mysql::EventType::update_rows;
        case Op::remove:
            return mysql::EventType::delete_rows;
        case Op::truncate:
            return mysql::EventType::query;
    }
    return mysql::EventType::query;
}

std::string rows(std::uint64_t table_id, const std::vector<SimRow>& rows, bool has_key) {
    const bool update = rows_type(rows.front().op) == mysql::EventType::update_rows;
    // As binlog_row_image = MINIMAL has it: which row, and what is new in it.
    const bool partial = rows.front().keeps_toast;
    const char before = partial && has_key ? kId : kAll;
    const char after = partial ? kV : kAll;
    std::string out;
    put_table_id(out, table_id);
    append_fixed(out, std::uint16_t{1});  // the statement ends
    append_fixed(out, std::uint16_t{2});
    out.push_back(static_cast<char>(2 + rows.front().version));
    out += present(rows.front(), before);
    out += update ? present(rows.front(), after) : "";
    for (const SimRow& row : rows) {
        const RowState now{row.value, row.toast};
        if (row.op != Op::insert) {
            const RowState unknown{row.op == Op::update ? "before" : row.value, ""};
            out += image(row, before, row.key, row.before.value.empty() ? unknown : row.before);
        }
        if (row.op != Op::remove) {
            out += image(row, after, row.op == Op::move_key ? row.new_key : row.key, now);
        }
    }
    return out;
}

std::string xa_statement(std::string_view verb, std::string_view gtrid) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (const char c : gtrid) {
        hex.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
        hex.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
    }
    return "XA " + std::string(verb) + " X'" + hex + "',X'',1";
}

}  // namespace tributary::sim::binlog
