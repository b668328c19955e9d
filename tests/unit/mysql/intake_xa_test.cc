// XA transactions: rows wait in the side keyspace for their outcome.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/mysql/intake/intake.h"
#include "connectors/mysql/intake/stream_watcher.h"
#include "connectors/mysql/intake/xa_rows.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::FileEvent;
using test::RecordingSink;
using test::Wire;
using testing::HasSubstr;

const std::string kStart = "XA START X'78',X'',1";
const std::string kEnd = "XA END X'78',X'',1";
const std::string kCommit = "XA COMMIT X'78',X'',1";
const std::string kRollback = "XA ROLLBACK X'78',X'',1";

class XaTest : public testing::Test {
  protected:
    XaTest() { sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, true)); }

    void take_all(const std::vector<FileEvent>& events) {
        const auto done = test::take_in(options_, events, sink_);
        ASSERT_TRUE(done.has_value()) << done.error().message();
    }
    Error error_of(const std::vector<FileEvent>& events) {
        const auto done = test::take_in(options_, events, sink_);
        EXPECT_FALSE(done.has_value());
        return done.has_value() ? Error() : done.error();
    }
    std::vector<FileEvent> prepare(std::size_t rows,
                                   bool one_phase = false,
                                   std::uint64_t gtid = 5) {
        std::vector<FileEvent> out{
            wire_.gtid(gtid), wire_.query(kStart), wire_.table_map(1, "shop", "t")};
        for (std::size_t row = 0; row < rows; ++row) {
            out.push_back(wire_.write_rows(1, {{static_cast<int>(row), "row"}}));
        }
        out.push_back(wire_.query(kEnd));
        out.push_back(wire_.xa_prepare(one_phase, "x"));
        return out;
    }
    std::vector<FileEvent> outcome(const std::string& text, std::uint64_t gtid = 6) {
        return {wire_.gtid(gtid), wire_.query(text)};
    }
    // Neither rows nor heads: what may be left is that x was committed.
    void expect_nothing_waits(const std::map<std::string, std::string>& side) {
        for (const auto& [key, value] : side) {
            EXPECT_EQ(key, "xc" + test::xid_bytes("x"));
        }
    }

    IntakeOptions options_;
    Wire wire_;
    RecordingSink sink_;
};

TEST_F(XaTest, prepared_rows_wait_and_come_at_the_place_of_their_commit) {
    take_all(prepare(2));
    EXPECT_TRUE(sink_.told().empty());
    EXPECT_EQ(sink_.side.size(), 3U);
    EXPECT_EQ(decode_resume(sink_.now.resume)->open_xa,
              std::vector<std::string>{test::xid_bytes("x")});
    take_all(outcome(kCommit));
    const auto told = sink_.told();
    ASSERT_EQ(told.size(), 3U);
    EXPECT_THAT(describe(sink_, told[1]),
                HasSubstr(":6 bin.000001:365 server 7 thread 77 xa X'78',X'',1 I shop.t/1 #1 "
                          "order 2,2"));
    EXPECT_THAT(describe(sink_, told[2]), HasSubstr("events 2 shop.t=2"));
    expect_nothing_waits(sink_.side);
    EXPECT_TRUE(decode_resume(sink_.now.resume)->open_xa.empty());
    EXPECT_EQ(decode_resume(sink_.now.resume)->executed.to_string(),
              "11111111-1111-1111-1111-111111111111:5-6");
}

TEST_F(XaTest, a_rollback_takes_them_away) {
    take_all(prepare(700));
    EXPECT_EQ(sink_.side.size(), 701U);
    take_all(outcome(kRollback));
    EXPECT_TRUE(sink_.told().empty());
    EXPECT_TRUE(sink_.side.empty());
    EXPECT_TRUE(sink_.crashes().back().side.empty());
}

TEST_F(XaTest, one_phase_commits_where_it_is_prepared) {
    take_all(prepare(3, true));
    EXPECT_EQ(sink_.told().size(), 4U);
    EXPECT_TRUE(sink_.side.empty());
    EXPECT_EQ(decode_resume(sink_.now.resume)->executed.to_string(),
              "11111111-1111-1111-1111-111111111111:5");
}

