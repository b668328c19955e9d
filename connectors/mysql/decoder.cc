// Decoder of log entries: decoder.h has the rules. Hot path (DESIGN 9): one plan per schema, values
// of a change in the arena; nothing else is allocated, partial JSON updates apart.
#include "connectors/mysql/decoder.h"

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/statements/schema_change.h"
#include "connectors/mysql/values/row_values.h"
#include "format/snapshot_marker.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

// debezium-compat 2.1: what both add to the source block, in this order.
constexpr std::array kSourceFields{
    SourceField{"table", TypeKind::text, true},
    SourceField{"server_id", TypeKind::int64, false},
    SourceField{"gtid", TypeKind::text, true},
    SourceField{"file", TypeKind::text, false},
    SourceField{"pos", TypeKind::int64, false},
    SourceField{"row", TypeKind::int32, false},
    SourceField{"thread", TypeKind::int64, true},
    SourceField{"query", TypeKind::text, true},
};
enum SourceIndex : std::size_t { kTable, kServerId, kGtid, kFile, kPos, kRow, kThread, kQuery };

constexpr std::int64_t kSecondUs = 1'000'000;

struct Plan {
    RowReader reader;
    std::vector<std::uint32_t> key;          // columns of the key
    std::size_t row_end = 0;                 // row_end_column()
    std::vector<std::uint32_t> null_unsent;  // columns that are NULL where an insert left them out
};

Value text_value(std::string_view text) {
    Value value;
    value.state = ValueState::value;
    value.text = text;
    return value;
}

Value number_value(std::int64_t number) {
    Value value;
    value.state = ValueState::value;
    value.integer = number;
    return value;
}

bool is_statement(const EventHead& head) {
    return head.operation == 'T' || head.operation == 'S';
}

class MysqlDecoder final : public Decoder {
  public:
    explicit MysqlDecoder(ServerKind kind) : kind_(kind) {}

    std::string_view connector_name() const override {
        return kind_ == ServerKind::mariadb ? "mariadb" : "mysql";
    }
    std::span<const SourceField> source_fields() const override { return kSourceFields; }
    void add_schema(SchemaId id, std::shared_ptr<const TableSchema> schema) override;
    bool has_schema(SchemaId id) const override { return plans_.contains(id.value()); }
    // Every entry carries what it needs; only the context's parse is remembered.
    void begin_at(Sequence /*sequence*/) override { context_bytes_.clear(); }
    Result<bool> decode(const Entry& entry, Arena& arena, Change& change) override;

  private:
    Result<void> use_context(std::string_view bytes);
    // false: a row of history, of a system-versioned table.
    Result<bool> decode_change(const Entry& entry, Arena& arena, Change& change);
    void fill_source(const EventHead& head,
                     const TableSchema& schema,
                     Arena& arena,
                     Change& change) const;
    Result<bool> decode_rows(const Plan& plan,
                             const EventHead& head,
                             Arena& arena,
                             Change& change) const;
    Result<void> decode_end(const Entry& entry, Arena& arena, Change& change) const;

    ServerKind kind_;
    Converters converters_;
    std::unordered_map<std::uint32_t, std::unique_ptr<const Plan>> plans_;
    std::uint32_t last_schema_ = 0;
    const Plan* last_plan_ = nullptr;
    std::string context_bytes_;  // owner of context_'s views
    Context context_;
    std::string transaction_id_;
    std::string position_;  // of the transaction, for the packed header
};

void MysqlDecoder::add_schema(SchemaId id, std::shared_ptr<const TableSchema> schema) {
    auto plan = std::make_unique<Plan>(
        Plan{RowReader(schema, converters_), {}, row_end_column(*schema), {}});
    for (std::uint32_t index = 0; index < schema->columns.size(); ++index) {
        const Column& column = schema->columns[index];
        if (column.key_index != 0) {
            plan->key.push_back(index);
        }
        if (column.nullable && !column.default_expression &&
            unpack(column.source_type_id).catalogue_known) {
            plan->null_unsent.push_back(index);
        }
    }
    plans_[id.value()] = std::move(plan);
    last_plan_ = nullptr;
}

