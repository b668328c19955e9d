#include "core/delivery/cut.h"

#include <algorithm>

namespace tributary::core {

void Cut::begin(SteadyTime now) {
    began_ = now;
    rows_ = 0;
    bytes_ = 0;
}

void Cut::add(std::uint64_t rows, std::uint64_t bytes) {
    rows_ += rows;
    bytes_ += bytes;
}

std::chrono::milliseconds Cut::left(SteadyTime now) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(began_ + limits_.age - now);
    return std::clamp(left, std::chrono::milliseconds(0), limits_.age);
}

}  // namespace tributary::core
