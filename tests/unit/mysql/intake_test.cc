// The intake state machine, event by event.
#include "connectors/mysql/intake/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/statements/schema_change.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::FileEvent;
using test::RecordingSink;
using test::Wire;
using testing::HasSubstr;

class IntakeTest : public testing::Test {
  protected:
    IntakeTest() { sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, true)); }

    Result<void> take(const std::vector<FileEvent>& events) {
        return test::take_in(options_, events, sink_);
    }
    void take_all(const std::vector<FileEvent>& events) {
        const auto done = take(events);
        ASSERT_TRUE(done.has_value()) << done.error().message();
    }
    Error error_of(const std::vector<FileEvent>& events) {
        const auto done = take(events);
        EXPECT_FALSE(done.has_value());
        return done.has_value() ? Error() : done.error();
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const auto& entry : sink_.entries) {
            out.push_back(describe(sink_, entry));
        }
        return out;
    }
    ResumePoint resume() const { return decode_resume(sink_.now.resume).value(); }
    // GTID number 5: two rows of shop.t.
    std::vector<FileEvent> two_rows() {
        return {wire_.gtid(5),
                wire_.query("BEGIN"),
                wire_.table_map(1, "shop", "t"),
                wire_.write_rows(1, {{1, "a"}, {2, "b"}}),
                wire_.xid()};
    }

    IntakeOptions options_{.row_bytes_max = 1000};
    Wire wire_;
    RecordingSink sink_;
};

TEST_F(IntakeTest, a_transaction_gives_its_rows_and_its_end_and_moves_resume) {
    take_all(two_rows());
    const std::string head =
        "11111111-1111-1111-1111-111111111111:5 bin.000001:4 server 7 thread 77 ";
    EXPECT_THAT(lines(),
                testing::ElementsAre(head + "I shop.t/1 #0 order 1,1 at 166,0,0 |ff|00010000000161",
                                     head + "I shop.t/1 #1 order 2,2 at 166,0,1 |ff|00020000000162",
                                     head + "end 246 events 2 shop.t=2"));
    EXPECT_EQ(resume().executed.to_string(), "11111111-1111-1111-1111-111111111111:5");
    EXPECT_EQ(resume().next, (Place{"bin.000001", 246}));
    const auto done = decode_done(sink_.now.done);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->ordinal, kWholeTransaction);
}

TEST_F(IntakeTest, rows_of_tables_that_are_not_selected_are_counted_and_left_out) {
    options_.filter.include = {R"(shop\..*)"};
    take_all({wire_.gtid(5),
              wire_.query("BEGIN"),
              wire_.table_map(1, "shop", "t"),
              wire_.table_map(2, "other", "hidden"),
              wire_.write_rows(2, {{7, "x"}, {8, "y"}, {9, "z"}}),
              wire_.write_rows(1, {{1, "a"}}),
              wire_.xid()});
    ASSERT_EQ(sink_.entries.size(), 2U);
    EXPECT_THAT(lines()[0], HasSubstr("#3 order 1,1"));
    EXPECT_EQ(sink_.schemas.size(), 1U);
}

TEST_F(IntakeTest, an_event_whose_rows_cannot_be_told_apart_counts_one_unless_it_is_selected) {
    FileEvent map = wire_.table_map(2, "other", "hidden");
    map.bytes[map.bytes.find('\x03', kEventHeaderBytes + 8 + 13)] = '\x63';  // a type of no server
    const std::vector<FileEvent> events{wire_.gtid(5),
                                        wire_.query("BEGIN"),
                                        map,
                                        wire_.write_rows(2, {{7, "x"}, {8, "y"}}),
                                        wire_.table_map(1, "shop", "t"),
                                        wire_.write_rows(1, {{1, "a"}}),
                                        wire_.xid()};
    options_.filter.include = {R"(shop\..*)"};
    take_all(events);
    ASSERT_EQ(sink_.entries.size(), 2U);
    EXPECT_THAT(lines()[0], HasSubstr("#1 order 1,1"));

    options_.filter = {};
    sink_ = RecordingSink();
    sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, true));
    EXPECT_THAT(error_of(events).message(), HasSubstr("other.hidden"));
}

