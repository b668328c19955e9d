// The confirm automaton over every short history of a small world.
#include "connectors/postgresql/stream/confirm.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tributary::postgresql {
namespace {

TEST(Confirmer, reports_nothing_before_the_server_came_to_what_is_held) {
    Confirmer confirmer;
    confirmer.on_confirm(Lsn(100));
    EXPECT_EQ(confirmer.feedback(), (Feedback{}));
    confirmer.on_received(Lsn(99));
    EXPECT_EQ(confirmer.feedback(), (Feedback{Lsn(99), Lsn(0), Lsn(0)}));
    confirmer.on_received(Lsn(100));
    EXPECT_EQ(confirmer.feedback(), (Feedback{Lsn(100), Lsn(100), Lsn(100)}));
}

// The log that held it may have been set aside in between.
TEST(Confirmer, says_nothing_of_what_was_held_for_an_earlier_connection) {
    Confirmer confirmer;
    confirmer.on_confirm(Lsn(100));
    confirmer.on_connect();
    confirmer.on_received(Lsn(100));
    EXPECT_EQ(confirmer.feedback().flush, Lsn(0));
    confirmer.on_confirm(Lsn(60));
    EXPECT_EQ(confirmer.feedback().flush, Lsn(60));
}

// Steps: receive 1..3, confirm 1..3, connect; every sequence of six of them.
TEST(Confirmer, holds_its_invariants_in_every_history) {
    constexpr int kSteps = 7;
    constexpr int kLength = 6;
    int histories = 1;
    for (int step = 0; step < kLength; ++step) {
        histories *= kSteps;
    }
    for (int history = 0; history < histories; ++history) {
        Confirmer confirmer;
        Lsn received;
        Lsn confirmed;
        Lsn highest_flush;
        for (int step = 0, rest = history; step < kLength; ++step, rest /= kSteps) {
            const Feedback before = confirmer.feedback();
            const int choice = rest % kSteps;
            const Lsn lsn(static_cast<std::uint64_t>(choice % 3 + 1));
            if (choice == kSteps - 1) {
                confirmer.on_connect();
                received = confirmed = highest_flush = Lsn();
            } else if (choice < 3) {
                confirmer.on_received(lsn);
                received = std::max(received, lsn);
            } else {
                confirmer.on_confirm(lsn);
                confirmed = std::max(confirmed, lsn);
            }
            const Feedback now = confirmer.feedback();
            ASSERT_EQ(now.write, received);
            ASSERT_EQ(now.flush, now.apply);
            ASSERT_LE(now.flush, received);
            ASSERT_LE(now.flush, confirmed);
            ASSERT_TRUE(now.flush == Lsn() || now.flush >= highest_flush) << history;
            ASSERT_TRUE(choice == kSteps - 1 || now.flush >= before.flush) << history;
            ASSERT_TRUE(confirmed > received || now.flush == confirmed) << history;
            highest_flush = std::max(highest_flush, now.flush);
        }
    }
}

}  // namespace
}  // namespace tributary::postgresql
