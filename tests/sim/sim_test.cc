// The simulator in CI: enough worlds that a change which breaks the promise does not get through,
// the seeds that once failed, and the simulator's own promise: same seed, same world.
// By hand, with any seeds: `sim` (docs/simulation.md).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace tributary::sim {
namespace {

constexpr std::uint64_t kWorlds = 20'000;

// Lines of "<seed> <what it found>", "#" comments.
std::vector<std::uint64_t> kept_seeds() {
    std::ifstream file(SIM_SEEDS);
    std::vector<std::uint64_t> seeds;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::uint64_t seed = 0;
        if (words >> seed) {
            seeds.push_back(seed);
        }
    }
    return seeds;
}

TEST(Simulation, a_seed_gives_the_same_world_each_time) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::string first;
        std::string second;
        const Plan plan = make_plan(seed);
        static_cast<void>(run_world(plan, [&](const std::string& line) { first += line; }));
        static_cast<void>(run_world(plan, [&](const std::string& line) { second += line; }));
        ASSERT_EQ(first, second) << "seed " << seed;
        ASSERT_EQ(run_world(plan).steps, run_world(plan).steps) << "seed " << seed;
    }
}

TEST(Simulation, seeds_that_once_failed_do_not_fail_again) {
    const auto seeds = kept_seeds();
    ASSERT_FALSE(seeds.empty()) << SIM_SEEDS;
    for (const std::uint64_t seed : seeds) {
        EXPECT_EQ(run_world(make_plan(seed)).violation, "") << "sim --seed " << seed << " --trace";
    }
}

TEST(Simulation, every_row_arrives_once_and_in_order_whatever_fails) {
    std::size_t records = 0;
    std::size_t lives = 0;
    std::size_t stopped = 0;
    for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
        const Outcome outcome = run_world(make_plan(seed));
        EXPECT_EQ(outcome.violation, "") << "sim --seed " << seed << " --trace";
        records += outcome.records;
        lives += outcome.lives;
        stopped += outcome.stopped.empty() ? 0 : 1;
    }
    // That it reached the load that it claims.
    EXPECT_GT(records, 100 * kWorlds);
    EXPECT_GT(lives, 2 * kWorlds);
    EXPECT_GT(stopped, kWorlds / 50);
    EXPECT_LT(stopped, kWorlds / 4);
    std::printf("%llu worlds, %zu records, %zu lives of the agent, %zu named stops\n",
                static_cast<unsigned long long>(kWorlds),
                records,
                lives,
                stopped);
}

}  // namespace
}  // namespace tributary::sim
