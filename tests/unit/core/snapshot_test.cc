// A chunk's rows while they wait, and the progress that is stored.
#include <gtest/gtest.h>

#include <optional>

#include "core/snapshot/pace.h"
#include "core/snapshot/placement.h"
#include "core/snapshot/progress.h"
#include "core/snapshot/view_changes.h"
#include "model/errors.h"

namespace tributary::core::snapshot {
namespace {

// Rows are "key=value".
Placement chunk(const std::vector<std::string>& rows) {
    Placement out(
        [](std::string_view row, std::string& key) { key = row.substr(0, row.find('=')); });
    for (const std::string& row : rows) {
        out.add(row);
    }
    return out;
}

std::vector<std::string> appended(Placement& placement) {
    std::vector<std::string> out;
    while (!placement.at_end()) {
        if (const auto row = placement.peek(); !row.current.empty()) {
            out.emplace_back(row.current);
        }
        placement.pop();
    }
    return out;
}

using Rows = std::vector<std::string>;

TEST(Placement, gives_rows_in_order_without_those_that_the_stream_spoke_for) {
    Placement placement = chunk({"a=1", "b=2", "c=3"});
    EXPECT_EQ(placement.left(), 3U);
    placement.drop("b");
    placement.drop("z");
    EXPECT_EQ(placement.left(), 2U);
    EXPECT_EQ(placement.dropped(), 1U);
    EXPECT_EQ(appended(placement), (Rows{"a=1", "c=3"}));
}

TEST(Placement, goes_on_with_what_an_event_left_out_also_under_another_key) {
    Placement placement = chunk({"a=1", "b=2"});
    placement.replace("a", "x", "x=1'");
    EXPECT_EQ(placement.find("a"), "");
    EXPECT_EQ(placement.find("x"), "x=1'");
    EXPECT_EQ(placement.peek().read, "a=1");
    EXPECT_EQ(appended(placement), (Rows{"x=1'", "b=2"}));
    Placement dropped = chunk({"a=1", "b=2"});
    dropped.replace("a", "x", "x=1'");
    dropped.drop("x");
    EXPECT_EQ(appended(dropped), Rows{"b=2"});
}

TEST(Placement, leaves_alone_what_was_appended_already) {
    Placement placement = chunk({"a=1", "b=2"});
    placement.pop();
    placement.drop("a");
    EXPECT_EQ(placement.dropped(), 0U);
    placement.drop_all();
    EXPECT_EQ(placement.dropped(), 1U);
    EXPECT_EQ(placement.left(), 0U);
    EXPECT_EQ(appended(placement), Rows{});
}

TEST(Placement, takes_one_of_two_equal_rows_for_one_event) {
    Placement placement = chunk({"a", "a", "a"});
    placement.drop("a");
    EXPECT_EQ(placement.left(), 2U);
}

TEST(Progress, reads_back_and_refuses_everything_else) {
    const snapshot::Run run{RunState::done, 1'000'000, 7};
    EXPECT_EQ(parse_run(encode(run)).value(), run);
    const TableProgress table{true, 9, {"a", "b"}, {"", std::string("\0x", 2)}};
    EXPECT_EQ(parse_table(encode(table)).value(), table);
    EXPECT_EQ(parse_table(encode(TableProgress{})).value(), TableProgress{});
    TableProgress asked = table;
    asked.ad_hoc = true;
    asked.where = "id > 5 -- all";
    EXPECT_EQ(parse_table(encode(asked)).value(), asked);
    for (std::size_t size = 0; size < encode(asked).size(); ++size) {
        EXPECT_FALSE(parse_table(encode(asked).substr(0, size))) << size;
    }
    EXPECT_FALSE(parse_table("\3" + encode(asked).substr(1)));
    for (std::size_t size = 0; size < encode(run).size(); ++size) {
        EXPECT_FALSE(parse_run(encode(run).substr(0, size))) << size;
    }
    for (std::size_t size = 0; size < encode(table).size(); ++size) {
        EXPECT_FALSE(parse_table(encode(table).substr(0, size))) << size;
    }
    EXPECT_FALSE(parse_run("\2" + encode(run).substr(1)));
    EXPECT_FALSE(parse_table("\2" + encode(table).substr(1)));
    EXPECT_FALSE(parse_table(encode(TableProgress{false, 1, {"a", "b"}, {"only one"}})));
}

using std::chrono::milliseconds;
using std::chrono::seconds;

// Delivery by transactions of at most 10,000 rows, each of which takes its rows / capacity and 30
// ms; and a snapshot that takes what it may, a chunk at a time.
struct Line {
    snapshot::Pace pace{seconds(1)};
    SteadyTime now{};
    std::uint64_t appended = 0;
    std::uint64_t delivered = 0;
    std::uint64_t waiting_most = 0;
    std::optional<SteadyTime> commit_at{};
    std::uint64_t commit_to = 0;

