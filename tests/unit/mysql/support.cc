// What the tests of MySQL's stream half share: support.h.
#include "support.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/position.h"

namespace tributary::mysql::test {
namespace {

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
        out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
    }
    return out;
}

void open_payload(std::string_view body,
                  std::uint64_t offset,
                  std::uint64_t next,
                  std::vector<FileEvent>& out) {
    const auto head = parse_payload_head(body).value();
    std::string plain(static_cast<std::size_t>(head.uncompressed_bytes), '\0');
    const std::string_view packed = body.substr(head.payload_offset);
    const std::size_t size =
        ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
    ASSERT_EQ(size, plain.size());
    std::string_view left = plain;
    for (std::uint32_t inner = 1; !left.empty(); ++inner) {
        const auto length = parse_header(left).value().length;
        out.push_back({std::string(left.substr(0, length)), offset, inner, next});
        left.remove_prefix(length);
    }
}

}  // namespace

SchemaId RecordingSink::intern(std::shared_ptr<const TableSchema> schema) {
    for (std::size_t index = 0; index < schemas.size(); ++index) {
        if (*schemas[index] == *schema) {
            return SchemaId(static_cast<std::uint32_t>(index + 1));
        }
    }
    schemas.push_back(std::move(schema));
    return SchemaId(static_cast<std::uint32_t>(schemas.size()));
}

void RecordingSink::context(std::string_view bytes, std::int64_t /*intake_time_us*/) {
    context_ = bytes;
}

void RecordingSink::append(EntryKind kind,
                           SchemaId schema,
                           std::uint32_t ordinal,
                           std::string_view payload,
                           const Position& done) {
    crashes_.push_back({entries.size(), now, durable_side_});
    for (const SideWrite& write : waiting_) {
        if (write.value) {
            durable_side_.insert_or_assign(write.key, *write.value);
        } else {
            durable_side_.erase(write.key);
        }
    }
    waiting_.clear();
    entries.push_back({kind, schema, ordinal, context_, std::string(payload), done});
    now.done = done;
}

void RecordingSink::put_side(std::string_view key, std::string_view value) {
    side.insert_or_assign(std::string(key), std::string(value));
    waiting_.push_back({std::string(key), std::string(value)});
    ++side_puts;
}

void RecordingSink::erase_side(std::string_view key) {
    side.erase(std::string(key));
    waiting_.push_back({std::string(key), std::nullopt});
}

Result<std::optional<std::string>> RecordingSink::get(std::string_view key) const {
    const auto found = side.find(std::string(key));
    return found == side.end() ? std::optional<std::string>() : found->second;
}

Result<std::vector<SideEntry>> RecordingSink::scan(std::string_view prefix,
                                                   std::string_view after,
                                                   std::size_t limit) const {
    std::vector<SideEntry> out;
    for (auto at = side.upper_bound(std::max(std::string(prefix), std::string(after)));
         at != side.end() && at->first.starts_with(prefix) && out.size() < limit;
         ++at) {
        out.push_back({at->first, at->second});
    }
    return out;
}

std::vector<Kept> RecordingSink::told() const {
    std::vector<Kept> out;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(out), [](const Kept& kept) {
        return kept.kind != EntryKind::position;
    });
    return out;
}

std::vector<RecordingSink::Crash> RecordingSink::crashes() const {
    auto out = crashes_;
    out.push_back({entries.size(), now, durable_side_});
    return out;
}

RecordingSink RecordingSink::restarted(const Crash& crash) const {
    RecordingSink out;
    out.schemas = schemas;
    out.entries.assign(entries.begin(),
                       entries.begin() + static_cast<std::ptrdiff_t>(crash.entries));
    out.now = crash.start;
    out.side = crash.side;
    out.durable_side_ = crash.side;
    return out;
}

std::vector<FileEvent> read_binlog(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    EXPECT_EQ(bytes.substr(0, 4),
              "\xfe"
              "bin")
        << path;
    std::vector<FileEvent> out;
    for (std::size_t at = 4; at < bytes.size();) {
        const std::string_view rest = std::string_view(bytes).substr(at);
        const auto header = parse_header(rest).value();
        const std::string_view event = rest.substr(0, header.length - 4);
        const std::uint64_t next = at + header.length;
        if (header.type == EventType::transaction_payload) {
            open_payload(event.substr(kEventHeaderBytes), at, next, out);
        } else {
            out.push_back({std::string(event), at, 0, next});
        }
        at += header.length;
    }
    return out;
}

