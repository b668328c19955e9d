// The sink's contract against Kafka 3.9 and 4.3: what is committed, what is read back, what other
// readers see, who is fenced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"
#include "tests/integration/kafka/rig.h"
#include "tests/servers/kafka_handle.h"

namespace tributary::kafka {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

class Commit : public testing::TestWithParam<const char*> {
  protected:
    [[nodiscard]] static servers::Kafka& kafka() { return broker(GetParam()); }
    [[nodiscard]] static Options options() { return options_for(kafka().bootstrap()); }
};

INSTANTIATE_TEST_SUITE_P(Versions,
                         Commit,
                         testing::Values(servers::kKafka3, servers::kKafka4),
                         [](const auto& version) {
                             return std::string(version.param[0] == '3' ? "Kafka3" : "Kafka4");
                         });

// Another producer that writes what it likes into any topic.
void write_as_stranger(const std::string& bootstrap,
                       const std::string& topic,
                       const std::string& key,
                       const std::string& value) {
    const auto client = servers::make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap}});
    const servers::TopicHandle handle(rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
    std::string copy = value;
    ASSERT_EQ(rd_kafka_produce(handle.get(),
                               0,
                               RD_KAFKA_MSG_F_COPY,
                               copy.data(),
                               copy.size(),
                               key.data(),
                               key.size(),
                               nullptr),
              0);
    ASSERT_EQ(rd_kafka_flush(client.get(), 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

TEST_P(Commit, a_new_pipeline_has_no_checkpoint_and_delivers) {
    Rig rig(options());
    const auto topic = fresh_topic();
    const auto none = rig->recover(kBudget);
    ASSERT_TRUE(none.has_value()) << none.error().message();
    EXPECT_FALSE(none.value().has_value());
    ASSERT_TRUE(rig->prepare_topic(topic).has_value());
    const auto outcome = rig.transaction(topic, 1, 1000);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
    EXPECT_EQ(outcome.value(), CommitOutcome::spotless);
    EXPECT_EQ(committed_keys(kafka().bootstrap(), topic), numbers(1, 1000));
    EXPECT_TRUE(rig->answers());
}

TEST_P(Commit, recover_gives_exactly_the_last_committed_checkpoint) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    for (std::uint64_t last = 10; last <= 100; last += 10) {
        ASSERT_TRUE(rig.transaction(topic, last - 9, last).has_value());
    }
    const auto own = rig->recover(kBudget);
    ASSERT_TRUE(own.has_value()) << own.error().message();
    EXPECT_EQ(own.value(), rig.checkpoint(91, 100));

    Rig other(options(), rig.identity());
    const auto next_life = other->recover(kBudget);
    ASSERT_TRUE(next_life.has_value());
    EXPECT_EQ(next_life.value(), rig.checkpoint(91, 100));
}

TEST_P(Commit, a_record_keeps_key_value_and_headers_and_null_is_not_empty) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig->begin().has_value());
    const std::vector<RecordHeader> headers{{.name = "__op", .value = "c"}};
    Record full = rig.record(topic, 1, "value");
    full.headers = headers;
    Record tombstone = rig.record(topic, 2, "");
    tombstone.value = std::nullopt;
    Record empty = rig.record(topic, 3, "");
    empty.value = std::string_view();
    empty.key = std::nullopt;
    for (const auto& record : {full, tombstone, empty}) {
        ASSERT_TRUE(rig->produce(record).has_value());
    }
    ASSERT_TRUE(rig->commit(rig.checkpoint(1, 3)).has_value());
    servers::KafkaReader reader({.bootstrap = kafka().bootstrap()});
    const auto records = reader.read(topic);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].value, "value");
    ASSERT_EQ(records[0].headers.size(), 2U);
    EXPECT_EQ(records[0].headers[0].name, "tributary");
    EXPECT_EQ(records[0].headers[0].value, "identity1");
    EXPECT_EQ(records[0].headers[1].value, "c");
    EXPECT_EQ(records[1].key, "2");
    EXPECT_EQ(records[1].value, std::nullopt);
    EXPECT_EQ(records[2].key, std::nullopt);
    EXPECT_EQ(records[2].value, "");
}

