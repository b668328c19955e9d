// A Kafka of three nodes, any one of which goes away while rows are written: every row once, in
// order.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/agent/rig.h"
#include "tests/servers/kafka_cluster.h"

namespace tributary::agent_testing {
namespace {

using servers::KafkaCluster;
using servers::poll_until;

constexpr seconds kFailoverPatience{90};

std::unique_ptr<KafkaCluster>& the_cluster() {
    static std::unique_ptr<KafkaCluster> cluster;
    return cluster;
}

// Writes rows 1, 2, .. of table t, one transaction each, from construction to stop().
class Writer {
  public:
    explicit Writer(Site& site)
        : thread_([this, &site](const std::stop_token& stop) {
              servers::SqlConnection connection(site.server().conninfo(site.name));
              while (!stop.stop_requested()) {
                  const int id = written_ + 1;
                  connection.sql("INSERT INTO t VALUES (" + std::to_string(id) + ", 'row')");
                  written_ = id;
                  std::this_thread::sleep_for(milliseconds(2));
              }
          }) {}

    int stop() {
        thread_.request_stop();
        thread_.join();
        return written_;
    }

  private:
    std::atomic<int> written_ = 0;
    std::jthread thread_;
};

class AgentCluster : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        static const servers::TemporaryDirectory folder("tributary-cluster");
        the_cluster() = std::make_unique<KafkaCluster>(folder.path(), kafka_version());
    }
    static void TearDownTestSuite() { the_cluster().reset(); }
    static KafkaCluster& cluster() { return *the_cluster(); }

    // What is written before the slot exists is not for this agent.
    static bool streams(const Agent& agent) {
        return agent.poll([](const auto& at) { return at.at("intake").at("state") == "running"; });
    }
    static std::uint64_t delivered(const Agent& agent) {
        const auto at = agent.pipeline();
        return at.is_null() ? 0 : at.at("delivered").get<std::uint64_t>();
    }
    // More than was delivered when this was called.
    static bool delivers_more(Agent& agent) {
        const std::uint64_t before = delivered(agent);
        return poll_until(kFailoverPatience,
                          [&] { return !agent.running() || delivered(agent) > before + 20; }) &&
               agent.running();
    }
    void expect_rows(int count) {
        std::vector<std::string> expected;
        for (int id = 1; id <= count; ++id) {
            expected.push_back("c " + std::to_string(id));
        }
        Seen seen;
        EXPECT_TRUE(poll_until(kFailoverPatience,
                               [&] {
                                   seen = read_topic(site_.topic(), cluster().bootstrap());
                                   return seen.operations.size() >= expected.size();
                               }))
            << seen.operations.size() << " of " << count;
        EXPECT_EQ(seen.operations, expected);
        EXPECT_EQ(seen.repeated, 0U);
        EXPECT_EQ(seen.nameless, 0U);
    }

    void expect_rows_while_each_node_is_away(void (servers::Kafka::*leave)()) {
        Agent agent(site_);
        ASSERT_TRUE(streams(agent));
        Writer writer(site_);
        for (std::size_t node = 0; node < KafkaCluster::kNodes; ++node) {
            ASSERT_TRUE(delivers_more(agent)) << agent.log();
            (cluster().node(node).*leave)();
            EXPECT_TRUE(delivers_more(agent)) << agent.log();
            cluster().node(node).start();
            cluster().await_in_sync();
        }
        expect_rows(writer.stop());
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }

    Site site_{postgres(), cluster().bootstrap()};
};

TEST_F(AgentCluster, ARollingRestartNeitherLosesNorRepeatsARow) {
    expect_rows_while_each_node_is_away(&servers::Kafka::stop);
}

TEST_F(AgentCluster, EachNodeKilledInTurnNeitherLosesNorRepeatsARow) {
    expect_rows_while_each_node_is_away(&servers::Kafka::kill9);
}

