// The end of things: stop within its budget whatever hangs, parked pipelines, the end of the
// process.
#include <gtest/gtest.h>

#include "model/errors.h"
#include "rig.h"

namespace tributary::runtime_test {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kSoon(2);  // a stop that waits for nothing but its own budget of 1 s

// The time that stop() takes.
std::chrono::steady_clock::duration stop(Rig& rig) {
    const auto began = std::chrono::steady_clock::now();
    rig.stop(milliseconds(1000));
    return std::chrono::steady_clock::now() - began;
}

TEST(Stop, leaves_nothing_that_a_restart_repeats_or_loses) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.start();
    for (int round = 0; round < 10; ++round) {
        rig.server().commit({"t a", "t b", "t c"});
        rig.restart();
    }
    rig.expect_exactly_once();
}

TEST(Stop, does_not_wait_for_a_source_that_hangs) {
    Rig rig;
    rig.add("p");
    rig.server().set_blocking(true);
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.server().waiting() == 1; }));
    EXPECT_LT(stop(rig), kSoon);
}

TEST(Stop, does_not_wait_for_a_kafka_that_hangs) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit({"t a"});
    rig.expect_exactly_once();
    rig.kafka().set_hanging(true);
    rig.server().commit({"t b"});
    ASSERT_TRUE(rig.wait([&] { return rig.kafka().waiting() == 1; }));
    EXPECT_LT(stop(rig), kSoon);
    rig.kafka().set_hanging(false);
    rig.restart();
    rig.expect_exactly_once();
}

TEST(Stop, does_not_wait_for_a_log_that_cannot_write) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit({"t a"});
    rig.expect_exactly_once();
    rig.log->set_dead(true);
    rig.server().commit({"t b"});
    // The back-off has grown past the budget.
    ASSERT_TRUE(rig.wait([&] { return rig.log->reopened() >= 6; }));
    EXPECT_LT(stop(rig), kSoon);
    rig.log->set_dead(false);
    ASSERT_TRUE(rig.log->reopen());
    rig.restart();
    rig.expect_exactly_once();
}

TEST(Stop, does_not_wait_for_a_full_log) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.start();
    rig.server().commit({"t a"});
    rig.expect_exactly_once();
    rig.kafka().set_reachable(false);
    rig.log->set_blocks_max("p", 2);
    ASSERT_TRUE(rig.wait([&] {
        rig.server().commit({"t b"});
        return rig.status().intake.state == PipelineState::paused;
    }));
    EXPECT_LT(stop(rig), kSoon);
}

// systemd's watchdog is fed as long as alive() says so (agent/run.cc).
constexpr milliseconds kLifeSign(1500);

TEST(Watchdog, sees_a_source_that_hangs_though_the_others_work) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.start();
    rig.server("p").commit({"t a"});
    rig.expect_exactly_once("p");
    const auto alive = [&] { return rig.runtime().alive(kLifeSign); };
    ASSERT_TRUE(rig.wait(alive));
    rig.server("p").set_blocking(true);
    ASSERT_TRUE(rig.wait([&] { return rig.server("p").waiting() == 1 && !alive(); }));
    rig.server("q").commit({"t b"});
    rig.expect_exactly_once("q");
    EXPECT_FALSE(alive());
    rig.server("p").set_blocking(false);
    EXPECT_TRUE(rig.wait(alive));
}

TEST(Watchdog, sees_a_kafka_client_that_hangs_though_the_others_work) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.start();
    rig.server("p").commit({"t a"});
    rig.expect_exactly_once("p");
    const auto alive = [&] { return rig.runtime().alive(kLifeSign); };
    ASSERT_TRUE(rig.wait(alive));
    rig.kafka("p").set_hanging(true);
    rig.server("p").commit({"t b"});
    ASSERT_TRUE(rig.wait([&] { return rig.kafka("p").waiting() == 1 && !alive(); }));
    rig.server("q").commit({"t c"});
    rig.expect_exactly_once("q");
    EXPECT_FALSE(alive());
    rig.kafka("p").set_hanging(false);
    EXPECT_TRUE(rig.wait(alive));
}

