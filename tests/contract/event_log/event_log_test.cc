// The contract of the EventLog port, held by the in-memory model and by RocksLog alike.
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "format/block.h"
#include "log/rocks_log.h"
#include "model/errors.h"
#include "tests/contract/event_log/log_rig.h"
#include "tests/contract/event_log/memory_log.h"

namespace tributary {
namespace {

using testing::make_block;
using testing::make_schema;

class Subject {
  public:
    virtual ~Subject() = default;
    [[nodiscard]] virtual EventLog& log() = 0;
    virtual void restart() = 0;  // the process ends cleanly and starts again
};

class MemorySubject final : public Subject {
  public:
    EventLog& log() override { return log_; }
    void restart() override { ASSERT_TRUE(log_.reopen()); }

  private:
    MemoryLog log_;
};

class RocksSubject final : public Subject {
  public:
    RocksSubject() { open(); }
    EventLog& log() override { return *log_; }
    void restart() override {
        log_.reset();
        open();
    }

  private:
    void open() {
        auto opened = RocksLog::open(testing::small_log(scratch_.path()), nullptr);
        ASSERT_TRUE(opened) << opened.error().message();
        log_ = std::move(opened.value());
    }
    testing::ScratchDirectory scratch_;
    std::unique_ptr<RocksLog> log_;
};

struct Kind {
    const char* name;
    std::function<std::unique_ptr<Subject>()> make;
};

class EventLogContract : public ::testing::TestWithParam<Kind> {
  protected:
    EventLog& log() { return subject_->log(); }
    void restart() { subject_->restart(); }

    StreamInfo create(std::string_view pipeline, std::uint64_t first = 1) {
        auto created = log().create_stream(pipeline, StreamBase{Sequence(first), {}, {}});
        EXPECT_TRUE(created) << created.error().message();
        return created.value();
    }
    void append(const std::vector<BlockPtr>& blocks) {
        const auto appended = log().append(blocks);
        ASSERT_TRUE(appended) << appended.error().message();
    }
    StreamInfo info(std::string_view pipeline) {
        auto found = log().find_stream(pipeline);
        EXPECT_TRUE(found && found.value());
        return *found.value();
    }
    BlockPtr read(StreamId stream, std::uint64_t at) {
        auto block = log().read(stream, Sequence(at));
        EXPECT_TRUE(block) << block.error().message();
        return block ? block.value() : nullptr;
    }

