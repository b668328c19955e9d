// Table and column filter: table_filter.h.
#include "model/table_filter.h"

#include <algorithm>
#include <optional>

#include "model/errors.h"

namespace tributary {
namespace {

Result<std::vector<NamePattern>> compile(const std::vector<std::string>& expressions,
                                         std::string_view key) {
    auto compiled = NamePattern::compile_all(expressions);
    if (!compiled) {
        return compiled.error().at(key);
    }
    return compiled;
}

// Whether a `|` stands outside of every parenthesis: the expression is several.
bool has_branches(std::string_view expression) {
    int depth = 0;
    bool in_class = false;
    for (std::size_t at = 0; at < expression.size(); ++at) {
        switch (expression[at]) {
            case '\\':
                ++at;  // what follows is itself
                break;
            case '[':
                in_class = true;
                break;
            case ']':
                in_class = false;
                break;
            case '(':
                depth += in_class ? 0 : 1;
                break;
            case ')':
                depth -= in_class ? 0 : 1;
                break;
            case '|':
                if (depth == 0 && !in_class) {
                    return true;
                }
                break;
            default:
                break;
        }
    }
    return false;
}

// Whether a part of it may speak of what comes later in the name.
bool looks_ahead(std::string_view expression) {
    return expression.find("(?=") != std::string_view::npos ||
           expression.find("(?!") != std::string_view::npos;
}

// What `expression` wants of the schema alone: all of it before the first escaped dot, where that
// is an expression by itself. None where it cannot be told.
std::optional<NamePattern> schema_part(std::string_view expression) {
    const auto dot = expression.find("\\.");
    if (dot == std::string_view::npos || has_branches(expression) || looks_ahead(expression)) {
        return std::nullopt;
    }
    auto part = NamePattern::compile(expression.substr(0, dot));
    // No expression where the dot stood in parentheses.
    return part ? std::optional(std::move(part).value()) : std::nullopt;
}

std::string join(std::string_view left, std::string_view right) {
    std::string out;
    out.reserve(left.size() + 1 + right.size());
    out.append(left).append(1, '.').append(right);
    return out;
}

const std::string& outer_name(const TableSchema& table) {
    return table.schema.empty() ? table.database : table.schema;
}

}  // namespace

Result<TableFilter> TableFilter::make(const FilterRules& rules) {
    TableFilter filter;
    TRIBUTARY_TRY(include, compile(rules.include, "tables.include"));
    TRIBUTARY_TRY(exclude, compile(rules.exclude, "tables.exclude"));
    TRIBUTARY_TRY(columns, compile(rules.exclude_columns, "tables.exclude_columns"));
    TRIBUTARY_TRY(key, compile(rules.key_columns, "tables.key_columns"));
    filter.include_ = std::move(include);
    filter.exclude_ = std::move(exclude);
    filter.exclude_columns_ = std::move(columns);
    filter.key_columns_ = std::move(key);
    for (const std::string& expression : rules.include) {
        if (auto part = schema_part(expression)) {
            filter.include_schemas_.push_back(std::move(*part));
        } else {
            filter.any_schema_ = true;
        }
    }
    for (const std::string& expression : rules.exclude) {
        const bool all = expression.ends_with("\\..*");
        if (const auto part = all ? schema_part(expression) : std::nullopt) {
            filter.exclude_schemas_.push_back(*part);
        }
    }
    return filter;
}

bool TableFilter::table_selected(std::string_view schema, std::string_view table) const {
    const std::string name = join(schema, table);
    return (include_.empty() || matches_any(include_, name)) && !matches_any(exclude_, name);
}

bool TableFilter::schema_selected(std::string_view schema) const {
    return (include_.empty() || any_schema_ || matches_any(include_schemas_, schema)) &&
           !matches_any(exclude_schemas_, schema);
}

bool TableFilter::column_selected(std::string_view schema,
                                  std::string_view table,
                                  std::string_view column) const {
    return exclude_columns_.empty() ||
           !matches_any(exclude_columns_, join(join(schema, table), column));
}

bool TableFilter::chooses_for_key(std::string_view schema,
                                  std::string_view table,
                                  std::string_view column) const {
    return !key_columns_.empty() && matches_any(key_columns_, join(join(schema, table), column));
}

Result<bool> TableFilter::settle_key(TableSchema& table) const {
    TRIBUTARY_TRY_VOID(key_is_selected(table));
    const std::vector<Column*> chosen = chosen_key(table);
    if (chosen.empty()) {
        return false;
    }
    for (Column& column : table.columns) {
        column.key_index = 0;
    }
    for (std::uint16_t place = 0; Column * column : chosen) {
        column->key_index = ++place;
    }
    TRIBUTARY_TRY_VOID(key_is_selected(table));
    return true;
}

std::vector<Column*> TableFilter::chosen_key(TableSchema& table) const {
    std::vector<Column*> chosen;
    for (const NamePattern& expression : key_columns_) {
        for (Column& column : table.columns) {
            const bool again = std::find(chosen.begin(), chosen.end(), &column) != chosen.end();
            if (!again && column.type.kind != TypeKind::unsupported &&
                expression.matches(join(join(outer_name(table), table.table), column.name))) {
                chosen.push_back(&column);
            }
        }
    }
    return chosen;
}

Result<void> TableFilter::key_is_selected(const TableSchema& table) const {
    const std::string& outer = outer_name(table);
    for (const Column& column : table.columns) {
        if (column.key_index != 0 && !column_selected(outer, table.table, column.name)) {
            return Error(errors::kConfigInvalid,
                         "tables.exclude_columns: " + join(join(outer, table.table), column.name) +
                             " is part of the key");
        }
    }
    return success();
}

}  // namespace tributary
