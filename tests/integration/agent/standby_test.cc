// A standby that is followed in its primary's place: from PostgreSQL 16 on it can be decoded, from
// 17 on it keeps a copy of the primary's slot and is gone on with when it was promoted.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "tests/integration/agent/snapshot_rig.h"
#include "tests/servers/places.h"

namespace tributary::agent_testing {
namespace {

namespace fs = std::filesystem;

// A primary and a copy of it that follows.
class Pair {
  public:
    // The slots of `primary` that wait for `slot`, of the standby, are copied to it; empty: none.
    explicit Pair(const std::string& version, const std::string& slot = {})
        : binaries_(servers::cache_directory() / "postgresql" / version / "bin"),
          primary({.directory = folder_.path() / "primary",
                   .settings = primary_settings(slot),
                   .binaries = binaries_}) {
        primary.create_user("tributary", kPassword, "REPLICATION");
        primary.stop();
        const fs::path copy = folder_.path() / "standby";
        fs::copy(primary.directory(), copy, fs::copy_options::recursive);
        std::ofstream(copy / "data" / "standby.signal").flush();
        for (const auto& entry : fs::recursive_directory_iterator(copy)) {
            servers::give_to_service_user(entry.path());
        }
        primary.start();
        auto settings = primary_settings({});
        settings.emplace_back("primary_conninfo", primary.conninfo());
        if (!slot.empty()) {
            primary.sql("SELECT pg_create_physical_replication_slot('" + slot + "')");
            settings.emplace_back("primary_slot_name", slot);
        }
        standby = std::make_unique<servers::Postgres>(servers::PostgresOptions{
            .directory = copy, .settings = settings, .binaries = binaries_});
    }

    // Makes the standby the source of `site`, once it has what was written to the primary.
    void hand_over(Site& site) {
        const auto written = primary.sql("SELECT pg_current_wal_lsn()").value();
        ASSERT_TRUE(servers::poll_until(kPatience, [&] {
            return standby->sql("SELECT pg_last_wal_replay_lsn() >= '" + written + "'").value() ==
                   "t";
        }));
        site.sources[0].port = standby->port();
    }

  private:
    using Settings = std::vector<std::pair<std::string, std::string>>;

    static Settings primary_settings(const std::string& slot) {
        Settings out{{"hot_standby_feedback", "on"}};
        if (!slot.empty()) {
            out.emplace_back("synchronized_standby_slots", slot);
        }
        return out;
    }

    servers::TemporaryDirectory folder_{"tributary-standby"};
    fs::path binaries_;

  public:
    servers::Postgres primary;
    std::unique_ptr<servers::Postgres> standby;
};

TEST(AgentSnapshot, IsExactOnAStandbyBesideWritersToThePrimary) {
    constexpr int kRows = 20'000;
    Pair pair("17");
    Site site(pair.primary);
    site.sql(
        "CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;"
        "INSERT INTO loose SELECT g % 100, 'same' FROM generate_series(1, 2000) g;"
        "CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;"
        "ALTER PUBLICATION tributary ADD TABLE loose, nothing");
    fill(site, kRows);
    with_snapshot(site, "initial", 300);
    pair.hand_over(site);
    Writers writers(sessions(site), {.threads = 3, .rows = kRows}, change_t);
    Writers more(sessions(site), {.threads = 1, .rows = 100}, change_loose);
    Agent agent(site);
    // A slot is made on a standby when its primary has said which transactions are open.
    std::atomic<bool> made{false};
    std::thread tells([&] {
        while (!made) {
            site.sql("SELECT pg_log_standby_snapshot()");
            std::this_thread::sleep_for(milliseconds(100));
        }
    });
    const bool complete = agent.logs("snapshot complete", seconds(90));
    made = true;
    tells.join();
    ASSERT_TRUE(complete) << agent.log();
    EXPECT_GT(writers.stop(), 100U);
    EXPECT_GT(more.stop(), 10U);
    expect_same_in_the_end(site, agent);
    expect_same(site, "loose");
    EXPECT_GT(take(site.topic()).reads, 10'000U);
}

TEST(AgentSnapshot, AStandbyThatCannotBeDecodedIsANamedStop) {
    Pair pair("14");
    Site site(pair.primary);
    with_snapshot(site);
    pair.hand_over(site);
    expect_refusal(site, "source_settings", 10);
}

TEST(AgentFailover, GoesOnExactlyOnAPromotedStandbyThatKeptTheSlot) {
    Pair pair("17", "standby");
    Site site(pair.primary);
    site.sources[0].lines = {"failover_slot: true"};
    {
        Agent agent(site);
        ASSERT_TRUE(
            agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; }));
        site.insert(1, 100);
        expect_exactly(site, 100);
        ASSERT_TRUE(servers::poll_until(kPatience, [&] {
            // What sync_replication_slots does every half minute.
            pair.standby->sql("SELECT pg_sync_replication_slots()");
            const auto copies = pair.standby->sql(
                "SELECT count(*) FROM pg_replication_slots WHERE synced AND NOT temporary");
            return copies.value() == "1";
        }));
        site.insert(101, 200);
        expect_exactly(site, 200);
        pair.primary.kill9();
    }
    pair.standby->sql("SELECT pg_promote()");
    site.sources[0].port = pair.standby->port();
    Agent agent(site);
    pair.standby->sql("INSERT INTO t SELECT g FROM generate_series(201, 300) g", site.name);
    expect_exactly(site, 300);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

}  // namespace
}  // namespace tributary::agent_testing
