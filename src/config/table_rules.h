// The keys below `tables:` of a source of tables, the same for every database. Once, at start.
#pragma once

#include <string_view>

#include "config/reader.h"
#include "model/table_filter.h"

namespace tributary::config {

struct TableRuleWords {
    std::string_view outer;       // what a table's name stands in: "schema", "database"
    std::string_view everything;  // which tables an empty `include` selects
};

// Expressions that do not compile stay as mistakes with the reader.
void read_table_rules(Reader reader, const TableRuleWords& words, FilterRules& out);

}  // namespace tributary::config
