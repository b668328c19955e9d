// A decoded event: what an encoder turns into records.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/ids.h"
#include "model/schema.h"
#include "model/sensor.h"
#include "model/value.h"

namespace tributary {

enum class Operation : std::uint8_t {
    create,
    update,
    remove,
    truncate,
    message,
    transaction_end,
    read,  // a row that was there before, from a snapshot
    schema_change,
};

// A field of the envelope's `source` block that only this kind of source has, after the common ones
// (version, connector, name, ts_ms, snapshot, db, sequence, ts_us, ts_ns).
struct SourceField {
    std::string_view name;
    TypeKind kind = TypeKind::text;  // text, int32 or int64
    bool optional = true;
};

// How many changes of each table the transaction had; for transaction metadata.
struct TableCount {
    std::string_view table;  // "schema.table"
    std::uint64_t count = 0;
};

// A column as its source's catalogue describes it.
struct ColumnDescription {
    std::string_view name{};
    std::int32_t jdbc_type = 0;        // java.sql.Types
    std::string_view type_name{};      // upper case, without its length: "DECIMAL UNSIGNED"
    std::string_view character_set{};  // empty: none
    std::optional<std::int32_t> length{};
    std::optional<std::int32_t> scale{};
    bool optional = true;
    bool auto_incremented = false;
    bool generated = false;  // the source makes its values
    std::optional<std::string_view> default_text{};
    std::span<const std::string_view> labels{};  // of an enumeration or set, as SQL literals
};

enum class StructureEffect : std::uint8_t { none, create, alter, drop };

// A statement about one table, or about its database where it has no effect on a table.
struct StructureChange {
    std::string_view statement{};  // empty: not told
    StructureEffect effect = StructureEffect::none;
    bool described = false;  // what follows is known
    std::string_view character_set{};
    std::span<const std::string_view> key{};
    std::span<const ColumnDescription> columns{};
};

struct Change {
    Operation operation = Operation::create;
    Sequence sequence;
    std::uint32_t ordinal = 0;                  // within the source transaction
    std::uint64_t transaction_order = 0;        // 1-based index among the delivered events of its
                                                // transaction, 0 outside one
    std::uint64_t transaction_table_order = 0;  // the same among the events of its table
    bool first_of_transaction = false;          // BEGIN metadata goes before it
    std::int64_t intake_time_us = 0;
    std::int64_t source_time_us = 0;  // commit time at the source
    SchemaId schema_id;
    const TableSchema* schema = nullptr;  // null for message and transaction_end; of a
                                          // schema_change only the names
    Row before;
    Row after;
    std::string_view
        source_position;  // bytes of the event's transaction position, for the packed header
    std::string_view database;
    std::string_view snapshot_marker;            // read: "first", "true", "last" ...; else empty
    std::string_view source_sequence;            // text of `source.sequence`
    std::span<const Value> source_values;        // in the order of the connector's SourceFields
    std::string_view transaction_id;             // "571:53195829"; empty outside a transaction
    std::string_view message_prefix;             // message
    std::string_view message_content;            // message, raw bytes
    std::uint64_t event_count = 0;               // transaction_end
    std::span<const TableCount> table_counts;    // transaction_end
    const StructureChange* structure = nullptr;  // schema_change; in the arena
    const SensorMessage* sensor = nullptr;       // message of a sensor feed; in the arena
};

}  // namespace tributary