// Where a gap was accepted and a snapshot makes it good, the same identifier may have been used for
// another transaction in the gap.
TEST_F(XaTest, of_before_a_gap_is_nothing_left_that_could_be_taken_for_another) {
    take_all(prepare(700));
    ASSERT_EQ(sink_.side.size(), 701U);
    for (const bool fresh : {false, true}) {
        RecordingSink sink = sink_;
        IntakeOptions options = options_;
        options.fresh = fresh;
        StartPoint start = sink.now;
        if (fresh) {
            start.resume = encode_resume(test::beginning(ServerKind::mysql, true));
        }
        const auto intake = std::move(Intake::make(options, start, nullptr, sink).value());
        ASSERT_TRUE(intake->begin(1, sink));
        EXPECT_EQ(sink.side.empty(), fresh);
        Wire wire = wire_;
        Result<void> taken = success();
        for (const FileEvent& event : {wire.gtid(6), wire.query(kCommit)}) {
            taken = intake->on_event(test::view(event, "bin.000001"), 1, sink);
        }
        ASSERT_EQ(taken.has_value(), !fresh);
        EXPECT_TRUE(!fresh || taken.error().is(errors::kXaRows)) << taken.error().message();
    }
}

// Told of the rows of tables that it withholds.
class Withholding final : public StreamWatcher {
  public:
    explicit Withholding(std::string table) : table_(std::move(table)) {}
    bool wants(const std::optional<MysqlGtid>&, const Place&) const override { return true; }
    bool withholds(std::string_view table) const override { return table == table_; }
    void on_row(SchemaId, const TableSchema& schema, std::string_view) override {
        told.push_back(schema.database + "." + schema.table);
    }
    void on_truncate(std::string_view, std::string_view) override {}
    void on_ddl(std::string_view, std::string_view) override {}

    std::vector<std::string> told;

  private:
    std::string table_;
};

TEST_F(XaTest, rows_that_an_earlier_connection_prepared_are_withheld_by_their_table) {
    take_all(prepare(2));
    const auto committed = [&](Withholding& watcher) {
        RecordingSink sink = sink_;
        const auto intake = std::move(Intake::make(options_, sink.now, nullptr, sink).value());
        intake->watch(&watcher);
        Wire wire = wire_;
        for (const FileEvent& event : {wire.gtid(6), wire.query(kCommit)}) {
            EXPECT_TRUE(intake->on_event(test::view(event, "bin.000001"), 1, sink));
        }
        expect_nothing_waits(sink.side);
        return sink.told().size();
    };
    using Names = std::vector<std::string>;
    Withholding of_it("shop.t");
    EXPECT_LE(committed(of_it), 1U);  // at most the end
    EXPECT_EQ(of_it.told, (Names{"shop.t", "shop.t"}));
    Withholding of_another("shop.u");
    EXPECT_EQ(committed(of_another), 3U);
    EXPECT_EQ(of_another.told, (Names{"shop.t", "shop.t"}));
}

TEST_F(XaTest, after_any_entry_of_a_large_one_goes_on_exactly_behind_it) {
    for (const bool one_phase : {false, true}) {
        sink_ = RecordingSink();
        sink_.now.resume = encode_resume(test::beginning(ServerKind::mysql, true));
        wire_ = Wire();
        auto events = prepare(150, one_phase);
        if (!one_phase) {
            for (const auto& event : outcome(kCommit)) {
                events.push_back(event);
            }
        }
        take_all(events);
        ASSERT_EQ(sink_.told().size(), 151U);
        for (const auto& crash : sink_.crashes()) {
            RecordingSink again = sink_.restarted(crash);
            ASSERT_TRUE(test::take_in(options_, test::sent_after(events, crash.start), again));
            ASSERT_EQ(test::difference(again, sink_), "") << "after entry " << crash.entries;
            expect_nothing_waits(again.side);
        }
    }
}

TEST_F(XaTest, rows_go_to_the_log_while_they_come_not_all_at_the_end) {
    const std::string large(250, 'x');
    std::vector<FileEvent> events{
        wire_.gtid(5), wire_.query(kStart), wire_.table_map(1, "shop", "t")};
    for (int row = 0; row < 3000; ++row) {
        events.push_back(wire_.write_rows(1, {{row, large.substr(0, 150)}}));
    }
    take_all(events);
    EXPECT_GE(sink_.entries.size(), 1U);
    EXPECT_TRUE(sink_.told().empty());
    EXPECT_TRUE(decode_resume(sink_.now.resume)->executed.empty());
}

TEST_F(XaTest, what_an_unfinished_attempt_left_is_not_copied) {
    auto events = prepare(5);
    events.resize(events.size() - 2);
    take_all(events);
    sink_.side = {{xa_row_key(test::xid_bytes("x"), 99), "stale"}};
    wire_ = Wire();
    take_all(prepare(2));
    take_all(outcome(kCommit));
    EXPECT_EQ(sink_.told().size(), 3U);
    expect_nothing_waits(sink_.side);
}

