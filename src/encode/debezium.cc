// See debezium.h. Records are written front to back into the batch's arena; the only state kept is
// the compiled plans, bounded by kPlansMax.
#include "encode/debezium.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <memory>
#include <unordered_map>
#include <utility>

#include "encode/fixed_starts.h"
#include "encode/json_writer.h"
#include "encode/plan.h"
#include "encode/schema_change.h"
#include "encode/time_text.h"
#include "encode/topic_name.h"
#include "encode/value_text.h"
#include "format/record_header.h"
#include "model/errors.h"

namespace tributary::encode {
namespace {

// More tables and versions than this in use at once are compiled again and again.
constexpr std::size_t kPlansMax = 4096;
constexpr std::string_view kNewKeyHeader = "__debezium.newkey";
constexpr std::string_view kOldKeyHeader = "__debezium.oldkey";

bool same_value(const Value& left, const Value& right) {
    if (left.state != right.state || left.integer != right.integer || left.months != right.months ||
        left.days != right.days || left.text != right.text ||
        std::bit_cast<std::uint64_t>(left.real) != std::bit_cast<std::uint64_t>(right.real)) {
        return false;
    }
    return std::equal(left.elements.begin(),
                      left.elements.end(),
                      right.elements.begin(),
                      right.elements.end(),
                      same_value);
}

bool is_sent(const Value& value) {
    return value.state != ValueState::absent && value.state != ValueState::unchanged;
}

// A starting size for the values of a row; the writer grows where escapes need more.
std::size_t estimate(Row row) {
    std::size_t bytes = 0;
    for (const Value& value : row) {
        bytes += value.text.size() + value.text.size() / 2 + value.elements.size() * 24;
    }
    return bytes;
}

std::string_view letter_of(Operation operation) {
    switch (operation) {
        case Operation::create:
            return "c";
        case Operation::update:
            return "u";
        case Operation::remove:
            return "d";
        case Operation::truncate:
            return "t";
        case Operation::message:
            return "m";
        case Operation::read:
            return "r";
        case Operation::transaction_end:
        case Operation::schema_change:
            break;
    }
    return "";
}

// A time as the texts of its milli-, micro- and nanoseconds, formatted once: they differ only in
// how many digits they have, except in the first millisecond of 1970 and before.
class ClockText {
  public:
    explicit ClockText(std::int64_t us)
        : us_bytes_(static_cast<std::size_t>(
              std::to_chars(us_.data(), us_.data() + us_.size(), us).ptr - us_.data())),
          zero_(us == 0) {
        if (us >= 1000) {
            ms_ = this->us().substr(0, us_bytes_ - 3);
            return;
        }
        const char* const end =
            std::to_chars(
                early_ms_.data(), early_ms_.data() + early_ms_.size(), floor_div(us, 1000))
                .ptr;
        ms_ = {early_ms_.data(), static_cast<std::size_t>(end - early_ms_.data())};
    }
    ClockText(const ClockText&) = delete;
    ClockText& operator=(const ClockText&) = delete;

    [[nodiscard]] std::string_view ms() const { return ms_; }
    [[nodiscard]] std::string_view us() const { return {us_.data(), us_bytes_}; }
    // What makes nanoseconds of us().
    [[nodiscard]] std::string_view ns_end() const { return zero_ ? "" : "000"; }

  private:
    std::array<char, 20> us_;
    std::array<char, 20> early_ms_;
    std::size_t us_bytes_;
    bool zero_;
    std::string_view ms_;
};

class DebeziumEncoder final : public Encoder {
  public:
    DebeziumEncoder(DebeziumOptions options,
                    std::string_view connector_name,
                    std::span<const SourceField> source_fields)
        : options_(std::move(options)),
          source_(compile_source(options_, connector_name, source_fields)),
          starts_(compile_fixed_starts(options_, connector_name, source_)),
          message_topic_(sanitize_topic(options_.topic_prefix + ".message")),
          schema_change_topic_(sanitize_topic(options_.topic_prefix)),
          transaction_topic_(options_.transaction_topic.empty()
                                 ? sanitize_topic(options_.topic_prefix + ".transaction")
                                 : options_.transaction_topic),
          connector_name_(connector_name),
          binlog_(connector_name != "postgresql") {
        for (const Operation operation : options_.skipped_operations) {
            skipped_ |= 1U << static_cast<unsigned>(operation);
        }
        if (options_.context_headers) {
            context_ = {{"__debezium.context.connectorLogicalName", options_.topic_prefix},
                        {"__debezium.context.taskId", "0"},
                        {"__debezium.context.connectorName", connector_name_}};
        }
    }

