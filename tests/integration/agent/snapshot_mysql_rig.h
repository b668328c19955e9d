// What the tests of snapshots of MariaDB and MySQL share beside rig.h: servers, an agent's
// configuration, and what writers write.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <string>

#include "tests/integration/agent/rig.h"
#include "tests/integration/agent/snapshot_kills.h"
#include "tests/integration/agent/snapshot_replay.h"
#include "tests/integration/agent/snapshot_writers.h"
#include "tests/servers/failure.h"
#include "tests/servers/mysqld.h"

namespace tributary::agent_testing {

using servers::Mysqld;
using servers::MysqldKind;

// One of each kind for the whole program.
[[nodiscard]] Mysqld& server_of(MysqldKind kind);
// A folder that lives as long as they do.
[[nodiscard]] const std::filesystem::path& fleet_folder();

// A database, an account that may read it, and an agent's configuration.
class Shop {
  public:
    explicit Shop(MysqldKind kind) : Shop(server_of(kind)) {}
    explicit Shop(Mysqld& of) : server(of), name("shop_" + site.name), port(of.port()) {
        site.sources.clear();
        server.sql("CREATE DATABASE " + name);
        user = "u" + std::to_string(++users());
        server.create_user(user,
                           kPassword,
                           server.mysql() ? "REPLICATION SLAVE, REPLICATION CLIENT"
                                          : "REPLICATION SLAVE, BINLOG MONITOR");
        server.sql("GRANT SELECT ON " + name + ".* TO " + user);
        configure();
    }
    ~Shop() {
        try {
            server.sql("DROP DATABASE " + name);
        } catch (const servers::ServerFailure&) {
        }
    }
    Shop(const Shop&) = delete;
    Shop& operator=(const Shop&) = delete;

    // Without a mode, the default.
    void configure(const std::string& mode = "",
                   int chunk_rows = 50'000,
                   const std::string& more = "") {
        const bool mysql = server.kind() == MysqldKind::mysql;
        site.other_sources = {
            "  - name: shop\n    type: " + std::string(mysql ? "mysql" : "mariadb") +
            "\n    connection: {port: " + std::to_string(port) + ", user: " + user +
            ", password: \"${file:" + site.path("password").string() +
            "}\", sslmode: disable}\n    server_id: " + std::to_string(91000 + users()) +
            "\n    heartbeat: 1s\n    position_interval: 500ms\n    tables: {include: ['" + name +
            "\\..*']}\n    snapshot: {" + (mode.empty() ? "" : "mode: " + mode + ", ") +
            "chunk_rows: " + std::to_string(chunk_rows) + "}\n    topics: {prefix: " + site.name +
            ".shop}\n" + more};
    }
    servers::SqlRows sql(const std::string& text) { return server.sql(text, name); }
    [[nodiscard]] std::string topic(const std::string& table) const {
        return site.topic("shop", name + "." + table);
    }

    Site site;
    Mysqld& server;
    std::string name;
    std::string user;
    std::uint16_t port;  // of the server that is followed

  private:
    static int& users() {
        static int count = 0;
        return count;
    }
};

void expect_table(Shop& shop, const Replay& found, const std::string& table = "t");

[[nodiscard]] bool complete(const Agent& agent);

// Once so many rows of a snapshot are there.
Replay after_reads(const std::string& topic, std::size_t reads);

// Once a last change has come through: so has everything before it.
Replay in_the_end(Shop& shop, const std::string& table = "t");

// How often each row is there, by what the topic says; a row that is not there cannot go.
[[nodiscard]] std::map<std::string, int> count_rows(const std::string& topic);

[[nodiscard]] Connect sessions(Shop& shop);
[[nodiscard]] Taking taking(Shop& shop);

// Of t: on a hot range and at both ends of the table.
[[nodiscard]] std::string change_t(std::minstd_rand& random,
                                   int index,
                                   int rows,
                                   const std::string& v);
// The same without XA: a MariaDB that is killed between the XA COMMIT in its binlog and that in its
// engine keeps the transaction prepared, so that its table is not what its binlog says.
[[nodiscard]] std::string change_t_without_xa(std::minstd_rand& random,
                                              int index,
                                              int rows,
                                              const std::string& v);
// Of loose (a, b), which has no key and has equal rows.
[[nodiscard]] std::string change_loose(std::minstd_rand& random,
                                       int index,
                                       int rows,
                                       const std::string& v);

inline constexpr const char* kTableT =
    "CREATE TABLE t (id int PRIMARY KEY, v varchar(40), big mediumtext)";

// Rows first..last of t (id, v, big), some of them large.
void fill(Shop& shop, int first, int last);

inline const auto kBothServers = testing::Values(MysqldKind::mariadb, MysqldKind::mysql);
[[nodiscard]] std::string name_of_server(const testing::TestParamInfo<MysqldKind>& kind);

// Table t (id, v, big) of a shop on each kind of server.
class SnapshotOf : public testing::TestWithParam<MysqldKind> {
  protected:
    SnapshotOf() : shop_(GetParam()) { shop_.sql(kTableT); }
    void fill(int first, int last) { agent_testing::fill(shop_, first, last); }
    Shop shop_;
};

}  // namespace tributary::agent_testing
