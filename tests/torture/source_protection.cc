// tributary-source-protection: Kafka is dead while a lot is written to PostgreSQL. What the slot
// keeps must stay near its bound (`ack: auto`), the agent's log takes the rest, no writer waits;
// Kafka comes back and everything arrives once. Prints its figures (docs/performance.md); run by
// hand. Threads: main, and one that samples the server.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "admin/client.h"
#include "tests/servers/failure.h"
#include "tests/servers/kafka.h"
#include "tests/servers/kafka_proxy.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/places.h"
#include "tests/servers/postgres.h"
#include "tests/servers/process.h"

namespace tributary::torture {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::int64_t kMiB = 1 << 20;
constexpr int kRowBytes = 8000;
constexpr int kRowsPerTransaction = 128;  // about a MiB
constexpr seconds kStartLimit{60};
constexpr seconds kDrainLimit{900};

struct Options {
    fs::path agent;
    std::int64_t mebibytes = 2048;
    std::string pressure_limit;  // empty: the default
};

double seconds_since(steady_clock::time_point begin) {
    return std::chrono::duration<double>(steady_clock::now() - begin).count();
}

std::uint64_t bytes_below(const fs::path& folder) {
    std::uint64_t sum = 0;
    std::error_code gone;  // files come and go meanwhile
    for (auto entry = fs::recursive_directory_iterator(folder, gone);
         entry != fs::recursive_directory_iterator();
         entry.increment(gone)) {
        const auto size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
        sum += gone ? 0 : size;
    }
    return sum;
}

// The most that the slot held back, and that the log and the agent's memory came to.
class Sampler {
  public:
    Sampler(std::string conninfo, fs::path log)
        : conninfo_(std::move(conninfo)), log_(std::move(log)), thread_([this] { work(); }) {}
    ~Sampler() { stop(); }
    Sampler(const Sampler&) = delete;
    Sampler& operator=(const Sampler&) = delete;

