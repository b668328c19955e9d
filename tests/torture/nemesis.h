// What a run does to the processes, drawn from a seed: the same seed and count give the same list.
// Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tributary::torture {

enum class FaultKind {
    agent_kill,       // SIGKILL, restart at once
    agent_terminate,  // SIGTERM, restart when it ended
    agent_freeze,     // SIGSTOP for `length`
    postgres_kill,    // SIGKILL of every process, restart: recovery from WAL
    kafka_kill,       // SIGKILL, restart
    kafka_restart,    // SIGTERM, restart
    kafka_freeze,     // SIGSTOP for `length`
    link_cut,         // every connection agent <-> Kafka cut, none accepted for `length`
    end_txn_held,     // one EndTxn request held for `length`, then let through
    produce_held,     // one Produce request held for `length`, then let through
};

[[nodiscard]] const char* to_string(FaultKind kind) noexcept;

struct Fault {
    FaultKind kind = FaultKind::agent_kill;
    std::chrono::milliseconds wait{0};    // before it, from the end of the one before
    std::chrono::milliseconds length{0};  // how long it lasts, where it lasts
};

struct NemesisOptions {
    std::uint64_t seed = 1;
    int faults = 24;
    bool kill_kafka = true;  // false: every kafka_kill is a kafka_restart (tests/servers/kafka.h)
};

// Every kind occurs when `faults` is at least the number of kinds.
[[nodiscard]] std::vector<Fault> draw_faults(const NemesisOptions& options);

// "seconds.milliseconds kind" for people.
[[nodiscard]] std::string describe(const Fault& fault);

}  // namespace tributary::torture
