// Pace: how many rows of a snapshot may be put in front of the changes that come next. The log is
// one stream in order, so a change waits for every row before it: rows are taken as fast as Kafka
// takes them, with at most about `delay` of them under way. While Kafka takes nothing (it says so,
// or has taken nothing of what waits for 10 s: a cut link is silent for a minute) there is no
// latency to keep, and rows are taken until the log's own bound. Pure; the intake thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "model/ids.h"
#include "ports/clock.h"

namespace tributary::core::snapshot {

class Pace {
  public:
    static constexpr std::uint64_t kUnbounded = UINT64_MAX;

    // 0: no bound.
    explicit Pace(std::chrono::milliseconds delay) : delay_(delay) {}

    // Rows that may be read now, by what has been appended and delivered so far; `works`: Kafka
    // answers.
    [[nodiscard]] std::uint64_t step(SteadyTime now,
                                     Sequence appended,
                                     Sequence delivered,
                                     bool works);

  private:
    void measure(SteadyTime now, Sequence appended, Sequence delivered);
    [[nodiscard]] bool stands_still(SteadyTime now, Sequence appended, Sequence delivered);

    std::chrono::milliseconds delay_;
    bool begun_ = false;
    SteadyTime since_;     // begin of the measurement under way
    Sequence then_;        // delivered at that time
    double rate_ = 0;      // entries a second, while there was something to deliver
    SteadyTime moved_at_;  // something was delivered, or nothing was left to be
    Sequence moved_to_;
};

}  // namespace tributary::core::snapshot
