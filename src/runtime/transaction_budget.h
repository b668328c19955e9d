// TransactionBudget: what the open transactions of all pipelines may hold in memory together. One
// that alone holds anything may use all of it. Several share half, because each brings batches of
// its producer and buffers of its source besides: each may always use its share of that, and one
// above its share while all are above the half commits before its transaction is full. So what is
// held ends at one and a half times the budget, however many pipelines there are. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>

#include "model/record.h"

namespace tributary::runtime {

// What records of an open transaction hold beside their bytes: themselves, librdkafka's message
// (2.0.2: 330 bytes) and its copy of each header (85), the packed identity being one.
[[nodiscard]] inline std::size_t bytes_beside_arena(std::span<const Record> records) {
    constexpr std::size_t kMessageBytes = 336;
    constexpr std::size_t kHeaderBytes = 88;
    std::size_t bytes = 0;
    for (const Record& record : records) {
        bytes += sizeof(Record) + kMessageBytes + (1 + record.headers.size()) * kHeaderBytes;
    }
    return bytes;
}

class TransactionBudget {
  public:
    TransactionBudget(std::size_t bytes, std::size_t pipelines)
        : bytes_(bytes), share_(bytes / 2 / std::max<std::size_t>(1, pipelines)) {}

    void take(std::size_t bytes) { held_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }

    // Whether a pipeline that holds `own` bytes of it must commit.
    [[nodiscard]] bool presses(std::size_t own) const {
        const std::size_t held = held_.load(std::memory_order_relaxed);
        return own >= share_ && held > (held == own ? bytes_ : bytes_ / 2);
    }

  private:
    const std::size_t bytes_;
    const std::size_t share_;
    std::atomic<std::size_t> held_{0};
};

}  // namespace tributary::runtime
