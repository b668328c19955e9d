// Fibers over ucontext; see the header.
#include "tests/sim/scheduler.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace tributary::sim {

struct Scheduler::Fiber {
    Scheduler* scheduler = nullptr;
    std::size_t process = 0;
    std::string name;
    std::function<void()> body;
    std::unique_ptr<char[]> stack;
    ucontext_t context{};
    std::function<bool()> done;            // what it waits for; none: nothing
    std::optional<std::int64_t> until_us;  // how long
    bool over = false;
};

Scheduler::Scheduler(std::uint64_t seed) : random_(seed) {}

Scheduler::~Scheduler() {
    while (!fibers_.empty()) {
        kill(fibers_.back()->process);
    }
}

void Scheduler::start(const std::string& name, std::function<void()> body) {
    add(current_->process, name, std::move(body));
}

void Scheduler::start_process(std::size_t process, std::function<void()> body) {
    add(process, "main", std::move(body));
}

void Scheduler::add(std::size_t process, const std::string& name, std::function<void()> body) {
    auto fiber = std::make_unique<Fiber>();
    fiber->scheduler = this;
    fiber->process = process;
    fiber->name = name;
    fiber->body = std::move(body);
    if (stacks_.empty()) {
        fiber->stack.reset(new char[kStackBytes]);
    } else {
        fiber->stack = std::move(stacks_.back());
        stacks_.pop_back();
    }
    fiber->until_us = now_us_;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack.get();
    fiber->context.uc_stack.ss_size = kStackBytes;
    fiber->context.uc_link = nullptr;
    const auto address = reinterpret_cast<std::uintptr_t>(fiber.get());
    makecontext(&fiber->context,
                reinterpret_cast<void (*)()>(&Scheduler::entry),
                2,
                static_cast<unsigned>(address >> 32U),
                static_cast<unsigned>(address & 0xFFFFFFFFU));
    fibers_.push_back(std::move(fiber));
}

void Scheduler::entry(unsigned high, unsigned low) {
    const auto address =
        (static_cast<std::uintptr_t>(high) << 32U) | static_cast<std::uintptr_t>(low);
    // A number that makecontext() hands on; it was a Fiber before.
    auto* fiber = reinterpret_cast<Fiber*>(address);  // NOLINT(performance-no-int-to-ptr)
    try {
        if (!fiber->scheduler->killing_) {
            fiber->body();
        }
    } catch (const Killed&) {  // NOLINT(bugprone-empty-catch): that is how a process ends
    }
    fiber->over = true;
    swapcontext(&fiber->context, &fiber->scheduler->home_);
}

void Scheduler::suspend() {
    Fiber* fiber = current_;
    swapcontext(&fiber->context, &home_);
    if (killing_) {
        throw Killed{};
    }
}

void Scheduler::resume(Fiber& fiber) {
    current_ = &fiber;
    swapcontext(&home_, &fiber.context);
    current_ = nullptr;
    if (fiber.over) {
        fiber.body = nullptr;
        stacks_.push_back(std::move(fiber.stack));
        std::erase_if(fibers_, [](const auto& each) { return each->over; });
    }
}

bool Scheduler::wait(std::unique_lock<std::mutex>& lock,
                     std::optional<Ms> limit,
                     const std::function<bool()>& done) {
    if (done()) {
        return true;
    }
    if (current_ == nullptr || killing_) {
        return false;  // after a kill nobody is left to wait for
    }
    lock.unlock();
    struct Relock {
        std::unique_lock<std::mutex>& lock;
        ~Relock() { lock.lock(); }
    };
    const Relock relock{lock};
    return wait_for(limit, done);
}

bool Scheduler::wait_for(std::optional<Us> limit, const std::function<bool()>& done) {
    if (current_ == nullptr || killing_) {
        return done();
    }
    current_->done = std::ref(done);
    current_->until_us =
        limit ? std::optional(now_us_ + std::max<std::int64_t>(0, limit->count())) : std::nullopt;
    suspend();
    return done();
}

void Scheduler::sleep(Us time) {
    if (current_ == nullptr || killing_) {
        return;
    }
    current_->done = nullptr;
    current_->until_us = now_us_ + time.count();
    suspend();
}

void Scheduler::yield() {
    if (current_ != nullptr && !killing_ && std::uncaught_exceptions() == 0) {
        sleep(Us(0));
    }
}

void Scheduler::at(Us delay, std::function<void()> what) {
    events_.emplace(now_us_ + std::max<std::int64_t>(0, delay.count()), std::move(what));
}

bool Scheduler::ready(const Fiber& fiber) const {
    return (fiber.until_us && *fiber.until_us <= now_us_) || (fiber.done && fiber.done());
}

bool Scheduler::step() {
    ++steps_;
    if (!events_.empty() && events_.begin()->first <= now_us_) {
        auto what = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        what();
        return true;
    }
    ready_.clear();
    for (const auto& fiber : fibers_) {
        if (!frozen(*fiber) && ready(*fiber)) {
            ready_.push_back(fiber.get());
        }
    }
    if (!ready_.empty()) {
        resume(*ready_[random_.below(ready_.size())]);
        return true;
    }
    std::optional<std::int64_t> next;
    if (!events_.empty()) {
        next = events_.begin()->first;
    }
    for (const auto& fiber : fibers_) {
        if (!frozen(*fiber) && fiber->until_us && (!next || *fiber->until_us < *next)) {
            next = fiber->until_us;
        }
    }
    if (!next) {
        return false;
    }
    now_us_ = *next;
    return true;
}

bool Scheduler::frozen(const Fiber& fiber) const {
    return !frozen_.empty() && frozen_.contains(fiber.process);
}

void Scheduler::freeze(std::size_t process, bool frozen) {
    if (frozen) {
        frozen_.insert(process);
    } else {
        frozen_.erase(process);
    }
}

void Scheduler::kill(std::size_t process) {
    killing_ = true;
    for (std::size_t at = fibers_.size(); at > 0; --at) {
        if (at <= fibers_.size() && fibers_[at - 1]->process == process) {
            resume(*fibers_[at - 1]);
        }
    }
    killing_ = false;
    frozen_.erase(process);
}

}  // namespace tributary::sim
