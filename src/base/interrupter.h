// Interrupter: wakes a thread that waits for a socket. Why here: every connector with a socket of
// its own implements Source::interrupt() with it. Linux eventfd(2), poll(2).
#pragma once

#include <chrono>

#include "base/unique_fd.h"

namespace tributary {

// A call of interrupt() is kept until somebody has noticed it.
class Interrupter {
  public:
    Interrupter();
    // Any thread.
    void interrupt() const noexcept;
    // Whether there was an interrupt since the last call; forgets it.
    [[nodiscard]] bool consume() const noexcept;
    // Readable while an interrupt waits to be noticed.
    [[nodiscard]] int fd() const noexcept { return event_.get(); }

  private:
    UniqueFd event_;
};

enum class Wake { ready, timeout, interrupted };

// Waits until `socket` has one of `events` (poll(2); -1: none) or the interrupter fires; the
// interrupt is left for its owner to consume. A negative time is none.
[[nodiscard]] Wake wait_for(int socket,
                            short events,
                            const Interrupter& interrupter,
                            std::chrono::milliseconds wait);

}  // namespace tributary
