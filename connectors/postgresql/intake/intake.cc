// The intake state machine: intake.h has the rules.
#include "connectors/postgresql/intake/intake.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/planted.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

// A server that is busy with what is not selected keeps its log until it hears of a position: one
// is held as soon as so much has gone by, at most once a second.
constexpr std::uint64_t kPositionBytes = 16ULL << 20U;
constexpr std::int64_t kPositionPauseUs = 1'000'000;

Error violation(MessageType type, Lsn at, const std::string& what) {
    return {errors::kProtocolViolation,
            std::string("pgoutput message '") + static_cast<char>(type) + "' at " + to_string(at) +
                ": " + what};
}

bool fits(const Tuple& tuple, std::uint16_t columns) {
    return tuple.column_count == columns && !tuple.has_binary;
}

}  // namespace

Intake::Intake(IntakeOptions options, TableFilter filter, CatalogueReader& catalogue)
    : options_(std::move(options)), filter_(std::move(filter)), catalogue_(&catalogue) {}

Result<std::unique_ptr<Intake>> Intake::make(const IntakeOptions& options,
                                             const StartPoint& start,
                                             CatalogueReader& catalogue) {
    TRIBUTARY_TRY(filter, TableFilter::make(options.filter));
    std::unique_ptr<Intake> intake(new Intake(options, std::move(filter), catalogue));
    if (!start.resume.empty()) {
        const auto resume = decode_resume(start.resume);
        if (!resume) {
            return Error(errors::kSourceDiverged, "the resume position is not of postgresql");
        }
        intake->position_ = *resume;
        intake->appended_position_ = *resume;
        intake->last_commit_end_ = *resume;
    }
    if (!start.done.empty()) {
        intake->start_done_ = decode_done(start.done);
        if (!intake->start_done_) {
            return Error(errors::kSourceDiverged, "the done position is not of postgresql");
        }
        intake->done_ = *intake->start_done_;
    }
    return intake;
}

Result<void> Intake::on_xlog_data(Lsn wal_start,
                                  Lsn /*wal_end*/,
                                  std::int64_t now_us,
                                  std::string_view message,
                                  EntrySink& sink) {
    TRIBUTARY_TRY(type, message_type(message));
    switch (type) {
        case MessageType::insert:
        case MessageType::update:
        case MessageType::remove:
            return on_row(wal_start, now_us, message, sink);
        case MessageType::begin:
            return on_begin(message);
        case MessageType::commit:
            return on_commit(message, now_us, sink);
        case MessageType::origin:
            return on_origin(message);
        case MessageType::relation:
            return on_relation(message, sink);
        case MessageType::type: {
            TRIBUTARY_TRY(checked, parse_type(message));
            static_cast<void>(checked);
            return success();
        }
        case MessageType::truncate:
            return on_truncate(wal_start, now_us, message, sink);
        case MessageType::message:
            return on_message(now_us, message, sink);
    }
    return violation(type, wal_start, "unknown message type");
}

void Intake::on_keepalive(Lsn wal_end, std::int64_t now_us, EntrySink& sink) {
    if (in_transaction_) {
        return;
    }
    // The server says that everything below was sent; what it sends below later would be lost by a
    // restart from here, so it is refused.
    last_ = std::max(last_, done_below(wal_end));
    position_ = std::max(position_, wal_end);
    on_tick(now_us, sink);
}

void Intake::on_tick(std::int64_t now_us, EntrySink& sink) {
    if (now_us < position_time_us_) {
        position_time_us_ = now_us;  // the wall clock was set back
    }
    const std::int64_t elapsed_us = now_us - position_time_us_;
    const bool far = position_.value() >= appended_position_.value() + kPositionBytes;
    if (elapsed_us >= options_.position_interval_us || (far && elapsed_us >= kPositionPauseUs)) {
        flush_position(now_us, sink);
    }
}

void Intake::flush_position(std::int64_t now_us, EntrySink& sink) {
    if (!in_transaction_ && position_ > appended_position_) {
        append_position(now_us, sink);
    }
}

