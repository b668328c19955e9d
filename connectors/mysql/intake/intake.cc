// The intake state machine: intake.h has the rules.
#include "connectors/mysql/intake/intake.h"

#include "base/arena.h"
#include "base/planted.h"
#include "connectors/mysql/intake/intake_machine.h"
#include "connectors/mysql/values/charset.h"

namespace tributary::mysql {
namespace {

// Text of a statement that is looked at.
constexpr std::size_t kStatementBytesMax = 1U << 20U;

Error violation(std::string what) {
    return {errors::kProtocolViolation, std::move(what)};
}

}  // namespace

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
    const auto again = comes_again(event, header.value());
    if (!again) {
        return again.error().at(place());
    }
    if (again.value()) {
        receive(event);
        return success();
    }
    if (before_place(event)) {
        return success();
    }
    measure(event, header.value());
    const Now now{event, header.value(), event.bytes.substr(kEventHeaderBytes), now_us, sink};
    auto done = state_ == State::moving ? Result<void>(violation("event while rows are copied"))
                                        : dispatch(now);
    if (!done) {
        return done.error().at(place());
    }
    receive(event);
    return success();
}

// Whether it is of the last transaction, which was taken in before.
Result<bool> IntakeMachine::comes_again(const EventView& event, const EventHeader& header) {
    if (!last_again_) {
        return false;
    }
    const auto seen =
        last_again_->on_event(header, event.bytes, {std::string(event.file), event.offset});
    const std::string name = to_string(last_again_->last().transaction);
    if (last_again_->over()) {
        last_again_.reset();
    }
    if (seen == LastAgain::Seen::differs && planted::is(planted::Bug::last_not_compared)) {
        return true;
    }
    switch (seen) {
        case LastAgain::Seen::again:
            return true;
        case LastAgain::Seen::other:
            return false;
        case LastAgain::Seen::differs:
            return Error(errors::kSourceDiverged,
                         "transaction " + name +
                             " was taken in, and the server has another one in its place now: it "
                             "forgot its last transactions in a crash (sync_binlog), or an older "
                             "copy of it was put back");
    }
    return false;
}

