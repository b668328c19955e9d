// Exactly once through the real runtime: commit outcomes, restarts, replaced and foreign logs, ack
// modes, several pipelines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "model/errors.h"
#include "rig.h"

namespace tributary::runtime_test {
namespace {

using Outcome = Cluster::Outcome;
using testing::ElementsAre;
using testing::SizeIs;

std::vector<std::string> rows_of(const std::string& name, std::size_t count) {
    std::vector<std::string> rows;
    for (std::size_t index = 0; index < count; ++index) {
        rows.push_back("table" + std::to_string(index % 2) + ' ' + name + ' ' +
                       std::to_string(index));
    }
    return rows;
}

TEST(Delivery, brings_every_row_to_kafka_once_and_in_order) {
    Rig rig;
    rig.add("p");
    rig.server().commit(rows_of("a", 3));
    rig.start();
    rig.server().commit(rows_of("b", 2));
    rig.expect_exactly_once();
    rig.server().commit(rows_of("c", 1));
    rig.expect_exactly_once();
    EXPECT_TRUE(rig.runtime().ready());
    EXPECT_TRUE(rig.runtime().alive(std::chrono::seconds(30)));
    EXPECT_FALSE(rig.runtime().finished(true));
}

TEST(Delivery, splits_a_transaction_over_blocks_cuts_and_a_tiny_ring) {
    Rig rig;
    rig.queue_bytes = 64;
    rig.add("p",
            {.rows_per_poll = 3,
             .cut = {.rows = 4, .bytes = 1U << 20U, .age = std::chrono::milliseconds(1)}});
    rig.start();
    rig.server().commit(rows_of("large", 50));
    rig.server().commit(rows_of("small", 1));
    rig.expect_exactly_once();
    EXPECT_GT(rig.kafka().checkpoints().size(), 5U);
}

TEST(Delivery, hands_records_over_only_once_the_sink_has_settled) {
    constexpr std::chrono::milliseconds kSettle(40);
    Rig rig;
    rig.add("p", {.cut = {.age = 3 * kSettle}});
    rig.kafka().set_settle_time(kSettle);
    rig.start();
    rig.server().commit(rows_of("a", 3));
    rig.expect_exactly_once();
    rig.server().commit(rows_of("b", 3));
    rig.expect_exactly_once();
    const auto records = rig.kafka().records("events");
    ASSERT_THAT(records, SizeIs(6));
    for (std::size_t index = 3; index < 6; ++index) {
        EXPECT_GE(records[index].handed_over - records[2].landed, kSettle) << index;
    }
}

TEST(Delivery, hands_a_small_transaction_over_at_its_end_and_a_large_one_as_it_comes) {
    constexpr std::chrono::milliseconds kAge(400);
    for (const std::uint64_t bytes : {std::uint64_t{1} << 20U, std::uint64_t{1}}) {
        Rig rig;
        rig.add("p", {.cut = {.age = kAge}});
        rig.kafka().set_gather_bytes(bytes);
        rig.start();
        const auto before = std::chrono::steady_clock::now();
        rig.server().commit(rows_of("a", 5));
        rig.expect_exactly_once();
        const auto records = rig.kafka().records("events");
        ASSERT_THAT(records, SizeIs(5));
        EXPECT_EQ(records[4].handed_over - before >= kAge, bytes > 1) << bytes;
        EXPECT_GE(records[4].landed - before, kAge);
    }
}

TEST(Delivery, does_not_wait_for_the_sink_with_a_transaction_that_is_full) {
    Rig rig;
    rig.add("p", {.cut = {.rows = 3, .age = std::chrono::hours(1)}});
    rig.kafka().set_settle_time(std::chrono::hours(1));
    rig.start();
    rig.server().commit(rows_of("a", 3));
    rig.expect_exactly_once();
    rig.server().commit(rows_of("b", 3));
    rig.expect_exactly_once();
}

class CommitOutcomes : public testing::TestWithParam<std::tuple<Outcome, Outcome>> {};

TEST_P(CommitOutcomes, never_repeat_or_lose_a_row) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 2});
    rig.kafka().commits({std::get<0>(GetParam()), std::get<1>(GetParam())});
    rig.start();
    rig.server().commit(rows_of("a", 3));
    rig.expect_exactly_once();
    rig.server().commit(rows_of("b", 3));
    rig.expect_exactly_once();
    rig.restart();
    rig.server().commit(rows_of("c", 1));
    rig.expect_exactly_once();
}

