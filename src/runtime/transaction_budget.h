// TransactionBudget: what the open transactions of all pipelines may hold in memory together. One
// pipeline alone may use all of it. Of several that are busy, each may always use its share, and
// one that is above its share while all are above the budget commits before its transaction is
// full: so what is held stays below twice the budget, however many pipelines there are. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace tributary::runtime {

class TransactionBudget {
  public:
    TransactionBudget(std::size_t bytes, std::size_t pipelines)
        : bytes_(bytes), share_(bytes / std::max<std::size_t>(1, pipelines)) {}

    void take(std::size_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }

    // Whether a pipeline that holds `own` bytes of it must commit.
    [[nodiscard]] bool presses(std::size_t own) const {
        return own >= share_ && held_.load(std::memory_order_relaxed) > bytes_;
    }

  private:
    const std::size_t bytes_;
    const std::size_t share_;
    std::atomic<std::size_t> held_{0};
};

}  // namespace tributary::runtime
