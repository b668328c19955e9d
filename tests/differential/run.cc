// See run.h. DDL is quiesced: both sides have delivered all that was before it, because Debezium
// reads the catalogue of the moment at which it sees a table's structure.
#include "tests/differential/run.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tests/differential/compare.h"
#include "tests/differential/connect.h"
#include "tests/differential/database.h"
#include "tests/differential/masks.h"
#include "tests/differential/script.h"
#include "tests/differential/takeover.h"
#include "tests/servers/failure.h"
#include "tests/servers/kafka.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/places.h"

namespace tributary::differential {
namespace {

using servers::KafkaReader;
using servers::ServerFailure;
using std::chrono::seconds;

constexpr int kPartitions = 3;
constexpr seconds kPatience{150};

class Run {
  public:
    explicit Run(const RunOptions& options)
        : options_(options),
          folder_("differential"),
          // A broker that a busy machine starves must not be fenced: a Debezium task that meets
          // that is killed for good.
          kafka_({.directory = folder_.path() / "kafka",
                  .properties = {{"broker.session.timeout.ms", "30000"}},
                  .heap = "384m"}),
          masks_(options.differences) {
        for (const std::string& name : options.databases) {
            const auto make = name == "postgresql" ? make_postgresql
                              : name == "mysql"    ? make_mysql
                                                   : make_mariadb;
            Site& site = sites_.emplace_back();
            site.database = make(folder_.path() / name);
            site.history = std::ofstream(folder_.path() / (name + ".sql"));
        }
    }

    int run() {
        std::cout << "differential: seed " << options_.seed << ", " << options_.seeds
                  << " seeds, folder " << folder_.path().string() << std::endl;
        prepare();
        warm_up();
        for (std::size_t index = 0; index < sites_.size(); ++index) {
            Site& site = sites_[index];
            site.catalogue = site.database->catalogue();
            for (auto& round : read_script(options_.scripts, options_.databases[index])) {
                site.catalogue.push_back(std::move(round));
            }
        }
        for (std::size_t round = 0; execute_round(round); ++round) {
            quiesce();
        }
        for (int index = 0; index < options_.seeds; ++index) {
            work(options_.seed + static_cast<std::uint64_t>(index));
        }
        settle();
        const int compared = report();
        return take_over() ? compared : 1;
    }

  private:
    struct Site {
        std::unique_ptr<Database> database;
        std::ofstream history;  // what was executed, to look into a difference
        std::unique_ptr<History> random = nullptr;
        Start start = {};
        std::vector<std::vector<std::string>> catalogue = {};
    };

    static const char* mode_of(const Pair& pair) { return pair.rows ? "initial" : "no_data"; }

    static std::string marker_of(const Site& site, const Pair& pair) {
        return pair.rows ? kLastKept : site.database->marker();
    }

    static void execute(Site& site, const std::string& statement) {
        try {
            site.history << statement << ";" << std::endl;
            site.database->execute(statement);
        } catch (const ServerFailure& failure) {
            throw ServerFailure(std::string(failure.what()) + " in: " + statement);
        }
    }

    // False: no site has a round of that number.
    bool execute_round(std::size_t round) {
        bool any = false;
        for (Site& site : sites_) {
            if (round < site.catalogue.size()) {
                any = true;
                for (const std::string& statement : site.catalogue[round]) {
                    execute(site, statement);
                }
            }
        }
        return any;
    }

    // Calls each(site, pair, prefix) for both sides of every pair.
    template <typename Each>
    void for_each_side(Each each) {
        for (Site& site : sites_) {
            for (const Pair& pair : site.database->pairs()) {
                each(site, pair, prefix_of(pair, false));
                each(site, pair, prefix_of(pair, true));
            }
        }
    }

    void prepare() {
        for (Site& site : sites_) {
            site.database->prepare();
        }
        for_each_side([&](Site& site, const Pair& pair, const std::string& prefix) {
            kafka_.create_topic(prefix + "." + marker_of(site, pair));
            if (!pair.schemas) {
                for (const std::string& table : site.database->partitioned_tables()) {
                    kafka_.create_topic(prefix + "." + table, kPartitions);
                }
            }
        });
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
        for (Site& site : sites_) {
            for (const Pair& pair : site.database->pairs()) {
                out << "  - name: " << pair.name << "\n"
                    << site.database->agent_source(pair) << pair.selection
                    << "    snapshot: {mode: " << mode_of(pair)
                    << "}\n    position_interval: 500ms\n"
                    << "    topics: {prefix: " << prefix_of(pair, true)
                    << ", schemas: " << (pair.schemas ? "true" : "false")
                    << (pair.tributary.empty() ? "" : ", ") << pair.tributary << "}\n";
            }
        }
        out.close();
        agent_ = servers::Process::spawn(
            {.command = {options_.agent.string(), "-c", file.string(), "run"},
             .environment = {{"DIFFERENTIAL", kAgentPassword}},
             .output_file = folder_.path() / "agent.log"});
    }

