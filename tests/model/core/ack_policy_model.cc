// AckPolicy in every run of seven pressures around its two thresholds, with and without a known
// limit (DESIGN 3, "Confirming to the source").
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "core/intake/ack_policy.h"

namespace tributary::core {
namespace {

constexpr std::size_t kDepth = 7;
constexpr std::array<Pressure, 6> kPressures{{
    {.held_bytes = 0, .limit_bytes = 100},
    {.held_bytes = 50, .limit_bytes = 100},
    {.held_bytes = 51, .limit_bytes = 100},
    {.held_bytes = 100, .limit_bytes = 100},
    {.held_bytes = 101, .limit_bytes = 100},
    {.held_bytes = 1000, .limit_bytes = 0},  // no limit known
}};

// Read from the end: the newest pressure that decides. Up above the limit, down at half of it.
bool durable_after(const std::vector<Pressure>& history) {
    for (auto at = history.rbegin(); at != history.rend(); ++at) {
        if (at->limit_bytes == 0) {
            continue;
        }
        if (at->held_bytes > at->limit_bytes) {
            return true;
        }
        if (2 * at->held_bytes <= at->limit_bytes) {
            return false;
        }
    }
    return false;
}

void walk(AckMode mode,
          const AckPolicy& policy,
          std::vector<Pressure>& history,
          std::size_t& worlds) {
    ++worlds;
    const bool expected =
        mode == AckMode::buffered || (mode == AckMode::automatic && durable_after(history));
    ASSERT_EQ(policy.confirms_durable(), expected) << "after " << history.size() << " pressures";
    if (history.size() == kDepth) {
        return;
    }
    for (const Pressure& pressure : kPressures) {
        AckPolicy after = policy;
        after.on_pressure(pressure);
        history.push_back(pressure);
        walk(mode, after, history, worlds);
        history.pop_back();
    }
}

TEST(AckPolicyModel, confirms_durable_exactly_between_the_limit_and_half_of_it) {
    for (const AckMode mode : {AckMode::buffered, AckMode::delivered, AckMode::automatic}) {
        std::vector<Pressure> history;
        std::size_t worlds = 0;
        walk(mode, AckPolicy(mode), history, worlds);
        EXPECT_EQ(worlds, 335'923U);  // (6^8 - 1) / 5
    }
}

// The pressures before the first checkpoint count as those after it.
TEST(AckPolicyModel, confirms_nothing_durable_before_the_first_checkpoint_where_gaps_are_noticed) {
    constexpr bool kNoticed = true;
    for (const AckMode mode : {AckMode::buffered, AckMode::delivered, AckMode::automatic}) {
        for (const Pressure& before : kPressures) {
            for (const Pressure& after : kPressures) {
                AckPolicy policy(mode, kNoticed);
                policy.on_pressure(before);
                EXPECT_FALSE(policy.confirms_durable());
                AckPolicy unnoticed(mode);
                unnoticed.on_pressure(before);
                policy.on_checkpoint();
                EXPECT_EQ(policy.confirms_durable(), unnoticed.confirms_durable());
                policy.on_pressure(after);
                unnoticed.on_pressure(after);
                EXPECT_EQ(policy.confirms_durable(), unnoticed.confirms_durable());
            }
        }
    }
}

}  // namespace
}  // namespace tributary::core
