#include "tests/integration/agent/snapshot_mysql_rig.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace tributary::agent_testing {
namespace {

struct Fleet {
    servers::TemporaryDirectory directory{"tributary-snapshot"};
    std::map<MysqldKind, std::unique_ptr<Mysqld>> servers;
};
std::unique_ptr<Fleet>& fleet() {
    static std::unique_ptr<Fleet> all = std::make_unique<Fleet>();
    return all;
}
class StopFleet final : public testing::Environment {
  public:
    void TearDown() override { fleet().reset(); }
};
const auto* const kStop = testing::AddGlobalTestEnvironment(new StopFleet);

}  // namespace

Mysqld& server_of(MysqldKind kind) {
    auto& server = fleet()->servers[kind];
    if (!server) {
        server = std::make_unique<Mysqld>(servers::MysqldOptions{
            .directory =
                fleet()->directory.path() / (kind == MysqldKind::mysql ? "mysql" : "mariadb"),
            .kind = kind,
            .settings = {{"max_connections", "200"}}});
    }
    return *server;
}

std::string name_of_server(const testing::TestParamInfo<MysqldKind>& kind) {
    return kind.param == MysqldKind::mysql ? "MySql" : "MariaDb";
}

const std::filesystem::path& fleet_folder() {
    return fleet()->directory.path();
}

void expect_table(Shop& shop, const Replay& found, const std::string& table) {
    expect_table(
        [&shop](const std::string& statement) { return shop.sql(statement); }, table, found);
}

bool complete(const Agent& agent) {
    return agent.logs("snapshot complete") && agent.caught_up(1, "shop");
}

Replay after_reads(const std::string& topic, std::size_t reads) {
    Replay out;
    static_cast<void>(servers::poll_until(kPatience, [&] {
        out = replay(topic);
        return out.reads >= reads;
    }));
    EXPECT_EQ(out.reads, reads) << topic;
    return out;
}

Replay in_the_end(Shop& shop, const std::string& table) {
    shop.sql("INSERT INTO " + table + " (id, v) VALUES (50000000, 'the end')");
    Replay out;
    const bool there = servers::poll_until(kPatience, [&] {
        out = replay(shop.topic(table));
        return out.rows.contains("{\"id\":50000000}");
    });
    EXPECT_TRUE(there);
    return out;
}

std::map<std::string, int> count_rows(const std::string& topic) {
    std::map<std::string, int> out;
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
    for (const servers::KafkaRecord& record : reader.read(topic)) {
        const auto event = nlohmann::json::parse(record.value.value());
        if (!event.at("before").is_null()) {
            EXPECT_GT(out[event["before"].dump()]--, 0) << event.dump();
        }
        if (!event.at("after").is_null()) {
            ++out[event["after"].dump()];
        }
    }
    std::erase_if(out, [](const auto& row) { return row.second == 0; });
    return out;
}

std::string change_t(std::minstd_rand& random, int index, int rows, const std::string& v) {
    const std::string id = std::to_string(random() % static_cast<unsigned>(rows) + 1);
    const std::string hot = std::to_string(random() % 40 + 1);
    const std::string far = std::to_string(random() % 1'000'000 + 1'000'000);
    const std::string xid = "'x" + std::to_string(index) + "-" + v + "'";
    switch (random() % 8) {
        case 0:
            return "DELETE FROM t WHERE id = " + id;
        case 1:
            return "INSERT IGNORE INTO t VALUES (" + id + ", 'new " + v + "', NULL)";
        case 2:
            return "UPDATE IGNORE t SET id = " + far + ", v = 'moved " + v + "' WHERE id = " + id;
        case 3:
            return "BEGIN; UPDATE t SET v = 'kept " + v + "' WHERE id = " + id +
                   "; SAVEPOINT a; UPDATE t SET v = 'undone' WHERE id = " + hot +
                   "; ROLLBACK TO a; COMMIT";
        case 4:
            return "XA START " + xid + "; UPDATE t SET v = 'xa " + v + "' WHERE id IN (" + id +
                   "," + hot + "); XA END " + xid + "; XA PREPARE " + xid +
                   (random() % 4 == 0 ? "; XA ROLLBACK " : "; XA COMMIT ") + xid;
        case 5:
            return "UPDATE t SET v = 'hot " + v + "' WHERE id = " + hot;
        default:
            return "UPDATE t SET v = 'now " + v + "' WHERE id BETWEEN " + id + " AND " + id +
                   " + 3";
    }
}

std::string change_t_without_xa(std::minstd_rand& random,
                                int index,
                                int rows,
                                const std::string& v) {
    const std::string change = change_t(random, index, rows, v);
    return change.starts_with("XA") ? "UPDATE t SET v = 'plain " + v + "' WHERE id IN (7, 70)"
                                    : change;
}

std::string change_loose(std::minstd_rand& random, int, int rows, const std::string& v) {
    const std::string one =
        " WHERE a = " + std::to_string(random() % static_cast<unsigned>(rows)) + " LIMIT 1";
    switch (random() % 5) {
        case 0:
            return "DELETE FROM loose" + one;
        case 1:
            return "UPDATE loose SET b = 'now " + v + "'" + one;
        case 2:
            return "UPDATE loose SET a = a + 1" + one;
        default:
            return "INSERT INTO loose SELECT a, b FROM loose" + one;
    }
}

Connect sessions(Shop& shop) {
    return [&shop](int) {
        const auto connection =
            std::make_shared<servers::MysqlConnection>(shop.server.connect(shop.name));
        return [connection](const std::string& statement) { connection->sql(statement); };
    };
}

void roll_back_prepared(Mysqld& server) {
    for (const auto& prepared : server.sql("XA RECOVER").rows) {
        try {
            server.sql("XA ROLLBACK '" + prepared.at(3).value() + "'");
        } catch (const servers::ServerFailure&) {
            // of a writer that has come back already, and ends it
        }
    }
}

Taking taking(Shop& shop) {
    return {.site = shop.site,
            .pipeline = "shop",
            .topic = [&shop](const std::string& table) { return shop.topic(table); },
            .query = [&shop](const std::string& statement) { return shop.sql(statement); },
            .kill_database =
                [&shop] {
                    shop.server.kill9();
                    shop.server.start();
                    roll_back_prepared(shop.server);
                }};
}

void fill(Shop& shop, int first, int last) {
    std::string text;
    for (int id = first; id <= last; ++id) {
        text += (text.empty() ? "INSERT INTO t VALUES (" : ",(") + std::to_string(id) + ",'row " +
                std::to_string(id) + "'," + (id % 50 == 0 ? "REPEAT('b',5000)" : "NULL") + ")";
        if (id % 2000 == 0 || id == last) {
            shop.sql(text);
            text.clear();
        }
    }
}

}  // namespace tributary::agent_testing
