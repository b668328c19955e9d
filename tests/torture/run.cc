// See run.h. The order at the end matters: stop the writers, heal, drain, stop the agent, settle
// its transactional id, and only then take high watermarks and read.
#include "tests/torture/run.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "format/checkpoint.h"
#include "tests/servers/failure.h"
#include "tests/servers/kafka.h"
#include "tests/servers/kafka_handle.h"
#include "tests/servers/kafka_proxy.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/places.h"
#include "tests/servers/postgres.h"
#include "tests/servers/process.h"
#include "tests/torture/judge.h"
#include "tests/torture/nemesis.h"
#include "tests/torture/writers.h"

namespace tributary::torture {
namespace {

using servers::Kafka;
using servers::KafkaProxy;
using servers::KafkaReader;
using servers::Postgres;
using servers::Process;
using servers::ServerFailure;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kWriters = 4;
constexpr seconds kDrainLimit{150};
constexpr seconds kAgentStopLimit{60};
constexpr const char* kPrefix = "x";
constexpr const char* kTransactionalId = "tributary.torture.db";
constexpr const char* kCheckpointTopic = "_tributary.checkpoint.torture.db";

std::int64_t wall_time_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::uint64_t lsn_number(servers::SqlConnection& sql, const std::string& expression) {
    return std::stoull(sql.sql("SELECT (" + expression + " - '0/0'::pg_lsn)::bigint").value());
}

constexpr const char* kConfirmed =
    "(SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'torture')";

// Reads the slot's confirmed position all the time.
class SlotSampler {
  public:
    explicit SlotSampler(std::string conninfo)
        : conninfo_(std::move(conninfo)), thread_([this] { work(); }) {}
    ~SlotSampler() { static_cast<void>(stop()); }
    SlotSampler(const SlotSampler&) = delete;
    SlotSampler& operator=(const SlotSampler&) = delete;

    std::vector<SlotSample> stop() {
        stopping_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
        return std::move(samples_);
    }

  private:
    void work() {
        while (!stopping_) {
            try {
                servers::SqlConnection sql(conninfo_);
                while (!stopping_) {
                    const std::uint64_t confirmed = lsn_number(sql, kConfirmed);
                    samples_.push_back({wall_time_us(), confirmed});
                    std::this_thread::sleep_for(milliseconds(100));
                }
            } catch (const ServerFailure&) {
                std::this_thread::sleep_for(milliseconds(50));
            }
        }
    }

    std::string conninfo_;
    std::vector<SlotSample> samples_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

class Run {
  public:
    explicit Run(const RunOptions& options)
        : options_(options),
          folder_("torture"),
          postgres_({.directory = folder_.path() / "postgres",
                     .fsync = true,
                     .settings = {{"wal_sender_timeout", "10s"}}}),
          kafka_({.directory = folder_.path() / "kafka",
                  .version = options.kafka,
                  .properties = {{"log.cleaner.enable", "false"}},
                  .advertised_port = proxy_.port(),
                  .port = target(),
                  .heap = "384m"}) {}

    int run() {
        std::cout << "torture: seed " << options_.seed << ", " << options_.faults
                  << " faults, Kafka " << options_.kafka << ", folder " << folder_.path().string()
                  << std::endl;
        prepare();
        Writers writers(postgres_.conninfo("torture"), options_.seed, kWriters);
        SlotSampler sampler(postgres_.conninfo("torture"));
        strike(draw_faults({.seed = options_.seed,
                            .faults = options_.faults,
                            .kill_kafka = options_.kafka == servers::kKafka3}));
        writers.stop();
        acknowledged_ = writers.acknowledged();
        drain();
        evidence_.slot = sampler.stop();
        stop_agent();
        settle();
        collect();
        plant();
        return report();
    }

  private:
    std::uint16_t target() {
        proxy_.forward_to(kafka_port_.port());
        return kafka_port_.port();
    }

    void problem(std::string text) {
        std::cout << "torture: PROBLEM: " << text << std::endl;
        problems_.push_back(std::move(text));
    }

