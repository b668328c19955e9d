// What TABLE_MAP events said: tables.h.
#include "connectors/mysql/tables.h"

#include <array>
#include <utility>

#include "connectors/mysql/table_map.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

// Maps are sent again before each statement's rows: forgetting costs a parse.
constexpr std::size_t kTablesMax = 4096;

}  // namespace

bool Tables::selected(std::string_view database, std::string_view table) const {
    constexpr std::array<std::string_view, 4> kOwn{
        "mysql", "sys", "performance_schema", "information_schema"};
    for (const std::string_view own : kOwn) {
        if (database == own) {
            return false;
        }
    }
    return filter_.table_selected(database, table);
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
        clear();
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
    auto made = make_schema(map.value(), server_, catalogue_);
    if (!made) {
        return made.error().at(table.name);
    }
    TableSchema schema = std::move(made.value());
    table.row_end = row_end_column(schema);
    std::vector<Column> kept;
    for (auto& column : schema.columns) {
        const bool keep = filter_.column_selected(name.database, name.table, column.name);
        if (!keep && column.key_index != 0) {
            return Error(errors::kConfigInvalid,
                         "tables.exclude_columns: " + table.name + "." + column.name +
                             " is part of the key");
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