// TRIBUTARY_CLUSTER_FAULTS and TRIBUTARY_CLUSTER_SEED: a longer run, another one.
TEST_F(AgentCluster, KillsOfNodesAndOfTheAgentInAnyOrderNeitherLoseNorRepeatARow) {
    const auto seed = asked_for("TRIBUTARY_CLUSTER_SEED").value_or(1);
    const auto faults = asked_for("TRIBUTARY_CLUSTER_FAULTS").value_or(4);
    std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
    const auto below = [&random](std::size_t bound) { return random() % bound; };
    std::optional<Agent> agent(site_);
    ASSERT_TRUE(streams(*agent));
    Writer writer(site_);
    for (int fault = 0; fault < faults; ++fault) {
        ASSERT_TRUE(delivers_more(*agent)) << "fault " << fault << agent->log();
        std::this_thread::sleep_for(milliseconds(below(300)));
        auto& node = cluster().node(below(KafkaCluster::kNodes));
        if (below(3) == 0) {
            // Long enough to lose its place: it thaws as a leader of yesterday.
            node.freeze();
            EXPECT_TRUE(delivers_more(*agent)) << agent->log();
            node.thaw();
        } else {
            node.kill9();
        }
        if (below(2) == 0) {
            std::this_thread::sleep_for(milliseconds(below(3000)));
            agent->kill9();
            agent.emplace(site_);
        }
        if (!node.running()) {
            node.start();
        }
        cluster().await_in_sync();
    }
    expect_rows(writer.stop());
    EXPECT_EQ(agent->stop(), 0) << agent->log();
}

TEST_F(AgentCluster, WithOneNodeLeftItKeepsAllAndSendsItWhenTheOthersAreBack) {
    Agent agent(site_);
    ASSERT_TRUE(streams(agent));
    Writer writer(site_);
    ASSERT_TRUE(delivers_more(agent)) << agent.log();
    cluster().node(0).kill9();
    cluster().node(2).kill9();
    const std::uint64_t durable = agent.pipeline().at("durable");
    EXPECT_TRUE(agent.poll([&](const auto& at) { return at.at("durable") >= durable + 500; }));
    const int written = writer.stop();
    EXPECT_LT(delivered(agent), agent.pipeline().at("durable").get<std::uint64_t>());
    cluster().node(0).launch();
    cluster().node(2).start();
    cluster().node(0).await_ready();
    cluster().await_in_sync();
    expect_rows(written);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

TEST_F(AgentCluster, CheckNamesWhatOneLostBrokerWouldTakeAway) {
    const auto says = [this](const std::string& text) {
        const Ran ran = site_.run({"check"});
        return ran.output.find(text) != std::string::npos;
    };
    site_.write();
    EXPECT_FALSE(says("3 brokers:"));
    const std::string topic = site_.checkpoint_topic();
    cluster().node(0).create_topic(topic, 1, {{"cleanup.policy", "compact"}});  // one replica
    EXPECT_TRUE(says(topic + ": replication factor 1 on 3 brokers"));
    cluster().node(0).delete_topic(topic);
    {
        Agent agent(site_);
        ASSERT_TRUE(streams(agent));
        EXPECT_EQ(agent.stop(), 0) << agent.log();
    }
    EXPECT_FALSE(says("3 brokers:"));
    EXPECT_FALSE(says("--add-config"));
    set_topic(topic,
              {{"cleanup.policy", "compact"}, {"min.insync.replicas", "1"}},
              cluster().bootstrap());
    EXPECT_TRUE(says(topic + " --add-config min.insync.replicas=2"));
}

// catalogue: F32
TEST_F(AgentCluster, ATopicWithTooFewReplicasInSyncIsWaitedFor) {
    site_.kafka_lines = {"transaction_timeout: 10s"};
    Agent agent(site_);
    ASSERT_TRUE(streams(agent));
    site_.insert(1, 50);
    expect_rows(50);
    set_topic(site_.topic(), {{"min.insync.replicas", "3"}}, cluster().bootstrap());
    cluster().node(1).stop();
    site_.insert(51, 100);
    EXPECT_TRUE(agent.poll([](const auto& at) { return at.at("durable") >= 100; }));
    const std::string reason = "partition 0 has 2 of 3 replicas in sync";
    EXPECT_TRUE(agent.logs(reason));
    EXPECT_TRUE(agent.poll([&](const auto& at) {
        const auto& delivery = at.at("delivery");
        return delivery.at("state") == "retrying" &&
               delivery.at("message").template get<std::string>().find(reason) != std::string::npos;
    }));
    // Not read meanwhile: a partition whose leader went tells no offsets until all three are back.
    EXPECT_LT(delivered(agent), agent.pipeline().at("durable").get<std::uint64_t>());
    cluster().node(1).start();
    cluster().await_in_sync();
    expect_rows(100);
    EXPECT_EQ(agent.stop(), 0) << agent.log();
}

}  // namespace
}  // namespace tributary::agent_testing
