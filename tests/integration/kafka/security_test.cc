// Wrong credentials, wrong certificates and missing rights: librdkafka only logs the first two and
// goes on trying; the sink names them within seconds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "model/errors.h"
#include "tests/integration/kafka/rig.h"
#include "tests/servers/kafka_handle.h"

namespace tributary::kafka {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

constexpr milliseconds kNamedWithin{10000};
constexpr const char* kPlainLogin = "org.apache.kafka.common.security.plain.PlainLoginModule";

void openssl(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"openssl"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    servers::run_to_end({.command = command, .output_file = scratch() / "openssl.log"},
                        std::chrono::seconds(30));
}

// A self-signed certificate for 127.0.0.1: <name>.key, <name>.crt, <name>.pem (both, for Kafka).
void make_certificate(const std::string& name) {
    const std::string base = (scratch() / name).string();
    openssl({"req",
             "-x509",
             "-newkey",
             "rsa:2048",
             "-nodes",
             "-days",
             "2",
             "-keyout",
             base + ".key",
             "-out",
             base + ".crt",
             "-subj",
             "/CN=127.0.0.1",
             "-addext",
             "subjectAltName=IP:127.0.0.1"});
    std::ofstream pem(base + ".pem");
    for (const char* part : {".key", ".crt"}) {
        pem << std::ifstream(base + part).rdbuf();
    }
    pem.close();
    std::filesystem::permissions(base + ".pem",
                                 std::filesystem::perms::owner_read |
                                     std::filesystem::perms::group_read |
                                     std::filesystem::perms::others_read);
}

servers::Kafka& secured() {
    static std::unique_ptr<servers::Kafka> kafka = [] {
        make_certificate("server");
        make_certificate("stranger");
        const std::string login =
            std::string(kPlainLogin) +
            " required user_trib=\"right\" user_mallory=\"right\" user_reader=\"right\";";
        return std::make_unique<servers::Kafka>(servers::KafkaOptions{
            .directory = scratch() / "secured",
            .version = servers::kKafka4,
            .properties = {{"authorizer.class.name",
                            "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
                           {"super.users", "User:ANONYMOUS;User:trib;User:CN=127.0.0.1"},
                           {"listener.name.sasl_plaintext.sasl.enabled.mechanisms", "PLAIN"},
                           {"listener.name.sasl_plaintext.plain.sasl.jaas.config", login},
                           {"listener.name.ssl.ssl.keystore.type", "PEM"},
                           {"listener.name.ssl.ssl.keystore.location",
                            (scratch() / "server.pem").string()},
                           {"listener.name.ssl.ssl.truststore.type", "PEM"},
                           {"listener.name.ssl.ssl.truststore.location",
                            (scratch() / "server.crt").string()},
                           {"listener.name.ssl.ssl.client.auth", "required"}},
            .further_listeners = {"SSL", "SASL_PLAINTEXT"}});
    }();
    return *kafka;
}

Options with_password(const std::string& user, const std::string& password) {
    auto options = options_for(secured().bootstrap_of("SASL_PLAINTEXT"));
    options.properties = {{"security.protocol", "SASL_PLAINTEXT"},
                          {"sasl.mechanism", "PLAIN"},
                          {"sasl.username", user}};
    options.secret_properties.emplace("sasl.password", config::Secret(password));
    return options;
}

Options with_certificates(const std::string& trusted, const std::string& own) {
    auto options = options_for(secured().bootstrap_of("SSL"));
    options.properties = {{"security.protocol", "SSL"},
                          {"ssl.ca.location", (scratch() / (trusted + ".crt")).string()}};
    if (!own.empty()) {
        options.properties["ssl.key.location"] = (scratch() / (own + ".key")).string();
        options.properties["ssl.certificate.location"] = (scratch() / (own + ".crt")).string();
    }
    return options;
}

// recover() fails with `kind` well before its budget ends.
void expect_named(const Options& options, const ErrorKind& kind) {
    Rig rig(options);
    const auto start = std::chrono::steady_clock::now();
    const auto refused = rig->recover(kBudget);
    const auto took = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(kind)) << refused.error().message();
    EXPECT_LT(took, kNamedWithin);
}

TEST(Security, the_right_password_delivers_and_a_wrong_one_is_named) {
    Rig rig(with_password("trib", "right"));
    const auto recovered = rig->recover(kBudget);
    ASSERT_TRUE(recovered.has_value()) << recovered.error().message();
    EXPECT_TRUE(rig.transaction(fresh_topic(), 1, 5).has_value());
    expect_named(with_password("trib", "wrong"), errors::kKafkaAuth);
}

TEST(Security, a_wrong_password_is_named_without_transactions_too_and_by_check) {
    auto options = with_password("trib", "very-secret-but-wrong");
    std::string text;
    for (const auto& finding : check(options, fresh_identity(), {}, SystemClock())) {
        text += finding.what;
    }
    EXPECT_THAT(text, HasSubstr("kafka_auth"));
    EXPECT_THAT(text, Not(HasSubstr("very-secret-but-wrong")));
    options.delivery = Delivery::at_least_once;
    expect_named(options, errors::kKafkaAuth);
}

TEST(Security, good_certificates_deliver) {
    secured();
    Rig rig(with_certificates("server", "server"));
    const auto recovered = rig->recover(kBudget);
    ASSERT_TRUE(recovered.has_value()) << recovered.error().message();
    EXPECT_TRUE(rig.transaction(fresh_topic(), 1, 5).has_value());
}

// catalogue: F40
TEST(Security, a_broker_certificate_that_is_not_trusted_is_named) {
    secured();
    expect_named(with_certificates("stranger", "server"), errors::kKafkaTls);
}

// catalogue: F40
TEST(Security, a_client_certificate_that_the_broker_refuses_is_named) {
    secured();
    expect_named(with_certificates("server", "stranger"), errors::kKafkaTls);
    expect_named(with_certificates("server", ""), errors::kKafkaTls);
}

// catalogue: F39
TEST(Security, a_client_certificate_renewed_in_its_files_is_taken_by_the_next_try) {
    secured();
    const auto install = [](const std::string& from) {
        for (const char* part : {".key", ".crt"}) {
            std::filesystem::copy_file(scratch() / (from + part),
                                       scratch() / (std::string("renewed") + part),
                                       std::filesystem::copy_options::overwrite_existing);
        }
    };
    install("stranger");
    Rig rig(with_certificates("server", "renewed"));
    EXPECT_TRUE(rig->recover(kBudget).error().is(errors::kKafkaTls));
    install("server");
    const auto recovered = rig->recover(kBudget);
    ASSERT_TRUE(recovered.has_value()) << recovered.error().message();
    EXPECT_TRUE(rig.transaction(fresh_topic(), 1, 5).has_value());
}

// catalogue: F38
TEST(Security, missing_rights_are_named) {
    expect_named(with_password("mallory", "right"), errors::kKafkaDenied);
}

// Every right on topics but to create them.
void grant_without_create(const std::string& user) {
    const auto client =
        servers::make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", secured().bootstrap()}});
    const auto rule = [&](rd_kafka_ResourceType_t type, const char* name, auto operation) {
        return rd_kafka_AclBinding_new(type,
                                       name,
                                       RD_KAFKA_RESOURCE_PATTERN_LITERAL,
                                       ("User:" + user).c_str(),
                                       "*",
                                       operation,
                                       RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
                                       nullptr,
                                       0);
    };
    std::array rules{rule(RD_KAFKA_RESOURCE_TOPIC, "*", RD_KAFKA_ACL_OPERATION_READ),
                     rule(RD_KAFKA_RESOURCE_TOPIC, "*", RD_KAFKA_ACL_OPERATION_WRITE),
                     rule(RD_KAFKA_RESOURCE_TOPIC, "*", RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS)};
    const servers::QueueHandle queue(rd_kafka_queue_new(client.get()));
    rd_kafka_CreateAcls(client.get(), rules.data(), rules.size(), nullptr, queue.get());
    const servers::EventHandle event(rd_kafka_queue_poll(queue.get(), 20'000));
    for (auto* each : rules) {
        rd_kafka_AclBinding_destroy(each);
    }
    ASSERT_TRUE(event);
    ASSERT_EQ(rd_kafka_event_error(event.get()), RD_KAFKA_RESP_ERR_NO_ERROR);
}

TEST(Security, check_says_before_the_first_run_that_topics_may_not_be_created) {
    ASSERT_NO_FATAL_FAILURE(grant_without_create("reader"));
    const auto identity = fresh_identity();
    const std::vector<std::string> topics{fresh_topic(), fresh_topic()};
    const auto findings_of = [&](const std::string& user) {
        return check(with_password(user, "right"), identity, topics, SystemClock());
    };
    std::set<std::string> refused;
    for (const Finding& finding : findings_of("reader")) {
        if (finding.severity == Severity::error) {
            refused.insert(finding.subject);
            EXPECT_THAT(finding.what, HasSubstr("may not create it"));
            EXPECT_THAT(finding.what, HasSubstr("the right Create on the topic"));
            EXPECT_THAT(finding.remedy, HasSubstr("--operation Create"));
        }
    }
    EXPECT_EQ(refused,
              (std::set<std::string>{"topic " + checkpoint_topic(identity), "topic " + topics[0]}))
        << "of two topics for events one is tried";
    // Nothing was created by asking.
    for (int round = 0; round < 2; ++round) {
        std::size_t to_come = 0;
        for (const Finding& finding : findings_of("trib")) {
            EXPECT_NE(finding.severity, Severity::error) << finding.subject << finding.what;
            to_come += finding.what.find("does not exist yet") != std::string::npos ? 1U : 0U;
        }
        EXPECT_EQ(to_come, 3U);
    }
}

}  // namespace
}  // namespace tributary::kafka
