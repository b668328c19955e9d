// The board; see the header.
#include "tests/sim/snapshot_board.h"

#include "tests/sim/sim_tables.h"

namespace tributary::sim {
namespace {

// It was taken, or refused for good.
bool is_over(const Result<bool>& done) {
    return done ? done.value() : !done.error().transient();
}

}  // namespace

std::string SnapshotBoard::full_name(std::size_t table) const {
    return schema + "." + table_name(table);
}

void SnapshotBoard::ask(std::size_t table, const std::string& where) {
    complete = false;
    asked.push_back({.table = full_name(table), .where = where});
}

void SnapshotBoard::ask_to_stop(std::size_t table) {
    complete = false;
    stops.push_back(full_name(table));
}

void SnapshotBoard::ask_to_stop_all() {
    complete = false;
    stops.emplace_back();
}

// While one agent takes what is first, a twin may do so too: what is first then is another one.
void SnapshotBoard::look(Snapshots& snapshots, EntrySink& sink) {
    if (!stops.empty()) {
        const std::string table = stops.front();
        for (std::size_t at = 0; at < kTables; ++at) {
            if (table.empty() || table == full_name(at)) {
                stopped.insert(table_name(at));
            }
        }
        if (is_over(snapshots.stop(table, sink)) && !stops.empty() && stops.front() == table) {
            stops.pop_front();
        }
    }
    if (!asked.empty()) {
        const SnapshotRequest request = asked.front();
        const auto done = snapshots.start(request, sink);
        if (is_over(done)) {
            taken[request.table.substr(schema.size() + 1)] += done ? 1 : 0;
            if (!asked.empty() && asked.front().table == request.table &&
                asked.front().where == request.where) {
                asked.pop_front();
            }
        }
    }
    complete = asked.empty() && stops.empty() && snapshots.status().state != SnapshotState::running;
}

}  // namespace tributary::sim
