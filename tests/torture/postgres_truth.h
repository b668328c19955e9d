// What PostgreSQL's own test_decoding says was committed, and where its slot may be confirmed.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/torture/judge.h"

namespace tributary::torture {

// Fed with the rows of pg_logical_slot_get_changes (include-xids on), in order.
class TruthParser {
  public:
    // Throws ServerFailure for a line that it does not understand.
    void add(std::uint64_t lsn, std::string_view line);
    [[nodiscard]] std::vector<TrueTransaction> take() { return std::move(transactions_); }

  private:
    std::optional<TrueTransaction> open_;
    std::vector<TrueTransaction> transactions_;
};

// The Rules and expectations of a PostgreSQL source.
[[nodiscard]] Evidence postgres_evidence(const std::vector<TrueTransaction>& truth,
                                         const std::vector<std::string>& keyless_tables);

// The slot's confirmed position, and a wall time after which it was read.
struct SlotSample {
    std::int64_t wall_time_us = 0;
    std::uint64_t confirmed_lsn = 0;
};

// Oracle 5: a slot with `ack: delivered` is never confirmed past a checkpoint. `created_lsn`: where
// it stood before the first.
void check_slot(const std::vector<SlotSample>& samples,
                std::uint64_t created_lsn,
                const std::vector<Checkpoint>& checkpoints,
                Verdict& verdict);

}  // namespace tributary::torture
