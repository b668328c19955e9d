// What keys and values begin with that do not depend on a table: logical messages, schema changes,
// transaction metadata. That is their Connect schema up to "payload":, which the encoder's
// payload_end closes; empty without schemas. Specification: Debezium 3.6 documentation, "Logical
// decoding message events", "Schema change topic", "Transaction metadata". Pure.
#pragma once

#include <string>
#include <string_view>

#include "encode/debezium.h"
#include "encode/plan.h"

namespace tributary::encode {

struct FixedStarts {
    std::string message_key;
    std::string message_value;
    std::string schema_change_key;
    std::string schema_change_value;
    std::string transaction_key;
    std::string transaction_value;
};

[[nodiscard]] FixedStarts compile_fixed_starts(const DebeziumOptions& options,
                                               std::string_view connector_name,
                                               const SourcePlan& source);

}  // namespace tributary::encode
