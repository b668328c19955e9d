// `tributary check` for Kafka: asks, changes nothing that a running agent uses. Blocking; one
// thread.
#include <atomic>
#include <chrono>
#include <utility>

#include "connectors/kafka/admin.h"
#include "connectors/kafka/errors.h"
#include "connectors/kafka/kafka.h"
#include "connectors/kafka/patience.h"
#include "connectors/kafka/properties.h"
#include "model/errors.h"
#include "ports/quiet_observer.h"

namespace tributary::kafka {

namespace {

constexpr std::chrono::milliseconds kConnectBudget{10000};
constexpr std::chrono::milliseconds kQuestionBudget{5000};
constexpr const char* kToBeCreated = "does not exist yet: `run` creates it";
constexpr int kCopies = 3;  // replicas that outlive a broker while another is being restarted

class Checking {
  public:
    Checking(const Options& options, const SinkIdentity& identity, const Clock& clock)
        : options_(options), identity_(identity), clock_(clock) {}

    std::vector<Finding> run(std::span<const std::string> topics) {
        const auto valid = check_options(options_, identity_);
        if (valid.has_error()) {
            fail("kafka.properties", valid.error());
            return std::move(findings_);
        }
        if (connect()) {
            check_defaults();
            check_checkpoint_topic();
            for (const auto& topic : topics) {
                check_topic(topic);
            }
        }
        client_.reset();
        if (connected_ && options_.delivery == Delivery::exactly_once) {
            check_transactions();
        }
        return std::move(findings_);
    }

  private:
    void add(Severity severity, std::string subject, std::string what, std::string remedy = {}) {
        findings_.push_back({.severity = severity,
                             .subject = std::move(subject),
                             .what = std::move(what),
                             .remedy = std::move(remedy)});
    }
    void fail(std::string subject, const Error& error) {
        add(Severity::error,
            std::move(subject),
            std::string(error.kind().name) + ": " + error.what(),
            std::string(error.kind().next));
    }
    [[nodiscard]] Patience patience(std::chrono::milliseconds budget) {
        return {clock_, interrupted_, budget};
    }

    bool connect() {
        auto conf = admin_conf(options_);
        if (conf.has_error()) {
            fail("kafka", conf.error());
            return false;
        }
        auto client =
            Client::make(RD_KAFKA_PRODUCER, std::move(conf.value()), identity_.pipeline, observer_);
        if (client.has_error()) {
            fail("kafka", client.error());
            return false;
        }
        client_ = std::move(client.value());
        Patience waiting = patience(kConnectBudget);
        const auto brokers = await_brokers(*client_, waiting);
        if (brokers.has_error()) {
            fail("kafka", brokers.error());
            return false;
        }
        connected_ = true;
        brokers_ = brokers.value();
        add(Severity::ok, "kafka", "answers, brokers: " + std::to_string(brokers.value()));
        return true;
    }

    void check_checkpoint_topic() {
        const std::string topic = checkpoint_topic(identity_);
        Patience waiting = patience(kQuestionBudget);
        const auto ready = ensure_checkpoint_topic(
            *client_, topic, options_.checkpoint_replication, false, waiting);
        if (ready.has_value()) {
            add(Severity::ok, "topic " + topic, "compacted, one partition");
            check_copies(topic, ready.value());
        } else if (ready.error().is(errors::kTopicMissing)) {
            check_creation(new_checkpoint_topic(topic, options_.checkpoint_replication));
        } else {
            fail("topic " + topic, ready.error());
        }
    }

    void check_topic(const std::string& topic) {
        Patience waiting = patience(kQuestionBudget);
        const auto found = find_topic(*client_, topic, waiting);
        if (found.has_error()) {
            fail("topic " + topic, found.error());
        } else if (found.value()) {
            add(Severity::ok,
                "topic " + topic,
                std::to_string(found.value()->partitions) + " partitions");
            check_copies(topic, *found.value());
        } else if (options_.topics.create && creation_tried_) {
            add(Severity::ok, "topic " + topic, kToBeCreated);
        } else if (options_.topics.create) {
            creation_tried_ = true;
            check_creation({.name = topic,
                            .partitions = options_.topics.partitions,
                            .replication = options_.topics.replication,
                            .settings = options_.topics.config});
        } else {
            add(Severity::error,
                "topic " + topic,
                "does not exist",
                "kafka-topics.sh --create --topic " + topic + " --partitions " +
                    std::to_string(options_.topics.partitions) + ", or kafka.topics.create: true");
        }
    }

