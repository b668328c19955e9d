#include "tests/torture/postgres_feed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "tests/servers/failure.h"
#include "tests/servers/postgres.h"
#include "tests/torture/postgres_truth.h"
#include "tests/torture/postgres_writers.h"

namespace tributary::torture {
namespace {

using servers::Postgres;
using servers::ServerFailure;
using std::chrono::milliseconds;

constexpr const char* kPrefix = "x";
constexpr const char* kConfirmed =
    "(SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'torture')";

std::int64_t wall_time_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::uint64_t lsn_number(servers::SqlConnection& sql, const std::string& expression) {
    return std::stoull(sql.sql("SELECT (" + expression + " - '0/0'::pg_lsn)::bigint").value());
}

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

class PostgresFeed final : public Feed {
  public:
    explicit PostgresFeed(const DatabaseFeedOptions& options)
        : options_(options),
          server_(
              {.directory = options.folder,
               .fsync = true,
               .settings = {{"wal_sender_timeout", "10s"}, {"max_prepared_transactions", "10"}}}) {
        server_.sql("CREATE DATABASE torture");
        server_.create_user("tributary", kFeedPassword, "REPLICATION");
        server_.sql(create_postgres_tables_sql(), "torture");
        server_.sql("CREATE PUBLICATION torture FOR ALL TABLES", "torture");
    }

    [[nodiscard]] std::string name() const override { return "postgres"; }
    [[nodiscard]] std::vector<std::string> configuration() const override {
        return {"type: postgresql",
                "connection: {host: 127.0.0.1, port: " + std::to_string(server_.port()) +
                    ", dbname: torture, user: tributary, password: "
                    "\"${env:TORTURE_PASSWORD}\", sslmode: disable}",
                "slot: torture",
                "publication: torture",
                "ack: delivered",
                "snapshot: {mode: no_data}",
                std::string("topics: {prefix: ") + kPrefix + "}",
                "status_interval: 100ms",
                "position_interval: 500ms"};
    }
    [[nodiscard]] bool twin_follows() const override { return true; }

    void begin() override {
        server_.sql("SELECT pg_create_logical_replication_slot('truth', 'test_decoding')",
                    "torture");
        auto sql = server_.connect("torture");
        slot_created_lsn_ = lsn_number(sql, kConfirmed);
        writers_ = std::make_unique<PostgresWriters>(
            server_.conninfo("torture"), options_.seed, options_.writers);
        sampler_ = std::make_unique<SlotSampler>(server_.conninfo("torture"));
    }

    void end() override {
        writers_->stop();
        last_n_ = std::stoll(server_
                                 .sql("INSERT INTO moved(id, n) VALUES (0, nextval('version')) "
                                      "RETURNING n",
                                      "torture")
                                 .value());
        auto sql = server_.connect("torture");
        end_lsn_ = lsn_number(sql, "pg_current_wal_lsn()");
    }

    bool drained(const std::string& bootstrap) override {
        auto sql = server_.connect("torture");
        return lsn_number(sql, kConfirmed) >= end_lsn_ &&
               last_word_.seen(bootstrap,
                               std::string(kPrefix) + ".public.moved",
                               [this](const auto& record) { return is_last_row(record, last_n_); });
    }

    FeedReport judge(servers::KafkaReader& reader, Plant wrong) override {
        FeedReport report;
        const auto samples = sampler_->stop();
        Evidence evidence = postgres_evidence(truth(), {kPostgresKeylessTable});
        evidence.by_table = read_tables(reader, kPrefix, postgres_tables());
        evidence.checkpoints = read_checkpoints(reader, name());
        plant(evidence.by_table["public.t0"], wrong);
        report.verdict = torture::judge(evidence);
        check_slot(samples, slot_created_lsn_, evidence.checkpoints, report.verdict);
        compare_states(evidence, report);
        report.note = std::to_string(samples.size()) + " samples of the slot";
        const std::uint64_t acknowledged = writers_->acknowledged();
        if (report.verdict.transactions < acknowledged / 2 || report.verdict.rows < 100 ||
            report.verdict.checkpoints < 10 || samples.size() < 10) {
            report.problems.push_back("too little load: " + std::to_string(report.verdict.rows) +
                                      " rows, " + std::to_string(samples.size()) + " samples");
        }
        return report;
    }

    [[nodiscard]] bool can_be_killed() const override { return true; }
    void kill9() override { server_.kill9(); }
    void stop() override { server_.stop(); }
    void start() override { server_.start(); }
    void freeze() override { server_.freeze(); }
    void thaw() override { server_.thaw(); }
    void kick() override {
        server_.sql(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = "
            "'torture' AND active_pid IS NOT NULL");
    }

  private:
    std::vector<TrueTransaction> truth() {
        auto sql = server_.connect("torture");
        TruthParser parser;
        while (true) {
            const auto answer = sql.sql(
                "SELECT (lsn - '0/0'::pg_lsn)::bigint, left(data, 600) FROM "
                "pg_logical_slot_get_changes('truth', NULL, 20000, 'include-xids', '1', "
                "'skip-empty-xacts', '1')");
            if (answer.rows.empty()) {
                return parser.take();
            }
            for (const auto& row : answer.rows) {
                parser.add(std::stoull(row.at(0).value()), row.at(1).value());
            }
        }
    }

    // Oracle 4.
    void compare_states(Evidence& evidence, FeedReport& report) {
        auto sql = server_.connect("torture");
        for (const std::string& table : postgres_tables()) {
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
            compare_state(
                table,
                std::move(expected),
                materialise(evidence.by_table[table], names, table == kPostgresKeylessTable),
                report);
        }
    }

    DatabaseFeedOptions options_;
    Postgres server_;
    std::unique_ptr<PostgresWriters> writers_;
    std::unique_ptr<SlotSampler> sampler_;
    LastWord last_word_;
    std::uint64_t slot_created_lsn_ = 0;
    std::uint64_t end_lsn_ = 0;
    std::int64_t last_n_ = 0;
};

}  // namespace

std::unique_ptr<Feed> make_postgres_feed(const DatabaseFeedOptions& options) {
    return std::make_unique<PostgresFeed>(options);
}

}  // namespace tributary::torture
