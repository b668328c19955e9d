// See run.h. DDL is quiesced: both sides have delivered all that was before it, because Debezium
// reads the catalogue of the moment at which it sees a table's structure.
#include "tests/differential/run.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <vector>

#include "tests/differential/catalogue.h"
#include "tests/differential/compare.h"
#include "tests/differential/connect.h"
#include "tests/differential/masks.h"
#include "tests/differential/workload.h"
#include "tests/servers/failure.h"
#include "tests/servers/kafka.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/places.h"
#include "tests/servers/postgres.h"

namespace tributary::differential {
namespace {

using servers::KafkaReader;
using servers::ServerFailure;
using std::chrono::seconds;

constexpr const char* kDatabase = "diff";
constexpr const char* kPassword = "differential";
constexpr const char* kMarker = "public.marker";
constexpr int kPartitions = 3;
constexpr std::size_t kEventsMin = 190;  // of each pair, or the run is not what it claims
constexpr seconds kPatience{150};

// Two ways to deliver that are compared with each other, under prefixes dbz_<name>, tri_<name>.
struct Pair {
    std::string name;
    std::string publication;
    bool schemas = false;
    Properties debezium = {};
    std::string tributary = {};  // of `topics`

    [[nodiscard]] std::string prefix(bool ours) const { return (ours ? "tri_" : "dbz_") + name; }
};

std::vector<Pair> make_pairs() {
    return {
        {.name = "schemas",
         .publication = "everything",
         .schemas = true,
         .debezium = {{"provide.transaction.metadata", "true"}, {"skipped.operations", "none"}},
         .tributary = "transaction_metadata: true, skipped_operations: []"},
        {.name = "plain",
         .publication = "everything",
         .debezium = {},
         .tributary = "context_headers: true"},
        {.name = "texts",
         .publication = "catalogue",
         .schemas = true,
         .debezium = {{"decimal.handling.mode", "string"},
                      {"time.precision.mode", "adaptive_time_microseconds"},
                      {"interval.handling.mode", "string"},
                      {"binary.handling.mode", "hex"}},
         .tributary = "decimal: string, time_precision: adaptive_time_microseconds, interval: "
                      "string, binary: hex"},
        {.name = "connect",
         .publication = "catalogue",
         .schemas = true,
         .debezium = {{"decimal.handling.mode", "double"},
                      {"time.precision.mode", "connect"},
                      {"binary.handling.mode", "base64"},
                      {"tombstones.on.delete", "false"}},
         .tributary =
             "decimal: double, time_precision: connect, binary: base64, tombstones: false"},
    };
}

class Run {
  public:
    explicit Run(const RunOptions& options)
        : options_(options),
          folder_("differential"),
          postgres_({.directory = folder_.path() / "postgres"}),
          kafka_({.directory = folder_.path() / "kafka", .heap = "384m"}),
          pairs_(make_pairs()),
          masks_(options.differences),
          history_(folder_.path() / "history.sql") {}

    int run() {
        std::cout << "differential: seed " << options_.seed << ", " << options_.seeds
                  << " seeds, folder " << folder_.path().string() << std::endl;
        prepare();
        for (const std::string& statement : catalogue_statements()) {
            postgres(statement);
        }
        quiesce();
        for (int index = 0; index < options_.seeds; ++index) {
            work(options_.seed + static_cast<std::uint64_t>(index));
        }
        settle();
        return report();
    }

  private:
    void postgres(const std::string& statement) {
        if (!sql_) {
            sql_ = std::make_unique<servers::SqlConnection>(postgres_.conninfo(kDatabase));
        }
        try {
            history_ << statement << ";" << std::endl;
            sql_->sql(statement);
        } catch (const ServerFailure& failure) {
            throw ServerFailure(std::string(failure.what()) + " in: " + statement);
        }
    }