    void stop() {
        stopping_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    std::int64_t unconfirmed_max = 0;
    std::int64_t kept_max = 0;  // from the slot's restart_lsn
    std::uint64_t log_max = 0;

  private:
    void work() {
        servers::SqlConnection sql(conninfo_);
        while (!stopping_) {
            const auto row =
                sql.sql(
                       "SELECT pg_current_wal_lsn() - confirmed_flush_lsn, pg_current_wal_lsn() - "
                       "restart_lsn FROM pg_replication_slots WHERE slot_name = 'protected'")
                    .rows.at(0);
            unconfirmed_max =
                std::max<std::int64_t>(unconfirmed_max, std::stoll(row.at(0).value()));
            kept_max = std::max<std::int64_t>(kept_max, std::stoll(row.at(1).value()));
            log_max = std::max(log_max, bytes_below(log_));
            std::this_thread::sleep_for(milliseconds(250));
        }
    }

    std::string conninfo_;
    fs::path log_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

class Site {
  public:
    explicit Site(const Options& options)
        : options_(options),
          postgres_({.directory = folder_.path() / "pg",
                     .fsync = true,
                     .settings = {{"max_wal_size", "1GB"}}}) {
        proxy_.forward_to(broker_port_.port());
        kafka_ = std::make_unique<servers::Kafka>(
            servers::KafkaOptions{.directory = folder_.path() / "kafka",
                                  .version = servers::kKafka3,
                                  .advertised_port = proxy_.port(),
                                  .port = broker_port_.port(),
                                  .heap = "512m"});
        postgres_.sql("CREATE DATABASE protected");
        postgres_.create_user("tributary", "secret", "REPLICATION");
        // Pieces of bytes that do not compress, each row another piece. Bytes, because the server
        // reads a text in UTF-8 from its beginning to find a piece.
        sql("CREATE TABLE t(id bigint PRIMARY KEY, v text);"
            "ALTER TABLE t ALTER COLUMN v SET STORAGE EXTERNAL;"
            "CREATE TABLE noise(v bytea);"
            "ALTER TABLE noise ALTER COLUMN v SET STORAGE EXTERNAL;"
            "INSERT INTO noise SELECT decode(string_agg(md5(random()::text), ''), 'hex') FROM "
            "generate_series(1, 65536);"
            "CREATE PUBLICATION protected FOR TABLE t");
        std::ofstream(folder_.path() / "tributary.yaml")
            << "agent: {id: protection, state_dir: \"" << (folder_.path() / "state").string()
            << "\"}\nbuffer: {max_bytes: 16GiB}\nadmin: {listen: [\"unix:"
            << (folder_.path() / "admin.sock").string() << "\"]}\nkafka:\n  bootstrap_servers: [\""
            << proxy_.bootstrap() << "\"]\nsources:\n  - name: db\n    type: postgresql\n"
            << "    connection: {host: 127.0.0.1, port: " << postgres_.port()
            << ", dbname: protected, user: tributary, password: \"${env:PASSWORD}\", sslmode: "
               "disable}\n    slot: protected\n    publication: protected\n    ack: auto\n"
               "    snapshot: {mode: no_data}\n"
            << (options.pressure_limit.empty()
                    ? ""
                    : "    pressure_limit: " + options.pressure_limit + "\n")
            << "    topics: {prefix: p}\n";
        agent_ = servers::Process::spawn({.command = {options.agent.string(),
                                                      "--config",
                                                      (folder_.path() / "tributary.yaml").string(),
                                                      "run"},
                                          .environment = {{"PASSWORD", "secret"}},
                                          .output_file = folder_.path() / "agent.log"});
    }

    bool run() {
        await_streaming();  // what is written before the slot exists is not the agent's
        write(1, 1);
        await_delivered();
        proxy_.cut();
        std::cout << "Kafka is dead; writing " << options_.mebibytes << " MiB" << std::endl;
        Sampler sampler(postgres_.conninfo("protected"), folder_.path() / "state");
        const auto transactions = options_.mebibytes * kMiB / (kRowBytes * kRowsPerTransaction);
        const auto begin = steady_clock::now();
        std::vector<double> commits;
        for (std::int64_t number = 0; number < transactions; ++number) {
            const auto before = steady_clock::now();
            write(number * kRowsPerTransaction + 2, kRowsPerTransaction);
            commits.push_back(seconds_since(before));
        }
        const double writing = seconds_since(begin);
        await_durable();
        const double durable = seconds_since(begin);
        const auto held = number("pg_current_wal_lsn() - confirmed_flush_lsn");
        sampler.stop();
        proxy_.restore();
        const auto returned = steady_clock::now();
        await_delivered();
        const double drained = seconds_since(returned);
        std::sort(commits.begin(), commits.end());
        std::cout << "written in " << writing << " s, on the agent's disk after " << durable
                  << " s; commits p50 " << commits.at(commits.size() / 2) * 1000 << " ms, max "
                  << commits.back() * 1000 << " ms\nthe slot kept at most "
                  << sampler.kept_max / kMiB << " MiB (unconfirmed "
                  << sampler.unconfirmed_max / kMiB << "), in the end " << held / kMiB
                  << " MiB; the log at most " << sampler.log_max / kMiB
                  << " MiB; agent's memory at most " << memory_max()
                  << "\nKafka is back: drained in " << drained << " s" << std::endl;
        return count_once(transactions * kRowsPerTransaction + 1) && agent_.running();
    }

  private:
    servers::SqlRows sql(const std::string& text) { return postgres_.sql(text, "protected"); }
    std::int64_t number(const std::string& expression) {
        return std::stoll(sql("SELECT (" + expression +
                              ")::bigint FROM pg_replication_slots WHERE slot_name = 'protected'")
                              .value());
    }

    void write(std::int64_t first, int rows) {
        sql("INSERT INTO t SELECT " + std::to_string(first) +
            " + g, encode(substr(v, (random() * 1000000)::int, " + std::to_string(kRowBytes / 2) +
            "), 'hex') FROM noise, generate_series(0, " + std::to_string(rows - 1) + ") g");
    }

    void await_streaming() {
        const auto active = [this] {
            return !sql("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'protected' AND "
                        "active")
                        .rows.empty();
        };
        if (!servers::poll_until(kStartLimit, active)) {
            throw servers::ServerFailure("no stream: " +
                                         servers::tail_of_file(folder_.path() / "agent.log"));
        }
    }

    // Everything that was written is on the agent's disk and in Kafka.
    void await_delivered() {
        const std::string end = sql("SELECT pg_current_wal_lsn()").value();
        const auto confirmed = [&] {
            return !sql("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'protected' AND "
                        "confirmed_flush_lsn >= '" +
                        end + "'")
                        .rows.empty();
        };
        const auto delivered = [this] {
            const auto answer =
                admin::request((folder_.path() / "admin.sock").string(), "GET", "/v1/status");
            if (!answer) {
                return false;
            }
            const auto pipeline = nlohmann::json::parse(answer.value()).at("pipelines").at(0);
            return pipeline.at("delivered") == pipeline.at("appended");
        };
        if (!servers::poll_until(kDrainLimit, [&] { return confirmed() && delivered(); })) {
            throw servers::ServerFailure("not delivered: " +
                                         servers::tail_of_file(folder_.path() / "agent.log"));
        }
    }

    // Confirmed from the agent's disk: what is left is below the bound.
    void await_durable() {
        const auto unchanged = [this] {
            const auto before = number("confirmed_flush_lsn - '0/0'");
            std::this_thread::sleep_for(seconds(12));
            return number("confirmed_flush_lsn - '0/0'") == before;
        };
        while (!unchanged()) {
        }
    }

    [[nodiscard]] std::string memory_max() const {
        std::ifstream in("/proc/" + std::to_string(agent_.pid()) + "/status");
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("VmHWM:")) {
                return line.substr(line.find_first_of("0123456789"));
            }
        }
        return "?";
    }

