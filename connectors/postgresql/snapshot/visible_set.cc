#include "connectors/postgresql/snapshot/visible_set.h"

#include <algorithm>
#include <charconv>

namespace tributary::postgresql {
namespace {

// The number at the front of `text`, taken off together with `end` behind it.
std::optional<std::uint32_t> take(std::string_view& text, char end) {
    std::uint64_t value = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(at - text.data()));
    if (!text.empty()) {
        if (text.front() != end) {
            return std::nullopt;
        }
        text.remove_prefix(1);
    }
    return static_cast<std::uint32_t>(value);
}

}  // namespace

std::optional<VisibleSet> VisibleSet::parse(std::string_view text) {
    if (std::count(text.begin(), text.end(), ':') != 2) {
        return std::nullopt;
    }
    const auto begin = take(text, ':');
    const auto end = begin ? take(text, ':') : std::nullopt;
    if (!end) {
        return std::nullopt;
    }
    VisibleSet set;
    set.end_ = *end;
    while (!text.empty()) {
        const auto xid = take(text, ',');
        if (!xid) {
            return std::nullopt;
        }
        set.in_progress_.push_back(*xid);
    }
    std::sort(set.in_progress_.begin(), set.in_progress_.end());
    return set;
}

bool VisibleSet::sees(std::uint32_t xid) const {
    if (static_cast<std::int32_t>(xid - end_) >= 0) {
        return false;
    }
    return !std::binary_search(in_progress_.begin(), in_progress_.end(), xid);
}

}  // namespace tributary::postgresql
