// What is remembered of a session, in memory and in the side keyspace.
#include "connectors/mqtt/session/dedupe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "model/errors.h"
#include "tests/unit/mqtt_session/fake_log.h"

namespace tributary::mqtt::test {
namespace {

using Verdict = Dedupe::Verdict;

constexpr std::uint64_t kHash = 1111;
constexpr std::uint64_t kOther = 2222;

// A Dedupe over a log, taking messages one by one.
struct World {
    explicit World(std::size_t remembered_max = 0, bool persistent = true)
        : options{.owner = "dev", .remembered_max = remembered_max, .persistent = persistent} {}

    IntakeNumber qos1(std::uint16_t id, std::uint64_t hash = kHash) {
        dedupe.qos1_taken(id, hash, last + 1, step);
        return append();
    }
    IntakeNumber qos2(std::uint16_t id, std::uint64_t hash = kHash) {
        dedupe.qos2_taken(id, hash, last + 1, step);
        return append();
    }
    IntakeNumber append(IntakeKind kind = IntakeKind::message) {
        dedupe.flush(step);
        step.intake.emplace_back().number = ++last;
        step.intake.back().kind = kind;
        return last;
    }
    void end_step() {
        dedupe.finish(step);
        if (owes_note(step)) {
            append(IntakeKind::note);
        }
        log.take(step);
        step.clear();
    }
    // The process dies; what is durable comes back.
    void crash() {
        log.crash();
        restart();
    }
    void restart() {
        last = log.durable();
        dedupe = Dedupe(options);
        std::vector<SideWrite> repairs;
        for (const char kind : {kGroupKey, kIdentifierKey}) {
            const auto page = log.scan(std::string(1, kind), "", SIZE_MAX);
            for (const auto& entry : page.value()) {
                ASSERT_TRUE(dedupe.restore(entry.key, entry.value, last, repairs).has_value());
            }
        }
        for (const auto& repair : repairs) {
            if (repair.value) {
                put_side(step, repair.key, *repair.value);
            } else {
                erase_side(step, repair.key);
            }
        }
    }

    Dedupe::Options options;
    Dedupe dedupe{options};
    Step step;
    FakeLog log;
    IntakeNumber last = 0;
};

TEST(Dedupe, takes_every_first_delivery_of_qos_1) {
    World world;
    EXPECT_EQ(world.dedupe.qos1(1, false, kHash).verdict, Verdict::take);
    world.qos1(1);
    EXPECT_EQ(world.dedupe.qos1(1, false, kHash).verdict, Verdict::take);
}

TEST(Dedupe, knows_a_redelivery_by_id_and_hash) {
    World world;
    const auto number = world.qos1(1);
    world.end_step();
    world.dedupe.new_connection();
    EXPECT_EQ(world.dedupe.qos1(1, true, kOther).verdict, Verdict::take_maybe_again);
    EXPECT_EQ(world.dedupe.qos1(2, true, kHash).verdict, Verdict::take_maybe_again);
    const auto answer = world.dedupe.qos1(1, true, kHash);
    EXPECT_EQ(answer.verdict, Verdict::answer);
    EXPECT_EQ(answer.number, number);
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).verdict, Verdict::ignore);
}

// A second PUBACK on one connection could acknowledge the identifier's next message.
TEST(Dedupe, never_answers_twice_on_one_connection) {
    World world;
    world.qos1(1);
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).verdict, Verdict::ignore);
    world.dedupe.new_connection();
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).verdict, Verdict::answer);
}

TEST(Dedupe, lets_go_of_what_is_proven_and_erases_its_group) {
    World world;
    world.qos1(1);
    world.qos1(2);
    world.end_step();
    world.qos1(3);
    world.end_step();
    world.log.sync();
    EXPECT_EQ(world.log.side_size(), 2U);
    world.dedupe.prove_through(1);
    world.dedupe.new_connection();
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).verdict, Verdict::take_maybe_again);
    EXPECT_EQ(world.dedupe.qos1(2, true, kHash).verdict, Verdict::answer);
    world.dedupe.prove_through(2);
    world.append();
    world.end_step();
    world.log.sync();
    EXPECT_EQ(world.log.side_size(), 1U);  // the group of 3
    EXPECT_EQ(world.dedupe.remembered_qos1(), 1U);
}

TEST(Dedupe, finds_the_newest_use_of_an_identifier) {
    for (const std::size_t remembered_max : {std::size_t{0}, std::size_t{100}}) {
        World world(remembered_max);
        world.qos1(7, kHash);
        const auto newest = world.qos1(7, kOther);
        world.end_step();
        world.dedupe.new_connection();
        EXPECT_EQ(world.dedupe.qos1(7, true, kHash).verdict, Verdict::take_maybe_again);
        EXPECT_EQ(world.dedupe.qos1(7, true, kOther).number, newest);
        world.dedupe.prove_through(1);
        world.dedupe.new_connection();
        EXPECT_EQ(world.dedupe.qos1(7, true, kOther).verdict, Verdict::answer);
    }
}