TEST_F(IntakeTest, the_servers_own_databases_are_never_taken) {
    take_all({wire_.gtid(5),
              wire_.query("BEGIN"),
              wire_.table_map(1, "mysql", "t"),
              wire_.write_rows(1, {{1, "a"}}),
              wire_.xid()});
    EXPECT_TRUE(sink_.told().empty());
}

TEST_F(IntakeTest, an_excluded_column_leaves_bitmap_null_bits_and_bytes) {
    options_.filter.exclude_columns = {R"(shop\.t\.name)"};
    take_all(two_rows());
    EXPECT_THAT(lines()[0], HasSubstr("|01|0001000000"));
    ASSERT_EQ(sink_.schemas.size(), 1U);
    EXPECT_EQ(sink_.schemas[0]->columns.size(), 1U);
}

TEST_F(IntakeTest, a_key_column_cannot_be_excluded) {
    options_.filter.exclude_columns = {R"(shop\.t\.id)"};
    EXPECT_TRUE(error_of(two_rows()).is(errors::kConfigInvalid));
}

TEST_F(IntakeTest, a_chosen_key_is_in_every_image_or_the_rows_stop) {
    options_.filter.key_columns = {R"(shop\.t\.name)"};
    std::vector<FileEvent> events = two_rows();
    take_all(events);
    ASSERT_EQ(sink_.schemas.size(), 1U);
    EXPECT_EQ(sink_.schemas[0]->columns.at(0).key_index, 0U);
    EXPECT_EQ(sink_.schemas[0]->columns.at(1).key_index, 1U);
    sink_ = RecordingSink();
    sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, true));
    events[3].bytes[kEventHeaderBytes + 11] = '\xFD';  // columns present: all but the name
    EXPECT_TRUE(error_of(events).is(errors::kSourceSettings));
}

TEST_F(IntakeTest, a_transaction_without_selected_rows_moves_resume_and_gives_a_position_in_time) {
    options_.filter.include = {"none"};
    options_.position_interval_us = 0;
    take_all(two_rows());
    EXPECT_THAT(lines(), testing::ElementsAre("- bin.000001:246 position"));
    EXPECT_EQ(resume().executed.to_string(), "11111111-1111-1111-1111-111111111111:5");

    options_.position_interval_us = 60'000'000;
    sink_ = RecordingSink();
    sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, true));
    take_all(two_rows());
    EXPECT_TRUE(sink_.entries.empty());
    EXPECT_EQ(resume().executed.to_string(), "11111111-1111-1111-1111-111111111111:5");
}

TEST_F(IntakeTest, without_gtids_the_place_is_the_position) {
    ResumePoint start = test::beginning(ServerKind::mysql, false);
    sink_.now.resume = encode_resume(start);
    take_all({wire_.anonymous(),
              wire_.query("BEGIN"),
              wire_.table_map(1, "shop", "t"),
              wire_.write_rows(1, {{1, "a"}}),
              wire_.query("COMMIT"),
              // MySQL 5.6 writes nothing before BEGIN, and structure alone
              wire_.query("create table x (a int)"),
              wire_.query("BEGIN"),
              wire_.table_map(1, "shop", "t"),
              wire_.write_rows(1, {{2, "b"}}),
              wire_.xid()});
    ASSERT_EQ(sink_.entries.size(), 4U);
    EXPECT_THAT(lines()[0], HasSubstr("- bin.000001:4 "));
    EXPECT_THAT(lines()[2], HasSubstr("#0 order 1,1"));
    const auto done = decode_done(sink_.entries[2].done);
    EXPECT_NE(done->transaction.start, decode_done(sink_.entries[0].done)->transaction.start);
    EXPECT_EQ(resume().next.offset, parse_transaction_end(sink_.entries[3].payload).value().offset);
}

