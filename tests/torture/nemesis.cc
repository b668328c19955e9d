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
    Row{FaultKind::agent_kill, "agent_kill", 300, 0, 0},                      // catalogue: F1
    Row{FaultKind::agent_terminate, "agent_terminate", 60, 0, 0},             // catalogue: F69
    Row{FaultKind::agent_freeze, "agent_freeze", 40, 200, 3000},              // catalogue: F3
    Row{FaultKind::agent_freeze_long, "agent_freeze_long", 5, 11500, 13000},  // catalogue: F3 F28
    Row{FaultKind::twin, "twin", 5, 11500, 13000},                            // catalogue: F18
    Row{FaultKind::call_kill, "call_kill", 150, 0, 0},                        // catalogue: F2
    Row{FaultKind::sync_error, "sync_error", 20, 0, 0},                       // catalogue: F12
    Row{FaultKind::sync_slow, "sync_slow", 15, 0, 0},                         // catalogue: F13
    Row{FaultKind::disk_full, "disk_full", 30, 200, 3000},                    // catalogue: F9 F10
    Row{FaultKind::source_kill, "source_kill", 120, 0, 0},                    // catalogue: F44 F45
    Row{FaultKind::source_restart, "source_restart", 40, 0, 0},               // catalogue: F45
    Row{FaultKind::source_freeze, "source_freeze", 40, 200, 3000},            // catalogue: F42
    Row{FaultKind::source_kick, "source_kick", 60, 0, 0},                     // catalogue: F45
    Row{FaultKind::kafka_kill, "kafka_kill", 25, 0, 0},                       // catalogue: F22
    Row{FaultKind::kafka_restart, "kafka_restart", 10, 0, 0},                 // catalogue: F23
    Row{FaultKind::kafka_freeze, "kafka_freeze", 30, 300, 4000},              // catalogue: F42 F43
    Row{FaultKind::link_cut, "link_cut", 60, 5, 2000},                        // catalogue: F42
    Row{FaultKind::request_held, "request_held", 60, 300, 4500},              // catalogue: F25 F27
    Row{FaultKind::request_late, "request_late", 40, 300, 3000},  // catalogue: F25 F26 F27
    Row{FaultKind::answer_held, "answer_held", 40, 300, 4500},    // catalogue: F24 F43
    Row{FaultKind::request_cut, "request_cut", 40, 0, 0},         // catalogue: F22 F42
    Row{FaultKind::answer_cut, "answer_cut", 60, 0, 0},           // catalogue: F24
};

const Row& row_of(FaultKind kind) {
    return *std::find_if(
        kRows.begin(), kRows.end(), [&](const Row& row) { return row.kind == kind; });
}

constexpr std::array kApis{Api::end_txn, Api::produce, Api::add_partitions, Api::init_producer_id};

// What this run cannot do becomes its neighbour.
FaultKind possible(FaultKind kind, std::size_t target, const NemesisOptions& options) {
    if (kind == FaultKind::kafka_kill && !options.kill_kafka) {
        return FaultKind::kafka_restart;
    }
    if (kind == FaultKind::source_kill && !options.sources_die.at(target)) {
        return FaultKind::source_restart;
    }
    if (kind == FaultKind::twin && !options.twins) {
        return FaultKind::agent_freeze_long;
    }
    return kind;
}

}  // namespace

const char* to_string(FaultKind kind) noexcept {
    return row_of(kind).name;
}

const char* to_string(Api api) noexcept {
    switch (api) {
        case Api::init_producer_id:
            return "InitProducerId";
        case Api::add_partitions:
            return "AddPartitionsToTxn";
        case Api::produce:
            return "Produce";
        case Api::end_txn:
            return "EndTxn";
    }
    return "?";
}

std::vector<Fault> draw_faults(const NemesisOptions& options) {
    std::mt19937_64 random(options.seed);
    std::vector<unsigned> weights;
    for (const Row& row : kRows) {
        weights.push_back(row.weight);
    }
    std::discrete_distribution<std::size_t> pick(weights.begin(), weights.end());
    std::uniform_int_distribution<int> wait(5, 1200);
    std::uniform_int_distribution<std::size_t> target(0, options.sources_die.size() - 1);
    std::uniform_int_distribution<std::size_t> api(0, kApis.size() - 1);
    std::uniform_int_distribution<int> count(1, 40);
    std::vector<Fault> faults;
    for (int index = 0; index < options.faults; ++index) {
        const auto in_turn = static_cast<std::size_t>(index);
        const Row& row = kRows.at(in_turn < kRows.size() ? in_turn : pick(random));
        std::uniform_int_distribution<int> length(row.shortest_ms, row.longest_ms);
        Fault fault{.wait = milliseconds(wait(random)),
                    .length = milliseconds(length(random)),
                    .target = target(random),
                    .api = kApis.at(api(random)),
                    .count = count(random)};
        fault.kind = possible(row.kind, fault.target, options);
        faults.push_back(fault);
    }
    std::shuffle(faults.begin(), faults.end(), random);
    return faults;
}

std::string describe(const Fault& fault) {
    std::string text = to_string(fault.kind);
    switch (fault.kind) {
        case FaultKind::request_held:
        case FaultKind::request_late:
        case FaultKind::answer_held:
        case FaultKind::request_cut:
        case FaultKind::answer_cut:
            text += std::string(" of ") + to_string(fault.api);
            break;
        case FaultKind::source_kill:
        case FaultKind::source_restart:
        case FaultKind::source_freeze:
        case FaultKind::source_kick:
            text += " of source " + std::to_string(fault.target);
            break;
        case FaultKind::call_kill:
        case FaultKind::sync_error:
        case FaultKind::sync_slow:
            text += " at call " + std::to_string(fault.count);
            break;
        case FaultKind::agent_kill:
        case FaultKind::agent_terminate:
        case FaultKind::agent_freeze:
        case FaultKind::agent_freeze_long:
        case FaultKind::twin:
        case FaultKind::disk_full:
        case FaultKind::kafka_kill:
        case FaultKind::kafka_restart:
        case FaultKind::kafka_freeze:
        case FaultKind::link_cut:
            break;
    }
    text += " after " + std::to_string(fault.wait.count()) + " ms";
    if (fault.length.count() > 0) {
        text += " for " + std::to_string(fault.length.count()) + " ms";
    }
    return text;
}

}  // namespace tributary::torture
