// The intake state machine: intake.h has the rules.
#include "connectors/mysql/intake.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "connectors/mysql/events.h"
#include "connectors/mysql/row_split.h"
#include "connectors/mysql/statement.h"
#include "connectors/mysql/tables.h"
#include "connectors/mysql/transaction.h"
#include "connectors/mysql/xa_rows.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

// Text of a statement that is looked at.
constexpr std::size_t kStatementBytesMax = 64U << 10U;
// Side bytes after which a position entry takes them to the log.
constexpr std::uint64_t kSideBytesPerEntry = 256U << 10U;
constexpr std::size_t kRowsPerScan = 64;
constexpr std::size_t kErasedPerEntry = 256;
// A compressed rows event may hold this much besides one row of row_bytes_max.
constexpr std::uint64_t kRowsEventSlack = 1U << 20U;

Error violation(std::string what) {
    return {errors::kProtocolViolation, std::move(what)};
}

// Rows of which XA transaction are on their way, and whether to the stream or away.
struct XaMove {
    std::string xid;
    bool commit = false;
    XaHead head;
    bool has_head = false;  // in the side keyspace
    Place next;             // behind the event that ended it
};

class IntakeMachine final : public Intake {
  public:
    IntakeMachine(const IntakeOptions& options,
                  Filter filter,
                  ResumePoint resume,
                  std::optional<Identity> done,
                  Position done_bytes,
                  Catalogue* catalogue,
                  const SideReader& side,
                  std::map<std::string, XaHead> open_xa)
        : options_(options),
          side_(side),
          tables_(options.server, std::move(filter), catalogue),
          resume_(std::move(resume)),
          transaction_(options.server, std::move(done), std::move(done_bytes)),
          open_xa_(std::move(open_xa)) {
        moved_ = options.fresh;
        for (const auto& [xid, head] : open_xa_) {
            xa_bytes_ += head.bytes;
        }
    }

    Result<void> on_event(const EventView& event, std::int64_t now_us, EntrySink& sink) override;
    Result<void> on_oversized(const EventView& head,
                              std::uint64_t event_bytes,
                              std::int64_t now_us,
                              EntrySink& sink) override;
    bool copying() const noexcept override { return state_ == State::moving; }
    Result<void> copy_more(std::int64_t now_us, EntrySink& sink) override;
    void on_tick(std::int64_t now_us, EntrySink& sink) override;
    void flush_position(std::int64_t now_us, EntrySink& sink) override;
    bool in_transaction() const noexcept override { return state_ != State::idle; }
    const ResumePoint& position() const noexcept override { return resume_; }

  private:
    enum class State : std::uint8_t {
        idle,
        announced,  // a GTID came: BEGIN, XA START or one statement follows
        open,       // up to COMMIT, XID, XA_PREPARE or ROLLBACK
        moving,     // copy_more() is not through
    };
    // One event with what every handler needs.
    struct Now {
        const EventView& event;
        EventHeader header;
        std::string_view body;
        std::int64_t us;
        EntrySink& sink;
    };

    Result<void> dispatch(const Now& now);
    Result<void> on_gtid(const Now& now);
    Result<void> on_mariadb_gtid(const Now& now);
    Result<void> begin(const Now& now, std::string gtid, std::int64_t commit_time_us);
    Result<void> on_query(const Now& now);
    Result<void> on_statement(const Now& now, const Query& query, std::string_view text);
    Result<void> on_row_statement(const Now& now, const Statement& statement, const Query& query);
    Result<void> on_truncate(const Now& now, const Statement& statement, const Query& query);
    Result<void> on_single_statement(const Now& now);
    Result<void> on_rollback(const Now& now);
    Result<void> on_file_end(const Now& now);
    void move_place(Place place, const Now& now);
    Result<void> on_rows(const Now& now);
    Result<std::string_view> rows_of(const RowsEvent& rows, const Table& table, bool& whole);
    Result<void> count_unselected(const RowsEvent& rows, const Table& table);
    Result<void> take_rows(const Now& now, const RowsEvent& rows, Table& table);
    Result<void> write_row(const RowsEvent& rows, const Table& table, const RowSpan& row);
    Result<void> hold_row(const Now& now, SchemaId schema, std::uint32_t ordinal);
    Result<void> start_xa(const Now& now, std::string xid);
    Result<void> on_xa_prepare(const Now& now);
    Result<void> end_xa(const Now& now, const Statement& statement);
    Result<void> erase_stale_rows(std::string_view xid, std::int64_t now_us, EntrySink& sink);
    Result<bool> copy_rows(std::int64_t now_us, EntrySink& sink);
    Result<bool> drop_rows(std::int64_t now_us, EntrySink& sink);
    Result<void> end_move(std::int64_t now_us, EntrySink& sink);
    Result<void> end_transaction(const Place& next, std::int64_t now_us, EntrySink& sink);
    void complete(const Place& next);
    void publish_resume(EntrySink& sink);
    void append_position(std::int64_t now_us, EntrySink& sink);
    Place behind(const Now& now) const;

