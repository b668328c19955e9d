// Placement: one chunk of a table's rows, held until the stream has come to the place where it
// belongs, and what the stream says about these rows meanwhile.
//
// The rule (docs/snapshots.md): a row that the chunk saw is the row's state at the place where it
// is appended, unless a transaction that the chunk did not see changed it and was streamed before.
// Such a row is dropped: the stream has said something newer. Where that event left columns out
// (unchanged TOAST), the row is kept with the event's columns put over it, so that the columns that
// nobody else will ever send are sent. The caller tells only events of transactions that the chunk
// did not see; those that it saw are in the rows already.
//
// Rows are opaque bytes to it; the connector finds keys in them and puts events over them. Rows
// without a key are matched whole, one for one. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tributary::core::snapshot {

class Placement {
  public:
    // Writes the bytes by which the stream names a row: of a row as the chunk has it. Different
    // rows have different ones, save where the table has no key.
    using KeyOf = std::function<void(std::string_view row, std::string& key)>;

    explicit Placement(KeyOf key_of) : key_of_(std::move(key_of)) {}

    // Rows in the order in which they were read.
    void add(std::string_view row);
    // Before the first row: memory that an earlier chunk had, so that it need not be got anew.
    void use(std::string memory) {
        bytes_ = std::move(memory);
        bytes_.clear();
    }
    [[nodiscard]] std::string release() { return std::exchange(bytes_, {}); }

    // The row that the stream calls `key` now, as it is after the events so far; empty: not here.
    [[nodiscard]] std::string_view find(std::string_view key);
    // An event has said all about the row, or deleted it.
    void drop(std::string_view key);
    // An event left columns out: the row goes on as `row`, named `new_key`.
    void replace(std::string_view key, std::string_view new_key, std::string row);
    void drop_all();

    // Walks the rows in order.
    struct Row {
        std::string_view read;     // as the chunk had it: its place in the key's order
        std::string_view current;  // what to append; empty when it was dropped
    };
    [[nodiscard]] bool at_end() const noexcept { return next_ == rows_.size(); }
    [[nodiscard]] Row peek() const;
    // The last of all rows, as the chunk had it; only where there is one.
    [[nodiscard]] std::string_view last_read() const {
        return std::string_view(bytes_).substr(rows_.back().at);
    }
    // Done with the row under peek().
    void pop();
    // Rows left to append, the one under peek() included if it is one.
    [[nodiscard]] std::size_t left() const noexcept { return left_; }

    [[nodiscard]] std::size_t count() const noexcept { return rows_.size(); }
    [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }
    // What it holds in memory: small rows are dear by their names in the index.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return bytes_.size() + rows_.size() * kIndexedBytes;
    }

  private:
    struct Slot {
        std::uint32_t at = 0;  // in bytes_
        std::uint32_t size = 0;
        bool live = true;
    };
    // From the name the stream gives a row now to its place in rows_.
    using Index = std::unordered_multimap<std::string, std::uint32_t>;

    static constexpr std::size_t kIndexedBytes = 96;  // of a row, with its slot

    Index::iterator locate(std::string_view key);
    [[nodiscard]] std::string_view row_at(std::uint32_t index) const;

    KeyOf key_of_;
    std::string bytes_;
    std::vector<Slot> rows_;
    std::size_t next_ = 0;
    std::size_t left_ = 0;
    std::size_t dropped_ = 0;
    bool indexed_ = false;  // made at the first event: most chunks of a quiet table see none
    Index index_;
    std::unordered_map<std::uint32_t, std::string> replaced_;  // by place in rows_
};

}  // namespace tributary::core::snapshot