TEST_P(CommitOutcomes, never_repeat_or_lose_a_row_when_the_process_ends_in_doubt) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 2});
    rig.kafka().commits({std::get<0>(GetParam()), std::get<1>(GetParam())});
    rig.server().commit(rows_of("a", 5));
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.kafka().recoveries() > 0; }));
    rig.restart();
    rig.restart();
    rig.server().commit(rows_of("b", 2));
    rig.expect_exactly_once();
}

INSTANTIATE_TEST_SUITE_P(every_pair,
                         CommitOutcomes,
                         testing::Combine(testing::Values(Outcome::spotless,
                                                          Outcome::committed,
                                                          Outcome::unknown_landed,
                                                          Outcome::unknown_lost),
                                          testing::Values(Outcome::spotless,
                                                          Outcome::committed,
                                                          Outcome::unknown_landed,
                                                          Outcome::unknown_lost)));

TEST(Delivery, recovers_before_the_next_transaction_after_a_commit_that_was_not_spotless) {
    Rig rig;
    rig.add("p");
    rig.kafka().commits({Outcome::committed});
    rig.start();
    rig.server().commit(rows_of("a", 1));
    rig.expect_exactly_once();
    rig.server().commit(rows_of("b", 1));
    rig.expect_exactly_once();
    EXPECT_EQ(rig.kafka().recoveries(), 2U);
}

TEST(Delivery, re_reads_a_source_that_broke_inside_a_transaction) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 2});
    rig.server().fail_polls(1, 2);
    rig.start();
    rig.server().commit(rows_of("a", 7));
    rig.expect_exactly_once();
    EXPECT_EQ(rig.server().opens(), 3U);
}

TEST(Delivery, goes_on_taking_in_after_a_restart_while_kafka_is_away) {
    Rig rig;
    rig.add("p", {.ack = core::AckMode::buffered});
    rig.start();
    rig.server().commit(rows_of("a", 2));
    rig.expect_exactly_once();
    rig.kafka().set_reachable(false);
    rig.restart();
    const auto lsn = rig.server().commit(rows_of("b", 2));
    EXPECT_TRUE(rig.wait([&] { return rig.server().confirmed() == at_transaction(lsn); }));
    EXPECT_TRUE(rig.runtime().ready());
    rig.kafka().set_reachable(true);
    rig.expect_exactly_once();
}

TEST(Delivery, does_not_read_the_source_before_kafka_said_where_a_new_log_goes_on) {
    Rig rig;
    rig.add("p");
    rig.kafka().set_reachable(false);
    rig.server().commit(rows_of("a", 2));
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.observer.errors("kafka_transaction") > 0; }));
    EXPECT_EQ(rig.server().opens(), 0U);
    EXPECT_FALSE(rig.runtime().ready());
    rig.kafka().set_reachable(true);
    rig.expect_exactly_once();
}

TEST(Delivery, goes_on_with_a_new_log_after_the_checkpoint) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 2});
    rig.start();
    rig.server().commit(rows_of("a", 3));
    rig.expect_exactly_once();
    rig.replace_log(2);
    rig.server().commit(rows_of("b", 3));
    rig.start();
    rig.expect_exactly_once();
    rig.restart();
    rig.server().commit(rows_of("c", 1));
    rig.expect_exactly_once();
}

// An older disk comes back beside a newer checkpoint; intake is already running on it.
TEST(Delivery, sets_a_foreign_log_aside_though_intake_already_runs_on_it) {
    for (int round = 0; round < 20; ++round) {
        Rig rig;
        rig.add("p", {.rows_per_poll = 1});
        rig.start();
        rig.server().commit(rows_of("a", 2));
        rig.expect_exactly_once();
        rig.stop();
        // A twin with a disk of its own went on for a while.
        const auto lsn = rig.server().commit({"table0 by the twin"});
        Checkpoint foreign = rig.kafka().newest().value();
        foreign.log_id.bytes.fill(9);
        foreign.previous_last = foreign.last;
        foreign.first = next(foreign.last);
        foreign.last = Sequence(foreign.last.value() + 2);
        foreign.resume = at_transaction(lsn);
        foreign.done = at_entry(lsn, 1);
        foreign.wall_time_us += 1000;
        rig.kafka().seed(foreign);
        rig.kafka().set_reachable(false);
        rig.restart();
        // Old history grows while Kafka is away.
        ASSERT_TRUE(rig.wait([&] { return rig.status().durable > 3; }));
        rig.server().commit(rows_of("b", 30));
        rig.kafka().set_reachable(true);
        std::vector<std::string> expected = rig.server().rows();
        std::erase(expected, "table0 by the twin");
        ASSERT_TRUE(
            rig.wait([&] { return rig.kafka().values("events").size() >= expected.size(); }));
        EXPECT_EQ(rig.kafka().values("events"), expected);
        const auto streams = rig.log->streams();
        ASSERT_THAT(streams.value(), SizeIs(2));
        EXPECT_TRUE(streams.value()[0].set_aside);
        EXPECT_FALSE(streams.value()[1].set_aside);
        EXPECT_EQ(streams.value()[1].base.first, next(foreign.last));
    }
}

