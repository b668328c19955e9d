// Rows for snapshots: see database.h.
#include <set>
#include <string_view>

#include "tests/differential/database.h"

namespace tributary::differential {

std::vector<std::string> keep_rows(const std::vector<std::string>& catalogue,
                                   const std::string& like) {
    constexpr std::string_view kInsert = "INSERT INTO types.";
    std::vector<std::string> out{
        "CREATE SCHEMA kept",
        "CREATE TABLE kept.a_keyless (a int, b varchar(20))",
        "INSERT INTO kept.a_keyless VALUES (1, 'same'), (1, 'same'), (2, NULL)",
        std::string("CREATE TABLE ") + kLastKept + " (id int PRIMARY KEY)",
        std::string("INSERT INTO ") + kLastKept + " VALUES (1), (2), (3)",
    };
    const auto mark = like.find('%');
    std::set<std::string> made;
    for (const std::string& statement : catalogue) {
        if (!statement.starts_with(kInsert)) {
            continue;
        }
        const auto end = statement.find(' ', kInsert.size());
        const std::string table = statement.substr(kInsert.size(), end - kInsert.size());
        if (made.insert(table).second) {
            out.push_back("CREATE TABLE kept." + table + like.substr(0, mark) + "types." + table +
                          like.substr(mark + 1));
        }
        out.push_back("INSERT INTO kept." + statement.substr(kInsert.size()));
    }
    return out;
}

}  // namespace tributary::differential
