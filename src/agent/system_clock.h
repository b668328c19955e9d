// The process's real clock. Any thread.
#pragma once

#include <chrono>

#include "ports/clock.h"

namespace tributary::agent {

class SystemClock final : public Clock {
  public:
    [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] std::int64_t wall_time_us() const override {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    }
};

}  // namespace tributary::agent
