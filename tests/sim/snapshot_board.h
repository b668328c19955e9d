// SnapshotBoard: what an operator asks of the snapshots, and what became of it, over all lives of
// the agent, and of a twin. One thread (the scheduler's events and the agents' intake fibers).
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "ports/snapshot.h"

namespace tributary::sim {

struct SnapshotBoard {
    std::string schema{};  // of the tables
    std::deque<SnapshotRequest> asked{};
    std::map<std::string, std::size_t> taken{};  // requests, by table without its schema
    std::deque<std::string> stops{};             // of a table; empty: of all
    std::set<std::string> stopped{};             // tables of which one may have ended so, likewise
    std::size_t missed = 0;                      // how often the server had not all changes
    bool complete = false;                       // said by the agent that lives

    void ask(std::size_t table, const std::string& where);
    void ask_to_stop(std::size_t table);
    void ask_to_stop_all();
    // An agent looks at it, as it would be asked.
    void look(Snapshots& snapshots, EntrySink& sink);

  private:
    [[nodiscard]] std::string full_name(std::size_t table) const;
};

}  // namespace tributary::sim
