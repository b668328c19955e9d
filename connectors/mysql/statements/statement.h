// What a QUERY event's text is, as far as intake must know: a mark of a transaction, a step of an
// XA transaction, a change of rows logged as a statement, or something else (DDL). No SQL grammar:
// the first words, and the table where the form is plain. Total over any bytes. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tributary::mysql {

enum class StatementKind : std::uint8_t {
    begin,
    commit,
    rollback,
    savepoint,    // SAVEPOINT and RELEASE SAVEPOINT
    rollback_to,  // ROLLBACK TO a savepoint
    xa_start,
    xa_end,
    xa_prepare,
    xa_commit,
    xa_rollback,
    row_change,  // INSERT, UPDATE, DELETE, ..: rows that are in no rows event
    truncate,
    other,
};

struct Statement {
    StatementKind kind = StatementKind::other;
    std::string xid{};       // xa_*: make_xid() of events.h; empty when it cannot be read
    bool one_phase = false;  // xa_commit .. ONE PHASE
    // row_change and truncate: the table that is changed, where the text names exactly one; the
    // database is empty when the text has none.
    bool has_table = false;
    std::string database{};
    std::string table{};
};

// `text` may be cut behind its first few hundred bytes.
[[nodiscard]] Statement classify(std::string_view text);

}  // namespace tributary::mysql
