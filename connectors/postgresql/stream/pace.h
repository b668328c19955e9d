// Pace: whether the server sends so fast that reading late is better than reading at once. A reader
// that keeps the socket empty makes the walsender send each row by itself, which costs it twice the
// CPU, and is woken for each (reference: hot path, 3). Counted over several reads: such a reader
// never finds much in one. Pure; one thread.
#pragma once

#include <chrono>
#include <cstddef>

namespace tributary::postgresql {

class Pace {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // This much within that time is fast.
    static constexpr std::size_t kBusyBytes = 8U << 10U;
    static constexpr std::chrono::milliseconds kWindow{10};

    void on_read(Time now, std::size_t bytes) {
        if (now - begun_ > kWindow) {
            begun_ = now;
            bytes_ = 0;
        }
        bytes_ += bytes;
    }
    [[nodiscard]] bool busy(Time now) const {
        return bytes_ >= kBusyBytes && now - begun_ <= kWindow;
    }

  private:
    Time begun_;
    std::size_t bytes_ = 0;
};

}  // namespace tributary::postgresql
