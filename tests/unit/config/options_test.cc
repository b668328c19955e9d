// The connectors' own keys become their structs.
#include <gtest/gtest.h>

#include "agent/connectors.h"
#include "config/loaded.h"
#include "connectors/kafka/options.h"
#include "connectors/postgresql/options.h"

namespace tributary {
namespace {

constexpr std::string_view kText = R"(agent: {id: a}
kafka:
  bootstrap_servers: ["k1:9092", "k2:9092"]
  delivery: at_least_once
  topics: {create: false, partitions: 3, replication: 2, config: {retention.ms: 1000}}
  transaction_timeout: 30s
  properties: {compression.type: zstd, sasl.password: "${env:PW}"}
sources:
  - name: plant
    type: postgresql
    connection: {host: db, port: "${env:PORT}", dbname: d, user: u, password: "${env:PW}", sslmode: disable, connect_timeout: 3s}
    slot: plant_1
    publication: p
    create_publication: true
    tables: {include: ['public\..*'], exclude_columns: 'public\.users\.ssn'}
    row_bytes_max: 8MiB
    status_interval: 5s
    receive_buffer: 0
    nap: 0
    pressure_limit: 2GiB
    topics: {prefix: plant}
)";

config::Surroundings around() {
    return {.variable = [](const std::string& name) -> std::optional<std::string> {
                return name == "PORT" ? "5433" : "hunter2";
            },
            .file = [](const std::string&) { return std::nullopt; }};
}

TEST(Options, of_postgresql_are_read_from_the_sources_mapping) {
    const auto loaded = config::load_text(kText, "t.yaml", agent::connectors(), around());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().what();
    auto reader = loaded.value().source(0);
    const auto options = postgresql::read_options(reader);
    ASSERT_TRUE(options.has_value());
    EXPECT_EQ(options.value().name, "plant");
    EXPECT_EQ(options.value().connection.host, "db");
    EXPECT_EQ(options.value().connection.port, 5433);
    EXPECT_EQ(options.value().connection.password.reveal(), "hunter2");
    EXPECT_EQ(options.value().connection.sslmode, "disable");
    EXPECT_EQ(options.value().connection.connect_timeout_s, 3U);
    EXPECT_EQ(options.value().slot, "plant_1");
    EXPECT_TRUE(options.value().create_publication);
    EXPECT_EQ(options.value().tables.include, std::vector<std::string>{"public\\..*"});
    EXPECT_EQ(options.value().tables.exclude_columns,
              std::vector<std::string>{"public\\.users\\.ssn"});
    EXPECT_EQ(options.value().row_bytes_max, 8ULL << 20U);
    EXPECT_EQ(options.value().status_interval_ms, 5000U);
    EXPECT_EQ(options.value().receive_buffer_bytes, 0U);
    EXPECT_EQ(options.value().nap_ms, 0U);
    EXPECT_EQ(options.value().pressure_limit_bytes, 2ULL << 30U);
}

TEST(Options, of_kafka_keep_secrets_apart_from_plain_properties) {
    const auto loaded = config::load_text(kText, "t.yaml", agent::connectors(), around());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().what();
    auto reader = loaded.value().kafka();
    const auto options = kafka::read_options(reader);
    ASSERT_TRUE(options.has_value());
    EXPECT_EQ(options.value().bootstrap_servers.size(), 2U);
    EXPECT_EQ(options.value().delivery, kafka::Delivery::at_least_once);
    EXPECT_EQ(options.value().transaction_timeout_ms, 30'000U);
    EXPECT_FALSE(options.value().topics.create);
    EXPECT_EQ(options.value().topics.partitions, 3);
    EXPECT_EQ(options.value().topics.replication, 2);
    EXPECT_EQ(options.value().topics.config.at("retention.ms"), "1000");
    EXPECT_EQ(options.value().properties.size(), 1U);
    EXPECT_EQ(options.value().properties.at("compression.type"), "zstd");
    EXPECT_EQ(options.value().secret_properties.at("sasl.password").reveal(), "hunter2");
}

TEST(Options, with_a_wrong_pattern_or_slot_name_are_refused) {
    const auto with = [](std::string_view from, std::string_view to) {
        std::string text(kText);
        text.replace(text.find(from), from.size(), to);
        const auto loaded = config::load_text(text, "t.yaml", agent::connectors(), around());
        return loaded.has_value() ? std::string() : loaded.error().what();
    };
    EXPECT_EQ(with("plant_1", "Plant-1"),
              "t.yaml:12: sources[0].slot: \"Plant-1\" is no slot name: lower-case letters, digits "
              "and _, at most 63");
    EXPECT_TRUE(with("'public\\..*'", "'public('")
                    .starts_with("t.yaml:15: sources[0].tables.include: \"public(\" is not a "
                                 "regular expression: "));
    EXPECT_EQ(
        with("[\"k1:9092\", \"k2:9092\"]", "\"k1:9092,k2:9092\""),
        "t.yaml:3: kafka.bootstrap_servers: \"k1:9092,k2:9092\" is no server: each is one list "
        "item, as host:port");
    for (const char* const server :
         {"k1:", ":9092", "k1:0", "k1:99999", "k1:x", "http://k1:9092", "::1:9092", "a b:1"}) {
        EXPECT_NE(with("k2:9092", server), "") << server;
    }
    for (const char* const server :
         {"k1", "[::1]:9092", "[::1]", "10.0.0.1:1", "k1.example:65535"}) {
        EXPECT_EQ(with("k2:9092", server), "") << server;
    }
    EXPECT_EQ(
        with("compression.type: zstd", "acks: 1"),
        "t.yaml:7: kafka.properties: acks: a record counts only once all in-sync replicas have "
        "it");
}

}  // namespace
}  // namespace tributary
