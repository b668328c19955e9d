// Where a row of a snapshot stands in it, as Debezium says it. Stored with each row: numbers never
// change. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace tributary::format {

enum class SnapshotMarker : std::uint8_t {
    middle = 1,
    first = 2,           // of the run
    first_in_table = 3,  // Debezium: first_in_data_collection
    last_in_table = 4,
    last = 5,  // of the run
};

// "true", "first", ...; empty: no such marker.
[[nodiscard]] std::string_view to_string(SnapshotMarker marker);

}  // namespace tributary::format