    // Of a topic that is not there: the brokers say what they would do.
    void check_creation(const NewTopic& topic) {
        Patience waiting = patience(kQuestionBudget);
        const auto tried = try_create_topic(*client_, topic, waiting);
        if (tried.has_value()) {
            add(Severity::ok, "topic " + topic.name, kToBeCreated);
        } else if (tried.error().is(errors::kKafkaDenied)) {
            add(Severity::error,
                "topic " + topic.name,
                "does not exist, and `run` may not create it: " + tried.error().what(),
                "kafka-acls.sh --add --allow-principal User:.. --operation Create --topic " +
                    topic.name + ", or create it by hand");
        } else {
            fail("topic " + topic.name, tried.error());
        }
    }

    // Topics that are not there yet get the brokers' default unless the configuration says more.
    void check_defaults() {
        const bool chosen = options_.topics.replication > 0 && options_.checkpoint_replication > 0;
        if (chosen || brokers_ < kCopies) {
            return;
        }
        Patience waiting = patience(kQuestionBudget);
        auto settings = broker_settings(*client_, waiting);
        if (settings.has_value() && settings.value()["default.replication.factor"] == "1") {
            add(Severity::warning,
                "kafka",
                "default.replication.factor=1 on " + std::to_string(brokers_) +
                    " brokers: topics that `run` creates would have one copy",
                "kafka: {topics: {replication: 3}, checkpoint_replication: 3}");
        }
    }

    // What the promise takes for granted (docs/guarantees.md), where the cluster is large enough.
    void check_copies(const std::string& topic, const TopicFacts& facts) {
        if (brokers_ < kCopies) {
            return;
        }
        const std::string subject = "topic " + topic;
        if (facts.replicas_min < kCopies) {
            add(Severity::warning,
                subject,
                "replication factor " + std::to_string(facts.replicas_min) + " on " +
                    std::to_string(brokers_) + " brokers: one that is lost takes records with it",
                "raise it to 3 with kafka-reassign-partitions.sh");
        }
        Patience waiting = patience(kQuestionBudget);
        auto settings = topic_settings(*client_, topic, waiting);
        if (settings.has_error()) {
            return;  // the right to read them is not needed to deliver
        }
        if (facts.replicas_min >= kCopies && settings.value()["min.insync.replicas"] == "1") {
            warn_of_setting(topic, "min.insync.replicas=1", "min.insync.replicas=2");
        }
        if (settings.value()["unclean.leader.election.enable"] == "true") {
            warn_of_setting(topic,
                            "unclean.leader.election.enable=true",
                            "unclean.leader.election.enable=false");
        }
    }
    void warn_of_setting(const std::string& topic,
                         const std::string& found,
                         const std::string& wanted) {
        add(Severity::warning,
            "topic " + topic,
            found + ": the cluster may forget what it has acknowledged",
            "kafka-configs.sh --alter --entity-type topics --entity-name " + topic +
                " --add-config " + wanted);
    }

    // With an id beside the real one: the real one would fence the agent that runs.
    void check_transactions() {
        const std::string id = transactional_id(identity_) + ".check";
        const std::string subject = "right on transactional id " + transactional_id(identity_);
        auto conf = producer_conf(options_, id, {});
        if (conf.has_error()) {
            fail(subject, conf.error());
            return;
        }
        auto client =
            Client::make(RD_KAFKA_PRODUCER, std::move(conf.value()), identity_.pipeline, observer_);
        if (client.has_error()) {
            fail(subject, client.error());
            return;
        }
        const ErrorHandle error(rd_kafka_init_transactions(
            client.value()->get(), static_cast<int>(kConnectBudget.count())));
        if (!error) {
            add(Severity::ok, subject, "transactions work (tried with " + id + ")");
            return;
        }
        const Error named = to_error(*error, "init_transactions " + id);
        if (named.is(errors::kKafkaDenied)) {
            add(Severity::warning,
                subject,
                named.what(),
                "grant Write and Describe on the transactional id prefix " +
                    transactional_id(identity_) +
                    "; if they are granted on the exact id only, this warning is expected");
            return;
        }
        // That brokers answer was seen before.
        client.value()->serve(std::chrono::milliseconds(0));
        fail(subject,
             named.is(errors::kKafkaUnreachable)
                 ? without_coordinator(id, client.value()->last_error())
                 : named);
    }

    const Options& options_;
    const SinkIdentity& identity_;
    const Clock& clock_;
    // The findings carry what librdkafka logs.
    QuietObserver observer_;
    std::atomic<bool> interrupted_{false};
    std::unique_ptr<Client> client_;
    bool connected_ = false;
    bool creation_tried_ = false;  // of one topic for events: the others are created alike
    int brokers_ = 0;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check(const Options& options,
                           const SinkIdentity& identity,
                           std::span<const std::string> topics,
                           const Clock& clock) {
    return Checking(options, identity, clock).run(topics);
}

}  // namespace tributary::kafka