Result<bool> MysqlDecoder::decode(const Entry& entry, Arena& arena, Change& change) {
    switch (entry.kind) {
        case EntryKind::position:
        case EntryKind::gap:
            return false;
        case EntryKind::message:
            return Error(errors::kEntryCorrupt, "mysql entry: a message, which MySQL has not");
        case EntryKind::change:
        case EntryKind::transaction_end:
            break;
    }
    if (context_bytes_.empty() || entry.context != context_bytes_) {
        TRIBUTARY_TRY_VOID(use_context(entry.context));
    }
    change = Change{};
    change.sequence = entry.sequence;
    change.ordinal = entry.ordinal;
    change.intake_time_us = entry.intake_time_us;
    change.source_time_us = context_.commit_time_us;
    change.schema_id = entry.schema;
    // The next context may replace these while the batch is still being produced.
    change.source_position = arena.copy(position_);
    change.transaction_id = arena.copy(transaction_id_);
    if (entry.kind == EntryKind::change) {
        return decode_change(entry, arena, change);
    }
    TRIBUTARY_TRY_VOID(decode_end(entry, arena, change));
    return change.event_count != 0;  // of a TRUNCATE alone: only the log needs it
}

Result<void> MysqlDecoder::use_context(std::string_view bytes) {
    context_bytes_.assign(bytes);
    const auto parsed = parse_context(context_bytes_);
    if (parsed.has_error()) {
        context_bytes_.clear();
        return parsed.error();
    }
    context_ = parsed.value();
    position_.clear();
    if (context_.kind == ContextKind::snapshot) {
        // No transaction begins in the byte before a place.
        transaction_id_.clear();
        append_event_position(position_, {{}, {std::string(context_.file), context_.offset - 1}});
        return success();
    }
    transaction_id_ = context_.gtid.empty() ? "file=" + std::string(context_.file) +
                                                  ",pos=" + std::to_string(context_.offset)
                                            : std::string(context_.gtid);
    append_event_position(
        position_, {std::string(context_.gtid), {std::string(context_.file), context_.offset}});
    return success();
}

void MysqlDecoder::fill_source(const EventHead& head,
                               const TableSchema& schema,
                               Arena& arena,
                               Change& change) const {
    const auto source = arena.make<Value>(kSourceFields.size());
    if (!schema.table.empty()) {
        source[kTable] = text_value(schema.table);
    }
    source[kServerId] = number_value(context_.server_id);
    if (!context_.gtid.empty()) {
        source[kGtid] = text_value(arena.copy(context_.gtid));
    }
    const std::string_view file = context_.rows_file.empty() ? context_.file : context_.rows_file;
    source[kFile] = text_value(arena.copy(file));
    source[kPos] = number_value(static_cast<std::int64_t>(head.offset));
    source[kRow] = number_value(head.row);
    if (context_.thread_id != 0 && !is_statement(head)) {
        source[kThread] = number_value(context_.thread_id);
    }
    change.source_values = source;
    change.database = schema.database;
    if (head.operation == 'R') {
        change.snapshot_marker =
            head.order > 0xFF ? std::string_view()
                              : format::to_string(static_cast<format::SnapshotMarker>(head.order));
        return;
    }
    change.transaction_order = head.order;
    change.transaction_table_order = head.table_order;
    change.first_of_transaction = head.order == 1;
    // MariaDB's transactions have no commit time of their own: each event has its second.
    if (context_.server == ServerKind::mariadb && head.time_s != 0) {
        change.source_time_us = std::int64_t{head.time_s} * kSecondUs;
    }
}

