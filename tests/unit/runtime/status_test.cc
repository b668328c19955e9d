// What the runtime says of itself while all is not well: the lag, and whether Kafka answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rig.h"

namespace tributary::runtime_test {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;
using testing::Optional;

class Said : public testing::Test {
  protected:
    void SetUp() override {
        rig.add("p", {.rows_per_poll = 1});
        rig.start();
        rig.server().commit({"t first"});
        rig.expect_exactly_once();
        ASSERT_TRUE(rig.wait([&] { return rig.status().delivered == rig.status().appended; }));
    }
    // As the agent's loop does, about once a second.
    [[nodiscard]] std::optional<std::int64_t> gauge(Gauge gauge) {
        rig.runtime().sample(0);
        return rig.observer.gauge(gauge, "p");
    }
    Rig rig;
};

TEST_F(Said, lag_is_0_when_nothing_waits_and_the_source_is_read) {
    rig.clock.wall_us = 60'000'001;
    EXPECT_EQ(gauge(Gauge::lag_seconds), 0);
    EXPECT_EQ(rig.status().lag_seconds, 0);
}

TEST_F(Said, lag_counts_what_a_full_log_did_not_take) {
    EXPECT_EQ(gauge(Gauge::lag_seconds), 0);
    rig.log->set_blocks_max("p", 1);
    rig.server().commit({"t second"});
    ASSERT_TRUE(rig.wait([&] { return rig.status().intake.state == PipelineState::paused; }));
    rig.clock.wall_us = 60'000'001;  // the row was read at 1
    EXPECT_EQ(gauge(Gauge::lag_seconds), 60);
    EXPECT_EQ(rig.status().lag_seconds, 60);
    rig.log->set_blocks_max("p", 1000);
    rig.expect_exactly_once();
}

TEST_F(Said, lag_grows_while_the_source_cannot_be_read) {
    rig.server().set_blocking(true);
    ASSERT_TRUE(rig.wait([&] { return rig.server().waiting() > 0; }));
    rig.clock.ahead_seconds = 90;
    EXPECT_THAT(gauge(Gauge::lag_seconds), Optional(AllOf(Ge(90), Le(120))));
    EXPECT_THAT(rig.status().lag_seconds, Optional(AllOf(Ge(90), Le(120))));
    rig.server().set_blocking(false);
    EXPECT_TRUE(rig.wait([&] { return gauge(Gauge::lag_seconds) == 0; }));
}

TEST_F(Said, lag_does_not_grow_when_nothing_more_is_to_be_read) {
    rig.server().set_complete(true);
    ASSERT_TRUE(rig.wait([&] { return rig.status().intake.state == PipelineState::complete; }));
    rig.clock.ahead_seconds = 90;
    EXPECT_EQ(gauge(Gauge::lag_seconds), 0);
    EXPECT_EQ(rig.status().lag_seconds, 0);
}

TEST_F(Said, kafka_is_not_connected_while_it_leaves_a_transaction_without_an_answer) {
    EXPECT_EQ(gauge(Gauge::sink_connected), 1);
    EXPECT_TRUE(rig.status().sink_connected);
    rig.kafka().set_answers(false);
    EXPECT_EQ(gauge(Gauge::sink_connected), 0);
    EXPECT_FALSE(rig.status().sink_connected);
    rig.kafka().set_answers(true);
    EXPECT_EQ(gauge(Gauge::sink_connected), 1);
}

TEST_F(Said, kafka_is_not_connected_from_an_error_of_it_until_it_was_reached_again) {
    rig.kafka().set_reachable(false);
    rig.server().commit({"t second"});
    ASSERT_TRUE(rig.wait([&] { return !rig.status().sink_connected; }));
    EXPECT_EQ(gauge(Gauge::sink_connected), 0);
    rig.kafka().set_reachable(true);
    rig.expect_exactly_once();
    EXPECT_EQ(gauge(Gauge::sink_connected), 1);
}

}  // namespace
}  // namespace tributary::runtime_test
