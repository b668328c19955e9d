// See binlog_ddl.h.
#include "tests/differential/binlog_ddl.h"

#include "tests/differential/binlog_catalogue.h"

namespace tributary::differential {
namespace {

using Statements = std::vector<std::string>;

std::string table_of_types(bool mysql) {
    std::string sql =
        "CREATE TABLE ddl.types (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY";
    for (const BinlogType& type : binlog_types(mysql)) {
        sql += ", c_" + type.name + " " + type.type;
        if (!type.default_value.empty()) {
            sql += ", d_" + type.name + " " + type.type + " NOT NULL DEFAULT " + type.default_value;
        }
    }
    return sql + ")";
}

// What is done to tables of one shape: one table for each.
const Statements& alterations() {
    static const Statements all{
        "ALTER TABLE ddl.? ADD COLUMN added int NOT NULL DEFAULT 5 AFTER id",
        "/* first */ ALTER TABLE ddl.? ADD added varchar(9) FIRST -- last",
        "ALTER TABLE ddl.? MODIFY name varchar(30), CHANGE amount sum decimal(12,3), DROP COLUMN e",
        "ALTER TABLE ddl.? ADD INDEX by_name (name)",
        "CREATE INDEX by_amount ON ddl.? (amount)",
        "CREATE UNIQUE INDEX by_both ON ddl.? (name, amount)",
        "ALTER TABLE ddl.? COMMENT 'a comment'",
        "ALTER TABLE ddl.? DROP PRIMARY KEY, ADD PRIMARY KEY (name, id)",
        "ALTER TABLE ddl.? RENAME COLUMN amount TO sum",
        "ALTER TABLE ddl.? CONVERT TO CHARACTER SET utf8mb4",
        "ALTER TABLE ddl.? RENAME TO ddl.renamed",
        "RENAME TABLE ddl.? TO ddl.`new na``me`",
        "ALTER TABLE ddl.? ADD gen int GENERATED ALWAYS AS (id + 1) STORED, ADD virt int AS (id + "
        "2) VIRTUAL",
        "TRUNCATE TABLE ddl.?",
        "CREATE VIEW ddl.seen AS SELECT id FROM ddl.?",
        "CREATE TRIGGER ddl.trig BEFORE INSERT ON ddl.? FOR EACH ROW SET NEW.amount = 1",
        "ANALYZE TABLE ddl.?",
        "ALTER TABLE ddl.? ADD instant varchar(9) NOT NULL DEFAULT 'i', ALGORITHM=INSTANT",
        "ALTER TABLE ddl.? DROP COLUMN note, ALGORITHM=INSTANT",
    };
    return all;
}

std::string name_of(std::size_t index) {
    return "plain_" + std::to_string(index);
}

Statements creations(bool mysql) {
    Statements out{
        "CREATE DATABASE ddl CHARACTER SET latin1",
        "USE ddl",
        table_of_types(mysql),
        "CREATE TABLE `ddl`.`od.d``t` (`c.1` int, `c ``2` varchar(5), PRIMARY KEY (`c ``2`, "
        "`c.1`)) CHARSET utf8mb4",
        "CREATE TABLE ddl.computed (id int AUTO_INCREMENT PRIMARY KEY, now timestamp NOT NULL "
        "DEFAULT CURRENT_TIMESTAMP, moment datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), "
        "quote varchar(20) NOT NULL DEFAULT 'it''s', none varchar(20) DEFAULT NULL, made int NOT "
        "NULL DEFAULT (1 + 1))",
        "CREATE TABLE ddl.parts (id int PRIMARY KEY, v int) PARTITION BY HASH (id) PARTITIONS 2",
        "CREATE TABLE ddl.like_me (id int PRIMARY KEY, v int)",
        "CREATE TABLE ddl.listed (id int PRIMARY KEY, v int) PARTITION BY HASH (id) PARTITIONS 2",
        "CREATE TABLE ddl.beside (id int PRIMARY KEY, v int)",
        "INSERT INTO ddl.beside VALUES (2, 2)",
        "CREATE TABLE ddl.left_one (id int PRIMARY KEY)",
        "CREATE TABLE ddl.right_one (id int PRIMARY KEY, v varchar(20))",
        "CREATE TABLE unqualified (id int PRIMARY KEY)",
        "CREATE TABLE hidden.beside (id int)",
        "CREATE SCHEMA ddl2",
        "CREATE TEMPORARY TABLE ddl.temporary (id int)",
    };
    for (std::size_t index = 0; index < alterations().size(); ++index) {
        out.push_back("CREATE TABLE ddl." + name_of(index) +
                      " (id int PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'x', note text "
                      "CHARACTER SET utf8mb4, amount decimal(10,2) COMMENT 'money', e "
                      "enum('a','b,c'))");
    }
    return out;
}

Statements changes() {
    Statements out;
    for (std::size_t index = 0; index < alterations().size(); ++index) {
        std::string sql = alterations()[index];
        sql.replace(sql.find('?'), 1, name_of(index));
        out.push_back(std::move(sql));
    }
    const Statements more{
        "CREATE TABLE IF NOT EXISTS ddl.types (id int)",
        "INSERT INTO ddl.plain_17 (id, e) VALUES (2, 'b,c')",
        "UPDATE ddl.plain_17 SET amount = 7",
        "INSERT INTO ddl.plain_18 (id, e) VALUES (2, 'a')",
        "DELETE FROM ddl.plain_18",
        "ALTER TABLE ddl.listed EXCHANGE PARTITION p0 WITH TABLE ddl.beside",
        "INSERT INTO ddl.listed VALUES (3, 3)",
        "RENAME TABLE ddl.left_one TO ddl.swap, ddl.right_one TO ddl.left_one, ddl.swap TO "
        "ddl.right_one",
        "INSERT INTO ddl.left_one VALUES (2, 'was right')",
        "INSERT INTO ddl.right_one VALUES (2)",
        "CREATE TABLE ddl.alike LIKE ddl.like_me",
        "INSERT INTO ddl.`od.d``t` VALUES (1, 'a')",
        "CREATE TABLE ddl.chosen AS SELECT * FROM ddl.`od.d``t`",
        "ALTER TABLE ddl.parts ADD w int",
        "ALTER TABLE unqualified ADD `v` int",
        "ALTER TABLE hidden.beside ADD v int",
        "ALTER DATABASE ddl2 CHARACTER SET utf8mb4",
        "CREATE DATABASE IF NOT EXISTS ddl2",
        "CREATE PROCEDURE ddl.proc() SELECT 1",
        "CREATE USER somebody IDENTIFIED BY 'a secret'",
        "GRANT SELECT ON ddl.* TO somebody",
        "DROP USER somebody",
        "DROP TEMPORARY TABLE ddl.temporary",
    };
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

Statements ends() {
    return {"DROP INDEX by_amount ON ddl.plain_4",
            "RENAME TABLE ddl.renamed TO ddl.again, ddl.`od.d``t` TO ddl.odd",
            "DROP TABLE unqualified",
            "DROP VIEW ddl.seen",
            "DROP TRIGGER ddl.trig",
            "DROP PROCEDURE ddl.proc",
            "DROP TABLE ddl.alike, ddl.chosen",
            "DROP TABLE IF EXISTS ddl.like_me, ddl.never, hidden.beside",
            "DROP DATABASE ddl2",
            "DROP DATABASE IF EXISTS ddl2",
            "CREATE TABLE ddl.hurried (id int PRIMARY KEY, v int DEFAULT 5)",
            "INSERT INTO ddl.hurried (id) VALUES (1)",
            "ALTER TABLE ddl.hurried ALTER v SET DEFAULT 6, ADD w int DEFAULT 7",
            "INSERT INTO ddl.hurried (id) VALUES (2)",
            "DROP TABLE ddl.hurried"};
}

}  // namespace

std::vector<std::vector<std::string>> binlog_ddl(bool mysql) {
    return {creations(mysql), changes(), ends(), {"USE shapes", "DROP DATABASE ddl"}};
}

}  // namespace tributary::differential
