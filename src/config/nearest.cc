#include "config/nearest.h"

#include <algorithm>
#include <vector>

namespace tributary::config {

namespace {

constexpr std::size_t kNameBytesMax = 64;

// Optimal string alignment distance.
std::size_t distance(std::string_view left, std::string_view right) {
    const std::size_t width = right.size() + 1;
    std::vector<std::size_t> cost((left.size() + 1) * width);
    for (std::size_t i = 0; i <= left.size(); ++i) {
        for (std::size_t j = 0; j < width; ++j) {
            std::size_t& here = cost[i * width + j];
            if (i == 0 || j == 0) {
                here = i + j;
                continue;
            }
            const std::size_t replace = left[i - 1] == right[j - 1] ? 0 : 1;
            here = std::min({cost[(i - 1) * width + j] + 1,
                             cost[i * width + j - 1] + 1,
                             cost[(i - 1) * width + j - 1] + replace});
            const bool swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped) {
                here = std::min(here, cost[(i - 2) * width + j - 2] + 1);
            }
        }
    }
    return cost.back();
}

}  // namespace

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
    if (name.size() > kNameBytesMax) {
        return {};
    }
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
    for (const std::string_view candidate : known) {
        const std::size_t here = distance(name, candidate);
        if (here < best_distance) {
            best = candidate;
            best_distance = here;
        }
    }
    return best;
}

}  // namespace tributary::config
