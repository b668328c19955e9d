// See workload.h.
#include "tests/differential/workload.h"

#include <algorithm>
#include <set>

namespace tributary::differential {
namespace {

constexpr std::size_t kTables = 3;
constexpr std::size_t kTransactionsPerRound = 12;
constexpr std::size_t kColumnsMax = 12;

// Left out: what neither side delivers, and what Debezium delivers as null.
bool takes_part(const TypeCase& type) {
    static const std::set<std::string> kNot{"name_type",
                                            "tsquery",
                                            "box",
                                            "circle",
                                            "isbn13",
                                            "ean13",
                                            "pg_lsn",
                                            "composite",
                                            "int4multirange",
                                            "varbit_1"};
    return kNot.find(type.name) == kNot.end();
}

}  // namespace

Workload::Workload(std::uint64_t seed)
    : random_(seed), prefix_("public.w" + std::to_string(seed) + "_") {
    for (const TypeCase& type : type_cases()) {
        if (takes_part(type)) {
            types_.push_back(&type);
        }
    }
}

std::size_t Workload::below(std::size_t bound) {
    return static_cast<std::size_t>(random_() % bound);
}

Workload::Column Workload::draw_column() {
    Column column;
    column.type = types_[below(types_.size())];
    column.array = column.type->array && chance(25);
    column.not_null = chance(30);
    column.name = (chance(30) ? "d_" : "c") + std::to_string(++names_) +
                  (column.array ? "_arr_" : "_") + column.type->name;
    return column;
}

std::string Workload::draw_value(const Column& column) {
    const TypeCase& type = *column.type;
    const auto one = [&]() -> std::string {
        if (type.name == "text" && chance(20)) {  // stored out of line
            return "(SELECT string_agg(md5((g + " + std::to_string(below(1000)) +
                   ")::text), '') FROM generate_series(1, 100) g)";
        }
        return sql_value(type, type.values[below(type.values.size())]);
    };
    if (!column.not_null && chance(20)) {
        return "NULL";
    }
    if (!column.array) {
        return one();
    }
    std::string text = "ARRAY[";
    const std::size_t count = below(4);
    for (std::size_t index = 0; index < count; ++index) {
        text += (index == 0 ? "" : ", ") + one();
    }
    return text + "]::" + type.type + "[]";
}

std::string Workload::definition(const Column& column) {
    std::string sql = column.name + " " + column.type->type + (column.array ? "[]" : "");
    if (column.name.starts_with("d_") || column.not_null) {
        const std::string& first = column.type->values.front();
        sql += " DEFAULT " + (column.array
                                  ? std::string("'{}'")
                                  : sql_value(*column.type, first)
                                        .substr(0, sql_value(*column.type, first).rfind("::")));
    }
    return sql + (column.not_null ? " NOT NULL" : "");
}

std::string Workload::create_table() {
    Table table;
    table.name = prefix_ + std::to_string(++names_);
    table.keyless = chance(15);
    if (table.keyless) {
        table.name += "_keyless";
    }
    std::string sql = "CREATE TABLE " + table.name + " (";
    const std::size_t count = 2 + below(5);
    for (std::size_t index = 0; index < count; ++index) {
        table.columns.push_back(draw_column());
        sql += definition(table.columns.back()) + ", ";
    }
    sql += table.keyless ? "id int)" : "id int PRIMARY KEY)";
    const bool full = table.keyless || chance(40);
    sql += full ? "; ALTER TABLE " + table.name + " REPLICA IDENTITY FULL" : "";
    tables_.push_back(std::move(table));
    return sql;
}

std::vector<std::string> Workload::create() {
    std::vector<std::string> out;
    while (tables_.size() < kTables) {
        out.push_back(create_table());
    }
    return out;
}

std::string Workload::insert(Table& table) {
    const int id = ++ids_;
    std::string columns = table.key;
    std::string values = std::to_string(id);
    for (const Column& column : table.columns) {
        const bool has_default = column.name.starts_with("d_") || column.not_null;
        if (has_default && chance(30)) {
            continue;
        }
        columns += ", " + column.name;
        values += ", " + draw_value(column);
    }
    table.rows.push_back(id);
    return "INSERT INTO " + table.name + " (" + columns + ") VALUES (" + values + ")";
}

std::string Workload::update(Table& table, int row) {
    std::string sql = "UPDATE " + table.name + " SET ";
    const Column& column = table.columns[below(table.columns.size())];
    sql += column.name + " = " + draw_value(column);
    if (chance(20)) {
        const int id = ++ids_;
        sql += ", " + table.key + " = " + std::to_string(id);
        std::replace(table.rows.begin(), table.rows.end(), row, id);
    }
    return sql + " WHERE " + table.key + " = " + std::to_string(row);
}

std::string Workload::change(Table& table) {
    if (table.rows.empty() || chance(40)) {
        return insert(table);
    }
    const std::size_t place = below(table.rows.size());
    const int row = table.rows[place];
    if (!table.columns.empty() && chance(60)) {
        return update(table, row);
    }
    if (chance(5)) {
        table.rows.clear();
        return "TRUNCATE " + table.name;
    }
    table.rows.erase(table.rows.begin() + static_cast<std::ptrdiff_t>(place));
    return "DELETE FROM " + table.name + " WHERE " + table.key + " = " + std::to_string(row);
}

std::string Workload::transaction() {
    const std::vector<Table> before = tables_;
    std::string sql = "BEGIN; ";
    const std::size_t count = 1 + below(6);
    for (std::size_t index = 0; index < count; ++index) {
        const std::vector<Table> saved = tables_;
        const bool back = chance(15);
        sql += back ? "SAVEPOINT s; " : "";
        sql += change(tables_[below(tables_.size())]) + "; ";
        if (back) {
            sql += "ROLLBACK TO s; ";
            tables_ = saved;
        }
    }
    if (chance(10)) {
        tables_ = before;
        return sql + "ROLLBACK";
    }
    return sql + "COMMIT";
}

std::vector<std::string> Workload::changes() {
    std::vector<std::string> out;
    for (std::size_t index = 0; index < kTransactionsPerRound; ++index) {
        out.push_back(chance(30) ? change(tables_[below(tables_.size())]) : transaction());
    }
    return out;
}

std::vector<std::string> Workload::structure() {
    Table& table = tables_[below(tables_.size())];
    const std::string alter = "ALTER TABLE " + table.name + " ";
    const std::size_t place = table.columns.empty() ? 0 : below(table.columns.size());
    const auto at = table.columns.begin() + static_cast<std::ptrdiff_t>(place);
    const std::size_t kind = below(11);
    if (kind == 0 || table.columns.empty() || table.columns.size() >= kColumnsMax) {
        if (table.columns.size() >= kColumnsMax) {
            const std::string name = at->name;
            table.columns.erase(at);
            return {alter + "DROP COLUMN " + name};
        }
        table.columns.push_back(draw_column());
        return {alter + "ADD COLUMN " + definition(table.columns.back())};
    }
    switch (kind) {
        case 1: {
            const std::string name = at->name;
            table.columns.erase(at);
            return {alter + "DROP COLUMN " + name};
        }
        case 2: {  // the same name, another type
            const Column old = *at;
            Column fresh = draw_column();
            const std::string drop = alter + "DROP COLUMN " + old.name;
            *at = fresh;
            return {drop + "; " + alter + "ADD COLUMN " + definition(fresh)};
        }
        case 3: {
            const std::string old = at->name;
            const auto head = old.find('_', 2);
            at->name =
                (old.starts_with("d_") ? "d_" : "c") + std::to_string(++names_) + old.substr(head);
            return {alter + "RENAME COLUMN " + old + " TO " + at->name};
        }
        case 4: {  // any type reads its own text
            static const auto* const kText =
                &*std::find_if(type_cases().begin(), type_cases().end(), [](const TypeCase& type) {
                    return type.name == "text";
                });
            at->type = kText;
            const std::string cast = at->array ? "::text[]" : "::text";
            std::string sql = alter + "ALTER " + at->name + " DROP DEFAULT, ALTER " + at->name +
                              " TYPE text" + (at->array ? "[]" : "") + " USING " + at->name + cast;
            if (at->not_null || at->name.starts_with("d_")) {
                sql += "; " + alter + "ALTER " + at->name + " SET DEFAULT " +
                       (at->array ? "'{}'" : "'a default'");
            }
            return {sql};
        }
        case 5:
            return {alter + "REPLICA IDENTITY " +
                    (table.keyless || chance(50) ? "FULL" : "DEFAULT")};
        case 7: {  // another topic from here on
            const std::string old = table.name;
            table.name = prefix_ + std::to_string(++names_) + (table.keyless ? "_keyless" : "");
            return {"ALTER TABLE " + old + " RENAME TO " +
                    table.name.substr(table.name.find('.') + 1)};
        }
        case 8: {  // its rows are gone, and no event says so
            const std::string drop = "DROP TABLE " + table.name;
            tables_.erase(tables_.begin() + (&table - tables_.data()));
            return {drop, create_table()};
        }
        case 9: {  // within a transaction, rows before and after
            table.columns.push_back(draw_column());
            const Column added = table.columns.back();
            table.columns.pop_back();
            std::string sql =
                "BEGIN; " + insert(table) + "; " + alter + "ADD COLUMN " + definition(added) + "; ";
            table.columns.push_back(added);
            return {sql + insert(table) + "; COMMIT"};
        }
        case 6: {
            const std::string old = table.key;
            table.key = "id" + std::to_string(++names_);
            return {alter + "RENAME COLUMN " + old + " TO " + table.key};
        }
        default:
            return {create_table()};
    }
}

}  // namespace tributary::differential
