#include "core/snapshot/spool.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

constexpr std::uint8_t kVersion = 1;
// With what they cost there, a piece's rows fit one block of the log.
constexpr std::size_t kPieceBytes = 48U << 10U;
constexpr std::size_t kRowCost = 48;
constexpr std::string_view kPrefix = "snapshot/spool/";
constexpr std::string_view kStateKey = "snapshot/spool/state";

std::string key_of(std::string_view kind, std::uint64_t number) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%08llx", static_cast<unsigned long long>(number));
    return std::string(kPrefix) + std::string(kind) + "/" + text.data();
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
    const std::uint64_t passed = reader.varint();
    spool.pieces_left_out_ = reader.varint();
    if (!reader.ok() || !reader.at_end() || version != kVersion || passed > spool.pieces_) {
        return corrupt();
    }
    spool.closed_ = true;
    TRIBUTARY_TRY_VOID(spool.load_left_out(side));
    // What is left out of the pieces that are appended is used up.
    for (; spool.next_ < passed; ++spool.next_) {
        if (spool.left_out_.empty()) {
            spool.next_ = passed;
            break;
        }
        TRIBUTARY_TRY(rows, spool.take(side));
        static_cast<void>(rows);
    }
    return std::optional(std::move(spool));
}

Result<void> Spool::load_left_out(const SideReader& side) {
    for (std::uint64_t piece = 0; piece < pieces_left_out_; ++piece) {
        TRIBUTARY_TRY(bytes, value_of(side, key_of("less", piece)));
        ByteReader reader(bytes);
        while (reader.ok() && !reader.at_end()) {
            const std::string row(reader.sized());
            left_out_[row] += reader.varint();
        }
        if (!reader.ok()) {
            return corrupt();
        }
    }
    return success();
}

// Pieces are numbered without holes, and go all at once.
Result<void> Spool::erase(const SideReader& side, EntrySink& sink) {
    for (const std::string_view kind : {"row", "less"}) {
        for (std::uint64_t piece = 0;; ++piece) {
            const std::string key = key_of(kind, piece);
            TRIBUTARY_TRY(value, side.get(key));
            if (!value) {
                break;
            }
            sink.erase_side(key);
        }
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
    sink.put_side(key_of("row", pieces_), open_);
    open_.clear();
    open_cost_ = 0;
    ++pieces_;
}

void Spool::drop(std::string_view row) {
    TRIBUTARY_ASSERT(!closed_);
    const auto [at, fresh] = left_out_.try_emplace(std::string(row), 0);
    ++at->second;
    bytes_left_out_ += fresh ? row.size() : 0;
}

void Spool::drop_all() {
    TRIBUTARY_ASSERT(!closed_);
    open_.clear();
    left_out_.clear();
    bytes_left_out_ = 0;
    dropped_ = true;
}

void Spool::close(EntrySink& sink) {
    TRIBUTARY_ASSERT(!closed_);
    if (!open_.empty()) {
        write_piece(sink);
    }
    next_ = dropped_ ? pieces_ : 0;
    std::string rows;
    const auto write_rows = [&] {
        sink.put_side(key_of("less", pieces_left_out_), rows);
        rows.clear();
        ++pieces_left_out_;
    };
    for (const auto& [row, count] : left_out_) {
        append_sized(rows, row);
        append_varint(rows, count);
        if (rows.size() > kPieceBytes) {
            write_rows();
        }
    }
    if (!rows.empty()) {
        write_rows();
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
    append_varint(out, pieces_left_out_);
    return out;
}

Result<std::vector<std::string>> Spool::take(const SideReader& side) {
    TRIBUTARY_ASSERT(closed_ && !at_end());
    TRIBUTARY_TRY(bytes, value_of(side, key_of("row", next_)));
    std::vector<std::string> rows;
    ByteReader reader(bytes);
    while (reader.ok() && !reader.at_end()) {
        std::string row(reader.sized());
        const auto found = left_out_.find(row);
        if (found == left_out_.end()) {
            rows.push_back(std::move(row));
        } else if (--found->second == 0) {
            left_out_.erase(found);
        }
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
        sink.erase_side(key_of("row", piece));
    }
    for (std::uint64_t piece = 0; piece < pieces_left_out_; ++piece) {
        sink.erase_side(key_of("less", piece));
    }
    sink.erase_side(kStateKey);
}

}  // namespace tributary::core::snapshot
