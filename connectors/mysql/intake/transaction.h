// The transaction that intake is in, and how its entries reach the sink: identity, order numbers,
// tallies, context, what a re-send repeats. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/intake/tables.h"
#include "connectors/mysql/intake/xa_rows.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server_kind.h"
#include "ports/source.h"

namespace tributary::mysql {

class Transaction {
  public:
    Transaction(ServerKind server, std::optional<Identity> start_done, Position done);

    // What the transaction's first event says of it.
    struct Begin {
        TransactionId id;
        std::uint32_t server_id = 0;
        std::int64_t commit_time_us = 0;
    };
    // kSourceDiverged: one of that name was half taken in, and this is another.
    [[nodiscard]] Result<void> begin(Begin begin);
    void set_thread(std::uint32_t thread_id) { thread_id_ = thread_id; }

    // The rows are those that `head` kept: order numbers and tallies are its own.
    void adopt(const XaHead& head, std::string xid);

    // Counts a row, a TRUNCATE, or a table or database of a DDL statement. kProtocolViolation: more
    // than an ordinal can tell.
    [[nodiscard]] Result<std::uint32_t> next_ordinal();
    // One of them is of a selected table.
    void count(Table& table);
    // One TRUNCATE or DDL of what is selected, which belongs to no transaction in the metadata.
    void count_statement() noexcept { has_statement_ = true; }
    // Its rows, which nobody was told of, were rolled back.
    void withdraw() noexcept { end_ = {}; }
    [[nodiscard]] bool repeated(std::uint32_t ordinal) const noexcept {
        return skip_through_ && ordinal <= *skip_through_;
    }

    // A part of it was taken in before the start.
    [[nodiscard]] bool is_half_known() const noexcept {
        return skip_through_ && *skip_through_ != kWholeTransaction;
    }

    // The head of the change counted last, into `out`, which is emptied. `table` as in count().
    void start_payload(std::string& out, EventHead head, const Table& table) const;

    // kSourceDiverged, once, when something else was half taken in and this is not it.
    [[nodiscard]] Result<void> append(EntryKind kind,
                                      SchemaId schema,
                                      std::uint32_t ordinal,
                                      std::string_view payload,
                                      std::int64_t now_us,
                                      EntrySink& sink);
    // Its end, when anything of it was selected: true when an entry was appended. kSourceDiverged:
    // it has fewer rows than were taken in of it.
    [[nodiscard]] Result<bool> append_end(const Place& next, std::int64_t now_us, EntrySink& sink);

    // Rows of a snapshot that belong at `place`, between transactions: their context, then each
    // row (entry_payload.h), by a number of its own.
    void begin_rows(const Place& place,
                    std::int64_t read_time_us,
                    std::int64_t now_us,
                    EntrySink& sink);
    void append_snapshot_row(SchemaId schema,
                             std::uint32_t ordinal,
                             std::string_view payload,
                             EntrySink& sink) {
        sink.append(EntryKind::change, schema, ordinal, payload, done_);
    }

    // An entry that says only where intake is.
    void append_position(const Place& place, std::int64_t now_us, EntrySink& sink);

    // Another one was half taken in before the start, and has not come again.
    [[nodiscard]] const std::optional<Identity>& expected() const noexcept { return expected_; }
    // kSourceDiverged: it does not come any more.
    [[nodiscard]] Error replaced_by(const std::string& what) const;
    [[nodiscard]] const TransactionId& id() const noexcept { return id_; }
    [[nodiscard]] std::int64_t commit_time_us() const noexcept { return commit_time_us_; }
    [[nodiscard]] std::uint32_t ordinal() const noexcept { return ordinal_; }
    [[nodiscard]] std::uint64_t event_count() const noexcept { return end_.event_count; }
    [[nodiscard]] const TransactionEnd& end() const noexcept { return end_; }

  private:
    void open_context(std::int64_t now_us, EntrySink& sink);

    ServerKind server_;
    std::optional<Identity> expected_;  // half taken in before the start, not yet come again
    std::optional<Identity> start_done_;
    Position done_;

    TransactionId id_;
    std::uint32_t server_id_ = 0;
    std::uint32_t thread_id_ = 0;
    std::int64_t commit_time_us_ = 0;
    std::string xid_;
    std::string rows_file_;
    bool context_open_ = false;
    std::optional<std::uint32_t> skip_through_;
    std::uint32_t ordinal_ = 0;  // of the next row
    std::uint64_t number_ = 0;   // of transactions, to tell tallies apart
    TransactionEnd end_;         // counts of selected changes, repeats included
    bool has_statement_ = false;
    std::string scratch_;
};

}  // namespace tributary::mysql