    IntakeOptions options_;
    const SideReader& side_;
    Tables tables_;
    ResumePoint resume_;
    Transaction transaction_;
    std::map<std::string, XaHead> open_xa_;
    std::uint64_t xa_bytes_ = 0;  // of every open one and of the one that comes in

    State state_ = State::idle;
    std::optional<MysqlGtid> mysql_gtid_;      // of the transaction under way
    std::optional<MariadbGtid> mariadb_gtid_;  // likewise
    std::string xid_;                          // of the XA transaction whose rows come in
    std::uint64_t xid_bytes_ = 0;              // of its rows so far
    std::uint64_t side_bytes_ = 0;             // since the last entry
    XaMove move_;

    bool moved_ = false;  // `resume` moved since the last entry
    std::int64_t position_time_us_ = 0;
    std::string payload_;   // reused from call to call
    std::string inflated_;  // likewise
    std::string side_value_;
    Position resume_bytes_;
};

Place IntakeMachine::behind(const Now& now) const {
    return {std::string(now.event.file), now.event.next};
}

Result<void> IntakeMachine::on_event(const EventView& event, std::int64_t now_us, EntrySink& sink) {
    const auto place = [&event] {
        return std::string(event.file) + ":" + std::to_string(event.offset) +
               (event.inner == 0 ? "" : " event " + std::to_string(event.inner) + " inside");
    };
    const auto header = parse_header(event.bytes);
    if (!header) {
        return header.error().at(place());
    }
    const Now now{event, header.value(), event.bytes.substr(kEventHeaderBytes), now_us, sink};
    auto done = state_ == State::moving ? Result<void>(violation("event while rows are copied"))
                                        : dispatch(now);
    if (!done) {
        return done.error().at(place());
    }
    return success();
}

