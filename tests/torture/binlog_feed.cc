#include "tests/torture/binlog_feed.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "connectors/mysql/position.h"
#include "tests/servers/failure.h"
#include "tests/torture/binlog_truth.h"
#include "tests/torture/binlog_writers.h"

namespace tributary::torture {
namespace {

using servers::Mysqld;
using servers::MysqldKind;

constexpr std::chrono::minutes kReadLimit{2};

std::vector<std::pair<std::string, std::string>> settings_of(MysqldKind kind, std::uint64_t seed) {
    std::vector<std::pair<std::string, std::string>> settings{
        {"innodb_lock_wait_timeout", "5"},
        {"lock_wait_timeout", "5"},
        {"max_binlog_size", "4M"},  // rotations too
        {"max_allowed_packet", "64M"}};
    if (seed % 2 == 0) {
        settings.emplace_back(
            kind == MysqldKind::mysql ? "binlog_transaction_compression" : "log_bin_compress",
            "ON");
    }
    return settings;
}

class BinlogFeed final : public Feed {
  public:
    BinlogFeed(MysqldKind kind, const DatabaseFeedOptions& options)
        : options_(options),
          server_({.directory = options.folder,
                   .kind = kind,
                   .server_id = kind == MysqldKind::mysql ? 2000U : 3000U,
                   .fsync = true,
                   .settings = settings_of(kind, options.seed)}) {
        server_.create_user("tributary",
                            kFeedPassword,
                            server_.mysql() ? "REPLICATION SLAVE, REPLICATION CLIENT, SELECT"
                                            : "REPLICATION SLAVE, BINLOG MONITOR, SELECT");
        server_.sql("CREATE DATABASE " + std::string(kBinlogDatabase));
        server_.sql(create_binlog_tables_sql(), kBinlogDatabase);
    }

    [[nodiscard]] std::string name() const override {
        return server_.mysql() ? "mysql" : "mariadb";
    }
    [[nodiscard]] std::vector<std::string> configuration() const override {
        return {"type: " + name(),
                "connection: {host: 127.0.0.1, port: " + std::to_string(server_.port()) +
                    ", user: tributary, password: \"${env:TORTURE_PASSWORD}\", sslmode: disable}",
                "server_id: " + std::string(server_.mysql() ? "71002" : "71001"),
                "tables: {include: ['" + std::string(kBinlogDatabase) + "\\..*']}",
                "topics: {prefix: " + prefix() + "}",
                "snapshot: {mode: no_data}",
                "heartbeat: 500ms",
                "position_interval: 500ms"};
    }
    [[nodiscard]] bool twin_follows() const override { return true; }

    void begin() override {
        writers_ = std::make_unique<BinlogWriters>(
            server_.root_address(kBinlogDatabase), options_.seed, options_.writers);
    }

    void end() override {
        writers_->stop();
        server_.sql("INSERT INTO moved(id, n) VALUES (0, " + std::to_string(kLastN) + ")",
                    kBinlogDatabase);
    }

    bool drained(const std::string& bootstrap) override {
        return last_word_.seen(bootstrap,
                               prefix() + "." + kBinlogDatabase + ".moved",
                               [](const auto& record) { return is_last_row(record, kLastN); });
    }

