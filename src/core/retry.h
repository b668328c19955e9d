// Backoff: how long to wait before the next try: doubling from `first` to `most`, each with jitter
// so that a fleet does not return in step. Never gives up. Pure: randomness is the caller's.
#pragma once

#include <chrono>
#include <cstdint>

namespace tributary::core {

class Backoff {
  public:
    Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
        : first_(first), most_(most), current_(first) {}

    // The wait before the next try: between half of and the whole current step. `random` is any 32
    // bits.
    [[nodiscard]] std::chrono::milliseconds next(std::uint32_t random);
    // It worked: start over.
    void reset() { current_ = first_; }

  private:
    std::chrono::milliseconds first_;
    std::chrono::milliseconds most_;
    std::chrono::milliseconds current_;
};

}  // namespace tributary::core