    void start_connect() {
        ConnectOptions options{.directory = folder_.path() / "connect",
                               .bootstrap = kafka_.bootstrap()};
        for (Site& site : sites_) {
            for (const Pair& pair : site.database->pairs()) {
                Properties connector{
                    {"name", prefix_of(pair, false)},
                    {"tasks.max", "1"},
                    {"database.hostname", "127.0.0.1"},
                    {"topic.prefix", prefix_of(pair, false)},
                    {"snapshot.mode", mode_of(pair)},
                    {"poll.interval.ms", "20"},
                    {"include.schema.changes", "false"},
                    {"event.processing.failure.handling.mode", "warn"},
                    {"topic.creation.default.partitions", "1"},
                    {"topic.creation.default.replication.factor", "1"},
                    {"value.converter", "org.apache.kafka.connect.json.JsonConverter"},
                    {"value.converter.schemas.enable", pair.schemas ? "true" : "false"},
                    {"key.converter", "org.apache.kafka.connect.json.JsonConverter"},
                    {"key.converter.schemas.enable", pair.schemas ? "true" : "false"}};
                for (const auto& [name, value] : site.database->connector(pair, folder_.path())) {
                    connector[name] = value;
                }
                for (const auto& [name, value] : pair.debezium) {
                    connector[name] = value;
                }
                if (pair.name == taken(site).name) {
                    connector["heartbeat.interval.ms"] = "1000";
                }
                options.connectors.push_back(std::move(connector));
            }
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

    void mark() {
        ++markers_;
        for (Site& site : sites_) {
            execute(site,
                    "INSERT INTO " + site.database->marker() + " VALUES (" +
                        std::to_string(markers_) + ")");
        }
    }

    // The sides that have not delivered marker `id` yet, or, with 0 and of rows, none at all; those
    // in `seen` are not looked at again.
    std::string waiting_for(KafkaReader& reader, int id, std::set<std::string>& seen) {
        std::string missing;
        const std::string text = "\"id\":" + std::to_string(id) + "}";
        for_each_side([&](Site& site, const Pair& pair, const std::string& prefix) {
            if (seen.contains(prefix)) {
                return;
            }
            const auto records = reader.read(prefix + "." + marker_of(site, pair));
            if (records.empty() ||
                (id != 0 && !pair.rows && records.back().key->find(text) == std::string::npos)) {
                missing += " " + prefix;
            } else {
                seen.insert(prefix);
            }
        });
        return missing;
    }

    // A reader of a binary log starts where that ends when it connects.
    void warm_up() {
        KafkaReader reader({.bootstrap = kafka_.bootstrap()});
        std::string missing;
        std::set<std::string> seen;
        const bool there = servers::poll_until(kPatience, [&] {
            check_processes();
            mark();
            missing = waiting_for(reader, 0, seen);
            return missing.empty();
        });
        if (!there) {
            fail_for(missing);
        }
        for (Site& site : sites_) {
            site.start = site.database->end_of_log();
        }
    }

    // Until every side has delivered a marker written now.
    void quiesce() {
        mark();
        KafkaReader reader({.bootstrap = kafka_.bootstrap()});
        std::string missing;
        std::set<std::string> seen;
        const bool there = servers::poll_until(kPatience, [&] {
            check_processes();
            missing = waiting_for(reader, markers_, seen);
            return missing.empty();
        });
        if (!there) {
            fail_for(missing);
        }
    }

    [[noreturn]] void fail_for(const std::string& missing) {
        throw ServerFailure("not delivered in time:" + missing + "; agent: " +
                            servers::tail_of_file(folder_.path() / "agent.log", 3000) +
                            "; connect: " + servers::tail_of_file(connect_->log_file(), 3000));
    }

    void work(std::uint64_t seed) {
        for (Site& site : sites_) {
            site.random = site.database->history(seed);
            for (const std::string& statement : site.random->create()) {
                execute(site, statement);
            }
        }
        for (int round = 0; round < options_.rounds; ++round) {
            for (Site& site : sites_) {
                for (const std::string& statement : site.random->changes()) {
                    execute(site, statement);
                }
            }
            quiesce();
            for (Site& site : sites_) {
                for (const std::string& statement : site.random->structure()) {
                    execute(site, statement);
                }
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
        for_each_side([&](Site& site, const Pair& /*pair*/, const std::string& prefix) {
            Capture& side = captures_[prefix];
            side.prefix = prefix;
            side.start = site.start;
            for (const std::string& topic : topics) {
                if (topic == prefix || topic.starts_with(prefix + ".")) {
                    auto records = reader.read(topic);
                    total += records.size();
                    const std::size_t head = std::min(topic.size(), prefix.size() + 1);
                    side.topics[topic.substr(head)] = std::move(records);
                }
            }
        });
        return total;
    }

    int report() {
        std::size_t wrong = 0;
        for (const Site& site : sites_) {
            for (const Pair& pair : site.database->pairs()) {
                wrong += report(pair);
            }
        }
        std::cout << "differential: seed " << options_.seed << ": "
                  << (wrong == 0 ? "both agree" : "NOT the same") << std::endl;
        return wrong == 0 ? 0 : 1;
    }

    std::size_t report(const Pair& pair) {
        const Comparison found = compare(
            captures_[prefix_of(pair, false)], captures_[prefix_of(pair, true)], pair.schemas);
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
        if (found.events < pair.events_min) {
            std::cout << "  TOO FEW events\n";
            ++unmasked;
        }
        return unmasked;
    }

    // The pair whose connector the agent takes over in the end, without transaction metadata.
    static const Pair& taken(const Site& site) { return site.database->pairs().at(1); }

    bool take_over() {
        bool exact = true;
        for (Site& site : sites_) {
            exact = take_over(site) && exact;
        }
        return exact;
    }

    // Rows before, between and after the cut-over come exactly once.
    bool take_over(Site& site) {
        const std::string name = prefix_of(taken(site), false);
        Takeover takeover({.agent = options_.agent,
                           .folder = folder_.path() / ("takeover_" + name),
                           .bootstrap = kafka_.bootstrap(),
                           .connector = name,
                           .password = site.database->connector(
                               taken(site), folder_.path())["database.password"]},
                          *connect_);
        if (!servers::poll_until(kPatience, [&] { return takeover.is_between_transactions(); })) {
            throw ServerFailure(name + " stays inside a transaction");
        }
        takeover.convert();
        const std::string marker = site.database->marker();
        int last = markers_;
        const auto insert = [&] {
            execute(site,
                    "INSERT INTO " + marker + " VALUES (" + std::to_string(last + 1) + "), (" +
                        std::to_string(last + 2) + ")");
            last += 2;
        };
        insert();
        insert();
        takeover.start_agent();
        insert();
        std::map<int, int> seen;  // id -> records
        static_cast<void>(servers::poll_until(kPatience, [&] {
            seen.clear();
            for (const auto& record :
                 KafkaReader({.bootstrap = kafka_.bootstrap()}).read(name + "." + marker)) {
                ++seen[std::stoi(record.key->substr(record.key->find(':') + 1))];
            }
            return seen.contains(last);
        }));
        const bool once =
            std::all_of(seen.begin(), seen.end(), [](const auto& row) { return row.second == 1; });
        // A reader of a binary log began at some marker.
        const auto wanted = static_cast<std::size_t>(last + 1 - seen.begin()->first);
        const bool exact = once && seen.size() == wanted;
        std::cout << "differential: " << name << " taken over: " << seen.size() << " of " << wanted
                  << " rows" << (once ? ", each once" : ", some REPEATED") << std::endl;
        return exact;
    }

    const RunOptions& options_;
    servers::TemporaryDirectory folder_;
    servers::Kafka kafka_;
    Masks masks_;
    std::vector<Site> sites_;
    servers::Process agent_;
    std::unique_ptr<Connect> connect_;
    int markers_ = 0;
    std::map<std::string, Capture> captures_;
};

}  // namespace

int run_differential(const RunOptions& options) {
    return Run(options).run();
}

}  // namespace tributary::differential
