// What goes wrong on the way: a log that fails or is full, records that Kafka never takes, entries
// that cannot be decoded, and dead letters sent again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"
#include "rig.h"

namespace tributary::runtime_test {
namespace {

using Failure = MemoryLog::Failure;
using Outcome = Cluster::Outcome;
using core::PoisonPolicy;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// Commits at the source until intake pauses because the log takes no more.
bool fill(Rig& rig, const std::string& name) {
    int count = 0;
    return rig.wait([&] {
        rig.server(name).commit({"t " + name + std::to_string(++count)});
        return rig.status(name).intake.state == PipelineState::paused;
    });
}

class AppendFailures : public testing::TestWithParam<std::tuple<Failure, Failure>> {};

TEST_P(AppendFailures, are_mended_by_reopening) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 2});
    rig.add("q", {.rows_per_poll = 2});
    rig.log->fail_appends({std::get<0>(GetParam()), std::get<1>(GetParam())});
    rig.start();
    for (const char* round : {"a", "b", "c"}) {
        rig.server("p").commit({std::string("t p1") + round, std::string("t p2") + round, "t p3"});
        rig.server("q").commit({std::string("t q1") + round});
    }
    rig.expect_exactly_once("p");
    rig.expect_exactly_once("q");
    EXPECT_GE(rig.log->reopened(), 1U);
}

INSTANTIATE_TEST_SUITE_P(every_pair,
                         AppendFailures,
                         testing::Combine(testing::Values(Failure::lost, Failure::landed),
                                          testing::Values(Failure::lost, Failure::landed)));

TEST(FullLog, pauses_intake_and_goes_on_when_delivery_made_room) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.start();
    rig.server().commit({"t first"});
    rig.expect_exactly_once();
    rig.kafka().set_reachable(false);
    rig.log->set_blocks_max("p", 6);
    ASSERT_TRUE(fill(rig, "p"));
    EXPECT_GE(rig.log->blocks("p"), 6U);
    rig.kafka().set_reachable(true);
    rig.expect_exactly_once();
}

TEST(FullLog, of_one_pipeline_does_not_stop_another) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.add("q", {.rows_per_poll = 1});
    rig.start();
    rig.server("p").commit({"t first"});
    rig.expect_exactly_once("p");
    rig.kafka("p").set_reachable(false);
    rig.log->set_blocks_max("p", 4);
    ASSERT_TRUE(fill(rig, "p"));
    for (int index = 0; index < 20; ++index) {
        rig.server("q").commit({"t q" + std::to_string(index)});
        rig.expect_exactly_once("q");
    }
    rig.kafka("p").set_reachable(true);
    rig.expect_exactly_once("p");
}

TEST(FullLog, that_keeps_a_transaction_waiting_is_no_error_of_kafka) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.start();
    rig.server().commit({"t first"});
    rig.expect_exactly_once();
    // The transaction has the row before the log refuses it.
    rig.log->hold_appends(true);
    const std::size_t begun = rig.kafka().begun();
    rig.server().commit({"t second"});
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().begun() > begun; }));
    rig.log->set_blocks_max("p", 1);
    rig.log->hold_appends(false);
    ASSERT_TRUE(rig.wait([&] { return rig.status().delivery.error.has_value(); }));
    const auto error = rig.status().delivery.error;
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->is(errors::kLogFull)) << error->message();
    EXPECT_EQ(rig.observer.errors("kafka_transaction"), 0U);
    EXPECT_EQ(rig.observer.count(Counter::sink_errors, "p"), 0U);
    EXPECT_EQ(rig.observer.gauge(Gauge::sink_connected, "p"), 1);
    rig.log->set_blocks_max("p", 1000);
    rig.expect_exactly_once();
}

// A failed write that landed after all leaves nothing to append: intake must not stay paused.
TEST(FullLog, is_over_when_the_failed_append_turns_out_to_be_there) {
    Rig rig;
    rig.add("p", {.rows_per_poll = 1});
    rig.start();
    rig.server().commit({"t first"});
    rig.expect_exactly_once();
    rig.kafka().set_reachable(false);
    rig.log->set_blocks_max("p", 3);
    ASSERT_TRUE(fill(rig, "p"));
    rig.log->fail_appends({Failure::landed});
    rig.log->set_blocks_max("p", 1000);
    rig.kafka().set_reachable(true);
    rig.expect_exactly_once();
}

