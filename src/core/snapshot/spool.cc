#include "core/snapshot/spool.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

constexpr std::uint8_t kVersion = 2;
// With what they cost there, a piece's rows fit one block of the log.
constexpr std::size_t kPieceBytes = 48U << 10U;
constexpr std::size_t kRowCost = 48;
constexpr std::string_view kPiecePrefix = "snapshot/spool/row/";
constexpr std::string_view kStateKey = "snapshot/spool/state";

std::string piece_key(std::uint64_t number) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%08llx", static_cast<unsigned long long>(number));
    return std::string(kPiecePrefix) + text.data();
}

Error corrupt() {
    return {errors::kLogCorrupt, "the stored rows of a snapshot are not as written"};
}

Result<std::string> value_of(const SideReader& side, const std::string& key) {
    TRIBUTARY_TRY(value, side.get(key));
    if (!value) {
        return corrupt();
    }
    return std::move(*value);
}

}  // namespace

Result<std::optional<Spool>> Spool::load(const SideReader& side) {
    TRIBUTARY_TRY(stored, side.get(kStateKey));
    if (!stored) {
        return std::optional<Spool>();
    }
    ByteReader reader(*stored);
    const auto version = reader.fixed<std::uint8_t>();
    Table table;
    table.side_key = reader.sized();
    table.schema = SchemaId(static_cast<std::uint32_t>(reader.varint()));
    table.read_time_us = static_cast<std::int64_t>(reader.varint());
    Spool spool(std::move(table));
    spool.pieces_ = reader.varint();
    spool.next_ = reader.varint();
    if (!reader.ok() || !reader.at_end() || version != kVersion || spool.next_ > spool.pieces_) {
        return corrupt();
    }
    spool.closed_ = true;
    return std::optional(std::move(spool));
}

// Pieces are numbered without holes, and go all at once.
Result<void> Spool::erase(const SideReader& side, EntrySink& sink) {
    for (std::uint64_t piece = 0;; ++piece) {
        const std::string key = piece_key(piece);
        TRIBUTARY_TRY(value, side.get(key));
        if (!value) {
            break;
        }
        sink.erase_side(key);
    }
    sink.erase_side(kStateKey);
    return success();
}

void Spool::add(std::string_view row, EntrySink& sink) {
    TRIBUTARY_ASSERT(!closed_);
    bytes_ += row.size();
    const std::size_t cost = row.size() + kRowCost;
    if (!open_.empty() && open_cost_ + cost > kPieceBytes) {
        write_piece(sink);
    }
    append_sized(open_, row);
    open_cost_ += cost;
}

void Spool::write_piece(EntrySink& sink) {
    sink.put_side(piece_key(pieces_), open_);
    open_.clear();
    open_cost_ = 0;
    ++pieces_;
}

void Spool::close(EntrySink& sink) {
    TRIBUTARY_ASSERT(!closed_);
    if (!open_.empty()) {
        write_piece(sink);
    }
    closed_ = true;
    sink.put_side(kStateKey, state());
}

std::string Spool::state() const {
    std::string out(1, static_cast<char>(kVersion));
    append_sized(out, table_.side_key);
    append_varint(out, table_.schema.value());
    append_varint(out, static_cast<std::uint64_t>(table_.read_time_us));
    append_varint(out, pieces_);
    append_varint(out, next_);
    return out;
}

Result<std::vector<std::string>> Spool::take(const SideReader& side) const {
    TRIBUTARY_ASSERT(closed_ && !at_end());
    TRIBUTARY_TRY(bytes, value_of(side, piece_key(next_)));
    std::vector<std::string> rows;
    ByteReader reader(bytes);
    while (reader.ok() && !reader.at_end()) {
        rows.emplace_back(reader.sized());
    }
    if (!reader.ok()) {
        return corrupt();
    }
    return rows;
}

void Spool::pass(EntrySink& sink) {
    TRIBUTARY_ASSERT(closed_ && !at_end());
    ++next_;
    sink.put_side(kStateKey, state());
}

void Spool::finish(EntrySink& sink) {
    TRIBUTARY_ASSERT(closed_);
    next_ = pieces_;
    for (std::uint64_t piece = 0; piece < pieces_; ++piece) {
        sink.erase_side(piece_key(piece));
    }
    sink.erase_side(kStateKey);
}

}  // namespace tributary::core::snapshot
