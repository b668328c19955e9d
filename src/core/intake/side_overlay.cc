#include "core/intake/side_overlay.h"

#include <algorithm>

#include "base/assert.h"

namespace tributary::core {

void SideOverlay::write(const SideWrite& write, Sequence sequence) {
    TRIBUTARY_ASSERT(order_.empty() || order_.back().first <= sequence);
    pending_.insert_or_assign(write.key, Pending{write.value, sequence});
    order_.emplace_back(sequence, write.key);
}

void SideOverlay::settle(Sequence durable) {
    for (; !order_.empty() && order_.front().first <= durable; order_.pop_front()) {
        const auto found = pending_.find(order_.front().second);
        if (found != pending_.end() && found->second.sequence <= durable) {
            pending_.erase(found);
        }
    }
}

Result<std::optional<std::string>> SideOverlay::get(std::string_view key) const {
    const auto found = pending_.find(key);
    if (found != pending_.end()) {
        return found->second.value;
    }
    return log_.side(stream_, key);
}

Result<std::vector<SideEntry>> SideOverlay::scan(std::string_view prefix,
                                                 std::string_view after,
                                                 std::size_t limit) const {
    // Every pending key may hide one of the log's, so that many more are read.
    TRIBUTARY_TRY(stored, log_.scan_side(stream_, prefix, after, limit + pending_.size()));
    std::map<std::string, std::string> merged;
    for (SideEntry& entry : stored) {
        merged.emplace(std::move(entry.key), std::move(entry.value));
    }
    for (auto at = pending_.lower_bound(prefix);
         at != pending_.end() && at->first.starts_with(prefix);
         ++at) {
        if (at->first <= after) {
            continue;
        }
        if (at->second.value) {
            merged.insert_or_assign(at->first, *at->second.value);
        } else {
            merged.erase(at->first);
        }
    }
    std::vector<SideEntry> found;
    for (auto at = merged.begin(); at != merged.end() && found.size() < limit; ++at) {
        found.push_back({at->first, std::move(at->second)});
    }
    return found;
}

}  // namespace tributary::core