    void prepare() {
        postgres_.sql("CREATE DATABASE torture");
        postgres_.create_user("tributary", "torture", "REPLICATION");
        postgres_.sql(create_tables_sql(), "torture");
        postgres_.sql("CREATE PUBLICATION torture FOR ALL TABLES", "torture");
        write_configuration();
        start_agent();
        if (!servers::poll_until(seconds(60), [this] {
                return !postgres_
                            .sql(
                                "SELECT 1 FROM pg_replication_slots WHERE slot_name = 'torture' "
                                "AND confirmed_flush_lsn IS NOT NULL")
                            .rows.empty();
            })) {
            throw ServerFailure("the agent made no slot: " + servers::tail_of_file(agent_log()));
        }
        postgres_.sql("SELECT pg_create_logical_replication_slot('truth', 'test_decoding')",
                      "torture");
        auto sql = postgres_.connect("torture");
        evidence_.slot_created_lsn = lsn_number(sql, kConfirmed);
        evidence_.prefix = kPrefix;
        evidence_.keyless_tables = {kKeylessTable};
    }

    void write_configuration() {
        std::filesystem::create_directories(folder_.path() / "state");
        std::ofstream file(folder_.path() / "tributary.yaml");
        file << "agent: {id: torture, state_dir: \"" << (folder_.path() / "state").string()
             << "\"}\n"
             << "buffer: {max_bytes: 1GiB, min_free_disk: 64MiB}\n"
             << "admin: {listen: [\"unix:" << (folder_.path() / "admin.sock").string() << "\"]}\n"
             << "kafka:\n  bootstrap_servers: [\"" << proxy_.bootstrap() << "\"]\n"
             << "  transaction_timeout: 30s\n"
             << "  properties: {socket.timeout.ms: \"3000\"}\n"
             << "sources:\n  - name: db\n    type: postgresql\n"
             << "    connection: {host: 127.0.0.1, port: " << postgres_.port()
             << ", dbname: torture, user: tributary, password: \"${env:TORTURE_PASSWORD}\", "
                "sslmode: disable}\n"
             << "    slot: torture\n    publication: torture\n    ack: delivered\n"
             << "    snapshot: {mode: no_data}\n"
             << "    topics: {prefix: " << kPrefix << "}\n"
             << "    delivery: {transaction_rows: 60, transaction_bytes: 256KiB, "
                "transaction_age: 5ms}\n"
             << "    status_interval: 100ms\n    position_interval: 500ms\n";
    }

    [[nodiscard]] std::filesystem::path agent_log() const { return folder_.path() / "agent.log"; }

    void start_agent() {
        agent_ = Process::spawn({.command = {options_.agent.string(),
                                             "--config",
                                             (folder_.path() / "tributary.yaml").string(),
                                             "run"},
                                 .environment = {{"TORTURE_PASSWORD", "torture"}},
                                 .output_file = agent_log()});
    }

    // The agent never ends by itself in a run: every fault here is one that it promises to survive.
    void expect_agent() {
        if (!agent_.running()) {
            const auto status = agent_.wait(milliseconds(0));
            problem("the agent ended by itself, code " +
                    std::to_string(status ? status->code : -1) + " signal " +
                    std::to_string(status ? status->signal : -1) + ": " +
                    servers::tail_of_file(agent_log(), 600));
            start_agent();
        }
    }

    void strike(const std::vector<Fault>& faults) {
        const auto begin = steady_clock::now();
        for (const Fault& fault : faults) {
            if (options_.limit.count() > 0 && steady_clock::now() - begin >= options_.limit) {
                break;
            }
            std::this_thread::sleep_for(fault.wait);
            expect_agent();
            const auto at = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
            faults_done_.push_back(std::to_string(at.count()) + " ms: " + describe(fault));
            strike(fault);
            ++counts_[fault.kind];
        }
    }

    void strike(const Fault& fault) {
        switch (fault.kind) {
            case FaultKind::agent_kill:
                agent_.kill();
                return start_agent();
            case FaultKind::agent_terminate:
                stop_agent();
                return start_agent();
            case FaultKind::agent_freeze:
                agent_.freeze();
                std::this_thread::sleep_for(fault.length);
                return agent_.thaw();
            case FaultKind::postgres_kill:
                postgres_.kill9();
                return postgres_.start();
            case FaultKind::kafka_kill:
                kafka_.kill9();
                return kafka_.start();
            case FaultKind::kafka_restart:
                kafka_.stop();
                return kafka_.start();
            case FaultKind::kafka_freeze:
                kafka_.freeze();
                std::this_thread::sleep_for(fault.length);
                return kafka_.thaw();
            case FaultKind::link_cut:
                proxy_.cut();
                std::this_thread::sleep_for(fault.length);
                return proxy_.restore();
            case FaultKind::end_txn_held:
                return hold(KafkaProxy::kEndTxn, fault.length);
            case FaultKind::produce_held:
                return hold(KafkaProxy::kProduce, fault.length);
        }
    }

