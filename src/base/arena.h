// Arena: bump allocation for bytes that share one life, freed all at once by reset(). Views stay
// valid until reset() or destruction; chunks are kept for the next round up to `keep_bytes`. One
// thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tributary {

class Arena {
  public:
    explicit Arena(std::size_t chunk_bytes = std::size_t{256} << 10U,
                   std::size_t keep_bytes = std::size_t{256} << 10U)
        : chunk_bytes_(chunk_bytes), keep_bytes_(keep_bytes) {}
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    // `count` uninitialised bytes, aligned for any scalar.
    [[nodiscard]] char* allocate(std::size_t count) {
        count = (count + kAlign - 1) & ~(kAlign - 1);
        if (current_ >= chunks_.size() || chunks_[current_].size - used_ < count) {
            next_chunk(count);
        }
        char* at = chunks_[current_].bytes.get() + used_;
        used_ += count;
        return at;
    }

    [[nodiscard]] std::string_view copy(std::string_view bytes) {
        char* at = allocate(bytes.size());
        std::memcpy(at, bytes.data(), bytes.size());
        return {at, bytes.size()};
    }

    // `count` value-initialised objects; nothing destroys them.
    template <typename T>
    [[nodiscard]] std::span<T> make(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        T* at = room_for<T>(count);
        std::uninitialized_value_construct_n(at, count);
        return {at, count};
    }

    // Copies of `all`, likewise.
    template <typename T>
    [[nodiscard]] std::span<T> copies(std::span<const T> all) {
        static_assert(std::is_trivially_destructible_v<T>);
        T* at = room_for<T>(all.size());
        std::uninitialized_copy(all.begin(), all.end(), at);
        return {at, all.size()};
    }

    // Gives the unused end of the newest allocation back: `at` came from allocate(), `kept` bytes
    // stay.
    void shrink_last(const char* at, std::size_t kept) noexcept {
        kept = (kept + kAlign - 1) & ~(kAlign - 1);
        used_ = static_cast<std::size_t>(at - chunks_[current_].bytes.get()) + kept;
    }

    [[nodiscard]] std::size_t bytes_reserved() const noexcept { return reserved_; }

    void reset() noexcept {
        while (chunks_.size() > 1 && reserved_ > keep_bytes_) {
            reserved_ -= chunks_.back().size;
            chunks_.pop_back();
        }
        current_ = 0;
        used_ = 0;
    }

  private:
    static constexpr std::size_t kAlign = alignof(std::max_align_t);
    struct Chunk {
        std::unique_ptr<char[]> bytes;
        std::size_t size;
    };

    template <typename T>
    T* room_for(std::size_t count) {
        return static_cast<T*>(static_cast<void*>(allocate(count * sizeof(T))));
    }

    void next_chunk(std::size_t count) {
        while (current_ + 1 < chunks_.size()) {
            ++current_;
            used_ = 0;
            if (chunks_[current_].size >= count) {
                return;
            }
        }
        const std::size_t size = count > chunk_bytes_ ? count : chunk_bytes_;
        chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
        reserved_ += size;
        current_ = chunks_.size() - 1;
        used_ = 0;
    }

    std::size_t chunk_bytes_;
    std::size_t keep_bytes_;
    std::vector<Chunk> chunks_;
    std::size_t current_ = 0;
    std::size_t used_ = 0;
    std::size_t reserved_ = 0;
};

}  // namespace tributary
