// SizeIndex; see the header.
#include "log/size_index.h"

#include "base/assert.h"

namespace tributary {

void SizeIndex::add(Sequence last, std::uint64_t bytes) {
    TRIBUTARY_ASSERT(runs_.empty() || runs_.back().last < last);
    bytes_ += bytes;
    if (!runs_.empty() && runs_.back().bytes + bytes <= run_bytes_) {
        runs_.back().last = last;
        runs_.back().bytes += bytes;
        return;
    }
    runs_.push_back({last, bytes});
}

std::uint64_t SizeIndex::trim(Sequence through) {
    std::uint64_t freed = 0;
    while (!runs_.empty() && runs_.front().last <= through) {
        freed += runs_.front().bytes;
        runs_.pop_front();
    }
    bytes_ -= freed;
    return freed;
}

}  // namespace tributary