    Result<void> encode(const Change& change, Arena& arena, std::vector<Record>& out) override {
        const std::size_t before = out.size();
        Result<void> done = encode_all(change, arena, out);
        if (!done) {
            out.resize(before);
        }
        return done;
    }

  private:
    // One record's destination and what it shares with the others of its entry.
    struct Target {
        const Change& change;
        Arena& arena;
        std::vector<Record>& out;
    };
    // The row images of one record; `fallback` holds what `row` left out as unchanged.
    struct Image {
        Row row;
        Row fallback;
        bool old = false;
    };

    Result<void> encode_all(const Change& change, Arena& arena, std::vector<Record>& out) {
        const Target target{change, arena, out};
        if (options_.transaction_metadata && change.first_of_transaction) {
            transaction_record(target, true);
        }
        if (change.operation == Operation::transaction_end) {
            if (options_.transaction_metadata) {
                transaction_record(target, false);
            }
            return success();
        }
        if (((skipped_ >> static_cast<unsigned>(change.operation)) & 1U) != 0) {
            return success();
        }
        if (change.operation == Operation::message) {
            message_record(target);
            return success();
        }
        if (change.operation == Operation::schema_change) {
            schema_change_record(target);
            return success();
        }
        return row_records(target);
    }

    Result<void> row_records(const Target& target) {
        const Change& change = target.change;
        TRIBUTARY_TRY(plan, plan_of(change));
        for (const Row row : {change.before, change.after}) {
            if (!row.empty() && row.size() != plan->row_columns) {
                return Error(errors::kSchemaMismatch,
                             "table " + plan->table + ": a row of " + std::to_string(row.size()) +
                                 " columns under a schema of " + std::to_string(plan->row_columns));
            }
        }
        switch (change.operation) {
            case Operation::create:
            case Operation::read:
                return row_record(target, *plan, change.operation, kMainRecord, {}, {});
            case Operation::update:
                if (key_changed(*plan, change)) {
                    return key_change(target, *plan);
                }
                return row_record(target, *plan, Operation::update, kMainRecord, {}, {});
            case Operation::remove:
                return deletion(target, *plan, {});
            case Operation::truncate:
                return row_record(target, *plan, Operation::truncate, kMainRecord, {}, {});
            case Operation::message:
            case Operation::transaction_end:
            case Operation::schema_change:
                break;
        }
        return success();
    }

    // Delete of the old row, tombstone, create of the new one, tied by headers. An update where the
    // key is written alike: 1.0 and 1.00 are one double, and a tombstone would delete the new row.
    Result<void> key_change(const Target& target, const Plan& plan) {
        const Change& change = target.change;
        TRIBUTARY_TRY(old_key, key_object(target.arena, plan, {change.before, {}}));
        TRIBUTARY_TRY(new_key, key_object(target.arena, plan, {change.after, change.before}));
        if (old_key == new_key) {
            return row_record(target, plan, Operation::update, kMainRecord, {}, {});
        }
        TRIBUTARY_TRY_VOID(deletion(target, plan, new_key));
        return row_record(
            target, plan, Operation::create, kCreateAfterKeyChange, kOldKeyHeader, old_key);
    }

    Result<void> deletion(const Target& target, const Plan& plan, std::string_view new_key) {
        const std::string_view header = new_key.empty() ? std::string_view() : kNewKeyHeader;
        TRIBUTARY_TRY_VOID(
            row_record(target, plan, Operation::remove, kMainRecord, header, new_key));
        if (options_.tombstones && !plan.keys.empty()) {
            Record tombstone = target.out.back();
            tombstone.value.reset();
            tombstone.sub_index = kTombstoneRecord;
            tombstone.identity = identity(target, kTombstoneRecord);
            target.out.push_back(tombstone);
        }
        return success();
    }

