// SnapshotOracle: whether the rows of snapshots are in their places. Each says what its row was
// when exactly the transactions below its place had happened; with the changes of the stream, in
// the order of the partition, it gives the table; and it comes once for each time that its table
// was to be taken. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/sim_kafka.h"
#include "tests/sim/sim_tables.h"

namespace tributary::sim {

// What the pipeline was to take.
struct SnapshotDuty {
    bool every_row = false;                      // that the selected tables hold
    std::optional<std::size_t> times_max{};      // each of them, as the mode wants
    std::map<std::string, std::size_t> asked{};  // and as an operator wants, by table
    std::set<std::string> stopped{};  // by an operator: the rest of their rows may be missing
};

[[nodiscard]] bool is_snapshot_row(const KafkaRecord& record);

class SnapshotOracle {
  public:
    SnapshotOracle() : tables_(kTables) {}

    // First the history: each transaction, in the order of the log, as it ends at `end`.
    void on_transaction(std::uint64_t end, const std::vector<SimRow>& rows);
    // The same for a statement that empties a table.
    void on_emptied(std::uint64_t end, std::size_t table);

    // Then what is delivered, partition by partition. A row of a snapshot at `place`; empty: it is
    // right. `may_be_lost`: the place is one of a history that is lost.
    [[nodiscard]] std::string on_row(const KafkaRecord& record,
                                     std::uint64_t place,
                                     bool may_be_lost);
    // A change of the stream. `whole`: it has every column; `removes`: and there is no row.
    void on_change(const std::string& table, int key, bool whole, bool removes);

    // What is wrong in the end; empty: nothing.
    [[nodiscard]] std::string repeated(const SnapshotDuty& duty) const;
    // A row that a consumer does not have; empty: it has all.
    [[nodiscard]] std::string missing(const SnapshotDuty& duty) const;
    // Rows that tell of transactions which the server does not have any more.
    [[nodiscard]] bool has_lost() const { return has_lost_; }

  private:
    using RowName = std::pair<std::string, int>;  // table and key
    struct Version {
        std::uint64_t end = 0;  // of its transaction
        std::optional<RowState> row;
    };

    void note(std::uint64_t end, std::size_t table, const std::vector<int>& keys);
    [[nodiscard]] const RowState* row_at(const RowName& name, std::uint64_t place) const;

    std::vector<TableState> tables_;
    std::map<RowName, std::vector<Version>> versions_;
    bool has_lost_ = false;
    std::map<RowName, bool> whole_;  // whether a consumer has every column of it
    std::map<RowName, std::size_t> times_;
};

}  // namespace tributary::sim
