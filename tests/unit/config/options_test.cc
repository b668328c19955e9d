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

constexpr std::string_view kTwins = R"(agent: {id: a}
kafka: {bootstrap_servers: [k]}
sources:
  - {name: p1, type: postgresql, connection: {host: db, dbname: d, user: u}, slot: one, publication: p, topics: {prefix: p1}}
  - {name: p2, type: postgresql, connection: {host: db, dbname: e, user: u}, slot: two, publication: p, topics: {prefix: p2}}
  - {name: m1, type: mysql, connection: {host: db, user: u}, server_id: 1, topics: {prefix: m1}}
  - {name: m2, type: mariadb, connection: {host: db, user: u}, server_id: 2, topics: {prefix: m2}}
  - {name: q1, type: mqtt, broker: "mqtt://b", client_id: c1, routes: [{match: a, topic: t}]}
  - {name: q2, type: mqtt, broker: "mqtt://b:1883", client_id: c2, routes: [{match: a, topic: t}]}
)";

// What `text` with one replacement is refused for; empty when it is not.
std::string refusal_of(std::string text, std::string_view from, std::string_view to) {
    text.replace(text.find(from), from.size(), to);
    const auto loaded = config::load_text(text, "t.yaml", agent::connectors(), around());
    return loaded ? std::string() : loaded.error().what();
}

TEST(Options, that_two_sources_cannot_share_are_refused_with_the_one_that_has_them) {
    const std::string twins(kTwins);
    EXPECT_EQ(refusal_of(twins, "slot: two", "slot: one"),
              "t.yaml:5: sources[1].slot: slot one of db:5432 is sources[0]'s already; each source "
              "needs its own");
    EXPECT_EQ(
        refusal_of(twins, "server_id: 2", "server_id: 1"),
        "t.yaml:7: sources[3].server_id: server_id 1 at db:3306 is sources[2]'s already; each "
        "source needs its own");
    EXPECT_EQ(
        refusal_of(twins, "client_id: c2", "client_id: c1"),
        "t.yaml:9: sources[5].client_id: client_id c1 at b:1883 is sources[4]'s already; each "
        "source needs its own");
    for (const auto& [from, to] : {std::pair("host: db, dbname: e", "host: other, dbname: e"),
                                   std::pair("dbname: e", "port: 5433, dbname: e")}) {
        std::string elsewhere(kTwins);
        elsewhere.replace(elsewhere.find(from), std::string_view(from).size(), to);
        EXPECT_EQ(refusal_of(elsewhere, "slot: two", "slot: one"), "") << to;
    }
}

TEST(Options, that_name_files_tell_which_are_read_later) {
    std::string text(kTwins);
    text.replace(text.find("bootstrap_servers: [k]"),
                 22,
                 "bootstrap_servers: [k], properties: {ssl.ca.location: /ca, client.rack: r}");
    text.replace(text.find("client_id: c1"), 13, "client_id: c1, tls: {ca: /mqtt}");
    text.replace(text.find("{host: db, user: u}"), 19, "{host: db, user: u, sslkey: /key}");
    text.replace(text.find("{host: db, dbname: e, user: u}"),
                 30,
                 "{host: /run/postgresql, dbname: e, user: u}");
    const auto loaded = config::load_text(text, "t.yaml", agent::connectors(), around());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().what();
    const std::map<std::string, std::string> expected{
        {"kafka.properties.ssl.ca.location", "/ca"},
        {"sources[0].connection.sslrootcert", "~/.postgresql/root.crt"},
        {"sources[2].connection.sslkey", "/key"},
        {"sources[4].tls.ca", "/mqtt"}};
    EXPECT_EQ(loaded.value().files(), expected);
}

}  // namespace
}  // namespace tributary