    void run(seconds time, std::uint64_t capacity, bool works = true) {
        waiting_most = 0;
        for (int step = 0; step < time / milliseconds(5); ++step) {
            now += milliseconds(5);
            if (commit_at && now >= *commit_at && works) {
                delivered = commit_to;
                commit_at.reset();
            }
            if (!commit_at && appended > delivered && works) {
                const std::uint64_t rows = std::min<std::uint64_t>(10'000, appended - delivered);
                commit_at = now + milliseconds(30 + rows * 1000 / capacity);
                commit_to = delivered + rows;
            }
            appended += std::min<std::uint64_t>(
                pace.step(now, Sequence(appended), Sequence(delivered), works), 25'000);
            waiting_most = std::max(waiting_most, appended - delivered);
        }
    }
};

TEST(ViewChanges, leave_out_one_row_of_the_view_for_each_that_went) {
    ViewChanges changes;
    changes.drop("x");
    EXPECT_FALSE(changes.settled());
    EXPECT_FALSE(changes.leaves_out("y"));
    EXPECT_TRUE(changes.leaves_out("x"));
    EXPECT_FALSE(changes.leaves_out("x")) << "the next of the same name stays";
    EXPECT_TRUE(changes.settled());
}

TEST(ViewChanges, let_a_row_that_came_go_again_without_one_of_the_view) {
    ViewChanges changes;
    changes.add("x", "x=1");
    changes.drop("x");
    EXPECT_TRUE(changes.added().empty());
    EXPECT_TRUE(changes.settled());
    changes.add("x", "x=1");
    EXPECT_EQ(changes.added().size(), 1U);
    changes.drop("x");
    changes.drop("x");
    EXPECT_TRUE(changes.leaves_out("x"));
}

TEST(ViewChanges, have_nothing_of_the_view_after_a_truncate_and_all_that_came_since) {
    ViewChanges changes;
    changes.add("x", "x=1");
    changes.drop_all();
    changes.add("y", "y=1");
    EXPECT_TRUE(changes.leaves_out("x"));
    EXPECT_TRUE(changes.leaves_out("y"));
    EXPECT_EQ(changes.added().count("y"), 1U);
    EXPECT_EQ(changes.added().size(), 1U);
    changes.drop("z");
    EXPECT_TRUE(changes.settled());
}

TEST(Pace, keeps_about_the_delay_of_rows_under_way_and_kafka_busy) {
    for (const std::uint64_t capacity : {500U, 5'000U, 20'000U, 100'000U}) {
        Line line;
        line.run(seconds(20), capacity);
        EXPECT_GE(line.delivered, 14 * capacity) << capacity;
        line.run(seconds(10), capacity);
        EXPECT_LE(line.waiting_most, 3 * capacity / 2 + 100) << capacity;
    }
}

TEST(Pace, follows_an_uplink_that_becomes_slower_and_faster) {
    Line line;
    line.run(seconds(10), 100'000);
    line.run(seconds(70), 2'000);  // what was under way comes first
    line.run(seconds(10), 2'000);
    EXPECT_LE(line.waiting_most, 3'000U);
    const std::uint64_t before = line.delivered;
    line.run(seconds(20), 100'000);
    EXPECT_GE(line.delivered - before, 700'000U);
}

TEST(Pace, has_no_bound_while_kafka_is_away_and_has_one_again_afterwards) {
    Line line;
    line.run(seconds(10), 10'000);
    line.run(seconds(1), 10'000, false);
    EXPECT_GT(line.waiting_most, 1'000'000U);
    EXPECT_EQ(line.pace.step(line.now, Sequence(line.appended), Sequence(line.delivered), true),
              0U);
}

TEST(Pace, has_no_bound_while_a_cut_link_is_silent) {
    Line line;
    line.run(seconds(10), 10'000);
    const auto step = [&line](seconds later) {
        return line.pace.step(
            line.now + later, Sequence(line.delivered + 100'000), Sequence(line.delivered), true);
    };
    EXPECT_EQ(step(seconds(0)), 0U);
    EXPECT_EQ(step(seconds(9)), 0U);
    EXPECT_EQ(step(seconds(11)), snapshot::Pace::kUnbounded);
    line.delivered += 1;
    EXPECT_EQ(step(seconds(12)), 0U);
}

TEST(Pace, is_off_with_a_delay_of_none) {
    snapshot::Pace pace(milliseconds(0));
    EXPECT_EQ(pace.step(SteadyTime{}, Sequence(1'000'000'000), Sequence(0), true),
              snapshot::Pace::kUnbounded);
}

}  // namespace
}  // namespace tributary::core::snapshot
