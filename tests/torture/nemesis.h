// What a run does to the processes and links, drawn from a seed: the same seed, count and targets
// give the same list. Pure; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tributary::torture {

enum class FaultKind {
    agent_kill,         // SIGKILL, restart at once
    agent_terminate,    // SIGTERM, restart when it ended
    agent_freeze,       // SIGSTOP for `length`
    agent_freeze_long,  // SIGSTOP past the transaction's time-out
    twin,               // the same, and meanwhile another agent of its name follows the databases
    call_kill,          // SIGKILL at the `count`-th write, sync or rename of a file
    sync_error,         // the `count`-th sync fails with EIO
    sync_slow,          // the `count`-th sync takes two seconds
    disk_full,          // the state directory's file system, for `length`
    source_kill,        // SIGKILL of every process of source `target`, restart
    source_restart,     // SIGTERM, restart
    source_freeze,      // SIGSTOP for `length`
    source_kick,        // the server ends the agent's session
    kafka_kill,         // SIGKILL, restart
    kafka_restart,      // SIGTERM, restart
    kafka_freeze,       // SIGSTOP for `length`
    link_cut,           // every connection agent <-> Kafka cut, none accepted for `length`
    request_held,       // one request `api` held for `length`, then let through
    request_late,       // held, the agent killed meanwhile: it arrives beside its successor
    answer_held,        // the answer to one held for `length`, then let through
    request_cut,        // the connection cut before the broker has the request
    answer_cut,         // the connection cut when it has answered
};

[[nodiscard]] const char* to_string(FaultKind kind) noexcept;

// The requests of Kafka's transactions.
enum class Api { init_producer_id, add_partitions, produce, end_txn };

[[nodiscard]] const char* to_string(Api api) noexcept;

struct Fault {
    FaultKind kind = FaultKind::agent_kill;
    std::chrono::milliseconds wait{0};    // before it, from the end of the one before
    std::chrono::milliseconds length{0};  // how long it lasts, where it lasts
    std::size_t target = 0;               // index of the source
    Api api = Api::end_txn;
    int count = 1;
};

struct NemesisOptions {
    std::uint64_t seed = 1;
    int faults = 24;
    bool kill_kafka = true;  // false: every kafka_kill is a kafka_restart (tests/servers/kafka.h)
    std::vector<bool> sources_die;  // per source: whether it can be killed; else it is restarted
    bool twins = true;              // false: every twin is an agent_freeze_long
};

// Every kind occurs when `faults` is at least the number of kinds.
[[nodiscard]] std::vector<Fault> draw_faults(const NemesisOptions& options);

// "kind of api after 12 ms for 300 ms", for people.
[[nodiscard]] std::string describe(const Fault& fault);

}  // namespace tributary::torture