    Result<void> row_record(const Target& target,
                            const Plan& plan,
                            Operation operation,
                            std::uint16_t sub_index,
                            std::string_view header,
                            std::string_view header_value) {
        const Change& change = target.change;
        const bool key_change_create = sub_index == kCreateAfterKeyChange;
        const bool gone = operation == Operation::remove;
        const Image before{key_change_create ? Row{} : change.before, {}, true};
        const Image after{gone ? Row{} : change.after, change.before};
        Record record;
        if (!plan.keys.empty() && operation != Operation::truncate) {
            TRIBUTARY_TRY(key, key_bytes(target.arena, plan, gone ? before : after));
            record.key = key;
        }
        writer_.begin(target.arena, plan.fixed_bytes + estimate(before.row) + estimate(after.row));
        writer_.raw(plan.value_start);
        TRIBUTARY_TRY_VOID(write_row(plan, before));
        writer_.raw(",\"after\":");
        TRIBUTARY_TRY_VOID(write_row(plan, after));
        writer_.raw(',');
        write_source(change);
        writer_.raw(',');
        write_transaction(change, key_change_create ? 1 : 0);
        writer_.raw(",\"op\":\"");
        writer_.raw(letter_of(operation));
        writer_.raw("\",\"ts_ms\":");
        const ClockText clock(change.intake_time_us);
        write_ms(clock);
        write_us_ns(clock);
        writer_.raw(source_.payload_end);
        record.value = writer_.finish();
        record.topic = target.arena.copy(plan.topic);
        push(target, record, sub_index, header, header_value);
        return success();
    }

    void push(const Target& target,
              Record& record,
              std::uint16_t sub_index,
              std::string_view header,
              std::string_view header_value) {
        record.headers = context_;
        if (!header.empty()) {
            const auto headers = target.arena.make<RecordHeader>(context_.size() + 1);
            std::copy(context_.begin(), context_.end(), headers.begin());
            headers.back() = {header, header_value};
            record.headers = headers;
        }
        push_bare(target, record, sub_index);
    }

    // Messages and transaction metadata have no context headers.
    void push_bare(const Target& target, Record& record, std::uint16_t sub_index) {
        record.sequence = target.change.sequence;
        record.sub_index = sub_index;
        record.identity = identity(target, sub_index);
        target.out.push_back(record);
    }

    std::string_view identity(const Target& target, std::uint16_t sub_index) {
        const Change& change = target.change;
        scratch_.clear();
        format::append_record_header(scratch_,
                                     {.source = options_.pipeline,
                                      .position = change.source_position,
                                      .ordinal = change.ordinal,
                                      .sub_index = sub_index,
                                      .sequence = change.sequence});
        return target.arena.copy(scratch_);
    }

    Result<const Plan*> plan_of(const Change& change) {
        if (last_plan_ != nullptr && last_id_ == change.schema_id) {
            return last_plan_;
        }
        if (change.schema == nullptr) {
            return Error(errors::kSchemaMismatch, "a row change without its schema");
        }
        auto found = plans_.find(change.schema_id);
        if (found == plans_.end()) {
            if (plans_.size() >= kPlansMax) {
                plans_.clear();
                last_plan_ = nullptr;
            }
            found = plans_
                        .emplace(change.schema_id,
                                 std::make_unique<const Plan>(
                                     compile_plan(options_, source_, *change.schema)))
                        .first;
        }
        last_id_ = change.schema_id;
        last_plan_ = found->second.get();
        return last_plan_;
    }

    // Only what both images have can differ: under a partial old row the key counts as unchanged.
    static bool key_changed(const Plan& plan, const Change& change) {
        if (change.before.empty() || change.after.empty()) {
            return false;
        }
        return std::any_of(plan.keys.begin(), plan.keys.end(), [&](const KeyColumnPlan& key) {
            const std::size_t index = plan.columns[key.column].index;
            const Value& old_value = change.before[index];
            const Value& new_value = change.after[index];
            return is_sent(old_value) && is_sent(new_value) && !same_value(old_value, new_value);
        });
    }

