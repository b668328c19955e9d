// The keys of an MQTT source become its options; mistakes are named.
#include "connectors/mqtt/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/loaded.h"

namespace tributary::mqtt {
namespace {

using testing::HasSubstr;

config::Connectors only_mqtt() {
    return {.kafka = [](config::Reader& reader) { reader.accept_unknown(); },
            .sources = {{"mqtt",
                         {.read = [](config::Reader& reader) { (void)read_options(reader); },
                          .has_tables = false,
                          .ack = config::Ack::buffered,
                          .poison = config::Poison::dead_letter}}}};
}

Result<Options> load(const std::string& source) {
    const auto loaded = config::load_text(
        "agent: {id: a}\nkafka: {bootstrap_servers: [k]}\nsources:\n  - name: s\n    type: mqtt\n" +
            source,
        "t.yaml",
        only_mqtt(),
        {.variable = [](const std::string&) { return std::optional<std::string>("hunter2"); },
         .file = [](const std::string&) { return std::nullopt; }});
    if (!loaded) {
        return loaded.error();
    }
    EXPECT_EQ(loaded.value().config.sources[0].poison, config::Poison::dead_letter);
    EXPECT_NE(loaded.value().config.sources[0].ack, config::Ack::automatic);
    auto reader = loaded.value().source(0);
    return read_options(reader);
}

constexpr const char* kRoutes =
    "    routes: [{match: 'plant/{site}', qos: 2, topic: iot, value: message, payload: text}]\n";

TEST(Options, of_a_subscriber) {
    const auto read =
        load(std::string("    broker: mqtts://broker.example:8884\n    client_id: gw-17\n"
                         "    username: u\n    password: \"${env:PW}\"\n    protocol: \"3.1.1\"\n"
                         "    keepalive: 20s\n    session_expiry: 2h\n    ack: delivered\n"
                         "    tls: {ca: /ca.pem}\n    status: {topic: agents/gw-17}\n") +
             kRoutes);
    ASSERT_TRUE(read) << read.error().what();
    const Options& options = read.value();
    EXPECT_EQ(options.broker, (Address{true, "broker.example", 8884}));
    EXPECT_FALSE(options.listen);
    EXPECT_EQ(options.client_id, "gw-17");
    EXPECT_EQ(options.password.reveal(), "hunter2");
    EXPECT_EQ(options.protocol, Protocol::v3_1_1);
    EXPECT_EQ(options.keepalive_s, 20U);
    EXPECT_EQ(options.session_expiry_s, 7200U);
    EXPECT_TRUE(options.ack_delivered);
    EXPECT_EQ(options.tls.ca, "/ca.pem");
    EXPECT_EQ(options.status.topic, "agents/gw-17");
    ASSERT_EQ(options.routes.size(), 1U);
    EXPECT_EQ(options.routes[0].qos, 2);
    EXPECT_EQ(options.routes[0].value, SensorForm::message);
    EXPECT_EQ(options.routes[0].payload, PayloadForm::text);
}

TEST(Options, of_a_listener) {
    const auto read =
        load(std::string("    listener: {addresses: ['mqtt://127.0.0.1:1884'], password_file: /p,\n"
                         "      acl: [{user: '*', publish: ['plant/#']}]}\n") +
             kRoutes);
    ASSERT_TRUE(read) << read.error().what();
    ASSERT_TRUE(read.value().listen);
    EXPECT_EQ(read.value().listen->addresses[0], (Address{false, "127.0.0.1", 1884}));
    EXPECT_EQ(read.value().listen->acl[0].publish[0], "plant/#");
    EXPECT_FALSE(read.value().ack_delivered);
}

TEST(Options, that_cannot_be_are_refused_by_name) {
    const auto refused = [](const std::string& source, const char* what) {
        const auto read = load(source);
        ASSERT_FALSE(read) << source;
        EXPECT_THAT(read.error().what(), HasSubstr(what));
    };
    const std::string broker = "    broker: mqtt://b\n    client_id: c\n";
    refused(kRoutes, "either `broker` or `listener.addresses`");
    refused(std::string("    broker: tcp://b\n    client_id: c\n") + kRoutes, "is not mqtt://");
    refused(std::string("    broker: mqtt://b\n") + kRoutes, "client_id");
    refused(broker + "    ack: auto\n" + kRoutes, "auto needs a source");
    refused(broker + "    password: plain\n" + kRoutes, "password");
    refused(broker + "    topics: {prefix: p}\n" + kRoutes, "topics");
    refused(broker + "    routes: [{match: 'a/{b}', topic: 'x.{b}'}]\n", "`topics`");
    refused(broker + "    routes: [{match: 'a/+', topic: x}, {match: '+/b', topic: y}]\n", "twice");
    refused(broker + "    routes: [{match: a, topic: __consumer_offsets}]\n", "internal");
    refused(broker + "    routes: [{match: a, topic: x, headers: {tributary: y}}]\n", "tributary");
    refused(broker + "    gaps: _tributary.x\n" + kRoutes, "gaps");
    refused(broker, "routes");
    refused(std::string("    listener: {addresses: ['mqtt://0.0.0.0:1']}\n") + kRoutes,
            "names nobody");
    refused(std::string("    listener: {addresses: ['mqtts://0.0.0.0:1'], anonymous: true}\n") +
                kRoutes,
            "tls.cert");
}

TEST(Options, that_cannot_be_are_named_once) {
    for (const std::string& source :
         {std::string("    broker: mqtt://::1:1883\n    client_id: c\n") + kRoutes,
          std::string("    broker: ''\n    client_id: c\n") + kRoutes,
          std::string("    broker: mqtt://b\n    client_id: c\n"
                      "    routes: [{match: '$share/g/a', topic: x}]\n")}) {
        const auto read = load(source);
        ASSERT_FALSE(read) << source;
        EXPECT_THAT(read.error().what(), testing::Not(HasSubstr("\n"))) << source;
    }
}

TEST(Addresses, have_a_scheme_a_host_and_perhaps_a_port) {
    EXPECT_EQ(parse_address("mqtt://h"), (Address{false, "h", 1883}));
    EXPECT_EQ(parse_address("mqtts://h"), (Address{true, "h", 8883}));
    EXPECT_EQ(parse_address("mqtt://[::1]:1884"), (Address{false, "::1", 1884}));
    for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) {
        EXPECT_TRUE(is_loopback({false, host, 1883})) << host;
    }
    for (const char* host : {"broker", "10.0.0.127", "::", "0.0.0.0"}) {
        EXPECT_FALSE(is_loopback({false, host, 1883})) << host;
    }
    for (const char* text : {"",
                             "h",
                             "mqtt://",
                             "mqtt://h:0",
                             "mqtt://h:x",
                             "mqtt://h:70000",
                             "mqtt://[::1",
                             "mqtt://::1:1883",
                             "mqtt://u@h",
                             "mqtt://h/p",
                             "ws://h"}) {
        EXPECT_EQ(parse_address(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace tributary::mqtt
