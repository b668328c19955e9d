// Servers that are not what a snapshot began with: a replica that is followed in its primary's
// place, and one that no longer has what follows.
#include <gtest/gtest.h>

#include "tests/integration/agent/snapshot_mysql_rig.h"

namespace tributary::agent_testing {
namespace {

// A shop on the shared server, and a replica of it, which the agent follows.
class SnapshotOnAReplicaOf : public testing::TestWithParam<MysqldKind> {
  protected:
    SnapshotOnAReplicaOf()
        : primary_(server_of(GetParam())),
          replica_({.directory = fleet_folder() / (mysql() ? "replica-mysql" : "replica-mariadb"),
                    .kind = GetParam(),
                    .server_id = 1012,
                    .settings = {{"log-slave-updates", "ON"}}}) {
        const std::string executed =
            primary_.sql(mysql() ? "SELECT @@GLOBAL.gtid_executed" : "SELECT @@gtid_binlog_pos")
                .value();
        primary_.create_user("replica", kPassword, "REPLICATION SLAVE");
        const std::string where = "_HOST='127.0.0.1', %_PORT=" + std::to_string(primary_.port()) +
                                  ", %_USER='replica', %_PASSWORD='" + std::string(kPassword) + "'";
        replica_.sql(mysql()
                         ? "SET GLOBAL gtid_purged = '+" + executed +
                               "'; CHANGE REPLICATION SOURCE TO " + with("SOURCE", where) +
                               ", SOURCE_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1; START REPLICA"
                         : "SET GLOBAL gtid_slave_pos = '" + executed + "'; CHANGE MASTER TO " +
                               with("MASTER", where) + ", MASTER_USE_GTID=slave_pos; START SLAVE");
        shop_ = std::make_unique<Shop>(primary_);
        shop_->port = replica_.port();
        shop_->sql(kTableT);
    }
    [[nodiscard]] static bool mysql() { return GetParam() == MysqldKind::mysql; }
    static std::string with(const std::string& word, const std::string& text) {
        std::string out = word;
        for (const char letter : text) {
            out += letter == '%' ? word : std::string(1, letter);
        }
        return out;
    }

    Mysqld& primary_;
    Mysqld replica_;
    std::unique_ptr<Shop> shop_;
};

INSTANTIATE_TEST_SUITE_P(Servers, SnapshotOnAReplicaOf, kBothServers, name_of_server);

TEST_P(SnapshotOnAReplicaOf, IsExactBesideWritersToThePrimary) {
    constexpr int kRows = 10'000;
    fill(*shop_, 1, kRows);
    ASSERT_TRUE(servers::poll_until(kPatience, [&] {
        try {
            return replica_.sql("SELECT COUNT(*) FROM t", shop_->name).value() ==
                   std::to_string(kRows);
        } catch (const servers::ServerFailure&) {
            return false;  // the table has not come yet
        }
    }));
    shop_->configure("initial", 300);
    Agent agent(shop_->site);
    ASSERT_TRUE(agent.logs("snapshot begins"));
    Writers writers(
        sessions(*shop_), {.threads = 2, .rows = kRows, .pause = milliseconds(1)}, change_t);
    ASSERT_TRUE(agent.logs("snapshot complete", seconds(90))) << agent.log();
    EXPECT_GT(writers.stop(), 50U);
    const Replay taken = in_the_end(*shop_);
    EXPECT_GT(taken.reads, 5'000U);
    expect_table(*shop_, taken);
}

class SnapshotAfterAPurgeOf : public testing::TestWithParam<MysqldKind> {};
INSTANTIATE_TEST_SUITE_P(Servers, SnapshotAfterAPurgeOf, kBothServers, name_of_server);

// Writes what follows into a binlog that is purged before the agent comes back. A file that a dead
// reader's thread still has open stays, until that thread has noticed.
void purge(Shop& shop) {
    shop.sql("INSERT INTO t VALUES (101, 'while away', NULL); DELETE FROM t WHERE id = 1");
    shop.server.sql("FLUSH BINARY LOGS");
    shop.sql("INSERT INTO t VALUES (102, 'in the next file', NULL)");
    ASSERT_TRUE(servers::poll_until(kPatience, [&] {
        const auto files = shop.server.sql("SHOW BINARY LOGS").rows;
        shop.server.sql("PURGE BINARY LOGS TO '" + files.back().at(0).value() + "'");
        return files.size() == 1;
    })) << testing::PrintToString(shop.server.sql("SHOW PROCESSLIST").rows);
}

TEST_P(SnapshotAfterAPurgeOf, IsTakenAgainWhereItIsNeededAndElseANamedStop) {
    // Nobody else reads its binlog.
    Mysqld server(
        {.directory = fleet_folder() / "purged" / std::to_string(GetParam() == MysqldKind::mysql),
         .kind = GetParam()});
    for (const bool needed : {false, true}) {
        Shop shop(server);
        shop.sql(kTableT);
        fill(shop, 1, 100);
        shop.configure(needed ? "when_needed" : "initial");
        {
            Agent agent(shop.site);
            ASSERT_TRUE(complete(agent)) << agent.log();
            EXPECT_EQ(agent.stop(), 0);
        }
        ASSERT_NO_FATAL_FAILURE(purge(shop));
        Agent agent(shop.site);
        if (!needed) {
            EXPECT_TRUE(agent.logs_error("source_gap")) << agent.log();
            EXPECT_NE(agent.wait(), 0);
            continue;
        }
        ASSERT_TRUE(agent.logs("the server no longer has all changes")) << agent.log();
        ASSERT_TRUE(complete(agent)) << agent.log();
        Replay again = after_reads(shop.topic("t"), 100 + 101);
        EXPECT_EQ(again.rows.erase("{\"id\":1}"), 1U) << "nobody tells of rows deleted meanwhile";
        again.wrong.clear();  // a row that was changed meanwhile is read as it is now
        expect_table(shop, again);
    }
}

}  // namespace
}  // namespace tributary::agent_testing
