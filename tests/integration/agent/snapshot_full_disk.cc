#include "tests/integration/agent/snapshot_full_disk.h"

#include <gtest/gtest.h>

#include "tests/integration/agent/small_disk.h"

namespace tributary::agent_testing {
namespace {

int rows_taken(const nlohmann::json& pipeline) {
    return pipeline.at("snapshot").is_object() ? pipeline["snapshot"].at("rows").get<int>() : 0;
}

}  // namespace

void expect_full_disk_pauses(const Taking& taking, int rows) {
    Site& site = taking.site;
    const SmallDisk disk(site.path("disk"));
    site.state_dir = site.path("disk") / "state";
    Agent agent(site);
    const auto comes_to = [&](const std::function<bool(const nlohmann::json&)>& state) {
        return agent.poll(state, kPatience, taking.pipeline);
    };
    ASSERT_TRUE(comes_to([](const auto& at) { return rows_taken(at) >= 100; })) << agent.log();
    disk.fill();
    EXPECT_TRUE(comes_to([](const auto& at) { return at.at("intake").at("state") == "paused"; }));
    const nlohmann::json paused = agent.pipeline(taking.pipeline);
    EXPECT_EQ(paused.at("intake").at("error"), "log_full");
    EXPECT_LT(rows_taken(paused), rows);
    disk.free();
    ASSERT_TRUE(comes_to(is_over)) << agent.log();
    write_ending(taking);
    const Replay taken = replay(taking.topic("t"));
    EXPECT_EQ(taken.reads, static_cast<std::size_t>(rows));
    expect_table(taking.query, "t", taken);
}

}  // namespace tributary::agent_testing
