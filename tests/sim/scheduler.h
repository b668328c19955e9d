// Scheduler: the only thread of a simulated world. What the agent runs on threads are fibers here
// (runtime/execution.h); a fiber runs until it waits, and then the scheduler chooses, by the seed,
// which fiber that can go on does so. Time is a number that moves only when nobody can go on.
//
//   fibers   of the agent's processes: those of one process end together in kill(), wherever they
//            are, by an exception that unwinds their stacks
//   events   what the world does by itself at a time: a packet that arrives, a fault
//
// One thread.
#pragma once

#include <ucontext.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ports/clock.h"
#include "runtime/execution.h"
#include "tests/sim/random.h"

namespace tributary::sim {

using Ms = std::chrono::milliseconds;
using Us = std::chrono::microseconds;

class Scheduler final : public runtime::Execution {
  public:
    explicit Scheduler(std::uint64_t seed);
    ~Scheduler() override;
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    [[nodiscard]] std::int64_t now_us() const { return now_us_; }
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

    // --- Inside a fiber -------------------------------------------------------------------------
    void start(const std::string& name, std::function<void()> body) override;
    bool wait(std::unique_lock<std::mutex>& lock,
              std::optional<Ms> limit,
              const std::function<bool()>& done) override;
    // The same without a lock.
    bool wait_for(std::optional<Us> limit, const std::function<bool()>& done);
    void sleep(Us time);
    // Lets others go first, or not.
    void yield();
    [[nodiscard]] bool in_fiber() const { return current_ != nullptr; }

    // --- Outside --------------------------------------------------------------------------------
    // Runs `what` at `now + delay`. Of equal times the one asked for first is first.
    void at(Us delay, std::function<void()> what);
    // One step: a fiber, an event, or a move of the clock. False when there is nothing to do, ever.
    bool step();
    // A process: `body` is its first fiber, and all that it starts belong to it.
    void start_process(std::size_t process, std::function<void()> body);
    // Ends every fiber of a process where it is.
    void kill(std::size_t process);
    // Stops (or lets go on) all of its fibers, as a signal would: events go on.
    void freeze(std::size_t process, bool frozen);

  private:
    struct Fiber;
    struct Killed {};
    static constexpr std::size_t kStackBytes = 256U << 10U;

    static void entry(unsigned high, unsigned low);
    void suspend();
    void resume(Fiber& fiber);
    [[nodiscard]] bool ready(const Fiber& fiber) const;
    [[nodiscard]] bool frozen(const Fiber& fiber) const;
    void add(std::size_t process, const std::string& name, std::function<void()> body);

    Rng random_;
    std::int64_t now_us_ = 0;
    std::uint64_t steps_ = 0;
    std::multimap<std::int64_t, std::function<void()>> events_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::vector<Fiber*> ready_;  // reused
    Fiber* current_ = nullptr;
    ucontext_t home_{};
    bool killing_ = false;
    std::set<std::size_t> frozen_;                 // processes
    std::vector<std::unique_ptr<char[]>> stacks_;  // of fibers that ended
};

class SimClock final : public Clock {
  public:
    explicit SimClock(const Scheduler& scheduler) : scheduler_(scheduler) {}
    [[nodiscard]] SteadyTime now() const override {
        return SteadyTime(std::chrono::seconds(1000) + Us(scheduler_.now_us()));
    }
    [[nodiscard]] std::int64_t wall_time_us() const override {
        return kWallStart + scheduler_.now_us() + skew_us;
    }
    static constexpr std::int64_t kWallStart = 1'700'000'000'000'000;
    std::int64_t skew_us = 0;  // the wall clock may be set, also back

  private:
    const Scheduler& scheduler_;
};

}  // namespace tributary::sim
