#include "runtime/channel.h"

#include <iterator>
#include <utility>

#include "base/assert.h"

namespace tributary::runtime {
namespace {

// What a block holds in memory, side writes included.
std::size_t weight(const Block& block) {
    std::size_t bytes = block.bytes.size();
    for (const SideWrite& write : block.side) {
        bytes += write.key.size() + (write.value ? write.value->size() : 0);
    }
    return bytes;
}

}  // namespace

void Channel::reset(StreamId stream, Progress durable, Progress delivered) {
    const std::lock_guard lock(mutex_);
    stream_ = stream;
    to_append_.clear();
    to_append_bytes_ = 0;
    in_flight_.clear();
    ring_.clear();
    ring_bytes_ = 0;
    appended_ = durable.sequence;
    durable_ = std::move(durable);
    delivered_ = std::move(delivered);
    full_ = false;
    changed_.notify_all();
}

StreamId Channel::stream() const {
    const std::lock_guard lock(mutex_);
    return stream_;
}

void Channel::push(const BlockPtr& block) {
    const std::lock_guard lock(mutex_);
    TRIBUTARY_ASSERT(block->stream == stream_);
    TRIBUTARY_ASSERT(block->first == next(appended_));
    appended_ = block->last;
    to_append_.push_back(block);
    to_append_bytes_ += weight(*block);
    if (ring_.empty() || ring_bytes_ + weight(*block) <= limits_.ring_bytes) {
        ring_.push_back(block);
        ring_bytes_ += weight(*block);
    }
    changed_.notify_all();
}

BlockPtr Channel::held(Sequence at) const {
    const std::lock_guard lock(mutex_);
    for (const auto* blocks : {&ring_, &in_flight_, &to_append_}) {
        for (const BlockPtr& block : *blocks) {
            if (block->first <= at && at <= block->last) {
                return block;
            }
        }
    }
    return nullptr;
}

bool Channel::has_room() const {
    const std::lock_guard lock(mutex_);
    return to_append_bytes_ < limits_.append_bytes;
}

std::vector<BlockPtr> Channel::take_for_append(std::size_t bytes_max) {
    const std::lock_guard lock(mutex_);
    std::vector<BlockPtr> taken;
    std::size_t bytes = 0;
    while (!to_append_.empty() &&
           (taken.empty() || bytes + weight(*to_append_.front()) <= bytes_max)) {
        bytes += weight(*to_append_.front());
        taken.push_back(std::move(to_append_.front()));
        to_append_.pop_front();
    }
    to_append_bytes_ -= bytes;
    in_flight_.assign(taken.begin(), taken.end());
    return taken;
}

void Channel::put_back(std::vector<BlockPtr> blocks) {
    const std::lock_guard lock(mutex_);
    std::erase_if(blocks, [&](const BlockPtr& block) { return block->stream != stream_; });
    in_flight_.clear();
    for (const BlockPtr& block : blocks) {
        to_append_bytes_ += weight(*block);
    }
    to_append_.insert(to_append_.begin(),
                      std::make_move_iterator(blocks.begin()),
                      std::make_move_iterator(blocks.end()));
}

void Channel::set_durable(StreamId stream, Progress progress) {
    {
        const std::lock_guard lock(mutex_);
        if (stream != stream_) {
            return;
        }
        TRIBUTARY_ASSERT(progress.sequence >= durable_.sequence);
        durable_ = std::move(progress);
        while (!in_flight_.empty() && in_flight_.front()->last <= durable_.sequence) {
            in_flight_.pop_front();
        }
        changed_.notify_all();
    }
    if (on_progress_) {
        on_progress_();
    }
}

bool Channel::set_full(StreamId stream, bool full) {
    const std::lock_guard lock(mutex_);
    return stream == stream_ && full_.exchange(full) != full;
}

Channel::Next Channel::wait_block(Sequence at, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [&] { return interrupted_ || appended_ >= at; });
    while (!ring_.empty() && ring_.front()->last < at) {
        ring_bytes_ -= weight(*ring_.front());
        ring_.pop_front();
    }
    if (appended_ < at) {
        return {};
    }
    if (!ring_.empty() && ring_.front()->first <= at) {
        return {ring_.front(), false};
    }
    // A hole in the ring: the log has it as soon as it is durable.
    changed_.wait_for(lock, wait, [&] { return interrupted_ || durable_.sequence >= at; });
    return {nullptr, durable_.sequence >= at};
}

bool Channel::wait_durable(Sequence sequence, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, wait, [&] { return interrupted_ || durable_.sequence >= sequence; });
    return durable_.sequence >= sequence;
}

void Channel::set_delivered(Progress progress) {
    {
        const std::lock_guard lock(mutex_);
        TRIBUTARY_ASSERT(progress.sequence >= delivered_.sequence);
        delivered_ = std::move(progress);
    }
    if (on_progress_) {
        on_progress_();
    }
}

Progress Channel::durable() const {
    const std::lock_guard lock(mutex_);
    return durable_;
}

Progress Channel::delivered() const {
    const std::lock_guard lock(mutex_);
    return delivered_;
}

Sequence Channel::appended() const {
    const std::lock_guard lock(mutex_);
    return appended_;
}

std::size_t Channel::queued_bytes() const {
    const std::lock_guard lock(mutex_);
    return to_append_bytes_ + ring_bytes_;
}

std::size_t Channel::append_bytes() const {
    const std::lock_guard lock(mutex_);
    return to_append_bytes_;
}

void Channel::interrupt() {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
}

}  // namespace tributary::runtime