TEST_P(Commit, what_was_not_committed_is_invisible_and_not_in_the_checkpoint) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig.transaction(topic, 1, 10).has_value());
    ASSERT_TRUE(rig->begin().has_value());
    ASSERT_TRUE(rig.produce(topic, 11, 20).has_value());
    rig->close(milliseconds(5000));
    const auto checkpoint = rig->recover(kBudget);
    ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message();
    EXPECT_EQ(checkpoint.value(), rig.checkpoint(1, 10));
    EXPECT_EQ(committed_keys(kafka().bootstrap(), topic), numbers(1, 10));
}

// catalogue: F28
TEST_P(Commit, recover_in_the_middle_of_a_transaction_discards_it) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig->begin().has_value());
    ASSERT_TRUE(rig.produce(topic, 1, 500).has_value());
    const auto checkpoint = rig->recover(kBudget);
    ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message();
    EXPECT_FALSE(checkpoint.value().has_value());
    ASSERT_TRUE(rig.transaction(topic, 1, 5).has_value());
    EXPECT_EQ(committed_keys(kafka().bootstrap(), topic), numbers(1, 5));
}

// catalogue: F18
TEST_P(Commit, a_twin_fences_and_nothing_of_the_old_one_remains) {
    Rig old(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(old->recover(kBudget).has_value());
    ASSERT_TRUE(old.transaction(topic, 1, 10).has_value());
    ASSERT_TRUE(old->begin().has_value());
    ASSERT_TRUE(old.produce(topic, 11, 20).has_value());

    Rig twin(options(), old.identity());
    const auto seen = twin->recover(kBudget);
    ASSERT_TRUE(seen.has_value()) << seen.error().message();
    EXPECT_EQ(seen.value(), old.checkpoint(1, 10));

    const auto lost = old->commit(old.checkpoint(11, 20));
    ASSERT_TRUE(lost.has_error());
    EXPECT_TRUE(lost.error().transient()) << lost.error().message();
    ASSERT_TRUE(twin.transaction(topic, 11, 12).has_value());
    EXPECT_EQ(committed_keys(kafka().bootstrap(), topic), numbers(1, 12));
    // The old one learns from the checkpoint that somebody else went on.
    const auto after = old->recover(kBudget);
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after.value(), old.checkpoint(11, 12));
}

// catalogue: F37
TEST_P(Commit, a_record_over_message_max_bytes_is_poison_and_the_transaction_stays_good) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig->begin().has_value());
    ASSERT_TRUE(rig.produce(topic, 1, 1).has_value());
    const auto refused = rig->produce(rig.record(topic, 2, std::string(1100000, 'x')));
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(errors::kPoisonRecord));
    EXPECT_THAT(refused.error().what(), HasSubstr("kafka.properties: message.max.bytes"));
    ASSERT_TRUE(rig.produce(topic, 3, 3).has_value());
    const auto outcome = rig->commit(rig.checkpoint(1, 3));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
    EXPECT_EQ(committed_keys(kafka().bootstrap(), topic), (std::vector<std::string>{"1", "3"}));
}

// catalogue: F37
TEST_P(Commit, a_record_larger_than_the_usual_queue_is_delivered) {
    auto wide = options();
    wide.properties["message.max.bytes"] = "20000000";
    Rig rig(wide);
    const auto topic = fresh_topic();
    kafka().create_topic(topic, 1, {{"max.message.bytes", "20000000"}});
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig->begin().has_value());
    ASSERT_TRUE(rig.produce(topic, 1, 1).has_value());
    const auto produced = rig->produce(rig.record(topic, 2, std::string(17'000'000, 'x')));
    ASSERT_TRUE(produced.has_value()) << produced.error().message();
    const auto outcome = rig->commit(rig.checkpoint(1, 2));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
    EXPECT_EQ(committed_keys(kafka().bootstrap(), topic), numbers(1, 2));
}

