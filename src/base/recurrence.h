// Recurrence: whether something has happened so many times within so long. Pure; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace tributary {

class Recurrence {
  public:
    using Time = std::chrono::steady_clock::time_point;

    Recurrence(std::size_t times, std::chrono::steady_clock::duration window)
        : times_(times), window_(window) {}

    // It happened. True: for the `times`-th time within `window`, or more.
    [[nodiscard]] bool happened(Time now) {
        std::erase_if(seen_, [&](Time seen) { return now - seen > window_; });
        seen_.push_back(now);
        return seen_.size() >= times_;
    }

  private:
    std::size_t times_;
    std::chrono::steady_clock::duration window_;
    std::vector<Time> seen_;
};

}  // namespace tributary