TEST(Dedupe, remembers_a_bounded_number_of_a_device) {
    World world(3);
    for (std::uint16_t id = 1; id <= 5; ++id) {
        world.qos1(id);
        world.end_step();
    }
    EXPECT_EQ(world.dedupe.remembered_qos1(), 3U);
    world.dedupe.new_connection();
    EXPECT_EQ(world.dedupe.qos1(2, true, kHash).verdict, Verdict::take_maybe_again);
    EXPECT_EQ(world.dedupe.qos1(3, true, kHash).verdict, Verdict::answer);
}

// The oldest group comes back whole, though one of its messages was forgotten.
TEST(Dedupe, remembers_no_more_after_a_restart) {
    World world(3);
    for (const std::uint16_t id : {std::uint16_t{1}, std::uint16_t{3}}) {
        world.qos1(id);
        world.qos1(static_cast<std::uint16_t>(id + 1));
        world.end_step();
    }
    EXPECT_EQ(world.dedupe.remembered_qos1(), 3U);
    world.log.sync();
    world.restart();
    EXPECT_EQ(world.dedupe.remembered_qos1(), 3U);
    world.dedupe.new_connection();
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).verdict, Verdict::take_maybe_again);
    EXPECT_EQ(world.dedupe.qos1(2, true, kHash).verdict, Verdict::answer);
}

TEST(Dedupe, comes_back_after_a_restart) {
    World world;
    world.qos1(1, kHash);
    world.qos1(2, kOther);
    world.qos2(9, kHash);
    world.end_step();
    world.log.sync();
    world.crash();
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).number, 1U);
    EXPECT_EQ(world.dedupe.qos1(2, true, kOther).number, 2U);
    EXPECT_EQ(world.dedupe.qos2(9, true, kHash).number, 3U);
}

// One write names the messages of a whole step; those that were not durable must not be known.
TEST(Dedupe, forgets_what_its_group_named_but_a_crash_took) {
    World world;
    world.qos1(1);
    world.qos1(2);
    world.qos1(3);
    world.end_step();
    world.log.sync(1);
    world.crash();
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).verdict, Verdict::answer);
    EXPECT_EQ(world.dedupe.qos1(2, true, kHash).verdict, Verdict::take_maybe_again);
    // Numbers 2 and 3 are given anew: the mended group must not claim them after another crash.
    world.append();
    world.append();
    world.end_step();
    world.log.sync();
    world.crash();
    EXPECT_EQ(world.dedupe.qos1(1, true, kHash).verdict, Verdict::answer);
    EXPECT_EQ(world.dedupe.qos1(2, true, kHash).verdict, Verdict::take_maybe_again);
    EXPECT_EQ(world.dedupe.qos1(3, true, kHash).verdict, Verdict::take_maybe_again);
}

TEST(Dedupe, erases_a_group_of_which_nothing_became_durable) {
    World world;
    world.append();
    world.end_step();
    world.log.sync();
    world.log.put(side_key(kGroupKey, "dev") + std::string("\0\0\0\0\0\0\0\x02", 8),
                  std::string("\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\x05", 18));
    world.restart();
    EXPECT_EQ(world.dedupe.remembered_qos1(), 0U);
    world.append();
    world.end_step();
    world.log.sync();
    EXPECT_EQ(world.log.side_size(), 0U);
}

TEST(Dedupe, keeps_a_qos_2_identifier_until_it_is_released) {
    World world;
    EXPECT_EQ(world.dedupe.qos2(5, false, kHash).verdict, Verdict::take);
    const auto number = world.qos2(5);
    EXPECT_EQ(world.dedupe.qos2(5, true, kHash).number, number);
    EXPECT_EQ(world.dedupe.qos2(5, false, kHash).verdict, Verdict::answer);
    EXPECT_EQ(world.dedupe.qos2(5, false, kOther).verdict, Verdict::take);
    EXPECT_EQ(world.dedupe.qos2(6, true, kHash).verdict, Verdict::take_maybe_again);
    const auto release = world.dedupe.qos2_release(5, world.last + 1, world.step);
    EXPECT_TRUE(release.known);
    EXPECT_EQ(release.number, world.last + 1);
    EXPECT_EQ(world.dedupe.qos2(5, false, kHash).verdict, Verdict::take);
}

// PUBREL again, while the erasure is on its way: PUBCOMP waits for it all the same.
TEST(Dedupe, lets_an_unknown_release_wait_for_erasures_under_way) {
    World world;
    world.qos2(5);
    const auto first = world.dedupe.qos2_release(5, world.last + 1, world.step);
    world.end_step();
    const auto again = world.dedupe.qos2_release(5, world.last + 1, world.step);
    EXPECT_FALSE(again.known);
    EXPECT_EQ(again.number, first.number);
}

