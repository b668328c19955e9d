// Whether a server still tells the story that this pipeline has followed so far: pure decisions
// over positions, timelines and identities. PostgreSQL 15 manual 26.3.5 "Timelines" and 55.4
// (IDENTIFY_SYSTEM, TIMELINE_HISTORY). Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/postgresql/lsn.h"
#include "model/checkpoint.h"
#include "ports/side.h"
#include "ports/source.h"

namespace tributary::postgresql {

// IDENTIFY_SYSTEM.
struct SystemFacts {
    std::string system_id;
    std::uint32_t timeline = 0;
    Lsn flushed;
};

// What a connection found the last time, to compare with.
struct KnownSystem {
    std::string system_id;  // empty: none yet
    std::uint32_t timeline = 0;
};

// Everything that this pipeline took in was written below this position: where it resumes, or the
// commit record of a transaction that it has only a part of. nullopt: a new pipeline.
[[nodiscard]] std::optional<Lsn> held_below(const StartPoint& start);

// What the server must still be able to send: everything that commits from here on. Without a
// complete transaction yet, that is the commit record of the one that was begun. nullopt: a new
// pipeline.
[[nodiscard]] std::optional<Lsn> needed_from(const StartPoint& start);

// kSourceDiverged: another cluster. kSourceRewound: a server that has not written up to `held`.
[[nodiscard]] Result<void> verify_system(const SystemFacts& system,
                                         const KnownSystem& known,
                                         std::optional<Lsn> held);

// Where `timeline` ended according to the history file of a later one (TIMELINE_HISTORY); nullopt
// when it is not among its ancestors.
[[nodiscard]] std::optional<Lsn> timeline_end(std::string_view history, std::uint32_t timeline);

// After a fail-over from the timeline `known`: kSourceDiverged when the new one left it below
// `held`, so that something taken in never happened there.
[[nodiscard]] Result<void> verify_timeline(std::string_view history, std::uint32_t known, Lsn held);

// The timeline that the events in the log are of, in the log's side keyspace: a fail-over may
// happen while the agent is down. 0: not known (a log of before, or a new one).
inline constexpr std::string_view kTimelineKey = "postgresql/timeline";
[[nodiscard]] Result<std::uint32_t> stored_timeline(const SideReader& side);

// ports/source.h, Source::reconcile(). `identity` is that of the server, empty when none was
// reached yet.
[[nodiscard]] Verdict reconcile(const LogExtent& log,
                                const Checkpoint& checkpoint,
                                std::string_view identity);

}  // namespace tributary::postgresql
