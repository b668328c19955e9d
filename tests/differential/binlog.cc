// MySQL and MariaDB of database.h.
#include "tests/differential/binlog_catalogue.h"
#include "tests/differential/binlog_ddl.h"
#include "tests/differential/binlog_workload.h"
#include "tests/differential/database.h"
#include "tests/servers/failure.h"
#include "tests/servers/mysqld.h"

namespace tributary::differential {
namespace {

using servers::MysqldKind;

constexpr const char* kMarker = "shapes.marker";
// A reader's session and ours speak UTC; zero dates and every value are taken as they are.
constexpr const char* kSession = "SET SESSION sql_mode = '', time_zone = '+00:00'";

// Tables whose times of day are below 0 or over 24 h: forms that are of a day cannot carry them.
constexpr const char* kOfDay = "types\\.(?!long_).*";
constexpr const char* kOfDayOurs =
    "    tables: {include: ['types\\.t_.*', 'shapes\\.marker'], exclude_columns: "
    "['types\\..*\\.x_.*']}\n";

bool takes_schema_changes(const Pair& pair) {
    return pair.debezium.at("include.schema.changes") == "true";
}

std::vector<Pair> make_pairs(const std::string& short_name) {
    const Properties some{{"table.include.list", std::string(kOfDay) + ",shapes\\.marker"},
                          {"column.exclude.list", "types\\..*\\.x_.*"},
                          {"include.schema.changes", "false"}};
    const bool mysql = short_name == "my";
    const auto with = [](Properties base, const Properties& more) {
        base.insert(more.begin(), more.end());
        return base;
    };
    return {
        {.name = short_name + "_schemas",
         .schemas = true,
         .debezium = {{"table.exclude.list", "hidden\\..*"},
                      {"provide.transaction.metadata", "true"},
                      {"include.schema.changes", "true"},
                      {"skipped.operations", "none"}},
         .tributary = "transaction_metadata: true, skipped_operations: []",
         .selection = "    tables: {exclude: ['hidden\\..*']}\n"},
        {.name = short_name + "_plain",
         .debezium = {{"table.exclude.list", "hidden\\..*"},
                      {"include.schema.changes", "true"},
                      {"message.key.columns",
                       "shapes.keyless:b;shapes.key_order:second,b;shapes.unique_two:b"},
                      {"bigint.unsigned.handling.mode", "precise"}},
         .tributary = "context_headers: true, bigint_unsigned: precise",
         .selection =
             "    tables: {exclude: ['hidden\\..*'], key_columns: "
             "['shapes\\.keyless\\.b', 'shapes\\.key_order\\.second', 'shapes\\.key_order\\.b', "
             "'shapes\\.unique_two\\.b']}\n"},
        {.name = short_name + "_texts",
         .schemas = true,
         .debezium = with(some,
                          {{"decimal.handling.mode", "string"},
                           {"time.precision.mode", "isostring"},
                           {"binary.handling.mode", "hex"}}),
         .tributary = "decimal: string, time_precision: isostring, binary: hex",
         .selection = kOfDayOurs,
         .events_min = 140},
        {.name = short_name + "_connect",
         .schemas = true,
         .debezium = with(some,
                          {{"decimal.handling.mode", "double"},
                           {"time.precision.mode", mysql ? "connect" : "microseconds"},
                           {"binary.handling.mode", mysql ? "base64" : "base64-url-safe"},
                           {"tombstones.on.delete", "false"}}),
         .tributary = std::string("decimal: double, tombstones: false, time_precision: ") +
                      (mysql ? "connect, binary: base64" : "microseconds, binary: base64-url-safe"),
         .selection = kOfDayOurs,
         .events_min = 140},
        {.name = short_name + "_rows",
         .schemas = true,
         .rows = true,
         .debezium = {{"table.include.list", "kept\\..*"}, {"include.schema.changes", "false"}},
         .selection = "    tables: {include: ['kept\\..*']}\n",
         .events_min = 60},
    };
}

class Binlog final : public Database {
  public:
    Binlog(const std::filesystem::path& directory, MysqldKind kind)
        : server_({.directory = directory, .kind = kind}),
          pairs_(make_pairs(kind == MysqldKind::mysql ? "my" : "ma")) {}

