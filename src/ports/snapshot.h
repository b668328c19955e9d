// Snapshots: what an operator may ask of a source that can deliver the rows its tables already
// hold, beside the stream (docs/snapshots.md). The seat is given by Source::snapshots(); every
// method is called by the pipeline's intake thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tributary {

class EntrySink;

// One table to be delivered again; Debezium's incremental snapshot.
struct SnapshotRequest {
    std::string table;  // as the source names it: "schema.table", "database.table"
    std::string where;  // a condition in the server's SQL; empty: all rows
};

enum class SnapshotState {
    none,      // none was ever taken of this log
    running,   // rows are still to be taken
    complete,  // the last one is over
};

[[nodiscard]] constexpr std::string_view to_string(SnapshotState state) {
    switch (state) {
        case SnapshotState::none:
            return "none";
        case SnapshotState::running:
            return "running";
        case SnapshotState::complete:
            return "complete";
    }
    return "";
}

struct SnapshotTable {
    std::string name;
    std::uint64_t rows = 0;                        // dealt with so far, over restarts
    std::optional<std::uint64_t> rows_estimate{};  // the server's guess of all of them
    bool ad_hoc = false;                           // asked for by start()
    std::string where{};
};

struct SnapshotStatus {
    SnapshotState state = SnapshotState::none;
    std::uint32_t tables_total = 0;
    std::uint64_t rows = 0;               // of this run, over all tables and restarts
    std::vector<SnapshotTable> tables{};  // not done; the first is being read
};

class Snapshots {
  public:
    virtual ~Snapshots() = default;

    // Takes the request into the log, with the next entry of `sink`: it survives whatever follows.
    // false: not at this moment (within a transaction); ask again after the next poll().
    // kSnapshotRefused: no such table, it is under way already, or a condition that the server does
    // not take; kSourceRights; transient ones of the connection.
    [[nodiscard]] virtual Result<bool> start(const SnapshotRequest& request, EntrySink& sink) = 0;

    // Takes no more rows of `table`; empty: of any table. What was delivered stays. false and
    // kSnapshotRefused: as above.
    [[nodiscard]] virtual Result<bool> stop(const std::string& table, EntrySink& sink) = 0;

    [[nodiscard]] virtual SnapshotStatus status() const = 0;

    // Until the next call at most this many rows are read; 0: none. Those at hand still come.
    virtual void allow(std::uint64_t rows) = 0;
};

}  // namespace tributary
