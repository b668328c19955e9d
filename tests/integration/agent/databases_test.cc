// One agent follows PostgreSQL, MariaDB 10.11 and MySQL 9 at once, while each of them, and the
// agent, is killed in turn: every row once, in each topic, and a dead database stops no other.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "tests/integration/agent/rig.h"
#include "tests/servers/mysqld.h"

namespace tributary::agent_testing {
namespace {

using servers::Mysqld;
using servers::MysqldKind;

constexpr int kRowsOfABurst = 500;

bool running(const nlohmann::json& pipeline) {
    return pipeline.at("intake").at("state") == "running";
}

class Databases : public testing::Test {
  protected:
    Databases()
        : mariadb_({.directory = folder_.path() / "mariadb", .fsync = true}),
          mysql_(
              {.directory = folder_.path() / "mysql", .kind = MysqldKind::mysql, .fsync = true}) {
        prepare(mariadb_, "mariadb", "BINLOG MONITOR", 71001);
        prepare(mysql_, "mysql", "REPLICATION CLIENT", 71002);
    }

    void prepare(Mysqld& server, const std::string& type, const std::string& right, int server_id) {
        server.create_user("tributary", kPassword, "REPLICATION SLAVE, " + right);
        server.sql("CREATE DATABASE plant; CREATE TABLE plant.t (id int PRIMARY KEY, v text)");
        site_.other_sources.push_back(
            "  - name: " + type + "\n    type: " + type +
            "\n    connection: {port: " + std::to_string(server.port()) +
            ", user: tributary, password: \"${file:" + site_.path("password").string() +
            "}\", sslmode: disable}\n    server_id: " + std::to_string(server_id) +
            "\n    heartbeat: 1s\n    snapshot: {mode: no_data}\n    topics: {prefix: " +
            site_.name + "." + type + "}\n");
    }

    // The next rows, one transaction each hundred, in a database that is up.
    static void burst(Mysqld& server, int& last) {
        std::string text;
        for (int row = 0; row < kRowsOfABurst; ++row) {
            ++last;
            text += row % 100 == 0 ? "BEGIN;" : "";
            text += "INSERT INTO t VALUES (" + std::to_string(last) + ", REPEAT('v', 50));";
            text += row % 100 == 99 ? "COMMIT;" : "";
        }
        server.sql(text, "plant");
    }
    void burst_everywhere() {
        site_.insert(rows_["plant"] + 1, rows_["plant"] + kRowsOfABurst);
        rows_["plant"] += kRowsOfABurst;
        burst(mariadb_, rows_["mariadb"]);
        burst(mysql_, rows_["mysql"]);
    }

    void expect_all(const std::string& source, const std::string& table) {
        const int count = rows_[source];
        Seen seen;
        const bool there = servers::poll_until(kPatience, [&] {
            seen = read_topic(site_.topic(source, table));
            return seen.operations.size() >= static_cast<std::size_t>(count);
        });
        EXPECT_TRUE(there) << source << ": " << seen.operations.size() << " of " << count;
        std::multiset<int> expected;
        for (int id = 1; id <= count; ++id) {
            expected.insert(id);
        }
        EXPECT_TRUE(seen.created == expected) << source << ": " << seen.created.size();
        EXPECT_EQ(seen.operations.size(), static_cast<std::size_t>(count)) << source;
        EXPECT_EQ(seen.repeated, 0U) << source;
        EXPECT_EQ(seen.nameless, 0U) << source;
    }

    servers::TemporaryDirectory folder_{"tributary-three"};
    Site site_;
    Mysqld mariadb_;
    Mysqld mysql_;
    std::map<std::string, int> rows_;
};

// catalogue: F1 F44
TEST_F(Databases, all_three_arrive_exactly_while_each_and_the_agent_are_killed) {
    auto agent = std::make_unique<Agent>(site_);
    for (const char* source : {"plant", "mariadb", "mysql"}) {
        ASSERT_TRUE(agent->poll(running, kPatience, source)) << source << "\n" << agent->log();
    }
    burst_everywhere();

    // Each in turn: the others go on meanwhile.
    for (Mysqld* server : {&mariadb_, &mysql_}) {
        server->kill9();
        site_.insert(rows_["plant"] + 1, rows_["plant"] + kRowsOfABurst);
        rows_["plant"] += kRowsOfABurst;
        Mysqld& other = server == &mariadb_ ? mysql_ : mariadb_;
        burst(other, rows_[&other == &mysql_ ? "mysql" : "mariadb"]);
        expect_all("plant", "public.t");
        server->start();
        burst_everywhere();
    }
    site_.server().kill9();
    burst(mariadb_, rows_["mariadb"]);
    burst(mysql_, rows_["mysql"]);
    expect_all("mariadb", "plant.t");
    expect_all("mysql", "plant.t");
    site_.server().start();
    agent->kill9();
    burst_everywhere();
    agent = std::make_unique<Agent>(site_);
    burst_everywhere();
    agent->kill9();
    agent = std::make_unique<Agent>(site_);
    burst_everywhere();
    expect_all("plant", "public.t");
    expect_all("mariadb", "plant.t");
    expect_all("mysql", "plant.t");
    EXPECT_EQ(agent->stop(), 0) << agent->log();
}

TEST_F(Databases, check_names_a_missing_right_and_what_cannot_be_delivered) {
    site_.write();
    const auto told = [](const Ran& ran, const std::string& text) {
        return ran.output.find(text) != std::string::npos;
    };
    const std::string collide = "does not tell . and _ apart";
    const std::string cascade = "below the binary log";
    mariadb_.sql("GRANT SELECT ON plant.* TO 'tributary'@'%'");
    const Ran good = site_.run({"check"});
    EXPECT_TRUE(told(good, "BINLOG MONITOR")) << good.output;
    EXPECT_FALSE(told(good, collide) || told(good, cascade)) << good.output;
    mariadb_.sql(
        "CREATE TABLE plant.`a.b` (id int PRIMARY KEY); CREATE TABLE plant.a_b (id int PRIMARY "
        "KEY, FOREIGN KEY (id) REFERENCES plant.`a.b` (id) ON DELETE CASCADE)");
    const Ran tables = site_.run({"check"});
    EXPECT_NE(tables.code, 0);
    EXPECT_TRUE(told(tables, collide) && told(tables, cascade)) << tables.output;
    mariadb_.sql("REVOKE BINLOG MONITOR ON *.* FROM 'tributary'@'%'");
    const Ran bad = site_.run({"check"});
    EXPECT_NE(bad.code, 0);
    EXPECT_TRUE(told(bad, "GRANT BINLOG MONITOR ON *.* TO 'tributary'@'%'")) << bad.output;
}

}  // namespace
}  // namespace tributary::agent_testing
