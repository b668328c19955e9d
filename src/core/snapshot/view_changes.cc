#include "core/snapshot/view_changes.h"

#include <utility>

namespace tributary::core::snapshot {

void ViewChanges::add(std::string_view name, std::string row) {
    bytes_ += name.size() + row.size();
    added_.emplace(name, std::move(row));
}

void ViewChanges::drop(std::string_view name) {
    bytes_ += name.size();
    const std::string key(name);
    const auto came = added_.find(key);
    if (came != added_.end()) {
        added_.erase(came);
    } else if (!all_gone_) {
        ++gone_[key];
    }
}

void ViewChanges::drop_all() {
    added_.clear();
    gone_.clear();
    all_gone_ = true;
}

bool ViewChanges::leaves_out(const std::string& name) {
    if (all_gone_) {
        return true;
    }
    const auto found = gone_.find(name);
    if (found == gone_.end()) {
        return false;
    }
    if (--found->second == 0) {
        gone_.erase(found);
    }
    return true;
}

}  // namespace tributary::core::snapshot