TEST_F(IntakeTest, a_transaction_without_gtid_is_refused_where_positions_are_gtids) {
    EXPECT_TRUE(error_of({wire_.anonymous()}).is(errors::kSourceDiverged));
}

TEST_F(IntakeTest, a_gtid_that_came_before_is_refused) {
    take_all(two_rows());
    EXPECT_TRUE(error_of(two_rows()).is(errors::kSourceDiverged));
}

TEST_F(IntakeTest, structure_statements_say_nothing_and_end_their_transaction) {
    take_all({wire_.gtid(5), wire_.query("alter table t add x int")});
    EXPECT_TRUE(sink_.entries.empty());
    EXPECT_EQ(resume().executed.to_string(), "11111111-1111-1111-1111-111111111111:5");
    // .. but not inside one: CREATE TABLE .. SELECT of MySQL 8
    take_all({wire_.gtid(6),
              wire_.query("BEGIN"),
              wire_.query("CREATE TABLE `t` (a int) START TRANSACTION"),
              wire_.table_map(1, "shop", "t"),
              wire_.write_rows(1, {{1, "a"}}),
              wire_.xid()});
    EXPECT_EQ(sink_.told().size(), 2U);
}

// Says what it is told, and how often it was asked.
class FixedCatalogue final : public Catalogue {
  public:
    Result<TableStructure> columns(const std::string& /*database*/,
                                   const std::string& /*table*/) override {
        ++asked;
        return structure;
    }
    Result<std::optional<TableStructure>> columns_at(const std::string& /*database*/,
                                                     const std::string& /*table*/,
                                                     const Place& place) override {
        places.push_back(to_string(place));
        return proven ? std::optional(structure) : std::nullopt;
    }

    TableStructure structure = [] {
        TableStructure out;
        out.exists = true;
        for (const auto& [name, type, full] :
             {std::tuple("id", "int", "int"), std::tuple("name", "varchar", "varchar(40)")}) {
            CatalogueColumn& column = out.columns.emplace_back();
            column.name = name;
            column.data_type = type;
            column.column_type = full;
        }
        out.columns[1].default_text = "first";
        return out;
    }();
    bool proven = true;
    int asked = 0;
    std::vector<std::string> places;
};

TEST_F(IntakeTest, structure_statements_about_what_is_selected_are_changes_where_that_is_wanted) {
    options_.schema_changes = true;
    options_.filter.include = {R"(shop\.t)"};
    FixedCatalogue catalogue;
    const auto done = test::take_in(options_,
                                    {wire_.gtid(5),
                                     wire_.query("ALTER TABLE t ADD x int"),
                                     wire_.gtid(6),
                                     wire_.query("DROP TABLE other, t"),
                                     wire_.gtid(7),
                                     wire_.query("ALTER TABLE other ADD secret int"),
                                     wire_.gtid(8),
                                     wire_.query("DROP DATABASE shop")},
                                    sink_,
                                    &catalogue);
    ASSERT_TRUE(done) << done.error().message();
    const auto told = sink_.told();
    ASSERT_EQ(told.size(), 6U);
    EXPECT_EQ(catalogue.places.size(), 1U);
    const auto change = [&](std::size_t index) {
        return parse_schema_change(parse_event_head(told[index].payload).value().rest).value();
    };
    EXPECT_EQ(change(0).text, "ALTER TABLE t ADD x int");
    EXPECT_EQ(change(0).structure->columns.size(), 2U);
    EXPECT_EQ(told[2].ordinal, 1U) << "the table that is not selected counts";
    EXPECT_EQ(change(2).text, "DROP TABLE `shop`.`t`");
    EXPECT_FALSE(change(2).structure);
    EXPECT_EQ(change(4).kind, DdlKind::database);
}

