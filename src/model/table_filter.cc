// Table and column filter: table_filter.h.
#include "model/table_filter.h"

#include <algorithm>
#include <optional>

#include "model/errors.h"

namespace tributary {
namespace {

Result<std::vector<std::regex>> compile(const std::vector<std::string>& expressions,
                                        std::string_view key) {
    std::vector<std::regex> out;
    out.reserve(expressions.size());
    for (const auto& expression : expressions) {
        try {
            out.emplace_back(expression, std::regex::ECMAScript | std::regex::optimize);
        } catch (const std::regex_error& error) {
            return Error(errors::kConfigInvalid,
                         std::string(key) + ": '" + expression +
                             "' is not a regular expression: " + error.what());
        }
    }
    return out;
}

// std::regex_match throws error_stack or error_complexity for expressions that explode; such a name
// does not match.
bool matches(const std::regex& expression, const std::string& name) {
    try {
        return std::regex_match(name, expression);
    } catch (const std::regex_error&) {
        return false;
    }
}

bool matches(const std::vector<std::regex>& expressions, const std::string& name) {
    return std::any_of(expressions.begin(), expressions.end(), [&name](const std::regex& each) {
        return matches(each, name);
    });
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

// What `expression` wants of the schema alone: all of it before the first escaped dot, where that
// is an expression by itself. None where it cannot be told.
std::optional<std::regex> schema_part(std::string_view expression) {
    try {
        const auto dot = expression.find("\\.");
        return dot == std::string_view::npos || has_branches(expression)
                   ? std::nullopt
                   : std::optional(std::regex(std::string(expression.substr(0, dot))));
    } catch (const std::regex_error&) {
        return std::nullopt;  // the dot stood in parentheses
    }
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
        filter.include_schemas_.push_back(schema_part(expression).value_or(std::regex(".*")));
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
    return (include_.empty() || matches(include_, name)) && !matches(exclude_, name);
}

bool TableFilter::schema_selected(std::string_view schema) const {
    const std::string name(schema);
    return (include_.empty() || matches(include_schemas_, name)) &&
           !matches(exclude_schemas_, name);
}

bool TableFilter::column_selected(std::string_view schema,
                                  std::string_view table,
                                  std::string_view column) const {
    return exclude_columns_.empty() ||
           !matches(exclude_columns_, join(join(schema, table), column));
}

bool TableFilter::chooses_for_key(std::string_view schema,
                                  std::string_view table,
                                  std::string_view column) const {
    return !key_columns_.empty() && matches(key_columns_, join(join(schema, table), column));
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
    for (const std::regex& expression : key_columns_) {
        for (Column& column : table.columns) {
            const bool again = std::find(chosen.begin(), chosen.end(), &column) != chosen.end();
            if (!again && column.type.kind != TypeKind::unsupported &&
                matches(expression, join(join(outer_name(table), table.table), column.name))) {
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