    Result<std::string_view> key_bytes(Arena& arena, const Plan& plan, const Image& image) {
        writer_.begin(arena, plan.key_start.size() + 64);
        writer_.raw(plan.key_start);
        TRIBUTARY_TRY_VOID(write_key(plan, image));
        if (options_.schemas) {
            writer_.raw('}');
        }
        return writer_.finish();
    }

    // The key without its schema, for the headers of a key change; none without a key.
    Result<std::string_view> key_object(Arena& arena, const Plan& plan, const Image& image) {
        writer_.begin(arena, 64);
        TRIBUTARY_TRY_VOID(write_key(plan, image));
        return writer_.finish();
    }

    Result<void> write_key(const Plan& plan, const Image& image) {
        for (const KeyColumnPlan& key : plan.keys) {
            const ColumnPlan& column = plan.columns[key.column];
            if (image.row.empty()) {
                return undecodable(plan, column, "the source sent no row to take the key from");
            }
            const Value* value = &image.row[column.index];
            if (!is_sent(*value) && !image.fallback.empty()) {
                value = &image.fallback[column.index];
            }
            if (!is_sent(*value)) {
                return undecodable(plan,
                                   column,
                                   "this key column is not in the row that the source sent; " +
                                       std::string(binlog_ ? "binlog_row_image=FULL sends it"
                                                           : "REPLICA IDENTITY DEFAULT or FULL "
                                                             "sends it"));
            }
            writer_.raw(key.prefix);
            if (value->state == ValueState::null) {
                writer_.raw("null");
                continue;
            }
            const Problem problem = write_value(writer_, column.format, *value);
            if (problem != Problem::none) {
                return undecodable(plan, column, to_string(problem));
            }
        }
        writer_.raw('}');
        return success();
    }

    Result<void> write_row(const Plan& plan, const Image& image) {
        if (image.row.empty()) {
            writer_.raw("null");
            return success();
        }
        for (const ColumnPlan& column : plan.columns) {
            writer_.raw(column.prefix);
            const Value* value = &image.row[column.index];
            if (value->state == ValueState::unchanged && !image.fallback.empty() &&
                is_sent(image.fallback[column.index])) {
                value = &image.fallback[column.index];
            }
            TRIBUTARY_TRY_VOID(write_column(plan, column, *value, image.old));
        }
        writer_.raw(plan.columns.empty() ? "{}" : "}");
        return success();
    }

    // `old`: of an old row, which may do without a value; a new one may not.
    Result<void> write_column(const Plan& plan,
                              const ColumnPlan& column,
                              const Value& value,
                              bool old) {
        if (value.state == ValueState::null) {
            writer_.raw("null");
            return success();
        }
        if (value.state == ValueState::absent) {
            writer_.raw(column.fill);
            return success();
        }
        if (value.state == ValueState::unchanged) {
            if (column.format.unavailable.empty() && old) {
                writer_.raw(column.fill);
                return success();
            }
            if (column.format.unavailable.empty()) {
                return undecodable(plan,
                                   column,
                                   "an unchanged value that the source did not send, of a type "
                                   "without a placeholder; " +
                                       std::string(binlog_ ? "binlog_row_image=FULL sends it"
                                                           : "REPLICA IDENTITY FULL sends it"));
            }
            writer_.raw(column.format.unavailable);
            return success();
        }
        const std::size_t start = writer_.size();
        const Problem problem = write_value(writer_, column.format, value);
        if (problem == Problem::not_a_number && column.nullable) {
            writer_.rewind(start);
            writer_.raw("null");
            return success();
        }
        if (problem != Problem::none) {
            return undecodable(plan, column, to_string(problem));
        }
        return success();
    }

    static Error undecodable(const Plan& plan, const ColumnPlan& column, std::string_view why) {
        return Error(errors::kValueUndecodable,
                     "table " + plan.table + ", column " + column.name + ": " + std::string(why));
    }

