// BlockAssembler: what a source appends, as blocks with sequences, positions and schemas.
// Why here: giving sequences and deciding where a block ends is the same for every source.
// Pure; owned by one intake thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/intake/side_overlay.h"
#include "format/block.h"
#include "model/entry.h"
#include "ports/source.h"

namespace tributary::core {

class BlockAssembler final : public EntrySink {
  public:
    struct Start {
        StreamId stream;
        Sequence next;    // sequence of the first entry to come
        Position resume;  // positions of the entry before it
        Position done;
        std::vector<NewSchema> schemas;  // those the stream has already
    };

    // `pending_bytes_max`: finished bytes not yet taken above which full() is true. `side`, if
    // given, is told of each side write at once; it must outlive the assembler.
    BlockAssembler(Start start, std::size_t pending_bytes_max, SideOverlay* side = nullptr);

    SchemaId intern(std::shared_ptr<const TableSchema> schema) override;
    [[nodiscard]] std::shared_ptr<const TableSchema> schema(SchemaId id) const override;
    void context(std::string_view bytes, std::int64_t intake_time_us) override;
    void append(EntryKind kind,
                SchemaId schema,
                std::uint32_t ordinal,
                std::string_view payload,
                const Position& done) override;
    void keep_together(std::size_t bytes) override;
    void put_side(std::string_view key, std::string_view value) override;
    void erase_side(std::string_view key) override;
    void resume(const Position& position) override;
    [[nodiscard]] bool full() const override { return pending_bytes_ >= pending_bytes_max_; }

    // Ends the block under construction, if it has an entry, and hands over every finished block.
    [[nodiscard]] std::vector<BlockPtr> take();

    // Where a re-opened source goes on: after everything appended so far.
    [[nodiscard]] StartPoint position() const { return {resume_, done_}; }
    [[nodiscard]] Sequence next_sequence() const { return next_; }

  private:
    void write_side(SideWrite write);
    void finish_block();

    StreamId stream_;
    Sequence next_;
    Position resume_;
    Position done_;
    std::vector<NewSchema> schemas_;    // all of the stream
    std::vector<NewSchema> unwritten_;  // of schemas_: not yet in a block
    std::string context_;
    std::int64_t intake_time_us_ = 0;
    format::BlockWriter writer_;
    bool block_open_ = false;
    std::vector<BlockPtr> finished_;
    std::size_t pending_bytes_ = 0;
    std::size_t pending_bytes_max_;
    SideOverlay* side_;
    std::vector<SideWrite> side_writes_;  // for the entry appended next
};

}  // namespace tributary::core
