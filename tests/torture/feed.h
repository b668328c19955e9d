// Feed: one source of a torture run, with its own server, its own load and its own judge. The run
// (run.cc) knows nothing else of a source; where the truth of one comes from stands in its feed:
//   postgres_feed.cc   a second slot, test_decoding
//   binlog_feed.cc     mysqlbinlog or mariadb-binlog over the server's own files
//   mqtt_feed.cc       what the devices had acknowledged
// Threads: the run's thread calls; a feed may have threads of its own for its load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/servers/kafka_reader.h"
#include "tests/torture/judge.h"

namespace tributary::torture {

// What the reading side does to its own copy, so that a run can be seen to fail.
enum class Plant { none, lose, twice, swap };

struct FeedReport {
    Verdict verdict;
    std::size_t state_rows = 0;         // compared with the tables as they are
    std::size_t states_different = 0;   // tables
    std::vector<std::string> problems;  // the feed did not reach its load, and the like
    std::string note;                   // for people: "412 samples of the slot"
};

class Feed {
  public:
    Feed() = default;
    virtual ~Feed() = default;
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    // Of the source, its pipeline and its faults: "postgres".
    [[nodiscard]] virtual std::string name() const = 0;
    // Its item of `sources`, without the name.
    [[nodiscard]] virtual std::vector<std::string> configuration() const = 0;
    // A twin of the agent may follow it too (nothing but Kafka and the server tells the two apart).
    [[nodiscard]] virtual bool twin_follows() const = 0;

    // Intake runs: from here on there is load.
    virtual void begin() = 0;
    // No more load; nothing of it is on its way. The agent runs.
    virtual void end() = 0;
    // Everything is in Kafka. Called again and again after end(); does not wait long.
    [[nodiscard]] virtual bool drained(const std::string& bootstrap) = 0;
    // All transactional ids are settled, and the agent has stopped.
    [[nodiscard]] virtual FeedReport judge(servers::KafkaReader& reader, Plant plant) = 0;

    // Its server's faults.
    [[nodiscard]] virtual bool can_be_killed() const = 0;
    virtual void kill9() = 0;  // only where it can be; the server is down
    virtual void stop() = 0;   // cleanly
    virtual void start() = 0;
    virtual void freeze() = 0;
    virtual void thaw() = 0;
    virtual void kick() = 0;  // ends the agent's session
};

// The checkpoints of a pipeline, by offset.
[[nodiscard]] std::vector<Checkpoint> read_checkpoints(servers::KafkaReader& reader,
                                                       const std::string& pipeline);
// Records of "<prefix>.<table>" for each table that has a topic.
[[nodiscard]] std::map<std::string, std::vector<servers::KafkaRecord>> read_tables(
    servers::KafkaReader& reader,
    const std::string& prefix,
    const std::vector<std::string>& tables);
// Oracle 4, one table: the rows as JSON texts, `expected` in any order.
void compare_state(const std::string& table,
                   std::vector<std::string> expected,
                   const std::vector<std::string>& found,
                   FeedReport& report);
// Spoils what was read.
void plant(std::vector<servers::KafkaRecord>& records, Plant plant);

// Follows a topic until a record is seen: for drained().
class LastWord {
  public:
    // Reads on for at most half a second.
    [[nodiscard]] bool seen(const std::string& bootstrap,
                            const std::string& topic,
                            const std::function<bool(const servers::KafkaRecord&)>& is_last);

  private:
    std::unique_ptr<servers::KafkaReader> reader_;
    bool seen_ = false;
};

// Whether it is the row (id 0, n), with which the feeds of databases end their load.
[[nodiscard]] bool is_last_row(const servers::KafkaRecord& record, std::int64_t n);

}  // namespace tributary::torture
