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

class Replayer {
  public:
    explicit Replayer(Replay& out) : out_(out) {}

    void apply(const std::string& key, const nlohmann::json& event) {
        const std::string op = event.at("op");
        const auto row = out_.rows.find(key);
        const bool there = row != out_.rows.end();
        if (op == "r") {
            ++out_.reads;
            out_.markers.push_back(event.at("source").at("snapshot"));
            if (out_.first_source.is_null()) {
                out_.first_source = event.at("source");
            }
            expect(!gone_.contains(key), "read after its delete", key, event);
            expect(!there || row->second == event.at("after"), "read differs", key, event);
            out_.rows[key] = event.at("after");
            return;
        }
        ++out_.changes;
        if (op == "c") {
            expect(!there, "created while it was there", key, event);
            gone_.erase(key);
            out_.rows[key] = event.at("after");
            return;
        }
        if (op != "u" && op != "d") {
            out_.rows.clear();
            gone_.clear();
            return;
        }
        expect(!there || row->second == event.at("before"), "before differs", key, event);
        if (op == "u") {
            out_.rows[key] = event.at("after");
        } else {
            out_.rows.erase(key);
            gone_.insert(key);
        }
    }

  private:
    void expect(bool holds,
                const std::string& what,
                const std::string& key,
                const nlohmann::json& event) {
        if (!holds && out_.wrong.size() < 5) {
            out_.wrong.push_back(what + " " + key + ": " + event.dump());
        }
    }
    Replay& out_;
    std::set<std::string> gone_;  // deleted in the stream
};

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

const std::filesystem::path& fleet_folder() {
    return fleet()->directory.path();
}

Replay replay(const std::string& topic) {
    Replay out;
    Replayer replayer(out);
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
    const auto names = reader.topics();
    if (std::find(names.begin(), names.end(), topic) == names.end()) {
        return out;
    }
    std::set<std::string> identities;
    for (const servers::KafkaRecord& record : reader.read(topic)) {
        const auto* header = record.header("tributary");
        if (header == nullptr || !identities.insert(header->value.value_or("")).second) {
            ++out.repeated;
        }
        if (record.value) {
            replayer.apply(record.key.value_or(""), nlohmann::json::parse(*record.value));
        }
    }
    return out;
}

void expect_table(Shop& shop, const Replay& found, const std::string& table) {
    std::map<std::string, std::string> wanted;
    for (const auto& row : shop.sql("SELECT id, v FROM " + table).rows) {
        wanted[row[0].value_or("")] = row[1].value_or("NULL");
    }
    std::map<std::string, std::string> said;
    for (const auto& [key, row] : found.rows) {
        const auto& id = row.at("id");
        said[id.is_string() ? id.get<std::string>() : id.dump()] =
            row.at("v").is_null() ? "NULL" : row.at("v").get<std::string>();
    }
    EXPECT_EQ(wanted.size(), said.size());
    EXPECT_TRUE(wanted == said);
    EXPECT_GT(wanted.size(), 0U);
    EXPECT_EQ(found.repeated, 0U);
    EXPECT_TRUE(found.wrong.empty()) << testing::PrintToString(found.wrong);
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

bool is_over(const nlohmann::json& pipeline) {
    return pipeline.at("snapshot").is_object() && pipeline["snapshot"].at("state") == "complete";
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

void Writers::write(Shop& shop, int index, int rows) {
    std::unique_ptr<servers::MysqlConnection> connection;
    std::minstd_rand random(static_cast<unsigned>(index) + 7);
    while (!stopping_) {
        try {
            if (!connection) {
                connection =
                    std::make_unique<servers::MysqlConnection>(shop.server.connect(shop.name));
            }
            connection->sql(statement_(random, index, rows, std::to_string(done_++)));
            std::this_thread::sleep_for(pause_);
        } catch (const servers::ServerFailure&) {
            // A deadlock, or a server that was killed: a fresh connection ends whatever was open.
            connection.reset();
        }
    }
    // An XA transaction that a deadlock left is of nobody any more.
}

void kill_a_server(Mysqld& server, std::minstd_rand& random) {
    switch (random() % 10) {
        case 0:
            kafka().kill9();
            kafka().start();
            return;
        case 1:
        case 2:
            server.kill9();
            server.start();
            for (const auto& prepared : server.sql("XA RECOVER").rows) {
                server.sql("XA ROLLBACK '" + prepared.at(3).value() + "'");
            }
            return;
        default:
            return;
    }
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