TEST(Poison, refused_before_it_is_sent_halts) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit({"t 1", "t TOO-LARGE", "t 3"});
    EXPECT_TRUE(rig.parked_with(errors::kPoisonRecord));
    EXPECT_THAT(rig.kafka().values("events"), SizeIs(0));
}

TEST(Poison, refused_by_the_broker_halts_and_says_why) {
    Rig rig;
    rig.add("p");
    rig.kafka().refuse_with("Broker: Invalid record (INVALID_RECORD)");
    rig.start();
    rig.server().commit({"t 1", "t REFUSED", "t 3"});
    EXPECT_TRUE(rig.parked_with(errors::kPoisonRecord));
    EXPECT_THAT(rig.status().delivery.error->what(), HasSubstr("(INVALID_RECORD)"));
    EXPECT_THAT(rig.kafka().values("events"), SizeIs(0));
}

TEST(Poison, undecodable_halts) {
    Rig rig;
    rig.add("p");
    rig.start();
    rig.server().commit({"t 1", "t UNDECODABLE", "t 3"});
    EXPECT_TRUE(rig.parked_with(errors::kValueUndecodable));
    const PipelineStatus status = rig.runtime().status().pipelines.at(0);
    ASSERT_TRUE(status.delivery.error);
    EXPECT_THAT(status.delivery.error->what(), Not(HasSubstr("Next: ")));  // it stands beside
    EXPECT_EQ(status.source_held_bytes, std::nullopt);
    EXPECT_THAT(rig.kafka().values("events"), SizeIs(0));
}

TEST(DeadLetter, takes_the_place_of_every_kind_of_poison) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.start();
    rig.server().commit({"t 1", "t TOO-LARGE", "t 2", "t REFUSED", "t 3", "t UNDECODABLE", "t 4"});
    ASSERT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= 4; }));
    EXPECT_THAT(rig.kafka().values("events"), ElementsAre("t 1", "t 2", "t 3", "t 4"));
    EXPECT_THAT(rig.kafka().values("dead"), SizeIs(3));
    const auto letters = rig.runtime().dead_letters("p", 100).value();
    ASSERT_THAT(letters, SizeIs(3));
    EXPECT_EQ(letters[0].value, "t TOO-LARGE");
    // What to do about such an event is what was done here.
    EXPECT_THAT(letters,
                Contains(AllOf(Field(&DeadLetter::value, "t UNDECODABLE"),
                               Field(&DeadLetter::reason,
                                     AllOf(StartsWith("value_undecodable: "),
                                           Not(HasSubstr("dead_letter")))))));
    rig.restart();
    rig.server().commit({"t 5"});
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= 5; }));
    EXPECT_THAT(rig.runtime().dead_letters("p", 100).value(), SizeIs(3));
}

TEST(DeadLetter, says_what_the_broker_said) {
    const std::string said = "topic events: Broker: Invalid record (INVALID_RECORD): no key";
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.kafka().refuse_with(said);
    rig.start();
    rig.server().commit({"t 1", "t REFUSED"});
    ASSERT_TRUE(rig.wait([&] { return rig.kafka().values("dead").size() == 1; }));
    const auto letters = rig.runtime().dead_letters("p", 100).value();
    ASSERT_THAT(letters, SizeIs(1));
    EXPECT_EQ(letters[0].reason, "refused by the broker: " + said);
    EXPECT_THAT(rig.kafka().values("dead")[0], HasSubstr(said));
}

TEST(DeadLetter, keeps_so_much_of_a_reason_and_no_more) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.kafka().refuse_with(std::string(100'000, 'x'));
    rig.start();
    rig.server().commit({"t 1", "t REFUSED"});
    ASSERT_TRUE(rig.wait([&] { return rig.kafka().values("dead").size() == 1; }));
    EXPECT_EQ(rig.runtime().dead_letters("p", 100).value().at(0).reason.size(),
              core::kReasonBytesMax);
}

TEST(DeadLetter, is_stored_by_a_log_that_had_to_be_reopened) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.start();
    rig.log->fail_next_dead_letter();
    rig.server().commit({"t 1", "t TOO-LARGE", "t 2"});
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= 2; }));
    EXPECT_THAT(rig.kafka().values("dead"), SizeIs(1));
}

