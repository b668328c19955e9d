// Exact continuation: whatever entry was the last that the log holds, a re-send goes on behind it.
// Over files captured from real servers, by GTID and by place, and with other filters than before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "connectors/mysql/binlog/fingerprint.h"
#include "connectors/mysql/intake/intake.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::FileEvent;
using test::RecordingSink;

struct Capture {
    const char* file;
    ServerKind server;
    bool by_gtid;
};

const std::string kFolder = TRIBUTARY_GOLDEN_DIR "/";

class ResumeTest : public testing::TestWithParam<Capture> {
  protected:
    RecordingSink whole(const IntakeOptions& options) const {
        RecordingSink sink;
        sink.now.resume = encode_resume(test::beginning(GetParam().server, GetParam().by_gtid));
        const auto done = test::take_in(options, events_, sink);
        EXPECT_TRUE(done.has_value()) << done.error().message();
        return sink;
    }

    std::vector<FileEvent> events_ = test::read_binlog(kFolder + GetParam().file);
    IntakeOptions options_{.server = GetParam().server};
};

TEST_P(ResumeTest, after_any_entry_goes_on_exactly_behind_it) {
    const RecordingSink all = whole(options_);
    ASSERT_GT(all.told().size(), 20U);
    for (const auto& crash : all.crashes()) {
        RecordingSink again = all.restarted(crash);
        const auto done = test::take_in(options_, test::sent_after(events_, crash.start), again);
        ASSERT_TRUE(done.has_value()) << crash.entries << ": " << done.error().message();
        ASSERT_EQ(test::difference(again, all), "") << "after entry " << crash.entries;
        EXPECT_EQ(again.side, all.side) << "after entry " << crash.entries;
        EXPECT_EQ(again.now.resume, all.now.resume);
    }
}

TEST_P(ResumeTest, goes_on_exactly_when_the_last_transaction_comes_again_to_be_compared) {
    const RecordingSink all = whole(options_);
    options_.last_comes_again = true;
    std::size_t compared = 0;
    for (const auto& crash : all.crashes()) {
        const auto resume = decode_resume(crash.start.resume);
        const auto earlier = resume ? before_last(*resume) : std::nullopt;
        if (!earlier) {
            continue;
        }
        ++compared;
        RecordingSink again = all.restarted(crash);
        const auto sent = test::sent_after(events_, {encode_resume(*earlier), crash.start.done});
        ASSERT_GT(sent.size(), test::sent_after(events_, crash.start).size());
        const auto done = test::take_in(options_, sent, again);
        ASSERT_TRUE(done.has_value()) << crash.entries << ": " << done.error().message();
        ASSERT_EQ(test::difference(again, all), "") << "after entry " << crash.entries;
        EXPECT_EQ(again.side, all.side) << "after entry " << crash.entries;
        EXPECT_EQ(again.now.resume, all.now.resume);
    }
    EXPECT_GT(compared, 20U);
}

TEST_P(ResumeTest, a_last_transaction_that_differs_in_one_byte_is_refused) {
    const RecordingSink all = whole(options_);
    options_.last_comes_again = true;
    std::size_t refused = 0;
    for (const auto& crash : all.crashes()) {
        const auto resume = decode_resume(crash.start.resume);
        const auto earlier = resume ? before_last(*resume) : std::nullopt;
        if (!earlier) {
            continue;
        }
        auto sent = test::sent_after(events_, {encode_resume(*earlier), crash.start.done});
        const auto changed = std::find_if(sent.begin(), sent.end(), [](const FileEvent& event) {
            const auto type = parse_header(event.bytes).value().type;
            return type == EventType::query || type == EventType::xid || is_rows_event(type);
        });
        ASSERT_NE(changed, sent.end());
        changed->bytes.back() = static_cast<char>(changed->bytes.back() ^ 1);
        RecordingSink again = all.restarted(crash);
        const auto taken = test::take_in(options_, sent, again);
        ASSERT_FALSE(taken) << crash.entries;
        EXPECT_TRUE(taken.error().is(errors::kSourceDiverged)) << taken.error().message();
        ++refused;
    }
    EXPECT_GT(refused, 20U);
}

