// The Kafka sink's rules that need no broker: properties, names, error rows, the spotless rule.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/properties.h"
#include "connectors/kafka/wire_watch.h"
#include "model/errors.h"

namespace tributary::kafka {
namespace {

using testing::HasSubstr;
using testing::Not;

const SinkIdentity kIdentity{.agent = "gw-17", .pipeline = "plant"};

Options with(const std::string& name, const std::string& value) {
    Options options;
    options.bootstrap_servers = {"127.0.0.1:9092"};
    if (!name.empty()) {
        options.properties[name] = value;
    }
    return options;
}

TEST(KafkaProperties, those_that_keep_the_promise_pass) {
    EXPECT_TRUE(check_options(with("", ""), kIdentity).has_value());
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"compression.type", "zstd"},
                                            {"linger.ms", "5"},
                                            {"message.max.bytes", "8388608"},
                                            {"batch.size", "65536"},
                                            {"client.id", "x"},
                                            {"socket.timeout.ms", "20000"},
                                            {"security.protocol", "SSL"},
                                            {"queue.buffering.max.kbytes", "8192"}}) {
        const auto result = check_options(with(name, value), kIdentity);
        EXPECT_TRUE(result.has_value()) << result.error().message();
    }
}

TEST(KafkaProperties, those_that_break_the_promise_are_refused_by_name) {
    for (const char* name : {"transactional.id",
                             "enable.idempotence",
                             "acks",
                             "request.required.acks",
                             "partitioner",
                             "message.timeout.ms",
                             "delivery.timeout.ms",
                             "max.in.flight",
                             "max.in.flight.requests.per.connection",
                             "isolation.level",
                             "retries",
                             "transaction.timeout.ms",
                             "bootstrap.servers",
                             "plugin.library.paths",
                             "dr_msg_cb",
                             "delivery.report.only.error",
                             "group.id",
                             "allow.auto.create.topics",
                             "enable.gapless.guarantee"}) {
        const auto result = check_options(with(name, "1"), kIdentity);
        ASSERT_TRUE(result.has_error()) << name;
        EXPECT_TRUE(result.error().is(errors::kKafkaConfig));
        EXPECT_THAT(result.error().what(), HasSubstr(name));
    }
}

std::string queue_kbytes(const Options& options) {
    const auto conf = producer_conf(options, "t", {});
    std::array<char, 64> text{};
    std::size_t size = text.size();
    rd_kafka_conf_get(conf.value().get(), "queue.buffering.max.kbytes", text.data(), &size);
    return text.data();
}

TEST(KafkaProperties, the_queue_takes_the_largest_record_that_is_allowed) {
    EXPECT_EQ(queue_kbytes(with("", "")), "16384");
    EXPECT_EQ(queue_kbytes(with("message.max.bytes", "16777216")), "16384");
    EXPECT_EQ(queue_kbytes(with("message.max.bytes", "16777217")), "16385");
    EXPECT_EQ(queue_kbytes(with("message.max.bytes", "200000000")), "195313");
    auto both = with("message.max.bytes", "20000000");
    both.properties["queue.buffering.max.kbytes"] = "19532";
    EXPECT_EQ(queue_kbytes(both), "19532");
    both.properties["queue.buffering.max.kbytes"] = "19531";
    const auto refused = check_options(both, kIdentity);
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(errors::kKafkaConfig));
    EXPECT_THAT(refused.error().what(), HasSubstr("queue.buffering.max.kbytes"));
    EXPECT_THAT(refused.error().what(), HasSubstr("19532"));
}

TEST(KafkaProperties, a_queue_in_which_records_wait_for_each_other_is_refused) {
    for (const auto& [name, least] : std::map<std::string, std::string>{
             {"queue.buffering.max.kbytes", "1024"}, {"queue.buffering.max.messages", "1000"}}) {
        EXPECT_TRUE(check_options(with(name, least), kIdentity).has_value()) << name;
        const std::string less = std::to_string(std::stoi(least) - 1);
        for (const std::string& value : {std::string("1"), less}) {
            const auto refused = check_options(with(name, value), kIdentity);
            ASSERT_TRUE(refused.has_error()) << name << value;
            EXPECT_THAT(refused.error().what(), HasSubstr(name));
            EXPECT_THAT(refused.error().what(), HasSubstr("at least " + least));
        }
    }
}

TEST(KafkaProperties, those_that_switch_verification_off_are_refused_by_name) {
    for (const auto& [name, on, off] :
         {std::array<std::string, 3>{"enable.ssl.certificate.verification", "true", "false"},
          std::array<std::string, 3>{"ssl.endpoint.identification.algorithm", "https", "none"}}) {
        EXPECT_TRUE(check_options(with(name, on), kIdentity).has_value()) << name;
        const auto refused = check_options(with(name, off), kIdentity);
        ASSERT_TRUE(refused.has_error()) << name;
        EXPECT_TRUE(refused.error().is(errors::kKafkaConfig));
        EXPECT_THAT(refused.error().what(), HasSubstr(name));
        auto secret = with("", "");
        secret.secret_properties.emplace(name, config::Secret(off));
        EXPECT_TRUE(check_options(secret, kIdentity).has_error()) << name;
    }
}

