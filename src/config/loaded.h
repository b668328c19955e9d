// The whole configuration: one file, conf.d/*.yaml beside it, and the structs that the agent runs
// by. Keys of a connector are read by the connector itself, from kafka() and source(i). Read once,
// before any thread starts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/reader.h"
#include "model/snapshot_mode.h"
#include "ports/observer.h"

namespace tributary::config {

enum class Durability { power, process };
enum class LogFormat { automatic, text, json, journal };
enum class Ack { automatic, buffered, delivered };
enum class Poison { halt, dead_letter };
enum class Decimal { precise, string, real };
enum class TimePrecision {
    adaptive,
    adaptive_time_microseconds,
    connect,
    isostring,
    microseconds,
    nanoseconds,
};
enum class BigintUnsigned { long_, precise };
enum class Interval { numeric, string };
enum class Binary { bytes, base64, base64_url_safe, hex };

struct AgentIdentity {
    std::string id;  // letters, digits, _ and -; part of Kafka names
    std::string state_dir = "/var/lib/tributary";
};

struct Buffer {
    std::uint64_t max_bytes = 8ULL << 30U;  // per pipeline
    std::uint64_t min_free_disk = 1ULL << 30U;
    Durability durability = Durability::power;
    std::uint64_t write_budget_per_day = 0;  // 0: none
};

struct Admin {
    std::vector<std::string> listen{
        "unix:/run/tributary/admin.sock"};  // unix:<path>, <address>:<port>
    // All three where an address is no loopback.
    std::string tls_cert;
    std::string tls_key;
    Secret token;
};

struct Logging {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::automatic;
};

// What goes out (DESIGN 6); the words and defaults are Debezium's.
struct Topics {
    std::string prefix;
    bool transaction_metadata = false;
    bool tombstones = true;
    bool schemas = false;
    bool context_headers = false;
    Decimal decimal = Decimal::precise;
    // adaptive_time_microseconds for MySQL and MariaDB, as in Debezium
    TimePrecision time_precision = TimePrecision::adaptive;
    BigintUnsigned bigint_unsigned = BigintUnsigned::long_;  // MySQL and MariaDB only
    Interval interval = Interval::numeric;
    Binary binary = Binary::bytes;
    std::vector<std::string> skipped_operations{"t"};  // of c, u, d, t
};

// Where a Kafka transaction is cut; the first bound that is reached counts.
struct Cut {
    std::uint32_t rows = 10'000;
    std::uint32_t bytes = 6U << 20U;
    std::uint32_t age_ms = 20;
};

struct SourceConfig {
    std::string name;  // of the pipeline; letters, digits, _ and -
    std::string type;
    Topics topics;
    Ack ack = Ack::automatic;
    Poison poison = Poison::halt;
    SnapshotMode snapshot = SnapshotMode::initial;
    std::uint32_t snapshot_chunk_rows = 50'000;
    std::uint32_t snapshot_delay_ms = 1000;
    std::uint64_t snapshot_keyless_bytes = 1ULL << 30U;
    Cut cut;
};

struct AgentConfig {
    AgentIdentity agent;
    Buffer buffer;
    Admin admin;
    Logging logging;
    std::vector<SourceConfig> sources;
};

// What each connector declares. A function reads every key that it knows from the Reader; its
// mistakes stay with the Reader.
struct SourceDeclaration {
    std::function<void(Reader&)> read;
    bool has_tables = true;  // rows of tables: `topics` and `snapshot` are read
    Ack ack = Ack::automatic;
    Poison poison = Poison::halt;
};
struct Connectors {
    std::function<void(Reader&)> kafka;
    std::map<std::string, SourceDeclaration> sources;  // by type
};

class Loaded {
  public:
    AgentConfig config;

    Loaded(AgentConfig read, Document document)
        : config(std::move(read)), document_(std::move(document)) {}

    // The mapping `kafka:`; the reader is valid while this lives.
    [[nodiscard]] Reader kafka() const;
    // The mapping of source `index`, as config.sources counts.
    [[nodiscard]] Reader source(std::size_t index) const;
    // The effective configuration as YAML: defaults marked, references unresolved, secrets as ***.
    [[nodiscard]] std::string print() const { return document_.print(); }

    // Files that are read later, such as certificates, by the full name of the key.
    [[nodiscard]] const std::map<std::string, std::string>& files() const {
        return document_.files();
    }

    // What the references of secrets stood for when they were read, by the full name of the key.
    [[nodiscard]] const std::map<std::string, Secret>& secrets() const {
        return document_.secrets();
    }

    // Every value by its full name, as it was written; for comparing two configurations.
    [[nodiscard]] std::map<std::string, Document::Value> values() const {
        return document_.values();
    }

  private:
    Document document_;
};

// The full names of the keys whose values differ and that a running agent cannot change, separated
// by ", "; empty when a reload can apply everything. Secrets are compared by what they stand for.
[[nodiscard]] std::string restart_needed(const Loaded& running, const Loaded& fresh);

// Reads `file` and conf.d/*.yaml beside it, in the order of their names. Every mistake of all of
// them is in one error, a line each, "file:line: what; what is allowed". kConfigInvalid,
// kSecretMissing.
[[nodiscard]] Result<Loaded> load(const std::string& file,
                                  const Connectors& connectors,
                                  const Surroundings& surroundings);

// The same from text instead of files.
[[nodiscard]] Result<Loaded> load_text(std::string_view text,
                                       std::string_view file,
                                       const Connectors& connectors,
                                       const Surroundings& surroundings);

// Every key, for the schema and the manual.
struct Description {
    Described root;                            // `sources` without its items' keys
    std::map<std::string, Described> sources;  // the keys of one item, by type
};
[[nodiscard]] Description describe(const Connectors& connectors);

}  // namespace tributary::config
