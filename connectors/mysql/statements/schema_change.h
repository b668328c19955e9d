// A DDL statement about one table or database, as a log entry has it: what follows the head of an
// 'S' (entry_payload.h). The bytes outlive the process: golden-tested. Pure; any thread.
//   byte     DdlKind
//   sized    text of the statement, empty when it is not told
//   byte     1: the table's structure behind it follows; 0: it is not known, or there is none
//   sized    character set of the table
//   varint   columns, each: sized name, data type, column type, character set; byte 1 nullable;
//            byte 1 and sized default, or byte 0; sized extra, generation expression
//            (catalogue_port.h)
//   varint   columns of the primary key, each: sized name
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/result.h"
#include "connectors/mysql/server/catalogue_port.h"
#include "connectors/mysql/server_kind.h"
#include "connectors/mysql/statements/ddl.h"
#include "model/change.h"

namespace tributary::mysql {

struct SchemaChange {
    DdlKind kind = DdlKind::alter_table;
    std::string_view text{};
    std::optional<TableStructure> structure{};
};

void append_schema_change(std::string& out, const SchemaChange& change);
// kEntryCorrupt when it is not as written.
[[nodiscard]] Result<SchemaChange> parse_schema_change(std::string_view bytes);

// As a consumer sees it; everything lives in `arena`.
[[nodiscard]] const StructureChange* describe(const SchemaChange& change,
                                              ServerKind server,
                                              Arena& arena);

}  // namespace tributary::mysql