    void hold(std::int16_t api_key, milliseconds length) {
        proxy_.hold(api_key, 1);
        held_ += servers::poll_until(seconds(3), [this] { return proxy_.held() > 0; }) ? 1 : 0;
        std::this_thread::sleep_for(length);
        proxy_.release();
    }

    // Everything committed so far is in Kafka when the slot, which is confirmed only from there,
    // has passed the WAL's end.
    void drain() {
        postgres_.sql("INSERT INTO moved(id, n) VALUES (0, nextval('version'))", "torture");
        auto sql = postgres_.connect("torture");
        const std::uint64_t end = lsn_number(sql, "pg_current_wal_lsn()");
        const auto begin = steady_clock::now();
        if (!servers::poll_until(kDrainLimit, [&] {
                expect_agent();
                return lsn_number(sql, kConfirmed) >= end;
            })) {
            problem("not drained in " + std::to_string(kDrainLimit.count()) + " s: confirmed " +
                    std::to_string(lsn_number(sql, kConfirmed)) + " of " + std::to_string(end));
        }
        drain_ms_ = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin).count();
    }

    void stop_agent() {
        agent_.signal(SIGTERM);
        const auto status = agent_.wait(kAgentStopLimit);
        if (!status) {
            problem("the agent did not end within 60 s of SIGTERM");
            agent_.kill();
        } else if (!status->clean() && status->signal != SIGTERM) {
            // SIGTERM itself ends a process that has not come to its handlers yet.
            problem("after SIGTERM the agent ended with code " + std::to_string(status->code) +
                    " signal " + std::to_string(status->signal));
        }
    }

    void settle() {
        const auto producer = servers::make_client(
            RD_KAFKA_PRODUCER,
            {{"bootstrap.servers", proxy_.bootstrap()}, {"transactional.id", kTransactionalId}});
        const servers::ErrorHandle error(rd_kafka_init_transactions(producer.get(), 60000));
        if (error) {
            throw ServerFailure(std::string("settle: ") + rd_kafka_error_string(error.get()));
        }
    }

    void collect() {
        auto sql = postgres_.connect("torture");
        TruthParser parser;
        while (true) {
            const auto answer = sql.sql(
                "SELECT (lsn - '0/0'::pg_lsn)::bigint, left(data, 600) FROM "
                "pg_logical_slot_get_changes('truth', NULL, 20000, 'include-xids', '1', "
                "'skip-empty-xacts', '1')");
            if (answer.rows.empty()) {
                break;
            }
            for (const auto& row : answer.rows) {
                parser.add(std::stoull(row.at(0).value()), row.at(1).value());
            }
        }
        evidence_.truth = parser.take();
        KafkaReader reader({.bootstrap = proxy_.bootstrap(), .limit = seconds(120)});
        const auto topics = reader.topics();
        for (const std::string& table : written_tables()) {
            const std::string topic = std::string(kPrefix) + "." + table;
            if (std::find(topics.begin(), topics.end(), topic) != topics.end()) {
                evidence_.by_table[table] = reader.read(topic);
            }
        }
        for (const auto& record : reader.read(kCheckpointTopic)) {
            const auto checkpoint = format::unpack_checkpoint(record.value.value_or(""));
            if (!checkpoint) {
                throw ServerFailure("checkpoint: " + checkpoint.error().what());
            }
            evidence_.checkpoints.push_back(checkpoint.value());
        }
    }

    void plant() {
        auto& records = evidence_.by_table["public.t0"];
        const std::size_t middle = records.size() / 2;
        if (options_.plant == Plant::none || records.size() < 3) {
            return;
        }
        const auto at = records.begin() + static_cast<std::ptrdiff_t>(middle);
        if (options_.plant == Plant::lose) {
            records.erase(at);
        } else if (options_.plant == Plant::swap) {
            std::swap(*at, *(at + 1));
        } else {
            const auto copy = *at;
            records.push_back(copy);
        }
    }

    // Oracle 4; the number of tables that differ.
    int compare_states() {
        int different = 0;
        auto sql = postgres_.connect("torture");
        for (const std::string& table : written_tables()) {
            const auto columns = sql.sql("SELECT attname FROM pg_attribute WHERE attrelid = '" +
                                         table + "'::regclass AND attnum > 0 AND NOT attisdropped");
            std::vector<std::string> names;
            for (const auto& row : columns.rows) {
                names.push_back(row.at(0).value());
            }
            std::vector<std::string> expected;
            for (const auto& row : sql.sql("SELECT row_to_json(x) FROM " + table + " x").rows) {
                expected.push_back(nlohmann::json::parse(row.at(0).value()).dump());
            }
            std::sort(expected.begin(), expected.end());
            const auto found =
                materialise(evidence_.by_table[table], names, table == kKeylessTable);
            state_rows_ += expected.size();
            if (found != expected) {
                ++different;
                const auto [left, right] =
                    std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
                problem(table + ": state differs: table " +
                        (left == expected.end() ? "ends" : left->substr(0, 200)) + "; topic " +
                        (right == found.end() ? "ends" : right->substr(0, 200)));
            }
        }
        return different;
    }

