// Debezium 3.6 change events from typed changes: envelope, keys, tombstones, transaction metadata,
// logical messages, as JSON with or without the schema beside the payload. Where Debezium loses or
// corrupts a value the right one is written: docs/debezium-differences.md. What comes out, with an
// example: docs/events.md. Specification: Debezium 3.6 documentation, "Data change events" of the
// PostgreSQL connector; Kafka Connect JsonConverter.
//
// One thread. All text that does not depend on the row is compiled once per schema id.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/change.h"
#include "ports/encoder.h"

namespace tributary::encode {

enum class DecimalMode : std::uint8_t { precise, double_, string };
enum class TimePrecision : std::uint8_t {
    adaptive,                    // by the column's fraction digits
    adaptive_time_microseconds,  // the same, but time of day always in microseconds
    connect,                     // Kafka Connect's own types, milliseconds
    isostring,
    microseconds,
    nanoseconds,
};
enum class IntervalMode : std::uint8_t { numeric, string };
enum class UnsignedMode : std::uint8_t { long_, precise };  // BIGINT UNSIGNED
enum class BinaryMode : std::uint8_t { bytes, base64, base64_url_safe, hex };

struct DebeziumOptions {
    std::string pipeline = {};      // of the packed `tributary` header
    std::string topic_prefix = {};  // also source.name
    bool schemas = false;           // {"schema":..,"payload":..} for keys and values
    bool tombstones = true;         // after each delete of a row that has a key
    bool transaction_metadata = false;
    bool context_headers = false;        // __debezium.context.*
    std::string transaction_topic = {};  // empty: <prefix>.transaction
    DecimalMode decimals = DecimalMode::precise;
    TimePrecision times = TimePrecision::adaptive;
    IntervalMode intervals = IntervalMode::numeric;
    BinaryMode binary = BinaryMode::bytes;
    UnsignedMode unsigned_bigints = UnsignedMode::long_;
    std::string unavailable_placeholder = "__debezium_unavailable_value";
    std::vector<Operation> skipped_operations = {Operation::truncate};
    std::string version = "3.6.1.Final";  // source.version
};

// Which record of its entry, for the packed header; the same whatever the options are.
inline constexpr std::uint16_t kMainRecord = 0;
inline constexpr std::uint16_t kTombstoneRecord = 1;
inline constexpr std::uint16_t kCreateAfterKeyChange = 2;
inline constexpr std::uint16_t kBeginRecord = 3;

// Topic of a table's events: <prefix>.<schema>.<table>, or <prefix>.<database>.<table> when the
// source has no schemas, with what Kafka does not allow replaced by '_'.
[[nodiscard]] std::string debezium_topic(const DebeziumOptions& options, const TableSchema& schema);

// `connector_name` ("postgresql") and `source_fields` as the Decoder tells them; both are copied.
// encode() fails with
//   kValueUndecodable  a value that the chosen modes cannot carry: NaN or an infinity in a precise
//                      NOT NULL numeric, a time outside 64 bits, a key column that the source did
//                      not send, an unchanged value of a type without placeholder
//   kSchemaMismatch    the row has another number of columns than its schema
// and then adds no record. Schema ids must be those of one stream.
[[nodiscard]] std::unique_ptr<Encoder> make_debezium_encoder(
    DebeziumOptions options,
    std::string connector_name,
    std::span<const SourceField> source_fields);

}  // namespace tributary::encode
