// Text of mariadb-binlog 3.5 and mysqlbinlog 9.7 as they print it, shortened.
#include "tests/torture/binlog_truth.h"

#include <gtest/gtest.h>

#include "tests/servers/failure.h"

namespace tributary::torture {
namespace {

std::vector<TrueTransaction> parse(const std::vector<std::string>& lines) {
    BinlogTruthParser parser("torture");
    for (const std::string& line : lines) {
        parser.add(line);
    }
    return parser.take();
}

constexpr const char* kMariadbGtid =
    "#261126  4:00:00 server id 3000  end_log_pos 384 CRC32 0x2f0a5b1c \tGTID 0-3000-7 trans";

TEST(BinlogTruth, reads_a_transaction_of_mariadb) {
    const auto truth = parse({kMariadbGtid,
                              "START TRANSACTION",
                              "### INSERT INTO `torture`.`t0`",
                              "### SET",
                              "###   @1=5",
                              "###   @2=100",
                              "###   @3='i'",
                              "### UPDATE `torture`.`t0`",
                              "### WHERE",
                              "###   @1=5",
                              "###   @2=100",
                              "### SET",
                              "###   @1=6",
                              "###   @2=101",
                              "# at 900",
                              "### DELETE FROM `torture`.`bag`",
                              "### WHERE",
                              "###   @1=9",
                              "###   @2=102",
                              "COMMIT/*!*/;"});
    ASSERT_EQ(truth.size(), 1U);
    EXPECT_EQ(truth[0].name, "0-3000-7");
    ASSERT_EQ(truth[0].changes.size(), 3U);
    EXPECT_EQ(truth[0].changes[0].table, "torture.t0");
    EXPECT_EQ(truth[0].changes[0].op, 'c');
    EXPECT_EQ(truth[0].changes[0].id, 5);
    EXPECT_EQ(truth[0].changes[0].n, 100);
    EXPECT_EQ(truth[0].changes[1].old_id, 5);
    EXPECT_EQ(truth[0].changes[1].id, 6);
    EXPECT_EQ(truth[0].changes[1].n, 101);
    EXPECT_EQ(truth[0].changes[2].op, 'd');
    EXPECT_EQ(truth[0].changes[2].id, 9);
    EXPECT_EQ(truth[0].changes[2].n, -1);
}

TEST(BinlogTruth, an_alter_is_a_transaction_of_its_own) {
    const auto truth = parse({kMariadbGtid, "ALTER TABLE t0 ADD COLUMN extra text", "/*!*/;"});
    ASSERT_EQ(truth.size(), 1U);
    EXPECT_EQ(truth[0].name, "0-3000-7");
    ASSERT_EQ(truth[0].changes.size(), 1U);
    EXPECT_EQ(truth[0].changes[0].table, kAlterations);
    EXPECT_EQ(truth[0].changes[0].op, 's');
}

TEST(BinlogTruth, reads_a_transaction_of_mysql_and_leaves_out_other_databases) {
    const auto truth =
        parse({"SET @@SESSION.GTID_NEXT= '3e11fa47-71ca-11e1-9e33-c80aa9429562:9'/*!*/;",
               "BEGIN",
               "### INSERT INTO `other`.`t0`",
               "### SET",
               "###   @1=1",
               "### INSERT INTO `torture`.`t1`",
               "### SET",
               "###   @1=2",
               "###   @2=3",
               "COMMIT/*!*/;",
               "SET @@SESSION.GTID_NEXT= 'AUTOMATIC' /* added by mysqlbinlog */ /*!*/;"});
    ASSERT_EQ(truth.size(), 1U);
    EXPECT_EQ(truth[0].name, "3e11fa47-71ca-11e1-9e33-c80aa9429562:9");
    ASSERT_EQ(truth[0].changes.size(), 1U);
    EXPECT_EQ(truth[0].changes[0].table, "torture.t1");
}

TEST(BinlogTruth, drops_a_transaction_that_a_crash_cut_off) {
    const auto truth =
        parse({kMariadbGtid,
               "### INSERT INTO `torture`.`t0`",
               "### SET",
               "###   @1=5",
               "###   @2=100",
               "#261126  4:00:09 server id 3000  end_log_pos 384 \tGTID 0-3000-8 trans",
               "### INSERT INTO `torture`.`t0`",
               "### SET",
               "###   @1=5",
               "###   @2=101",
               "COMMIT/*!*/;"});
    ASSERT_EQ(truth.size(), 1U);
    EXPECT_EQ(truth[0].name, "0-3000-8");
    EXPECT_EQ(truth[0].changes.size(), 1U);
}

TEST(BinlogTruth, gives_rows_of_xa_to_the_transaction_of_their_commit) {
    const auto row = [](const std::string& id) {
        return std::vector<std::string>{
            "### INSERT INTO `torture`.`t0`", "### SET", "###   @1=" + id, "###   @2=100"};
    };
    std::vector<std::string> lines{"SET @@SESSION.GTID_NEXT= 'u:1'/*!*/;", "XA START X'61',X'',1"};
    const auto add = [&lines](const std::vector<std::string>& more) {
        lines.insert(lines.end(), more.begin(), more.end());
    };
    add(row("1"));
    add({"XA END X'61',X'',1", "XA PREPARE X'61',X'',1", "SET @@SESSION.GTID_NEXT= 'u:2'/*!*/;"});
    add({"XA START X'62',X'',1"});
    add(row("2"));
    add({"XA END X'62',X'',1", "XA PREPARE X'62',X'',1"});
    add({"SET @@SESSION.GTID_NEXT= 'u:3'/*!*/;", "XA ROLLBACK X'61',X'',1"});
    add({"SET @@SESSION.GTID_NEXT= 'u:4'/*!*/;", "XA COMMIT X'62',X'',1"});
    const auto truth = parse(lines);
    ASSERT_EQ(truth.size(), 1U);
    EXPECT_EQ(truth[0].name, "u:4");
    ASSERT_EQ(truth[0].changes.size(), 1U);
    EXPECT_EQ(truth[0].changes[0].id, 2);
}

TEST(BinlogTruth, refuses_a_row_outside_a_transaction) {
    EXPECT_THROW(parse({"### INSERT INTO `torture`.`t0`"}), servers::ServerFailure);
}

}  // namespace
}  // namespace tributary::torture
