// Rig: a Runtime between the stand-ins of fakes.h, restartable over the same log, server and Kafka.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fakes.h"
#include "runtime/runtime.h"

namespace tributary::runtime_test {

struct PipelineOptions {
    std::size_t rows_per_poll = 100;
    core::AckMode ack = core::AckMode::delivered;
    core::PoisonPolicy poison = core::PoisonPolicy::halt;
    core::CutLimits cut{.rows = 1000, .bytes = 1U << 20U, .age = std::chrono::milliseconds(2)};
};

class Rig {
  public:
    Rig();
    ~Rig();
    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    void add(const std::string& name, PipelineOptions options = {});
    void start();
    void stop(std::chrono::milliseconds budget = std::chrono::milliseconds(2000));
    // A new process with the same disk, or with another one.
    void restart();
    void replace_log(std::uint8_t id);

    [[nodiscard]] Upstream& server(const std::string& name = "p");
    [[nodiscard]] Cluster& kafka(const std::string& name = "p");
    [[nodiscard]] runtime::Runtime& runtime() { return *runtime_; }
    [[nodiscard]] PipelineStatus status(const std::string& name = "p") const;
    [[nodiscard]] bool wait(const std::function<bool()>& holds) { return bell.wait(holds); }
    [[nodiscard]] bool parked_with(const ErrorKind& kind, const std::string& name = "p");

    // Waits until every row is in topic "events", then checks that each is there once, in order,
    // and that the checkpoints are one unbroken chain.
    void expect_exactly_once(const std::string& name = "p");

    Bell bell;
    TestClock clock;
    TestObserver observer{bell};
    std::unique_ptr<MemoryLog> log;
    std::size_t queue_bytes = 3U << 20U;
    std::size_t transaction_bytes = 16U << 20U;

  private:
    struct Pipeline {
        explicit Pipeline(Bell& bell) : server(bell), cluster(bell) {}
        PipelineOptions options;
        Upstream server;
        Cluster cluster;
    };
    std::map<std::string, std::unique_ptr<Pipeline>> pipelines_;
    std::unique_ptr<runtime::Runtime> runtime_;
};

}  // namespace tributary::runtime_test
