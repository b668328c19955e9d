// Ring: a first-in first-out queue in one allocation that grows by doubling and gives a large one
// back when it runs empty. An empty ring that never held anything owns no memory: an idle device
// costs nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "base/assert.h"

namespace tributary::mqtt {

template <typename T>
class Ring {
  public:
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    void push(const T& value) {
        if (size_ == capacity_) {
            grow();
        }
        slots_[(first_ + size_) & (capacity_ - 1)] = value;
        ++size_;
    }
    [[nodiscard]] T& front() { return (*this)[0]; }
    [[nodiscard]] T& back() { return (*this)[size_ - 1]; }
    [[nodiscard]] const T& back() const { return (*this)[size_ - 1]; }
    [[nodiscard]] T& operator[](std::size_t index) {
        TRIBUTARY_ASSERT(index < size_);
        return slots_[(first_ + index) & (capacity_ - 1)];
    }
    [[nodiscard]] const T& operator[](std::size_t index) const {
        TRIBUTARY_ASSERT(index < size_);
        return slots_[(first_ + index) & (capacity_ - 1)];
    }
    void pop() {
        TRIBUTARY_ASSERT(size_ > 0);
        first_ = (first_ + 1) & (capacity_ - 1);
        if (--size_ == 0 && capacity_ > kKeptCapacity) {
            clear();
        }
    }
    void clear() {
        slots_.reset();
        capacity_ = 0;
        first_ = 0;
        size_ = 0;
    }

  private:
    static constexpr std::size_t kFirstCapacity = 8;
    static constexpr std::size_t kKeptCapacity = 4096;

    void grow() {
        const std::size_t capacity = capacity_ == 0 ? kFirstCapacity : 2 * capacity_;
        auto slots = std::make_unique<T[]>(capacity);
        for (std::size_t index = 0; index < size_; ++index) {
            slots[index] = (*this)[index];
        }
        slots_ = std::move(slots);
        capacity_ = capacity;
        first_ = 0;
    }

    std::unique_ptr<T[]> slots_;
    std::size_t capacity_ = 0;  // a power of two
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace tributary::mqtt
