// Decoder of log entries: decoder.h has the rules.
// Hot path (DESIGN 9): one plan per schema, all values of a change in one piece of arena, numbers
// printed in place; nothing else is allocated.
#include "connectors/postgresql/decoder.h"

#include <array>
#include <charconv>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connectors/postgresql/entry_payload.h"
#include "connectors/postgresql/stream/pgoutput.h"
#include "connectors/postgresql/values/text_values.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

// debezium-compat 2.1: what PostgreSQL adds to the source block, in this order.
constexpr std::array kSourceFields{
    SourceField{"schema", TypeKind::text, false},
    SourceField{"table", TypeKind::text, false},
    SourceField{"txId", TypeKind::int64, true},
    SourceField{"lsn", TypeKind::int64, true},
    SourceField{"xmin", TypeKind::int64, true},
    SourceField{"origin", TypeKind::text, true},
    SourceField{"origin_lsn", TypeKind::int64, true},
};
enum SourceIndex : std::size_t { kSchema, kTable, kTxId, kLsn, kXmin, kOrigin, kOriginLsn };
using SourceValues = std::array<Value, kSourceFields.size()>;

struct Plan {
    std::shared_ptr<const TableSchema> schema;
    std::vector<std::uint32_t> key;  // columns of the key
    SourceValues source;             // schema and table filled in
};

Value text_value(std::string_view text) {
    Value value;
    value.state = ValueState::value;
    value.text = text;
    return value;
}

Value lsn_value(Lsn lsn) {
    Value value;
    value.state = ValueState::value;
    value.integer = static_cast<std::int64_t>(lsn.value());
    return value;
}

Error undecodable(const TableSchema& schema, const Column& column, std::string_view why) {
    return {errors::kValueUndecodable,
            schema.schema + "." + schema.table + "." + column.name + " of type " +
                column.source_type + ": " + std::string(why)};
}

class PostgresqlDecoder final : public Decoder {
  public:
    explicit PostgresqlDecoder(std::string database) : database_(std::move(database)) {}

    std::string_view connector_name() const override { return "postgresql"; }
    std::span<const SourceField> source_fields() const override { return kSourceFields; }
    void add_schema(SchemaId id, std::shared_ptr<const TableSchema> schema) override;
    bool has_schema(SchemaId id) const override { return plans_.contains(id.value()); }
    // Every entry carries what it needs, its index in the transaction too; only the context's parse
    // is remembered.
    void begin_at(Sequence /*sequence*/) override { context_bytes_.clear(); }
    Result<bool> decode(const Entry& entry, Arena& arena, Change& change) override;

  private:
    Result<void> use_context(std::string_view bytes);
    void fill_common(const Entry& entry, Arena& arena, Change& change) const;
    void fill_source(const EventHead& head,
                     const SourceValues& values,
                     Arena& arena,
                     Change& change) const;
    std::string_view sequence_text(Lsn lsn, Arena& arena) const;
    Result<void> decode_change(const Entry& entry, Arena& arena, Change& change);
    Result<void> decode_row(const Plan& plan,
                            const EventHead& head,
                            Arena& arena,
                            Change& change) const;
    Result<void> decode_message(const Entry& entry, Arena& arena, Change& change) const;
    Result<void> decode_end(const Entry& entry, Arena& arena, Change& change) const;

    std::string database_;
    std::unordered_map<std::uint32_t, std::unique_ptr<const Plan>> plans_;
    std::uint32_t last_schema_ = 0;
    const Plan* last_plan_ = nullptr;
    std::string context_bytes_;  // owner of context_'s views
    Context context_;
    std::string transaction_id_;
    std::string sequence_prefix_;  // ["<end LSN of the transaction before>","
};

void PostgresqlDecoder::add_schema(SchemaId id, std::shared_ptr<const TableSchema> schema) {
    auto plan = std::make_unique<Plan>();
    plan->source[kSchema] = text_value(schema->schema);
    plan->source[kTable] = text_value(schema->table);
    for (std::uint32_t column = 0; column < schema->columns.size(); ++column) {
        if (schema->columns[column].key_index != 0) {
            plan->key.push_back(column);
        }
    }
    plan->schema = std::move(schema);
    plans_[id.value()] = std::move(plan);
    last_plan_ = nullptr;
}

