// What TABLE_MAP events said: tables.h.
#include "connectors/mysql/intake/tables.h"

#include <algorithm>
#include <array>
#include <utility>

#include "connectors/mysql/values/table_map.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

// Maps are sent again before each statement's rows: forgetting costs a parse.
constexpr std::size_t kTablesMax = 4096;

// The servers' own databases.
bool is_own(std::string_view database) {
    constexpr std::array<std::string_view, 4> kOwn{
        "mysql", "sys", "performance_schema", "information_schema"};
    return std::find(kOwn.begin(), kOwn.end(), database) != kOwn.end();
}

}  // namespace

bool Tables::selected(std::string_view database, std::string_view table) const {
    return !is_own(database) && filter_.table_selected(database, table);
}

bool Tables::database_selected(std::string_view database) const {
    return !is_own(database) && filter_.schema_selected(database);
}

bool Tables::take_out_columns(const std::string& database,
                              const std::string& table,
                              TableStructure& structure) const {
    return std::erase_if(structure.columns, [&](const CatalogueColumn& column) {
               return !filter_.column_selected(database, table, column.name);
           }) > 0;
}

Result<void> Tables::on_table_map(std::string_view body, EntrySink& sink) {
    const std::uint64_t id = table_id_of(body);
    Table* const known = find(id);
    if (known != nullptr && known->map_bytes == body) {
        return success();
    }
    auto table = std::make_unique<Table>();
    TRIBUTARY_TRY_VOID(describe(body, *table, sink));
    table->map_bytes = body;
    if (tables_.size() >= kTablesMax) {
        tables_.clear();
    }
    last_ = nullptr;
    tables_[id] = std::move(table);
    return success();
}

Result<void> Tables::describe(std::string_view body, Table& table, EntrySink& sink) {
    TRIBUTARY_TRY(name, parse_table_name(body));
    table.name.append(name.database).append(1, '.').append(name.table);
    table.selected = selected(name.database, name.table);
    auto map = parse_table_map(body, server_);
    if (!map) {
        if (table.selected) {
            return map.error().at(table.name);
        }
        return success();  // its rows cannot be told apart, and need not be
    }
    table.layout = row_layout(map.value());
    table.sized = true;
    if (!table.selected) {
        return success();
    }
    TRIBUTARY_TRY(structure, structure_of(map.value()));
    auto made = make_schema(map.value(), server_, std::move(structure));
    if (!made) {
        return made.error().at(table.name);
    }
    TableSchema schema = std::move(made.value());
    table.row_end = row_end_column(schema);
    TRIBUTARY_TRY(chosen, filter_.settle_key(schema));
    table.key_chosen = chosen;
    std::vector<Column> kept;
    for (auto& column : schema.columns) {
        bool keep = filter_.column_selected(name.database, name.table, column.name);
        if (!keep && table.keep.size() == table.row_end) {
            column.type = ColumnType{};  // not delivered, but it tells a delete from an update
            keep = true;
        }
        if (column.key_index != 0) {
            table.key.resize(table.keep.size() + 1);
            table.key.back() = true;
        }
        table.keep.push_back(keep);
        if (keep) {
            kept.push_back(std::move(column));
        }
    }
    if (table.keep.size() != table.layout.columns.size()) {
        return Error(errors::kSchemaMismatch,
                     table.name + ": " + std::to_string(table.layout.columns.size()) +
                         " columns in the log, " + std::to_string(table.keep.size()) +
                         " in its structure");
    }
    table.drops_columns = kept.size() != table.keep.size();
    schema.columns = std::move(kept);
    table.schema = std::make_shared<const TableSchema>(std::move(schema));
    table.schema_id = sink.intern(table.schema);
    return success();
}

Table* Tables::find(std::uint64_t table_id) {
    if (last_ != nullptr && last_id_ == table_id) {
        return last_;
    }
    const auto found = tables_.find(table_id);
    if (found == tables_.end()) {
        return nullptr;
    }
    last_id_ = table_id;
    last_ = found->second.get();
    return last_;
}

void Tables::clear() {
    tables_.clear();
    last_ = nullptr;
    structures_.clear();
}

void Tables::forget(const std::string& database, const std::string& table) {
    tables_.clear();
    last_ = nullptr;
    if (!table.empty()) {
        structures_.erase({database, table});
        return;
    }
    const auto first = structures_.lower_bound({database, {}});
    const auto last = std::find_if(first, structures_.end(), [&database](const auto& known) {
        return known.first.first != database;
    });
    structures_.erase(first, last);
}

void Tables::remember(const std::string& database,
                      const std::string& table,
                      const TableStructure& structure) {
    if (structures_.size() >= kTablesMax) {
        structures_.clear();
    }
    structures_[{database, table}] = structure;
}

// What was read when the table's last statement or first rows came, as long as it is of their time.
Result<TableStructure> Tables::structure_of(const TableMap& map) {
    const auto known = structures_.find({map.database, map.table});
    if (known != structures_.end() && describes(known->second, map, server_)) {
        return known->second;
    }
    if (catalogue_ == nullptr) {
        return TableStructure{};
    }
    TRIBUTARY_TRY(read, catalogue_->columns(map.database, map.table));
    if (describes(read, map, server_)) {
        remember(map.database, map.table, read);
    }
    return std::move(read);
}

Result<std::optional<TableStructure>> Tables::structure_at(const std::string& database,
                                                           const std::string& table,
                                                           const Place& place) {
    if (catalogue_ == nullptr) {
        return std::optional<TableStructure>();
    }
    TRIBUTARY_TRY(read, catalogue_->columns_at(database, table, place));
    if (read) {
        remember(database, table, *read);
    }
    return std::move(read);
}

SchemaId Tables::bare_schema(const std::string& database,
                             const std::string& table,
                             EntrySink& sink) {
    TableSchema schema;
    schema.database = database;
    schema.table = table;
    return sink.intern(std::make_shared<const TableSchema>(std::move(schema)));
}

}  // namespace tributary::mysql