Result<void> IntakeMachine::dispatch(const Now& now) {
    switch (now.header.type) {
        case EventType::write_rows_v1:
        case EventType::update_rows_v1:
        case EventType::delete_rows_v1:
        case EventType::write_rows:
        case EventType::update_rows:
        case EventType::delete_rows:
        case EventType::partial_update_rows:
        case EventType::write_rows_compressed_v1:
        case EventType::update_rows_compressed_v1:
        case EventType::delete_rows_compressed_v1:
        case EventType::write_rows_compressed:
        case EventType::update_rows_compressed:
        case EventType::delete_rows_compressed:
            return on_rows(now);
        case EventType::table_map:
            return tables_.on_table_map(now.body, now.sink);
        case EventType::gtid:
        case EventType::gtid_tagged:
        case EventType::anonymous_gtid:
            return on_gtid(now);
        case EventType::mariadb_gtid:
            return on_mariadb_gtid(now);
        case EventType::query:
        case EventType::query_compressed:
        case EventType::execute_load_query:
            return on_query(now);
        case EventType::xid:
            if (state_ != State::open || !xid_.empty()) {
                return violation("XID outside a transaction");
            }
            return end_transaction(behind(now), now.us, now.sink);
        case EventType::xa_prepare:
            return on_xa_prepare(now);
        case EventType::format_description:
        case EventType::rotate:
        case EventType::stop:
            return on_file_end(now);
        case EventType::heartbeat:
        case EventType::heartbeat_v2:
            if (state_ == State::idle && !resume_.by_gtid && resume_.next != behind(now)) {
                move_place(behind(now), now);
            }
            return success();
        case EventType::incident: {
            TRIBUTARY_TRY(incident, parse_incident(now.body));
            return Error(errors::kBinlogIncident,
                         "the server logged incident " + std::to_string(incident.number) + ": " +
                             std::string(incident.message));
        }
        case EventType::transaction_payload:
            return violation("TRANSACTION_PAYLOAD_EVENT that was not opened");
        case EventType::intvar:
        case EventType::append_block:
        case EventType::delete_file:
        case EventType::rand:
        case EventType::user_var:
        case EventType::begin_load_query:
        case EventType::ignorable:
        case EventType::rows_query:
        case EventType::previous_gtids:
        case EventType::transaction_context:
        case EventType::view_change:
        case EventType::annotate_rows:
        case EventType::binlog_checkpoint:
        case EventType::gtid_list:
        case EventType::start_encryption:
            return success();
    }
    if ((now.header.flags & kIgnorableFlag) != 0) {
        return success();
    }
    return violation("unknown event type " +
                     std::to_string(static_cast<unsigned>(now.header.type)));
}

Result<void> IntakeMachine::begin(const Now& now, std::string gtid, std::int64_t commit_time_us) {
    if (state_ != State::idle) {
        return violation("a transaction begins inside " + to_string(transaction_.id()));
    }
    if (commit_time_us == 0) {
        commit_time_us = std::int64_t{now.header.time_s} * 1'000'000;
    }
    transaction_.begin({.id = {std::move(gtid), {std::string(now.event.file), now.event.offset}},
                        .server_id = now.header.server_id,
                        .commit_time_us = commit_time_us});
    return success();
}

Result<void> IntakeMachine::on_gtid(const Now& now) {
    TRIBUTARY_TRY(event, parse_gtid(now.header.type, now.body));
    if (resume_.by_gtid) {
        if (!event.gtid) {
            return Error(errors::kSourceDiverged,
                         "a transaction without GTID, but positions are GTIDs: was gtid_mode "
                         "changed?");
        }
        if (resume_.executed.contains(*event.gtid)) {
            return Error(errors::kSourceDiverged,
                         "GTID " + to_string(*event.gtid) + " came before: it was used twice");
        }
    }
    TRIBUTARY_TRY_VOID(
        begin(now, event.gtid ? to_string(*event.gtid) : std::string(), event.commit_time_us));
    mysql_gtid_ = event.gtid;
    state_ = State::announced;
    return success();
}

Result<void> IntakeMachine::on_mariadb_gtid(const Now& now) {
    TRIBUTARY_TRY(event, parse_mariadb_gtid_event(now.header.server_id, now.body));
    if (resume_.by_gtid && resume_.gtid_position.contains(event.gtid)) {
        return Error(
            errors::kSourceDiverged,
            "GTID " + to_string(event.gtid) + " is not after " + resume_.gtid_position.to_string());
    }
    TRIBUTARY_TRY_VOID(begin(now, to_string(event.gtid), 0));
    transaction_.set_thread(event.thread_id);
    mariadb_gtid_ = event.gtid;
    state_ = (event.flags & kMariadbStandalone) != 0 ? State::announced : State::open;
    if ((event.flags & kMariadbPreparedXa) != 0) {
        return start_xa(now, std::move(event.xid));
    }
    return success();
}

Result<void> IntakeMachine::on_query(const Now& now) {
    TRIBUTARY_TRY(query, parse_query(now.header.type, now.body));
    std::string_view text = query.text;
    if (now.header.type == EventType::query_compressed) {
        TRIBUTARY_TRY_VOID(inflate_into(text, kStatementBytesMax, inflated_));
        text = inflated_;
    }
    return on_statement(now, query, text.substr(0, kStatementBytesMax));
}

