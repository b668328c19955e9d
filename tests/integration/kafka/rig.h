// What the Kafka sink's tests share: brokers that live as long as the program, a clock, an observer
// that keeps what it is told, and records whose bytes stay where they are until the rig dies.
// Threads: one.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/kafka/kafka.h"
#include "tests/servers/kafka.h"
#include "tests/servers/kafka_reader.h"

namespace tributary::kafka {

class SystemClock final : public Clock {
  public:
    [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
    [[nodiscard]] std::int64_t wall_time_us() const override {
        const auto since = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
    }
};

class KeepingObserver final : public Observer {
  public:
    void log(LogLevel level,
             std::string_view pipeline,
             std::string_view message,
             std::initializer_list<LogField> fields) override;
    void error(std::string_view pipeline, const Error& error) override;
    void add(Counter, std::string_view, std::uint64_t) override {}
    void set(Gauge, std::string_view, std::int64_t) override {}

    [[nodiscard]] std::string text() const;

  private:
    mutable std::mutex mutex_;
    std::string text_;
};

// The broker of that version, started on first use.
[[nodiscard]] servers::Kafka& broker(const std::string& version);

// A place for a test's own server.
[[nodiscard]] const std::filesystem::path& scratch();

[[nodiscard]] Options options_for(const std::string& bootstrap);

// An agent and pipeline that nobody used before, and a topic of its own.
[[nodiscard]] SinkIdentity fresh_identity();
[[nodiscard]] std::string fresh_topic();

inline constexpr std::chrono::seconds kBudget{30};

// A sink and the records given to it.
class Rig {
  public:
    explicit Rig(Options options, SinkIdentity identity = fresh_identity());

    Sink& operator*() { return *sink_; }
    Sink* operator->() { return sink_.get(); }
    [[nodiscard]] const SinkIdentity& identity() const { return identity_; }
    [[nodiscard]] const KeepingObserver& observer() const { return observer_; }

    // A record of `topic` whose key is the sequence and whose value is `value`.
    [[nodiscard]] Record record(std::string_view topic, std::uint64_t sequence, std::string value);
    // Sequences [first, last] into `topic`, values "v<sequence>".
    [[nodiscard]] Result<void> produce(std::string_view topic,
                                       std::uint64_t first,
                                       std::uint64_t last);
    // A checkpoint that covers them.
    [[nodiscard]] Checkpoint checkpoint(std::uint64_t first, std::uint64_t last) const;
    // begin, produce, commit.
    [[nodiscard]] Result<CommitOutcome> transaction(std::string_view topic,
                                                    std::uint64_t first,
                                                    std::uint64_t last);

  private:
    SystemClock clock_;
    KeepingObserver observer_;
    SinkIdentity identity_;
    std::deque<std::string> bytes_;
    std::unique_ptr<Sink> sink_;
};

// Keys of a topic's committed records, in order of partition and offset.
[[nodiscard]] std::vector<std::string> committed_keys(const std::string& bootstrap,
                                                      const std::string& topic);
// "first", .. "last".
[[nodiscard]] std::vector<std::string> numbers(std::uint64_t first, std::uint64_t last);

}  // namespace tributary::kafka
