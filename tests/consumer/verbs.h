// The verbs of tributary-consumer. Each returns the process's exit code; failures of a server are
// exceptions.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace tributary::consumer {

struct Materialise {
    std::string bootstrap;
    std::string conninfo;
    std::string prefix;               // of the topics: <prefix>.<schema>.<table>
    std::vector<std::string> tables;  // "schema.table"
};

// Builds every table from its topic as a read_committed consumer would, compares it with the table
// itself, and counts records that carry the same identity. Prints one line; 0 when all is equal and
// nothing twice.
[[nodiscard]] int materialise(const Materialise& arguments);

struct Tail {
    std::string bootstrap;
    std::string prefix;
    std::vector<std::string> tables;
    std::chrono::seconds idle{5};  // ends after this long without an event
    int most = 40;                 // events printed; the rest is counted
};

// Prints change events as a read_committed consumer sees them.
[[nodiscard]] int tail(const Tail& arguments);

}  // namespace tributary::consumer