TEST_F(IntakeTest, a_statement_may_not_quote_a_column_that_is_excluded) {
    options_.schema_changes = true;
    options_.filter.exclude_columns = {R"(shop\.t\.name)"};
    FixedCatalogue catalogue;
    for (const bool proven : {true, false}) {
        catalogue.proven = proven;
        const std::uint64_t number = proven ? 5 : 6;
        ASSERT_TRUE(test::take_in(
            options_,
            {wire_.gtid(number), wire_.query("ALTER TABLE t ADD name varchar(40) DEFAULT 'x'")},
            sink_,
            &catalogue));
        const auto told = sink_.told();
        const auto change =
            parse_schema_change(parse_event_head(told[told.size() - 2].payload).value().rest)
                .value();
        EXPECT_EQ(change.text, "");
        EXPECT_EQ(change.structure.has_value(), proven);
        EXPECT_TRUE(!proven || change.structure->columns.size() == 1);
    }
    ASSERT_TRUE(test::take_in(
        options_, {wire_.gtid(7), wire_.query("ALTER TABLE u ADD x int")}, sink_, &catalogue));
}

TEST_F(IntakeTest, rows_take_their_defaults_from_what_was_proven_at_the_statement_before_them) {
    FixedCatalogue catalogue;
    ASSERT_TRUE(test::take_in(options_,
                              {wire_.gtid(5),
                               wire_.query("CREATE TABLE t (id int, name varchar(40))"),
                               wire_.gtid(6),
                               wire_.query("BEGIN"),
                               wire_.table_map(1, "shop", "t"),
                               wire_.write_rows(1, {{1, "a"}}),
                               wire_.xid()},
                              sink_,
                              &catalogue));
    EXPECT_EQ(catalogue.asked, 0);
    EXPECT_EQ(sink_.schemas.back()->columns[1].default_expression, "'first'");
    // What it says of another structure is not of these rows.
    catalogue.structure.columns.pop_back();
    ASSERT_TRUE(test::take_in(options_,
                              {wire_.gtid(7),
                               wire_.query("BEGIN"),
                               wire_.table_map(2, "shop", "t"),
                               wire_.write_rows(2, {{2, "a"}}),
                               wire_.xid()},
                              sink_,
                              &catalogue));
    EXPECT_EQ(catalogue.asked, 1);
    EXPECT_FALSE(sink_.schemas.back()->columns[1].default_expression);
}

TEST_F(IntakeTest, truncate_forgets_no_structure_and_an_unheard_of_statement_every_one) {
    FixedCatalogue catalogue;
    std::uint64_t number = 5;
    const auto asked_after = [&](const char* statement) {
        catalogue.asked = 0;
        EXPECT_TRUE(test::take_in(options_,
                                  {wire_.gtid(number++),
                                   wire_.query("CREATE TABLE t (id int, name varchar(40))"),
                                   wire_.gtid(number++),
                                   wire_.query(statement),
                                   wire_.gtid(number++),
                                   wire_.query("BEGIN"),
                                   wire_.table_map(1, "shop", "t"),
                                   wire_.write_rows(1, {{1, "a"}}),
                                   wire_.xid()},
                                  sink_,
                                  &catalogue));
        return catalogue.asked;
    };
    EXPECT_EQ(asked_after("TRUNCATE TABLE t"), 0);
    EXPECT_EQ(asked_after("TRUNCATE TABLE u"), 0);
    EXPECT_EQ(asked_after("ALTER TABLE u ADD x int"), 0);
    EXPECT_EQ(asked_after("REFORM TABLE u"), 1);
}

// Of transactions behind a place; tables by their names.
class Watcher final : public StreamWatcher {
  public:
    explicit Watcher(std::uint64_t from) : from_(from) {}
    bool wants(const std::optional<MysqlGtid>& /*gtid*/, const Place& start) const override {
        return start.offset >= from_;
    }
    bool withholds(std::string_view /*table*/) const override { return false; }
    void on_row(SchemaId /*id*/,
                const TableSchema& /*schema*/,
                std::string_view /*payload*/) override {}
    void on_truncate(std::string_view /*database*/, std::string_view /*table*/) override {}
    void on_ddl(std::string_view database, std::string_view table) override {
        told.push_back(std::string(database) + "." + std::string(table));
    }
    std::vector<std::string> told;

