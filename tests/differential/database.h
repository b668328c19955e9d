// One database server that both sides follow: how it is started, filled and read. Threads: an
// object belongs to the thread that made it, which must outlive it (process.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/differential/compare.h"
#include "tests/differential/connect.h"

namespace tributary::differential {

inline constexpr const char* kAgentPassword = "differential";

// Two ways to deliver that are compared with each other, under prefixes dbz_<name>, tri_<name>.
struct Pair {
    std::string name;
    bool schemas = false;
    bool rows = false;             // those of `kept.*`, by a snapshot, and nothing of the stream
    Properties debezium = {};      // beside those of every connector
    std::string tributary = {};    // of `topics`
    std::string selection = {};    // of the agent's source: lines of YAML at four blanks
    std::size_t events_min = 190;  // or the run is not what it claims
};

[[nodiscard]] std::string prefix_of(const Pair& pair, bool ours);

// The table of `kept` that is taken last.
inline constexpr const char* kLastKept = "kept.zzz";
// Statements that make schema `kept`: a copy of each table of `types` with the rows that the
// catalogue's statements put there, one table without a key, and kLastKept. `like` stands behind
// the name of a table and makes it as % is.
[[nodiscard]] std::vector<std::string> keep_rows(const std::vector<std::string>& catalogue,
                                                 const std::string& like);

// A random history from a seed: SQL only, of a kind that its server does not refuse. Pure.
class History {
  public:
    virtual ~History() = default;
    // Creates the first tables.
    [[nodiscard]] virtual std::vector<std::string> create() = 0;
    // One round of transactions.
    [[nodiscard]] virtual std::vector<std::string> changes() = 0;
    // One change of structure.
    [[nodiscard]] virtual std::vector<std::string> structure() = 0;
};

class Database {
  public:
    virtual ~Database() = default;

    [[nodiscard]] virtual const std::vector<Pair>& pairs() const = 0;
    // Tables, accounts and what the readers need. Called once, before any reader is started.
    virtual void prepare() = 0;
    virtual void execute(const std::string& statement) = 0;
    // A table (id int PRIMARY KEY) that every pair has.
    [[nodiscard]] virtual std::string marker() const = 0;
    // Where its log ends now; readers may have started at different places before it.
    [[nodiscard]] virtual Start end_of_log() = 0;
    // Rounds of statements, to be quiesced after each.
    [[nodiscard]] virtual std::vector<std::vector<std::string>> catalogue() const = 0;
    // Tables whose topics should have several partitions: their keys are of every kind.
    [[nodiscard]] virtual std::vector<std::string> partitioned_tables() const = 0;
    [[nodiscard]] virtual std::unique_ptr<History> history(std::uint64_t seed) const = 0;
    // The pair's item of `sources`, up to `topics`.
    [[nodiscard]] virtual std::string agent_source(const Pair& pair) = 0;
    [[nodiscard]] virtual Properties connector(const Pair& pair,
                                               const std::filesystem::path& folder) = 0;
};

[[nodiscard]] std::unique_ptr<Database> make_postgresql(const std::filesystem::path& directory);
[[nodiscard]] std::unique_ptr<Database> make_mysql(const std::filesystem::path& directory);
[[nodiscard]] std::unique_ptr<Database> make_mariadb(const std::filesystem::path& directory);

}  // namespace tributary::differential
