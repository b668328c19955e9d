// Rows of XA transactions: into the side keyspace, and from there to the stream or away
// (xa_rows.h).
#include "connectors/mysql/intake/intake_machine.h"

namespace tributary::mysql {
namespace {

// Side bytes after which a position entry takes them to the log.
constexpr std::uint64_t kSideBytesPerEntry = 256U << 10U;
constexpr std::size_t kRowsPerScan = 64;
constexpr std::size_t kErasedPerEntry = 256;

Error violation(std::string what) {
    return {errors::kProtocolViolation, std::move(what)};
}

}  // namespace

Result<void> IntakeMachine::start_xa(const Now& now, std::string xid) {
    if (xid.empty()) {
        return violation("an XA transaction without an identifier");
    }
    xid_ = std::move(xid);
    xid_bytes_ = 0;
    // What an attempt before this one left, when the connection or the agent ended in between.
    return erase_side_under(xa_row_prefix(xid_), now.us, now.sink);
}

Result<void> IntakeMachine::erase_side_under(std::string_view prefix,
                                             std::int64_t now_us,
                                             EntrySink& sink) {
    std::string after;
    for (;;) {
        TRIBUTARY_TRY(entries, side_.scan(prefix, after, kErasedPerEntry));
        for (const SideEntry& entry : entries) {
            sink.erase_side(entry.key);
        }
        if (entries.empty()) {
            return success();
        }
        append_position(now_us, sink);
        after = entries.back().key;
    }
}

// Keeps the row in payload_ until XA COMMIT.
Result<void> IntakeMachine::hold_row(const Now& now, const Table& table, std::uint32_t ordinal) {
    side_value_.clear();
    encode_xa_row(side_value_, table.schema_id, payload_);
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
    committed_xa_.forget(xid, now.sink);
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
        if (commit && !committed_xa_.contains(statement.xid)) {
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
    const bool watched =
        watcher_ != nullptr && watcher_->wants(mysql_gtid_, transaction_.id().start);
    while (!sink.full()) {
        TRIBUTARY_TRY(rows, side_.scan(prefix, after, kRowsPerScan));
        for (const SideEntry& entry : rows) {
            TRIBUTARY_TRY(row, decode_xa_row(entry.key, entry.value));
            sink.erase_side(entry.key);
            if (row.ordinal >= move_.head.rows_end || transaction_.repeated(row.ordinal)) {
                continue;
            }
            const auto schema = sink.schema(row.schema);
            if (schema == nullptr) {
                return Error(errors::kEntryCorrupt,
                             "a row of " + describe_xid(move_.xid) + ": schema " +
                                 std::to_string(row.schema.value()) + " is not known");
            }
            if (watched) {
                watcher_->on_row(row.schema, *schema, row.payload);
            }
            if (withholds(schema->database + "." + schema->table)) {
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
        if (move_.commit) {
            committed_xa_.add(move_.xid, sink);
        }
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

}  // namespace tributary::mysql