TEST(Dedupe, erases_everything_when_the_session_ends) {
    World world;
    world.qos1(1);
    world.qos2(2);
    world.end_step();
    world.log.sync();
    EXPECT_EQ(world.log.side_size(), 2U);
    world.dedupe.forget(world.step);
    world.end_step();
    world.log.sync();
    EXPECT_EQ(world.log.side_size(), 0U);
    EXPECT_TRUE(world.dedupe.empty());
}

TEST(Dedupe, writes_nothing_for_a_session_that_ends_with_its_connection) {
    World world(10, false);
    world.qos1(1);
    world.qos2(2);
    static_cast<void>(world.dedupe.qos2_release(2, world.last + 1, world.step));
    world.end_step();
    world.log.sync();
    EXPECT_EQ(world.log.side_size(), 0U);
    EXPECT_EQ(world.log.count(IntakeKind::note), 0U);
}

TEST(Dedupe, cuts_a_very_large_step_into_groups) {
    World world;
    for (int message = 0; message < 3000; ++message) {
        world.qos1(static_cast<std::uint16_t>(message + 1));
    }
    world.end_step();
    world.log.sync();
    EXPECT_EQ(world.log.side_size(), 3U);
    world.crash();
    EXPECT_EQ(world.dedupe.remembered_qos1(), 3000U);
    EXPECT_EQ(world.dedupe.qos1(3000, true, kHash).number, 3000U);
}

// Identifiers wrap around many times; places stay right.
TEST(Dedupe, follows_identifiers_around_the_clock) {
    World world;
    for (std::uint32_t message = 0; message < 200'000; ++message) {
        const auto id = static_cast<std::uint16_t>(message % 65'535 + 1);
        world.qos1(id, message);
        if (message % 500 == 499) {
            world.end_step();
            world.log.sync();
            world.dedupe.prove_through(world.last - 100);
        }
    }
    world.dedupe.new_connection();
    const std::uint32_t last = 199'999;
    const auto id = [](std::uint32_t message) {
        return static_cast<std::uint16_t>(message % 65'535 + 1);
    };
    EXPECT_EQ(world.dedupe.qos1(id(last), true, last).verdict, Verdict::answer);
    EXPECT_EQ(world.dedupe.qos1(id(last - 99), true, last - 99).verdict, Verdict::answer);
    EXPECT_EQ(world.dedupe.qos1(id(last - 100), true, last - 100).verdict,
              Verdict::take_maybe_again);
}

TEST(Dedupe, refuses_side_entries_of_a_wrong_size) {
    const std::string owner = "dev";
    const std::string group = side_key(kGroupKey, owner) + std::string(7, '\0') + "\x01";
    const std::string identifier = side_key(kIdentifierKey, owner) + std::string("\0\x01", 2);
    const std::pair<std::string, std::string> bad[] = {
        {group, "x"},
        {group.substr(0, group.size() - 1), std::string(18, '\0')},
        {identifier, "x"},
        {identifier + "x", std::string(16, '\0')},
        {side_key(kGroupKey, owner).substr(0, 4), ""}};
    for (const auto& [key, value] : bad) {
        Dedupe dedupe({.owner = owner});
        std::vector<SideWrite> repairs;
        const auto restored = dedupe.restore(key, value, 10, repairs);
        ASSERT_TRUE(restored.has_error());
        EXPECT_TRUE(restored.error().is(errors::kLogCorrupt));
    }
}

TEST(MessageHash, differs_where_topic_or_payload_do) {
    const auto base = message_hash("a/b", "21.5");
    EXPECT_EQ(base, message_hash("a/b", "21.5"));
    EXPECT_NE(base, message_hash("a/b", "21.6"));
    EXPECT_NE(base, message_hash("a/c", "21.5"));
    EXPECT_NE(message_hash("a", "b1"), message_hash("ab", "1"));
    EXPECT_NE(message_hash("a", ""), message_hash("", "a"));
    EXPECT_NE(message_hash("a", std::string(40, 'x')), message_hash("a", std::string(41, 'x')));
    EXPECT_NE(message_hash("a", std::string(8, '\0')), message_hash("a", std::string(9, '\0')));
}

// It is kept on disk.
TEST(MessageHash, never_changes) {
    EXPECT_EQ(message_hash("plant/a/press/7/telemetry", R"({"t":21.5,"n":1234567})"),
              0xA85E8E07C2602B8BULL);
    EXPECT_EQ(message_hash("a", ""), 0xE2ED5707AD9C0556ULL);
}

}  // namespace
}  // namespace tributary::mqtt::test