Result<bool> PostgresqlDecoder::decode(const Entry& entry, Arena& arena, Change& change) {
    switch (entry.kind) {
        case EntryKind::position:
        case EntryKind::gap:
            return false;
        case EntryKind::change:
        case EntryKind::message:
        case EntryKind::transaction_end:
            break;
    }
    if (context_bytes_.empty() || entry.context != context_bytes_) {
        TRIBUTARY_TRY_VOID(use_context(entry.context));
    }
    change = Change{};
    fill_common(entry, arena, change);
    if (entry.kind == EntryKind::change) {
        TRIBUTARY_TRY_VOID(decode_change(entry, arena, change));
    } else if (entry.kind == EntryKind::message) {
        TRIBUTARY_TRY_VOID(decode_message(entry, arena, change));
    } else {
        TRIBUTARY_TRY_VOID(decode_end(entry, arena, change));
    }
    return true;
}

Result<void> PostgresqlDecoder::use_context(std::string_view bytes) {
    context_bytes_.assign(bytes);
    const auto parsed = parse_context(context_bytes_);
    if (parsed.has_error()) {
        context_bytes_.clear();
        return parsed.error();
    }
    context_ = parsed.value();
    transaction_id_.clear();
    if (context_.kind == ContextKind::transaction) {
        transaction_id_ = std::to_string(context_.xid) + ":" + std::to_string(context_.lsn.value());
    }
    sequence_prefix_ = context_.last_commit_end == Lsn()
                           ? std::string("[null,\"")
                           : "[\"" + std::to_string(context_.last_commit_end.value()) + "\",\"";
    return success();
}

void PostgresqlDecoder::fill_common(const Entry& entry, Arena& arena, Change& change) const {
    const bool timed =
        context_.kind == ContextKind::transaction || context_.kind == ContextKind::snapshot;
    const bool between =
        context_.kind == ContextKind::message || context_.kind == ContextKind::snapshot;
    change.sequence = entry.sequence;
    change.ordinal = entry.ordinal;
    change.intake_time_us = entry.intake_time_us;
    // Outside transactions the server names no time.
    change.source_time_us = timed ? context_.commit_time_us : entry.intake_time_us;
    change.schema_id = entry.schema;
    change.database = database_;
    char* position = arena.allocate(sizeof(std::uint64_t));
    // Between transactions an LSN is the end of a record, where a commit record may begin
    // (intake.cc).
    store(position, context_.lsn.value() - (between ? 1U : 0U), Endian::big);
    change.source_position = {position, sizeof(std::uint64_t)};
    change.transaction_id = arena.copy(transaction_id_);
}

std::string_view PostgresqlDecoder::sequence_text(Lsn lsn, Arena& arena) const {
    constexpr std::size_t kDigitsMax = 20;
    const std::size_t size_max = sequence_prefix_.size() + kDigitsMax + 2;
    char* text = arena.allocate(size_max);
    std::memcpy(text, sequence_prefix_.data(), sequence_prefix_.size());
    char* at = std::to_chars(text + sequence_prefix_.size(), text + size_max - 2, lsn.value()).ptr;
    *at++ = '"';
    *at++ = ']';
    return {text, static_cast<std::size_t>(at - text)};
}

void PostgresqlDecoder::fill_source(const EventHead& head,
                                    const SourceValues& values,
                                    Arena& arena,
                                    Change& change) const {
    const auto source = arena.copies(std::span<const Value>(values));
    if (context_.kind == ContextKind::transaction) {
        source[kTxId].state = ValueState::value;
        source[kTxId].integer = context_.xid;
    }
    source[kLsn] = lsn_value(head.lsn);
    if (!context_.origin.empty()) {
        source[kOrigin] = text_value(arena.copy(context_.origin));
        source[kOriginLsn] = lsn_value(context_.origin_lsn);
    }
    change.source_values = source;
    change.source_sequence = sequence_text(head.lsn, arena);
    if (context_.kind == ContextKind::snapshot) {
        change.snapshot_marker = to_string(static_cast<SnapshotMarker>(head.order));
        return;
    }
    change.transaction_order = head.order;
    change.transaction_table_order = head.table_order;
    change.first_of_transaction = head.order == 1;
}

Result<void> PostgresqlDecoder::decode_change(const Entry& entry, Arena& arena, Change& change) {
    if (last_plan_ == nullptr || last_schema_ != entry.schema.value()) {
        const auto found = plans_.find(entry.schema.value());
        if (found == plans_.end()) {
            return Error(errors::kEntryCorrupt,
                         "postgresql entry: schema " + std::to_string(entry.schema.value()) +
                             " is not known");
        }
        last_schema_ = entry.schema.value();
        last_plan_ = found->second.get();
    }
    change.schema = last_plan_->schema.get();
    TRIBUTARY_TRY(head, parse_event_head(entry.payload, context_.lsn));
    fill_source(head, last_plan_->source, arena, change);
    if (head.operation == 'T') {
        change.operation = Operation::truncate;
        return success();
    }
    return decode_row(*last_plan_, head, arena, change);
}

