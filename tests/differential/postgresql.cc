// PostgreSQL of database.h.
#include "tests/differential/catalogue.h"
#include "tests/differential/database.h"
#include "tests/differential/workload.h"
#include "tests/servers/failure.h"
#include "tests/servers/postgres.h"

namespace tributary::differential {
namespace {

constexpr const char* kDatabase = "diff";
constexpr const char* kMarker = "public.marker";

std::vector<Pair> make_pairs() {
    return {
        {.name = "schemas",
         .schemas = true,
         .debezium = {{"publication.name", "everything"},
                      {"provide.transaction.metadata", "true"},
                      {"skipped.operations", "none"}},
         .tributary = "transaction_metadata: true, skipped_operations: []",
         .selection = "    publication: everything\n"},
        {.name = "plain",
         .debezium = {{"publication.name", "everything"},
                      {"message.key.columns",
                       "shapes.keyless:b;shapes.key_order_full:second,b;shapes.toast_full:n"}},
         .tributary = "context_headers: true",
         .selection = "    publication: everything\n"
                      "    tables: {key_columns: ['shapes\\.keyless\\.b', "
                      "'shapes\\.key_order_full\\.second', 'shapes\\.key_order_full\\.b', "
                      "'shapes\\.toast_full\\.n']}\n"},
        {.name = "texts",
         .schemas = true,
         .debezium = {{"publication.name", "catalogue"},
                      {"decimal.handling.mode", "string"},
                      {"time.precision.mode", "adaptive_time_microseconds"},
                      {"interval.handling.mode", "string"},
                      {"binary.handling.mode", "hex"}},
         .tributary = "decimal: string, time_precision: adaptive_time_microseconds, interval: "
                      "string, binary: hex",
         .selection = "    publication: catalogue\n"},
        {.name = "connect",
         .schemas = true,
         .debezium = {{"publication.name", "catalogue"},
                      {"decimal.handling.mode", "double"},
                      {"time.precision.mode", "connect"},
                      {"binary.handling.mode", "base64"},
                      {"tombstones.on.delete", "false"}},
         .tributary = "decimal: double, time_precision: connect, binary: base64, tombstones: false",
         .selection = "    publication: catalogue\n"},
        {.name = "rows",
         .schemas = true,
         .rows = true,
         .debezium = {{"publication.name", "kept"}, {"table.include.list", "kept\\..*"}},
         .selection = "    publication: kept\n",
         .events_min = 90},
    };
}

class Postgresql final : public Database {
  public:
    explicit Postgresql(const std::filesystem::path& directory)
        : server_({.directory = directory}), pairs_(make_pairs()) {}

    const std::vector<Pair>& pairs() const override { return pairs_; }
    std::string marker() const override { return kMarker; }
    Start end_of_log() override { return {}; }  // slots were made before anything
    std::vector<std::vector<std::string>> catalogue() const override {
        return {catalogue_statements()};
    }
    std::vector<std::string> partitioned_tables() const override {
        return differential::partitioned_tables();
    }
    std::unique_ptr<History> history(std::uint64_t seed) const override {
        return std::make_unique<Workload>(seed);
    }

    void execute(const std::string& statement) override {
        if (!sql_) {
            sql_ = std::make_unique<servers::SqlConnection>(server_.conninfo(kDatabase));
        }
        sql_->sql(statement);
    }

    void prepare() override {
        server_.sql(std::string("CREATE DATABASE ") + kDatabase);
        server_.create_user("tributary", kAgentPassword, "REPLICATION");
        execute(create_catalogue_sql());
        execute(std::string("CREATE TABLE ") + kMarker + " (id int PRIMARY KEY)");
        for (const std::string& statement :
             keep_rows(catalogue_statements(), " (LIKE % INCLUDING ALL)")) {
            execute(statement);
        }
        execute("GRANT USAGE ON SCHEMA kept, types TO tributary");
        execute("GRANT SELECT ON ALL TABLES IN SCHEMA kept TO tributary");
        execute("CREATE PUBLICATION kept FOR TABLES IN SCHEMA kept");
        execute("CREATE PUBLICATION everything FOR ALL TABLES");
        execute(
            "CREATE PUBLICATION catalogue FOR TABLES IN SCHEMA types, TABLE shapes.toast, "
            "shapes.serials, " +
            std::string(kMarker));
        for (const Pair& pair : pairs_) {
            for (const bool ours : {false, true}) {
                execute("SELECT pg_create_logical_replication_slot('" + prefix_of(pair, ours) +
                        "', 'pgoutput')");
            }
        }
    }

    std::string agent_source(const Pair& pair) override {
        return "    type: postgresql\n    connection: {host: 127.0.0.1, port: " +
               std::to_string(server_.port()) + ", dbname: " + kDatabase +
               ", user: tributary, password: \"${env:DIFFERENTIAL}\", sslmode: disable}\n"
               "    slot: " +
               prefix_of(pair, true) + "\n    status_interval: 500ms\n";
    }

    Properties connector(const Pair& pair, const std::filesystem::path& /*folder*/) override {
        return {{"connector.class", "io.debezium.connector.postgresql.PostgresConnector"},
                {"database.port", std::to_string(server_.port())},
                {"database.user", server_.superuser()},
                {"database.password", server_.password()},
                {"database.dbname", kDatabase},
                {"plugin.name", "pgoutput"},
                {"slot.name", prefix_of(pair, false)},
                {"publication.autocreate.mode", "disabled"},
                {"status.update.interval.ms", "500"}};
    }

  private:
    servers::Postgres server_;
    std::vector<Pair> pairs_;
    std::unique_ptr<servers::SqlConnection> sql_;
};

}  // namespace

std::string prefix_of(const Pair& pair, bool ours) {
    return (ours ? "tri_" : "dbz_") + pair.name;
}

std::unique_ptr<Database> make_postgresql(const std::filesystem::path& directory) {
    return std::make_unique<Postgresql>(directory);
}

}  // namespace tributary::differential
