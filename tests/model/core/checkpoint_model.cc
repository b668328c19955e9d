// What a start makes of every combination of stream and checkpoint, and what a recovery makes of
// every checkpoint it may find: each compared with the rule said in one sentence (DESIGN 3.2, 3.5).
#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>

#include "core/delivery/ledger.h"
#include "model/errors.h"

namespace tributary::core {
namespace {

constexpr std::uint64_t kMost = 4;

LogId log_id(std::uint8_t id) {
    LogId made;
    made.bytes.fill(id);
    return made;
}

enum class Expected { go_on, set_aside, broken };

struct Case {
    std::uint64_t base = 1;    // first sequence of the stream
    bool predecessor = false;  // it follows log 7's checkpoint at base - 1
    std::uint64_t first = 0;   // kept
    std::uint64_t last = 0;    // appended, 0 for none
    std::uint8_t checkpoint_log =
        0;  // 0: no checkpoint; 1: this log; 7: the predecessor; 9: foreign
    std::uint64_t checkpoint_last = 0;
    bool ever_delivered = false;
};

// The stream holds everything after the checkpoint, or can begin there.
Expected expected(const Case& each) {
    if (each.checkpoint_log == 0) {
        const bool delivered_before =
            each.ever_delivered || each.predecessor || (each.last != 0 && each.first > each.base);
        return delivered_before ? Expected::broken : Expected::go_on;
    }
    if (each.predecessor && each.checkpoint_log == 7 && each.checkpoint_last == each.base - 1) {
        return Expected::go_on;
    }
    if (each.checkpoint_log != 1 || each.checkpoint_last < each.base - 1 ||
        each.checkpoint_last > each.last) {
        return Expected::set_aside;
    }
    const bool missing = each.checkpoint_last < each.last && each.checkpoint_last + 1 < each.first;
    return missing ? Expected::broken : Expected::go_on;
}

void run(const Case& each) {
    StreamInfo stream;
    stream.base.first = Sequence(each.base);
    if (each.predecessor) {
        stream.base.predecessor = log_id(7);
        stream.base.predecessor_last = Sequence(each.base - 1);
    }
    stream.extent = {.log_id = log_id(1),
                     .first = Sequence(each.first),
                     .last = Sequence(each.last),
                     .resume = {},
                     .done = {}};
    std::optional<Checkpoint> checkpoint;
    if (each.checkpoint_log != 0) {
        checkpoint.emplace();
        checkpoint->log_id = log_id(each.checkpoint_log);
        checkpoint->last = Sequence(each.checkpoint_last);
        checkpoint->wall_time_us = 1;
    }
    SCOPED_TRACE("base " + std::to_string(each.base) + " first " + std::to_string(each.first) +
                 " last " + std::to_string(each.last) + " log " +
                 std::to_string(each.checkpoint_log) + " at " +
                 std::to_string(each.checkpoint_last));
    Ledger ledger({"gw.p", log_id(1), "test"});
    const auto verdict = ledger.start(stream, checkpoint, each.ever_delivered);
    switch (expected(each)) {
        case Expected::go_on:
            ASSERT_TRUE(verdict && verdict.value() == StartVerdict::go_on);
            EXPECT_EQ(ledger.delivered().value(),
                      checkpoint ? each.checkpoint_last : each.base - 1);
            EXPECT_EQ(ledger.next().value(), ledger.delivered().value() + 1);
            return;
        case Expected::set_aside:
            ASSERT_TRUE(verdict && verdict.value() == StartVerdict::set_aside);
            return;
        case Expected::broken:
            ASSERT_FALSE(verdict);
            EXPECT_TRUE(verdict.error().is(errors::kChainBroken));
            return;
    }
}

void every_checkpoint(Case each) {
    for (const bool ever : {false, true}) {
        each.ever_delivered = ever;
        for (const std::uint8_t log : std::initializer_list<std::uint8_t>{0, 1, 7, 9}) {
            each.checkpoint_log = log;
            for (std::uint64_t at = 0; at <= kMost + 1; ++at) {
                each.checkpoint_last = at;
                run(each);
            }
        }
    }
}

// catalogue: F21
TEST(CheckpointModel, a_start_goes_on_sets_aside_or_stops_by_one_rule) {
    for (std::uint64_t base = 1; base <= 3; ++base) {
        for (const bool predecessor : {false, true}) {
            if (predecessor != (base > 1)) {
                continue;  // a stream begins at 1 or after a checkpoint
            }
            every_checkpoint({.base = base, .predecessor = predecessor});
            for (std::uint64_t last = base; last <= kMost; ++last) {
                for (std::uint64_t first = base; first <= last; ++first) {
                    every_checkpoint(
                        {.base = base, .predecessor = predecessor, .first = first, .last = last});
                }
            }
        }
    }
}

class Recovery : public testing::Test {
  protected:
    Recovery() {
        StreamInfo stream;
        stream.base.first = Sequence(1);
        stream.extent = {.log_id = log_id(1),
                         .first = Sequence(1),
                         .last = Sequence(4),
                         .resume = {},
                         .done = {}};
        base.log_id = log_id(1);
        base.last = Sequence(2);
        base.chain_crc = 5;
        base.wall_time_us = 100;
        EXPECT_TRUE(ledger.start(stream, base, true));
        Entry entry;
        entry.sequence = Sequence(3);
        entry.crc = 33;
        ledger.take(entry);
        sealed = seal(ledger);
    }
    [[nodiscard]] static Checkpoint seal(Ledger& ledger) {
        Block newest;
        newest.resume = {"r"};
        newest.done = {"d"};
        newest.bytes = "body";
        return ledger.seal(&newest, "server", 200);
    }
    Ledger ledger{{"gw.p", log_id(1), "test"}};
    Checkpoint base;
    Checkpoint sealed;
};

TEST_F(Recovery, of_the_sealed_checkpoint_means_committed) {
    const auto found = ledger.recovered(sealed);
    ASSERT_TRUE(found && found.value());
    EXPECT_EQ(ledger.delivered(), Sequence(3));
    EXPECT_EQ(ledger.next(), Sequence(4));
}

TEST_F(Recovery, of_the_one_before_means_take_again) {
    const auto found = ledger.recovered(base);
    ASSERT_TRUE(found && !found.value());
    EXPECT_EQ(ledger.delivered(), Sequence(2));
    EXPECT_EQ(ledger.next(), Sequence(3));
}

TEST_F(Recovery, of_nothing_is_a_broken_chain) {
    const auto found = ledger.recovered(std::nullopt);
    ASSERT_FALSE(found);
    EXPECT_TRUE(found.error().is(errors::kChainBroken));
}

// Every single member that differs from both makes it somebody else's.
// catalogue: F33
TEST_F(Recovery, of_any_other_checkpoint_is_fenced_or_a_broken_chain) {
    for (const std::uint64_t last : {1U, 2U, 3U, 4U}) {
        for (const std::uint8_t log : std::initializer_list<std::uint8_t>{1, 9}) {
            for (const std::uint32_t crc : {base.chain_crc, sealed.chain_crc, 77U}) {
                for (const std::int64_t wall : {100, 200, 300}) {
                    Ledger fresh = ledger;
                    Checkpoint found;
                    found.last = Sequence(last);
                    found.log_id = log_id(log);
                    found.chain_crc = crc;
                    found.wall_time_us = wall;
                    const auto is = [&](const Checkpoint& other) {
                        return found.last == other.last && found.log_id == other.log_id &&
                               crc == other.chain_crc && wall == other.wall_time_us;
                    };
                    const auto result = fresh.recovered(found);
                    if (is(base) || is(sealed)) {
                        ASSERT_TRUE(result);
                        EXPECT_EQ(result.value(), is(sealed));
                        continue;
                    }
                    ASSERT_FALSE(result);
                    EXPECT_TRUE(result.error().is(last > 2 || log != 1 ? errors::kFenced
                                                                       : errors::kChainBroken));
                }
            }
        }
    }
}

TEST_F(Recovery, chains_the_checksums_of_all_entries_in_order) {
    ASSERT_TRUE(ledger.recovered(base));
    Entry entry;
    entry.sequence = Sequence(3);
    entry.crc = 34;
    ledger.take(entry);
    EXPECT_NE(seal(ledger).chain_crc, sealed.chain_crc);
}

using RecoveryDeathTest = Recovery;

TEST_F(RecoveryDeathTest, entries_are_taken_densely_and_not_into_a_sealed_transaction) {
    Entry entry;
    entry.sequence = Sequence(4);
    EXPECT_DEATH(ledger.take(entry), "sealed_");
    ASSERT_TRUE(ledger.recovered(base));
    EXPECT_DEATH(ledger.take(entry), "next\\(\\)");
    EXPECT_DEATH(ledger.committed(), "sealed_");
}

}  // namespace
}  // namespace tributary::core
