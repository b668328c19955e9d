// Clock: time for decisions (steady) and for people (wall). Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace tributary {

using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual SteadyTime now() const = 0;
    [[nodiscard]] virtual std::int64_t wall_time_us()
        const = 0;  // microseconds since 1970-01-01 UTC
};

}  // namespace tributary