Result<bool> MysqlDecoder::decode_change(const Entry& entry, Arena& arena, Change& change) {
    if (last_plan_ == nullptr || last_schema_ != entry.schema.value()) {
        const auto found = plans_.find(entry.schema.value());
        if (found == plans_.end()) {
            return Error(
                errors::kEntryCorrupt,
                "mysql entry: schema " + std::to_string(entry.schema.value()) + " is not known");
        }
        last_schema_ = entry.schema.value();
        last_plan_ = found->second.get();
    }
    const TableSchema& schema = last_plan_->reader.schema();
    change.schema = &schema;
    TRIBUTARY_TRY(head, parse_event_head(entry.payload));
    fill_source(head, schema, arena, change);
    if (is_statement(head)) {  // of no transaction, its time in milliseconds
        change.operation = Operation::truncate;
        change.transaction_id = {};
        change.source_time_us -= change.source_time_us % 1000;
        if (head.operation == 'S') {
            TRIBUTARY_TRY(statement, parse_schema_change(head.rest));
            change.operation = Operation::schema_change;
            change.structure = describe(statement, kind_, arena);
        }
        return true;
    }
    return decode_rows(*last_plan_, head, arena, change);
}

bool is_sent(const Value& value) {
    return value.state != ValueState::unchanged;
}

// What one image left out (binlog_row_image MINIMAL and NOBLOB) and the other has did not change.
void complete(const Plan& plan, Value* before, Value* after) {
    const std::size_t count = plan.reader.schema().columns.size();
    for (std::size_t index = 0; index < count; ++index) {
        if (!is_sent(after[index]) && is_sent(before[index])) {
            after[index] = before[index];
        }
    }
    for (const std::uint32_t index : plan.key) {
        if (!is_sent(before[index])) {
            before[index] = after[index];
        }
    }
}

Result<bool> MysqlDecoder::decode_rows(const Plan& plan,
                                       const EventHead& head,
                                       Arena& arena,
                                       Change& change) const {
    const RowReader& reader = plan.reader;
    const std::size_t count = reader.schema().columns.size();
    TRIBUTARY_TRY(split, split_images(head, count));
    const std::string_view images = split.images;
    std::string_view rest = images;
    Value* before = nullptr;
    if (head.operation == 'D' &&
        !is_current_row(reader.layout(), split.present_before, rest, plan.row_end)) {
        return false;  // DELETE HISTORY
    }
    const bool first = head.operation == 'I' || head.operation == 'R';
    if (!first) {
        TRIBUTARY_TRY(values,
                      reader.read(split.present_before, rest, ValueState::unchanged, arena));
        before = values;
        change.before = {before, count};
        change.operation = Operation::remove;
    }
    if (head.operation != 'D') {
        const bool current =
            head.operation == 'P' ||
            is_current_row(reader.layout(), split.present_after, rest, plan.row_end);
        if (!current) {
            // A row that was superseded is written again, as history; a delete only ends the row.
            return before != nullptr;
        }
        const std::string_view old_image = images.substr(0, images.size() - rest.size());
        Result<Value*> values =
            head.operation == 'P'
                ? reader.read_partial(split.present_before,
                                      old_image,
                                      split.present_after,
                                      rest,
                                      ValueState::unchanged,
                                      arena)
                : reader.read(split.present_after, rest, ValueState::unchanged, arena);
        TRIBUTARY_TRY(after, std::move(values));
        change.after = {after, count};
        change.operation = head.operation == 'R' ? Operation::read
                           : before == nullptr   ? Operation::create
                                                 : Operation::update;
        if (before != nullptr) {
            complete(plan, before, after);
        } else {
            for (const std::uint32_t index : plan.null_unsent) {
                if (!is_sent(after[index])) {
                    after[index].state = ValueState::null;
                }
            }
        }
    }
    if (!rest.empty()) {
        return Error(errors::kEntryCorrupt, "mysql entry: bytes behind its row images");
    }
    return true;
}

Result<void> MysqlDecoder::decode_end(const Entry& entry, Arena& arena, Change& change) const {
    change.operation = Operation::transaction_end;
    TRIBUTARY_TRY(end, parse_transaction_end(entry.payload));
    change.event_count = end.event_count;
    change.table_counts = format::counts_in(arena, end.tables);
    return success();
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(ServerKind kind) {
    return std::make_unique<MysqlDecoder>(kind);
}

}  // namespace tributary::mysql
