// The judge of what a snapshot and the stream around it gave: the topic is replayed, and every row
// of the snapshot must be what the changes before and after it say that the table held at its
// place. At the end the topic is the table. Rows are kept as text: ten millions of them take some
// two GiB.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/servers/sql.h"

namespace tributary::agent_testing {

struct Replay {
    std::unordered_map<std::string, std::string> rows;  // by key, as JSON
    std::vector<std::string> markers;                   // of "r" events, repetitions left out
    std::vector<std::string> wrong;                     // at most a few
    std::size_t reads = 0;
    std::size_t changes = 0;
    std::size_t repeated = 0;
    nlohmann::json first_source;

    [[nodiscard]] nlohmann::json row(const std::string& key) const {
        return nlohmann::json::parse(rows.at(key));
    }
};

// Up to the end that the topic has now; nothing of one that is not there.
[[nodiscard]] Replay replay(const std::string& topic);

using Query = std::function<servers::SqlRows(const std::string& statement)>;

// The table, whose key is the number `id`, holds in these columns what its topic says.
void expect_table(const Query& query,
                  const std::string& table,
                  const Replay& found,
                  const std::vector<std::string>& columns = {"id", "v"});

}  // namespace tributary::agent_testing
