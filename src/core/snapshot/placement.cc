#include "core/snapshot/placement.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace tributary::core::snapshot {

void Placement::add(std::string_view row) {
    TRIBUTARY_ASSERT(!indexed_);
    rows_.push_back({.at = static_cast<std::uint32_t>(bytes_.size()),
                     .size = static_cast<std::uint32_t>(row.size())});
    bytes_.append(row);
    ++left_;
}

std::string_view Placement::row_at(std::uint32_t index) const {
    const auto replaced = replaced_.find(index);
    if (replaced != replaced_.end()) {
        return replaced->second;
    }
    return std::string_view(bytes_).substr(rows_[index].at, rows_[index].size);
}

Placement::Index::iterator Placement::locate(std::string_view key) {
    if (!indexed_) {
        indexed_ = true;
        std::string name;
        for (std::size_t index = next_; index < rows_.size(); ++index) {
            key_of_(row_at(static_cast<std::uint32_t>(index)), name);
            index_.emplace(name, static_cast<std::uint32_t>(index));
        }
    }
    // A row that was appended before the event is no longer ours.
    const auto [begin, end] = index_.equal_range(std::string(key));
    const auto found =
        std::find_if(begin, end, [this](const auto& entry) { return entry.second >= next_; });
    return found == end ? index_.end() : found;
}

std::string_view Placement::find(std::string_view key) {
    const auto found = locate(key);
    return found == index_.end() ? std::string_view() : row_at(found->second);
}

void Placement::drop(std::string_view key) {
    const auto found = locate(key);
    if (found == index_.end()) {
        return;
    }
    rows_[found->second].live = false;
    ++dropped_;
    --left_;
    index_.erase(found);
}

void Placement::replace(std::string_view key, std::string_view new_key, std::string row) {
    const auto found = locate(key);
    if (found == index_.end()) {
        return;
    }
    const std::uint32_t index = found->second;
    replaced_[index] = std::move(row);
    if (key != new_key) {
        index_.erase(found);
        index_.emplace(std::string(new_key), index);
    }
}

void Placement::drop_all() {
    for (std::size_t index = next_; index < rows_.size(); ++index) {
        dropped_ += rows_[index].live ? 1 : 0;
        rows_[index].live = false;
    }
    left_ = 0;
    index_.clear();
    indexed_ = true;
}

Placement::Row Placement::peek() const {
    TRIBUTARY_ASSERT(!at_end());
    const Slot& slot = rows_[next_];
    const auto index = static_cast<std::uint32_t>(next_);
    return {.read = std::string_view(bytes_).substr(slot.at, slot.size),
            .current = slot.live ? row_at(index) : std::string_view()};
}

void Placement::pop() {
    TRIBUTARY_ASSERT(!at_end());
    left_ -= rows_[next_].live ? 1 : 0;
    ++next_;
}

}  // namespace tributary::core::snapshot