    std::unique_ptr<Subject> subject_ = GetParam().make();
};

void expect_same(const BlockPtr& read, const BlockPtr& written) {
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(read->stream, written->stream);
    EXPECT_EQ(read->first, written->first);
    EXPECT_EQ(read->last, written->last);
    EXPECT_EQ(read->resume, written->resume);
    EXPECT_EQ(read->done, written->done);
    EXPECT_EQ(read->bytes, written->bytes);
}

TEST_P(EventLogContract, has_no_stream_before_one_is_created) {
    const auto found = log().find_stream("plant");
    ASSERT_TRUE(found);
    EXPECT_FALSE(found.value());
    create("plant");
    EXPECT_TRUE(log().find_stream("plant").value());
    EXPECT_FALSE(log().find_stream("plan").value());
    EXPECT_FALSE(log().find_stream("plant2").value());
}

TEST_P(EventLogContract, gives_back_what_was_appended_block_by_block) {
    const StreamId stream = create("plant").id;
    const auto first = make_block(stream, 1, 10);
    const auto second = make_block(stream, 11, 5);
    append({first, second});
    expect_same(read(stream, 1), first);
    expect_same(read(stream, 10), first);
    expect_same(read(stream, 11), second);
    expect_same(read(stream, 13), second);
    EXPECT_EQ(read(stream, 16), nullptr);
}

TEST_P(EventLogContract, reads_nothing_from_a_stream_without_blocks) {
    const StreamId stream = create("plant").id;
    EXPECT_EQ(read(stream, 1), nullptr);
    EXPECT_EQ(info("plant").extent.first, Sequence(0));
    EXPECT_EQ(info("plant").extent.last, Sequence(0));
}

TEST_P(EventLogContract, reports_the_extent_of_what_it_holds) {
    const StreamId stream = create("plant").id;
    append({make_block(stream, 1, 10)});
    append({make_block(stream, 11, 5)});
    const LogExtent extent = info("plant").extent;
    EXPECT_EQ(extent.log_id, log().id());
    EXPECT_EQ(extent.first, Sequence(1));
    EXPECT_EQ(extent.last, Sequence(15));
    EXPECT_EQ(extent.resume, Position{"r15"});
    EXPECT_EQ(extent.done, Position{"d15"});
}

TEST_P(EventLogContract, begins_where_the_base_says) {
    const auto created =
        log().create_stream("plant", {Sequence(501), LogId{{7, 7}}, Sequence(500)});
    ASSERT_TRUE(created);
    append({make_block(created.value().id, 501, 3)});
    restart();
    const StreamInfo found = info("plant");
    EXPECT_EQ(found.base.first, Sequence(501));
    EXPECT_EQ(found.base.predecessor, (LogId{{7, 7}}));
    EXPECT_EQ(found.base.predecessor_last, Sequence(500));
    EXPECT_EQ(found.extent.first, Sequence(501));
    EXPECT_EQ(read(found.id, 1)->first, Sequence(501));
}

TEST_P(EventLogContract, keeps_everything_across_a_restart) {
    const StreamId stream = create("plant").id;
    const auto first = make_block(stream, 1, 10);
    append({first});
    append({make_block(stream, 11, 5)});
    const LogId id = log().id();
    restart();
    EXPECT_EQ(log().id(), id);
    EXPECT_EQ(info("plant").id, stream);
    EXPECT_EQ(info("plant").extent.last, Sequence(15));
    EXPECT_EQ(info("plant").extent.resume, Position{"r15"});
    expect_same(read(stream, 4), first);
    append({make_block(stream, 16, 1)});
    EXPECT_EQ(info("plant").extent.last, Sequence(16));
}

TEST_P(EventLogContract, keeps_streams_apart_within_one_append) {
    const StreamId plant = create("plant").id;
    const StreamId sensors = create("sensors").id;
    ASSERT_NE(plant, sensors);
    const auto of_plant = make_block(plant, 1, 4, "plant ");
    const auto of_sensors = make_block(sensors, 1, 9, "sensor ");
    append({of_plant, of_sensors, make_block(plant, 5, 2)});
    restart();
    expect_same(read(plant, 2), of_plant);
    expect_same(read(sensors, 2), of_sensors);
    EXPECT_EQ(info("plant").extent.last, Sequence(6));
    EXPECT_EQ(info("sensors").extent.last, Sequence(9));
    EXPECT_EQ(read(plant, 7), nullptr);
}

TEST_P(EventLogContract, keeps_the_schemas_that_come_with_blocks) {
    const StreamId plant = create("plant").id;
    const StreamId other = create("other").id;
    auto block = std::make_shared<Block>(*make_block(plant, 1, 1));
    block->schemas = {{SchemaId(1), make_schema("a")}, {SchemaId(2), make_schema("b")}};
    append({block, make_block(other, 1, 1)});
    restart();
    const auto second = log().schema(plant, SchemaId(2));
    ASSERT_TRUE(second);
    EXPECT_EQ(*second.value(), *make_schema("b"));
    EXPECT_FALSE(log().schema(plant, SchemaId(3)));
    EXPECT_FALSE(log().schema(other, SchemaId(1)));
    const auto all = log().schemas(plant);
    ASSERT_TRUE(all);
    ASSERT_EQ(all.value().size(), 2U);
    EXPECT_EQ(all.value()[0].id, SchemaId(1));
    EXPECT_EQ(*all.value()[0].schema, *make_schema("a"));
    EXPECT_TRUE(log().schemas(other).value().empty());
}

BlockPtr with_side(const BlockPtr& block, std::vector<SideWrite> side) {
    auto copy = std::make_shared<Block>(*block);
    copy->side = std::move(side);
    return copy;
}

std::vector<std::string> texts(const Result<std::vector<SideEntry>>& entries) {
    EXPECT_TRUE(entries);
    std::vector<std::string> texts;
    for (const SideEntry& entry : entries.value()) {
        texts.push_back(entry.key + "=" + entry.value);
    }
    return texts;
}

TEST_P(EventLogContract, keeps_side_values_with_their_blocks_across_a_restart) {
    const StreamId stream = create("plant").id;
    append({with_side(make_block(stream, 1, 2), {{"a/1", "one"}, {"a/2", "two"}, {"b", "three"}}),
            with_side(make_block(stream, 3, 1), {{"a/2", std::nullopt}, {"a/3", "four"}})});
    restart();
    EXPECT_EQ(log().side(stream, "a/1").value(), "one");
    EXPECT_EQ(log().side(stream, "a/2").value(), std::nullopt);
    EXPECT_EQ(log().side(stream, "a").value(), std::nullopt);
    using Texts = std::vector<std::string>;
    EXPECT_EQ(texts(log().scan_side(stream, "", "", 10)),
              (Texts{"a/1=one", "a/3=four", "b=three"}));
    EXPECT_EQ(texts(log().scan_side(stream, "a/", "", 10)), (Texts{"a/1=one", "a/3=four"}));
    EXPECT_EQ(texts(log().scan_side(stream, "a/", "a/1", 10)), (Texts{"a/3=four"}));
    EXPECT_EQ(texts(log().scan_side(stream, "", "", 1)), (Texts{"a/1=one"}));
    EXPECT_EQ(texts(log().scan_side(stream, "c", "", 10)), Texts{});
}

TEST_P(EventLogContract, keeps_side_values_of_streams_apart_and_out_of_trims) {
    const StreamId one = create("one").id;
    const StreamId two = create("two").id;
    append({with_side(make_block(one, 1, 2), {{"key", "of one"}}),
            with_side(make_block(two, 1, 2), {{"key", "of two"}, {"other", ""}})});
    ASSERT_TRUE(log().trim(one, Sequence(2)));
    EXPECT_EQ(log().side(one, "key").value(), "of one");
    EXPECT_EQ(log().side(two, "key").value(), "of two");
    EXPECT_EQ(log().side(two, "other").value(), "");
    EXPECT_EQ(log().side(create("one").id, "key").value(), std::nullopt);
}

TEST_P(EventLogContract, drops_whole_blocks_up_to_what_is_trimmed_and_nothing_after) {
    const StreamId stream = create("plant").id;
    append({make_block(stream, 1, 10), make_block(stream, 11, 10), make_block(stream, 21, 10)});
    ASSERT_TRUE(log().trim(stream, Sequence(15)));
    EXPECT_EQ(read(stream, 16)->first, Sequence(11));
    EXPECT_EQ(read(stream, 21)->first, Sequence(21));
    ASSERT_TRUE(log().trim(stream, Sequence(20)));
    EXPECT_EQ(read(stream, 21)->first, Sequence(21));
    ASSERT_TRUE(log().trim(stream, Sequence(5))) << "an older trim is ignored";
    EXPECT_EQ(read(stream, 21)->first, Sequence(21));
    EXPECT_EQ(info("plant").extent.last, Sequence(30));
}

TEST_P(EventLogContract, remembers_its_end_when_everything_was_trimmed) {
    const StreamId stream = create("plant").id;
    append({make_block(stream, 1, 10), make_block(stream, 11, 10)});
    ASSERT_TRUE(log().trim(stream, Sequence(20)));
    EXPECT_EQ(info("plant").extent.first, Sequence(11)) << "the newest block stays";
    restart();
    EXPECT_EQ(info("plant").extent.last, Sequence(20));
    EXPECT_EQ(info("plant").extent.done, Position{"d20"});
    EXPECT_EQ(read(stream, 21), nullptr);
    append({make_block(stream, 21, 1)});
    EXPECT_EQ(read(stream, 21)->first, Sequence(21));
}

TEST_P(EventLogContract, trims_one_stream_without_touching_another) {
    const StreamId plant = create("plant").id;
    const StreamId sensors = create("sensors").id;
    append({make_block(plant, 1, 5), make_block(plant, 6, 5)});
    append({make_block(sensors, 1, 5), make_block(sensors, 6, 5)});
    ASSERT_TRUE(log().trim(sensors, Sequence(10)));
    EXPECT_EQ(read(plant, 1)->first, Sequence(1));
    ASSERT_TRUE(log().trim(plant, Sequence(5)));
    EXPECT_EQ(read(plant, 6)->first, Sequence(6));
    EXPECT_EQ(read(sensors, 6)->first, Sequence(6));
}

TEST_P(EventLogContract, remembers_what_was_given_up_and_removes_whole_blocks_of_it) {
    const StreamId stream = create("plant").id;
    append({make_block(stream, 1, 10), make_block(stream, 11, 10), make_block(stream, 21, 10)});
    ASSERT_TRUE(log().drop(stream, Sequence(15)));
    restart();
    EXPECT_EQ(info("plant").extent.first, Sequence(11)) << "the block that 15 is in stays whole";
    EXPECT_EQ(info("plant").dropped_from, Sequence(1));
    EXPECT_EQ(info("plant").dropped_before, Sequence(15));
    EXPECT_EQ(read(stream, 15)->first, Sequence(11));
    ASSERT_TRUE(log().drop(stream, Sequence(5))) << "what was given up stays given up";
    EXPECT_EQ(info("plant").dropped_before, Sequence(15));
    append({make_block(stream, 31, 10)});
    ASSERT_TRUE(log().drop(stream, Sequence(41)));
    restart();
    EXPECT_EQ(info("plant").extent.first, Sequence(31)) << "the newest block stays";
    EXPECT_EQ(info("plant").extent.last, Sequence(40));
    EXPECT_EQ(info("plant").extent.done, Position{"d40"});
    EXPECT_EQ(info("plant").dropped_from, Sequence(1)) << "the two are next to each other";
    EXPECT_EQ(info("plant").dropped_before, Sequence(41));
    append({make_block(stream, 41, 1)});
    EXPECT_EQ(read(stream, 41)->first, Sequence(41));
}

TEST_P(EventLogContract, begins_a_new_hole_after_what_was_delivered) {
    const StreamId stream = create("plant").id;
    append({make_block(stream, 1, 10), make_block(stream, 11, 10), make_block(stream, 21, 10)});
    ASSERT_TRUE(log().drop(stream, Sequence(11)));
    ASSERT_TRUE(log().trim(stream, Sequence(20)));
    append({make_block(stream, 31, 10)});
    ASSERT_TRUE(log().drop(stream, Sequence(31)));
    EXPECT_EQ(info("plant").dropped_from, Sequence(21));
    EXPECT_EQ(info("plant").dropped_before, Sequence(31));
}

TEST_P(EventLogContract, refuses_to_give_up_what_is_not_there_yet) {
    const StreamId stream = create("plant").id;
    EXPECT_FALSE(log().drop(stream, Sequence(2)));
    append({make_block(stream, 1, 10)});
    const auto refused = log().drop(stream, Sequence(12));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kArgumentInvalid));
    EXPECT_EQ(info("plant").dropped_before, Sequence(0));
    EXPECT_TRUE(log().drop(stream, Sequence(11)));
}

