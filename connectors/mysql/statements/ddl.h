// What a DDL statement is about: which tables or databases it creates, changes or drops, and the
// text of it that is of each alone. Not a grammar: the first words and the names, which stand where
// the servers' manuals put them. What is no such statement (views, triggers, accounts, temporary
// tables, or anything unheard of) is none. Total over any bytes. Pure; any thread. MySQL 9 manual,
// "Data Definition Statements"; MariaDB knowledge base, the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tributary::mysql {

// On disk: numbers never change.
enum class DdlKind : std::uint8_t {
    create_table = 1,
    alter_table = 2,  // indexes and renames too
    drop_table = 3,
    database = 4,  // CREATE, ALTER or DROP of a database
};

struct DdlTarget {
    DdlKind kind = DdlKind::alter_table;
    std::string database{};
    std::string table{};  // its name afterwards; empty: a statement of the database
    // Its name before, where that was another one.
    std::string old_database{};
    std::string old_table{};
    // The statement without comments around it; of a list of tables, as if it named this one only.
    std::string text{};
};

// `database`: that of the session. One target for each table of a list, in its order.
[[nodiscard]] std::vector<DdlTarget> read_ddl(std::string_view text, std::string_view database);

}  // namespace tributary::mysql
