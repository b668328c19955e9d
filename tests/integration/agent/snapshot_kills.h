// A table that is taken over while writers run and things are killed: the agent, and in runs by
// hand its database and Kafka too. The environment says how often, on how large a table, and from
// which seed (docs/snapshots.md):
//   TRIBUTARY_SNAPSHOT_KILLS=N  so many kills, of a table that is still under way at the last one
//   TRIBUTARY_SNAPSHOT_ROWS=N   so many rows, in whole chunks; kills until they are there
//   TRIBUTARY_SNAPSHOT_SEED=N
//   TRIBUTARY_TEST_KAFKA=3.9.2  needed where Kafka is killed (rig.cc)
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "tests/integration/agent/rig.h"
#include "tests/integration/agent/snapshot_replay.h"
#include "tests/integration/agent/snapshot_writers.h"

namespace tributary::agent_testing {

struct KillPlan {
    // What the test does when nothing else is asked for: in chunks so small that they take longer
    // than a few lives of the agent.
    KillPlan(int usual_kills, int usual_rows, int usual_chunk_rows = 40);

    int kills;
    int rows;
    int chunk_rows;
    unsigned seed = 11;
    milliseconds life_min{200};
    milliseconds life_max{700};
    milliseconds pause{0};  // of a writer
    bool by_hand = false;   // databases and Kafka are killed too
};

// What is taken over.
struct Taking {
    Site& site;
    std::string pipeline;
    std::function<std::string(const std::string& table)> topic;
    Query query;
    std::function<void()> kill_database;  // and start it again
};

// Lives of the agent.
class Killer {
  public:
    Killer(const Taking& taking, const KillPlan& plan);

    // Until the kills are done or the snapshot is over. An agent runs then.
    void run();
    [[nodiscard]] Agent& agent() { return *agent_; }
    // Kills while the snapshot was under way.
    [[nodiscard]] int kills() const;
    // Of a run by hand: one line for its notes, and memory is bounded.
    void report();

  private:
    void kill();
    void note_memory();
    // The largest that an agent was.
    [[nodiscard]] std::size_t memory_mib();

    const Taking& taking_;
    const KillPlan& plan_;
    std::minstd_rand random_;
    std::optional<Agent> agent_;
    std::map<std::string, int> victims_;
    std::size_t memory_kib_ = 0;
    std::chrono::steady_clock::time_point begun_;
};

// Whether the snapshot is over by what the log says, also where an agent before this one ended it.
[[nodiscard]] bool is_over(const nlohmann::json& pipeline);

// Once a last change, of the empty table `ending`, has come through: so has everything before it.
void write_ending(const Taking& taking);

// Takes table t (id, v, big) over beside writers and through kills: exact.
void expect_exact_through_kills(const Taking& taking,
                                const KillPlan& plan,
                                const Connect& connect,
                                Change change);

}  // namespace tributary::agent_testing
