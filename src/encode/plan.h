// What of a table's events does not depend on the row, compiled once per schema id: topic, schema
// text, field names, fills. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "encode/debezium.h"
#include "encode/value_format.h"
#include "model/schema.h"

namespace tributary::encode {

struct ColumnPlan {
    std::size_t index = 0;  // in the row
    std::string prefix;     // {"id": or ,"id":
    std::string fill;       // for a column that the row image does not have
    std::string name;       // for errors
    Format format;
    bool nullable = true;
};

struct KeyColumnPlan {
    std::size_t column = 0;  // in Plan::columns
    std::string prefix;
};

struct Plan {
    std::string topic;
    std::string table;  // "schema.table", for errors
    std::size_t row_columns = 0;
    std::vector<ColumnPlan> columns;
    std::vector<KeyColumnPlan> keys;  // in key order; empty: null key
    std::string value_start;          // up to and with "before":
    std::string key_start;            // before the key's object
    std::size_t fixed_bytes = 0;      // estimate of what one record has besides its values
};

// What of a source's events does not depend on the table.
struct SourcePlan {
    std::string source_start;         // "source":{.. up to and with "ts_ms":
    std::vector<std::string> fields;  // ,"schema": of each connector field
    std::vector<bool> numeric;        // of each connector field: written as a number
    std::string source_schema;        // Connect schema of the field `source`; empty without schemas
    std::string payload_end;          // closes payload and envelope
};

[[nodiscard]] std::string json_text(std::string_view text);

[[nodiscard]] SourcePlan compile_source(const DebeziumOptions& options,
                                        std::string_view connector_name,
                                        std::span<const SourceField> fields);

// Connect schema of the field `transaction` of an envelope.
[[nodiscard]] std::string_view transaction_schema() noexcept;

[[nodiscard]] Plan compile_plan(const DebeziumOptions& options,
                                const SourcePlan& source,
                                const TableSchema& schema);

}  // namespace tributary::encode