    bool count_once(std::int64_t count) {
        servers::KafkaReader reader({.bootstrap = proxy_.bootstrap()});
        reader.follow("p.public.t");
        std::vector<int> seen(static_cast<std::size_t>(count) + 2);
        std::int64_t records = 0;
        while (const auto record = reader.next(seconds(15))) {
            const auto key = nlohmann::json::parse(record->key.value());
            ++seen.at(key.at("id").get<std::size_t>());
            ++records;
        }
        const auto lost = std::count(seen.begin() + 1, seen.begin() + 1 + count, 0);
        const auto twice =
            std::count_if(seen.begin(), seen.end(), [](int times) { return times > 1; });
        std::cout << records << " records of " << count << " rows: " << lost << " lost, " << twice
                  << " twice" << std::endl;
        return lost == 0 && twice == 0 && records == count;
    }

    Options options_;
    servers::TemporaryDirectory folder_{"protection"};
    servers::PortLease broker_port_;
    servers::KafkaProxy proxy_;
    servers::Postgres postgres_;
    std::unique_ptr<servers::Kafka> kafka_;
    servers::Process agent_;
};

}  // namespace
}  // namespace tributary::torture

int main(int argc, char** argv) {
    CLI::App app{"PostgreSQL is written to while Kafka is dead", "tributary-source-protection"};
    tributary::torture::Options options;
    app.add_option("--agent", options.agent, "The binary under test")
        ->required()
        ->check(CLI::ExistingFile);
    app.add_option("--mebibytes", options.mebibytes, "How much is written")->capture_default_str();
    app.add_option("--pressure-limit", options.pressure_limit, "The agent's; default: its default");
    CLI11_PARSE(app, argc, argv);
    try {
        return std::make_unique<tributary::torture::Site>(options)->run() ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
