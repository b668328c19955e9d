// Which tables and columns of a database source are taken in, and which columns are the key where
// that is not the table's own: regular expressions over "schema.table" and "schema.table.column"
// (MySQL: the database is the schema), evaluated once per structure of a table, not per row. Here
// because every database connector has the same rules. Pure; any thread after construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/name_pattern.h"
#include "model/schema.h"

namespace tributary {

// Each matched against the whole name, with regard to case unless it begins with "(?i)".
struct FilterRules {
    std::vector<std::string> include{};  // empty: every table
    std::vector<std::string> exclude{};  // wins over include
    std::vector<std::string> exclude_columns{};
    std::vector<std::string> key_columns{};
};

class TableFilter {
  public:
    // kConfigInvalid naming the expression that is not one.
    [[nodiscard]] static Result<TableFilter> make(const FilterRules& rules);

    [[nodiscard]] bool table_selected(std::string_view schema, std::string_view table) const;
    // Whether a table of it may be: told by what stands before the first "\\." of an expression,
    // and true where that says nothing.
    [[nodiscard]] bool schema_selected(std::string_view schema) const;
    // Of a selected table.
    [[nodiscard]] bool column_selected(std::string_view schema,
                                       std::string_view table,
                                       std::string_view column) const;
    // Makes the columns that the rules name the key, in the order of the rules and then the
    // table's; a table of which they name none, or none whose type is mapped, keeps its own: false.
    // kConfigInvalid: exclude_columns has a column of the one key or the other.
    [[nodiscard]] Result<bool> settle_key(TableSchema& table) const;
    // Whether the rules make it a column of its table's key.
    [[nodiscard]] bool chooses_for_key(std::string_view schema,
                                       std::string_view table,
                                       std::string_view column) const;
    [[nodiscard]] bool takes_every_column() const { return exclude_columns_.empty(); }

  private:
    [[nodiscard]] std::vector<Column*> chosen_key(TableSchema& table) const;
    [[nodiscard]] Result<void> key_is_selected(const TableSchema& table) const;

    std::vector<NamePattern> include_;
    std::vector<NamePattern> exclude_;
    std::vector<NamePattern> include_schemas_;  // of those of include_ that say something of it
    bool any_schema_ = false;                   // one of include_ says nothing of it
    std::vector<NamePattern> exclude_schemas_;  // of those of exclude_ that name all of a schema
    std::vector<NamePattern> exclude_columns_;
    std::vector<NamePattern> key_columns_;
};

}  // namespace tributary
