// What both sides must agree on, as SQL: tables with every PostgreSQL type and every kind of value
// (schema `types`), a table per type of key (schema `keys`) and a table per shape: replica
// identities, key changes, TOAST, partitions, odd names (schema `shapes`).
//
// A column whose name begins with d_ has a default.
#pragma once

#include <string>
#include <vector>

namespace tributary::differential {

struct TypeCase {
    std::string name;                             // of its table
    std::string type;                             // SQL
    std::vector<std::string> values;              // SQL literals without a cast
    std::vector<std::string> nullable_only = {};  // not for NOT NULL columns, defaults and arrays
    bool array = true;
    bool key = false;  // also as a primary key
};

[[nodiscard]] const std::vector<TypeCase>& type_cases();

// A value of a type as SQL: quoted and cast.
[[nodiscard]] std::string sql_value(const TypeCase& type, const std::string& value);

// Extensions, types, tables; run before the slots are made.
[[nodiscard]] std::string create_catalogue_sql();

// Statements in order, each its own transaction.
[[nodiscard]] std::vector<std::string> catalogue_statements();

// Tables whose topics should have several partitions: their keys are of every kind.
[[nodiscard]] std::vector<std::string> partitioned_tables();

}  // namespace tributary::differential
