// The transaction under way: transaction.h.
#include "connectors/mysql/intake/transaction.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/planted.h"
#include "model/errors.h"

namespace tributary::mysql {

Transaction::Transaction(ServerKind server, std::optional<Identity> start_done, Position done)
    : server_(server), start_done_(std::move(start_done)), done_(std::move(done)) {
    if (start_done_ && start_done_->ordinal != kWholeTransaction) {
        expected_ = start_done_;
    }
}

Result<void> Transaction::begin(Begin begin) {
    id_ = std::move(begin.id);
    server_id_ = begin.server_id;
    commit_time_us_ = begin.commit_time_us;
    thread_id_ = 0;
    xid_.clear();
    rows_file_.clear();
    context_open_ = false;
    skip_through_.reset();
    if (start_done_ && same(start_done_->transaction, id_)) {
        // A half one must be the very same: a server that forgot it may have given its GTID away.
        const bool another = expected_ && start_done_->commit_time_us != 0 &&
                             start_done_->commit_time_us != commit_time_us_;
        if (another) {
            return replaced_by("another one of that name");
        }
        skip_through_ = start_done_->ordinal;
        expected_.reset();
        if (planted::is(planted::Bug::half_row_again) && *skip_through_ > 0 &&
            *skip_through_ != kWholeTransaction) {
            --*skip_through_;
        }
    }
    ordinal_ = 0;
    ++number_;
    end_ = {};
    has_statement_ = false;
    return success();
}

Error Transaction::replaced_by(const std::string& what) const {
    return {errors::kSourceDiverged,
            "transaction " + to_string(expected_->transaction) + " was taken in up to row " +
                std::to_string(expected_->ordinal) + ", but the server goes on with " + what};
}

void Transaction::adopt(const XaHead& head, std::string xid) {
    xid_ = std::move(xid);
    if (head.prepared.start.file != id_.start.file) {
        rows_file_ = head.prepared.start.file;
    }
    end_.event_count = head.event_count;
    end_.tables = head.tables;
    ordinal_ = head.rows_end;
}

Result<std::uint32_t> Transaction::next_ordinal() {
    if (ordinal_ == kWholeTransaction) {
        return Error(errors::kProtocolViolation,
                     "more than 4294967295 rows in transaction " + to_string(id_));
    }
    return ordinal_++;
}

void Transaction::count(Table& table) {
    ++end_.event_count;
    if (table.tally_transaction != number_) {
        const auto at =
            std::find_if(end_.tables.begin(), end_.tables.end(), [&table](const auto& tally) {
                return tally.table == table.name;
            });
        table.tally = static_cast<std::uint32_t>(at - end_.tables.begin());
        table.tally_transaction = number_;
        if (at == end_.tables.end()) {
            end_.tables.push_back({table.name, 0});
        }
    }
    ++end_.tables[table.tally].count;
}

void Transaction::start_payload(std::string& out, EventHead head, const Table& table) const {
    out.clear();
    head.order = end_.event_count;
    head.table_order = end_.tables[table.tally].count;
    append_event_head(out, head);
}

// The context when the first entry comes: a transaction without selected changes never gets one.
void Transaction::open_context(std::int64_t now_us, EntrySink& sink) {
    scratch_.clear();
    append_context(scratch_,
                   {.kind = ContextKind::transaction,
                    .server = server_,
                    .file = id_.start.file,
                    .offset = id_.start.offset,
                    .gtid = id_.gtid,
                    .server_id = server_id_,
                    .thread_id = thread_id_,
                    .commit_time_us = commit_time_us_,
                    .xid = xid_,
                    .rows_file = rows_file_});
    sink.context(scratch_, now_us);
    context_open_ = true;
    encode_done_into({.transaction = id_, .ordinal = 0, .commit_time_us = commit_time_us_}, done_);
}

Result<void> Transaction::append(EntryKind kind,
                                 SchemaId schema,
                                 std::uint32_t ordinal,
                                 std::string_view payload,
                                 std::int64_t now_us,
                                 EntrySink& sink) {
    if (expected_) {
        return replaced_by(to_string(id_));
    }
    if (!context_open_) {
        open_context(now_us, sink);
    }
    // The ordinal is what ends the bytes.
    store(done_.bytes.data() + done_.bytes.size() - sizeof ordinal, ordinal, Endian::big);
    sink.append(
        kind, schema, kind == EntryKind::change ? ordinal : kWholeTransaction, payload, done_);
    return success();
}

Result<bool> Transaction::append_end(const Place& next, std::int64_t now_us, EntrySink& sink) {
    if (skip_through_ && *skip_through_ != kWholeTransaction && *skip_through_ >= ordinal_) {
        return Error(errors::kSourceDiverged,
                     "transaction " + to_string(id_) + " has " + std::to_string(ordinal_) +
                         " rows, but was taken in up to row " + std::to_string(*skip_through_));
    }
    if ((end_.event_count == 0 && !has_statement_) || repeated(kWholeTransaction)) {
        return false;
    }
    end_.file = next.file;
    end_.offset = next.offset;
    std::string payload;
    append_transaction_end(payload, end_);
    TRIBUTARY_TRY_VOID(
        append(EntryKind::transaction_end, SchemaId(), kWholeTransaction, payload, now_us, sink));
    return true;
}

void Transaction::begin_rows(const Place& place,
                             std::int64_t read_time_us,
                             std::int64_t now_us,
                             EntrySink& sink) {
    scratch_.clear();
    append_context(scratch_,
                   {.kind = ContextKind::snapshot,
                    .server = server_,
                    .file = place.file,
                    .offset = place.offset,
                    .commit_time_us = read_time_us});
    sink.context(scratch_, now_us);
    context_open_ = false;
}

void Transaction::append_position(const Place& place, std::int64_t now_us, EntrySink& sink) {
    scratch_.clear();
    append_context(scratch_,
                   {.kind = ContextKind::position,
                    .server = server_,
                    .file = place.file,
                    .offset = place.offset});
    sink.context(scratch_, now_us);
    context_open_ = false;
    sink.append(EntryKind::position, SchemaId(), 0, {}, done_);
}

}  // namespace tributary::mysql