TEST_P(ResumeTest, of_another_server_only_the_time_of_the_commit_is_compared) {
    const RecordingSink all = whole(options_);
    options_.last_comes_again = true;
    options_.server_mark = 7;
    if (!GetParam().by_gtid) {
        return;  // places are of one server
    }
    const auto crash = all.crashes().back();
    const auto earlier = before_last(*decode_resume(crash.start.resume));
    ASSERT_TRUE(earlier);
    auto sent = test::sent_after(events_, {encode_resume(*earlier), crash.start.done});
    sent.back().bytes.back() = static_cast<char>(sent.back().bytes.back() ^ 1);
    RecordingSink again = all.restarted(crash);
    EXPECT_TRUE(test::take_in(options_, sent, again));
    // The event that names it says when: its header, and MySQL's own time.
    const auto named = std::find_if(sent.begin(), sent.end(), [](const FileEvent& event) {
        const auto type = parse_header(event.bytes).value().type;
        return type == EventType::gtid || type == EventType::mariadb_gtid ||
               type == EventType::gtid_tagged;
    });
    ASSERT_NE(named, sent.end());
    ResumePoint other = *decode_resume(crash.start.resume);
    other.last->commit_time_us += 1'000'000;
    again = all.restarted(crash);
    again.now.resume = encode_resume(other);
    const auto taken = test::take_in(options_, sent, again);
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().is(errors::kSourceDiverged)) << taken.error().message();
}

TEST_P(ResumeTest, identities_do_not_depend_on_filters) {
    const RecordingSink all = whole(options_);
    options_.filter.include = {R"(other\..*)"};
    const RecordingSink some = whole(options_);
    ASSERT_FALSE(some.told().empty());
    for (const auto& entry : some.told()) {
        if (entry.kind != EntryKind::change) {
            continue;
        }
        const auto told = all.told();
        EXPECT_TRUE(std::any_of(told.begin(), told.end(), [&entry](const auto& other) {
            return other.done == entry.done && other.ordinal == entry.ordinal;
        })) << describe(some, entry);
    }
}

TEST_P(ResumeTest, other_filters_after_a_restart_repeat_nothing_and_lose_nothing_selected_by_both) {
    const RecordingSink all = whole(options_);
    IntakeOptions narrow = options_;
    narrow.filter.exclude = {R"(other\..*)"};
    for (const auto& crash : all.crashes()) {
        RecordingSink again = all.restarted(crash);
        ASSERT_TRUE(test::take_in(narrow, test::sent_after(events_, crash.start), again));
        std::vector<std::string> identities;
        for (const auto& entry : again.told()) {
            identities.push_back(entry.done.bytes);
        }
        const std::set<std::string> once(identities.begin(), identities.end());
        EXPECT_EQ(once.size(), identities.size()) << "after entry " << crash.entries;
        for (const auto& entry : all.told()) {
            if (entry.kind == EntryKind::change &&
                all.schemas[entry.schema.value() - 1]->database == "shop") {
                EXPECT_TRUE(once.contains(entry.done.bytes)) << describe(all, entry);
            }
        }
    }
}

TEST_P(ResumeTest, another_transaction_where_a_half_one_should_go_on_is_refused) {
    const RecordingSink all = whole(options_);
    std::size_t refused = 0;
    for (const auto& crash : all.crashes()) {
        const auto done = decode_done(crash.start.done);
        if (!done || done->ordinal == kWholeTransaction) {
            continue;
        }
        // The server forgot that transaction.
        auto sent = test::sent_after(events_, crash.start);
        std::erase_if(sent, [&done](const FileEvent& event) {
            return event.offset == done->transaction.start.offset;
        });
        const auto gone = std::find_if(sent.begin(), sent.end(), [&done](const FileEvent& event) {
            return event.offset > done->transaction.start.offset;
        });
        auto next = std::find_if(gone, sent.end(), [](const FileEvent& event) {
            const auto type = parse_header(event.bytes).value().type;
            return type == EventType::gtid || type == EventType::mariadb_gtid ||
                   type == EventType::gtid_tagged;
        });
        sent.erase(gone, next);
        RecordingSink again = all.restarted(crash);
        const auto taken = test::take_in(options_, sent, again);
        if (!taken) {
            EXPECT_TRUE(taken.error().is(errors::kSourceDiverged)) << taken.error().message();
            ++refused;
        }
    }
    EXPECT_GT(refused, 3U);
}

