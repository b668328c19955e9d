// The log block: consecutive entries of one stream, the unit of reading, trimming and compression.
// docs/log-format.md has the layout with worked bytes; tests/golden/block holds them.
//
// Two forms share one body:
//   in memory   Block::bytes = body (records, not compressed)
//   stored      header, then the body, LZ4-compressed when that is smaller (flag)
//
// Body: records, each one tag byte and fields.
//   0x00 context  varint intake_time_us, varint length, bytes      applies to the entries after it
//   0x01.. entry  tag = EntryKind, varint schema id, varint ordinal, fixed32 crc, varint length,
//   payload
// The first record of a block is a context, so a block can be read alone.
// An entry's crc is CRC32C over (kind byte, fixed32 schema id, fixed32 ordinal, context, payload).
//
// Pure; one thread per object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/entry.h"

namespace tributary::format {

inline constexpr std::uint16_t kBlockVersion = 1;
inline constexpr std::size_t kBlockBytesMax = 64U * 1024U;
// A single entry may make a block larger, up to this; beyond it is kRowTooLarge at intake.
inline constexpr std::size_t kEntryBytesMax = 1U << 30U;

[[nodiscard]] std::uint32_t entry_crc(EntryKind kind,
                                      SchemaId schema,
                                      std::uint32_t ordinal,
                                      std::string_view context,
                                      std::string_view payload) noexcept;

// Builds the body of one block.
class BlockWriter {
  public:
    // Starts a block whose first entry gets `first`.
    void begin(StreamId stream, Sequence first);
    void context(std::string_view bytes, std::int64_t intake_time_us);
    void append(EntryKind kind, SchemaId schema, std::uint32_t ordinal, std::string_view payload);
    void add_schema(NewSchema schema);
    void add_side(SideWrite write);

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return block_ ? block_->bytes.size() : 0; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    // Ends the block; at least one entry. The writer must begin() again; the context is carried
    // over.
    [[nodiscard]] BlockPtr finish(const Position& resume, const Position& done);

  private:
    void write_context();

    std::shared_ptr<Block> block_;
    std::uint64_t count_ = 0;
    std::string context_;
    std::int64_t intake_time_us_ = 0;
    bool context_written_ = false;
};

// Walks the entries of a block in sequence order.
class BlockReader {
  public:
    explicit BlockReader(const Block& block);  // `block` must outlive the reader

    // The next entry; false at the end. kEntryCorrupt with sequence and byte offset when the body
    // is not as written. `check_crc` recomputes each entry's crc.
    [[nodiscard]] Result<bool> next(Entry& entry, bool check_crc = true);

  private:
    const Block* block_;
    std::size_t offset_ = 0;
    Sequence next_;
    std::string_view context_;
    std::int64_t intake_time_us_ = 0;
};

// Stored form of a block, without its schemas (they have a keyspace of their own), and back.
// unpack: kEntryCorrupt when magic, lengths or checksum do not fit; kLogTooNew for a later version.
[[nodiscard]] std::string pack_block(const Block& block);
[[nodiscard]] Result<BlockPtr> unpack_block(StreamId stream,
                                            Sequence first,
                                            std::string_view stored);

// Table structure, for the schema store.
[[nodiscard]] std::string pack_schema(const TableSchema& schema);
[[nodiscard]] Result<TableSchema> unpack_schema(std::string_view stored);

}  // namespace tributary::format
