// World: one simulated world from beginning to end: an application, its PostgreSQL, an edge host
// with the whole agent (the real Runtime with its stages and log writer, intake, ledger, decoder
// and encoder), and a Kafka. Faults come by the plan; then everything is healed and all that was
// committed must arrive; the oracle judges what did. The same plan gives the same world.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/sim/plan.h"

namespace tributary::sim {

struct Outcome {
    std::string violation;  // empty: none
    std::string stopped;    // name of the error that rightly ended the agent; empty: none did
    std::uint64_t steps = 0;
    std::int64_t virtual_us = 0;
    std::size_t records = 0;  // that the oracle saw
    std::size_t lives = 0;    // of the agent's process
};

// `trace`: a line for everything that happens; may be empty.
[[nodiscard]] Outcome run_world(const Plan& plan,
                                const std::function<void(const std::string&)>& trace = {});

}  // namespace tributary::sim