// A disk that lied lost the block that is in Kafka, and another came to the same place and
// positions before Kafka could be asked: a snapshot that took its tables in another order. Kafka's
// checkpoint tells by the block's checksum, unless an older version wrote it.
TEST(Delivery, sets_a_log_aside_whose_block_is_another_than_the_checkpoints) {
    struct Case {
        std::string name;
        std::uint32_t (*crc_in_kafka)(std::uint32_t of_the_log);
        bool set_aside;
    };
    for (const Case& the : {
             Case{"another", [](std::uint32_t crc) { return crc + 1; }, true},
             Case{"the same", [](std::uint32_t crc) { return crc; }, false},
             Case{"not known", [](std::uint32_t) { return 0U; }, false},
         }) {
        SCOPED_TRACE(the.name);
        Rig rig;
        rig.add("p");
        rig.start();
        rig.server().commit(rows_of("a", 2));
        rig.expect_exactly_once();
        rig.stop();
        Checkpoint newest = rig.kafka().newest().value();
        ASSERT_NE(newest.block_crc, 0U);
        newest.block_crc = the.crc_in_kafka(newest.block_crc);
        rig.kafka().seed(newest);
        rig.restart();
        rig.server().commit(rows_of("b", 2));
        ASSERT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= 4; }));
        EXPECT_EQ(rig.kafka().values("events"), rig.server().rows());
        const auto streams = rig.log->streams();
        ASSERT_THAT(streams.value(), SizeIs(the.set_aside ? 2 : 1));
        EXPECT_EQ(streams.value()[0].set_aside, the.set_aside);
    }
}

// The twin confirmed, too: what the old log would read next is gone from the source, and in Kafka.
TEST(Delivery, sets_an_old_log_aside_whose_source_has_forgotten_what_comes_next) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.start();
    rig.server().commit(rows_of("a", 2));
    rig.expect_exactly_once();
    rig.stop();
    const auto lsn = rig.server().commit({"table0 by the twin"});
    Checkpoint foreign = rig.kafka().newest().value();
    foreign.log_id.bytes.fill(9);
    foreign.previous_last = foreign.last;
    foreign.first = next(foreign.last);
    foreign.last = Sequence(foreign.last.value() + 2);
    foreign.resume = at_transaction(lsn);
    foreign.done = at_entry(lsn, 1);
    foreign.wall_time_us += 1000;
    rig.kafka().seed(foreign);
    rig.server().confirm_by_another(foreign.resume);
    rig.kafka().set_reachable(false);
    rig.restart();
    ASSERT_TRUE(rig.wait([&] { return rig.status().intake.state == PipelineState::retrying; }));
    rig.server().commit(rows_of("b", 3));
    rig.kafka().set_reachable(true);
    std::vector<std::string> expected = rig.server().rows();
    std::erase(expected, "table0 by the twin");
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= expected.size(); }));
    EXPECT_EQ(rig.kafka().values("events"), expected);
}

TEST(Delivery, parks_on_a_gap_that_kafka_does_not_explain) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit(rows_of("a", 2));
    rig.expect_exactly_once();
    rig.stop();
    rig.server().confirm_by_another(at_transaction(rig.server().commit(rows_of("b", 1))));
    rig.restart();
    EXPECT_TRUE(rig.parked_with(errors::kSourceGap));
    EXPECT_THAT(rig.kafka().values("events"), SizeIs(2));
}

