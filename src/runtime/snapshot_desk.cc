#include "runtime/snapshot_desk.h"

#include <utility>

#include "model/errors.h"

namespace tributary::runtime {

Result<void> SnapshotDesk::ask(Request request, std::chrono::milliseconds limit) {
    const std::lock_guard alone(one_at_a_time_);
    std::unique_lock lock(mutex_);
    request_ = std::move(request);
    answered_ = false;
    stage_ = Stage::asked;
    changed_.wait_for(lock, limit, [&] { return stage_ != Stage::asked; });
    if (stage_ == Stage::asked) {
        stage_ = Stage::idle;
        return Error(errors::kSnapshotNotNow,
                     "the source takes no requests at this moment: it is not connected, or in the "
                     "middle of a long transaction");
    }
    // It is done and on its way; the writer's queue takes it at once.
    changed_.wait(lock, [&] { return answered_; });
    stage_ = Stage::idle;
    return outcome_;
}

bool SnapshotDesk::serve(Snapshots& seat, EntrySink& sink) {
    if (stage_ != Stage::asked) {
        return false;
    }
    const std::lock_guard lock(mutex_);
    if (stage_ != Stage::asked) {
        return false;
    }
    const auto done = request_(seat, sink);
    if (done && !done.value()) {
        return false;
    }
    outcome_ = done ? success() : Result<void>(done.error());
    stage_ = Stage::served;
    return true;
}

void SnapshotDesk::answer() {
    if (stage_ != Stage::served) {
        return;
    }
    const std::lock_guard lock(mutex_);
    answered_ = true;
    changed_.notify_all();
}

}  // namespace tributary::runtime
