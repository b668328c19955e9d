// What an operator asks of a source's seat for snapshots, and a pipeline that ends by
// configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"
#include "rig.h"
#include "runtime/snapshot_meter.h"

namespace tributary::runtime_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

TEST(SnapshotRequests, are_on_the_disk_when_they_are_answered) {
    Rig rig;
    rig.add("p");
    rig.server().set_snapshots(true);
    rig.start();
    rig.server().commit({"t a"});
    rig.expect_exactly_once();
    ASSERT_TRUE(rig.runtime().start_snapshot("p", {"t", "id > 5"}));
    ASSERT_TRUE(rig.runtime().stop_snapshot("p", "t"));
    EXPECT_THAT(rig.server().asked(), ElementsAre("start t id > 5", "stop t"));
    const auto stream = rig.log->find_stream("p");
    ASSERT_TRUE(stream && stream.value());
    const auto stored = rig.log->side(stream.value()->id, "asked/start t id > 5");
    ASSERT_TRUE(stored);
    EXPECT_TRUE(stored.value().has_value());
    rig.expect_exactly_once();
}

TEST(SnapshotRequests, are_refused_by_name_and_change_nothing) {
    Rig rig;
    rig.add("p");
    rig.add("without");
    rig.server().set_snapshots(true);
    rig.start();
    rig.server().commit({"t a"});
    rig.expect_exactly_once();
    const auto error = [&](const char* pipeline, const char* table) {
        const auto done = rig.runtime().start_snapshot(pipeline, {table, ""});
        return done ? std::string("done") : std::string(done.error().kind().name);
    };
    EXPECT_EQ(error("nobody", "t"), "argument_invalid");
    EXPECT_EQ(error("without", "t"), "snapshot_refused");
    EXPECT_EQ(error("p", "unknown"), "snapshot_refused");
    EXPECT_TRUE(rig.server().asked().empty());
    EXPECT_FALSE(rig.status("without").snapshot);
    EXPECT_EQ(error("p", "t"), "done");
    ASSERT_TRUE(
        rig.wait([&] { return rig.status().snapshot->snapshot.state == SnapshotState::running; }));
}

TEST(SnapshotRequests, that_nobody_serves_are_taken_back) {
    Rig rig;
    rig.add("p");
    rig.server().set_snapshots(true);
    rig.server().fail_open({errors::kSourceAuth, "a wrong password"});
    rig.start();
    ASSERT_TRUE(rig.parked_with(errors::kSourceAuth));
    const auto done = rig.runtime().start_snapshot("p", {"t", ""});
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errors::kSnapshotNotNow));
    EXPECT_TRUE(rig.server().asked().empty());
}

TEST(Complete, is_a_state_that_ends_the_pipeline_when_all_is_in_kafka) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.server().set_complete(true);
    rig.server().commit({"t a", "t b"});
    rig.server().commit({"t c"});
    rig.kafka().set_reachable(true);
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.runtime().complete(); }));
    EXPECT_EQ(rig.status().intake.state, PipelineState::complete);
    EXPECT_FALSE(rig.runtime().finished(true));
    rig.expect_exactly_once();
}

TEST(Complete, waits_for_kafka_and_for_the_other_pipelines) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.server("p").set_complete(true);
    rig.server("p").commit({"t a"});
    rig.server("q").commit({"t a"});
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.status("p").intake.state == PipelineState::complete; }));
    rig.expect_exactly_once("p");
    rig.expect_exactly_once("q");
    EXPECT_FALSE(rig.runtime().complete());
    EXPECT_FALSE(rig.runtime().finished(false));
}

TEST(Complete, beside_a_parked_pipeline_leaves_nothing_to_run) {
    Rig rig;
    rig.add("p");
    rig.add("q");
    rig.server("p").set_complete(true);
    rig.server("p").commit({"t a"});
    rig.server("q").fail_open({errors::kSourceAuth, "a wrong password"});
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.status("p").intake.state == PipelineState::complete; }));
    ASSERT_TRUE(rig.parked_with(errors::kSourceAuth, "q"));
    EXPECT_TRUE(rig.runtime().finished(false));
}

SnapshotStatus at(std::uint64_t rows, std::uint64_t estimate) {
    return {.state = SnapshotState::running,
            .tables_total = 1,
            .rows = rows,
            .tables = {{.name = "t", .rows = rows, .rows_estimate = estimate}}};
}

TEST(SnapshotMeter, tells_rate_and_time_left) {
    runtime::SnapshotMeter meter;
    SteadyTime now;
    EXPECT_FALSE(meter.step(now, at(0, 1000)).seconds_left);
    SnapshotReport report;
    for (std::uint64_t second = 1; second <= 5; ++second) {
        now += seconds(1);
        report = meter.step(now, at(100 * second, 1000));
    }
    EXPECT_NEAR(report.rows_per_second, 100, 1);
    EXPECT_EQ(report.seconds_left, 5U);
    EXPECT_EQ(report.seconds, 5U);
    // A rate that falls is followed within some ten seconds.
    for (int second = 0; second < 40; ++second) {
        now += seconds(1);
        report = meter.step(now, at(500, 1000));
    }
    EXPECT_LT(report.rows_per_second, 5);
    // More rows than the server guessed: none are known to be left.
    now += seconds(1);
    EXPECT_EQ(meter.step(now, at(2000, 1000)).seconds_left, 0U);
}

TEST(SnapshotMeter, counts_rows_of_before_a_restart_to_nobodys_rate) {
    runtime::SnapshotMeter meter;
    SteadyTime now;
    EXPECT_EQ(meter.step(now, at(900, 1000)).rows_per_second, 0);
    now += seconds(1);
    EXPECT_NEAR(meter.step(now, at(910, 1000)).rows_per_second, 10, 0.1);
    SnapshotStatus over;
    over.state = SnapshotState::complete;
    over.rows = 1000;
    now += seconds(1);
    EXPECT_EQ(meter.step(now, over).rows_per_second, 0);
    now += seconds(60);
    EXPECT_EQ(meter.step(now, over).seconds, 2U) << "the clock stops at the end";
}

}  // namespace
}  // namespace tributary::runtime_test