Result<void> Intake::on_begin(std::string_view message) {
    TRIBUTARY_TRY(begin, parse_begin(message));
    if (in_transaction_) {
        return violation(MessageType::begin, begin.final_lsn, "inside a transaction");
    }
    if (begin.final_lsn <= last_.lsn) {
        return violation(MessageType::begin,
                         begin.final_lsn,
                         "not after what came before, at " + to_string(last_.lsn));
    }
    begin_ = begin;
    in_transaction_ = true;
    context_open_ = false;
    origin_name_.clear();
    origin_lsn_ = Lsn();
    ordinal_ = 0;
    withheld_ = false;
    ++transaction_;
    end_.event_count = 0;
    end_.tables.clear();
    if (watcher_ != nullptr) {
        watcher_->on_begin(begin.xid, begin.final_lsn);
    }
    return success();
}

Result<void> Intake::on_commit(std::string_view message, std::int64_t now_us, EntrySink& sink) {
    TRIBUTARY_TRY(commit, parse_commit(message));
    if (!in_transaction_) {
        return violation(MessageType::commit, commit.commit_lsn, "outside a transaction");
    }
    if (commit.commit_lsn != begin_.final_lsn || commit.end_lsn <= commit.commit_lsn) {
        return violation(MessageType::commit,
                         commit.commit_lsn,
                         "does not end the transaction begun for " + to_string(begin_.final_lsn));
    }
    const Identity whole{begin_.final_lsn, kWholeTransaction};
    const bool selected = end_.event_count > 0;
    if (selected && !repeated(whole)) {
        end_.end_lsn = commit.end_lsn;
        scratch_.clear();
        append_transaction_end(scratch_, end_);
        append(EntryKind::transaction_end, SchemaId(), whole, now_us, sink);
        move_resume(commit.end_lsn, now_us, sink);
    }
    in_transaction_ = false;
    last_ = done_below(commit.end_lsn);
    last_commit_end_ = commit.end_lsn;
    position_ = std::max(position_, commit.end_lsn);
    if (!selected || repeated(whole)) {
        // Nothing to say about it but that it is over; the position entry that does comes once per
        // interval.
        on_tick(now_us, sink);
        sink.resume(encode_resume(position_, in_snapshot_));
    }
    if (watcher_ != nullptr) {
        watcher_->on_commit(selected || withheld_);
    }
    return success();
}

Result<void> Intake::on_origin(std::string_view message) {
    TRIBUTARY_TRY(origin, parse_origin(message));
    if (!in_transaction_ || context_open_) {
        return violation(
            MessageType::origin, origin.commit_lsn, "not at the start of a transaction");
    }
    origin_name_ = origin.name;
    origin_lsn_ = origin.commit_lsn;
    return success();
}

