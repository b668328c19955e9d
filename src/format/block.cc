// Blocks: the body in memory, the stored form with header, compression and checksum. Layouts in
// block.h and docs/log-format.md. Pure; one thread per object.
#include "format/block.h"

#include <lz4.h>

#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/planted.h"
#include "model/errors.h"

namespace tributary::format {

namespace {

// Stored header, little endian. The first twelve bytes and what the crc covers are the same in
// every version, so that a later version is told from damage.
//   0  4  magic "TBLK"
//   4  2  version
//   6  2  flags: bit 0 = body is LZ4
//   8  4  CRC32C of bytes 0..7 and of everything from byte 12 on
//   12 4  stream
//   16 8  first sequence
//   24 4  count of entries
//   28 4  body length, not compressed
//   32 4  body length as stored
//   36    sized resume, sized done, body
constexpr std::string_view kMagic = "TBLK";
constexpr std::uint16_t kFlagLz4 = 1;
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kCrcEnd = 12;
constexpr std::size_t kFixedHeaderBytes = 36;
// A block may be this much larger than its only entry: the records around it.
constexpr std::size_t kBodyBytesMax = kEntryBytesMax + (64U << 20U);
// LZ4 gives at most 255 bytes for one.
constexpr std::uint64_t kLz4RatioMax = 255;
// Room for the entry that ends a block, so that its bytes are allocated once.
constexpr std::size_t kBlockReserveBytes = kBlockBytesMax + 4096;

constexpr std::uint8_t kContextTag = 0;

[[nodiscard]] std::uint32_t stored_crc(std::string_view stored) noexcept {
    return crc32c(crc32c(0, stored.substr(0, kCrcAt)), stored.substr(kCrcEnd));
}

[[nodiscard]] bool known_kind(std::uint8_t tag) noexcept {
    return tag >= static_cast<std::uint8_t>(EntryKind::change) &&
           tag <= static_cast<std::uint8_t>(EntryKind::gap);
}

[[nodiscard]] Error corrupt_entry(StreamId stream,
                                  Sequence sequence,
                                  std::size_t offset,
                                  std::string_view why) {
    return {errors::kEntryCorrupt,
            "stream " + std::to_string(stream.value()) + ", sequence " +
                std::to_string(sequence.value()) + ", byte " + std::to_string(offset) +
                " of its block: " + std::string(why)};
}

struct StoredHeader {
    std::uint16_t version = 0;
    std::uint16_t flags = 0;
    StreamId stream;
    Sequence first;
    std::uint32_t count = 0;
    std::uint32_t body_bytes = 0;
    std::uint32_t stored_bytes = 0;
    std::string_view resume;
    std::string_view done;
    std::string_view body;
};

// Reads the header after magic, checksum and version were found good. False: lengths do not fit.
[[nodiscard]] bool parse_stored(std::string_view stored, StoredHeader& header) {
    ByteReader reader(stored);
    static_cast<void>(reader.bytes(kMagic.size() + sizeof(std::uint16_t)));
    header.flags = reader.fixed<std::uint16_t>();
    static_cast<void>(reader.fixed<std::uint32_t>());
    header.stream = StreamId(reader.fixed<std::uint32_t>());
    header.first = Sequence(reader.fixed<std::uint64_t>());
    header.count = reader.fixed<std::uint32_t>();
    header.body_bytes = reader.fixed<std::uint32_t>();
    header.stored_bytes = reader.fixed<std::uint32_t>();
    header.resume = reader.sized();
    header.done = reader.sized();
    header.body = reader.bytes(header.stored_bytes);
    const bool compressed = (header.flags & kFlagLz4) != 0;
    const bool body_fits = compressed ? header.body_bytes <= header.stored_bytes * kLz4RatioMax &&
                                            header.body_bytes <= kBodyBytesMax
                                      : header.body_bytes == header.stored_bytes;
    return reader.ok() && reader.at_end() && body_fits && (header.flags & ~kFlagLz4) == 0 &&
           header.count > 0 &&
           header.first.value() <= std::numeric_limits<std::uint64_t>::max() - header.count;
}

[[nodiscard]] bool expand(const StoredHeader& header, std::string& body) {
    if ((header.flags & kFlagLz4) == 0) {
        body.assign(header.body);
        return true;
    }
    body.resize(header.body_bytes);
    const int expanded = LZ4_decompress_safe(header.body.data(),
                                             body.data(),
                                             static_cast<int>(header.stored_bytes),
                                             static_cast<int>(header.body_bytes));
    return expanded >= 0 && static_cast<std::uint32_t>(expanded) == header.body_bytes;
}

}  // namespace

std::uint32_t entry_crc(EntryKind kind,
                        SchemaId schema,
                        std::uint32_t ordinal,
                        std::string_view context,
                        std::string_view payload) noexcept {
    char head[1 + 2 * sizeof(std::uint32_t)];
    head[0] = static_cast<char>(kind);
    store(head + 1, schema.value(), Endian::little);
    store(head + 1 + sizeof(std::uint32_t), ordinal, Endian::little);
    return crc32c(crc32c(crc32c(0, {head, sizeof(head)}), context), payload);
}

void BlockWriter::begin(StreamId stream, Sequence first) {
    TRIBUTARY_ASSERT(first.value() > 0);
    block_ = std::make_shared<Block>();
    block_->stream = stream;
    block_->first = first;
    block_->bytes.reserve(kBlockReserveBytes);
    count_ = 0;
    context_written_ = false;
}

void BlockWriter::context(std::string_view bytes, std::int64_t intake_time_us) {
    context_.assign(bytes);
    intake_time_us_ = intake_time_us;
    context_written_ = false;
}

void BlockWriter::write_context() {
    std::string& out = block_->bytes;
    out.push_back(static_cast<char>(kContextTag));
    append_varint(out, static_cast<std::uint64_t>(intake_time_us_));
    append_sized(out, context_);
    context_written_ = true;
}

void BlockWriter::append(EntryKind kind,
                         SchemaId schema,
                         std::uint32_t ordinal,
                         std::string_view payload) {
    TRIBUTARY_ASSERT(block_ != nullptr);
    TRIBUTARY_ASSERT(payload.size() <= kEntryBytesMax);
    if (!context_written_) {
        write_context();
    }
    std::string& out = block_->bytes;
    out.push_back(static_cast<char>(kind));
    append_varint(out, schema.value());
    append_varint(out, ordinal);
    append_fixed(out, entry_crc(kind, schema, ordinal, context_, payload));
    append_sized(out, payload);
    ++count_;
}

void BlockWriter::add_schema(NewSchema schema) {
    TRIBUTARY_ASSERT(block_ != nullptr);
    block_->schemas.push_back(std::move(schema));
}

void BlockWriter::add_side(SideWrite write) {
    TRIBUTARY_ASSERT(block_ != nullptr);
    block_->side.push_back(std::move(write));
}

BlockPtr BlockWriter::finish(const Position& resume, const Position& done) {
    TRIBUTARY_ASSERT(block_ != nullptr && count_ > 0);
    block_->last = Sequence(block_->first.value() + count_ - 1);
    block_->resume = resume;
    block_->done = done;
    if (block_->bytes.size() < block_->bytes.capacity() / 2) {
        block_->bytes.shrink_to_fit();  // blocks of a quiet source wait in queues counted by size
    }
    count_ = 0;
    context_written_ = false;
    return std::exchange(block_, nullptr);
}

BlockReader::BlockReader(const Block& block) : block_(&block), next_(block.first) {}

Result<bool> BlockReader::next(Entry& entry, bool check_crc) {
    const std::string_view body = block_->bytes;
    ByteReader reader(body.substr(offset_));
    const auto refuse = [&](std::string_view why) {
        return corrupt_entry(block_->stream, next_, offset_ + reader.offset(), why);
    };
    if (reader.at_end()) {
        if (next_.value() != block_->last.value() + 1) {
            return refuse("the block ends before its last sequence");
        }
        return false;
    }
    auto tag = reader.fixed<std::uint8_t>();
    while (tag == kContextTag && reader.ok()) {
        intake_time_us_ = static_cast<std::int64_t>(reader.varint());
        context_ = reader.sized();
        tag = reader.fixed<std::uint8_t>();
    }
    if (!known_kind(tag) || context_.data() == nullptr || next_ > block_->last) {
        return refuse("a record that has no place here");
    }
    const std::uint64_t schema = reader.varint();
    const std::uint64_t ordinal = reader.varint();
    const auto crc = reader.fixed<std::uint32_t>();
    const std::string_view payload = reader.sized();
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
    if (!reader.ok() || schema > kMax || ordinal > kMax) {
        return refuse("a record that is cut off or out of range");
    }
    entry = {.sequence = next_,
             .kind = static_cast<EntryKind>(tag),
             .schema = SchemaId(static_cast<std::uint32_t>(schema)),
             .ordinal = static_cast<std::uint32_t>(ordinal),
             .crc = crc,
             .intake_time_us = intake_time_us_,
             .context = context_,
             .payload = payload};
    if (check_crc && entry_crc(entry.kind, entry.schema, entry.ordinal, context_, payload) != crc) {
        return refuse("the checksum does not fit");
    }
    offset_ += reader.offset();
    next_ = tributary::next(next_);
    return true;
}

std::string pack_block(const Block& block) {
    const std::uint64_t count = block.last.value() - block.first.value() + 1;
    TRIBUTARY_ASSERT(block.first.value() > 0 && block.last >= block.first);
    TRIBUTARY_ASSERT(count <= std::numeric_limits<std::uint32_t>::max());
    TRIBUTARY_ASSERT(block.bytes.size() <= kBodyBytesMax);
    const int body_bytes = static_cast<int>(block.bytes.size());
    const auto bound = static_cast<std::size_t>(LZ4_compressBound(body_bytes));

    std::string out;
    out.reserve(kFixedHeaderBytes + 20 + block.resume.bytes.size() + block.done.bytes.size() +
                bound);
    out.resize(kFixedHeaderBytes);
    append_sized(out, block.resume.bytes);
    append_sized(out, block.done.bytes);
    const std::size_t body_at = out.size();
    out.resize(body_at + bound);
    const int compressed = LZ4_compress_default(
        block.bytes.data(), out.data() + body_at, body_bytes, static_cast<int>(bound));
    const bool smaller = compressed > 0 && compressed < body_bytes;
    if (smaller) {
        out.resize(body_at + static_cast<std::size_t>(compressed));
    } else {
        out.resize(body_at);
        out.append(block.bytes);
    }

    char* head = out.data();
    kMagic.copy(head, kMagic.size());
    store(head + 4, kBlockVersion, Endian::little);
    store(head + 6, static_cast<std::uint16_t>(smaller ? kFlagLz4 : 0), Endian::little);
    store(head + 12, block.stream.value(), Endian::little);
    store(head + 16, block.first.value(), Endian::little);
    store(head + 24, static_cast<std::uint32_t>(count), Endian::little);
    store(head + 28, static_cast<std::uint32_t>(body_bytes), Endian::little);
    store(head + 32, static_cast<std::uint32_t>(out.size() - body_at), Endian::little);
    store(head + kCrcAt, stored_crc(out), Endian::little);
    return out;
}

Result<BlockPtr> unpack_block(StreamId stream, Sequence first, std::string_view stored) {
    const auto refuse = [&](std::size_t offset, std::string_view why) {
        return corrupt_entry(stream, first, offset, why);
    };
    if (stored.size() < kFixedHeaderBytes || stored.substr(0, kMagic.size()) != kMagic) {
        return refuse(0, "not a stored block");
    }
    if (load<std::uint32_t>(stored.data() + kCrcAt, Endian::little) != stored_crc(stored) &&
        !planted::is(planted::Bug::block_checksum_ignored)) {
        return refuse(kCrcAt, "the checksum of the stored block does not fit");
    }
    const auto version = load<std::uint16_t>(stored.data() + kMagic.size(), Endian::little);
    if (version > kBlockVersion) {
        return Error(errors::kLogTooNew,
                     "stream " + std::to_string(stream.value()) + ", sequence " +
                         std::to_string(first.value()) + ": block version " +
                         std::to_string(version) + ", this agent reads up to " +
                         std::to_string(kBlockVersion));
    }
    StoredHeader header;
    if (version == 0 || !parse_stored(stored, header)) {
        return refuse(kFixedHeaderBytes, "lengths in the header of the stored block do not fit");
    }
    if (header.stream != stream || header.first != first) {
        return refuse(kCrcEnd, "the block belongs to another key");
    }
    auto block = std::make_shared<Block>();
    if (!expand(header, block->bytes)) {
        return refuse(stored.size() - header.body.size(), "the body does not decompress");
    }
    block->stream = stream;
    block->first = first;
    block->last = Sequence(first.value() + header.count - 1);
    block->resume.bytes.assign(header.resume);
    block->done.bytes.assign(header.done);
    return BlockPtr(std::move(block));
}

}  // namespace tributary::format