// The pipeline was at its bound when its history turned out to be foreign.
TEST(Delivery, takes_in_again_after_a_full_log_was_set_aside) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.start();
    rig.server().commit(rows_of("a", 2));
    rig.expect_exactly_once();
    rig.stop();
    Checkpoint foreign = rig.kafka().newest().value();
    foreign.log_id.bytes.fill(9);
    rig.kafka().seed(foreign);
    rig.kafka().set_reachable(false);
    rig.log->set_blocks_max("p", rig.log->blocks("p") + 2);
    rig.restart();
    ASSERT_TRUE(rig.wait([&] {
        rig.server().commit(rows_of("b", 1));
        return rig.status().intake.state == PipelineState::paused;
    }));
    rig.kafka().set_reachable(true);
    const std::vector<std::string> rows = rig.server().rows();
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= rows.size(); }));
    EXPECT_EQ(rig.kafka().values("events"), rows);
}

TEST(Delivery, parks_when_the_checkpoint_topic_lost_everything) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit(rows_of("a", 2));
    rig.expect_exactly_once();
    rig.stop();
    rig.kafka().forget_checkpoints();
    rig.restart();
    EXPECT_TRUE(rig.parked_with(errors::kChainBroken));
    EXPECT_THAT(rig.kafka().values("events"), SizeIs(2));
    // What an operator needs to go on: both sequences, and the position that this host remembers.
    const std::string said = rig.status().delivery.error->what();
    EXPECT_THAT(said, testing::HasSubstr("the log holds sequences "));
    EXPECT_THAT(said, testing::HasSubstr("remembers the checkpoint of sequences 1 to 3, at some"));
}

TEST(Delivery, goes_on_when_fenced_by_a_producer_that_wrote_nothing) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit(rows_of("a", 1));
    rig.expect_exactly_once();
    rig.kafka().fence();
    rig.server().commit(rows_of("b", 1));
    rig.expect_exactly_once();
}

TEST(Delivery, parks_when_a_twin_has_committed) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit(rows_of("a", 1));
    rig.expect_exactly_once();
    Checkpoint foreign = rig.kafka().newest().value();
    foreign.log_id.bytes.fill(9);
    rig.kafka().seed(foreign);
    rig.kafka().fence();
    rig.server().commit(rows_of("b", 1));
    EXPECT_TRUE(rig.parked_with(errors::kFenced));
    EXPECT_THAT(rig.kafka().values("events"), SizeIs(1));
}

TEST(Delivery, parks_on_another_server) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit(rows_of("a", 1));
    rig.expect_exactly_once();
    rig.stop();
    rig.server().set_identity("server 2");
    rig.restart();
    EXPECT_TRUE(rig.parked_with(errors::kSourceDiverged));
}

TEST(Ack, delivered_confirms_what_is_in_kafka_and_nothing_that_is_only_durable) {
    Rig rig;
    rig.add("p");
    rig.start();
    const auto first = rig.server().commit(rows_of("a", 1));
    ASSERT_TRUE(rig.wait([&] { return rig.server().confirmed() == at_transaction(first); }));
    rig.kafka().set_reachable(false);
    const auto second = rig.server().commit(rows_of("b", 1));
    ASSERT_TRUE(rig.wait([&] {
        return rig.log->durable_resume("p") == at_transaction(second) &&
               rig.observer.errors("kafka_transaction") > 0;
    }));
    EXPECT_EQ(rig.server().confirmed(), at_transaction(first));
    rig.kafka().set_reachable(true);
    EXPECT_TRUE(rig.wait([&] { return rig.server().confirmed() == at_transaction(second); }));
}

TEST(Ack, buffered_confirms_what_is_durable) {
    Rig rig;
    rig.add("p", {.ack = core::AckMode::buffered});
    rig.start();
    rig.server().commit(rows_of("a", 1));
    rig.expect_exactly_once();
    rig.kafka().set_reachable(false);
    const auto second = rig.server().commit(rows_of("b", 1));
    EXPECT_TRUE(rig.wait([&] { return rig.server().confirmed() == at_transaction(second); }));
    EXPECT_EQ(rig.status().confirming, "durable");
}

