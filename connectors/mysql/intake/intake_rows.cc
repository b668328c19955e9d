// Rows events: into rows, counted, skipped or taken (intake.h, position.h).
#include "base/bytes.h"
#include "connectors/mysql/intake/intake_machine.h"

namespace tributary::mysql {
namespace {

// A compressed rows event may hold this much besides one row of row_bytes_max.
constexpr std::uint64_t kRowsEventSlack = 1U << 20U;

Error violation(std::string what) {
    return {errors::kProtocolViolation, std::move(what)};
}

// Rows of a system-versioned table: the end of the row's time tells what is not delivered.
bool is_history(const RowsEvent& rows, const Table& table, const RowSpan& row) {
    return (rows.kind == RowsKind::write &&
            !is_current_row(table.layout, rows.present_after, row.after, table.row_end)) ||
           (rows.kind == RowsKind::remove &&
            !is_current_row(table.layout, rows.present_before, row.before, table.row_end));
}

// Only the primary key is in every image. A key that the configuration chose has to be in both.
bool has_key(const RowsEvent& rows, const Table& table) {
    for (std::size_t column = 0; column < table.key.size(); ++column) {
        const bool before = rows.kind == RowsKind::write || bit_of(rows.present_before, column);
        const bool after = rows.kind == RowsKind::remove || bit_of(rows.present_after, column);
        if (table.key[column] && !(before && after)) {
            return false;
        }
    }
    return true;
}

// An update that does not only end the row's time.
bool is_current_update(const RowsEvent& rows, const Table& table, const RowSpan& row) {
    return rows.kind == RowsKind::update && !table.key.empty() &&
           (rows.partial ||
            is_current_row(table.layout, rows.present_after, row.after, table.row_end));
}

}  // namespace

Result<void> IntakeMachine::on_rows(const Now& now) {
    TRIBUTARY_TRY(rows, parse_rows(now.header.type, now.body));
    if (state_ != State::open) {
        return violation(to_string(now.header.type) + " outside a transaction");
    }
    Table* const table = tables_.find(rows.table_id);
    if (table == nullptr) {
        if (is_dummy_table(rows.table_id)) {
            return success();
        }
        return violation(to_string(now.header.type) + " of table id " +
                         std::to_string(rows.table_id) + ", which was not described before");
    }
    if (table->sized && rows.columns != table->layout.columns.size()) {
        return violation("rows of " + table->name + " have " + std::to_string(rows.columns) +
                         " columns, not " + std::to_string(table->layout.columns.size()));
    }
    return table->selected ? take_rows(now, rows, *table) : count_unselected(rows, *table);
}

// The rows, inflated where they are compressed; `whole` is false when they are too many bytes.
Result<std::string_view> IntakeMachine::rows_of(const RowsEvent& rows,
                                                const Table& table,
                                                bool& whole) {
    whole = true;
    if (!rows.compressed) {
        return rows.rows;
    }
    TRIBUTARY_TRY(bytes, inflated_bytes(rows.rows));
    const std::uint64_t bytes_max = options_.row_bytes_max + kRowsEventSlack;
    if (bytes > bytes_max) {
        if (table.selected) {
            return Error(errors::kRowTooLarge,
                         "a row of " + table.name + " has up to " + std::to_string(bytes) +
                             " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max));
        }
        whole = false;
        return std::string_view();
    }
    TRIBUTARY_TRY_VOID(inflate_into(rows.rows, static_cast<std::size_t>(bytes_max), inflated_));
    return std::string_view(inflated_);
}

// Rows are counted whether or not they are taken (position.h). Where they cannot be, one.
Result<void> IntakeMachine::count_unselected(const RowsEvent& event, const Table& table) {
    bool whole = false;
    RowsEvent rows = event;
    if (table.sized) {
        TRIBUTARY_TRY(bytes, rows_of(event, table, whole));
        rows.rows = bytes;
    }
    if (whole && rows.rows.size() <= options_.row_bytes_max) {
        RowSplitter splitter(table.layout, rows);
        RowSpan row;
        std::uint64_t count = 0;
        for (;;) {
            const auto more = splitter.next(row);
            if (!more) {
                break;
            }
            if (!more.value()) {
                for (; count > 0; --count) {
                    TRIBUTARY_TRY(ordinal, transaction_.next_ordinal());
                    static_cast<void>(ordinal);
                }
                return success();
            }
            ++count;
        }
    }
    TRIBUTARY_TRY(ordinal, transaction_.next_ordinal());
    static_cast<void>(ordinal);
    return success();
}

Result<void> IntakeMachine::take_rows(const Now& now, const RowsEvent& event, Table& table) {
    bool whole = false;
    RowsEvent rows = event;
    TRIBUTARY_TRY(bytes, rows_of(event, table, whole));
    rows.rows = bytes;
    if (table.key_chosen && !has_key(rows, table)) {
        return Error(errors::kSourceSettings,
                     "rows of " + table.name +
                         " come without a column of tables.key_columns: a session wrote them with "
                         "binlog_row_image other than FULL");
    }
    constexpr std::string_view kOperations = "IUD";
    EventHead head{
        .operation = rows.partial ? 'P' : kOperations[static_cast<std::size_t>(rows.kind)],
        .offset = now.event.offset,
        .inner = now.event.inner,
        .time_s = now.header.time_s};
    const bool watched =
        watcher_ != nullptr && watcher_->wants(mysql_gtid_, transaction_.id().start);
    // Rows of a prepared XA transaction are of its XA COMMIT.
    const bool withheld = xid_.empty() && withholds(table.name);
    RowSplitter splitter(table.layout, rows);
    RowSpan row;
    for (;; ++head.row) {
        auto more = splitter.next(row);
        if (!more) {
            return more.error().at(table.name);
        }
        if (!more.value()) {
            return success();
        }
        TRIBUTARY_TRY(ordinal, transaction_.next_ordinal());
        if (is_history(rows, table, row)) {
            continue;
        }
        if (row.before.size() + row.after.size() > options_.row_bytes_max) {
            return Error(errors::kRowTooLarge,
                         "a row of " + table.name + " has " +
                             std::to_string(row.before.size() + row.after.size()) +
                             " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max));
        }
        const bool repeated = transaction_.repeated(ordinal);
        if (withheld) {
            if (watched && !repeated) {
                payload_.clear();
                append_event_head(payload_, head);
                TRIBUTARY_TRY_VOID(write_row(rows, table, row));
                watcher_->on_row(table.schema_id, *table.schema, payload_);
            }
            continue;
        }
        transaction_.count(table);
        if (!repeated) {
            transaction_.start_payload(payload_, head, table);
        }
        if (is_current_update(rows, table, row) &&
            changes_key(table.layout, table.key, rows, row)) {
            transaction_.count(table);  // delivered as a delete and a create
        }
        if (repeated) {
            continue;
        }
        TRIBUTARY_TRY_VOID(write_row(rows, table, row));
        if (!xid_.empty()) {
            TRIBUTARY_TRY_VOID(hold_row(now, table, ordinal));
            continue;
        }
        if (watched) {
            watcher_->on_row(table.schema_id, *table.schema, payload_);
        }
        TRIBUTARY_TRY_VOID(transaction_.append(
            EntryKind::change, table.schema_id, ordinal, payload_, now.us, now.sink));
    }
}

// Bitmaps and images behind the head in payload_.
Result<void> IntakeMachine::write_row(const RowsEvent& rows,
                                      const Table& table,
                                      const RowSpan& row) {
    if (!table.drops_columns) {
        payload_.append(rows.present_before).append(rows.present_after);
        payload_.append(row.before).append(row.after);
        return success();
    }
    if (rows.kind != RowsKind::write) {
        append_kept_bits(payload_, rows.present_before, table.keep);
    }
    if (rows.kind != RowsKind::remove) {
        append_kept_bits(payload_, rows.present_after, table.keep);
    }
    if (rows.kind != RowsKind::write) {
        TRIBUTARY_TRY_VOID(append_kept_image(
            payload_, table.layout, table.keep, rows.present_before, row.before, false));
    }
    if (rows.kind != RowsKind::remove) {
        TRIBUTARY_TRY_VOID(append_kept_image(
            payload_, table.layout, table.keep, rows.present_after, row.after, rows.partial));
    }
    return success();
}

Result<void> IntakeMachine::on_oversized(const EventView& head,
                                         std::uint64_t event_bytes,
                                         std::int64_t now_us,
                                         EntrySink& sink) {
    TRIBUTARY_TRY(header, parse_header(head.bytes));
    if (!is_rows_event(header.type)) {
        if (header.type == EventType::table_map) {
            return violation("TABLE_MAP_EVENT of " + std::to_string(event_bytes) + " bytes");
        }
        return on_event(head, now_us, sink);
    }
    TRIBUTARY_TRY(again, comes_again(head, header));
    if (again || before_place(head)) {
        return success();
    }
    measure(head, header);
    const std::string_view body = head.bytes.substr(kEventHeaderBytes);
    if (body.size() < 6 || state_ != State::open) {
        return violation(to_string(header.type) + " outside a transaction");
    }
    const Table* const table =
        tables_.find(load<std::uint32_t>(body.data(), Endian::little) |
                     std::uint64_t{load<std::uint16_t>(body.data() + 4, Endian::little)} << 32U);
    if (table == nullptr || table->selected) {
        return Error(errors::kRowTooLarge,
                     std::string(head.file) + ":" + std::to_string(head.offset) + ": a row of " +
                         (table == nullptr ? "an unknown table" : table->name) + " has about " +
                         std::to_string(event_bytes) + " bytes, row_bytes_max is " +
                         std::to_string(options_.row_bytes_max));
    }
    TRIBUTARY_TRY(ordinal, transaction_.next_ordinal());
    static_cast<void>(ordinal);
    return success();
}

}  // namespace tributary::mysql