TEST_P(EventLogContract, sets_an_older_stream_aside_and_keeps_it) {
    const StreamId older = create("plant").id;
    const auto kept = make_block(older, 1, 5);
    append({kept});
    const StreamId newer = create("plant", 100).id;
    ASSERT_NE(older, newer);
    append({make_block(newer, 100, 1)});
    restart();
    EXPECT_EQ(info("plant").id, newer);
    const auto all = log().streams();
    ASSERT_TRUE(all);
    ASSERT_EQ(all.value().size(), 2U);
    EXPECT_TRUE(all.value()[0].set_aside);
    EXPECT_EQ(all.value()[0].id, older);
    EXPECT_EQ(all.value()[0].extent.last, Sequence(5));
    EXPECT_FALSE(all.value()[1].set_aside);
    expect_same(read(older, 1), kept);
}

TEST_P(EventLogContract, gives_the_newest_cached_value_of_a_pipeline) {
    EXPECT_FALSE(log().cached("plant").value());
    ASSERT_TRUE(log().cache("plant", "one"));
    ASSERT_TRUE(log().cache("plant", "two"));
    EXPECT_EQ(log().cached("plant").value(), "two");
    EXPECT_FALSE(log().cached("sensors").value());
    restart();
    EXPECT_EQ(log().cached("plant").value(), "two");
}