    const std::vector<Pair>& pairs() const override { return pairs_; }
    std::string marker() const override { return kMarker; }
    Start end_of_log() override {
        const bool mysql = server_.mysql();
        const auto rows = server_.sql(mysql ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS").rows;
        const std::string gtid =
            server_.sql(mysql ? "SELECT @@gtid_executed" : "SELECT @@gtid_binlog_pos").value();
        return {
            .place = place_of(rows.at(0).at(0).value(), std::stoull(rows.at(0).at(1).value()), 0),
            .transaction = number_of_transaction(gtid) + 1};
    }
    std::vector<std::vector<std::string>> catalogue() const override {
        auto rounds = binlog_ddl(server_.mysql());
        rounds.insert(rounds.begin(), binlog_catalogue_statements(server_.mysql()));
        return rounds;
    }
    std::vector<std::string> partitioned_tables() const override {
        return binlog_partitioned_tables(server_.mysql());
    }
    std::unique_ptr<History> history(std::uint64_t seed) const override {
        return std::make_unique<BinlogWorkload>(seed, server_.mysql());
    }

    void execute(const std::string& statement) override {
        if (!sql_) {
            sql_ = std::make_unique<servers::MysqlConnection>(server_.root_address("shapes"));
            sql_->sql(kSession);
        }
        sql_->sql(statement);
    }

    void prepare() override {
        server_.sql(
            "CREATE DATABASE shapes; CREATE DATABASE types; CREATE DATABASE `keys`; "
            "CREATE DATABASE hidden");
        server_.create_user(
            "tributary", kAgentPassword, "SELECT, REPLICATION SLAVE, REPLICATION CLIENT");
        server_.create_user("debezium", kAgentPassword, "ALL PRIVILEGES");
        for (const std::string& statement : create_binlog_catalogue(server_.mysql())) {
            execute(statement);
        }
        execute(std::string("CREATE TABLE ") + kMarker + " (id int PRIMARY KEY)");
        for (const std::string& statement :
             keep_rows(binlog_catalogue_statements(server_.mysql()), " LIKE %")) {
            execute(statement);
        }
    }

    std::string agent_source(const Pair& pair) override {
        return std::string("    type: ") + (server_.mysql() ? "mysql" : "mariadb") +
               "\n    connection: {host: 127.0.0.1, port: " + std::to_string(server_.port()) +
               ", user: tributary, password: \"${env:DIFFERENTIAL}\", sslmode: disable}\n"
               "    heartbeat: 500ms\n    schema_changes: " +
               (takes_schema_changes(pair) ? "true" : "false") +
               "\n    server_id: " + std::to_string(++server_ids_) + "\n";
    }

    Properties connector(const Pair& pair, const std::filesystem::path& folder) override {
        return {{"connector.class",
                 server_.mysql() ? "io.debezium.connector.mysql.MySqlConnector"
                                 : "io.debezium.connector.mariadb.MariaDbConnector"},
                {"database.port", std::to_string(server_.port())},
                {"database.user", "debezium"},
                {"database.password", kAgentPassword},
                {"database.server.id", std::to_string(++server_ids_)},
                {"snapshot.locking.mode", "none"},
                {"schema.history.internal", "io.debezium.storage.file.history.FileSchemaHistory"},
                {"schema.history.internal.file.filename",
                 (folder / (pair.name + ".history")).string()}};
    }

  private:
    servers::Mysqld server_;
    std::vector<Pair> pairs_;
    std::unique_ptr<servers::MysqlConnection> sql_;
    int server_ids_ = 72000;
};

}  // namespace

std::unique_ptr<Database> make_mysql(const std::filesystem::path& directory) {
    return std::make_unique<Binlog>(directory, MysqldKind::mysql);
}

std::unique_ptr<Database> make_mariadb(const std::filesystem::path& directory) {
    return std::make_unique<Binlog>(directory, MysqldKind::mariadb);
}

}  // namespace tributary::differential