TEST(DeadLetter, that_the_broker_refuses_as_well_parks_the_pipeline) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.kafka().refuse_dead_letters();
    rig.start();
    rig.server().commit({"t 1", "t REFUSED"});
    EXPECT_TRUE(rig.parked_with(errors::kPoisonRecord));
}

class Replay : public testing::TestWithParam<Outcome> {};

TEST_P(Replay, sends_a_letter_once_whatever_becomes_of_the_commit) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.start();
    rig.server().commit({"t 1", "t TOO-LARGE"});
    ASSERT_TRUE(rig.wait([&] { return rig.kafka().values("dead").size() == 1; }));
    ASSERT_TRUE(rig.wait([&] { return rig.status().delivered == 3; }));
    rig.kafka().take_large();  // an operator raised the topic's bound
    rig.kafka().commits({GetParam()});
    ASSERT_TRUE(rig.runtime().replay_dead_letter(1));
    EXPECT_TRUE(rig.wait([&] { return rig.log->replayed() == 1; }));
    rig.server().commit({"t 2"});
    ASSERT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= 3; }));
    EXPECT_THAT(rig.kafka().values("events"), ElementsAre("t 1", "t TOO-LARGE", "t 2"));
    rig.restart();
    rig.server().commit({"t 3"});
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= 4; }));
    EXPECT_THAT(rig.kafka().values("events"), SizeIs(4));
    EXPECT_THAT(rig.kafka().records("dead"), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(every_outcome,
                         Replay,
                         testing::Values(Outcome::spotless,
                                         Outcome::committed,
                                         Outcome::unknown_landed,
                                         Outcome::unknown_lost));

TEST(Replays, of_a_letter_that_is_refused_again_leave_the_pipeline_running) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.start();
    rig.server().commit({"t 1", "t TOO-LARGE", "t REFUSED"});
    ASSERT_TRUE(rig.wait([&] { return rig.status().delivered == 4; }));
    ASSERT_TRUE(rig.runtime().replay_dead_letter(1));
    ASSERT_TRUE(rig.runtime().replay_dead_letter(2));
    rig.server().commit({"t 2"});
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() >= 2; }));
    EXPECT_THAT(rig.kafka().values("events"), ElementsAre("t 1", "t 2"));
    EXPECT_EQ(rig.log->replayed(), 0U);
}

TEST(Replays, of_an_event_that_was_never_encoded_are_refused) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.start();
    rig.server().commit({"t 1", "t UNDECODABLE"});
    ASSERT_TRUE(rig.wait([&] { return rig.status().delivered == 3; }));
    const auto replayed = rig.runtime().replay_dead_letter(1);
    ASSERT_FALSE(replayed);
    EXPECT_TRUE(replayed.error().is(errors::kValueUndecodable));
    EXPECT_THAT(replayed.error().what(), HasSubstr("deadletter show 1"));
    rig.server().commit({"t 2"});
    EXPECT_TRUE(rig.wait([&] { return rig.kafka().values("events").size() == 2; }));
    EXPECT_THAT(rig.kafka().records("dead"), SizeIs(1));
}

TEST(Replays, while_delivery_is_parked_are_refused_with_its_error) {
    Rig rig;
    rig.add("p", {.poison = PoisonPolicy::dead_letter});
    rig.start();
    rig.server().commit({"t 1", "t TOO-LARGE"});
    ASSERT_TRUE(rig.wait([&] { return rig.status().delivered == 3; }));
    rig.kafka().refuse_dead_letters();
    rig.server().commit({"t REFUSED"});
    ASSERT_TRUE(rig.parked_with(errors::kPoisonRecord));
    const auto replayed = rig.runtime().replay_dead_letter(1);
    ASSERT_FALSE(replayed);
    EXPECT_TRUE(replayed.error().is(errors::kPoisonRecord));
    EXPECT_THAT(replayed.error().what(), HasSubstr("delivery of source p is parked"));
}

TEST(Replays, of_an_unknown_letter_are_refused) {
    Rig rig;
    rig.add("p");
    rig.start();
    EXPECT_FALSE(rig.runtime().replay_dead_letter(7));
}

}  // namespace
}  // namespace tributary::runtime_test