TEST_F(XaTest, one_without_selected_rows_commits_in_silence) {
    options_.filter.include = {"none"};
    take_all(prepare(2));
    EXPECT_EQ(sink_.side.size(), 1U);
    take_all(outcome(kCommit));
    EXPECT_TRUE(sink_.told().empty());
    expect_nothing_waits(sink_.side);
    expect_nothing_waits(sink_.crashes().back().side);
}

TEST_F(XaTest, others_go_on_between_prepare_and_commit) {
    take_all(prepare(2));
    take_all({wire_.gtid(7),
              wire_.query("BEGIN"),
              wire_.table_map(1, "shop", "t"),
              wire_.write_rows(1, {{9, "other"}}),
              wire_.xid()});
    EXPECT_EQ(sink_.told().size(), 2U);
    take_all(outcome(kCommit));
    EXPECT_EQ(sink_.told().size(), 5U);
}

TEST_F(XaTest, a_commit_of_rows_that_were_never_seen_stops_and_a_rollback_of_them_does_not) {
    EXPECT_TRUE(error_of(outcome(kCommit)).is(errors::kXaRows));
    take_all(outcome(kRollback));
}

// The server died between its binlog and its engine: the transaction is prepared again.
TEST_F(XaTest, a_second_commit_after_the_servers_crash_says_nothing_new) {
    take_all(prepare(2));
    take_all(outcome(kCommit));
    const std::size_t told = sink_.told().size();
    for (const auto& event : {outcome(kCommit, 7), outcome(kCommit, 8)}) {
        take_all(event);
    }
    EXPECT_EQ(sink_.told().size(), told);
    EXPECT_EQ(decode_resume(sink_.now.resume)->executed.to_string(),
              "11111111-1111-1111-1111-111111111111:5-8");
    RecordingSink again = sink_.restarted(sink_.crashes().back());
    EXPECT_TRUE(test::take_in(options_, outcome(kCommit, 9), again));
}

TEST_F(XaTest, an_identifier_that_is_used_again_is_a_new_transaction) {
    take_all(prepare(2));
    take_all(outcome(kCommit));
    const std::size_t told = sink_.told().size();
    take_all(prepare(2, false, 7));
    take_all(outcome(kCommit, 8));
    EXPECT_EQ(sink_.told().size(), 2 * told);
    take_all(prepare(2, false, 9));
    take_all(outcome(kRollback, 10));
    EXPECT_TRUE(error_of(outcome(kCommit, 11)).is(errors::kXaRows));
}

TEST_F(XaTest, the_last_64_commits_are_kept) {
    const auto xid = [](int number) { return test::xid_bytes(std::to_string(1000 + number)); };
    const auto kept = CommittedXa::kKept;
    CommittedXa commits = CommittedXa::load(sink_).value();
    for (int number = 0; number <= static_cast<int>(kept); ++number) {
        commits.add(xid(number), sink_);
    }
    EXPECT_FALSE(commits.contains(xid(0)));
    EXPECT_TRUE(commits.contains(xid(1)));
    EXPECT_TRUE(commits.contains(xid(static_cast<int>(kept))));
}

TEST_F(XaTest, a_log_without_the_rows_that_its_position_counts_on_is_refused) {
    take_all(prepare(2));
    sink_.side.clear();
    EXPECT_TRUE(error_of(outcome(kCommit)).is(errors::kXaRows));
}

TEST_F(XaTest, more_bytes_than_allowed_stop_by_name) {
    options_.xa_bytes_max = 500;
    const Error error = error_of(prepare(50));
    EXPECT_TRUE(error.is(errors::kXaRows));
    EXPECT_THAT(error.message(), HasSubstr("X'78'"));
}

TEST_F(XaTest, mariadb_tells_by_flags_of_its_gtid) {
    options_.server = ServerKind::mariadb;
    sink_.now = {encode_resume(test::beginning(ServerKind::mariadb, true)), {}};
    take_all({wire_.mariadb_gtid(5, kMariadbPreparedXa, test::xid_bytes("x")),
              wire_.table_map(1, "shop", "t"),
              wire_.write_rows(1, {{1, "a"}}),
              wire_.query(kEnd),
              wire_.xa_prepare(false, "x")});
    EXPECT_TRUE(sink_.told().empty());
    take_all({wire_.mariadb_gtid(6, kMariadbCompletedXa | kMariadbStandalone, test::xid_bytes("x")),
              wire_.query(kCommit)});
    EXPECT_EQ(sink_.told().size(), 2U);
    EXPECT_EQ(decode_resume(sink_.now.resume)->gtids(), "0-7-6");
}

}  // namespace
}  // namespace tributary::mysql