    FeedReport judge(servers::KafkaReader& reader, Plant wrong) override {
        FeedReport report;
        const auto truth = read_truth();
        Evidence evidence = evidence_of(truth);
        evidence.by_table = read_tables(reader, prefix(), binlog_tables());
        evidence.checkpoints = read_checkpoints(reader, name());
        plant(evidence.by_table[std::string(kBinlogDatabase) + ".t0"], wrong);
        report.verdict = torture::judge(evidence);
        compare_states(evidence, report);
        report.note = std::to_string(binlog_files().size()) + " binlog files";
        if (report.verdict.transactions < writers_->acknowledged() / 2 ||
            report.verdict.rows < 100 || report.verdict.checkpoints < 10) {
            report.problems.push_back("too little load: " + std::to_string(report.verdict.rows) +
                                      " rows of " + std::to_string(writers_->acknowledged()) +
                                      " transactions");
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
        auto sql = server_.connect();
        const auto sessions = sql.sql(
            "SELECT id FROM information_schema.processlist WHERE user = 'tributary' AND command "
            "LIKE 'Binlog Dump%'");
        for (const auto& session : sessions.rows) {
            try {
                sql.sql("KILL " + session.at(0).value());
            } catch (const servers::ServerFailure&) {
                continue;  // it has gone by itself
            }
        }
    }

  private:
    static constexpr std::int64_t kLastN = 77;

    [[nodiscard]] std::string prefix() const { return "x" + name(); }

    [[nodiscard]] std::vector<std::string> binlog_files() const {
        std::vector<std::string> files;
        for (const auto& entry : std::filesystem::directory_iterator(server_.data_directory())) {
            const std::string extension = entry.path().extension().string();
            const bool numbered =
                extension.size() > 1 &&
                std::all_of(extension.begin() + 1, extension.end(), [](char letter) {
                    return letter >= '0' && letter <= '9';
                });
            if (entry.path().stem() == "binlog" && numbered) {
                files.push_back(entry.path().string());
            }
        }
        std::sort(files.begin(), files.end());
        return files;
    }

    [[nodiscard]] std::vector<TrueTransaction> read_truth() const {
        const std::filesystem::path output = server_.directory() / "truth.txt";
        auto command = server_.binlog_reader();
        command.insert(command.end(), {"--base64-output=decode-rows", "--verbose"});
        for (std::string& file : binlog_files()) {
            command.push_back(std::move(file));
        }
        servers::run_to_end({.command = std::move(command), .output_file = output}, kReadLimit);
        BinlogTruthParser parser(kBinlogDatabase);
        std::ifstream in(output);
        std::string line;
        while (std::getline(in, line)) {
            parser.add(line);
        }
        return parser.take();
    }

    [[nodiscard]] static Evidence evidence_of(const std::vector<TrueTransaction>& truth) {
        Evidence evidence;
        evidence.expected = expected_facts(truth, {binlog_keyless_table()});
        evidence.transactions = truth.size();
        for (const TrueTransaction& transaction : truth) {
            evidence.rows += transaction.changes.size();
        }
        evidence.rules = {.read_value = [](const servers::KafkaRecord& record,
                                           Fact& fact) { read_row_change(record, "gtid", fact); },
                          .position_fits =
                              [](const std::string& transaction, std::string_view position) {
                                  // The position is the GTID and its length.
                                  return position.find(transaction) != std::string_view::npos;
                              },
                          .compare_resume =
                              [](const Position& left, const Position& right) {
                                  return mysql::compare({left, {}}, {right, {}});
                              },
                          .positions_are_ordered = false};
        return evidence;
    }

    // Oracle 4.
    void compare_states(Evidence& evidence, FeedReport& report) {
        for (const std::string& table : binlog_tables()) {
            const auto rows = server_.sql("SELECT * FROM " + table, kBinlogDatabase);
            std::vector<std::string> expected;
            for (const auto& row : rows.rows) {
                nlohmann::json object = nlohmann::json::object();
                for (std::size_t index = 0; index < row.size(); ++index) {
                    const auto& cell = row[index];
                    const std::string& column = rows.columns[index];
                    object[column] = !cell ? nlohmann::json()
                                     : column == "id" || column == "n"
                                         ? nlohmann::json(std::stoll(*cell))
                                         : nlohmann::json(*cell);
                }
                expected.push_back(object.dump());
            }
            compare_state(
                table,
                std::move(expected),
                materialise(
                    evidence.by_table[table], rows.columns, table == binlog_keyless_table()),
                report);
        }
    }

    DatabaseFeedOptions options_;
    Mysqld server_;
    std::unique_ptr<BinlogWriters> writers_;
    LastWord last_word_;
};

}  // namespace

std::unique_ptr<Feed> make_binlog_feed(MysqldKind kind, const DatabaseFeedOptions& options) {
    return std::make_unique<BinlogFeed>(kind, options);
}

}  // namespace tributary::torture
