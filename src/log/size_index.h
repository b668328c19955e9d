// SizeIndex: how many bytes of a stream are still needed, without an entry per block: runs of
// blocks of about `run_bytes` each. Exact after every append; a trim inside a run counts when the
// whole run is gone, so the sum is too high by less than one run. One thread (its owner's mutex).
#pragma once

#include <cstdint>
#include <deque>

#include "model/ids.h"

namespace tributary {

class SizeIndex {
  public:
    explicit SizeIndex(std::uint64_t run_bytes) : run_bytes_(run_bytes) {}

    // A block that ends at `last`, after every block added before.
    void add(Sequence last, std::uint64_t bytes);
    // Forgets the runs that end at or before `through`; gives their bytes.
    std::uint64_t trim(Sequence through);
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

  private:
    struct Run {
        Sequence last;
        std::uint64_t bytes;
    };
    std::uint64_t run_bytes_;
    std::uint64_t bytes_ = 0;
    std::deque<Run> runs_;
};

}  // namespace tributary
