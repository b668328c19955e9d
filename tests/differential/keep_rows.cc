// Rows for snapshots: see database.h.
#include <set>

#include "tests/differential/database.h"

namespace tributary::differential {

std::vector<std::string> keep_rows(const std::vector<std::string>& catalogue,
                                   const std::string& like,
                                   const std::string& end) {
    constexpr std::string_view kInsert = "INSERT INTO types.";
    std::vector<std::string> out{"CREATE SCHEMA kept"};
    std::set<std::string> made;
    for (const std::string& statement : catalogue) {
        if (!statement.starts_with(kInsert)) {
            continue;
        }
        const auto behind = statement.find_first_of(" (", kInsert.size());
        const std::string table = statement.substr(kInsert.size(), behind - kInsert.size());
        if (made.insert(table).second) {
            out.push_back("CREATE TABLE kept." + table + " " + like + "types." + table + end);
        }
        out.push_back("INSERT INTO kept." + statement.substr(kInsert.size()));
    }
    return out;
}

}  // namespace tributary::differential
