#include "core/intake/block_assembler.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace tributary::core {

BlockAssembler::BlockAssembler(Start start, std::size_t pending_bytes_max, SideOverlay* side)
    : stream_(start.stream),
      next_(start.next),
      resume_(std::move(start.resume)),
      done_(std::move(start.done)),
      schemas_(std::move(start.schemas)),
      pending_bytes_max_(pending_bytes_max),
      side_(side) {
    TRIBUTARY_ASSERT(next_.value() > 0);
}

SchemaId BlockAssembler::intern(std::shared_ptr<const TableSchema> schema) {
    // Newest first: a table's latest structure is the likely one.
    const auto known = std::find_if(schemas_.rbegin(), schemas_.rend(), [&](const NewSchema& have) {
        return *have.schema == *schema;
    });
    if (known != schemas_.rend()) {
        return known->id;
    }
    SchemaId id(1);
    for (const NewSchema& have : schemas_) {
        id = std::max(id, SchemaId(have.id.value() + 1));
    }
    schemas_.push_back({id, std::move(schema)});
    unwritten_.push_back(schemas_.back());
    return id;
}

std::shared_ptr<const TableSchema> BlockAssembler::schema(SchemaId id) const {
    const auto known = std::find_if(
        schemas_.rbegin(), schemas_.rend(), [id](const NewSchema& have) { return have.id == id; });
    return known == schemas_.rend() ? nullptr : known->schema;
}

void BlockAssembler::context(std::string_view bytes, std::int64_t intake_time_us) {
    context_.assign(bytes);
    intake_time_us_ = intake_time_us;
    if (block_open_) {
        writer_.context(context_, intake_time_us_);
    }
}

void BlockAssembler::append(EntryKind kind,
                            SchemaId schema,
                            std::uint32_t ordinal,
                            std::string_view payload,
                            const Position& done) {
    // The block ends before an entry that does not fit, not after the one that filled it: so the
    // last block of a transaction carries its resume position.
    if (block_open_ && writer_.size() + payload.size() > format::kBlockBytesMax) {
        finish_block();
    }
    if (!block_open_) {
        writer_.begin(stream_, next_);
        writer_.context(context_, intake_time_us_);
        block_open_ = true;
    }
    for (SideWrite& write : side_writes_) {
        pending_bytes_ += write.key.size() + (write.value ? write.value->size() : 0);
        writer_.add_side(std::move(write));
    }
    side_writes_.clear();
    writer_.append(kind, schema, ordinal, payload);
    next_ = next(next_);
    done_.bytes.assign(done.bytes);
}

void BlockAssembler::keep_together(std::size_t bytes) {
    if (block_open_ && writer_.size() + bytes > format::kBlockBytesMax) {
        finish_block();
    }
}

void BlockAssembler::put_side(std::string_view key, std::string_view value) {
    write_side({std::string(key), std::string(value)});
}

void BlockAssembler::erase_side(std::string_view key) {
    write_side({std::string(key), std::nullopt});
}

void BlockAssembler::write_side(SideWrite write) {
    TRIBUTARY_ASSERT(write.key.size() <= kSideKeyBytesMax);
    if (side_ != nullptr) {
        side_->write(write, next_);
    }
    side_writes_.push_back(std::move(write));
}

void BlockAssembler::resume(const Position& position) {
    resume_.bytes.assign(position.bytes);
}

void BlockAssembler::finish_block() {
    for (NewSchema& schema : unwritten_) {
        writer_.add_schema(std::move(schema));
    }
    unwritten_.clear();
    finished_.push_back(writer_.finish(resume_, done_));
    pending_bytes_ += finished_.back()->bytes.size();
    block_open_ = false;
}

std::vector<BlockPtr> BlockAssembler::take() {
    if (block_open_) {
        finish_block();
    }
    pending_bytes_ = 0;
    return std::exchange(finished_, {});
}

}  // namespace tributary::core
