// Tables: what TABLE_MAP events said on this connection, joined with the filter and the schema; one
// look per rows event. A map whose bytes are those of the last one for its table id costs a
// comparison. Of a table that is not selected nothing but its name and the sizes of its values is
// looked at. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connectors/mysql/position.h"
#include "connectors/mysql/server/catalogue_port.h"
#include "connectors/mysql/server_kind.h"
#include "connectors/mysql/values/row_image.h"
#include "connectors/mysql/values/table_map.h"
#include "model/table_filter.h"
#include "ports/source.h"

namespace tributary::mysql {

struct Table {
    bool selected = false;
    bool sized = false;  // `layout` is known: rows can be told apart
    std::string map_bytes;
    std::string name;  // "database.table"
    RowLayout layout;
    SchemaId schema_id;                         // of the columns that are kept
    std::shared_ptr<const TableSchema> schema;  // likewise
    bool drops_columns = false;
    std::vector<bool> keep;               // by column of the map
    std::vector<bool> key;                // by column of the map, up to the last of the key
    bool key_chosen = false;              // by the configuration
    std::size_t row_end = 0;              // row_end_column() of the map's columns
    std::uint32_t tally = 0;              // place in the open transaction's tallies,
    std::uint64_t tally_transaction = 0;  // if this is its number
};

class Tables {
  public:
    // `catalogue` may be null; else it outlives this.
    Tables(ServerKind server, TableFilter filter, Catalogue* catalogue)
        : server_(server), filter_(std::move(filter)), catalogue_(catalogue) {}

    // A TABLE_MAP event's body. kProtocolViolation; of a selected table also kSchemaMismatch,
    // kConfigInvalid (an excluded key column), or what the catalogue failed with.
    [[nodiscard]] Result<void> on_table_map(std::string_view body, EntrySink& sink);

    // nullptr: no map for this id came.
    [[nodiscard]] Table* find(std::uint64_t table_id);

    // A statement may have changed any structure,
    void clear();
    // or that of one table; an empty name: of every table of the database.
    void forget(const std::string& database, const std::string& table);

    // The structure of a selected table just behind a statement about it, which ends at `place`;
    // none where the catalogue cannot prove it. Kept for the rows that follow.
    [[nodiscard]] Result<std::optional<TableStructure>> structure_at(const std::string& database,
                                                                     const std::string& table,
                                                                     const Place& place);

    // The servers' own databases never are.
    [[nodiscard]] bool selected(std::string_view database, std::string_view table) const;
    [[nodiscard]] bool database_selected(std::string_view database) const;
    // Takes the columns out that are not selected; whether there were any.
    bool take_out_columns(const std::string& database,
                          const std::string& table,
                          TableStructure& structure) const;
    [[nodiscard]] bool takes_every_column() const { return filter_.takes_every_column(); }

    // A structure without columns, for a TRUNCATE and for DDL: they have no row, and what a table
    // was when its rows came last depends on when the connection began.
    [[nodiscard]] static SchemaId bare_schema(const std::string& database,
                                              const std::string& table,
                                              EntrySink& sink);

  private:
    Result<void> describe(std::string_view body, Table& table, EntrySink& sink);
    Result<TableStructure> structure_of(const TableMap& map);
    void remember(const std::string& database,
                  const std::string& table,
                  const TableStructure& structure);

    ServerKind server_;
    TableFilter filter_;
    Catalogue* catalogue_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Table>> tables_;
    std::uint64_t last_id_ = 0;
    Table* last_ = nullptr;
    // What the catalogue said last, by database and table: no statement about it came since.
    std::map<std::pair<std::string, std::string>, TableStructure> structures_;
};

}  // namespace tributary::mysql