// The cells of one tuple into `values`, one per column. `identity_only`: an old row of which only
// the identity columns were sent.
Result<void> decode_tuple(const TableSchema& schema,
                          const Tuple& tuple,
                          bool identity_only,
                          Arena& arena,
                          Value* values) {
    if (tuple.column_count != schema.columns.size()) {
        return Error(errors::kEntryCorrupt,
                     "postgresql entry: " + std::to_string(tuple.column_count) +
                         " columns, its schema has " + std::to_string(schema.columns.size()));
    }
    CellReader cells(tuple);
    Cell cell;
    for (std::size_t index = 0; cells.next(cell); ++index) {
        const Column& column = schema.columns[index];
        Value& value = values[index];
        if (identity_only && !column.identity) {
            value.state = ValueState::absent;
        } else if (cell.kind == CellKind::unchanged) {
            value.state = ValueState::unchanged;
        } else if (cell.kind == CellKind::text && column.type.kind != TypeKind::unsupported) {
            const ValueFault fault = parse_value(column.type, cell.bytes, arena, value);
            if (fault != ValueFault::none) {
                return undecodable(schema, column, to_string(fault));
            }
        } else if (cell.kind == CellKind::binary) {
            return undecodable(schema, column, "binary form");
        }
    }
    return success();
}

bool known(const Value& value) {
    return value.state != ValueState::absent && value.state != ValueState::unchanged;
}

// Fills what one side left out from the other: a TOAST value that did not change is in a full old
// row; a key column that the old row does not have did not change, as far as the server told.
void complete(const Plan& plan, Value* before, Value* after) {
    const std::size_t count = plan.schema->columns.size();
    for (std::size_t index = 0; index < count; ++index) {
        if (after[index].state == ValueState::unchanged && known(before[index])) {
            after[index] = before[index];
        }
    }
    for (const std::uint32_t index : plan.key) {
        if (!known(before[index])) {
            before[index] = after[index];
        }
    }
}

Result<void> PostgresqlDecoder::decode_row(const Plan& plan,
                                           const EventHead& head,
                                           Arena& arena,
                                           Change& change) const {
    switch (head.operation) {
        case 'I':
            change.operation = Operation::create;
            break;
        case 'U':
            change.operation = Operation::update;
            break;
        case 'D':
            change.operation = Operation::remove;
            break;
        case 'R':
            change.operation = Operation::read;
            break;
        default:
            return Error(errors::kEntryCorrupt, "postgresql entry: unknown operation");
    }
    const auto type =
        head.operation == 'R' ? MessageType::insert : static_cast<MessageType>(head.operation);
    TRIBUTARY_TRY(row, parse_image(type, head.rest));
    const TableSchema& schema = *plan.schema;
    const std::size_t count = schema.columns.size();
    Value* before = nullptr;
    if (row.old_kind != OldTuple::none) {
        before = arena.make<Value>(count).data();
        TRIBUTARY_TRY_VOID(
            decode_tuple(schema, row.old_tuple, row.old_kind == OldTuple::key, arena, before));
        change.before = {before, count};
    }
    if (row.type == MessageType::remove) {
        return success();
    }
    auto* after = arena.make<Value>(count).data();
    TRIBUTARY_TRY_VOID(decode_tuple(schema, row.new_tuple, false, arena, after));
    change.after = {after, count};
    if (before != nullptr) {
        complete(plan, before, after);
    }
    return success();
}

Result<void> PostgresqlDecoder::decode_message(const Entry& entry,
                                               Arena& arena,
                                               Change& change) const {
    change.operation = Operation::message;
    TRIBUTARY_TRY(head, parse_event_head(entry.payload, context_.lsn));
    ByteReader reader(head.rest);
    change.message_prefix = reader.sized();
    change.message_content = reader.bytes(reader.remaining());
    if (!reader.ok() || head.operation != 'M') {
        return Error(errors::kEntryCorrupt, "postgresql entry: not a message");
    }
    // Debezium sends the empty string for both: a message belongs to no table.
    SourceValues source;
    source[kSchema] = text_value("");
    source[kTable] = text_value("");
    fill_source(head, source, arena, change);
    return success();
}

Result<void> PostgresqlDecoder::decode_end(const Entry& entry, Arena& arena, Change& change) const {
    change.operation = Operation::transaction_end;
    TRIBUTARY_TRY(end, parse_transaction_end(entry.payload));
    change.event_count = end.event_count;
    change.table_counts = format::counts_in(arena, end.tables);
    return success();
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(std::string database) {
    return std::make_unique<PostgresqlDecoder>(std::move(database));
}

}  // namespace tributary::postgresql