  private:
    std::uint64_t from_;
};

TEST_F(IntakeTest, who_watches_is_told_of_statements_that_may_have_made_another_table) {
    std::uint64_t number = 5;
    const auto told_of = [&](const char* statement, bool wanted) {
        const FileEvent gtid = wire_.gtid(number++);
        Watcher watcher(gtid.offset + (wanted ? 0 : 1));
        const auto intake = std::move(Intake::make(options_, sink_.now, nullptr, sink_).value());
        intake->watch(&watcher);
        for (const FileEvent& event : {gtid, wire_.query(statement)}) {
            EXPECT_TRUE(intake->on_event(test::view(event, "bin.000001"), 1, sink_));
        }
        return watcher.told;
    };
    using Names = std::vector<std::string>;
    EXPECT_EQ(told_of("DROP TABLE other, t", true), (Names{"shop.other", "shop.t"}));
    EXPECT_EQ(told_of("RENAME TABLE t TO old.u", true), (Names{"old.u", "shop.t"}));
    EXPECT_EQ(told_of("ALTER TABLE t ADD x int", true), (Names{"shop.t"}));
    EXPECT_EQ(told_of("DROP DATABASE shop", true), (Names{"shop."}));
    EXPECT_EQ(told_of("DROP TABLE t", false), Names{});
    EXPECT_EQ(told_of("CREATE VIEW t AS SELECT 1", true), Names{});
}

TEST_F(IntakeTest, truncate_of_a_selected_table_is_a_change) {
    options_.filter.include = {R"(shop\.t)"};
    take_all(two_rows());
    take_all({wire_.gtid(6), wire_.query("TRUNCATE TABLE t")});
    take_all({wire_.gtid(7), wire_.query("TRUNCATE TABLE u")});
    ASSERT_EQ(sink_.entries.size(), 5U);
    EXPECT_THAT(lines()[3], HasSubstr("T shop.t/2"));
    EXPECT_THAT(lines()[3], HasSubstr("#0 order 0,0"));
    EXPECT_THAT(lines()[4], HasSubstr("events 0"));
    EXPECT_TRUE(decode_done(sink_.now.done)->ordinal == kWholeTransaction);
}

TEST_F(IntakeTest, a_name_is_in_lower_case_where_the_server_stores_it_so) {
    options_.filter.include = {R"(shop\.t)"};
    options_.schema_changes = true;
    take_all({wire_.gtid(5), wire_.query("TRUNCATE TABLE Shop.T")});
    EXPECT_TRUE(sink_.told().empty());
    options_.lower_case_names = true;
    take_all({wire_.gtid(6), wire_.query("TRUNCATE TABLE Shop.T")});
    take_all({wire_.gtid(7), wire_.query("DROP TABLE T")});
    ASSERT_EQ(sink_.told().size(), 4U);
    EXPECT_THAT(lines()[0], HasSubstr("T shop.t/"));
    EXPECT_THAT(lines()[2], HasSubstr("shop.t/"));
}

TEST_F(IntakeTest, a_key_change_is_counted_twice_and_another_update_once) {
    take_all({wire_.gtid(5),
              wire_.query("BEGIN"),
              wire_.table_map(1, "shop", "t"),
              wire_.update_row(1, {1, "a"}, {1, "b"}),
              wire_.update_row(1, {1, "b"}, {2, "b"}),
              wire_.update_row(1, {2, "b"}, {2, "c"}),
              wire_.xid()});
    ASSERT_EQ(sink_.entries.size(), 4U);
    EXPECT_THAT(lines()[0], HasSubstr("#0 order 1,1"));
    EXPECT_THAT(lines()[1], HasSubstr("#1 order 2,2"));
    EXPECT_THAT(lines()[2], HasSubstr("#2 order 4,4"));
    EXPECT_THAT(lines()[3], HasSubstr("events 4 shop.t=4"));
}

