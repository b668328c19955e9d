// A chunk's rows while they wait, and the progress that is stored.
#include <gtest/gtest.h>

#include "core/snapshot/placement.h"
#include "core/snapshot/progress.h"
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

}  // namespace
}  // namespace tributary::core::snapshot
