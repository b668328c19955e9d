// See nemesis.h. Kills of the agent weigh most: they are cheap, and each start is a recovery.
#include "tests/torture/nemesis.h"

#include <algorithm>
#include <array>
#include <random>

namespace tributary::torture {
namespace {

using std::chrono::milliseconds;

struct Row {
    FaultKind kind;
    const char* name;
    unsigned weight;
    int shortest_ms;
    int longest_ms;
};

constexpr std::array kRows{
    Row{FaultKind::agent_kill, "agent_kill", 50, 0, 0},
    Row{FaultKind::agent_terminate, "agent_terminate", 8, 0, 0},
    Row{FaultKind::agent_freeze, "agent_freeze", 6, 300, 4000},
    Row{FaultKind::postgres_kill, "postgres_kill", 8, 0, 0},
    Row{FaultKind::kafka_kill, "kafka_kill", 5, 0, 0},
    Row{FaultKind::kafka_restart, "kafka_restart", 2, 0, 0},
    Row{FaultKind::kafka_freeze, "kafka_freeze", 5, 300, 5000},
    Row{FaultKind::link_cut, "link_cut", 8, 5, 2500},
    Row{FaultKind::end_txn_held, "end_txn_held", 5, 500, 5000},
    Row{FaultKind::produce_held, "produce_held", 3, 500, 5000},
};

const Row& row_of(FaultKind kind) {
    return *std::find_if(
        kRows.begin(), kRows.end(), [&](const Row& row) { return row.kind == kind; });
}

}  // namespace

const char* to_string(FaultKind kind) noexcept {
    return row_of(kind).name;
}

std::vector<Fault> draw_faults(const NemesisOptions& options) {
    std::mt19937_64 random(options.seed);
    std::vector<unsigned> weights;
    for (const Row& row : kRows) {
        weights.push_back(row.weight);
    }
    std::discrete_distribution<std::size_t> pick(weights.begin(), weights.end());
    std::uniform_int_distribution<int> wait(5, 2000);
    std::vector<Fault> faults;
    for (int index = 0; index < options.faults; ++index) {
        const auto in_turn = static_cast<std::size_t>(index);
        const Row& row = kRows.at(in_turn < kRows.size() ? in_turn : pick(random));
        std::uniform_int_distribution<int> length(row.shortest_ms, row.longest_ms);
        FaultKind kind = row.kind;
        if (kind == FaultKind::kafka_kill && !options.kill_kafka) {
            kind = FaultKind::kafka_restart;
        }
        faults.push_back({.kind = kind,
                          .wait = milliseconds(wait(random)),
                          .length = milliseconds(length(random))});
    }
    std::shuffle(faults.begin(), faults.end(), random);
    return faults;
}

std::string describe(const Fault& fault) {
    std::string text = to_string(fault.kind);
    text += " after " + std::to_string(fault.wait.count()) + " ms";
    if (fault.length.count() > 0) {
        text += " for " + std::to_string(fault.length.count()) + " ms";
    }
    return text;
}

}  // namespace tributary::torture