TEST_F(IntakeTest, rows_logged_as_a_statement_stop_by_name_if_they_are_of_a_selected_table) {
    options_.filter.include = {R"(shop\..*)"};
    const Error error =
        error_of({wire_.gtid(5), wire_.query("BEGIN"), wire_.query("insert into t values (1)")});
    EXPECT_TRUE(error.is(errors::kBinlogStatement));
    EXPECT_THAT(error.message(), HasSubstr("shop.t"));
    EXPECT_THAT(error.message(), HasSubstr("bin.000001:"));
    EXPECT_TRUE(error_of({wire_.gtid(5), wire_.query("BEGIN"), wire_.query("update t, u set a=1")})
                    .is(errors::kBinlogStatement));
    take_all({wire_.gtid(5),
              wire_.query("BEGIN"),
              wire_.query("insert into other.hidden values (1)"),
              wire_.query("delete from hidden where a=1", "other"),
              wire_.xid()});
    EXPECT_TRUE(sink_.told().empty());
}

TEST_F(IntakeTest, rows_that_were_undone_after_they_were_taken_stop_by_name) {
    auto events = two_rows();
    events.back() = wire_.query("ROLLBACK");
    EXPECT_TRUE(error_of(events).is(errors::kBinlogUndone));
    const std::string end = "; it ends at 11111111-1111-1111-1111-111111111111:5";
    EXPECT_THAT(error_of(events).what(), testing::EndsWith(end)) << "for `reset --from`";
    events.back() = wire_.query("ROLLBACK TO `s`");
    EXPECT_TRUE(error_of(events).is(errors::kBinlogUndone));
    EXPECT_THAT(error_of(events).what(), testing::EndsWith(end));
    events.back() = wire_.event(EventType::stop, "");
    EXPECT_TRUE(error_of(events).is(errors::kBinlogUndone));
    options_.filter.include = {"none"};
    sink_.now = {encode_resume(test::beginning(ServerKind::mysql, true)), {}};
    events.back() = wire_.query("ROLLBACK");
    take_all(events);
    EXPECT_EQ(resume().executed.to_string(), "11111111-1111-1111-1111-111111111111:5");
}

TEST_F(IntakeTest, an_incident_stops_by_name) {
    const Error error = error_of({wire_.event(EventType::incident, std::string("\1\0\4lost", 7))});
    EXPECT_TRUE(error.is(errors::kBinlogIncident));
    EXPECT_THAT(error.message(), HasSubstr("lost"));
}

TEST_F(IntakeTest, unknown_events_are_skipped_if_they_may_be_and_refused_with_their_place_if_not) {
    take_all({wire_.event(static_cast<EventType>(99), "?", kIgnorableFlag)});
    const Error error = error_of({wire_.event(static_cast<EventType>(99), "?")});
    EXPECT_TRUE(error.is(errors::kProtocolViolation));
    EXPECT_THAT(error.message(), HasSubstr("bin.000001:28: unknown event type 99"));
}

TEST_F(IntakeTest, a_row_above_the_bound_stops_by_table_and_size) {
    options_.row_bytes_max = 100;
    const auto large = [this](const char* table) {
        return std::vector<FileEvent>{wire_.gtid(5),
                                      wire_.query("BEGIN"),
                                      wire_.table_map(1, "shop", table),
                                      wire_.write_rows(1, {{1, std::string(120, 'x')}}),
                                      wire_.xid()};
    };
    const Error error = error_of(large("t"));
    EXPECT_TRUE(error.is(errors::kRowTooLarge));
    EXPECT_THAT(error.message(), HasSubstr("a row of shop.t has 126 bytes"));
    options_.filter.exclude = {R"(shop\.u)"};
    take_all(large("u"));
}

