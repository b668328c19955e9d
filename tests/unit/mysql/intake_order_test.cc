// Events in an order that no sound server sends are refused, and those that only look so are not.
#include <gtest/gtest.h>

#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/intake/intake.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::FileEvent;
using test::RecordingSink;
using test::Wire;

const std::string kXaStart = "XA START X'78',X'',1";
const std::string kXaCommit = "XA COMMIT X'78',X'',1";

class OrderTest : public testing::Test {
  protected:
    OrderTest() { begin(true); }

    void begin(bool by_gtid) {
        sink_ = RecordingSink();
        sink_.now.resume = encode_resume(test::beginning(options_.server, by_gtid));
    }
    std::unique_ptr<Intake> intake() {
        return Intake::make(options_, sink_.now, nullptr, sink_).value();
    }
    Result<void> take(const std::vector<FileEvent>& events) {
        return test::take_in(options_, events, sink_);
    }
    void take_all(const std::vector<FileEvent>& events) {
        const auto done = take(events);
        ASSERT_TRUE(done) << done.error().message();
    }
    void expect_refused(const std::vector<FileEvent>& events, const ErrorKind& kind) {
        const RecordingSink before = sink_;
        const auto done = take(events);
        ASSERT_FALSE(done);
        EXPECT_TRUE(done.error().is(kind)) << done.error().message();
        sink_ = before;
    }
    // Its beginning and one row.
    std::vector<FileEvent> half(FileEvent first) {
        return {std::move(first),
                wire_.query("BEGIN"),
                wire_.table_map(1, "shop", "t"),
                wire_.write_rows(1, {{1, "a"}})};
    }
    static std::vector<FileEvent> ended(std::vector<FileEvent> events, FileEvent end) {
        events.push_back(std::move(end));
        return events;
    }
    std::vector<FileEvent> xa_rows(std::uint64_t gtid) {
        return {wire_.gtid(gtid),
                wire_.query(kXaStart),
                wire_.table_map(1, "shop", "t"),
                wire_.write_rows(1, {{1, "a"}, {2, "b"}})};
    }
    // The first event of a file, as a server writes it that was just started.
    static FileEvent head_of_file() {
        std::string body("\4\0", 2);
        body.append(50, '\0').append("\1\2\3\4\x13\1", 6);
        return Wire().event(EventType::format_description, body);
    }

    IntakeOptions options_;
    Wire wire_;
    RecordingSink sink_;
};

TEST_F(OrderTest, a_gtid_of_mariadb_is_behind_the_last_of_its_domain) {
    options_.server = ServerKind::mariadb;
    begin(true);
    take_all({wire_.mariadb_gtid(5, kMariadbStandalone), wire_.query("CREATE USER u")});
    for (const std::uint64_t number : {4U, 5U}) {
        expect_refused({wire_.mariadb_gtid(number, 0)}, errors::kSourceDiverged);
    }
    take_all({wire_.mariadb_gtid(4, 0, {}, 3), wire_.xid(), wire_.mariadb_gtid(6, 0)});
}

TEST_F(OrderTest, an_xa_transaction_ends_as_it_began_and_stands_alone) {
    expect_refused(ended(xa_rows(5), wire_.xid()), errors::kProtocolViolation);
    expect_refused(ended(xa_rows(5), wire_.xa_prepare(false, "y")), errors::kProtocolViolation);
    take_all(ended(xa_rows(5), wire_.xa_prepare(false, "x")));
    expect_refused({wire_.gtid(6), wire_.query("BEGIN"), wire_.query(kXaCommit)},
                   errors::kProtocolViolation);
    take_all({wire_.gtid(6), wire_.query(kXaCommit)});
    EXPECT_EQ(sink_.told().size(), 3U);
}

TEST_F(OrderTest, rows_of_an_xa_transaction_count_against_the_bound_until_it_is_over) {
    const auto intake_fed_by = [this](std::uint64_t bytes_max) {
        options_.xa_bytes_max = bytes_max;
        begin(true);
        std::vector<FileEvent> events;
        const auto add = [&events](const std::vector<FileEvent>& more) {
            events.insert(events.end(), more.begin(), more.end());
        };
        for (std::uint64_t gtid = 5; gtid < 45; gtid += 5) {
            add(ended(xa_rows(gtid), wire_.query("ROLLBACK")));
            add(ended(xa_rows(gtid + 1), wire_.event(EventType::stop, "")));
            add(ended(xa_rows(gtid + 2), wire_.xa_prepare(false, "x")));
            add({wire_.gtid(gtid + 3), wire_.query(kXaCommit)});
            add(ended(half(wire_.gtid(gtid + 4)), wire_.xid()));
        }
        return take(events);
    };
    constexpr std::uint64_t kOfOne = 60;
    const auto done = intake_fed_by(kOfOne);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(sink_.told().size(), 8U * 5U);
    EXPECT_FALSE(intake_fed_by(kOfOne / 2));
}

