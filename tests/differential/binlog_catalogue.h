// What both sides must agree on over MySQL and MariaDB, as SQL: tables with every type and every
// kind of value (database `types`), a table per type of key (database `keys`) and a table per shape
// (database `shapes`). Database `hidden` is selected by neither side. Pure.
//
// A column whose name begins with d_ has a default; one that begins with x_ is left out by
// exclude_columns where a pair has that; tables `types.long_..` have times that are not of a day.
#pragma once

#include <string>
#include <vector>

namespace tributary::differential {

enum class Server { both, mysql, mariadb };

struct BinlogType {
    std::string name;
    std::string type;                             // SQL
    std::vector<std::string> values;              // SQL expressions
    std::vector<std::string> nullable_only = {};  // not for NOT NULL columns and defaults
    std::string default_value = {};               // empty: it has none
    bool key = false;                             // also as a primary key
    bool long_time = false;                       // of a table types.long_..
    Server server = Server::both;
};

[[nodiscard]] const std::vector<BinlogType>& binlog_types(bool mysql);

// Run before the readers start.
[[nodiscard]] std::vector<std::string> create_binlog_catalogue(bool mysql);
// Statements in order.
[[nodiscard]] std::vector<std::string> binlog_catalogue_statements(bool mysql);
[[nodiscard]] std::vector<std::string> binlog_partitioned_tables(bool mysql);

}  // namespace tributary::differential
