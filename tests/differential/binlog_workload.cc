// See binlog_workload.h.
#include "tests/differential/binlog_workload.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tributary::differential {
namespace {

constexpr std::size_t kTables = 3;
constexpr std::size_t kTransactionsPerRound = 12;
constexpr std::size_t kColumnsMax = 12;
constexpr std::array<std::string_view, 4> kShapes{"geometry", "point", "linestring", "polygon"};

}  // namespace

BinlogWorkload::BinlogWorkload(std::uint64_t seed, bool mysql)
    : random_(seed * 2 + (mysql ? 0 : 1)),
      prefix_("shapes.w" + std::to_string(seed) + "_"),
      mysql_(mysql) {}

std::size_t BinlogWorkload::below(std::size_t bound) {
    return static_cast<std::size_t>(random_() % bound);
}

BinlogWorkload::Column BinlogWorkload::draw_column() {
    const auto& types = binlog_types(mysql_);
    Column column;
    column.type = &types[below(types.size())];
    column.not_null = chance(30);
    column.has_default = !column.type->default_value.empty() && chance(30);
    column.name =
        (column.has_default ? "d_" : "c_") + std::to_string(++names_) + "_" + column.type->name;
    return column;
}

// MySQL makes up no shape for the rows that are there.
BinlogWorkload::Column BinlogWorkload::draw_added() {
    Column column = draw_column();
    const std::string& type = column.type->type;
    const bool shape = std::any_of(kShapes.begin(), kShapes.end(), [&type](std::string_view each) {
        return type.find(each) != std::string::npos;
    });
    column.not_null = column.not_null && !shape;
    return column;
}

std::string BinlogWorkload::draw_value(const Column& column) {
    const BinlogType& type = *column.type;
    if (!column.not_null && chance(20)) {
        return "NULL";
    }
    if (type.name == "longtext" && chance(30)) {  // a large row
        return "REPEAT('large ', " + std::to_string(1000 + below(20000)) + ")";
    }
    return type.values[below(type.values.size())];
}

std::string BinlogWorkload::definition(const Column& column) const {
    std::string sql =
        column.name + " " + column.type->type + (column.not_null ? " NOT NULL" : " NULL");
    if (column.has_default) {
        sql += " DEFAULT " + column.type->default_value;
    }
    return sql;
}

std::string BinlogWorkload::create_table() {
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
    tables_.push_back(std::move(table));
    return sql;
}

std::vector<std::string> BinlogWorkload::create() {
    std::vector<std::string> out;
    while (tables_.size() < kTables) {
        out.push_back(create_table());
    }
    return out;
}

std::string BinlogWorkload::insert(Table& table) {
    std::string columns = table.key;
    for (const Column& column : table.columns) {
        if (!column.has_default || !chance(30)) {
            columns += ", " + column.name;
        }
    }
    std::string rows;
    const std::size_t count = chance(20) ? 2 + below(3) : 1;
    for (std::size_t row = 0; row < count; ++row) {
        const int id = ++ids_;
        rows += (row == 0 ? "(" : ", (") + std::to_string(id);
        for (const Column& column : table.columns) {
            if ((columns + ",").find(" " + column.name + ",") != std::string::npos) {
                rows += ", " + draw_value(column);
            }
        }
        rows += ")";
        table.rows.push_back(id);
    }
    return "INSERT INTO " + table.name + " (" + columns + ") VALUES " + rows;
}

std::string BinlogWorkload::update(Table& table, int row) {
    std::string sql = "UPDATE " + table.name + " SET ";
    const Column& column = table.columns[below(table.columns.size())];
    sql += column.name + " = " + draw_value(column);
    if (chance(20)) {
        const int id = ++ids_;
        sql += ", " + table.key + " = " + std::to_string(id);
        std::replace(table.rows.begin(), table.rows.end(), row, id);
        return sql + " WHERE " + table.key + " = " + std::to_string(row);
    }
    return sql + (chance(20) ? "" : " WHERE " + table.key + " = " + std::to_string(row));
}

