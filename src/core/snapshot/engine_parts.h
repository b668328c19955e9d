// What the files of the engine share (engine.h): bounds, and the name of a table's progress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/snapshot/chunk_port.h"
#include "core/snapshot/progress.h"

namespace tributary::core::snapshot {

// What rows cost in a block of the log beside their payload.
inline constexpr std::size_t kRowOverheadBytes = 48;
inline constexpr std::size_t kContextBytes = 128;
inline constexpr std::uint64_t kGrowthMax = 8;  // of a chunk over the one before
inline constexpr std::uint64_t kFirstChunkRows = 1024;

inline std::string side_key(const TableName& name) {
    return std::string(kTablePrefix) + name.schema + std::string(1, '\0') + name.table;
}

}  // namespace tributary::core::snapshot
