// Keys and values of rows that wait for XA COMMIT: xa_rows.h.
#include "connectors/mysql/intake/xa_rows.h"

#include <algorithm>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kHeadPrefix = "xh";
constexpr std::string_view kRowPrefix = "xr";
constexpr std::string_view kCommittedPrefix = "xc";
constexpr std::size_t kKeysPerScan = 64;

Error corrupt(std::string_view what) {
    return {errors::kEntryCorrupt, "rows of an open XA transaction: " + std::string(what)};
}

std::string committed_key(std::string_view xid) {
    return std::string(kCommittedPrefix).append(xid);
}

// take(what follows the prefix in the key, value)
Result<void> each_under(const SideReader& side, std::string_view prefix, const auto& take) {
    std::string after;
    for (;;) {
        TRIBUTARY_TRY(entries, side.scan(prefix, after, kKeysPerScan));
        for (const SideEntry& entry : entries) {
            TRIBUTARY_TRY_VOID(
                take(std::string_view(entry.key).substr(prefix.size()), entry.value));
        }
        if (entries.size() < kKeysPerScan) {
            return success();
        }
        after = entries.back().key;
    }
}

}  // namespace

std::string xa_head_key(std::string_view xid) {
    return std::string(kHeadPrefix).append(xid);
}

std::string xa_row_prefix(std::string_view xid) {
    return std::string(kRowPrefix).append(xid);
}

std::string xa_row_key(std::string_view xid, std::uint32_t ordinal) {
    std::string out = xa_row_prefix(xid);
    append_fixed(out, ordinal, Endian::big);
    return out;
}

std::string encode_xa_head(const XaHead& head) {
    std::string out(1, static_cast<char>(kVersion));
    append_sized(out, head.prepared.gtid);
    append_sized(out, head.prepared.start.file);
    append_fixed(out, head.prepared.start.offset, Endian::big);
    append_varint(out, head.bytes);
    append_fixed(out, head.rows_end, Endian::big);
    format::append_tallies(out, head.event_count, head.tables);
    return out;
}

Result<XaHead> decode_xa_head(std::string_view value) {
    ByteReader reader(value);
    XaHead out;
    const auto version = reader.fixed<std::uint8_t>();
    out.prepared.gtid = reader.sized();
    out.prepared.start.file = reader.sized();
    out.prepared.start.offset = reader.fixed<std::uint64_t>(Endian::big);
    out.bytes = reader.varint();
    out.rows_end = reader.fixed<std::uint32_t>(Endian::big);
    if (version != kVersion || !format::read_tallies(reader, out.event_count, out.tables)) {
        return corrupt("head of a wrong form");
    }
    return out;
}

void encode_xa_row(std::string& out, SchemaId schema, std::string_view payload) {
    append_fixed(out, schema.value(), Endian::big);
    out.append(payload);
}

Result<XaRow> decode_xa_row(std::string_view key, std::string_view value) {
    if (key.size() < 4 || value.size() < 4) {
        return corrupt("row of a wrong form");
    }
    XaRow out;
    out.ordinal = load<std::uint32_t>(key.data() + key.size() - 4, Endian::big);
    out.schema = SchemaId(load<std::uint32_t>(value.data(), Endian::big));
    out.payload = value.substr(4);
    return out;
}

Result<std::map<std::string, XaHead>> load_xa_heads(const SideReader& side) {
    std::map<std::string, XaHead> out;
    TRIBUTARY_TRY_VOID(each_under(
        side, kHeadPrefix, [&out](std::string_view xid, std::string_view value) -> Result<void> {
            TRIBUTARY_TRY(head, decode_xa_head(value));
            out.emplace(xid, std::move(head));
            return success();
        }));
    return out;
}

Result<CommittedXa> CommittedXa::load(const SideReader& side) {
    CommittedXa out;
    TRIBUTARY_TRY_VOID(each_under(
        side,
        kCommittedPrefix,
        [&out](std::string_view xid, std::string_view value) -> Result<void> {
            if (value.size() != sizeof(std::uint64_t)) {
                return corrupt("a commit of a wrong form");
            }
            out.by_number_[tributary::load<std::uint64_t>(value.data(), Endian::big)] = xid;
            return success();
        }));
    return out;
}

bool CommittedXa::contains(std::string_view xid) const {
    return find(xid) != by_number_.end();
}

void CommittedXa::add(const std::string& xid, EntrySink& sink) {
    forget(xid, sink);
    if (by_number_.size() == kKept) {
        sink.erase_side(committed_key(by_number_.begin()->second));
        by_number_.erase(by_number_.begin());
    }
    const std::uint64_t number = by_number_.empty() ? 1 : by_number_.rbegin()->first + 1;
    std::string value;
    append_fixed(value, number, Endian::big);
    sink.put_side(committed_key(xid), value);
    by_number_.emplace(number, xid);
}

void CommittedXa::forget(std::string_view xid, EntrySink& sink) {
    const auto found = find(xid);
    if (found != by_number_.end()) {
        sink.erase_side(committed_key(xid));
        by_number_.erase(found);
    }
}

CommittedXa::Commits::const_iterator CommittedXa::find(std::string_view xid) const {
    return std::find_if(by_number_.begin(), by_number_.end(), [xid](const auto& commit) {
        return commit.second == xid;
    });
}

}  // namespace tributary::mysql