Result<void> Intake::on_row(Lsn wal_start,
                            std::int64_t now_us,
                            std::string_view message,
                            EntrySink& sink) {
    TRIBUTARY_TRY(row, parse_row(message));
    TRIBUTARY_TRY(table, find_table(row.relation, row.type));
    TRIBUTARY_TRY(ordinal, next_ordinal(row.type));
    const bool has_new = row.type != MessageType::remove;
    if ((has_new && !fits(row.new_tuple, table->column_count)) ||
        (row.old_kind != OldTuple::none && !fits(row.old_tuple, table->column_count))) {
        return violation(row.type, wal_start, "columns do not fit the relation " + table->name);
    }
    if (!table->selected) {
        return success();
    }
    if (message.size() > options_.row_bytes_max) {
        return Error(errors::kRowTooLarge,
                     "a row of " + table->name + " has " + std::to_string(message.size()) +
                         " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max));
    }
    if (row.type != MessageType::insert && !table->unsent_key.empty()) {
        return Error(errors::kSourceSettings,
                     "tables.key_columns: old rows of " + table->name + " come without column " +
                         table->unsent_key +
                         ", so that a delete has no key: give the table, and each of its "
                         "partitions, REPLICA IDENTITY FULL; what was changed before that can only "
                         "be delivered without this key");
    }
    if (watcher_ != nullptr && watcher_->wants(row.relation)) {
        TRIBUTARY_TRY_VOID(tell(row.relation, *table, row));
    }
    if (withheld(*table)) {
        return success();
    }
    count(*table);
    const Identity identity{begin_.final_lsn, ordinal};
    if (!repeated(identity)) {
        start_payload(static_cast<char>(row.type), table, wal_start);
        if (table->drops_columns) {
            write_image(*table, row);
        } else {
            scratch_.append(row.image);
        }
        append(EntryKind::change, table->schema_id, identity, now_us, sink);
    }
    if (key_moved(*table, row)) {
        count(*table);  // delivered as a delete and a create
    }
    return success();
}

// Rows of a snapshot that are still to come say what this change does.
bool Intake::withheld(const Table& table) {
    const bool held_back = watcher_ != nullptr && watcher_->withholds(table.name);
    withheld_ = withheld_ || held_back;
    return held_back;
}

bool Intake::key_moved(const Table& table, const RowMessage& row) {
    if (row.type != MessageType::update || row.old_kind == OldTuple::none) {
        return false;
    }
    CellReader old_cells(row.old_tuple);
    CellReader new_cells(row.new_tuple);
    Cell old_cell;
    Cell new_cell;
    for (std::size_t column = 0; old_cells.next(old_cell) && new_cells.next(new_cell); ++column) {
        const bool sent =
            old_cell.kind != CellKind::unchanged && new_cell.kind != CellKind::unchanged;
        if (table.key[column] && sent &&
            (old_cell.kind != new_cell.kind || old_cell.bytes != new_cell.bytes)) {
            return true;
        }
    }
    return false;
}

// The watcher sees rows as the log has them, without the columns that are not selected.
Result<void> Intake::tell(std::uint32_t relation, const Table& table, const RowMessage& row) {
    if (!table.drops_columns) {
        watcher_->on_row(table.columns, row);
        return success();
    }
    scratch_.clear();
    write_image(table, row);
    TRIBUTARY_TRY(kept, parse_image(row.type, scratch_));
    kept.relation = relation;
    watcher_->on_row(table.columns, kept);
    return success();
}

Result<void> Intake::on_truncate(Lsn wal_start,
                                 std::int64_t now_us,
                                 std::string_view message,
                                 EntrySink& sink) {
    TRIBUTARY_TRY(truncate, parse_truncate(message));
    const auto options =
        static_cast<char>((truncate.cascade ? 1 : 0) + (truncate.restart_identity ? 2 : 0));
    for (std::uint32_t index = 0; index < truncate.relation_count; ++index) {
        TRIBUTARY_TRY(table, find_table(truncate.relation(index), MessageType::truncate));
        TRIBUTARY_TRY(ordinal, next_ordinal(MessageType::truncate));
        if (!table->selected) {
            continue;
        }
        if (watcher_ != nullptr && watcher_->wants(truncate.relation(index))) {
            watcher_->on_truncate(truncate.relation(index));
        }
        if (withheld(*table)) {
            continue;
        }
        count(*table);
        const Identity identity{begin_.final_lsn, ordinal};
        if (repeated(identity)) {
            continue;
        }
        start_payload('T', table, wal_start);
        scratch_.push_back(options);
        append(EntryKind::change, table->schema_id, identity, now_us, sink);
    }
    return success();
}

Result<void> Intake::on_message(std::int64_t now_us, std::string_view message, EntrySink& sink) {
    TRIBUTARY_TRY(logical, parse_logical_message(message));
    if (message.size() > options_.row_bytes_max) {
        return Error(errors::kRowTooLarge,
                     "a logical decoding message has " + std::to_string(message.size()) +
                         " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max));
    }
    if (!logical.transactional) {
        return on_free_message(logical, now_us, sink);
    }
    TRIBUTARY_TRY(ordinal, next_ordinal(MessageType::message));
    ++end_.event_count;
    const Identity identity{begin_.final_lsn, ordinal};
    if (repeated(identity)) {
        return success();
    }
    start_payload('M', nullptr, logical.lsn);
    append_sized(scratch_, logical.prefix);
    scratch_.append(logical.content);
    append(EntryKind::message, SchemaId(), identity, now_us, sink);
    return success();
}

// A message outside transactions is a transaction of its own: sent when its record is decoded. Its
// LSN is the end of its record, where the commit record of a transaction may begin: its identity is
// that of the byte before.
Result<void> Intake::on_free_message(const LogicalMessage& message,
                                     std::int64_t now_us,
                                     EntrySink& sink) {
    const Identity identity = done_below(message.lsn);
    if (in_transaction_ || identity <= last_) {
        return violation(MessageType::message,
                         message.lsn,
                         in_transaction_ ? "not transactional, inside a transaction"
                                         : "not after what came before");
    }
    last_ = identity;
    if (repeated(identity)) {
        return success();
    }
    scratch_.clear();
    append_context(
        scratch_,
        {.kind = ContextKind::message, .lsn = message.lsn, .last_commit_end = last_commit_end_});
    sink.context(scratch_, now_us);
    scratch_.clear();
    append_event_head(scratch_, {.operation = 'M', .lsn = message.lsn}, message.lsn);
    append_sized(scratch_, message.prefix);
    scratch_.append(message.content);
    done_ = identity;
    encode_done_into(identity, done_bytes_);
    sink.append(EntryKind::message, SchemaId(), 0, scratch_, done_bytes_);
    position_ = std::max(position_, message.lsn);
    move_resume(position_, now_us, sink);
    return success();
}

Result<Intake::Table*> Intake::find_table(std::uint32_t oid, MessageType type) {
    if (last_table_ != nullptr && last_oid_ == oid) {
        return last_table_;
    }
    const auto found = tables_.find(oid);
    if (found == tables_.end()) {
        return violation(type,
                         begin_.final_lsn,
                         "relation " + std::to_string(oid) + " was not described before");
    }
    last_oid_ = oid;
    last_table_ = found->second.get();
    return last_table_;
}

// Counts one event of the open transaction.
Result<std::uint32_t> Intake::next_ordinal(MessageType type) {
    if (!in_transaction_) {
        return violation(type, position_, "outside a transaction");
    }
    if (ordinal_ == kWholeTransaction) {
        return violation(type, begin_.final_lsn, "more than 4294967295 events in a transaction");
    }
    return ordinal_++;
}

void Intake::count(Table& table) {
    ++end_.event_count;
    if (table.tally_transaction != transaction_) {
        const auto at =
            std::find_if(end_.tables.begin(), end_.tables.end(), [&table](const auto& tally) {
                return tally.table == table.name;
            });
        table.tally = static_cast<std::uint32_t>(at - end_.tables.begin());
        table.tally_transaction = transaction_;
        if (at == end_.tables.end()) {
            end_.tables.push_back({table.name, 0});
        }
    }
    ++end_.tables[table.tally].count;
}

// Starts scratch_ with the head of an event that was just counted; `table` is null for a message.
void Intake::start_payload(char operation, const Table* table, Lsn lsn) {
    scratch_.clear();
    append_event_head(scratch_,
                      {.operation = operation,
                       .order = end_.event_count,
                       .table_order = table == nullptr ? 0 : end_.tables[table->tally].count,
                       .lsn = lsn},
                      begin_.final_lsn);
}

void Intake::write_tuple(const Table& table, const Tuple& tuple) {
    append_fixed(scratch_, table.kept_count, Endian::big);
    CellReader cells(tuple);
    Cell cell;
    for (std::size_t column = 0; cells.next(cell); ++column) {
        if (!table.keep[column]) {
            continue;
        }
        scratch_.push_back(static_cast<char>(cell.kind));
        if (cell.kind == CellKind::text) {
            append_fixed(scratch_, static_cast<std::uint32_t>(cell.bytes.size()), Endian::big);
            scratch_.append(cell.bytes);
        }
    }
}

void Intake::write_image(const Table& table, const RowMessage& row) {
    if (row.old_kind != OldTuple::none) {
        scratch_.push_back(static_cast<char>(row.old_kind));
        write_tuple(table, row.old_tuple);
    }
    if (row.type != MessageType::remove) {
        scratch_.push_back('N');
        write_tuple(table, row.new_tuple);
    }
}

// The context of the open transaction, when its first entry comes: one without selected changes
// never gets any.
void Intake::open_context(std::int64_t now_us, EntrySink& sink) {
    std::string bytes;
    append_context(bytes,
                   {.kind = ContextKind::transaction,
                    .lsn = begin_.final_lsn,
                    .last_commit_end = last_commit_end_,
                    .xid = begin_.xid,
                    .commit_time_us = begin_.commit_time_us,
                    .origin = origin_name_,
                    .origin_lsn = origin_lsn_});
    sink.context(bytes, now_us);
    context_open_ = true;
}

// Appends what scratch_ holds as an entry of the open transaction.
void Intake::append(
    EntryKind kind, SchemaId schema, Identity identity, std::int64_t now_us, EntrySink& sink) {
    if (!context_open_) {
        open_context(now_us, sink);
    }
    done_ = identity;
    encode_done_into(identity, done_bytes_);
    sink.append(kind, schema, identity.ordinal, scratch_, done_bytes_);
    if (planted::is(planted::Bug::resume_confused_with_done)) {
        move_resume(Lsn(identity.lsn.value() + 1), now_us, sink);
    }
}

void Intake::append_position(std::int64_t now_us, EntrySink& sink) {
    scratch_.clear();
    append_context(scratch_, {.kind = ContextKind::position, .lsn = position_});
    sink.context(scratch_, now_us);
    done_ = std::max(done_, done_below(position_));
    encode_done_into(done_, done_bytes_);
    sink.append(EntryKind::position, SchemaId(), 0, {}, done_bytes_);
    move_resume(position_, now_us, sink);
}

void Intake::begin_rows(std::int64_t read_time_us, std::int64_t now_us, EntrySink& sink) {
    TRIBUTARY_ASSERT(!in_transaction_);
    scratch_.clear();
    append_context(scratch_,
                   {.kind = ContextKind::snapshot,
                    .lsn = position_,
                    .last_commit_end = last_commit_end_,
                    .commit_time_us = read_time_us});
    sink.context(scratch_, now_us);
    done_ = std::max(done_, done_below(position_));
    encode_done_into(done_, done_bytes_);
}

void Intake::append_row(SchemaId schema,
                        std::uint32_t ordinal,
                        SnapshotMarker marker,
                        std::string_view tuple,
                        EntrySink& sink) {
    scratch_.clear();
    append_event_head(
        scratch_,
        {.operation = 'R', .order = static_cast<std::uint64_t>(marker), .lsn = position_},
        position_);
    scratch_.push_back('N');
    scratch_.append(tuple);
    sink.append(EntryKind::change, schema, ordinal, scratch_, done_bytes_);
}

void Intake::end_rows(std::int64_t now_us, EntrySink& sink) {
    move_resume(position_, now_us, sink);
}

void Intake::move_resume(Lsn position, std::int64_t now_us, EntrySink& sink) {
    sink.resume(encode_resume(position, in_snapshot_));
    appended_position_ = std::max(appended_position_, position);
    position_time_us_ = now_us;
}

bool Intake::repeated(Identity identity) const noexcept {
    if (planted::is(planted::Bug::ordinal_off_by_one) && identity.ordinal > 0) {
        --identity.ordinal;
    }
    return start_done_ && identity <= *start_done_;
}

}  // namespace tributary::postgresql
