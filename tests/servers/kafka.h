// A private Apache Kafka (KRaft, broker and controller in one JVM) from the Maven jars
// that tests/servers/kafka/fetch puts into the cache. Versions 3.9.2 and 4.3.1.
//
// Ready means: the metadata answer on our port carries *our* cluster id; a stranger's broker never
// does.
//
// Trap, measured on 4.3.1 (KAFKA-20734; not in 3.9.2): kill -9 within milliseconds after a commit.
// The restarted coordinator finds a partition without a leader, takes it for deleted and calls the
// transaction complete without its markers. Its records then have no end (the last stable offset
// stays), until a later transaction of the same producer ends: by an abort marker when that one is
// fenced, so that what was committed is gone. Tests that kill -9 a 4.x broker wait for the markers
// first; those that cannot use 3.9.2.
//
// Threads: an object belongs to one thread, and that thread must outlive the server (process.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/servers/places.h"
#include "tests/servers/process.h"

namespace tributary::servers {

inline constexpr const char* kKafka3 = "3.9.2";
inline constexpr const char* kKafka4 = "4.3.1";

// The place of a node in a cluster of several (kafka_cluster.h).
struct KafkaSeat {
    int node = 1;
    int nodes = 1;
    std::string voters = {};            // controller.quorum.voters
    std::string cluster_id = {};        // empty: a random one
    std::uint16_t controller_port = 0;  // leased by the caller; 0: we lease one
};

struct KafkaOptions {
    std::filesystem::path directory = {};  // created; data/, server.properties, kafka.log
    std::string version = kKafka4;
    std::map<std::string, std::string> properties =
        {};  // added to server.properties, ours are overridden
    // Security protocols of further listeners, each on its own port: "SSL", "SASL_PLAINTEXT",
    // "SASL_SSL". Their keys and mechanisms come through `properties`
    // (listener.name.ssl.ssl.keystore.location ..).
    std::vector<std::string> further_listeners = {};
    // Arguments added to `kafka-storage format`, such as {"--add-scram",
    // "SCRAM-SHA-256=[name=..]"}.
    std::vector<std::string> format_arguments = {};
    // What clients are told to connect to instead of our port (a proxy); 0: our port.
    std::uint16_t advertised_port = 0;
    // Leased by the caller when given (for a proxy that must know the port first); 0: we lease one.
    std::uint16_t port = 0;
    std::string heap = "256m";
    // Given: the constructor launches and does not wait, since a node is ready only beside others.
    std::optional<KafkaSeat> seat = {};
};

class Kafka {
  public:
    static constexpr std::chrono::seconds kFormatLimit{60};
    static constexpr std::chrono::seconds kStartLimit{120};
    static constexpr std::chrono::seconds kStopLimit{60};

    // Formats (when the folder has no data yet) and starts. Throws ServerFailure with the log's
    // end.
    explicit Kafka(KafkaOptions options);
    ~Kafka();  // SIGKILL when it still runs
    Kafka(const Kafka&) = delete;
    Kafka& operator=(const Kafka&) = delete;

    void start();  // same data, same ports: launch() and await_ready()
    void launch();
    void await_ready();  // throws ServerFailure after kStartLimit
    void stop();         // SIGTERM, waits; throws ServerFailure after kStopLimit
    void kill9();
    void restart();
    void freeze() { process_.freeze(); }
    void thaw() { process_.thaw(); }
    [[nodiscard]] bool running() { return process_.running(); }

    // Throws ServerFailure unless the topic was created by this call.
    void create_topic(const std::string& name,
                      int partitions = 1,
                      const std::map<std::string, std::string>& settings = {});
    void delete_topic(const std::string& name);

    [[nodiscard]] std::string bootstrap() const;  // 127.0.0.1:port, plaintext
    [[nodiscard]] std::string bootstrap_of(const std::string& further_listener) const;
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] const std::string& cluster_id() const noexcept { return cluster_id_; }
    [[nodiscard]] const std::string& version() const noexcept { return options_.version; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept {
        return options_.directory;
    }
    [[nodiscard]] std::filesystem::path log_file() const {
        return options_.directory / "kafka.log";
    }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

  private:
    [[nodiscard]] std::vector<std::string> java(const std::string& main_class) const;
    [[nodiscard]] std::map<std::string, std::string> all_properties() const;
    void write_properties() const;
    [[nodiscard]] std::uint16_t controller_port() const noexcept;
    void format();
    [[nodiscard]] bool answers_as_ours() const;

    KafkaOptions options_;
    std::filesystem::path libraries_;
    std::string cluster_id_;
    std::vector<PortLease> leases_;  // [0] plaintext, [1] controller, then the further listeners
    std::uint16_t port_ = 0;
    Process process_;
};

}  // namespace tributary::servers
