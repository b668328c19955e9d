// The processes of a torture run besides the sources: Kafka behind a proxy, the agent on a small
// disk of its own, a twin of the agent. Needs root: it mounts that disk. Threads: one, which must
// outlive it (tests/servers/process.h).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/servers/kafka.h"
#include "tests/servers/kafka_proxy.h"
#include "tests/servers/places.h"
#include "tests/servers/process.h"
#include "tests/torture/disk_calls.h"
#include "tests/torture/feed.h"

namespace tributary::torture {

// A file system in memory, full whenever the run wants it.
class SmallDisk {
  public:
    explicit SmallDisk(std::filesystem::path place);
    ~SmallDisk();
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    void fill();
    void free();

  private:
    std::filesystem::path place_;
};

class World {
  public:
    World(std::filesystem::path agent,
          std::filesystem::path disk_shim,
          const std::string& kafka_version);

    using Feeds = std::vector<std::unique_ptr<Feed>>;

    // Writes both configurations; the agent follows all feeds, its twin those that say so.
    void configure(const Feeds& feeds);
    // Until every intake runs; throws ServerFailure after two minutes.
    void await_intake(const Feeds& feeds);

    void start_agent();
    // SIGTERM; what was wrong with its end, or empty.
    [[nodiscard]] std::string stop_agent();
    // What it ended with, when it ended by itself; it is started again. Empty while it runs.
    [[nodiscard]] std::string revive_agent();
    [[nodiscard]] servers::Process& agent() { return agent_; }

    // Freezes the agent, lets a twin with an empty disk take over for `length`, lets the agent go
    // on beside it until of every shared pipeline one of the two has given up as fenced (a twin
    // that never got its source delivers nothing, and need not notice), kills both and starts the
    // agent again. Whether all were decided.
    [[nodiscard]] bool twin(const Feeds& feeds, std::chrono::milliseconds length);

    // init_transactions on the pipeline's id: everything that was begun is decided.
    void settle(const std::string& pipeline);

    [[nodiscard]] std::string status() const;
    [[nodiscard]] std::string agent_log_tail() const;
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
    [[nodiscard]] servers::Kafka& kafka() { return *kafka_; }
    [[nodiscard]] servers::KafkaProxy& proxy() { return proxy_; }
    [[nodiscard]] SmallDisk& disk() { return *disk_; }
    [[nodiscard]] DiskCalls& disk_calls() { return *disk_calls_; }

  private:
    enum class Who { agent, twin };
    [[nodiscard]] std::filesystem::path file(Who who, const std::string& suffix) const;
    void write_configuration(Who who, const Feeds& feeds) const;
    [[nodiscard]] servers::Process spawn(Who who) const;
    [[nodiscard]] bool has_given_up(Who who, const std::string& pipeline) const;

    std::filesystem::path program_;
    std::filesystem::path disk_shim_;
    servers::TemporaryDirectory folder_{"torture"};
    servers::PortLease kafka_port_;
    servers::KafkaProxy proxy_;
    std::unique_ptr<servers::Kafka> kafka_;
    std::unique_ptr<SmallDisk> disk_;
    std::unique_ptr<DiskCalls> disk_calls_;
    servers::Process agent_;
    servers::Process twin_;
};

}  // namespace tributary::torture
