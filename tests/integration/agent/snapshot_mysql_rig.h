// What the tests of snapshots of MariaDB and MySQL share beside rig.h: servers, an agent's
// configuration, writers, and the judge, which is exact: the topic is replayed, and every row of
// the snapshot must be what the stream before and after it says that the table held at its place.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/agent/rig.h"
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

// What a topic says, replayed in its order.
struct Replay {
    std::map<std::string, nlohmann::json> rows;  // by key
    std::vector<std::string> markers;
    std::vector<std::string> wrong;  // at most a few
    std::size_t reads = 0;
    std::size_t changes = 0;
    std::size_t repeated = 0;
    nlohmann::json first_source;
};

[[nodiscard]] Replay replay(const std::string& topic);

// Key (its first field) and column `v` of what the table holds, and of what the topic says.
void expect_table(Shop& shop, const Replay& found, const std::string& table = "t");

[[nodiscard]] bool complete(const Agent& agent);
// Whether the snapshot is over by what the log says, also where an agent before this one ended it.
[[nodiscard]] bool is_over(const nlohmann::json& pipeline);

// Once so many rows of a snapshot are there.
Replay after_reads(const std::string& topic, std::size_t reads);

// Once a last change has come through: so has everything before it.
Replay in_the_end(Shop& shop, const std::string& table = "t");

// How often each row is there, by what the topic says; a row that is not there cannot go.
[[nodiscard]] std::map<std::string, int> count_rows(const std::string& topic);

// A change of a table that has about so many rows, by writer `index`; `v` was in no other.
using Statement = std::string (*)(std::minstd_rand& random,
                                  int index,
                                  int rows,
                                  const std::string& v);

// Of t: on a hot range and at both ends of the table.
[[nodiscard]] std::string change_t(std::minstd_rand& random,
                                   int index,
                                   int rows,
                                   const std::string& v);
// Of loose (a, b), which has no key and has equal rows.
[[nodiscard]] std::string change_loose(std::minstd_rand& random,
                                       int index,
                                       int rows,
                                       const std::string& v);

class Writers {
  public:
    // Each rests for `pause` between statements: how much load there is.
    Writers(Shop& shop,
            int threads,
            int rows,
            milliseconds pause = milliseconds(0),
            Statement statement = change_t)
        : pause_(pause), statement_(statement) {
        for (int index = 0; index < threads; ++index) {
            threads_.emplace_back([this, &shop, index, rows] { write(shop, index, rows); });
        }
    }
    ~Writers() { stop(); }
    std::uint64_t stop() {
        stopping_ = true;
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
        return done_;
    }

  private:
    void write(Shop& shop, int index, int rows);

    milliseconds pause_;
    Statement statement_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> done_{0};
    std::vector<std::thread> threads_;
};

// Kafka, or the database, or neither.
void kill_a_server(Mysqld& server, std::minstd_rand& random);

inline constexpr const char* kTableT =
    "CREATE TABLE t (id int PRIMARY KEY, v varchar(40), big mediumtext)";

// Rows first..last of t (id, v, big), some of them large.
void fill(Shop& shop, int first, int last);

// Table t (id, v, big) of a shop on each kind of server.
class SnapshotOf : public testing::TestWithParam<MysqldKind> {
  protected:
    SnapshotOf() : shop_(GetParam()) { shop_.sql(kTableT); }
    void fill(int first, int last) { agent_testing::fill(shop_, first, last); }
    Shop shop_;
};

}  // namespace tributary::agent_testing
