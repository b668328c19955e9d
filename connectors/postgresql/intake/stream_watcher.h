// What a snapshot is told of the stream while it holds rows, in the order of the stream. Called by
// Intake on its thread. PostgreSQL 15 manual 55.9, Begin, Insert, Update, Delete, Truncate.
#pragma once

#include <cstdint>
#include <string_view>

#include "connectors/postgresql/lsn.h"
#include "connectors/postgresql/stream/pgoutput.h"

namespace tributary::postgresql {

class StreamWatcher {
  public:
    virtual ~StreamWatcher() = default;

    // A transaction begins: its top-level id, and where its commit record is.
    virtual void on_begin(std::uint32_t xid, Lsn commit_lsn) = 0;
    // Whether on_row() and on_truncate() are wanted for this table and the open transaction.
    [[nodiscard]] virtual bool wants(std::uint32_t relation) const = 0;
    // Whether changes of this table ("schema.table") are not to be appended.
    [[nodiscard]] virtual bool withholds(std::string_view table) const = 0;
    // A change, with the selected columns only; `columns`: their column_signature().
    virtual void on_row(std::string_view columns, const RowMessage& row) = 0;
    virtual void on_truncate(std::uint32_t relation) = 0;
    // The transaction is over and was appended, or had nothing that is selected; `selected`: also
    // if all of it was withheld.
    virtual void on_commit(bool selected) = 0;
};

}  // namespace tributary::postgresql
