// A Debezium connector's JSON becomes a configuration that load() accepts, and what it could not
// carry over is said.
#include "config/from_debezium.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/connectors.h"
#include "config/loaded.h"
#include "model/errors.h"
#include "model/table_filter.h"

namespace tributary::config {
namespace {

constexpr std::string_view kPlant = R"({
  "name": "plant-connector",
  "config": {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1", "plugin.name": "pgoutput", "max.batch.size": 4096,
    "database.hostname": "db.example", "database.port": "5433", "database.user": "debezium",
    "database.password": "hunter2", "database.dbname": "plant", "database.sslmode": "require",
    "topic.prefix": "plant", "slot.name": "debezium_plant", "publication.name": "pub",
    "publication.autocreate.mode": "disabled",
    "table.include.list": "public\\.orders, public\\.it''s",
    "column.exclude.list": "public.users.ssn",
    "message.key.columns": "public.orders:tenant,id; (.*).lines:n",
    "decimal.handling.mode": "string", "time.precision.mode": "connect",
    "binary.handling.mode": "hex", "interval.handling.mode": "string",
    "tombstones.on.delete": "false", "provide.transaction.metadata": true,
    "skipped.operations": "none", "snapshot.mode": "initial", "heartbeat.interval.ms": "1000",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "transforms": "unwrap", "producer.override.sasl.jaas.config": "secret words"
  }})";

Conversion convert(std::string_view connector, std::string_view offset = {}) {
    auto converted = from_debezium(
        {.connector = connector, .offset = offset, .bootstrap_servers = "k1:9092,k2:9092"});
    EXPECT_TRUE(converted) << converted.error().message();
    return converted ? std::move(converted.value()) : Conversion{};
}

bool notes(const Conversion& converted, std::string_view text) {
    return std::any_of(converted.notes.begin(), converted.notes.end(), [&](const auto& note) {
        return note.find(text) != std::string::npos;
    });
}

Result<Loaded> load(const Conversion& converted) {
    return load_text(converted.yaml,
                     "converted.yaml",
                     agent::connectors(),
                     {.variable = [](const std::string&) { return std::nullopt; },
                      .file = [](const std::string& path) -> std::optional<std::string> {
                          return path == "/etc/tributary/plant-connector.password"
                                     ? std::optional<std::string>("x")
                                     : std::nullopt;
                      }});
}

TEST(FromDebezium, makes_a_configuration_that_is_accepted) {
    const Conversion converted = convert(kPlant);
    const auto loaded = load(converted);
    ASSERT_TRUE(loaded) << loaded.error().message() << "\n" << converted.yaml;
    const SourceConfig& source = loaded.value().config.sources.at(0);
    EXPECT_EQ(source.name, "plant-connector");
    EXPECT_EQ(source.type, "postgresql");
    EXPECT_EQ(source.topics.prefix, "plant");
    EXPECT_EQ(source.topics.decimal, Decimal::string);
    EXPECT_EQ(source.topics.time_precision, TimePrecision::connect);
    EXPECT_EQ(source.topics.binary, Binary::hex);
    EXPECT_EQ(source.topics.interval, Interval::string);
    EXPECT_FALSE(source.topics.tombstones);
    EXPECT_TRUE(source.topics.transaction_metadata);
    EXPECT_FALSE(source.topics.schemas);
    EXPECT_TRUE(source.topics.skipped_operations.empty());
    const auto values = loaded.value().values();
    EXPECT_NE(converted.yaml.find("slot: 'debezium_plant'"), std::string::npos);
    EXPECT_NE(converted.yaml.find("include: ['(?i)public\\.orders', '(?i)public\\.it''''s']"),
              std::string::npos)
        << converted.yaml;
    EXPECT_NE(converted.yaml.find("key_columns: ['(?i)public.orders\\.tenant', "
                                  "'(?i)public.orders\\.id', '(?i)(.*).lines\\.n']"),
              std::string::npos)
        << converted.yaml;
    EXPECT_NE(converted.yaml.find("create_publication: false"), std::string::npos);
}

TEST(FromDebezium, columns_to_keep_become_columns_to_leave_out) {
    const Conversion converted = convert(R"json({"connector.class":
        "io.debezium.connector.postgresql.PostgresConnector", "topic.prefix": "plant",
        "column.include.list": "public.t.id, public.t.(a|b)"})json");
    EXPECT_NE(converted.yaml.find("exclude_columns: ['(?i)(?!(?:public.t.id|public.t.(a|b))$).*']"),
              std::string::npos)
        << converted.yaml;
    EXPECT_EQ(convert(R"({"connector.class":
        "io.debezium.connector.postgresql.PostgresConnector", "column.include.list": " , "})")
                  .yaml.find("exclude_columns"),
              std::string::npos);
    const TableFilter filter =
        TableFilter::make({.exclude_columns = {"(?i)(?!(?:public.t.id|public.t.(a|b))$).*"}})
            .value();
    EXPECT_TRUE(filter.column_selected("public", "t", "id"));
    EXPECT_TRUE(filter.column_selected("public", "t", "b"));
    EXPECT_TRUE(filter.column_selected("public", "T", "ID"));
    EXPECT_FALSE(filter.column_selected("public", "t", "bb"));
}