Result<void> IntakeMachine::on_statement(const Now& now,
                                         const Query& query,
                                         std::string_view text) {
    Statement statement = classify(text);
    if (state_ == State::idle) {  // no GTID before it: MySQL 5.6 and before
        TRIBUTARY_TRY_VOID(begin(now, {}, 0));
        state_ = State::announced;
    }
    if (state_ == State::announced) {  // before any row: the context is the same after a restart
        transaction_.set_thread(query.thread_id);
    }
    switch (statement.kind) {
        case StatementKind::begin:
            if (state_ != State::announced) {
                return violation("BEGIN inside " + to_string(transaction_.id()));
            }
            state_ = State::open;
            return success();
        case StatementKind::xa_start:
            if (state_ != State::announced || statement.xid.empty()) {
                return violation("XA START inside a transaction, or without an identifier");
            }
            state_ = State::open;
            return start_xa(now, std::move(statement.xid));
        case StatementKind::commit:
            return end_transaction(behind(now), now.us, now.sink);
        case StatementKind::rollback:
            return on_rollback(now);
        case StatementKind::rollback_to:
            if (transaction_.event_count() > 0) {
                return Error(errors::kBinlogUndone,
                             "transaction " + to_string(transaction_.id()) +
                                 " has rows and a ROLLBACK TO SAVEPOINT");
            }
            return success();
        case StatementKind::savepoint:
        case StatementKind::xa_end:
        case StatementKind::xa_prepare:
            return success();
        case StatementKind::xa_commit:
        case StatementKind::xa_rollback:
            return end_xa(now, statement);
        case StatementKind::row_change:
            return on_row_statement(now, statement, query);
        case StatementKind::truncate:
            return on_truncate(now, statement, query);
        case StatementKind::other:
            tables_.clear();
            return on_single_statement(now);
    }
    return success();
}

// A statement that is a transaction of its own, unless it stands in one.
Result<void> IntakeMachine::on_single_statement(const Now& now) {
    if (state_ == State::announced) {
        return end_transaction(behind(now), now.us, now.sink);
    }
    return success();
}

Result<void> IntakeMachine::on_row_statement(const Now& now,
                                             const Statement& statement,
                                             const Query& query) {
    const std::string_view database =
        statement.database.empty() ? query.database : std::string_view(statement.database);
    if (!statement.has_table || tables_.selected(database, statement.table)) {
        return Error(errors::kBinlogStatement,
                     statement.has_table
                         ? "changes of " + std::string(database) + "." + statement.table +
                               " were logged as a statement, not as rows"
                         : "changes were logged as a statement in database '" +
                               std::string(query.database) + "', not as rows");
    }
    return on_single_statement(now);
}

Result<void> IntakeMachine::on_truncate(const Now& now,
                                        const Statement& statement,
                                        const Query& query) {
    tables_.clear();
    const std::string database =
        statement.database.empty() ? std::string(query.database) : statement.database;
    TRIBUTARY_TRY(ordinal, transaction_.next_ordinal());
    if (statement.has_table && tables_.selected(database, statement.table)) {
        transaction_.count(database + "." + statement.table);
        if (!transaction_.repeated(ordinal)) {
            transaction_.start_payload(payload_,
                                       {.operation = 'T',
                                        .offset = now.event.offset,
                                        .inner = now.event.inner,
                                        .time_s = now.header.time_s});
            TRIBUTARY_TRY_VOID(
                transaction_.append(EntryKind::change,
                                    Tables::bare_schema(database, statement.table, now.sink),
                                    ordinal,
                                    payload_,
                                    now.us,
                                    now.sink));
        }
    }
    return on_single_statement(now);
}

// Rows of a table that cannot roll back stay, others went: which is which the log does not say.
Result<void> IntakeMachine::on_rollback(const Now& now) {
    if (state_ == State::open && xid_.empty() && transaction_.event_count() > 0) {
        return Error(errors::kBinlogUndone,
                     "transaction " + to_string(transaction_.id()) + " has rows and a ROLLBACK");
    }
    xa_bytes_ -= xid_bytes_;
    xid_bytes_ = 0;
    xid_.clear();
    return end_transaction(behind(now), now.us, now.sink);
}

