// A private Apache Kafka of three nodes, each broker and controller (KRaft), so that any one of
// them may be stopped or killed while the other two go on: three copies of every partition, two of
// which must be in sync.
//
// Threads: as Kafka (kafka.h).
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/servers/kafka.h"
#include "tests/servers/places.h"

namespace tributary::servers {

class KafkaCluster {
  public:
    static constexpr std::size_t kNodes = 3;

    // Starts all nodes and waits until they know each other. Throws ServerFailure.
    explicit KafkaCluster(const std::filesystem::path& directory,
                          const std::string& version = kKafka4);

    [[nodiscard]] Kafka& node(std::size_t index) { return *nodes_.at(index); }
    [[nodiscard]] std::string bootstrap() const;  // of all nodes
    // Waits until every node is there and every partition has all its copies in sync. Throws
    // ServerFailure after Kafka::kStartLimit.
    void await_in_sync() const;

  private:
    [[nodiscard]] bool in_sync() const;

    std::vector<PortLease> controller_ports_;
    std::array<std::unique_ptr<Kafka>, kNodes> nodes_;
};

}  // namespace tributary::servers