EventView view(const FileEvent& event, std::string_view file) {
    return {.bytes = event.bytes,
            .file = file,
            .offset = event.offset,
            .inner = event.inner,
            .next = event.next};
}

std::string describe(const RecordingSink& sink, const Kept& entry) {
    const auto context = parse_context(entry.context).value();
    std::string out = context.gtid.empty() ? std::string("-") : std::string(context.gtid);
    out += " " + std::string(context.file) + ":" + std::to_string(context.offset) + " ";
    if (entry.kind == EntryKind::position) {
        return out + "position";
    }
    out += "server " + std::to_string(context.server_id) + " thread " +
           std::to_string(context.thread_id) + " ";
    if (!context.xid.empty()) {
        out += "xa " + describe_xid(context.xid) + " ";
    }
    if (entry.kind == EntryKind::transaction_end) {
        const auto end = parse_transaction_end(entry.payload).value();
        out += "end " + std::to_string(end.offset) + " events " + std::to_string(end.event_count);
        for (const auto& tally : end.tables) {
            out += " " + tally.table + "=" + std::to_string(tally.count);
        }
        return out;
    }
    const auto head = parse_event_head(entry.payload).value();
    const TableSchema& schema = *sink.schemas[entry.schema.value() - 1];
    const auto images = split_images(head, schema.columns.size()).value();
    out += std::string(1, head.operation) + " " + schema.database + "." + schema.table + "/" +
           std::to_string(entry.schema.value()) + " #" + std::to_string(entry.ordinal) + " order " +
           std::to_string(head.order) + "," + std::to_string(head.table_order) + " at " +
           std::to_string(head.offset) + "," + std::to_string(head.inner) + "," +
           std::to_string(head.row);
    return out + " " + hex(images.present_before) + "|" + hex(images.present_after) + "|" +
           hex(images.images);
}

std::string difference(const RecordingSink& left, const RecordingSink& right) {
    const auto a = left.told();
    const auto b = right.told();
    for (std::size_t index = 0; index < std::max(a.size(), b.size()); ++index) {
        const std::string ours = index < a.size() ? describe(left, a[index]) : "nothing";
        const std::string theirs = index < b.size() ? describe(right, b[index]) : "nothing";
        if (ours != theirs || !(a[index] == b[index])) {
            return std::to_string(index) + ": " + ours + "\n not " + theirs;
        }
    }
    return {};
}