    // What the rows of one transaction have in common, kept from one to the next.
    void render_source(const Change& change) {
        source_time_us_ = change.source_time_us;
        source_database_ = change.database;
        source_marker_ = change.snapshot_marker;
        const ClockText clock(change.source_time_us);
        source_head_.assign(source_.source_start)
            .append(clock.ms())
            .append(",\"snapshot\":\"")
            .append(source_marker_.empty() ? "false" : source_marker_)
            .append("\",\"db\":")
            .append(json_text(change.database))
            .append(",\"sequence\":");
        source_clock_.assign(",\"ts_us\":")
            .append(clock.us())
            .append(",\"ts_ns\":")
            .append(clock.us())
            .append(clock.ns_end());
    }

    void write_source(const Change& change) {
        if (change.source_time_us != source_time_us_ || change.database != source_database_ ||
            change.snapshot_marker != source_marker_ || source_head_.empty()) {
            render_source(change);
        }
        writer_.raw(source_head_);
        if (change.source_sequence.empty()) {
            writer_.raw("null");
        } else {
            writer_.text(change.source_sequence);
        }
        writer_.raw(source_clock_);
        for (std::size_t index = 0; index < source_.fields.size(); ++index) {
            writer_.raw(source_.fields[index]);
            if (index >= change.source_values.size() ||
                change.source_values[index].state != ValueState::value) {
                writer_.raw("null");
            } else if (source_.numeric[index]) {
                writer_.integer(change.source_values[index].integer);
            } else {
                writer_.text(change.source_values[index].text);
            }
        }
        writer_.raw('}');
    }

    // `further`: how many events of the same change come before this one.
    void write_transaction(const Change& change, std::uint64_t further) {
        if (!options_.transaction_metadata || change.transaction_id.empty()) {
            writer_.raw("\"transaction\":null");
            return;
        }
        writer_.raw("\"transaction\":{\"id\":");
        writer_.text(change.transaction_id);
        writer_.raw(",\"total_order\":");
        writer_.integer(change.transaction_order + further);
        writer_.raw(",\"data_collection_order\":");
        writer_.integer(change.transaction_table_order + further);
        writer_.raw('}');
    }

    // The value of ts_ms, then (after what the caller writes between) ts_us and ts_ns.
    void write_ms(const ClockText& clock) { writer_.raw(clock.ms()); }
    void write_us_ns(const ClockText& clock) {
        writer_.raw(",\"ts_us\":");
        writer_.raw(clock.us());
        writer_.raw(",\"ts_ns\":");
        writer_.raw(clock.us());
        writer_.raw(clock.ns_end());
    }

    // {"<name>":<text>}, with its schema where schemas are on.
    std::string_view small_key(Arena& arena,
                               std::string_view start,
                               std::string_view prefix,
                               std::string_view text) {
        writer_.begin(arena, start.size() + text.size() + 64);
        writer_.raw(start);
        writer_.raw(prefix);
        writer_.text(text);
        writer_.raw(source_.payload_end);
        return writer_.finish();
    }

    void message_record(const Target& target) {
        const Change& change = target.change;
        Record record;
        record.topic = message_topic_;
        record.key =
            small_key(target.arena, starts_.message_key, "{\"prefix\":", change.message_prefix);
        writer_.begin(target.arena,
                      starts_.message_value.size() + 640 + change.message_content.size() * 2);
        writer_.raw(starts_.message_value);
        writer_.raw("{\"op\":\"m\",\"ts_ms\":");
        writer_.integer(floor_div(change.intake_time_us, 1000));
        writer_.raw(',');
        write_source(change);
        writer_.raw(',');
        write_transaction(change, 0);
        writer_.raw(",\"message\":{\"prefix\":");
        writer_.text(change.message_prefix);
        writer_.raw(",\"content\":");
        write_binary(change.message_content);
        writer_.raw('}');
        writer_.raw(source_.payload_end);
        record.value = writer_.finish();
        push_bare(target, record, kMainRecord);
    }

