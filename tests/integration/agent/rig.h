// What the tests of the whole agent share: one PostgreSQL and one Kafka per program, a site (a
// database, a slot, a topic prefix and a state directory of its own) per test, and the real
// `tributary` command as a process. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/servers/kafka.h"
#include "tests/servers/kafka_proxy.h"
#include "tests/servers/kafka_reader.h"
#include "tests/servers/places.h"
#include "tests/servers/postgres.h"
#include "tests/servers/process.h"

namespace tributary::agent_testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr seconds kPatience{40};
// A number of the environment: of a longer run by hand.
[[nodiscard]] std::optional<int> asked_for(const char* name);
// The Kafka of TRIBUTARY_TEST_KAFKA, else 4.x. One that is killed right after a commit has to be a
// 3.9.2 (tests/servers/kafka.h).
[[nodiscard]] std::string kafka_version();

inline constexpr const char* kPassword = "password-that-nobody-may-see";

// The servers of this program, started at the first call and stopped after the last test.
servers::Postgres& postgres();
// Clients of the second listener (bootstrap_of("SASL_PLAINTEXT"), user "plant", kPassword) may be
// denied topics; those of the first may do everything.
servers::Kafka& kafka();
// The uplink: every client reaches the broker through it. cut() is a dead uplink.
servers::KafkaProxy& uplink();

// One item of `sources`.
struct SourceFile {
    std::string name = "plant";
    std::string dbname = {};         // empty: the site's
    std::uint16_t port = 0;          // 0: the suite's server
    std::string password_file = {};  // empty: the right one
    std::string slot = {};           // empty: of the site and the source
    std::string publication = "tributary";
    std::string prefix = {};  // empty: of the site and the source
    std::string topics = {};  // more keys of `topics`, such as "tombstones: false"
    std::string sslmode = "disable";
    std::vector<std::string> lines = {};  // more keys, such as "ack: buffered"
};

struct Ran {
    int code = 0;
    std::string output;
};

// One agent's surroundings: created with table public.t (id, v), its publication and a password
// file.
class Site {
  public:
    explicit Site(servers::Postgres& server = postgres(),
                  std::string bootstrap_servers = uplink().bootstrap());
    ~Site();
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    // Writes the file from the members below; called by Agent and run().
    void write() const;
    // A verb that ends by itself, with `-c` given.
    [[nodiscard]] Ran run(const std::vector<std::string>& verb) const;

    servers::SqlRows sql(const std::string& text) { return server_.sql(text, name); }
    // Rows first..last of public.t, in one transaction.
    void insert(int first, int last);
    [[nodiscard]] std::string slot(const std::string& source = "plant") const {
        return name + "_" + source;
    }
    [[nodiscard]] std::string topic(const std::string& source = "plant",
                                    const std::string& table = "public.t") const {
        return name + "." + source + "." + table;
    }
    [[nodiscard]] std::string checkpoint_topic(const std::string& source = "plant") const {
        return "_tributary.checkpoint." + id + "." + source;
    }
    [[nodiscard]] std::filesystem::path path(const std::string& file) const {
        return directory_.path() / file;
    }
    [[nodiscard]] servers::Postgres& server() noexcept { return server_; }

    std::string name;  // of the database, and first part of topics
    std::string id;    // agent.id
    std::filesystem::path state_dir;
    std::string socket = "admin.sock";
    std::string bootstrap;
    std::string max_bytes = "64MiB";
    std::string level = "info";
    std::vector<std::string> kafka_lines = {};
    std::vector<std::string> listen = {};  // besides the socket
    std::vector<SourceFile> sources = {SourceFile{}};
    std::vector<std::string> other_sources =
        {};  // items of another type, as they stand in the file

  private:
    servers::Postgres& server_;
    servers::TemporaryDirectory directory_;
};

struct AgentOptions {
    std::filesystem::path program = TRIBUTARY_COMMAND;
    std::vector<std::string> arguments = {};
    std::vector<std::pair<std::string, std::string>> environment = {};
    std::optional<servers::UnixUser> user = {};
};

// `tributary run`, killed with this object.
class Agent {
  public:
    explicit Agent(const Site& site, AgentOptions options = {});

    void kill9() { process_.kill(); }
    void signal(int number) { process_.signal(number); }
    // SIGTERM; the exit code, or -1 after `limit`.
    [[nodiscard]] int stop(milliseconds limit = seconds(20));
    // The exit code, or -1 when it still runs after `limit`.
    [[nodiscard]] int wait(milliseconds limit = kPatience);
    [[nodiscard]] bool running() { return process_.running(); }
    [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

    // Null while the socket does not answer.
    [[nodiscard]] nlohmann::json status() const;
    // Of one pipeline; null while there is none.
    [[nodiscard]] nlohmann::json pipeline(const std::string& name = "plant") const;
    [[nodiscard]] bool poll(const std::function<bool(const nlohmann::json&)>& done,
                            milliseconds limit = kPatience,
                            const std::string& name = "plant") const;
    // Until intake and delivery run and all that was appended is delivered.
    [[nodiscard]] bool caught_up(std::uint64_t appended_at_least = 1,
                                 const std::string& name = "plant") const;

    [[nodiscard]] std::string log() const;
    // Whether a log line names this error (field "error") within `limit`.
    [[nodiscard]] bool logs_error(const std::string& name, milliseconds limit = kPatience) const;
    [[nodiscard]] bool logs(const std::string& text, milliseconds limit = kPatience) const;

  private:
    std::filesystem::path socket_;
    std::filesystem::path log_file_;
    servers::Process process_;
};

// What a read_committed consumer sees of one topic.
struct Seen {
    std::vector<std::string> operations;  // "c 1", "u 1", "d 1", "t", or "tombstone", in order
    std::multiset<int> created;
    std::size_t repeated = 0;  // identities of `tributary` headers seen twice
    std::size_t nameless = 0;  // records without the header
};
[[nodiscard]] Seen read_topic(const std::string& topic,
                              const std::string& bootstrap = uplink().bootstrap());
// Waits until `count` records are there, then asserts that rows 1..count are there once each and
// nothing else, no header repeated.
void expect_exactly(const Site& site, int count, const std::string& source = "plant");

// Changes settings of a topic; those not named go back to their defaults.
void set_topic(const std::string& topic,
               const std::vector<std::pair<std::string, std::string>>& settings,
               const std::string& bootstrap = uplink().bootstrap());
// Takes every right in topics of that prefix from the user of the second listener, or gives it
// back.
void deny_topics(const std::string& prefix, bool denied);
// An ordinary, non-transactional producer's record.
void produce(const std::string& topic, const std::string& key, const std::string& value);

// Runs the agent to its end: the exit code, and the log names the error.
void expect_refusal(const Site& site, const std::string& error, int exit_code);

void write_file(const std::filesystem::path& file, const std::string& text);
[[nodiscard]] std::string read_file(const std::filesystem::path& file);

}  // namespace tributary::agent_testing
