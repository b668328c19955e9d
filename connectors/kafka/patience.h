// Patience: how long a blocking call may go on. Every wait of this room is cut in short slices and
// asks between them. Threads: the delivery thread; `interrupted` is set by any.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/kafka/client.h"
#include "ports/clock.h"

namespace tributary::kafka {

class Patience {
  public:
    // All three must outlive it.
    Patience(const Clock& clock, std::atomic<bool>& interrupted, std::chrono::milliseconds budget)
        : clock_(clock), interrupted_(interrupted), deadline_(clock.now() + budget) {}

    // The length of one wait: at most kSlice, never past the deadline, at least 1 ms.
    [[nodiscard]] int slice_ms() const {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - clock_.now());
        return static_cast<int>(std::clamp(left, std::chrono::milliseconds(1), kSlice).count());
    }

    [[nodiscard]] bool spent() const { return clock_.now() >= deadline_; }

    // Between two waits for `doing`: serves `client`'s callbacks, and fails when interrupted, when
    // the time is up (with the newest connection error), or when an error that retrying does not
    // mend was seen kLastingFor ago (librdkafka tells each once, so it cannot be counted).
    [[nodiscard]] Result<void> go_on(Client& client, std::string_view doing);

  private:
    static constexpr std::chrono::milliseconds kSlice{100};
    // Another broker of the list may still let us in meanwhile.
    static constexpr std::chrono::milliseconds kLastingFor{1500};

    const Clock& clock_;
    std::atomic<bool>& interrupted_;
    SteadyTime deadline_;
    std::optional<SteadyTime> lasting_since_;
};

}  // namespace tributary::kafka