    void schema_change_record(const Target& target) {
        const Change& change = target.change;
        Record record;
        record.topic = schema_change_topic_;
        record.key = small_key(
            target.arena, starts_.schema_change_key, "{\"databaseName\":", change.database);
        writer_.begin(target.arena,
                      starts_.schema_change_value.size() + 1024 +
                          change.structure->statement.size() +
                          change.structure->columns.size() * 320);
        writer_.raw(starts_.schema_change_value);
        writer_.raw('{');
        write_source(change);
        writer_.raw(",\"ts_ms\":");
        writer_.integer(floor_div(change.intake_time_us, 1000));
        writer_.raw(",\"databaseName\":");
        writer_.text(change.database);
        writer_.raw(",\"schemaName\":null,\"ddl\":");
        if (change.structure->statement.empty()) {
            writer_.raw("null");
        } else {
            writer_.text(change.structure->statement);
        }
        writer_.raw(",\"tableChanges\":");
        write_table_changes(writer_, change);
        writer_.raw(source_.payload_end);
        record.value = writer_.finish();
        push(target, record, kMainRecord, {}, {});
    }

    void write_binary(std::string_view bytes) {
        if (options_.binary == BinaryMode::hex) {
            writer_.hexadecimal(bytes);
        } else {
            writer_.base64(bytes, options_.binary == BinaryMode::base64_url_safe);
        }
    }

    void transaction_record(const Target& target, bool begin) {
        const Change& change = target.change;
        Record record;
        record.topic = transaction_topic_;
        record.key =
            small_key(target.arena, starts_.transaction_key, "{\"id\":", change.transaction_id);
        writer_.begin(target.arena,
                      starts_.transaction_value.size() + 256 + change.table_counts.size() * 80);
        writer_.raw(starts_.transaction_value);
        writer_.raw(begin ? "{\"status\":\"BEGIN\",\"id\":" : "{\"status\":\"END\",\"id\":");
        writer_.text(change.transaction_id);
        writer_.raw(",\"event_count\":");
        if (begin) {
            writer_.raw("null,\"data_collections\":null");
        } else {
            writer_.integer(change.event_count);
            write_counts(change.table_counts);
        }
        writer_.raw(",\"ts_ms\":");
        writer_.integer(floor_div(change.source_time_us, 1000));
        writer_.raw(source_.payload_end);
        record.value = writer_.finish();
        push_bare(target, record, begin ? kBeginRecord : kMainRecord);
    }

    void write_counts(std::span<const TableCount> counts) {
        writer_.raw(",\"data_collections\":[");
        bool first = true;
        for (const TableCount& count : counts) {
            writer_.raw(first ? "{\"data_collection\":" : ",{\"data_collection\":");
            first = false;
            writer_.text(count.table);
            writer_.raw(",\"event_count\":");
            writer_.integer(count.count);
            writer_.raw('}');
        }
        writer_.raw(']');
    }

    DebeziumOptions options_;
    SourcePlan source_;
    FixedStarts starts_;
    std::string message_topic_;
    std::string schema_change_topic_;
    std::string transaction_topic_;
    std::string connector_name_;
    bool binlog_;  // for advice in errors
    std::vector<RecordHeader> context_;
    unsigned skipped_ = 0;

    std::unordered_map<SchemaId, std::unique_ptr<const Plan>> plans_;
    SchemaId last_id_;
    const Plan* last_plan_ = nullptr;
    std::int64_t source_time_us_ = 0;  // of what follows, render_source()
    std::string source_database_;
    std::string source_marker_;
    std::string source_head_;   // "source":{.. up to and with "sequence":
    std::string source_clock_;  // ,"ts_us":..,"ts_ns":..
    JsonWriter writer_;
    std::string scratch_;
};

}  // namespace

std::unique_ptr<Encoder> make_debezium_encoder(DebeziumOptions options,
                                               std::string connector_name,
                                               std::span<const SourceField> source_fields) {
    return std::make_unique<DebeziumEncoder>(std::move(options), connector_name, source_fields);
}

}  // namespace tributary::encode
