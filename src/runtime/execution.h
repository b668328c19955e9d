// Execution: what the stages run on and how they wait for each other. In the agent that is threads
// and condition variables, and nothing of this file costs more than those. A simulator brings an
// Execution of its own, and so runs these very stages one step at a time on one thread, in an order
// that it chooses (tests/sim).
#pragma once

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace tributary::runtime {

class Execution {
  public:
    virtual ~Execution() = default;

    // Runs `body` beside the caller.
    virtual void start(const std::string& name, std::function<void()> body) = 0;

    // Returns when `done` holds, or when `limit` (if any) has passed. `lock` is held when `done` is
    // called and on return, and not in between. The last value of done().
    virtual bool wait(std::unique_lock<std::mutex>& lock,
                      std::optional<std::chrono::milliseconds> limit,
                      const std::function<bool()>& done) = 0;
};

// A condition variable, always with the condition. Without an Execution: std::condition_variable.
class Condition {
  public:
    explicit Condition(Execution* execution = nullptr) : execution_(execution) {}

    void notify_one() { changed_.notify_one(); }
    void notify_all() { changed_.notify_all(); }

    template <typename Done>
    void wait(std::unique_lock<std::mutex>& lock, Done done) {
        if (execution_ == nullptr) {
            changed_.wait(lock, done);
        } else {
            execution_->wait(lock, std::nullopt, std::ref(done));
        }
    }

    template <typename Done>
    bool wait_for(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds limit, Done done) {
        if (execution_ == nullptr) {
            return changed_.wait_for(lock, limit, done);
        }
        return execution_->wait(lock, limit, std::ref(done));
    }

  private:
    Execution* execution_;
    std::condition_variable changed_;
};

// A thread with a name (at most 15 characters are kept), or what an Execution has instead.
class Thread {
  public:
    Thread() = default;
    Thread(Execution* execution, const std::string& name, std::function<void()> body) {
        if (execution == nullptr) {
            thread_ = std::thread([name, body = std::move(body)] {
                pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
                body();
            });
            return;
        }
        ending_ = std::make_unique<Ending>(execution);
        execution->start(name, [ending = ending_.get(), body = std::move(body)] {
            const Leave leave{*ending};
            body();
        });
    }
    Thread(Thread&&) noexcept = default;
    Thread& operator=(Thread&&) noexcept = default;

    [[nodiscard]] bool joinable() const { return thread_.joinable() || ending_ != nullptr; }

    void join() {
        if (ending_ == nullptr) {
            thread_.join();
            return;
        }
        {
            std::unique_lock lock(ending_->mutex);
            ending_->changed.wait(lock, [this] { return ending_->over; });
        }
        ending_.reset();
    }

  private:
    struct Ending {
        explicit Ending(Execution* execution) : changed(execution) {}
        std::mutex mutex;
        Condition changed;
        bool over = false;
    };
    struct Leave {
        Ending& ending;
        ~Leave() {
            const std::lock_guard lock(ending.mutex);
            ending.over = true;
        }
    };

    std::thread thread_;
    std::unique_ptr<Ending> ending_;  // with an Execution
};

}  // namespace tributary::runtime