FileEvent Wire::event(EventType type, std::string_view body, std::uint16_t flags) {
    FileEvent out;
    out.offset = offset_;
    const auto length = static_cast<std::uint32_t>(kEventHeaderBytes + body.size() + 4);
    offset_ += length;
    out.next = offset_;
    append_fixed(out.bytes, std::uint32_t{1'000'000'000});
    out.bytes.push_back(static_cast<char>(type));
    append_fixed(out.bytes, std::uint32_t{7});
    append_fixed(out.bytes, length);
    append_fixed(out.bytes, static_cast<std::uint32_t>(offset_));
    append_fixed(out.bytes, flags);
    out.bytes.append(body);
    return out;
}

FileEvent Wire::gtid(std::uint64_t number) {
    std::string body(1, '\0');
    body.append(16, '\x11');
    append_fixed(body, number);
    return event(EventType::gtid, body);
}

FileEvent Wire::anonymous() {
    return event(EventType::anonymous_gtid, std::string(25, '\0'));
}

FileEvent Wire::mariadb_gtid(std::uint64_t number,
                             std::uint8_t flags,
                             std::string_view xid,
                             std::uint32_t domain) {
    std::string body;
    append_fixed(body, number);
    append_fixed(body, domain);
    body.push_back(static_cast<char>(flags));
    body.append(xid.empty() ? std::string_view("\0\0\0\0\0\0", 6) : xid);
    return event(EventType::mariadb_gtid, body);
}

FileEvent Wire::query(std::string_view text, std::string_view database) {
    std::string body;
    append_fixed(body, std::uint32_t{77});
    append_fixed(body, std::uint32_t{0});
    body.push_back(static_cast<char>(database.size()));
    append_fixed(body, std::uint16_t{0});
    append_fixed(body, std::uint16_t{0});
    body.append(database).append(1, '\0').append(text);
    return event(EventType::query, body);
}

FileEvent Wire::table_map(std::uint64_t id, std::string_view database, std::string_view table) {
    std::string body;
    append_fixed(body, static_cast<std::uint32_t>(id));
    append_fixed(body, std::uint16_t{0});
    append_fixed(body, std::uint16_t{1});
    for (const std::string_view name : {database, table}) {
        body.push_back(static_cast<char>(name.size()));
        body.append(name).append(1, '\0');
    }
    // int, varchar(160 bytes); the second is nullable; signed, utf8mb4, names, primary key id
    body.append("\x02\x03\x0f\x02\xa0\x00\x02", 7);
    body.append("\x01\x01\x00\x02\x03\xfc\xff\x00\x04\x08\x02id\x04name\x08\x01\x00", 21);
    return event(EventType::table_map, body);
}

FileEvent Wire::write_rows(std::uint64_t id, const std::vector<std::pair<int, std::string>>& rows) {
    std::string body;
    append_fixed(body, static_cast<std::uint32_t>(id));
    append_fixed(body, std::uint16_t{0});
    append_fixed(body, std::uint16_t{1});
    append_fixed(body, std::uint16_t{2});
    body.append("\x02\xff", 2);
    for (const auto& [number, name] : rows) {
        body.push_back('\0');
        append_fixed(body, static_cast<std::uint32_t>(number));
        body.push_back(static_cast<char>(name.size()));
        body.append(name);
    }
    return event(EventType::write_rows, body);
}

FileEvent Wire::update_row(std::uint64_t id,
                           const std::pair<int, std::string>& before,
                           const std::pair<int, std::string>& after) {
    std::string body;
    append_fixed(body, static_cast<std::uint32_t>(id));
    append_fixed(body, std::uint16_t{0});
    append_fixed(body, std::uint16_t{1});
    append_fixed(body, std::uint16_t{2});
    body.append("\x02\xff\xff", 3);
    for (const auto& [number, name] : {before, after}) {
        body.push_back('\0');
        append_fixed(body, static_cast<std::uint32_t>(number));
        body.push_back(static_cast<char>(name.size()));
        body.append(name);
    }
    return event(EventType::update_rows, body);
}

FileEvent Wire::xa_prepare(bool one_phase, std::string_view gtrid) {
    std::string body(1, one_phase ? '\1' : '\0');
    append_fixed(body, std::uint32_t{1});
    append_fixed(body, static_cast<std::uint32_t>(gtrid.size()));
    append_fixed(body, std::uint32_t{0});
    body.append(gtrid);
    return event(EventType::xa_prepare, body);
}

std::string xid_bytes(std::string_view gtrid) {
    return make_xid(1, gtrid, "").value();
}

ResumePoint beginning(ServerKind server, bool by_gtid) {
    ResumePoint out;
    out.server = server;
    out.by_gtid = by_gtid;
    out.next = {"bin.000001", 4};
    return out;
}

std::vector<FileEvent> sent_after(const std::vector<FileEvent>& events, const StartPoint& start) {
    const ResumePoint resume = decode_resume(start.resume).value();
    std::vector<FileEvent> out;
    bool sent = true;
    for (const FileEvent& event : events) {
        const auto header = parse_header(event.bytes).value();
        const std::string_view body = std::string_view(event.bytes).substr(kEventHeaderBytes);
        if (!resume.by_gtid) {
            sent = resume.next.file == "bin.000001" && event.offset >= resume.next.offset;
        } else if (header.type == EventType::gtid || header.type == EventType::gtid_tagged) {
            sent = !resume.executed.contains(*parse_gtid(header.type, body).value().gtid);
        } else if (header.type == EventType::mariadb_gtid) {
            sent = !resume.gtid_position.contains(
                parse_mariadb_gtid_event(header.server_id, body).value().gtid);
        }
        if (sent || header.type == EventType::format_description) {
            out.push_back(event);
        }
    }
    return out;
}

Result<void> take_in(const IntakeOptions& options,
                     const std::vector<FileEvent>& events,
                     RecordingSink& sink,
                     Catalogue* catalogue) {
    TRIBUTARY_TRY(intake, Intake::make(options, sink.now, catalogue, sink));
    std::int64_t now_us = 1'000'000;
    for (const FileEvent& event : events) {
        TRIBUTARY_TRY_VOID(intake->on_event(view(event, "bin.000001"), now_us, sink));
        while (intake->copying()) {
            sink.room = sink.entries.size() + 1;
            TRIBUTARY_TRY_VOID(intake->copy_more(now_us, sink));
        }
        sink.room = SIZE_MAX;
        now_us += 1000;
    }
    return success();
}

}  // namespace tributary::mysql::test
