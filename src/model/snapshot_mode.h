// Which rows that tables already hold are delivered too: Debezium's snapshot.mode, its words and
// meaning. Pure; any thread.
#pragma once

namespace tributary {

enum class SnapshotMode {
    no_data,       // none: changes only
    initial,       // all, once, when the pipeline is new
    initial_only,  // the same, and nothing after it
    always,        // all, at every start of the agent
    when_needed,   // as initial, and when the server no longer has what follows the position
};

// Whether a connection begins a snapshot. `fresh`: the pipeline is new, or its snapshot was lost or
// became worthless; `begun`: this process has begun one already.
[[nodiscard]] constexpr bool begins_snapshot(SnapshotMode mode, bool fresh, bool begun) {
    switch (mode) {
        case SnapshotMode::no_data:
            return false;
        case SnapshotMode::initial:
        case SnapshotMode::initial_only:
        case SnapshotMode::when_needed:
            return fresh;
        case SnapshotMode::always:
            return fresh || !begun;
    }
    return false;
}

}  // namespace tributary