void IntakeMachine::measure(const EventView& event, const EventHeader& header) {
    if (!FingerprintMeter::counts(header.type)) {
        return;
    }
    if (state_ == State::idle) {
        meter_.clear();
    }
    meter_.add(event.bytes);
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
    TRIBUTARY_TRY_VOID(transaction_.begin(
        {.id = {std::move(gtid), {std::string(now.event.file), now.event.offset}},
         .server_id = now.header.server_id,
         .commit_time_us = commit_time_us}));
    return check_half(transaction_.id().start);
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
    if (event.gtid && planted::is(planted::Bug::gtid_done_at_begin)) {
        resume_.executed.add(*event.gtid);
        publish_resume(now.sink);
    }
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
    text = text.substr(0, kStatementBytesMax);
    // Names in it must be those of the catalogue; BEGIN and its like are never looked at twice.
    const bool plain = std::all_of(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    const auto converter = plain ? nullptr : make_converter_of(query.collation);
    Arena arena(std::size_t{4} << 10U);
    return on_statement(now, query, converter == nullptr ? text : converter->to_utf8(text, arena));
}

Result<void> IntakeMachine::on_statement(const Now& now,
                                         const Query& query,
                                         std::string_view text) {
    Statement statement = classify(text);
    fold_case(statement.database);
    fold_case(statement.table);
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
                                 " has rows and a ROLLBACK TO SAVEPOINT" + behind_this());
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
            return on_ddl(now, query, text);
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

// Structures stay as they were.
Result<void> IntakeMachine::on_truncate(const Now& now,
                                        const Statement& statement,
                                        const Query& query) {
    const std::string database =
        statement.database.empty() ? std::string(query.database) : statement.database;
    TRIBUTARY_TRY(ordinal, transaction_.next_ordinal());
    if (statement.has_table && tables_.selected(database, statement.table)) {
        if (watcher_ != nullptr && watcher_->wants(mysql_gtid_, transaction_.id().start)) {
            watcher_->on_truncate(database, statement.table);
        }
        const bool withheld = withholds(database + "." + statement.table);
        if (!withheld) {
            transaction_.count_statement();
        }
        if (!withheld && !transaction_.repeated(ordinal)) {
            payload_.clear();
            append_event_head(payload_,
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

// What `tributary reset --from` takes to go on behind the transaction under way: GTIDs. Its end, in
// a file, may not have come.
std::string IntakeMachine::behind_this() const {
    if (!resume_.by_gtid) {
        return {};
    }
    ResumePoint point = resume_;
    if (mysql_gtid_) {
        point.executed.add(*mysql_gtid_);
    }
    if (mariadb_gtid_) {
        point.gtid_position.add(*mariadb_gtid_);
    }
    return "; it ends at " + point.gtids();
}

// Rows of a table that cannot roll back stay, others went: which is which the log does not say.
Result<void> IntakeMachine::on_rollback(const Now& now) {
    if (state_ == State::open && xid_.empty() && transaction_.event_count() > 0) {
        return Error(
            errors::kBinlogUndone,
            "transaction " + to_string(transaction_.id()) + " has rows and a ROLLBACK" +
                (resume_.by_gtid ? behind_this() : "; it ends at " + to_string(behind(now))));
    }
    if (!xid_.empty()) {
        transaction_.withdraw();
    }
    xa_bytes_ -= xid_bytes_;
    xid_bytes_ = 0;
    xid_.clear();
    return end_transaction(behind(now), now.us, now.sink);
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
    Fingerprint& last = resume_.last ? *resume_.last : resume_.last.emplace();
    last.transaction = transaction_.id();
    last.commit_time_us = transaction_.commit_time_us();
    last.events = meter_.events();
    last.crc = meter_.crc();
    last.server = options_.server_mark;
    last.before.clear();
    if (resume_.by_gtid && mariadb_gtid_) {
        const MariadbGtid* before = resume_.gtid_position.find(mariadb_gtid_->domain);
        last.before = before == nullptr ? std::string() : to_string(*before);
    }
    if (resume_.by_gtid && mysql_gtid_) {
        if (planted::is(planted::Bug::tag_forgotten)) {
            mysql_gtid_->tag.clear();
        }
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

Result<void> IntakeMachine::begin(std::int64_t now_us, EntrySink& sink) {
    if (options_.fresh) {
        TRIBUTARY_TRY_VOID(erase_side_under(kXaPrefix, now_us, sink));
        flush_position(now_us, sink);
    }
    return success();
}

void IntakeMachine::flush_position(std::int64_t now_us, EntrySink& sink) {
    if (state_ != State::idle || !moved_) {
        return;
    }
    append_position(now_us, sink);
    publish_resume(sink);
    moved_ = false;
}

Result<std::unique_ptr<Intake>> Intake::make(const IntakeOptions& options,
                                             const StartPoint& start,
                                             Catalogue* catalogue,
                                             const SideReader& side) {
    TRIBUTARY_TRY(filter, TableFilter::make(options.filter));
    auto resume = decode_resume(start.resume);
    if (!resume || resume->server != options.server) {
        return Error(errors::kSourceDiverged, "the resume position is not of this kind of server");
    }
    auto done = decode_done(start.done);
    if (!done && !start.done.empty()) {
        return Error(errors::kSourceDiverged, "the done position is not of mysql");
    }
    std::map<std::string, XaHead> open_xa;
    CommittedXa committed_xa;
    if (!options.fresh) {  // else begin() erases what there is
        TRIBUTARY_TRY(heads, load_xa_heads(side));
        TRIBUTARY_TRY(committed, CommittedXa::load(side));
        open_xa = std::move(heads);
        committed_xa = std::move(committed);
    }
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
                                                                   std::move(open_xa),
                                                                   std::move(committed_xa)));
}

}  // namespace tributary::mysql
