#include "core/retry.h"

#include <algorithm>

namespace tributary::core {

std::chrono::milliseconds Backoff::next(std::uint32_t random) {
    const auto step = current_;
    current_ = std::min(most_, current_ * 2);
    const auto half = step.count() / 2;
    const auto jitter = static_cast<std::chrono::milliseconds::rep>(
        (static_cast<std::uint64_t>(random) *
         static_cast<std::uint64_t>(step.count() - half + 1)) >>
        32U);
    return std::chrono::milliseconds(half + jitter);
}

}  // namespace tributary::core
