// Keys and small values; see the header. Values begin with a format byte; RocksDB keeps their
// checksums.
#include "log/records.h"

#include <algorithm>

#include <limits>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary {

namespace {

constexpr std::uint8_t kRecordFormat = 1;
constexpr std::uint8_t kSetAside = 1;
constexpr std::uint8_t kHasKey = 1;
constexpr std::uint8_t kHasValue = 2;
constexpr std::uint8_t kReplayed = 4;

void append_log_id(std::string& out, const LogId& id) {
    for (const std::uint8_t byte : id.bytes) {
        out.push_back(static_cast<char>(byte));
    }
}

[[nodiscard]] LogId read_log_id(ByteReader& reader) {
    LogId id;
    for (std::uint8_t& byte : id.bytes) {
        byte = reader.fixed<std::uint8_t>();
    }
    return id;
}

// The format byte of every record: kLogTooNew for a later one, kLogCorrupt for none.
[[nodiscard]] Result<void> read_format(ByteReader& reader, std::string_view what) {
    const auto format = reader.fixed<std::uint8_t>();
    if (format > kRecordFormat) {
        return Error(errors::kLogTooNew,
                     std::string(what) + " has format " + std::to_string(format));
    }
    if (format == 0) {
        return Error(errors::kLogCorrupt, std::string(what) + " is empty or not ours");
    }
    return success();
}

[[nodiscard]] Result<void> read_end(const ByteReader& reader, std::string_view what) {
    if (!reader.ok() || !reader.at_end()) {
        return Error(
            errors::kLogCorrupt,
            std::string(what) + " is not as written, byte " + std::to_string(reader.offset()));
    }
    return success();
}

}  // namespace

BlockKey block_key(StreamId stream, Sequence first) {
    BlockKey key{};
    store(key.data(), stream.value(), Endian::big);
    store(key.data() + sizeof(std::uint32_t), first.value(), Endian::big);
    return key;
}

Sequence first_of(std::string_view block_key) {
    ByteReader reader(block_key);
    static_cast<void>(reader.fixed<std::uint32_t>(Endian::big));
    return Sequence(reader.fixed<std::uint64_t>(Endian::big));
}

SchemaKey schema_key(StreamId stream, SchemaId id) {
    SchemaKey key{};
    store(key.data(), stream.value(), Endian::big);
    store(key.data() + sizeof(std::uint32_t), id.value(), Endian::big);
    return key;
}

SchemaId schema_of(std::string_view schema_key) {
    ByteReader reader(schema_key);
    static_cast<void>(reader.fixed<std::uint32_t>(Endian::big));
    return SchemaId(reader.fixed<std::uint32_t>(Endian::big));
}

std::string side_key(StreamId stream, std::string_view key) {
    std::string full;
    full.reserve(sizeof(std::uint32_t) + key.size());
    append_fixed(full, stream.value(), Endian::big);
    full.append(key);
    return full;
}

std::string_view side_key_of_source(std::string_view side_key) {
    return side_key.substr(std::min(side_key.size(), sizeof(std::uint32_t)));
}

std::string stream_key(StreamId stream) {
    std::string key(1, kStreamPrefix);
    append_fixed(key, stream.value(), Endian::big);
    return key;
}

StreamId stream_of(std::string_view stream_key) {
    ByteReader reader(stream_key);
    static_cast<void>(reader.fixed<std::uint8_t>());
    return StreamId(reader.fixed<std::uint32_t>(Endian::big));
}

std::string trim_key(StreamId stream) {
    std::string key(1, 't');
    append_fixed(key, stream.value(), Endian::big);
    return key;
}

std::string drop_key(StreamId stream) {
    std::string key(1, 'd');
    append_fixed(key, stream.value(), Endian::big);
    return key;
}

std::string cache_key(std::string_view pipeline) {
    return "c" + std::string(pipeline);
}

std::string pack_identity(const LogIdentity& identity) {
    std::string out(1, static_cast<char>(kRecordFormat));
    append_log_id(out, identity.id);
    append_fixed(out, identity.host);
    return out;
}

Result<LogIdentity> unpack_identity(std::string_view bytes) {
    constexpr std::string_view kWhat = "the log's identity";
    ByteReader reader(bytes);
    TRIBUTARY_TRY_VOID(read_format(reader, kWhat));
    LogIdentity identity;
    identity.id = read_log_id(reader);
    identity.host = reader.fixed<std::uint64_t>();
    TRIBUTARY_TRY_VOID(read_end(reader, kWhat));
    return identity;
}