TEST(Parked, intake_leaves_the_other_pipeline_running) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.server("p").fail_open(Error(errors::kSlotLost, "gone"));
    rig.start();
    ASSERT_TRUE(rig.parked_with(errors::kSlotLost, "p"));
    rig.server("q").commit({"t a"});
    rig.expect_exactly_once("q");
    EXPECT_FALSE(rig.runtime().finished(false));
    const auto first = rig.runtime().finished(true);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->kind().exit_code, errors::kExitGap);
    EXPECT_FALSE(rig.runtime().ready());
    EXPECT_TRUE(rig.runtime().alive(std::chrono::seconds(30)));
}

TEST(Parked, delivery_leaves_the_other_pipeline_running) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.start();
    rig.server("p").commit({"t UNDECODABLE"});
    ASSERT_TRUE(rig.parked_with(errors::kValueUndecodable, "p"));
    rig.server("q").commit({"t a"});
    rig.expect_exactly_once("q");
    EXPECT_FALSE(rig.runtime().finished(false));
    EXPECT_TRUE(rig.runtime().finished(true).has_value());
}

TEST(Parked, every_pipeline_ends_the_process_with_the_first_error) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.server("p").fail_open(Error(errors::kSlotLost, "gone"));
    rig.server("q").fail_open(Error(errors::kSourceAuth, "refused"));
    rig.start();
    ASSERT_TRUE(rig.parked_with(errors::kSlotLost, "p"));
    ASSERT_TRUE(rig.parked_with(errors::kSourceAuth, "q"));
    const auto error = rig.runtime().finished(false);
    ASSERT_TRUE(error.has_value());
    EXPECT_TRUE(error->is(errors::kSlotLost));
}

TEST(Finished, with_the_error_of_a_log_that_cannot_be_opened_again) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.start();
    rig.server("p").commit({"t a"});
    rig.expect_exactly_once("p");
    rig.log->fail_reopen(Error(errors::kLogRolledBack, "it is shorter than it was"));
    rig.server("p").commit({"t b"});
    ASSERT_TRUE(rig.wait([&] { return rig.runtime().finished(false).has_value(); }));
    EXPECT_TRUE(rig.runtime().finished(false)->is(errors::kLogRolledBack));
}

TEST(Finished, not_by_a_disk_that_may_come_back) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit({"t a"});
    rig.expect_exactly_once();
    rig.log->set_dead(true);
    rig.server().commit({"t b"});
    ASSERT_TRUE(rig.wait([&] { return rig.log->reopened() >= 2; }));
    EXPECT_FALSE(rig.runtime().finished(true));
    EXPECT_TRUE(rig.wait([&] { return rig.runtime().status().log_error.has_value(); }));
    rig.log->set_dead(false);
    rig.expect_exactly_once();
    EXPECT_FALSE(rig.runtime().status().log_error);
}

TEST(Finished, with_a_fatal_error_of_one_pipeline_while_another_runs) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.server("p").fail_open(Error(errors::kInternal, "impossible"));
    rig.start();
    ASSERT_TRUE(rig.parked_with(errors::kInternal, "p"));
    EXPECT_TRUE(rig.runtime().finished(false).has_value());
}

TEST(Parked, intake_does_not_hold_up_a_stop) {
    Rig rig;
    rig.add("p");
    rig.server("p").fail_open(Error(errors::kSlotLost, "gone"));
    rig.start();
    ASSERT_TRUE(rig.parked_with(errors::kSlotLost, "p"));
    EXPECT_LT(stop(rig), kSoon);
}

TEST(Service, lives_as_long_as_the_runtime) {
    Rig rig;
    rig.add("p");
    rig.start();
    std::atomic<bool> asked{false};
    std::atomic<bool> ended{false};
    rig.runtime().add_service(
        "svc",
        [&] {
            asked.wait(false);
            ended = true;
        },
        [&] {
            asked = true;
            asked.notify_all();
        });
    EXPECT_FALSE(ended);
    rig.stop();
    EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace tributary::runtime_test