// catalogue: F37
TEST_P(Commit, what_a_brokers_limit_refuses_is_named_and_what_is_beside_it_is_not) {
    const auto topic = fresh_topic();
    kafka().create_topic(topic, 1, {{"max.message.bytes", "20000"}});
    auto narrow = options();
    narrow.properties["compression.type"] = "none";
    Rig sink(narrow);
    std::vector<Poison> poison;
    for (int attempt = 0; attempt < 10 && poison.empty(); ++attempt) {
        ASSERT_TRUE(sink->recover(kBudget).has_value());
        ASSERT_TRUE(sink->begin().has_value());
        for (std::uint64_t sequence = 1; sequence <= 40; ++sequence) {
            const std::size_t bytes = sequence == 21 ? 60000 : 2000;
            ASSERT_TRUE(
                sink->produce(sink.record(topic, sequence, std::string(bytes, 'x'))).has_value());
        }
        const auto outcome = sink->commit(sink.checkpoint(1, 40));
        ASSERT_TRUE(outcome.has_error());
        EXPECT_TRUE(outcome.error().transient()) << outcome.error().message();
        poison = sink->take_poison();
    }
    ASSERT_EQ(poison.size(), 1U);
    EXPECT_EQ(poison[0].sequence, Sequence(21));
    EXPECT_THAT(poison[0].reason, HasSubstr("MSG_SIZE_TOO_LARGE"));
    EXPECT_THAT(sink->take_poison(), IsEmpty());
    // Without it the rest goes through.
    ASSERT_TRUE(sink->recover(kBudget).has_value());
    const auto outcome = sink.transaction(topic, 1, 20);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
}

TEST_P(Commit, a_record_that_the_topic_forbids_is_found_among_good_ones) {
    Rig rig(options());
    const auto topic = fresh_topic();
    kafka().create_topic(topic, 1, {{"cleanup.policy", "compact"}});  // null keys are forbidden
    std::vector<Poison> poison;
    for (int attempt = 0; attempt < 5 && poison.empty(); ++attempt) {
        ASSERT_TRUE(rig->recover(kBudget).has_value());
        ASSERT_TRUE(rig->begin().has_value());
        for (std::uint64_t sequence = 1; sequence <= 9; ++sequence) {
            Record record = rig.record(topic, sequence, "v");
            if (sequence == 5) {
                record.key = std::nullopt;
            }
            ASSERT_TRUE(rig->produce(record).has_value());
        }
        ASSERT_TRUE(rig->commit(rig.checkpoint(1, 9)).has_error());
        poison = rig->take_poison();
    }
    ASSERT_EQ(poison.size(), 1U);
    EXPECT_EQ(poison[0].sequence, Sequence(5));
    EXPECT_THAT(poison[0].reason, HasSubstr("INVALID_RECORD"));
    EXPECT_THAT(poison[0].reason, HasSubstr("tables.key_columns"));
    EXPECT_THAT(rig.observer().text(), HasSubstr("tables.key_columns"));
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    EXPECT_TRUE(rig.transaction(topic, 1, 4).has_value());
}

// catalogue: F34
TEST_P(Commit, a_missing_topic_is_created_as_configured_or_named) {
    auto configured = options();
    configured.topics.partitions = 3;
    configured.topics.config = {{"retention.ms", "12345678"}};
    Rig creating(configured);
    const auto topic = fresh_topic();
    ASSERT_TRUE(creating->recover(kBudget).has_value());
    const auto prepared = creating->prepare_topic(topic);
    ASSERT_TRUE(prepared.has_value()) << prepared.error().message();
    servers::KafkaReader reader({.bootstrap = kafka().bootstrap()});
    EXPECT_EQ(reader.partitions_of(topic), 3);

    auto strict = options();
    strict.topics.create = false;
    Rig refusing(strict);
    ASSERT_TRUE(refusing->recover(kBudget).has_value());
    EXPECT_TRUE(refusing->prepare_topic(topic).has_value());
    const auto missing = refusing->prepare_topic(fresh_topic());
    ASSERT_TRUE(missing.has_error());
    EXPECT_TRUE(missing.error().is(errors::kTopicMissing)) << missing.error().message();
    EXPECT_TRUE(refusing.transaction(topic, 1, 5).has_value());
}

