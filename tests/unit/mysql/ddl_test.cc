// Which tables and databases DDL is about, and what of its text.
#include "connectors/mysql/statements/ddl.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace tributary::mysql {
namespace {

// "create shop.t" and the text, of each target.
std::vector<std::string> read(std::string_view text) {
    std::vector<std::string> out;
    for (const DdlTarget& target : read_ddl(text, "shop")) {
        constexpr std::array<const char*, 5> kWords{"?", "create ", "alter ", "drop ", "database "};
        std::string line =
            kWords[static_cast<std::size_t>(target.kind)] + target.database + "." + target.table;
        if (!target.old_table.empty()) {
            line += " was " + target.old_database + "." + target.old_table;
        }
        out.push_back(line);
        out.push_back(target.text);
    }
    return out;
}

using Lines = std::vector<std::string>;

void expect_whole(std::string_view text, const std::string& target) {
    EXPECT_EQ(read(text), (Lines{target, std::string(text)})) << text;
}

TEST(Ddl, tables_are_created_and_altered_under_every_way_to_write_their_name) {
    expect_whole("CREATE TABLE t (a int)", "create shop.t");
    expect_whole("create or replace table erp.t(a int)", "create erp.t");
    expect_whole("CREATE TABLE IF NOT EXISTS `erp` . `a.``b` (a int)", "create erp.a.`b");
    expect_whole("CREATE TABLE \"T x\" LIKE erp.other", "create shop.T x");
    expect_whole("ALTER IGNORE TABLE erp.t ADD c int", "alter erp.t");
    expect_whole("ALTER TABLE IF EXISTS t\n\tDROP c", "alter shop.t");
    expect_whole("CREATE UNIQUE INDEX i USING BTREE ON erp.t (a)", "alter erp.t");
    expect_whole("DROP INDEX IF EXISTS i ON t", "alter shop.t");
}

TEST(Ddl, comments_around_it_are_not_of_its_text_but_executable_ones_are) {
    EXPECT_EQ(read("/* first */ ALTER TABLE t ADD a int -- last")[1], "ALTER TABLE t ADD a int");
    EXPECT_EQ(read("ALTER TABLE t ADD a int /* last */;")[1], "ALTER TABLE t ADD a int");
    expect_whole("CREATE TABLE t (a int) /*!50100 PARTITION BY HASH (a) */", "create shop.t");
    expect_whole("/*!40101 ALTER TABLE t ADD a int */", "alter shop.t");
    expect_whole("CREATE TABLE /*!32312 IF NOT EXISTS*/ t (a int /* 'why' */, b int)",
                 "create shop.t");
    expect_whole("CREATE TABLE /*M! IF NOT EXISTS */ erp.t (a int)", "create erp.t");
}

TEST(Ddl, a_list_of_tables_is_one_statement_for_each) {
    EXPECT_EQ(read("DROP TABLE IF EXISTS t, `erp`.`a``b` RESTRICT"),
              (Lines{"drop shop.t",
                     "DROP TABLE IF EXISTS `shop`.`t`",
                     "drop erp.a`b",
                     "DROP TABLE IF EXISTS `erp`.`a``b`"}));
    EXPECT_EQ(read("RENAME TABLE t TO erp.t2, `x y` WAIT 5 TO z"),
              (Lines{"alter erp.t2 was shop.t",
                     "RENAME TABLE t TO erp.t2",
                     "alter shop.z was shop.x y",
                     "RENAME TABLE `x y` TO z"}));
}

TEST(Ddl, an_alter_may_give_a_new_name_and_names_of_columns_are_none) {
    expect_whole("ALTER TABLE t ADD c int, RENAME TO erp.u", "alter erp.u was shop.t");
    expect_whole("ALTER TABLE t RENAME u", "alter shop.u was shop.t");
    expect_whole("ALTER TABLE t RENAME COLUMN a TO b, RENAME INDEX i TO j", "alter shop.t");
    expect_whole("ALTER TABLE t ADD CONSTRAINT c CHECK (rename to x)", "alter shop.t");
}

TEST(Ddl, databases_are_told_from_their_like) {
    expect_whole("CREATE DATABASE IF NOT EXISTS erp CHARACTER SET latin1", "database erp.");
    expect_whole("DROP SCHEMA `e-p`", "database e-p.");
    expect_whole("ALTER DATABASE CHARACTER SET utf8mb4", "database shop.");
    expect_whole("ALTER SCHEMA erp READ ONLY = 1", "database erp.");
}

TEST(Ddl, what_is_no_table_or_not_understood_is_nothing) {
    for (const char* const text : {"CREATE VIEW v AS SELECT 1",
                                   "CREATE TEMPORARY TABLE t (a int)",
                                   "DROP TEMPORARY TABLE t",
                                   "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
                                   "DROP VIEW v",
                                   "CREATE USER u IDENTIFIED BY 'x'",
                                   "RENAME USER a TO b",
                                   "GRANT ALL ON *.* TO u",
                                   "ALTER TABLE",
                                   "DROP TABLE",

                                   "RENAME TABLE a",
                                   "CREATE INDEX i ON",
                                   "",
                                   "ALTER TABLE .",
                                   "DROP TABLE ,"}) {
        EXPECT_EQ(read(text), Lines{}) << text;
    }
}

}  // namespace
}  // namespace tributary::mysql
