// Cut: when a Kafka transaction ends: by rows, bytes or age, whichever comes first (DESIGN 3.4).
// Pure; one delivery thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "ports/clock.h"

namespace tributary::core {

struct CutLimits {
    std::uint64_t rows = 10'000;
    std::uint64_t bytes = 6U << 20U;    // of encoded records
    std::chrono::milliseconds age{20};  // since the first entry was taken
};

class Cut {
  public:
    explicit Cut(CutLimits limits) : limits_(limits) {}

    void begin(SteadyTime now);
    void add(std::uint64_t rows, std::uint64_t bytes);
    [[nodiscard]] bool full() const { return rows_ >= limits_.rows || bytes_ >= limits_.bytes; }
    [[nodiscard]] bool due(SteadyTime now) const { return full() || now - began_ >= limits_.age; }
    // How long one may wait for more before due().
    [[nodiscard]] std::chrono::milliseconds left(SteadyTime now) const;
    [[nodiscard]] std::uint64_t rows() const { return rows_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    CutLimits limits_;
    SteadyTime began_;
    std::uint64_t rows_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace tributary::core
