// Rng: the one source of chance in a simulated world (splitmix64): same seed, same world, on every
// machine and with every standard library.
#pragma once

#include <cstdint>

namespace tributary::sim {

class Rng {
  public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31U);
    }
    // 0 .. bound - 1; 0 when the bound is 0.
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    // low .. high, both included.
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
    }
    bool chance(std::uint64_t in_thousand) { return below(1000) < in_thousand; }
    bool coin() { return (next() & 1U) != 0; }

  private:
    std::uint64_t state_;
};

}  // namespace tributary::sim