// A file that ends inside a transaction was cut by a crash of the server, which rolled it back.
Result<void> IntakeMachine::on_file_end(const Now& now) {
    const bool artificial = (now.header.flags & kArtificialFlag) != 0;
    if (now.header.type == EventType::format_description) {
        TRIBUTARY_TRY(format, parse_format_description(now.body));
        if (format.created_s == 0 || state_ == State::idle) {
            return success();
        }
    } else if (artificial) {
        return success();
    }
    if (state_ != State::idle) {
        if (transaction_.event_count() > 0 && xid_.empty()) {
            return Error(errors::kBinlogUndone,
                         "the log ends inside transaction " + to_string(transaction_.id()) +
                             ", of which rows were taken in");
        }
        xa_bytes_ -= xid_bytes_;
        xid_bytes_ = 0;
        xid_.clear();
        mysql_gtid_.reset();
        mariadb_gtid_.reset();
        state_ = State::idle;
    }
    if (now.header.type == EventType::rotate) {
        TRIBUTARY_TRY(rotate, parse_rotate(now.body));
        move_place({std::string(rotate.file), rotate.position}, now);
    }
    return success();
}

// Nothing but the place is new; with GTIDs that is not worth an entry.
void IntakeMachine::move_place(Place place, const Now& now) {
    resume_.next = std::move(place);
    moved_ = moved_ || !resume_.by_gtid;
    on_tick(now.us, now.sink);
    publish_resume(now.sink);
}

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
    constexpr std::string_view kOperations = "IUD";
    EventHead head{
        .operation = rows.partial ? 'P' : kOperations[static_cast<std::size_t>(rows.kind)],
        .offset = now.event.offset,
        .inner = now.event.inner,
        .time_s = now.header.time_s};
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
        transaction_.count(table);
        if (row.before.size() + row.after.size() > options_.row_bytes_max) {
            return Error(errors::kRowTooLarge,
                         "a row of " + table.name + " has " +
                             std::to_string(row.before.size() + row.after.size()) +
                             " bytes, row_bytes_max is " + std::to_string(options_.row_bytes_max));
        }
        if (transaction_.repeated(ordinal)) {
            continue;
        }
        transaction_.start_payload(payload_, head, table);
        TRIBUTARY_TRY_VOID(write_row(rows, table, row));
        if (!xid_.empty()) {
            TRIBUTARY_TRY_VOID(hold_row(now, table.schema_id, ordinal));
            continue;
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

Result<void> IntakeMachine::start_xa(const Now& now, std::string xid) {
    if (xid.empty()) {
        return violation("an XA transaction without an identifier");
    }
    xid_ = std::move(xid);
    xid_bytes_ = 0;
    return erase_stale_rows(xid_, now.us, now.sink);
}

// Rows that an attempt before this one left, when the connection or the agent ended in between.
Result<void> IntakeMachine::erase_stale_rows(std::string_view xid,
                                             std::int64_t now_us,
                                             EntrySink& sink) {
    std::string after;
    for (;;) {
        TRIBUTARY_TRY(rows, side_.scan(xa_row_prefix(xid), after, kErasedPerEntry));
        for (const SideEntry& row : rows) {
            sink.erase_side(row.key);
        }
        if (rows.empty()) {
            return success();
        }
        append_position(now_us, sink);
        after = rows.back().key;
    }
}

// Keeps the row in payload_ until XA COMMIT.
Result<void> IntakeMachine::hold_row(const Now& now, SchemaId schema, std::uint32_t ordinal) {
    side_value_.clear();
    encode_xa_row(side_value_, schema, payload_);
    xid_bytes_ += side_value_.size();
    xa_bytes_ += side_value_.size();
    side_bytes_ += side_value_.size();
    if (xa_bytes_ > options_.xa_bytes_max) {
        return Error(errors::kXaRows,
                     "rows of open XA transactions are more than " +
                         std::to_string(options_.xa_bytes_max) + " bytes, the last one is " +
                         describe_xid(xid_));
    }
    now.sink.put_side(xa_row_key(xid_, ordinal), side_value_);
    if (side_bytes_ >= kSideBytesPerEntry) {
        append_position(now.us, now.sink);
    }
    return success();
}

Result<void> IntakeMachine::on_xa_prepare(const Now& now) {
    TRIBUTARY_TRY(prepare, parse_xa_prepare(now.body));
    if (state_ != State::open || prepare.xid != xid_) {
        return violation("XA_PREPARE of " + describe_xid(prepare.xid) + " in transaction " +
                         to_string(transaction_.id()));
    }
    XaHead head{.prepared = transaction_.id(),
                .bytes = xid_bytes_,
                .rows_end = transaction_.ordinal(),
                .event_count = transaction_.event_count(),
                .tables = transaction_.end().tables};
    const std::string xid = std::exchange(xid_, {});
    xid_bytes_ = 0;
    if (prepare.one_phase) {
        transaction_.adopt(head, xid);
        move_ = {.xid = xid, .commit = true, .head = std::move(head), .next = behind(now)};
        state_ = State::moving;
        return copy_more(now.us, now.sink);
    }
    now.sink.put_side(xa_head_key(xid), encode_xa_head(head));
    open_xa_[xid] = std::move(head);
    resume_.open_xa.push_back(xid);
    complete(behind(now));
    append_position(now.us, now.sink);  // rows, head and position in one write
    publish_resume(now.sink);
    moved_ = false;
    return success();
}

Result<void> IntakeMachine::end_xa(const Now& now, const Statement& statement) {
    const auto found = open_xa_.find(statement.xid);
    const bool commit = statement.kind == StatementKind::xa_commit;
    if (found == open_xa_.end()) {
        if (commit) {
            return Error(errors::kXaRows,
                         "XA COMMIT of " + describe_xid(statement.xid) +
                             ", whose rows were logged before this pipeline began to read");
        }
        return on_single_statement(now);
    }
    if (state_ != State::announced) {
        return violation("end of an XA transaction inside " + to_string(transaction_.id()));
    }
    move_ = {.xid = statement.xid,
             .commit = commit,
             .head = std::move(found->second),
             .has_head = true,
             .next = behind(now)};
    open_xa_.erase(found);
    if (commit) {
        transaction_.adopt(move_.head, move_.xid);
    }
    state_ = State::moving;
    return copy_more(now.us, now.sink);
}

Result<void> IntakeMachine::copy_more(std::int64_t now_us, EntrySink& sink) {
    if (state_ != State::moving) {
        return success();
    }
    TRIBUTARY_TRY(through, move_.commit ? copy_rows(now_us, sink) : drop_rows(now_us, sink));
    if (!through) {
        return success();
    }
    return end_move(now_us, sink);
}

// A row's key is erased with the entry that has it: what is left after a crash is what is not
// copied.
Result<bool> IntakeMachine::copy_rows(std::int64_t now_us, EntrySink& sink) {
    const std::string prefix = xa_row_prefix(move_.xid);
    std::string after;
    while (!sink.full()) {
        TRIBUTARY_TRY(rows, side_.scan(prefix, after, kRowsPerScan));
        for (const SideEntry& entry : rows) {
            TRIBUTARY_TRY(row, decode_xa_row(entry.key, entry.value));
            sink.erase_side(entry.key);
            if (row.ordinal >= move_.head.rows_end || transaction_.repeated(row.ordinal)) {
                continue;
            }
            TRIBUTARY_TRY_VOID(transaction_.append(
                EntryKind::change, row.schema, row.ordinal, row.payload, now_us, sink));
        }
        if (rows.size() < kRowsPerScan) {
            return true;
        }
        after = rows.back().key;
    }
    return false;
}

Result<bool> IntakeMachine::drop_rows(std::int64_t now_us, EntrySink& sink) {
    const std::string prefix = xa_row_prefix(move_.xid);
    std::string after;
    while (!sink.full()) {
        TRIBUTARY_TRY(rows, side_.scan(prefix, after, kErasedPerEntry));
        for (const SideEntry& entry : rows) {
            sink.erase_side(entry.key);
        }
        if (rows.size() < kErasedPerEntry) {
            return true;
        }
        append_position(now_us, sink);
        after = rows.back().key;
    }
    return false;
}

Result<void> IntakeMachine::end_move(std::int64_t now_us, EntrySink& sink) {
    if (move_.has_head) {
        sink.erase_side(xa_head_key(move_.xid));
    }
    xa_bytes_ -= std::min(xa_bytes_, move_.head.bytes);
    std::erase(resume_.open_xa, move_.xid);
    const Place next = std::exchange(move_, {}).next;
    TRIBUTARY_TRY(said, transaction_.append_end(next, now_us, sink));
    complete(next);
    if (!said) {  // the erased keys need an entry that takes them to the log
        append_position(now_us, sink);
    }
    publish_resume(sink);
    moved_ = false;
    position_time_us_ = now_us;
    return success();
}

Result<void> IntakeMachine::end_transaction(const Place& next,
                                            std::int64_t now_us,
                                            EntrySink& sink) {
    TRIBUTARY_TRY(said, transaction_.append_end(next, now_us, sink));
    complete(next);
    if (said) {
        moved_ = false;
        position_time_us_ = now_us;
    } else {
        on_tick(now_us, sink);
    }
    publish_resume(sink);
    return success();
}

// The transaction under way is over, and everything of it was given to the sink.
void IntakeMachine::complete(const Place& next) {
    if (resume_.by_gtid && mysql_gtid_) {
        resume_.executed.add(*mysql_gtid_);
    }
    if (resume_.by_gtid && mariadb_gtid_) {
        resume_.gtid_position.add(*mariadb_gtid_);
    }
    mysql_gtid_.reset();
    mariadb_gtid_.reset();
    resume_.next = next;
    moved_ = true;
    state_ = State::idle;
}

void IntakeMachine::publish_resume(EntrySink& sink) {
    encode_resume_into(resume_, resume_bytes_);
    sink.resume(resume_bytes_);
}

void IntakeMachine::append_position(std::int64_t now_us, EntrySink& sink) {
    transaction_.append_position(resume_.next, now_us, sink);
    side_bytes_ = 0;
    position_time_us_ = now_us;
}

void IntakeMachine::on_tick(std::int64_t now_us, EntrySink& sink) {
    if (now_us < position_time_us_) {
        position_time_us_ = now_us;  // the wall clock was set back
    }
    if (now_us - position_time_us_ >= options_.position_interval_us) {
        flush_position(now_us, sink);
    }
}

void IntakeMachine::flush_position(std::int64_t now_us, EntrySink& sink) {
    if (state_ != State::idle || !moved_) {
        return;
    }
    append_position(now_us, sink);
    publish_resume(sink);
    moved_ = false;
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

}  // namespace

Result<std::unique_ptr<Intake>> Intake::make(const IntakeOptions& options,
                                             const StartPoint& start,
                                             Catalogue* catalogue,
                                             const SideReader& side) {
    TRIBUTARY_TRY(filter, Filter::make(options.filter));
    auto resume = decode_resume(start.resume);
    if (!resume || resume->server != options.server) {
        return Error(errors::kSourceDiverged, "the resume position is not of this kind of server");
    }
    auto done = decode_done(start.done);
    if (!done && !start.done.empty()) {
        return Error(errors::kSourceDiverged, "the done position is not of mysql");
    }
    TRIBUTARY_TRY(open_xa, load_xa_heads(side));
    for (const std::string& xid : resume->open_xa) {
        if (!open_xa.contains(xid)) {
            return Error(errors::kXaRows,
                         "the rows of the prepared XA transaction " + describe_xid(xid) +
                             " were in a log that is not here any more");
        }
    }
    return std::unique_ptr<Intake>(std::make_unique<IntakeMachine>(options,
                                                                   std::move(filter),
                                                                   std::move(*resume),
                                                                   std::move(done),
                                                                   start.done,
                                                                   catalogue,
                                                                   side,
                                                                   std::move(open_xa)));
}

}  // namespace tributary::mysql
