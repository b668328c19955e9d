// Table and column filter: table_filter.h.
#include "model/table_filter.h"

#include <algorithm>

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
bool matches(const std::vector<std::regex>& expressions, const std::string& name) {
    return std::any_of(expressions.begin(), expressions.end(), [&name](const std::regex& regex) {
        try {
            return std::regex_match(name, regex);
        } catch (const std::regex_error&) {
            return false;
        }
    });
}

std::string join(std::string_view left, std::string_view right) {
    std::string out;
    out.reserve(left.size() + 1 + right.size());
    out.append(left).append(1, '.').append(right);
    return out;
}

}  // namespace

Result<TableFilter> TableFilter::make(const FilterRules& rules) {
    TableFilter filter;
    TRIBUTARY_TRY(include, compile(rules.include, "tables.include"));
    TRIBUTARY_TRY(exclude, compile(rules.exclude, "tables.exclude"));
    TRIBUTARY_TRY(columns, compile(rules.exclude_columns, "tables.exclude_columns"));
    filter.include_ = std::move(include);
    filter.exclude_ = std::move(exclude);
    filter.exclude_columns_ = std::move(columns);
    return filter;
}

bool TableFilter::table_selected(std::string_view schema, std::string_view table) const {
    const std::string name = join(schema, table);
    return (include_.empty() || matches(include_, name)) && !matches(exclude_, name);
}

bool TableFilter::column_selected(std::string_view schema,
                                  std::string_view table,
                                  std::string_view column) const {
    return exclude_columns_.empty() ||
           !matches(exclude_columns_, join(join(schema, table), column));
}

}  // namespace tributary