TEST_F(OrderTest, rows_of_an_xa_transaction_name_the_file_that_has_them) {
    const auto prepared = ended(xa_rows(5), wire_.xa_prepare(false, "x"));
    const FileEvent gtid = wire_.gtid(6);
    const FileEvent commit = wire_.query(kXaCommit);
    for (const std::string file : {"bin.000001", "bin.000002"}) {
        begin(true);
        take_all(prepared);
        const auto next = intake();
        ASSERT_TRUE(next->on_event(test::view(gtid, file), 1, sink_));
        ASSERT_TRUE(next->on_event(test::view(commit, file), 1, sink_));
        const std::string context = sink_.told().front().context;
        EXPECT_EQ(parse_context(context).value().rows_file,
                  file == "bin.000001" ? "" : "bin.000001");
    }
}

TEST_F(OrderTest, a_half_transaction_goes_on_only_if_it_was_committed_at_the_same_time) {
    const auto events = half(wire_.gtid(5));
    take_all(events);
    auto other = events;
    other.front().bytes.front() = static_cast<char>(other.front().bytes.front() ^ 1);
    expect_refused(other, errors::kSourceDiverged);
    take_all(ended(events, wire_.xid()));
    EXPECT_EQ(sink_.told().size(), 2U);
}

// After a failover its place is another, and others may come before it.
TEST_F(OrderTest, by_gtid_a_half_transaction_is_not_missed_by_its_place) {
    take_all(half(wire_.gtid(5)));
    wire_ = Wire(5000);
    take_all({wire_.gtid(9), wire_.query("CREATE USER u")});
    take_all(ended(half(wire_.gtid(5)), wire_.xid()));
    EXPECT_EQ(sink_.told().size(), 2U);
}

TEST_F(OrderTest, by_place_a_half_transaction_is_not_looked_for_in_the_next_file) {
    begin(false);
    take_all(half(wire_.anonymous()));
    EXPECT_TRUE(intake()->on_event(test::view(head_of_file(), "bin.000001"), 1, sink_));
    const auto done = intake()->on_event(test::view(head_of_file(), "bin.000002"), 1, sink_);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errors::kSourceDiverged)) << done.error().message();
}

TEST_F(OrderTest, by_place_the_last_transaction_comes_before_what_is_behind_it) {
    begin(false);
    const FileEvent first = wire_.anonymous();
    const FileEvent second = wire_.query("CREATE USER u");
    take_all({first, second});
    options_.last_comes_again = true;
    take_all({first, second});
    expect_refused({second}, errors::kSourceDiverged);
}

TEST_F(OrderTest, a_heartbeat_inside_a_transaction_moves_no_place) {
    begin(false);
    const ResumePoint before = decode_resume(sink_.now.resume).value();
    take_all(ended(half(wire_.anonymous()), wire_.event(EventType::heartbeat, "bin.000001")));
    EXPECT_EQ(decode_resume(sink_.now.resume)->next, before.next);
}

// A server counts table ids from the start again when it was restarted.
TEST_F(OrderTest, a_table_id_is_of_the_table_that_was_described_last) {
    options_.filter.include = {R"(shop\..*)"};
    take_all(ended(half(wire_.gtid(5)), wire_.xid()));
    take_all({wire_.gtid(6),
              wire_.query("BEGIN"),
              wire_.table_map(1, "shop", "t"),
              wire_.table_map(1, "other", "hidden"),
              wire_.write_rows(1, {{2, "b"}}),
              wire_.xid()});
    EXPECT_EQ(sink_.told().size(), 2U);
}

TEST_F(OrderTest, rows_of_no_table_are_only_those_that_end_a_statement) {
    const auto rows_of = [this](std::uint64_t table_id) {
        std::string body;
        append_fixed(body, static_cast<std::uint32_t>(table_id));
        body.append(2, '\0').append("\1\0\2\0", 4);
        return wire_.event(EventType::write_rows, body);
    };
    take_all({wire_.gtid(5), wire_.query("BEGIN"), rows_of(0xFFFFFF), wire_.xid()});
    expect_refused({wire_.gtid(6), wire_.query("BEGIN"), rows_of(7), wire_.xid()},
                   errors::kProtocolViolation);
}

TEST_F(OrderTest, a_position_is_due_again_after_the_clock_was_set_back) {
    const auto fed = intake();
    const auto at = [&](std::uint64_t gtid, std::int64_t now_s) {
        for (const auto& event : {wire_.gtid(gtid), wire_.query("CREATE USER u")}) {
            ASSERT_TRUE(fed->on_event(test::view(event, "bin.000001"), now_s * 1'000'000, sink_));
        }
    };
    at(5, 1000);
    EXPECT_EQ(sink_.entries.size(), 1U);
    at(6, 100);
    EXPECT_EQ(sink_.entries.size(), 1U);
    at(7, 131);
    EXPECT_EQ(sink_.entries.size(), 2U);
}

}  // namespace
}  // namespace tributary::mysql