TEST(FromDebezium, says_what_only_javas_expressions_have) {
    const Conversion converted = convert(R"json({"connector.class":
        "io.debezium.connector.postgresql.PostgresConnector", "topic.prefix": "plant",
        "table.include.list": "public.[a-z&&[^b]]"})json");
    EXPECT_TRUE(notes(converted, "write 'public.[a-z&&[^b]]' without &&"));
    EXPECT_FALSE(notes(convert(kPlant), "without &&"));
}

TEST(FromDebezium, never_copies_a_secret_and_says_what_is_left_out) {
    const Conversion converted = convert(kPlant);
    std::string all = converted.yaml;
    for (const std::string& note : converted.notes) {
        all += note;
    }
    EXPECT_EQ(all.find("hunter2"), std::string::npos);
    EXPECT_EQ(all.find("secret words"), std::string::npos);
    EXPECT_TRUE(notes(converted, "not converted: transforms=unwrap"));
    EXPECT_TRUE(notes(converted, "/etc/tributary/plant-connector.password"));
    EXPECT_FALSE(notes(converted, "max.batch.size"));
    EXPECT_FALSE(notes(converted, "heartbeat"));
    EXPECT_TRUE(converted.position.empty());
}

TEST(FromDebezium, shows_no_value_that_may_be_a_secret) {
    const Conversion converted = convert(R"({
        "connector.class": "io.debezium.connector.mysql.MySqlConnector", "topic.prefix": "erp",
        "driver.trustStorePassword": "HUNTER2", "transforms.http.token": "HUNTER2",
        "transforms.http.api.key": "HUNTER2", "transforms.http.url": "HUNTER2",
        "value.converter.basic.auth.user.info": "u:HUNTER2", "database.ssl.passphrase": "HUNTER2",
        "value.converter.schema.registry.url": "http://u:HUNTER2@sr", "PASSWD": "HUNTER2",
        "hook": "https://u:HUNTER2@h/p", "errors.tolerance": "all",
        "transforms.http.type": "com.acme.Http"})");
    for (const std::string& note : converted.notes) {
        EXPECT_EQ(note.find("HUNTER2"), std::string::npos) << note;
    }
    EXPECT_TRUE(notes(converted, "not converted: driver.trustStorePassword=***"));
    EXPECT_TRUE(notes(converted, "not converted: value.converter.schema.registry.url=***"));
    EXPECT_TRUE(notes(converted, "not converted: hook=***"));
    EXPECT_TRUE(notes(converted, "not converted: errors.tolerance=all"));
    EXPECT_TRUE(notes(converted, "not converted: transforms.http.type=com.acme.Http"));
}

TEST(FromDebezium, says_what_of_snapshots_and_topics_is_to_be_done_by_hand) {
    const Conversion converted = convert(R"({
        "connector.class": "io.debezium.connector.mysql.MySqlConnector", "topic.prefix": "erp",
        "snapshot.select.statement.overrides": "shop.orders",
        "snapshot.select.statement.overrides.shop.orders": "SELECT * FROM orders WHERE id > 7",
        "snapshot.include.collection.list": "shop.a", "snapshot.fetch.size": "100",
        "snapshot.locking.mode": "none", "snapshot.isolation.mode": "read_committed",
        "topic.creation.default.partitions": "12", "topic.creation.enable": "true"})");
    EXPECT_TRUE(notes(converted, "snapshot.select.statement.overrides=shop.orders: "));
    EXPECT_TRUE(notes(converted, "snapshot start --where"));
    EXPECT_TRUE(notes(converted, "snapshot.include.collection.list=shop.a: "));
    EXPECT_TRUE(notes(converted, "topic.creation.default.partitions=12: "));
    EXPECT_FALSE(notes(converted, "fetch.size"));
    EXPECT_FALSE(notes(converted, "locking.mode"));
    EXPECT_FALSE(notes(converted, "isolation.mode"));
    EXPECT_FALSE(notes(converted, "SELECT"));
}

TEST(FromDebezium, a_converter_of_keys_is_named_and_a_slot_that_fails_over_stays_one) {
    std::string connector(kPlant);
    const std::string key = R"("key.converter": "org.apache.kafka.connect.json.JsonConverter")";
    connector.replace(connector.find(key),
                      key.size(),
                      R"("slot.failover": "true", "key.converter": "x.StringConverter")");
    const Conversion converted = convert(connector);
    EXPECT_TRUE(load(converted)) << converted.yaml;
    EXPECT_TRUE(notes(converted, "key.converter=x.StringConverter"));
    EXPECT_FALSE(notes(converted, "slot.failover"));
    EXPECT_NE(converted.yaml.find("failover_slot: true"), std::string::npos);
    EXPECT_FALSE(notes(convert(kPlant), "key.converter"));
    EXPECT_EQ(convert(kPlant).yaml.find("failover_slot"), std::string::npos);
}

