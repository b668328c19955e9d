#include "connectors/mysql/cascades.h"

#include <algorithm>
#include <array>

#include "connectors/mysql/statements/quote.h"

namespace tributary::mysql {
namespace {

// A line: "  CONSTRAINT `c` FOREIGN KEY (`p`) REFERENCES `parent` (`id`) ON DELETE CASCADE,".
bool is_cascading_key(std::string_view line) {
    constexpr std::array<std::string_view, 4> kRules{
        ") ON DELETE CASCADE", ") ON DELETE SET NULL", " ON UPDATE CASCADE", " ON UPDATE SET NULL"};
    const auto key = line.find("` FOREIGN KEY (");
    return line.starts_with("  CONSTRAINT `") && key != std::string_view::npos &&
           std::any_of(kRules.begin(), kRules.end(), [&](std::string_view rule) {
               return line.find(rule, key) != std::string_view::npos;
           });
}

// MySQL 9.6 and later: the server itself changes the rows, and logs them, where the setting is off.
// Servers without it know InnoDB's way only.
bool are_logged(const ServerFacts& facts) {
    return facts.variables.contains("innodb_native_foreign_keys") &&
           !facts.on("innodb_native_foreign_keys");
}

}  // namespace

bool cascades(std::string_view create_table) {
    while (!create_table.empty()) {
        const auto end = std::min(create_table.find('\n'), create_table.size());
        if (is_cascading_key(create_table.substr(0, end))) {
            return true;
        }
        create_table.remove_prefix(std::min(end + 1, create_table.size()));
    }
    return false;
}

std::vector<std::string> cascading_tables(SqlSession& sql, const Selection& selection) {
    std::vector<std::string> tables;
    for (const SelectedTable& table : selection.tables) {
        const auto& [schema, name] = table.name;
        const auto shown = sql.query("SHOW CREATE TABLE " + quote_identifier(schema) + "." +
                                     quote_identifier(name));
        if (shown && cascades(shown.value().at(0, 1))) {
            tables.push_back(schema + "." + name);
        }
    }
    return tables;
}

std::vector<Finding> judge_cascades(const std::vector<std::string>& tables,
                                    const ServerFacts& facts) {
    std::vector<Finding> findings;
    if (are_logged(facts)) {
        return findings;
    }
    for (const std::string& table : tables) {
        findings.push_back({Severity::warning,
                            "table " + table,
                            "a foreign key with CASCADE or SET NULL changes its rows, and InnoDB "
                            "does that below the binary log: such changes are not delivered",
                            "change those rows by statements of their own (ON DELETE RESTRICT); "
                            "or MySQL 9.6 or later, which logs them"});
    }
    return findings;
}

}  // namespace tributary::mysql