TEST(KafkaProperties, unknown_names_and_values_are_named_and_secrets_never_quoted) {
    EXPECT_THAT(check_options(with("no.such.property", "1"), kIdentity).error().what(),
                HasSubstr("no.such.property"));
    EXPECT_THAT(check_options(with("linger.ms", "soon"), kIdentity).error().what(),
                HasSubstr("linger.ms"));
    auto options = with("", "");
    options.secret_properties.emplace("acks", config::Secret("hunter2"));
    const auto refused = check_options(options, kIdentity);
    ASSERT_TRUE(refused.has_error());
    EXPECT_THAT(refused.error().what(), HasSubstr("acks"));
    options.secret_properties.clear();
    options.secret_properties.emplace("security.protocol", config::Secret("hunter2"));
    const auto wrong = check_options(options, kIdentity);
    ASSERT_TRUE(wrong.has_error());
    EXPECT_THAT(wrong.error().what(), Not(HasSubstr("hunter2")));
}

TEST(KafkaNames, follow_agent_and_pipeline_and_must_be_topics) {
    EXPECT_EQ(checkpoint_topic(kIdentity), "_tributary.checkpoint.gw-17.plant");
    EXPECT_EQ(transactional_id(kIdentity), "tributary.gw-17.plant");
    for (const SinkIdentity& bad : {SinkIdentity{"", "plant"},
                                    SinkIdentity{"gw", ""},
                                    SinkIdentity{"gw 17", "plant"},
                                    SinkIdentity{"gw", "pl/ant"},
                                    SinkIdentity{"gw", std::string(250, 'p')}}) {
        EXPECT_TRUE(check_options(with("", ""), bad).has_error());
    }
}

TEST(KafkaErrors, have_the_row_that_says_what_to_do) {
    const auto row = [](rd_kafka_resp_err_t code, std::string_view text) {
        return std::string(to_error(code, text, "x").kind().name);
    };
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR__SSL, ""), "kafka_tls");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR__TRANSPORT, "ssl://b: SSL handshake failed: error:0A000086"),
              "kafka_tls");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR__TRANSPORT, "SSL handshake failed: Disconnected"),
              "kafka_unreachable");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR__TRANSPORT, "Connect to b failed"), "kafka_unreachable");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR__AUTHENTICATION, ""), "kafka_auth");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ""), "kafka_denied");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ""), "topic_missing");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, ""), "kafka_config");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, ""), "kafka_clock");
    // Fenced is transient: only a foreign checkpoint proves another agent.
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR__FENCED, ""), "kafka_transaction");
    EXPECT_EQ(row(RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, ""), "kafka_transaction");
}

TEST(ProducerRules, a_producer_is_used_again_only_after_a_spotless_commit) {
    EXPECT_EQ(after_commit({.end_txn_sent = 1, .errors = 0}, true), Phase::ready);
    EXPECT_EQ(after_commit({.end_txn_sent = 2, .errors = 0}, true), Phase::doubtful);
    EXPECT_EQ(after_commit({.end_txn_sent = 1, .errors = 1}, true), Phase::doubtful);
    EXPECT_EQ(after_commit({.end_txn_sent = 0, .errors = 0}, false), Phase::ready);
    EXPECT_EQ(after_commit({.end_txn_sent = 0, .errors = 1}, false), Phase::doubtful);
}

TEST(ProducerRules, only_connecting_goes_on_with_the_same_client) {
    const Error away(errors::kKafkaUnreachable, "");
    EXPECT_EQ(after_failure(Phase::initialising, away), Phase::initialising);
    EXPECT_EQ(after_failure(Phase::initialised, away), Phase::initialised);
    EXPECT_EQ(after_failure(Phase::initialised, Error(errors::kKafkaAuth, "")), Phase::doubtful);
    EXPECT_EQ(after_failure(Phase::ready, away), Phase::doubtful);
    EXPECT_EQ(after_failure(Phase::in_transaction, away), Phase::doubtful);
}

TEST(ProducerRules, fencing_comes_before_reading_and_the_checkpoint_before_the_end) {
    EXPECT_EQ(recover_steps().front(), RecoverStep::fence);
    EXPECT_EQ(recover_steps().back(), RecoverStep::read_checkpoint);
    EXPECT_EQ(commit_steps(true).front(), CommitStep::checkpoint);
    EXPECT_EQ(commit_steps(true).back(), CommitStep::end_transaction);
    EXPECT_EQ(commit_steps(false).front(), CommitStep::flush);
}

TEST(WireCount, is_spotless_only_with_one_end_and_no_error) {
    EXPECT_TRUE((WireCount{.end_txn_sent = 1, .errors = 0}.spotless()));
    EXPECT_FALSE((WireCount{.end_txn_sent = 2, .errors = 0}.spotless()));
    EXPECT_FALSE((WireCount{.end_txn_sent = 0, .errors = 0}.spotless()));
    EXPECT_FALSE((WireCount{.end_txn_sent = 1, .errors = 1}.spotless()));
}

}  // namespace
}  // namespace tributary::kafka