    void prepare() {
        postgres_.sql(std::string("CREATE DATABASE ") + kDatabase);
        postgres_.create_user("tributary", kPassword, "REPLICATION");
        postgres(create_catalogue_sql());
        postgres(std::string("CREATE TABLE ") + kMarker + " (id int PRIMARY KEY)");
        postgres("CREATE PUBLICATION everything FOR ALL TABLES");
        postgres(
            "CREATE PUBLICATION catalogue FOR TABLES IN SCHEMA types, TABLE shapes.toast, "
            "shapes.serials, " +
            std::string(kMarker));
        for (const Pair& pair : pairs_) {
            for (const bool ours : {false, true}) {
                postgres("SELECT pg_create_logical_replication_slot('" + pair.prefix(ours) +
                         "', 'pgoutput')");
                kafka_.create_topic(pair.prefix(ours) + "." + kMarker);
            }
        }
        for (const std::string& table : partitioned_tables()) {
            kafka_.create_topic("dbz_plain." + table, kPartitions);
            kafka_.create_topic("tri_plain." + table, kPartitions);
        }
        start_agent();
        start_connect();
    }

    void start_agent() {
        const auto file = folder_.path() / "tributary.yaml";
        std::filesystem::create_directories(folder_.path() / "state");
        std::ofstream out(file);
        out << "agent: {id: diff, state_dir: \"" << (folder_.path() / "state").string() << "\"}\n"
            << "buffer: {max_bytes: 256MiB, min_free_disk: 16MiB}\n"
            << "admin: {listen: [\"unix:" << (folder_.path() / "admin.sock").string() << "\"]}\n"
            << "kafka: {bootstrap_servers: [\"" << kafka_.bootstrap() << "\"]}\nsources:\n";
        for (const Pair& pair : pairs_) {
            out << "  - name: " << pair.name << "\n    type: postgresql\n"
                << "    connection: {host: 127.0.0.1, port: " << postgres_.port()
                << ", dbname: " << kDatabase
                << ", user: tributary, password: \"${env:DIFFERENTIAL}\", sslmode: disable}\n"
                << "    slot: " << pair.prefix(true) << "\n    publication: " << pair.publication
                << "\n    snapshot: {mode: no_data}"
                << "\n    status_interval: 500ms\n    position_interval: 500ms\n"
                << "    topics: {prefix: " << pair.prefix(true)
                << ", schemas: " << (pair.schemas ? "true" : "false")
                << (pair.tributary.empty() ? "" : ", ") << pair.tributary << "}\n";
        }
        out.close();
        agent_ = servers::Process::spawn(
            {.command = {options_.agent.string(), "-c", file.string(), "run"},
             .environment = {{"DIFFERENTIAL", kPassword}},
             .output_file = folder_.path() / "agent.log"});
    }

    void start_connect() {
        ConnectOptions options{.directory = folder_.path() / "connect",
                               .bootstrap = kafka_.bootstrap()};
        for (const Pair& pair : pairs_) {
            Properties connector{
                {"name", pair.prefix(false)},
                {"connector.class", "io.debezium.connector.postgresql.PostgresConnector"},
                {"tasks.max", "1"},
                {"database.hostname", "127.0.0.1"},
                {"database.port", std::to_string(postgres_.port())},
                {"database.user", postgres_.superuser()},
                {"database.password", postgres_.password()},
                {"database.dbname", kDatabase},
                {"topic.prefix", pair.prefix(false)},
                {"plugin.name", "pgoutput"},
                {"slot.name", pair.prefix(false)},
                {"publication.name", pair.publication},
                {"publication.autocreate.mode", "disabled"},
                {"snapshot.mode", "no_data"},
                {"poll.interval.ms", "20"},
                {"event.processing.failure.handling.mode", "warn"},
                {"topic.creation.default.partitions", "1"},
                {"topic.creation.default.replication.factor", "1"},
                {"status.update.interval.ms", "500"},
                {"value.converter", "org.apache.kafka.connect.json.JsonConverter"},
                {"value.converter.schemas.enable", pair.schemas ? "true" : "false"},
                {"key.converter", "org.apache.kafka.connect.json.JsonConverter"},
                {"key.converter.schemas.enable", pair.schemas ? "true" : "false"}};
            for (const auto& [name, value] : pair.debezium) {
                connector[name] = value;
            }
            options.connectors.push_back(std::move(connector));
        }
        connect_ = std::make_unique<Connect>(options);
    }

    void check_processes() {
        connect_->check();
        if (!agent_.running()) {
            throw ServerFailure("the agent ended: " +
                                servers::tail_of_file(folder_.path() / "agent.log", 3000));
        }
    }

