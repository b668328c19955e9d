// See kafka_cluster.h.
#include "tests/servers/kafka_cluster.h"

#include <librdkafka/rdkafka.h>

#include <span>

#include "tests/servers/failure.h"
#include "tests/servers/kafka_handle.h"

namespace tributary::servers {
namespace {

constexpr int kMetadataLimitMs = 2000;

}  // namespace

KafkaCluster::KafkaCluster(const std::filesystem::path& directory, const std::string& version)
    : controller_ports_(kNodes) {
    KafkaSeat seat{.nodes = kNodes};
    for (std::size_t index = 0; index < kNodes; ++index) {
        seat.voters += (index == 0 ? "" : ",") + std::to_string(index + 1) +
                       "@127.0.0.1:" + std::to_string(controller_ports_[index].port());
    }
    for (std::size_t index = 0; index < kNodes; ++index) {
        seat.node = static_cast<int>(index) + 1;
        seat.controller_port = controller_ports_[index].port();
        nodes_.at(index) = std::make_unique<Kafka>(
            KafkaOptions{.directory = directory / std::to_string(seat.node),
                         .version = version,
                         // A machine that is busy with three of them must not take one for dead.
                         .properties = {{"broker.session.timeout.ms", "3000"},
                                        {"broker.heartbeat.interval.ms", "500"}},
                         .seat = seat});
        seat.cluster_id = nodes_.front()->cluster_id();
    }
    for (const auto& node : nodes_) {
        node->await_ready();
    }
    await_in_sync();
}

std::string KafkaCluster::bootstrap() const {
    std::string all;
    for (const auto& node : nodes_) {
        all += (all.empty() ? "" : ",") + node->bootstrap();
    }
    return all;
}

void KafkaCluster::await_in_sync() const {
    if (!poll_until(Kafka::kStartLimit, [this] { return in_sync(); })) {
        throw ServerFailure("the nodes of Kafka at " + bootstrap() + " are not in sync");
    }
}

bool KafkaCluster::in_sync() const {
    const ClientHandle client =
        make_client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap()}, {"log_level", "0"}});
    const rd_kafka_metadata_t* found = nullptr;
    if (rd_kafka_metadata(client.get(), 1, nullptr, &found, kMetadataLimitMs) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    bool whole = found->broker_cnt == static_cast<int>(kNodes);
    for (const auto& topic : std::span(found->topics, static_cast<std::size_t>(found->topic_cnt))) {
        for (const auto& partition :
             std::span(topic.partitions, static_cast<std::size_t>(topic.partition_cnt))) {
            whole = whole && partition.leader >= 0 && partition.isr_cnt == partition.replica_cnt;
        }
    }
    rd_kafka_metadata_destroy(found);
    return whole;
}

}  // namespace tributary::servers
