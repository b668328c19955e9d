// Encoder: a typed change to the records a consumer sees.
#pragma once

#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "model/change.h"
#include "model/record.h"

namespace tributary {

class Encoder {
  public:
    virtual ~Encoder() = default;

    // Appends 0..n records for `change`, in the order they must be produced; views point into
    // `arena`. Pure: the same change gives the same bytes. One thread. The processing clock of the
    // envelope (ts_ms, ts_us, ts_ns) is the entry's intake time, so a replay gives the same.
    [[nodiscard]] virtual Result<void> encode(const Change& change,
                                              Arena& arena,
                                              std::vector<Record>& out) = 0;
};

}  // namespace tributary
