// Events that an operator gives up: exactly those are missing, the chain of checkpoints says which,
// through restarts and doubtful commits, whenever it comes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"
#include "rig.h"

namespace tributary::runtime_test {
namespace {

using Outcome = Cluster::Outcome;

constexpr std::size_t kRowsPerPoll = 3;

// Rows of a transaction each: a row's event and the transaction's end take one sequence each.
void commit_rows(Rig& rig, std::size_t first, std::size_t last) {
    for (std::size_t row = first; row <= last; ++row) {
        rig.server().commit({"t " + std::to_string(row)});
    }
}

std::uint64_t sequence_of(std::size_t row) {
    return 2 * static_cast<std::uint64_t>(row) - 1;
}

bool durable(Rig& rig, std::size_t rows) {
    return rig.wait([&] { return rig.status().durable >= 2 * rows; });
}

bool delivered(Rig& rig, std::size_t rows) {
    return rig.wait([&] { return rig.status().delivered >= 2 * rows; });
}

// Every row is in Kafka once, in order, or its sequence is in a hole that a checkpoint names.
void expect_delivered_or_named(Rig& rig, std::size_t rows) {
    std::set<std::uint64_t> holes;
    std::uint64_t last = 0;
    for (const Checkpoint& checkpoint : rig.kafka().checkpoints()) {
        EXPECT_EQ(checkpoint.previous_last.value(), last);
        for (std::uint64_t at = last + 1; at < checkpoint.first.value(); ++at) {
            holes.insert(at);
        }
        last = checkpoint.last.value();
    }
    EXPECT_EQ(last, 2 * rows);
    std::vector<std::string> expected;
    for (std::size_t row = 1; row <= rows; ++row) {
        if (!holes.contains(sequence_of(row))) {
            expected.push_back("t " + std::to_string(row));
        }
    }
    std::vector<std::string> values = rig.kafka().values("events");
    EXPECT_EQ(values, expected);
}

std::size_t missing(Rig& rig, std::size_t rows) {
    return rows - rig.kafka().values("events").size();
}

class Drops : public testing::TestWithParam<std::tuple<Outcome, bool>> {
  protected:
    Drops() {
        rig_.add("p", {.rows_per_poll = kRowsPerPoll, .ack = core::AckMode::buffered});
        rig_.start();
        commit_rows(rig_, 1, 10);
        EXPECT_TRUE(delivered(rig_, 10));
        if (restarts()) {
            rig_.kafka().set_reachable(false);
        } else {
            rig_.kafka().set_hanging(true);
        }
        commit_rows(rig_, 11, 40);
        EXPECT_TRUE(durable(rig_, 40));
    }
    static bool restarts() { return std::get<1>(GetParam()); }
    // Of a process that went on, one block may have been on its way already.
    void expect_missing(std::size_t rows, std::size_t count) {
        EXPECT_LE(missing(rig_, rows), count);
        EXPECT_GE(missing(rig_, rows), restarts() ? count : count - kRowsPerPoll);
    }
    void drop(std::uint64_t before) {
        const auto dropped = rig_.runtime().drop("p", before);
        ASSERT_TRUE(dropped) << dropped.error().message();
        EXPECT_EQ(dropped.value().before, before);
    }
    // With a restart before Kafka comes back, or without.
    void go_on() {
        if (restarts()) {
            rig_.restart();
        }
        rig_.kafka().commits({std::get<0>(GetParam())});
        rig_.kafka().set_reachable(true);
        rig_.kafka().set_hanging(false);
    }

    Rig rig_;
};

TEST_P(Drops, before_a_sequence_leave_out_what_was_not_delivered_and_no_more) {
    drop(sequence_of(31));
    go_on();
    ASSERT_TRUE(delivered(rig_, 40));
    expect_delivered_or_named(rig_, 40);
    expect_missing(40, 20);
}

TEST_P(Drops, may_end_between_an_event_and_the_end_of_its_transaction) {
    drop(sequence_of(31) + 1);
    go_on();
    ASSERT_TRUE(delivered(rig_, 40));
    expect_delivered_or_named(rig_, 40);
    expect_missing(40, 21);
}

TEST_P(Drops, of_everything_leave_the_chain_at_the_end) {
    drop(2 * 40 + 1);
    go_on();
    ASSERT_TRUE(delivered(rig_, 40));
    expect_missing(40, 30);
    commit_rows(rig_, 41, 45);
    ASSERT_TRUE(delivered(rig_, 45));
    expect_delivered_or_named(rig_, 45);
    expect_missing(45, 30);
}

TEST_P(Drops, one_after_the_other_add_up) {
    drop(sequence_of(21));
    drop(sequence_of(31));
    EXPECT_TRUE(rig_.runtime().drop("p", sequence_of(15))) << "given up already";
    go_on();
    ASSERT_TRUE(delivered(rig_, 40));
    expect_delivered_or_named(rig_, 40);
    expect_missing(40, 20);
}

TEST_P(Drops, beyond_the_end_are_refused) {
    const auto refused = rig_.runtime().drop("p", 2 * 40 + 2);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kArgumentInvalid));
    EXPECT_FALSE(rig_.runtime().drop("nobody", 5));
    go_on();
    ASSERT_TRUE(delivered(rig_, 40));
    EXPECT_EQ(missing(rig_, 40), 0U);
}

INSTANTIATE_TEST_SUITE_P(every_outcome,
                         Drops,
                         testing::Values(std::tuple(Outcome::spotless, false),
                                         std::tuple(Outcome::committed, true),
                                         std::tuple(Outcome::unknown_landed, false),
                                         std::tuple(Outcome::unknown_lost, true)));

TEST(Drop, of_a_pipeline_that_never_delivered_is_no_broken_chain) {
    Rig rig;
    rig.add("p", {.rows_per_poll = kRowsPerPoll, .ack = core::AckMode::buffered});
    rig.kafka().set_reachable(true);
    rig.start();
    ASSERT_TRUE(rig.wait([&] { return rig.status().intake.state == PipelineState::running; }));
    rig.kafka().set_reachable(false);
    commit_rows(rig, 1, 20);
    ASSERT_TRUE(durable(rig, 20));
    ASSERT_TRUE(rig.runtime().drop("p", sequence_of(11)));
    rig.restart();
    rig.kafka().set_reachable(true);
    ASSERT_TRUE(delivered(rig, 20));
    expect_delivered_or_named(rig, 20);
    EXPECT_EQ(missing(rig, 20), 10U);
}

// Whatever is in flight when it comes: each event is delivered or named, never both, never neither.
TEST(Drop, while_events_flow_is_exact) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 2, .ack = core::AckMode::buffered});
    rig.start();
    constexpr std::size_t kRows = 600;
    for (std::size_t row = 1; row <= kRows; row += 20) {
        commit_rows(rig, row, row + 19);
        const std::uint64_t end = rig.status().durable;
        if (end > 0) {
            EXPECT_TRUE(rig.runtime().drop("p", end + 1));
        }
        if (row % 160 == 1) {
            rig.restart();
        }
    }
    ASSERT_TRUE(delivered(rig, kRows));
    expect_delivered_or_named(rig, kRows);
}

}  // namespace
}  // namespace tributary::runtime_test
