// SnapshotDesk: where an operator's thread leaves a request for the seat of a source
// (ports/snapshot.h) and waits for what the intake thread made of it. One request at a time; a
// request that nobody serves in time is taken back, so that it is never done behind the back of
// somebody who was told that it was not.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "ports/snapshot.h"
#include "ports/source.h"

namespace tributary::runtime {

class SnapshotDesk {
  public:
    using Request = std::function<Result<bool>(Snapshots& seat, EntrySink& sink)>;

    // An operator's thread. What the source answered, after it was handed over to the log's writer;
    // kSnapshotNotNow when it did not within `limit`.
    [[nodiscard]] Result<void> ask(Request request, std::chrono::milliseconds limit);

    // Intake, after a poll(): does what was asked; true: something was, and could be done now.
    bool serve(Snapshots& seat, EntrySink& sink);
    // Intake: what serve() appended was handed over: tells who asked.
    void answer();

  private:
    enum class Stage { idle, asked, served };

    std::mutex one_at_a_time_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<Stage> stage_{Stage::idle};
    Request request_;
    Result<void> outcome_ = success();
    bool answered_ = false;
};

}  // namespace tributary::runtime