// A server that forgot exactly that transaction ends the file there, and goes on in the next one.
TEST(ResumeByPlace, refuses_a_file_that_ends_where_the_last_transaction_began) {
    test::Wire wire;
    RecordingSink sink;
    sink.now.resume = encode_resume(test::beginning(ServerKind::mysql, false));
    ASSERT_TRUE(test::take_in({},
                              {wire.anonymous(),
                               wire.query("BEGIN"),
                               wire.table_map(1, "shop", "t"),
                               wire.write_rows(1, {{1, "a"}}),
                               wire.xid()},
                              sink));
    const FileEvent head = test::Wire().event(EventType::previous_gtids, "");
    const auto first_event_in = [&](std::string_view file) {
        const auto intake = Intake::make({.last_comes_again = true}, sink.now, nullptr, sink);
        return intake.value()->on_event(test::view(head, file), 1, sink);
    };
    EXPECT_TRUE(first_event_in("bin.000001"));  // repeated for the connection
    const auto taken = first_event_in("bin.000002");
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().is(errors::kSourceDiverged)) << taken.error().message();
}

// It gave the place of one that was half taken in to one that changes nothing selected.
TEST(ResumeByPlace, refuses_any_other_transaction_where_a_half_one_should_go_on) {
    test::Wire wire(1000);
    const FileEvent begins = wire.anonymous();
    const std::vector<FileEvent> half = {begins,
                                         wire.query("BEGIN"),
                                         wire.table_map(1, "shop", "t"),
                                         wire.write_rows(1, {{1, "a"}})};
    RecordingSink sink;
    sink.now.resume = encode_resume(test::beginning(ServerKind::mysql, false));
    ASSERT_TRUE(test::take_in({}, half, sink));
    const auto unselected_at = [&](std::uint64_t offset) {
        test::Wire other(offset);
        RecordingSink again = sink;
        return test::take_in({}, {other.anonymous(), other.query("CREATE USER u")}, again);
    };
    EXPECT_TRUE(test::take_in({}, half, sink));
    for (const std::uint64_t offset : {begins.offset, begins.next}) {
        const auto taken = unselected_at(offset);
        ASSERT_FALSE(taken) << offset;
        EXPECT_TRUE(taken.error().is(errors::kSourceDiverged)) << taken.error().message();
    }
    EXPECT_TRUE(unselected_at(500));  // before it, where nothing was taken in of
}

// A server that forgot its last transactions in two domains, and went on in the other one first: a
// position behind that would hide what is missing. Another server may have any order.
TEST(ResumeByGtid, refuses_what_its_own_server_has_before_the_last_transaction) {
    const auto change = [](test::Wire& wire, std::uint32_t domain, std::uint64_t number) {
        return std::vector<FileEvent>{wire.mariadb_gtid(number, 0, {}, domain),
                                      wire.table_map(1, "shop", "t"),
                                      wire.write_rows(1, {{1, "a"}}),
                                      wire.xid()};
    };
    test::Wire wire;
    RecordingSink sink;
    sink.now.resume = encode_resume(test::beginning(ServerKind::mariadb, true));
    const auto last = change(wire, 1, 3);
    ASSERT_TRUE(test::take_in({.server = ServerKind::mariadb}, last, sink));
    IntakeOptions options{.server = ServerKind::mariadb, .last_comes_again = true};
    RecordingSink same = sink;
    EXPECT_TRUE(test::take_in(options, last, same));
    const auto other = change(wire, 0, 9);
    same = sink;
    const auto taken = test::take_in(options, other, same);
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().is(errors::kSourceDiverged)) << taken.error().message();
    EXPECT_EQ(same.told().size(), sink.told().size());
    options.server_mark = 7;
    EXPECT_TRUE(test::take_in(options, other, same));
}