    // Until every side has delivered a marker written now.
    void quiesce() {
        postgres(std::string("INSERT INTO ") + kMarker + " VALUES (" + std::to_string(++markers_) +
                 ")");
        KafkaReader reader({.bootstrap = kafka_.bootstrap()});
        std::string missing;
        const bool there = servers::poll_until(kPatience, [&] {
            check_processes();
            missing.clear();
            for (const Pair& pair : pairs_) {
                for (const bool ours : {false, true}) {
                    const auto seen = reader.read(pair.prefix(ours) + "." + kMarker).size();
                    if (seen < static_cast<std::size_t>(markers_)) {
                        missing += " " + pair.prefix(ours);
                    }
                }
                if (!missing.empty()) {
                    break;
                }
            }
            return missing.empty();
        });
        if (!there) {
            throw ServerFailure("not delivered in time:" + missing + "; agent: " +
                                servers::tail_of_file(folder_.path() / "agent.log", 3000) +
                                "; connect: " + servers::tail_of_file(connect_->log_file(), 3000));
        }
    }

    void work(std::uint64_t seed) {
        Workload workload(seed);
        for (const std::string& statement : workload.create()) {
            postgres(statement);
        }
        for (int round = 0; round < options_.rounds; ++round) {
            for (const std::string& statement : workload.changes()) {
                postgres(statement);
            }
            quiesce();
            for (const std::string& statement : workload.structure()) {
                postgres(statement);
            }
        }
        quiesce();
    }

    // Records of other partitions than the marker's may still be on their way.
    void settle() {
        quiesce();
        captures_.clear();
        std::size_t total = 0;
        static_cast<void>(servers::poll_until(seconds(20), [&] {
            const std::size_t before = total;
            total = capture();
            return before == total && total != 0;
        }));
    }

    std::size_t capture() {
        KafkaReader reader({.bootstrap = kafka_.bootstrap()});
        std::size_t total = 0;
        const auto topics = reader.topics();
        for (const Pair& pair : pairs_) {
            for (const bool ours : {false, true}) {
                const std::string prefix = pair.prefix(ours);
                Capture& side = captures_[prefix];
                side.prefix = prefix;
                for (const std::string& topic : topics) {
                    if (topic.starts_with(prefix + ".")) {
                        auto records = reader.read(topic);
                        total += records.size();
                        side.topics[topic.substr(prefix.size() + 1)] = std::move(records);
                    }
                }
            }
        }
        return total;
    }

    int report() {
        std::size_t wrong = 0;
        for (const Pair& pair : pairs_) {
            const Comparison found =
                compare(captures_[pair.prefix(false)], captures_[pair.prefix(true)], pair.schemas);
            std::map<std::string, std::size_t> masked;
            std::map<std::string, std::size_t> shown;
            std::size_t unmasked = 0;
            for (const Difference& difference : found.differences) {
                if (const std::string* row = masks_.row_of(difference, pair.name)) {
                    ++masked[*row];
                    if (options_.masked) {
                        std::cout << "  masked [" << *row << "] " << describe(difference) << "\n";
                    }
                    continue;
                }
                ++unmasked;
                if (++shown[difference.topic + difference.path] <= 2) {
                    std::cout << "  DIFFERENT (" << pair.name << ") " << describe(difference)
                              << std::endl;
                }
            }
            std::cout << "differential: " << pair.name << ": " << found.events << " events and "
                      << found.tombstones << " tombstones compared, " << unmasked << " differences"
                      << std::endl;
            for (const auto& [row, count] : masked) {
                std::cout << "  chosen: " << row << ": " << count << "\n";
            }
            wrong += unmasked;
            if (found.events < kEventsMin) {
                std::cout << "  TOO FEW events\n";
                ++wrong;
            }
        }
        std::cout << "differential: seed " << options_.seed << ": "
                  << (wrong == 0 ? "both agree" : "NOT the same") << std::endl;
        return wrong == 0 ? 0 : 1;
    }

    const RunOptions& options_;
    servers::TemporaryDirectory folder_;
    servers::Postgres postgres_;
    servers::Kafka kafka_;
    std::vector<Pair> pairs_;
    Masks masks_;
    servers::Process agent_;
    std::unique_ptr<Connect> connect_;
    std::unique_ptr<servers::SqlConnection> sql_;
    std::ofstream history_;  // what was executed, to look into a difference
    int markers_ = 0;
    std::map<std::string, Capture> captures_;
};

}  // namespace

int run_differential(const RunOptions& options) {
    return Run(options).run();
}

}  // namespace tributary::differential
