// SnapshotMeter: how fast a snapshot is and when it will be done, from what its source says now and
// then. Pure; the intake thread.
#pragma once

#include "ports/clock.h"
#include "ports/control.h"

namespace tributary::runtime {

class SnapshotMeter {
  public:
    // What is known after `status` was said at `now`; calls come about every half second.
    [[nodiscard]] SnapshotReport step(SteadyTime now, const SnapshotStatus& status);

  private:
    [[nodiscard]] std::optional<std::uint64_t> seconds_left(const SnapshotStatus& status) const;

    bool running_ = false;
    SteadyTime begun_;
    SteadyTime measured_;
    std::uint64_t rows_ = 0;
    double rate_ = 0;  // smoothed over about ten seconds
    std::uint64_t seconds_ = 0;
};

}  // namespace tributary::runtime
