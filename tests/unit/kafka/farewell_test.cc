// Producers that end in the middle of everything, against librdkafka's own mock broker. Without
// connectors/kafka/farewell.h the first test ends the whole program with librdkafka's assertion
// within a few hundred lives.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "connectors/kafka/client.h"

namespace tributary::kafka {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* kTopic = "t";
constexpr int kAnswerMs = 20000;  // of the mock broker on a loaded machine

class Silent final : public Observer {
  public:
    void log(LogLevel,
             std::string_view,
             std::string_view,
             std::initializer_list<LogField>) override {}
    void error(std::string_view, const Error&) override {}
    void add(Counter, std::string_view, std::uint64_t) override {}
    void set(Gauge, std::string_view, std::int64_t) override {}
};

ConfHandle conf_of(const std::vector<std::pair<const char*, std::string>>& settings) {
    ConfHandle conf(rd_kafka_conf_new());
    std::array<char, 256> text{};
    for (const auto& [name, value] : settings) {
        EXPECT_EQ(rd_kafka_conf_set(conf.get(), name, value.c_str(), text.data(), text.size()),
                  RD_KAFKA_CONF_OK)
            << text.data();
    }
    return conf;
}

class MockBroker {
  public:
    MockBroker()
        : owner_(Client::make(
                     RD_KAFKA_PRODUCER, conf_of({{"test.mock.num.brokers", "1"}}), "mock", silent_)
                     .value()),
          cluster_(rd_kafka_handle_mock_cluster(owner_->get())) {
        rd_kafka_mock_topic_create(cluster_, kTopic, 1, 1);
    }

    [[nodiscard]] std::string bootstrap() const {
        return rd_kafka_mock_cluster_bootstraps(cluster_);
    }
    void answer_after(milliseconds delay) {
        rd_kafka_mock_broker_set_rtt(cluster_, 1, static_cast<int>(delay.count()));
    }

  private:
    Silent silent_;
    std::unique_ptr<Client> owner_;
    rd_kafka_mock_cluster_t* cluster_;
};

void expect_good(rd_kafka_error_t* error) {
    const ErrorHandle owned(error);
    EXPECT_FALSE(owned) << rd_kafka_error_string(owned.get());
}

// A producer that knows the topic, in a transaction that has nothing in it.
class Producer {
  public:
    Producer(const MockBroker& broker, const std::string& id)
        : client_(Client::make(RD_KAFKA_PRODUCER,
                               conf_of({{"bootstrap.servers", broker.bootstrap()},
                                        {"transactional.id", id},
                                        {"linger.ms", "1000"}}),
                               "p",
                               silent_)
                      .value()) {
        expect_good(rd_kafka_init_transactions(client_->get(), kAnswerMs));
        expect_good(rd_kafka_begin_transaction(client_->get()));
        const TopicHandle topic(rd_kafka_topic_new(client_->get(), kTopic, nullptr));
        const rd_kafka_metadata_t* metadata = nullptr;
        EXPECT_EQ(rd_kafka_metadata(client_->get(), 0, topic.get(), &metadata, kAnswerMs),
                  RD_KAFKA_RESP_ERR_NO_ERROR);
        rd_kafka_metadata_destroy(metadata);
    }

    void produce() {
        const TopicHandle topic(rd_kafka_topic_new(client_->get(), kTopic, nullptr));
        std::array<char, 1> value{'v'};
        EXPECT_EQ(rd_kafka_produce(topic.get(),
                                   0,
                                   RD_KAFKA_MSG_F_COPY,
                                   value.data(),
                                   value.size(),
                                   nullptr,
                                   0,
                                   nullptr),
                  0);
    }
    Client& client() { return *client_; }

  private:
    Silent silent_;
    std::unique_ptr<Client> client_;
};

TEST(Farewell, of_producers_whose_first_partition_is_just_being_registered_ends_no_process) {
    constexpr int kProducers = 8;
    constexpr int kLives = 150;
    const MockBroker broker;
    std::vector<std::thread> threads;
    for (int index = 0; index < kProducers; ++index) {
        threads.emplace_back([&broker, index] {
            std::minstd_rand random(static_cast<unsigned>(index) + 1);
            for (int life = 0; life < kLives; ++life) {
                Producer producer(broker, "p" + std::to_string(index));
                producer.produce();
                const auto until = steady_clock::now() + microseconds(random() % 120);
                while (steady_clock::now() < until) {
                }
                EXPECT_TRUE(producer.client().end(seconds(20)));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
}

TEST(Farewell, of_a_commit_that_waits_for_a_silent_broker_is_short) {
    MockBroker broker;
    Producer producer(broker, "late");
    broker.answer_after(seconds(60));
    producer.produce();
    const ErrorHandle error(rd_kafka_commit_transaction(producer.client().get(), 50));
    ASSERT_TRUE(error);
    ASSERT_TRUE(rd_kafka_error_is_retriable(error.get())) << rd_kafka_error_string(error.get());
    EXPECT_TRUE(producer.client().end(seconds(20)));
}

TEST(Farewell, of_a_producer_that_never_began_is_short) {
    Silent silent;
    const auto client = Client::make(
        RD_KAFKA_PRODUCER,
        conf_of({{"bootstrap.servers", "127.0.0.1:1"}, {"transactional.id", "nobody"}}),
        "p",
        silent);
    ASSERT_TRUE(client.has_value());
    const ErrorHandle error(rd_kafka_init_transactions(client.value()->get(), 50));
    ASSERT_TRUE(error);
    EXPECT_TRUE(client.value()->end(seconds(20)));
}

}  // namespace
}  // namespace tributary::kafka