    [[nodiscard]] int done(std::initializer_list<FaultKind> kinds) const {
        int sum = 0;
        for (const FaultKind kind : kinds) {
            const auto count = counts_.find(kind);
            sum += count == counts_.end() ? 0 : count->second;
        }
        return sum;
    }

    [[nodiscard]] std::string summary(const Verdict& verdict) const {
        const auto text = [](auto number) { return std::to_string(number); };
        return text(faults_done_.size()) + " faults (" + text(done({FaultKind::agent_kill})) +
               " agent, " + text(done({FaultKind::postgres_kill})) + " postgres, " +
               text(done({FaultKind::kafka_kill})) + " kafka kills, " +
               text(done({FaultKind::agent_terminate, FaultKind::kafka_restart})) + " restarts, " +
               text(done({FaultKind::agent_freeze, FaultKind::kafka_freeze})) + " freezes, " +
               text(done({FaultKind::link_cut})) + " cuts, " + text(held_) + " held requests), " +
               text(verdict.rows) + " rows, " + text(verdict.transactions) + " transactions, " +
               text(verdict.checkpoints) + " checkpoints: " + text(verdict.lost) + " lost, " +
               text(verdict.twice) + " twice, " +
               (verdict.out_of_order == 0 ? "in order" : "OUT OF ORDER");
    }

    int report() {
        const Verdict verdict = judge(evidence_);
        const int different = compare_states();
        if (verdict.transactions < acknowledged_ / 2 || verdict.rows < 100 ||
            verdict.checkpoints < 10 || evidence_.slot.size() < 10 ||
            faults_done_.size() < static_cast<std::size_t>(options_.faults_min)) {
            problem("the run did not reach its load: " + std::to_string(verdict.rows) + " rows, " +
                    std::to_string(evidence_.slot.size()) + " samples of the slot, " +
                    std::to_string(faults_done_.size()) + " faults");
        }
        const bool good = verdict.good() && problems_.empty() && different == 0;
        std::cout << "torture: drained in " << drain_ms_ << " ms; " << verdict.records
                  << " records; " << state_rows_ << " rows of state, " << different
                  << " tables differ; " << evidence_.slot.size() << " samples of the slot\n";
        if (!good) {
            std::cout << "torture: FAILED, seed " << options_.seed << ", kept in "
                      << folder_.path().string() << "\nfaults:\n";
            for (const std::string& fault : faults_done_) {
                std::cout << "  " << fault << '\n';
            }
            std::cout << "lost " << verdict.lost << ", twice " << verdict.twice << ", unexpected "
                      << verdict.unexpected << ", partitions out of order " << verdict.out_of_order
                      << ", broken " << verdict.broken << '\n';
            for (const std::string& difference : verdict.differences) {
                std::cout << "  " << difference << '\n';
            }
            for (const std::string& one : problems_) {
                std::cout << "  problem: " << one << '\n';
            }
        }
        if (good && !options_.keep) {
            ::unsetenv("TRIBUTARY_KEEP");
        }
        std::cout << "torture: " << (good ? "" : "FAILED: ") << summary(verdict) << std::endl;
        return good ? 0 : 1;
    }

    RunOptions options_;
    servers::TemporaryDirectory folder_;
    servers::PortLease kafka_port_;
    KafkaProxy proxy_;
    Postgres postgres_;
    Kafka kafka_;
    Process agent_;
    Evidence evidence_;
    std::map<FaultKind, int> counts_;
    std::vector<std::string> faults_done_;
    std::vector<std::string> problems_;
    std::uint64_t acknowledged_ = 0;
    std::size_t state_rows_ = 0;
    std::int64_t drain_ms_ = 0;
    int held_ = 0;
};

}  // namespace

int run_torture(const RunOptions& options) {
    ::setenv("TRIBUTARY_KEEP", "1", 1);  // until the run is known to be good
    return std::make_unique<Run>(options)->run();
}

}  // namespace tributary::torture
