// How many changes of each table a transaction has, as the log keeps it at the end of a connector's
// payload. It outlives the process: the connectors' golden bytes hold it. Pure; any thread.
//   varint events; varint tables; each: sized "schema.table", varint count
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "model/change.h"

namespace tributary::format {

struct TableTally {
    std::string table;
    std::uint64_t count = 0;
};

void append_tallies(std::string& out,
                    std::uint64_t event_count,
                    const std::vector<TableTally>& tables);

// Reads up to the end of what `reader` has; false when that is not as written.
[[nodiscard]] bool read_tallies(ByteReader& reader,
                                std::uint64_t& event_count,
                                std::vector<TableTally>& tables);

// What a decoder hands on of them; in `arena`.
[[nodiscard]] std::span<const TableCount> counts_in(Arena& arena,
                                                    const std::vector<TableTally>& tables);

}  // namespace tributary::format
