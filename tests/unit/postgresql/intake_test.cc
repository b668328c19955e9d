// The intake state machine, message by message.
#include "connectors/postgresql/intake/intake.h"

#include <gtest/gtest.h>

#include "model/errors.h"
#include "support.h"

namespace tributary::postgresql {
namespace {

using test::begin;
using test::Cells;
using test::commit;
using test::insert;
using test::relation;
using test::Wire;

constexpr std::uint32_t kTable = 42;
constexpr std::uint32_t kOther = 43;
constexpr std::int64_t kNow = 50'000'000;

class IntakeTest : public testing::Test {
  protected:
    void start(const StartPoint& from = {}, FilterRules filter = {}) {
        IntakeOptions options;
        options.database = "db";
        options.filter = std::move(filter);
        options.row_bytes_max = 1000;
        intake_ = Intake::make(options, from, catalogue_).value();
    }
    Result<void> give(const std::string& message, std::uint64_t at = 10, std::int64_t now = kNow) {
        return intake_->on_xlog_data(Lsn(at), Lsn(at), now, message, sink_);
    }
    void give_all(const std::vector<std::string>& messages) {
        for (const auto& message : messages) {
            const auto done = give(message);
            ASSERT_TRUE(done.has_value()) << done.error().message();
        }
    }
    static std::vector<std::string> two_rows(std::uint64_t lsn) {
        return {begin(lsn),
                relation(kTable, "t", {{true, "id", 23}, {false, "x", 25}}),
                insert(kTable, {"1", "a"}),
                insert(kTable, {"2", std::nullopt}),
                commit(lsn, lsn + 8)};
    }