// Of the transaction that was half taken in, the server kept the beginning alone.
TEST(ResumeHalf, refuses_a_file_that_ends_inside_it_now_even_before_its_rows) {
    test::Wire wire;
    const FileEvent begins = wire.mariadb_gtid(5, 0);
    const FileEvent map = wire.table_map(1, "shop", "t");
    RecordingSink sink;
    sink.now.resume = encode_resume(test::beginning(ServerKind::mariadb, true));
    ASSERT_TRUE(test::take_in({.server = ServerKind::mariadb},
                              {begins, map, wire.write_rows(1, {{1, "a"}, {2, "b"}})},
                              sink));
    ASSERT_EQ(sink.entries.size(), 2U);
    std::string body("\4\0", 2);
    body.append(50, '\0').append("\1\2\3\4\x13\1", 6);  // by a server that has just started
    const FileEvent started = test::Wire().event(EventType::format_description, body);
    const auto taken = test::take_in({.server = ServerKind::mariadb}, {begins, map, started}, sink);
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().is(errors::kBinlogUndone)) << taken.error().message();
    // Of one that nothing was taken in of, that is no trouble.
    sink.now.done = {};
    EXPECT_TRUE(test::take_in({.server = ServerKind::mariadb}, {begins, map, started}, sink));
}

// Each table that a statement names is an entry of its own.
TEST(ResumeHalf, of_a_statement_goes_on_behind_the_tables_that_were_told) {
    const IntakeOptions options{.schema_changes = true};
    test::Wire wire;
    const std::vector<FileEvent> events{wire.gtid(5),
                                        wire.query("RENAME TABLE a TO b, c TO d, e TO f"),
                                        wire.gtid(6),
                                        wire.query("CREATE TABLE a (id int)"),
                                        wire.gtid(7),
                                        wire.query("TRUNCATE TABLE a")};
    RecordingSink all;
    all.now.resume = encode_resume(test::beginning(ServerKind::mysql, true));
    ASSERT_TRUE(test::take_in(options, events, all));
    ASSERT_EQ(all.told().size(), 8U);
    for (const auto& crash : all.crashes()) {
        RecordingSink again = all.restarted(crash);
        ASSERT_TRUE(test::take_in(options, test::sent_after(events, crash.start), again));
        EXPECT_EQ(test::difference(again, all), "") << "after entry " << crash.entries;
    }
}

// The server kept the beginning of the last transaction alone, and what it kept is the same.
TEST(ResumeLast, refuses_one_whose_file_ends_before_all_of_it_has_come_again) {
    for (const bool by_gtid : {true, false}) {
        test::Wire wire;
        const FileEvent begins = wire.mariadb_gtid(5, 0);
        const FileEvent map = wire.table_map(1, "shop", "t");
        const FileEvent rows = wire.write_rows(1, {{1, "a"}});
        const FileEvent ends = wire.xid();
        RecordingSink sink;
        sink.now.resume = encode_resume(test::beginning(ServerKind::mariadb, by_gtid));
        const IntakeOptions options{.server = ServerKind::mariadb};
        ASSERT_TRUE(test::take_in(options, {begins, map, rows, ends}, sink));
        IntakeOptions again = options;
        again.last_comes_again = true;
        EXPECT_TRUE(test::take_in(again, {begins, map, rows, ends}, sink));
        const auto intake = Intake::make(again, sink.now, nullptr, sink);
        ASSERT_TRUE(intake.value()->on_event(test::view(begins, "bin.000001"), 1, sink));
        ASSERT_TRUE(intake.value()->on_event(test::view(map, "bin.000001"), 1, sink));
        const FileEvent head = test::Wire().event(EventType::gtid_list, "");
        const auto taken = intake.value()->on_event(test::view(head, "bin.000002"), 1, sink);
        ASSERT_FALSE(taken) << by_gtid;
        EXPECT_TRUE(taken.error().is(errors::kSourceDiverged)) << taken.error().message();
    }
}

INSTANTIATE_TEST_SUITE_P(
    Captures,
    ResumeTest,
    testing::Values(Capture{"mysql-9.7.binlog", ServerKind::mysql, true},
                    Capture{"mysql-9.7.binlog", ServerKind::mysql, false},
                    Capture{"mariadb-10.11.binlog", ServerKind::mariadb, true},
                    Capture{"mariadb-10.11.binlog", ServerKind::mariadb, false}),
    [](const testing::TestParamInfo<Capture>& capture) {
        return std::string(capture.param.server == ServerKind::mysql ? "mysql" : "mariadb") +
               (capture.param.by_gtid ? "_by_gtid" : "_by_place");
    });

}  // namespace
}  // namespace tributary::mysql