std::string BinlogWorkload::change(Table& table) {
    if (table.rows.empty() || chance(40)) {
        return insert(table);
    }
    const std::size_t place = below(table.rows.size());
    const int row = table.rows[place];
    if (!table.columns.empty() && chance(60)) {
        return update(table, row);
    }
    table.rows.erase(table.rows.begin() + static_cast<std::ptrdiff_t>(place));
    return "DELETE FROM " + table.name + " WHERE " + table.key + " = " + std::to_string(row);
}

std::string BinlogWorkload::transaction() {
    const std::vector<Table> before = tables_;
    std::string sql = "START TRANSACTION; ";
    const std::size_t count = 1 + below(6);
    for (std::size_t index = 0; index < count; ++index) {
        const std::vector<Table> saved = tables_;
        const bool back = chance(15);
        sql += back ? "SAVEPOINT s; " : "";
        sql += change(tables_[below(tables_.size())]) + "; ";
        if (back) {
            sql += "ROLLBACK TO SAVEPOINT s; ";
            tables_ = saved;
        }
    }
    if (chance(10)) {
        tables_ = before;
        return sql + "ROLLBACK";
    }
    return sql + "COMMIT";
}

std::vector<std::string> BinlogWorkload::changes() {
    std::vector<std::string> out;
    for (std::size_t index = 0; index < kTransactionsPerRound; ++index) {
        Table& table = tables_[below(tables_.size())];
        if (chance(4)) {
            table.rows.clear();
            out.push_back("TRUNCATE TABLE " + table.name);
        } else {
            out.push_back(chance(30) ? change(table) : transaction());
        }
    }
    return out;
}

std::vector<std::string> BinlogWorkload::structure() {
    Table& table = tables_[below(tables_.size())];
    if (chance(70)) {
        return {alter(table)};
    }
    if (chance(40)) {  // another topic from here on
        const std::string old = table.name;
        table.name = prefix_ + std::to_string(++names_) + (table.keyless ? "_keyless" : "");
        return {
            (chance(50) ? "RENAME TABLE " + old + " TO " : "ALTER TABLE " + old + " RENAME TO ") +
            table.name};
    }
    if (chance(50)) {  // its rows are gone, and no event says so
        const std::string drop = "DROP TABLE " + table.name;
        tables_.erase(tables_.begin() + (&table - tables_.data()));
        return {drop, create_table()};
    }
    return {create_table()};
}

std::string BinlogWorkload::alter(Table& table) {
    const std::string sql = "ALTER TABLE " + table.name + " ";
    const std::size_t place = below(table.columns.size());
    const auto at = table.columns.begin() + static_cast<std::ptrdiff_t>(place);
    const bool full = table.columns.size() >= kColumnsMax;
    switch (full ? 1 + below(4) : below(6)) {
        case 1:
            if (table.columns.size() > 1) {
                const std::string name = at->name;
                table.columns.erase(at);
                return sql + "DROP COLUMN " + name;
            }
            [[fallthrough]];
        case 2: {
            const std::string old = at->name;
            at->name = old.substr(0, 2) + std::to_string(++names_) + old.substr(old.find('_', 2));
            return sql + "RENAME COLUMN " + old + " TO " + at->name;
        }
        case 3: {  // the same name, another type
            Column fresh = draw_added();
            fresh.name = (fresh.has_default ? "d_" : "c_") + std::to_string(++names_) + "_" +
                         fresh.type->name;
            const std::string old = at->name;
            *at = fresh;
            return sql + "DROP COLUMN " + old + ", ADD COLUMN " + definition(fresh);
        }
        case 4: {
            const std::string old = table.key;
            table.key = "id" + std::to_string(++names_);
            return sql + "CHANGE COLUMN " + old + " " + table.key + " " +
                   (chance(50) ? "bigint" : "int") + (table.keyless ? " NULL" : " NOT NULL");
        }
        default: {
            Column added = draw_added();
            const std::string where = chance(30)   ? " FIRST"
                                      : chance(50) ? " AFTER " + at->name
                                                   : "";
            table.columns.push_back(added);
            return sql + "ADD COLUMN " + definition(added) + where;
        }
    }
}

}  // namespace tributary::differential
