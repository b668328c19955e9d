// What intake needs to know from the server's catalogue, and the port it asks through; implemented
// over SQL by the I/O half. Threads: called by the intake thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/position.h"

namespace tributary::mysql {

// One row of information_schema.COLUMNS. No row is left out, invisible columns neither; hidden ones
// (MariaDB's row_start and row_end of implicit versioning) are not in it.
struct CatalogueColumn {
    std::string name;                         // COLUMN_NAME
    std::string data_type;                    // DATA_TYPE: "int", "enum", "uuid"
    std::string column_type;                  // COLUMN_TYPE: "int(10) unsigned", "enum('a','b')"
    std::string collation;                    // COLLATION_NAME; empty when none
    std::string character_set;                // CHARACTER_SET_NAME; empty when none
    bool nullable = true;                     // IS_NULLABLE
    std::optional<std::string> default_text;  // COLUMN_DEFAULT as the server gives it
    std::string extra;                        // EXTRA: "auto_increment", "DEFAULT_GENERATED", ...
    std::string generation_expression;  // GENERATION_EXPRESSION: "ROW END", "`a` + 1"; or empty
    bool in_updates = true;             // false: the server leaves it out of updates and deletes
};

struct TableStructure {
    bool exists = false;                   // false: dropped meanwhile
    bool system_versioned = false;         // MariaDB: TABLE_TYPE 'SYSTEM VERSIONED'
    std::string character_set;             // of columns that say none
    std::vector<CatalogueColumn> columns;  // by ORDINAL_POSITION
    // In index order; of a table without one the unique index that stands for it; else empty.
    std::vector<std::string> primary_key;
    std::string key_index;  // the index that it is of: "PRIMARY", or that one's name
};

class Catalogue {
  public:
    virtual ~Catalogue() = default;
    // What the catalogue says now. Transient errors: the connection is lost. Nothing is cached.
    [[nodiscard]] virtual Result<TableStructure> columns(const std::string& database,
                                                         const std::string& table) = 0;
    // What it said just behind the statement that ends at `place`; none where that cannot be proven
    // any more: because of a later statement about the table, because too much came after, or
    // because somebody holds the table.
    [[nodiscard]] virtual Result<std::optional<TableStructure>> columns_at(
        const std::string& /*database*/, const std::string& /*table*/, const Place& /*place*/) {
        return std::optional<TableStructure>();
    }
};

}  // namespace tributary::mysql