std::string pack_stream(const StreamRecord& record) {
    std::string out(1, static_cast<char>(kRecordFormat));
    out.push_back(static_cast<char>(record.set_aside ? kSetAside : 0));
    append_sized(out, record.pipeline);
    append_fixed(out, record.base.first.value());
    append_log_id(out, record.base.predecessor);
    append_fixed(out, record.base.predecessor_last.value());
    return out;
}

Result<StreamRecord> unpack_stream(std::string_view bytes) {
    constexpr std::string_view kWhat = "the record of a stream";
    ByteReader reader(bytes);
    TRIBUTARY_TRY_VOID(read_format(reader, kWhat));
    StreamRecord record;
    record.set_aside = reader.fixed<std::uint8_t>() == kSetAside;
    record.pipeline = reader.sized();
    record.base.first = Sequence(reader.fixed<std::uint64_t>());
    record.base.predecessor = read_log_id(reader);
    record.base.predecessor_last = Sequence(reader.fixed<std::uint64_t>());
    TRIBUTARY_TRY_VOID(read_end(reader, kWhat));
    return record;
}

std::string pack_drop(const DropRecord& record) {
    std::string out(1, static_cast<char>(kRecordFormat));
    append_fixed(out, record.from.value());
    append_fixed(out, record.before.value());
    return out;
}

Result<DropRecord> unpack_drop(std::string_view bytes) {
    constexpr std::string_view kWhat = "what was dropped of a stream";
    ByteReader reader(bytes);
    TRIBUTARY_TRY_VOID(read_format(reader, kWhat));
    DropRecord record;
    record.from = Sequence(reader.fixed<std::uint64_t>());
    record.before = Sequence(reader.fixed<std::uint64_t>());
    TRIBUTARY_TRY_VOID(read_end(reader, kWhat));
    return record;
}

std::string letter_key(std::uint64_t id) {
    std::string key(1, kLetterPrefix);
    append_fixed(key, id, Endian::big);
    return key;
}

std::optional<std::uint64_t> letter_id(std::string_view key) {
    ByteReader reader(key);
    const bool ours = static_cast<char>(reader.fixed<std::uint8_t>()) == kLetterPrefix;
    const auto id = reader.fixed<std::uint64_t>(Endian::big);
    return ours && reader.ok() && reader.at_end() ? std::optional(id) : std::nullopt;
}

std::string letter_index_key(const DeadLetter& letter) {
    std::string key = "k";
    append_sized(key, letter.pipeline);
    append_fixed(key, letter.sequence.value(), Endian::big);
    append_fixed(key, letter.sub_index, Endian::big);
    return key;
}

std::string pack_id(std::uint64_t id) {
    std::string out;
    append_fixed(out, id);
    return out;
}

Result<std::uint64_t> unpack_id(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto id = reader.fixed<std::uint64_t>();
    TRIBUTARY_TRY_VOID(read_end(reader, "the index of a dead letter"));
    return id;
}

std::string pack_letter(const DeadLetter& letter) {
    std::string out(1, static_cast<char>(kRecordFormat));
    out.push_back(static_cast<char>((letter.key ? kHasKey : 0) | (letter.value ? kHasValue : 0) |
                                    (letter.replayed ? kReplayed : 0)));
    append_sized(out, letter.pipeline);
    append_fixed(out, letter.sequence.value());
    append_fixed(out, letter.sub_index);
    append_fixed(out, static_cast<std::uint64_t>(letter.wall_time_us));
    append_sized(out, letter.reason);
    append_sized(out, letter.topic);
    append_sized(out, letter.identity);
    append_sized(out, letter.key.value_or(std::string()));
    append_sized(out, letter.value.value_or(std::string()));
    return out;
}

Result<DeadLetter> unpack_letter(std::uint64_t id, std::string_view bytes) {
    const std::string what = "dead letter " + std::to_string(id);
    ByteReader reader(bytes);
    TRIBUTARY_TRY_VOID(read_format(reader, what));
    DeadLetter letter;
    letter.id = id;
    const auto flags = reader.fixed<std::uint8_t>();
    letter.replayed = (flags & kReplayed) != 0;
    letter.pipeline = reader.sized();
    letter.sequence = Sequence(reader.fixed<std::uint64_t>());
    letter.sub_index = reader.fixed<std::uint16_t>();
    letter.wall_time_us = static_cast<std::int64_t>(reader.fixed<std::uint64_t>());
    letter.reason = reader.sized();
    letter.topic = reader.sized();
    letter.identity = reader.sized();
    const std::string_view key = reader.sized();
    const std::string_view value = reader.sized();
    if ((flags & kHasKey) != 0) {
        letter.key = key;
    }
    if ((flags & kHasValue) != 0) {
        letter.value = value;
    }
    TRIBUTARY_TRY_VOID(read_end(reader, what));
    return letter;
}

}  // namespace tributary