DeadLetter letter_at(std::uint64_t sequence, std::string_view pipeline = "plant") {
    DeadLetter letter;
    letter.pipeline = pipeline;
    letter.sequence = Sequence(sequence);
    letter.reason = "poison_record: too large";
    letter.topic = "plant.public.orders";
    letter.key = "key";
    letter.value = std::string("v\0lue", 5);
    letter.identity = "identity " + std::to_string(sequence);
    letter.wall_time_us = 1'700'000'000'000'000;
    return letter;
}

TEST_P(EventLogContract, stores_a_dead_letter_whole) {
    DeadLetter tombstone = letter_at(8);
    tombstone.value = std::nullopt;
    const auto first = log().put_dead_letter(letter_at(7));
    const auto second = log().put_dead_letter(tombstone);
    ASSERT_TRUE(first && second);
    EXPECT_NE(first.value(), second.value());
    restart();
    const auto letters = log().dead_letters("plant", 10);
    ASSERT_TRUE(letters);
    ASSERT_EQ(letters.value().size(), 2U);
    const DeadLetter& whole = letters.value()[0];
    EXPECT_EQ(whole.id, first.value());
    EXPECT_EQ(whole.sequence, Sequence(7));
    EXPECT_EQ(whole.reason, "poison_record: too large");
    EXPECT_EQ(whole.topic, "plant.public.orders");
    EXPECT_EQ(whole.key, "key");
    EXPECT_EQ(whole.value, std::string("v\0lue", 5));
    EXPECT_EQ(whole.identity, "identity 7");
    EXPECT_EQ(whole.wall_time_us, 1'700'000'000'000'000);
    EXPECT_FALSE(whole.replayed);
    EXPECT_EQ(letters.value()[1].value, std::nullopt);
    EXPECT_EQ(log().put_dead_letter(letter_at(9)).value(), second.value() + 1);
}

TEST_P(EventLogContract, stores_the_same_dead_letter_once_but_its_neighbours_too) {
    const auto first = log().put_dead_letter(letter_at(7));
    const auto again = log().put_dead_letter(letter_at(7));
    EXPECT_EQ(first.value(), again.value());
    DeadLetter sub = letter_at(7);
    sub.sub_index = 1;
    EXPECT_NE(log().put_dead_letter(sub).value(), first.value());
    EXPECT_NE(log().put_dead_letter(letter_at(8)).value(), first.value());
    EXPECT_NE(log().put_dead_letter(letter_at(7, "sensors")).value(), first.value());
    DeadLetter other_event = letter_at(7);
    other_event.identity = "of a later stream";
    EXPECT_NE(log().put_dead_letter(other_event).value(), first.value());
    EXPECT_EQ(log().dead_letters("plant", 10).value().size(), 4U);
    EXPECT_EQ(log().dead_letters("plant", 2).value().size(), 2U);
    EXPECT_EQ(log().dead_letters("", 10).value().size(), 5U);
}

TEST_P(EventLogContract, marks_one_dead_letter_as_replayed) {
    const auto first = log().put_dead_letter(letter_at(7));
    ASSERT_TRUE(log().put_dead_letter(letter_at(8)));
    ASSERT_TRUE(log().mark_replayed(first.value()));
    EXPECT_FALSE(log().mark_replayed(99));
    restart();
    const auto letters = log().dead_letters("plant", 10);
    EXPECT_TRUE(letters.value()[0].replayed);
    EXPECT_FALSE(letters.value()[1].replayed);
}

TEST_P(EventLogContract, counts_what_it_holds) {
    const StreamId stream = create("plant").id;
    EXPECT_EQ(log().usage().value().bytes, 0U);
    append({make_block(stream, 1, 100, testing::noise(200, 1))});
    const auto used = log().usage();
    ASSERT_TRUE(used);
    EXPECT_GT(used.value().bytes, 10U);
    EXPECT_GT(used.value().free_disk_bytes, 0U);
    EXPECT_EQ(info("plant").bytes, used.value().bytes);
}

TEST_P(EventLogContract, reopens_with_everything_acknowledged) {
    const StreamId stream = create("plant").id;
    append({make_block(stream, 1, 10)});
    ASSERT_TRUE(log().reopen());
    EXPECT_EQ(info("plant").extent.last, Sequence(10));
    append({make_block(stream, 11, 10)});
    EXPECT_EQ(read(stream, 20)->first, Sequence(11));
}

TEST_P(EventLogContract, dies_rather_than_take_a_block_that_does_not_continue_its_stream) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
    const StreamId stream = create("plant").id;
    append({make_block(stream, 1, 10)});
    EXPECT_DEATH(static_cast<void>(log().append(std::vector{make_block(stream, 12, 1)})), "due");
    EXPECT_DEATH(static_cast<void>(log().append(std::vector{make_block(stream, 10, 1)})), "due");
    append({make_block(stream, 11, 1)});
}

INSTANTIATE_TEST_SUITE_P(
    Logs,
    EventLogContract,
    ::testing::Values(Kind{"memory", [] { return std::make_unique<MemorySubject>(); }},
                      Kind{"rocksdb", [] { return std::make_unique<RocksSubject>(); }}),
    [](const auto& subject) { return std::string(subject.param.name); });

}  // namespace
}  // namespace tributary
