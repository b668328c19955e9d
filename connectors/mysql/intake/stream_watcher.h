// What a snapshot is told of the stream while it holds rows, in the order of the stream. Called by
// Intake on its thread.
#pragma once

#include <optional>
#include <string_view>

#include "connectors/mysql/binlog/gtid.h"
#include "connectors/mysql/position.h"
#include "model/ids.h"
#include "model/schema.h"

namespace tributary::mysql {

class StreamWatcher {
  public:
    virtual ~StreamWatcher() = default;

    // Whether what follows is wanted for changes of this transaction: MySQL's GTID,
    // if it has one, and where it begins. Of an XA transaction: its XA COMMIT.
    [[nodiscard]] virtual bool wants(const std::optional<MysqlGtid>& gtid,
                                     const Place& start) const = 0;
    // Whether changes of this table ("database.table") are not to be appended.
    [[nodiscard]] virtual bool withholds(std::string_view table) const = 0;
    // A change, as it goes into the log.
    virtual void on_row(SchemaId id, const TableSchema& schema, std::string_view payload) = 0;
    virtual void on_truncate(std::string_view database, std::string_view table) = 0;
    // A statement about the table, or, without one, about its database: it may be another one now,
    // or none.
    virtual void on_ddl(std::string_view database, std::string_view table) = 0;
};

}  // namespace tributary::mysql