    test::FakeCatalogue catalogue_;
    test::RecordingSink sink_;
    std::unique_ptr<Intake> intake_;
};

TEST_F(IntakeTest, appends_the_rows_and_the_end_of_a_transaction_then_moves_resume) {
    start();
    give_all(two_rows(100));
    ASSERT_EQ(sink_.entries.size(), 3U);
    EXPECT_EQ(decode_done(sink_.entries[1].done), (Identity{Lsn(100), 1}));
    EXPECT_EQ(sink_.entries[2].kind, EntryKind::transaction_end);
    EXPECT_EQ(decode_done(sink_.entries[2].done), (Identity{Lsn(100), kWholeTransaction}));
    ASSERT_EQ(sink_.resumes.size(), 1U);
    EXPECT_EQ(decode_resume(sink_.resumes[0]), Lsn(108));
}

TEST_F(IntakeTest, a_resend_after_any_entry_gives_exactly_the_entries_after_it) {
    start();
    give_all(two_rows(100));
    give_all(two_rows(200));
    const auto all = sink_.entries;
    for (std::size_t cut = 0; cut < all.size(); ++cut) {
        SCOPED_TRACE(cut);
        sink_ = {};
        start({.resume = encode_resume(Lsn(1)), .done = all[cut].done});
        give_all(two_rows(100));
        give_all(two_rows(200));
        std::erase_if(sink_.entries,
                      [](const test::Kept& kept) { return kept.kind == EntryKind::position; });
        ASSERT_EQ(sink_.entries.size(), all.size() - cut - 1);
        for (std::size_t index = 0; index < sink_.entries.size(); ++index) {
            EXPECT_EQ(sink_.entries[index].payload, all[cut + 1 + index].payload);
            EXPECT_EQ(sink_.entries[index].done, all[cut + 1 + index].done);
        }
    }
}

TEST_F(IntakeTest, tables_that_are_not_selected_count_in_the_ordinal_and_leave_no_bytes) {
    start({}, {.include = {"public\\.t"}, .exclude = {}, .exclude_columns = {}});
    give_all({begin(100),
              relation(kOther, "secret", {{true, "id", 23}}),
              insert(kOther, {"7"}),
              relation(kTable, "t", {{true, "id", 23}}),
              insert(kTable, {"1"}),
              commit(100, 108)});
    ASSERT_EQ(sink_.entries.size(), 2U);
    EXPECT_EQ(sink_.entries[0].ordinal, 1U);
    EXPECT_EQ(parse_transaction_end(sink_.entries[1].payload).value().event_count, 1U);
    EXPECT_EQ(catalogue_.reads, 1);
}

TEST_F(IntakeTest, a_truncated_table_has_an_identity_of_its_own) {
    start();
    give_all({begin(100),
              relation(kTable, "t", {{true, "id", 23}}),
              relation(kOther, "o", {{true, "id", 23}}),
              Wire('T').u32(2).u8(1).u32(kTable).u32(kOther),
              commit(100, 108)});
    ASSERT_EQ(sink_.entries.size(), 3U);
    EXPECT_EQ(sink_.entries[0].ordinal, 0U);
    EXPECT_EQ(sink_.entries[1].ordinal, 1U);
}

// Delivered as a delete and a create, so that it takes two places in its transaction.
TEST_F(IntakeTest, a_change_of_the_key_counts_twice_and_of_another_column_once) {
    start();
    const auto update = [](const char* old_id, const char* id, const char* x) -> std::string {
        Wire wire('U');
        wire.u32(kTable);
        if (old_id != nullptr) {
            wire.tuple('K', {old_id, std::nullopt});
        }
        return wire.tuple('N', {id, x});
    };
    give_all({begin(100),
              relation(kTable, "t", {{true, "id", 23}, {false, "x", 25}}),
              update("1", "2", "a"),
              update(nullptr, "2", "b"),
              update("2", "2", "c"),
              insert(kTable, {"3", "d"}),
              commit(100, 108)});
    ASSERT_EQ(sink_.entries.size(), 5U);
    const auto order = [&](std::size_t index) {
        return parse_event_head(sink_.entries[index].payload, Lsn(100)).value().order;
    };
    EXPECT_EQ(order(0), 1U);
    EXPECT_EQ(order(1), 3U);
    EXPECT_EQ(order(2), 4U);
    EXPECT_EQ(order(3), 5U);
    const auto end = parse_transaction_end(sink_.entries[4].payload).value();
    EXPECT_EQ(end.event_count, 5U);
    EXPECT_EQ(end.tables.at(0).count, 5U);
}

TEST_F(IntakeTest, a_column_that_is_not_selected_is_taken_out_of_schema_and_bytes) {
    start({}, {.include = {}, .exclude = {}, .exclude_columns = {"public\\.t\\.x"}});
    give_all(two_rows(100));
    ASSERT_EQ(sink_.schemas.size(), 1U);
    ASSERT_EQ(sink_.schemas[0]->columns.size(), 1U);
    EXPECT_EQ(sink_.entries[0].payload.find('a'), std::string::npos);
    const auto head = parse_event_head(sink_.entries[0].payload, Lsn(100)).value();
    EXPECT_EQ(parse_image(MessageType::insert, head.rest).value().new_tuple.column_count, 1);
}

TEST_F(IntakeTest, stops_at_the_first_delete_that_lacks_a_chosen_key) {
    start({}, {.key_columns = {"public\\.t\\.x"}});
    give_all({begin(100),
              relation(kTable, "t", {{true, "id", 23}, {false, "x", 25}}),
              insert(kTable, {"1", "a"})});
    EXPECT_EQ(sink_.schemas[0]->columns[1].key_index, 1U);
    std::string remove = insert(kTable, {"1", std::nullopt});
    remove[0] = 'D';
    remove[5] = 'K';
    const auto done = give(remove);
    ASSERT_TRUE(done.has_error());
    EXPECT_TRUE(done.error().is(errors::kSourceSettings));
}

TEST_F(IntakeTest, refuses_an_excluded_key_column) {
    start({}, {.include = {}, .exclude = {}, .exclude_columns = {"public\\.t\\.id"}});
    ASSERT_TRUE(give(begin(100)).has_value());
    const auto done = give(relation(kTable, "t", {{true, "id", 23}}));
    ASSERT_TRUE(done.has_error());
    EXPECT_TRUE(done.error().is(errors::kConfigInvalid));
}

TEST_F(IntakeTest, refuses_a_name_that_is_not_utf8_unless_it_is_left_out) {
    start();
    const std::string message = relation(kTable, "t", {{true, "id", 23}, {false, "sp\xE4lte", 25}});
    ASSERT_TRUE(give(begin(100)).has_value());
    const auto done = give(message);
    ASSERT_TRUE(done.has_error());
    EXPECT_TRUE(done.error().is(errors::kConfigInvalid));
    EXPECT_NE(done.error().what().find("\"sp?lte\" is not UTF-8"), std::string::npos);
    start({}, {.include = {}, .exclude = {}, .exclude_columns = {"public\\.t\\.sp.*"}});
    ASSERT_TRUE(give(begin(100)).has_value());
    EXPECT_TRUE(give(message).has_value());
}

TEST_F(IntakeTest, refuses_a_row_over_the_bound_naming_table_and_size_but_not_of_others) {
    start({}, {.include = {"public\\.t"}, .exclude = {}, .exclude_columns = {}});
    give_all({begin(100),
              relation(kOther, "o", {{true, "id", 25}}),
              insert(kOther, {std::string(2000, 'x')}),
              relation(kTable, "t", {{true, "id", 25}})});
    const auto done = give(insert(kTable, {std::string(2000, 'x')}));
    ASSERT_TRUE(done.has_error());
    EXPECT_TRUE(done.error().is(errors::kRowTooLarge));
    EXPECT_NE(done.error().what().find("public.t has 2013 bytes"), std::string::npos)
        << done.error().what();
}

TEST_F(IntakeTest, transactions_without_selected_changes_move_resume_but_write_once_per_interval) {
    start({}, {.include = {"none"}, .exclude = {}, .exclude_columns = {}});
    for (std::uint64_t lsn = 100; lsn < 200; lsn += 10) {
        give_all({begin(lsn), commit(lsn, lsn + 5)});
    }
    ASSERT_EQ(sink_.entries.size(), 1U);
    EXPECT_EQ(sink_.entries[0].kind, EntryKind::position);
    EXPECT_EQ(decode_resume(sink_.resumes.back()), Lsn(195));
    intake_->on_tick(kNow + 29'999'999, sink_);
    EXPECT_EQ(sink_.entries.size(), 1U);
    intake_->on_tick(kNow + 30'000'000, sink_);
    ASSERT_EQ(sink_.entries.size(), 2U);
    EXPECT_EQ(decode_done(sink_.entries[1].done), done_below(Lsn(195)));
}

TEST_F(IntakeTest, a_position_far_behind_is_held_within_a_second) {
    start();
    intake_->on_keepalive(Lsn(500), kNow, sink_);
    ASSERT_EQ(sink_.entries.size(), 1U);
    const Lsn far(500 + (16U << 20U));
    intake_->on_keepalive(Lsn(far.value() - 1), kNow + 1'000'000, sink_);
    intake_->on_keepalive(far, kNow + 999'999, sink_);
    EXPECT_EQ(sink_.entries.size(), 1U);
    intake_->on_keepalive(far, kNow + 1'000'000, sink_);
    ASSERT_EQ(sink_.entries.size(), 2U);
    EXPECT_EQ(decode_resume(sink_.resumes.back()), far);
}

TEST_F(IntakeTest, a_keepalive_inside_a_transaction_holds_no_position) {
    start();
    give_all({begin(100)});
    intake_->on_keepalive(Lsn(500), kNow, sink_);
    intake_->flush_position(kNow, sink_);
    EXPECT_TRUE(sink_.entries.empty());
    EXPECT_TRUE(sink_.resumes.empty());
    give_all({commit(100, 108)});
    intake_->on_keepalive(Lsn(500), kNow + 40'000'000, sink_);
    EXPECT_EQ(decode_resume(sink_.resumes.back()), Lsn(500));
    EXPECT_TRUE(give(begin(499)).has_error());
    EXPECT_TRUE(give(begin(500)).has_value());
}

TEST_F(IntakeTest, a_free_message_ending_where_a_commit_record_begins_hides_no_row_of_it) {
    const std::string message = Wire('M').u8(0).u64(100).text("p").u32(1).raw("x");
    start();
    give_all({message});
    ASSERT_EQ(sink_.entries.size(), 1U);
    const StartPoint after{.resume = sink_.resumes.back(), .done = sink_.entries[0].done};
    give_all(two_rows(100));
    EXPECT_EQ(sink_.entries.size(), 4U);
    sink_ = {};
    start(after);
    give_all({message});
    EXPECT_TRUE(sink_.entries.empty());
    give_all(two_rows(100));
    EXPECT_EQ(sink_.entries.size(), 3U);
}

TEST_F(IntakeTest, refuses_messages_out_of_their_place) {
    const auto refused = [this](const std::string& message) {
        const auto done = give(message);
        return done.has_error() && done.error().is(errors::kProtocolViolation);
    };
    start();
    EXPECT_TRUE(refused(commit(100, 108)));
    give_all({relation(kTable, "t", {{true, "id", 23}})});
    EXPECT_TRUE(refused(insert(kTable, {"1"})));
    give_all({begin(100)});
    EXPECT_TRUE(refused(begin(200)));
    EXPECT_TRUE(refused(insert(kOther, {"1"})));
    EXPECT_TRUE(refused(insert(kTable, {"1", "2"})));
    EXPECT_TRUE(refused(commit(101, 108)));
    EXPECT_TRUE(refused(Wire('M').u8(0).u64(150).text("p").u32(0)));
    EXPECT_TRUE(refused("Z"));
    give_all({commit(100, 108)});
    EXPECT_TRUE(refused(begin(100)));
}

TEST_F(IntakeTest, equal_structure_shares_a_schema_and_the_catalogue_is_read_each_time) {
    start();
    give_all(two_rows(100));
    give_all(two_rows(200));
    EXPECT_EQ(sink_.schemas.size(), 1U);
    EXPECT_EQ(catalogue_.reads, 2);
    catalogue_.tables[kTable].columns = {{.name = "x",
                                          .type_oid = 25,
                                          .type_name = "text",
                                          .not_null = true,
                                          .default_expression = {}}};
    give_all(two_rows(300));
    ASSERT_EQ(sink_.schemas.size(), 2U);
    EXPECT_FALSE(sink_.schemas[1]->columns[1].nullable);
}

TEST_F(IntakeTest, the_catalogue_is_read_when_the_transaction_is_visible) {
    start();
    give_all(two_rows(100));
    EXPECT_EQ(catalogue_.awaited, (std::vector<std::uint32_t>{700}));
}

TEST_F(IntakeTest, refuses_positions_and_expressions_that_are_not_ours) {
    IntakeOptions options;
    StartPoint start;
    start.done.bytes = "xyz";
    EXPECT_TRUE(Intake::make(options, start, catalogue_).error().is(errors::kSourceDiverged));
    options.filter.include = {"("};
    EXPECT_TRUE(Intake::make(options, {}, catalogue_).error().is(errors::kConfigInvalid));
}

}  // namespace
}  // namespace tributary::postgresql
