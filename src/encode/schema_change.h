// The part of a Debezium schema change record that is not as in every event: which table, and what
// it is like afterwards. Specification: Debezium 3.6 documentation, "Schema change topic" of the
// MySQL connector. Pure.
#pragma once

#include <string_view>

#include "encode/json_writer.h"
#include "model/change.h"

namespace tributary::encode {

// Connect schemas of the fields ts_ms to tableChanges, which stand behind `source`.
[[nodiscard]] std::string_view schema_change_fields() noexcept;

// The value of tableChanges: nothing of a statement about a database, or after which the table is
// not known.
void write_table_changes(JsonWriter& writer, const Change& change);

}  // namespace tributary::encode