// catalogue: F34
TEST_P(Commit, a_topic_that_cannot_be_created_is_unsuitable) {
    auto wrong = options();
    wrong.topics.config = {{"no.such.setting", "1"}};
    Rig rig(wrong);
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    const auto refused = rig->prepare_topic(fresh_topic());
    ASSERT_TRUE(refused.has_error());
    EXPECT_TRUE(refused.error().is(errors::kTopicUnsuitable)) << refused.error().message();
    // Brokers may be down for a while: with all of them there it could be made.
    auto more = options();
    more.topics.replication = 3;
    Rig waiting(more);
    ASSERT_TRUE(waiting->recover(kBudget).has_value());
    const auto too_few = waiting->prepare_topic(fresh_topic());
    ASSERT_TRUE(too_few.has_error());
    EXPECT_TRUE(too_few.error().is(errors::kTopicMissing)) << too_few.error().message();
    EXPECT_THAT(too_few.error().what(), HasSubstr("kafka.topics.replication"));
    const auto bad_name = rig->prepare_topic("no spaces allowed");
    ASSERT_TRUE(bad_name.has_error());
    EXPECT_TRUE(bad_name.error().is(errors::kTopicUnsuitable)) << bad_name.error().message();
}

// catalogue: F35
TEST_P(Commit, a_checkpoint_topic_that_is_not_compacted_or_has_more_partitions_is_refused) {
    for (const auto& [partitions, policy] : std::vector<std::pair<int, std::string>>{
             {1, "delete"}, {1, "compact,delete"}, {2, "compact"}}) {
        const auto identity = fresh_identity();
        kafka().create_topic(checkpoint_topic(identity), partitions, {{"cleanup.policy", policy}});
        Rig rig(options(), identity);
        const auto refused = rig->recover(kBudget);
        ASSERT_TRUE(refused.has_error()) << policy;
        EXPECT_TRUE(refused.error().is(errors::kCheckpointTopicUnsuitable))
            << refused.error().message();
    }
    const auto identity = fresh_identity();
    kafka().create_topic(checkpoint_topic(identity), 1, {{"cleanup.policy", "compact"}});
    EXPECT_TRUE(Rig(options(), identity)->recover(kBudget).has_value());
}

TEST_P(Commit, a_checkpoint_of_a_newer_agent_or_of_a_stranger_stops) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig.transaction(topic, 1, 5).has_value());
    const auto place = checkpoint_topic(rig.identity());
    // Somebody else's key does not matter.
    write_as_stranger(kafka().bootstrap(), place, "another", "not a checkpoint");
    const auto fine = rig->recover(kBudget);
    ASSERT_TRUE(fine.has_value()) << fine.error().message();
    EXPECT_EQ(fine.value(), rig.checkpoint(1, 5));

    write_as_stranger(kafka().bootstrap(), place, rig.identity().pipeline, R"({"format":99})");
    const auto newer = rig->recover(kBudget);
    ASSERT_TRUE(newer.has_error());
    EXPECT_TRUE(newer.error().is(errors::kCheckpointTooNew)) << newer.error().message();

    write_as_stranger(kafka().bootstrap(), place, rig.identity().pipeline, "nonsense");
    const auto invalid = rig->recover(kBudget);
    ASSERT_TRUE(invalid.has_error());
    EXPECT_TRUE(invalid.error().is(errors::kCheckpointInvalid)) << invalid.error().message();
}

// A transactional producer with one record in partition 0 of a topic and no intention to end it.
class OpenTransaction {
  public:
    OpenTransaction(const std::string& bootstrap, const std::string& topic)
        : client_(servers::make_client(
              RD_KAFKA_PRODUCER,
              {{"bootstrap.servers", bootstrap}, {"transactional.id", "stranger-" + topic}})),
          topic_(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr)) {
        expect_none(rd_kafka_init_transactions(client_.get(), 30000));
        expect_none(rd_kafka_begin_transaction(client_.get()));
        std::string value = "open";
        EXPECT_EQ(rd_kafka_produce(topic_.get(),
                                   0,
                                   RD_KAFKA_MSG_F_COPY,
                                   value.data(),
                                   value.size(),
                                   value.data(),
                                   value.size(),
                                   nullptr),
                  0);
        EXPECT_EQ(rd_kafka_flush(client_.get(), 30000), RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    void abort() { expect_none(rd_kafka_abort_transaction(client_.get(), 30000)); }

  private:
    static void expect_none(rd_kafka_error_t* error) {
        EXPECT_EQ(error, nullptr) << rd_kafka_error_string(error);
        if (error != nullptr) {
            rd_kafka_error_destroy(error);
        }
    }

    servers::ClientHandle client_;
    servers::TopicHandle topic_;
};

// catalogue: F36
TEST_P(Commit, a_transaction_without_an_end_in_the_checkpoint_topic_is_named_until_it_ends) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig.transaction(topic, 1, 10).has_value());
    OpenTransaction open(kafka().bootstrap(), checkpoint_topic(rig.identity()));
    for (int i = 0; i < 2; ++i) {
        const auto stuck = rig->recover(std::chrono::seconds(3));
        ASSERT_TRUE(stuck.has_error());
        EXPECT_TRUE(stuck.error().is(errors::kTransactionStuck)) << stuck.error().message();
        EXPECT_TRUE(stuck.error().transient());
        EXPECT_THAT(stuck.error().message(), HasSubstr("stop at offset 2 of 3"));
    }
    open.abort();
    const auto checkpoint = rig->recover(kBudget);
    ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message();
    EXPECT_EQ(checkpoint.value(), rig.checkpoint(1, 10));
}

