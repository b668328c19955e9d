// What the run tells the shim in the agent (disk_shim.cc) about its file calls, in a file that both
// map. Threads: any; the numbers are atomic.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace tributary::torture {

enum class DiskAction : std::int32_t {
    none,
    kill_before,  // SIGKILL before the call: write to a regular file, sync, rename
    kill_after,   // SIGKILL after it
    fail,         // a sync fails with EIO and does nothing
    delay,        // a sync takes two seconds
};

struct DiskOrder {
    std::atomic<std::int32_t> countdown;  // 1: the next such call; 0: none
    std::atomic<std::int32_t> action;
};

// The run's side.
class DiskCalls {
  public:
    explicit DiskCalls(std::filesystem::path file);
    ~DiskCalls();
    DiskCalls(const DiskCalls&) = delete;
    DiskCalls& operator=(const DiskCalls&) = delete;

    // At the `countdown`-th call from now.
    void arm(DiskAction action, int countdown);
    void disarm() { order_->countdown = 0; }
    // It has happened.
    [[nodiscard]] bool met() const { return order_->countdown <= 0; }
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  private:
    std::filesystem::path file_;
    DiskOrder* order_;
};

}  // namespace tributary::torture
