#include "tests/integration/agent/snapshot_rig.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "tests/servers/failure.h"
#include "tests/servers/sql.h"
#include "tests/tools/oracle/tables.h"

namespace tributary::agent_testing {

Site& with_snapshot(Site& site, const std::string& mode, int chunk_rows) {
    site.sources[0].lines = {"snapshot: {mode: " + mode +
                             ", chunk_rows: " + std::to_string(chunk_rows) + "}"};
    site.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO tributary");
    return site;
}

Taken take(const std::string& topic) {
    Taken out;
    servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
    const auto names = reader.topics();
    if (std::find(names.begin(), names.end(), topic) == names.end()) {
        return out;
    }
    for (const servers::KafkaRecord& record : reader.read(topic)) {
        const auto* header = record.header("tributary");
        out.table.apply(
            {.key = record.key,
             .value = record.value,
             .identity = header != nullptr ? header->value : std::optional<std::string>()});
        if (!record.value) {
            continue;
        }
        const auto event = nlohmann::json::parse(*record.value);
        if (event.at("op") == "r") {
            ++out.reads;
            out.markers.push_back(event.at("source").at("snapshot"));
        } else {
            ++out.changes;
        }
    }
    return out;
}

// The table and its topic say the same.
void expect_same(Site& site, const std::string& name) {
    servers::SqlConnection connection(site.server().conninfo(site.name));
    const Taken taken = take(site.topic("plant", "public." + name));
    EXPECT_EQ(taken.table.repeated(), 0U);
    EXPECT_EQ(taken.table.unidentified(), 0U);
    for (const auto& table : oracle::read_tables(connection, "tributary")) {
        if (table.name != name) {
            continue;
        }
        const auto differences = oracle::compare(
            name, taken.table.key_fields(), table.rows, taken.table.rows(table.columns), 5);
        EXPECT_EQ(differences.count, 0U) << testing::PrintToString(differences.examples);
        EXPECT_GT(table.rows.size(), 0U);
        return;
    }
    FAIL() << "no table " << name;
}

// Once the snapshot is over and a last change has come through: so has everything before it.
void expect_same_in_the_end(Site& site, const Agent& agent) {
    ASSERT_TRUE(agent.poll(
        [](const nlohmann::json& at) { return at.at("intake").at("state") == "running"; }));
    site.sql("INSERT INTO t (id, v) VALUES (5000000, 'the end')");
    ASSERT_TRUE(servers::poll_until(kPatience, [&] {
        servers::KafkaReader reader({.bootstrap = uplink().bootstrap()});
        const auto topics = reader.topics();
        if (std::find(topics.begin(), topics.end(), site.topic()) == topics.end()) {
            return false;  // nothing was delivered to it yet
        }
        const auto records = reader.read(site.topic());
        return std::any_of(records.rbegin(), records.rend(), [](const auto& record) {
            return record.key == "{\"id\":5000000}";
        });
    })) << agent.log();
    ASSERT_TRUE(agent.caught_up());
    expect_same(site);
}

bool complete(const Agent& agent) {
    return agent.poll([](const nlohmann::json& at) {
        return at.at("snapshot").at("state") == "complete";
    }) && agent.caught_up();
}

Connect sessions(Site& site) {
    return [&site](int index) {
        const auto connection =
            std::make_shared<servers::SqlConnection>(site.server().conninfo(site.name));
        connection->sql(index % 2 == 0 ? "SET synchronous_commit = off" : "SELECT 1");
        return [connection](const std::string& statement) { connection->sql(statement); };
    };
}

Taking taking(Site& site) {
    return {
        .site = site,
        .pipeline = "plant",
        .topic =
            [&site](const std::string& table) { return site.topic("plant", "public." + table); },
        .query = [&site](const std::string& statement) { return site.sql(statement); },
        .kill_database =
            [&site] {
                site.server().kill9();
                site.server().start();
            }};
}

std::string change_t(std::minstd_rand& random, int, int rows, const std::string& v) {
    const std::string id = std::to_string(random() % static_cast<unsigned>(rows) + 1);
    const std::string far = std::to_string(random() % 1'000'000 + 1'000'000);
    switch (random() % 6) {
        case 0:
            return "DELETE FROM t WHERE id = " + id;
        case 1:
            return "INSERT INTO t VALUES (" + id + ", 'new " + v +
                   "', NULL) ON CONFLICT (id) DO NOTHING";
        case 2:
            return "UPDATE t SET id = " + far + ", big = 'moved " + v + "' WHERE id = " + id +
                   " AND NOT EXISTS (SELECT FROM t WHERE id = " + far + ")";
        case 3:
            return "BEGIN; SAVEPOINT a; UPDATE t SET v = 'undone' WHERE id = " + id +
                   "; ROLLBACK TO a; UPDATE t SET v = 'kept " + v + "' WHERE id = " + id +
                   "; COMMIT";
        default:
            return "UPDATE t SET v = 'now " + v + "' WHERE id = " + id;
    }
}

std::string change_loose(std::minstd_rand& random, int, int rows, const std::string& v) {
    const std::string a = std::to_string(random() % static_cast<unsigned>(rows));
    const std::string one =
        " WHERE ctid = (SELECT ctid FROM loose WHERE a = " + a + " LIMIT 1 FOR UPDATE)";
    switch (random() % 5) {
        case 0:
            return "DELETE FROM loose" + one;
        case 1:
            return "UPDATE loose SET b = 'now " + v + "'" + one;
        case 2:
            return "UPDATE loose SET a = a + 1" + one;
        default:
            return "INSERT INTO loose VALUES (" + a + ", repeat('x', 60))";
    }
}

void fill(Site& site, int rows) {
    site.sql(
        "ALTER TABLE t ADD COLUMN big text; ALTER TABLE t ALTER COLUMN big SET STORAGE EXTERNAL");
    site.sql("INSERT INTO t SELECT g, 'row ' || g, CASE WHEN g % " +
             std::string(rows > 1'000'000 ? "100" : "10") +
             " = 0 THEN repeat('b' || g, 600) END FROM generate_series(1, " + std::to_string(rows) +
             ") g");
}

}  // namespace tributary::agent_testing