TEST_P(Commit, a_checkpoint_far_behind_the_end_of_its_topic_is_found) {
    Rig rig(options());
    const auto topic = fresh_topic();
    ASSERT_TRUE(rig->recover(kBudget).has_value());
    ASSERT_TRUE(rig.transaction(topic, 1, 5).has_value());
    const auto client =
        servers::make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", kafka().bootstrap()}});
    const servers::TopicHandle handle(
        rd_kafka_topic_new(client.get(), checkpoint_topic(rig.identity()).c_str(), nullptr));
    std::string value = "v";
    std::string key = "foreign";
    for (int i = 0; i < 5000; ++i) {
        ASSERT_EQ(
            rd_kafka_produce(
                handle.get(), 0, RD_KAFKA_MSG_F_COPY, value.data(), 1, key.data(), 7, nullptr),
            0);
    }
    ASSERT_EQ(rd_kafka_flush(client.get(), 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    const auto found = rig->recover(kBudget);
    ASSERT_TRUE(found.has_value()) << found.error().message();
    EXPECT_EQ(found.value(), rig.checkpoint(1, 5));
}

TEST_P(Commit, at_least_once_delivers_and_reads_its_checkpoint_back_without_transactions) {
    auto plain = options();
    plain.delivery = Delivery::at_least_once;
    Rig rig(plain);
    const auto topic = fresh_topic();
    const auto none = rig->recover(kBudget);
    ASSERT_TRUE(none.has_value()) << none.error().message();
    EXPECT_FALSE(none.value().has_value());
    const auto outcome = rig.transaction(topic, 1, 300);
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
    EXPECT_EQ(outcome.value(), CommitOutcome::spotless);
    ASSERT_TRUE(rig.transaction(topic, 301, 310).has_value());
    const auto checkpoint = rig->recover(kBudget);
    ASSERT_TRUE(checkpoint.has_value());
    EXPECT_EQ(checkpoint.value(), rig.checkpoint(301, 310));
    EXPECT_EQ(committed_keys(kafka().bootstrap(), topic), numbers(1, 310));
    // No transaction was used: the log end counts no control records.
    servers::KafkaReader reader({.bootstrap = kafka().bootstrap()});
    EXPECT_EQ(reader.watermarks(topic, 0).second, 310);
}

TEST_P(Commit, check_says_what_is_there_and_what_is_missing) {
    const auto present = fresh_topic();
    const auto absent = fresh_topic();
    kafka().create_topic(present, 2);
    auto strict = options();
    strict.topics.create = false;
    const std::vector<std::string> topics{present, absent};
    int errors_found = 0;
    std::string text;
    for (const auto& finding : check(strict, fresh_identity(), topics, SystemClock())) {
        errors_found += finding.severity == Severity::error ? 1 : 0;
        text += finding.subject + ": " + finding.what + "\n";
    }
    EXPECT_EQ(errors_found, 1) << text;
    EXPECT_THAT(text, HasSubstr(present + ": 2 partitions"));
    EXPECT_THAT(text, HasSubstr(absent + ": does not exist"));
    EXPECT_THAT(text, HasSubstr("transactions work"));
}

}  // namespace
}  // namespace tributary::kafka
