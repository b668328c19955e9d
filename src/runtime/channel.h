// Channel: what the three stages of one pipeline share: the blocks on their way to the log, the
// ring of recent blocks for delivery, and the two numbers that flow back, durable and delivered.
//
//   intake --push--> [ to append ] --take_for_append--> log writer --set_durable-->
//                    [ ring      ] --wait_block-------> delivery   --set_delivered-->
//
// The ring is bounded and may have holes: a block that does not fit is left out, and delivery reads
// it from the log. Any thread; one mutex, held for a few instructions per block.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "model/entry.h"
#include "runtime/execution.h"

namespace tributary::runtime {

// How far a stage is, and the source position that goes with it.
struct Progress {
    Sequence sequence;
    Position position;
};

struct ChannelLimits {
    std::size_t append_bytes = 2U << 20U;
    std::size_t ring_bytes = 2U << 20U;
};

class Channel {
  public:
    explicit Channel(ChannelLimits limits, Execution* execution = nullptr)
        : limits_(limits), changed_(execution) {}

    // Called after every set_durable() and set_delivered(), by their threads; set it before they
    // run.
    void on_progress(std::function<void()> call) { on_progress_ = std::move(call); }

    // The block with entry `at`, when it is in memory, as each is that the log does not have; else
    // null.
    [[nodiscard]] BlockPtr held(Sequence at) const;

    // A new stream: forgets blocks and progress. No stage may be using the old stream any more.
    void reset(StreamId stream, Progress durable, Progress delivered);
    [[nodiscard]] StreamId stream() const;

    // Intake.
    void push(const BlockPtr& block);
    [[nodiscard]] bool has_room() const;
    [[nodiscard]] bool full() const { return full_.load(std::memory_order_relaxed); }

    // Log writer. Blocks in order, at least one when any waits, otherwise up to `bytes_max`.
    [[nodiscard]] std::vector<BlockPtr> take_for_append(std::size_t bytes_max);
    // They could not be written: put them back in front, in order. Those of another stream are
    // dropped.
    void put_back(std::vector<BlockPtr> blocks);
    // Ignored when `stream` is no longer the channel's.
    void set_durable(StreamId stream, Progress progress);
    // The log takes no more of this pipeline for now. Ignored when `stream` is no longer the
    // channel's. True when that is news.
    bool set_full(StreamId stream, bool full);

    // Delivery. What wait_block() found.
    struct Next {
        BlockPtr block;       // from the ring; or
        bool in_log = false;  // read it from the log
    };
    [[nodiscard]] Next wait_block(Sequence at, std::chrono::milliseconds wait);
    // True when everything up to `sequence` is durable; false after `wait` or interrupt().
    [[nodiscard]] bool wait_durable(Sequence sequence, std::chrono::milliseconds wait);
    void set_delivered(Progress progress);

    [[nodiscard]] Progress durable() const;
    [[nodiscard]] Progress delivered() const;
    [[nodiscard]] Sequence appended() const;
    [[nodiscard]] std::size_t queued_bytes() const;
    [[nodiscard]] std::size_t append_bytes() const;  // of those, not written yet

    // Wakes every waiter, now and from now on.
    void interrupt();

  private:
    const ChannelLimits limits_;
    std::function<void()> on_progress_;
    mutable std::mutex mutex_;
    Condition changed_;
    StreamId stream_;
    std::deque<BlockPtr> to_append_;
    std::size_t to_append_bytes_ = 0;
    std::deque<BlockPtr> in_flight_;  // taken for append, and neither durable nor put back
    std::deque<BlockPtr> ring_;
    std::size_t ring_bytes_ = 0;
    Sequence appended_;
    Progress durable_;
    Progress delivered_;
    bool interrupted_ = false;
    std::atomic<bool> full_{false};
};

}  // namespace tributary::runtime