// A log that is lost now would leave nothing to hold the server against.
TEST(Ack, buffered_confirms_nothing_before_the_first_checkpoint_is_in_kafka) {
    Rig rig;
    rig.add("p", {.ack = core::AckMode::buffered});
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.status().intake.state == PipelineState::running; }));
    rig.kafka().set_reachable(false);
    const auto first = rig.server().commit(rows_of("a", 1));
    ASSERT_TRUE(rig.wait([&] {
        return rig.log->durable_resume("p") == at_transaction(first) &&
               rig.observer.errors("kafka_transaction") > 0;
    }));
    EXPECT_TRUE(rig.server().confirmed().empty());
    EXPECT_EQ(rig.status().confirming, "delivered");
    rig.kafka().set_reachable(true);
    EXPECT_TRUE(rig.wait([&] { return rig.server().confirmed() == at_transaction(first); }));
    EXPECT_TRUE(rig.wait([&] { return rig.status().confirming == "durable"; }));
}

TEST(Ack, automatic_goes_over_to_durable_under_pressure_only) {
    Rig rig;
    rig.add("p", {.ack = core::AckMode::automatic});
    rig.server().set_pressure({.held_bytes = 101, .limit_bytes = 100});
    rig.start();
    rig.server().commit(rows_of("a", 1));
    rig.expect_exactly_once();
    EXPECT_TRUE(rig.wait([&] { return rig.status().confirming == "durable"; }));
    rig.kafka().set_reachable(false);
    const auto second = rig.server().commit(rows_of("b", 1));
    EXPECT_TRUE(rig.wait([&] { return rig.server().confirmed() == at_transaction(second); }));
}

TEST(Ack, an_idle_servers_position_is_committed_and_confirmed) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit(rows_of("a", 1));
    const auto idle = rig.server().keepalive();
    ASSERT_TRUE(rig.wait([&] { return rig.server().confirmed() == at_transaction(idle); }));
    EXPECT_EQ(rig.kafka().newest()->resume, at_transaction(idle));
    EXPECT_EQ(rig.status().delivered, 3U);
    rig.restart();
    rig.server().commit(rows_of("b", 1));
    rig.expect_exactly_once();
}

TEST(Pipelines, share_appends_and_deliver_each_their_own) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.add("q", {.rows_per_poll = 1});
    rig.start();
    for (int round = 0; round < 200 && rig.log->appends_of_many() == 0; ++round) {
        rig.server("p").commit(rows_of("p", 20));
        rig.server("q").commit(rows_of("q", 20));
        rig.expect_exactly_once("p");
        rig.expect_exactly_once("q");
    }
    EXPECT_GT(rig.log->appends_of_many(), 0U);
}

// Its own bounds would let each transaction grow for an hour.
TEST(Pipelines, commit_early_when_their_transactions_hold_too_much_together) {
    Rig rig;
    rig.transaction_bytes = 1;
    const core::CutLimits cut{.age = std::chrono::hours(1)};
    rig.add("p", {.cut = cut});
    rig.add("q", {.cut = cut});
    rig.start();
    rig.server("p").commit(rows_of("p", 3));
    rig.expect_exactly_once("p");
    rig.server("q").commit(rows_of("q", 3));
    rig.expect_exactly_once("q");
}

TEST(TransactionBudget, counts_each_header_that_the_sink_copies) {
    const Record bare;
    const std::array<RecordHeader, 4> headers{};
    Record reading;
    reading.headers = headers;
    const std::size_t of_bare = runtime::bytes_beside_arena({&bare, 1});
    const std::size_t of_reading = runtime::bytes_beside_arena({&reading, 1});
    EXPECT_EQ(runtime::bytes_beside_arena({}), 0U);
    EXPECT_GE(of_bare, sizeof(Record) + 415) << "librdkafka 2.0.2, a message with one header";
    EXPECT_GE(of_reading, of_bare + 4 * 84);
    EXPECT_LE(of_reading, of_bare + 4 * 96);
}

TEST(TransactionBudget, presses_those_above_their_share_while_all_are_above_it) {
    runtime::TransactionBudget budget(100, 2);
    budget.take(90);
    EXPECT_FALSE(budget.presses(90)) << "one alone has all of it";
    budget.take(20);
    EXPECT_TRUE(budget.presses(90)) << "two have half of it";
    EXPECT_FALSE(budget.presses(20)) << "below its share";
    budget.give_back(90);
    EXPECT_FALSE(budget.presses(20));
    budget.take(30);
    EXPECT_FALSE(budget.presses(30)) << "together they hold the half, not more";
    budget.take(1);
    EXPECT_TRUE(budget.presses(31));
    budget.give_back(31);
    budget.take(81);
    EXPECT_TRUE(budget.presses(101)) << "one alone, above all of it";
}

}  // namespace
}  // namespace tributary::runtime_test
