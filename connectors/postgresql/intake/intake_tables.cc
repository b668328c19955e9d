// Intake, tables: which are selected, with which columns, when the stream describes one.
#include <algorithm>
#include <utility>

#include "connectors/postgresql/intake/intake.h"
#include "connectors/postgresql/values/table_schema.h"
#include "connectors/postgresql/values/text_values.h"
#include "model/errors.h"

namespace tributary::postgresql {
namespace {

std::vector<std::uint32_t> type_oids(const RelationMessage& relation) {
    std::vector<std::uint32_t> out;
    RelationColumnReader columns(relation);
    RelationColumn column;
    while (columns.next(column)) {
        out.push_back(column.type_oid);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

// A database without an encoding may have names that no JSON can hold.
Result<void> check_names(const TableSchema& table) {
    const auto check = [](const std::string& name) -> Result<void> {
        if (is_utf8(name)) {
            return success();
        }
        std::string shown;
        for (const char c : name) {
            const bool plain = c > ' ' && c <= '~';
            shown += plain ? c : '?';
        }
        return Error(errors::kConfigInvalid,
                     "the name \"" + shown +
                         "\" is not UTF-8: rename it, or leave it out with tables.exclude or "
                         "tables.exclude_columns");
    };
    TRIBUTARY_TRY_VOID(check(table.schema));
    TRIBUTARY_TRY_VOID(check(table.table));
    for (const Column& column : table.columns) {
        TRIBUTARY_TRY_VOID(check(column.name));
        for (const std::string& label : column.type.labels) {
            TRIBUTARY_TRY_VOID(check(label));
        }
    }
    return success();
}

}  // namespace

Result<void> Intake::on_relation(std::string_view message, EntrySink& sink) {
    TRIBUTARY_TRY(relation, parse_relation(message));
    auto& slot = tables_[relation.oid];
    if (!slot) {
        slot = std::make_unique<Table>();
    }
    Table table;
    table.name.append(relation.schema).append(1, '.').append(relation.table);
    table.column_count = relation.column_count;
    table.selected = filter_.table_selected(relation.schema, relation.table);
    if (table.selected) {
        TRIBUTARY_TRY_VOID(select_columns(relation, table, sink));
    }
    *slot = std::move(table);
    return success();
}

Result<void> Intake::select_columns(const RelationMessage& relation,
                                    Table& table,
                                    EntrySink& sink) {
    if (in_transaction_) {
        TRIBUTARY_TRY_VOID(catalogue_->await_visible(begin_.xid));
    }
    TRIBUTARY_TRY(catalogue, catalogue_->read(relation.oid, type_oids(relation)));
    TableSchema schema = merge_table(options_.database, relation, catalogue);
    TRIBUTARY_TRY(chosen, filter_.settle_key(schema));
    if (chosen) {
        table.unsent_key = unsent_key(schema, catalogue);
    }
    if (std::string column = drop_uncarried_key(schema); !column.empty()) {
        uncarried_keys_.push_back({table.name, std::move(column)});
    }
    std::vector<Column> kept;
    for (auto& column : schema.columns) {
        const bool keep = filter_.column_selected(schema.schema, schema.table, column.name);
        table.keep.push_back(keep);
        table.key.push_back(column.key_index != 0 && column.identity);
        if (keep) {
            kept.push_back(std::move(column));
        }
    }
    table.kept_count = static_cast<std::uint16_t>(kept.size());
    table.drops_columns = table.kept_count != table.column_count;
    schema.columns = std::move(kept);
    TRIBUTARY_TRY_VOID(check_names(schema));
    table.columns = column_signature(schema);
    table.schema_id = sink.intern(std::make_shared<const TableSchema>(std::move(schema)));
    return success();
}

}  // namespace tributary::postgresql