TEST_F(IntakeTest, an_event_too_large_to_hold_stops_or_counts_one) {
    options_.filter.exclude = {R"(shop\.u)"};
    auto intake = Intake::make(options_, sink_.now, nullptr, sink_).value();
    const auto give = [&](const FileEvent& event) {
        return intake->on_event(view(event, "bin.000001"), 0, sink_);
    };
    ASSERT_TRUE(give(wire_.gtid(5)));
    ASSERT_TRUE(give(wire_.query("BEGIN")));
    ASSERT_TRUE(give(wire_.table_map(1, "shop", "t")));
    ASSERT_TRUE(give(wire_.table_map(2, "shop", "u")));
    const FileEvent other = wire_.write_rows(2, {{1, "a"}});
    ASSERT_TRUE(intake->on_oversized(view(other, "bin.000001"), 1U << 30U, 0, sink_));
    ASSERT_TRUE(give(wire_.write_rows(1, {{1, "a"}})));
    EXPECT_EQ(sink_.entries.back().ordinal, 1U);
    const FileEvent ours = wire_.write_rows(1, {{1, "a"}});
    const auto refused = intake->on_oversized(view(ours, "bin.000001"), 1U << 30U, 0, sink_);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("shop.t has about 1073741824 bytes"));
}

TEST_F(IntakeTest,
       rows_before_their_table_outside_a_transaction_or_with_other_columns_are_refused) {
    EXPECT_TRUE(error_of({wire_.gtid(5), wire_.query("BEGIN"), wire_.write_rows(9, {{1, "a"}})})
                    .is(errors::kProtocolViolation));
    EXPECT_TRUE(error_of({wire_.table_map(1, "shop", "t"), wire_.write_rows(1, {{1, "a"}})})
                    .is(errors::kProtocolViolation));
    FileEvent rows = wire_.write_rows(1, {{1, "a"}});
    rows.bytes[kEventHeaderBytes + 10] = 3;
    EXPECT_TRUE(
        error_of({wire_.gtid(5), wire_.query("BEGIN"), wire_.table_map(1, "shop", "t"), rows})
            .is(errors::kProtocolViolation));
    EXPECT_TRUE(error_of({wire_.xid()}).is(errors::kProtocolViolation));
    EXPECT_TRUE(error_of({wire_.gtid(5), wire_.gtid(6)}).is(errors::kProtocolViolation));
    EXPECT_TRUE(error_of({wire_.gtid(5), wire_.query("BEGIN"), wire_.query("BEGIN")})
                    .is(errors::kProtocolViolation));
}

TEST_F(IntakeTest, a_heartbeat_moves_the_place_only_where_places_are_positions) {
    sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, false));
    options_.position_interval_us = 0;
    FileEvent beat = wire_.event(EventType::heartbeat, "bin.000001");
    beat.next = 5000;
    take_all({beat});
    EXPECT_EQ(resume().next, (Place{"bin.000001", 5000}));
    EXPECT_THAT(lines(), testing::ElementsAre("- bin.000001:5000 position"));
    take_all({beat});
    EXPECT_EQ(sink_.entries.size(), 1U);
}

TEST_F(IntakeTest, rotate_moves_the_place_and_a_made_up_one_does_not) {
    sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, false));
    const std::string body = std::string("\4\0\0\0\0\0\0\0", 8) + "bin.000002";
    take_all({wire_.event(EventType::rotate, body, kArtificialFlag)});
    EXPECT_EQ(resume().next, (Place{"bin.000001", 4}));
    take_all({wire_.event(EventType::rotate, body)});
    EXPECT_EQ(resume().next, (Place{"bin.000002", 4}));
}

TEST_F(IntakeTest, positions_of_another_server_or_none_are_refused) {
    const auto make = [this](const StartPoint& start) {
        return Intake::make(options_, start, nullptr, sink_);
    };
    EXPECT_FALSE(make({}));
    EXPECT_FALSE(make({encode_resume(test::beginning(ServerKind::mariadb, true)), {}}));
    EXPECT_FALSE(make({sink_.now.resume, {"junk"}}));
    EXPECT_TRUE(make(sink_.now));
    options_.filter.include = {"("};
    EXPECT_FALSE(make(sink_.now));
}

}  // namespace
}  // namespace tributary::mysql
