// Keys of every keyspace and the small values of `meta` and `dead_letters`. Keys are big endian so
// that they sort by number. Layouts: docs/log-format.md, "Keyspaces". Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/ids.h"
#include "ports/event_log.h"

namespace tributary {

// `blocks`: stream u32, first sequence u64.
using BlockKey = std::array<char, 12>;
[[nodiscard]] BlockKey block_key(StreamId stream, Sequence first);
[[nodiscard]] inline std::string_view view(const BlockKey& key) {
    return {key.data(), key.size()};
}
[[nodiscard]] Sequence first_of(std::string_view block_key);

// `schemas`: stream u32, schema id u32.
using SchemaKey = std::array<char, 8>;
[[nodiscard]] SchemaKey schema_key(StreamId stream, SchemaId id);
[[nodiscard]] inline std::string_view view(const SchemaKey& key) {
    return {key.data(), key.size()};
}

[[nodiscard]] SchemaId schema_of(std::string_view schema_key);

// `side`: stream u32, the source's key. The prefix alone begins every key of the stream.
[[nodiscard]] std::string side_key(StreamId stream, std::string_view key);
[[nodiscard]] std::string_view side_key_of_source(std::string_view side_key);

// `meta`: "i" identity; "s" stream u32; "t" stream u32; "d" stream u32; "c" pipeline name.
inline constexpr std::string_view kIdentityKey = "i";
inline constexpr char kStreamPrefix = 's';
[[nodiscard]] std::string stream_key(StreamId stream);
[[nodiscard]] StreamId stream_of(std::string_view stream_key);
[[nodiscard]] std::string trim_key(StreamId stream);
[[nodiscard]] std::string drop_key(StreamId stream);
[[nodiscard]] std::string cache_key(std::string_view pipeline);

struct LogIdentity {
    LogId id;
    std::uint64_t host = 0;  // host_hash(); 0: not known
};
[[nodiscard]] std::string pack_identity(const LogIdentity& identity);
[[nodiscard]] Result<LogIdentity> unpack_identity(std::string_view bytes);

struct StreamRecord {
    std::string pipeline;
    StreamBase base;
    bool set_aside = false;
};
[[nodiscard]] std::string pack_stream(const StreamRecord& record);
[[nodiscard]] Result<StreamRecord> unpack_stream(std::string_view bytes);

// What an operator gave up of a stream: the sequences [from, before).
struct DropRecord {
    Sequence from;
    Sequence before;
};
[[nodiscard]] std::string pack_drop(const DropRecord& record);
[[nodiscard]] Result<DropRecord> unpack_drop(std::string_view bytes);

// `dead_letters`: "d" id u64 holds the letter; "k" sized pipeline, sequence u64, sub-index u16
// holds the newest id of that event, so that the same one is stored once.
inline constexpr char kLetterPrefix = 'd';
[[nodiscard]] std::string letter_key(std::uint64_t id);
[[nodiscard]] std::optional<std::uint64_t> letter_id(std::string_view key);
[[nodiscard]] std::string letter_index_key(const DeadLetter& letter);
[[nodiscard]] std::string pack_id(std::uint64_t id);
[[nodiscard]] Result<std::uint64_t> unpack_id(std::string_view bytes);
[[nodiscard]] std::string pack_letter(const DeadLetter& letter);
[[nodiscard]] Result<DeadLetter> unpack_letter(std::uint64_t id, std::string_view bytes);

}  // namespace tributary
