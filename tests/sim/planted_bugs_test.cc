// The simulator must be able to fail: each planted bug (base/planted.h) is caught within a bound of
// worlds. Without any, the very same build and seeds find nothing. Each world runs in a process of
// its own, because some bugs end in an assertion.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/plant.h"
#include "tests/sim/world.h"

namespace tributary::sim {
namespace {

constexpr std::uint64_t kWorldsMax = 20'000;
constexpr std::uint64_t kWorldsPerProcess = 250;

// Runs worlds in a child; the seed that failed, or 0. An assertion counts.
std::uint64_t first_failure(const Seeds& seeds, std::uint64_t count) {
    int channel[2] = {-1, -1};
    if (::pipe(channel) != 0) {
        return seeds.first;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stderr) == nullptr) {
            std::_Exit(2);
        }
        std::uint64_t seed = seeds.first;
        for (; count > 0; --count, seed += seeds.every) {
            static_cast<void>(!::write(channel[1], &seed, sizeof(seed)));
            if (!run_world(make_plan(seed)).violation.empty()) {
                std::_Exit(1);
            }
        }
        std::_Exit(0);
    }
    ::close(channel[1]);
    std::uint64_t newest = seeds.first;
    std::uint64_t seed = 0;
    while (::read(channel[0], &seed, sizeof(seed)) == static_cast<ssize_t>(sizeof(seed))) {
        newest = seed;
    }
    ::close(channel[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return status == 0 ? 0 : newest;
}

class PlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBug, is_caught) {
    planted::chosen = GetParam().bug;
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t caught = 0;
    const Seeds seeds = GetParam().seeds;
    for (std::uint64_t done = 0; caught == 0 && done < kWorldsMax; done += kWorldsPerProcess) {
        caught = first_failure({seeds.first + done * seeds.every, seeds.every}, kWorldsPerProcess);
    }
    planted::chosen = planted::Bug::none;
    const double spent =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ASSERT_NE(caught, 0U) << "not caught in " << kWorldsMax << " worlds";
    std::printf("%-32s caught by seed %llu after %.2f s\n",
                std::string(GetParam().name).c_str(),
                static_cast<unsigned long long>(caught),
                spent);
    RecordProperty("seed", std::to_string(caught));
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBug, testing::ValuesIn(kBugs), [](const auto& each) {
    return std::string(each.param.name);
});

TEST(NoPlantedBug, nothing_is_caught) {
    EXPECT_EQ(first_failure({}, 1000), 0U);
}

}  // namespace
}  // namespace tributary::sim