TEST(FromDebezium, takes_the_stored_offset_over) {
    const Conversion plain =
        convert(kPlant, R"({"lsn":24023128,"lsn_commit":24023128,"txId":755})");
    EXPECT_EQ(plain.position, "0/16E9058");
    EXPECT_FALSE(notes(plain, "inside a transaction"));
    const Conversion wrapped = convert(kPlant, R"({"offsets":[{"partition":{"server":"plant"},
        "offset":{"lsn_proc":8589934700,"lsn_commit":8589934592,"lsn":8589934700}}]})");
    EXPECT_EQ(wrapped.position, "2/0");
    EXPECT_TRUE(notes(wrapped, "inside a transaction"));
}

TEST(FromDebezium, reads_gtids_or_file_and_position_of_a_mysql_connector) {
    constexpr std::string_view kErp =
        R"({"connector.class":"io.debezium.connector.mysql.MySqlConnector","topic.prefix":"erp",
            "database.user":"u","database.server.id":"71001","database.include.list":"shop",
            "include.schema.changes":"false"})";
    const Conversion by_gtid = convert(kErp, R"({"file":"b.1","pos":4,"gtids":"a-b:1-9"})");
    EXPECT_EQ(by_gtid.position, "a-b:1-9");
    EXPECT_NE(by_gtid.yaml.find("server_id: 71001"), std::string::npos);
    EXPECT_NE(by_gtid.yaml.find("type: mysql"), std::string::npos);
    EXPECT_NE(by_gtid.yaml.find("schema_changes: false"), std::string::npos);
    const auto loaded = load(by_gtid);
    EXPECT_TRUE(loaded) << loaded.error().message() << "\n" << by_gtid.yaml;
    EXPECT_NE(by_gtid.yaml.find("include: ['(?i)shop\\..*']"), std::string::npos);
    const Conversion mariadb = convert(
        R"({"connector.class":"io.debezium.connector.mariadb.MariaDbConnector","topic.prefix":"erp",
            "database.server.id":"7","bigint.unsigned.handling.mode":"precise"})");
    EXPECT_NE(mariadb.yaml.find("type: mariadb"), std::string::npos);
    EXPECT_NE(mariadb.yaml.find("bigint_unsigned: precise"), std::string::npos);
    EXPECT_NE(by_gtid.yaml.find("mode: no_data"), std::string::npos);
    EXPECT_NE(mariadb.yaml.find("mode: initial"), std::string::npos) << "no offset: a new pipeline";
    const Conversion by_file = convert(kErp, R"({"file":"b.1","pos":4,"row":2})");
    EXPECT_EQ(by_file.position, "b.1:4");
    EXPECT_TRUE(notes(by_file, "inside a transaction"));
}

TEST(FromDebezium, takes_no_rows_again_where_the_offset_is_taken_over) {
    const auto mode = [](const char* theirs, const char* offset) {
        std::string connector(kPlant);
        const std::string initial = R"("snapshot.mode": "initial")";
        connector.replace(connector.find(initial), initial.size(), theirs);
        const Conversion converted = convert(connector, offset);
        const auto at = converted.yaml.find("mode: ", converted.yaml.find("snapshot:"));
        return converted.yaml.substr(at + 6, converted.yaml.find('\n', at) - at - 6);
    };
    constexpr const char* kOffset = R"({"lsn_commit":1})";
    for (const char* theirs : {R"("snapshot.mode": "initial")",
                               R"("snapshot.mode": "always")",
                               R"("snapshot.mode": "when_needed")",
                               R"("a": "b")"}) {
        EXPECT_EQ(mode(theirs, kOffset), "no_data") << theirs;
    }
    EXPECT_EQ(mode(R"("snapshot.mode": "initial")", ""), "initial");
    EXPECT_EQ(mode(R"("a": "b")", ""), "initial") << "Debezium's default";
    EXPECT_EQ(mode(R"("snapshot.mode": "when_needed")", ""), "when_needed");
    EXPECT_EQ(mode(R"("snapshot.mode": "never")", ""), "no_data");
    EXPECT_EQ(mode(R"("snapshot.mode": "custom")", ""), "no_data");
}

TEST(FromDebezium, refuses_what_it_cannot_read_by_name) {
    const auto refused = [](std::string_view connector, std::string_view offset) {
        const auto converted = from_debezium({.connector = connector, .offset = offset});
        return converted ? std::string("accepted") : converted.error().what();
    };
    EXPECT_NE(refused("[1]", "").find("not a JSON object"), std::string::npos);
    EXPECT_NE(refused("{", "").find("not a JSON object"), std::string::npos);
    EXPECT_NE(refused("{}", "").find("connector.class"), std::string::npos);
    EXPECT_NE(refused(R"({"connector.class":"io.debezium.connector.oracle.OracleConnector"})", "")
                  .find("PostgresConnector"),
              std::string::npos);
    EXPECT_NE(refused(kPlant, "7").find("offset file"), std::string::npos);
    EXPECT_NE(refused(kPlant, "{}").find("lsn_commit"), std::string::npos);
    EXPECT_NE(
        refused(kPlant, R"({"lsn_commit":1,"snapshot_completed":false})").find("not complete"),
        std::string::npos);
}

}  // namespace
}  // namespace tributary::config
