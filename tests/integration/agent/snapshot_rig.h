// What the tests of snapshots share beside rig.h: the judge is the state. What a read_committed
// consumer of the topic has at the end is the table, and no identity comes twice.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/integration/agent/rig.h"
#include "tests/integration/agent/snapshot_kills.h"
#include "tests/integration/agent/snapshot_writers.h"
#include "tests/tools/oracle/materialise.h"

namespace tributary::agent_testing {

Site& with_snapshot(Site& site, const std::string& mode = "initial", int chunk_rows = 50'000);

struct Taken {
    oracle::TopicTable table;
    std::vector<std::string> markers;  // of "r" events, in order
    std::size_t reads = 0;
    std::size_t changes = 0;
};

[[nodiscard]] Taken take(const std::string& topic);

// The table and its topic say the same.
void expect_same(Site& site, const std::string& name = "t");

// Once the snapshot is over and a last change has come through: so has everything before it.
void expect_same_in_the_end(Site& site, const Agent& agent);

[[nodiscard]] bool complete(const Agent& agent);

[[nodiscard]] Connect sessions(Site& site);
[[nodiscard]] Taking taking(Site& site);

// Of t: on a small hot range and at both ends of the table, with values that are TOASTed.
[[nodiscard]] std::string change_t(std::minstd_rand& random,
                                   int index,
                                   int rows,
                                   const std::string& v);
// Of loose (a int, b text), which has no key and has equal rows.
[[nodiscard]] std::string change_loose(std::minstd_rand& random,
                                       int index,
                                       int rows,
                                       const std::string& v);

// Public.t with `rows` rows, each tenth (of millions, each hundredth) with a value that is TOASTed.
void fill(Site& site, int rows);

}  // namespace tributary::agent_testing
