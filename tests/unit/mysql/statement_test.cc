// What statements are.
#include "connectors/mysql/statements/statement.h"

#include <gtest/gtest.h>

#include "support.h"

namespace tributary::mysql {
namespace {

using Kind = StatementKind;

TEST(Statement, marks_of_transactions_are_told_from_their_like) {
    EXPECT_EQ(classify("BEGIN").kind, Kind::begin);
    EXPECT_EQ(classify("begin").kind, Kind::begin);
    EXPECT_EQ(classify("COMMIT").kind, Kind::commit);
    EXPECT_EQ(classify("ROLLBACK").kind, Kind::rollback);
    EXPECT_EQ(classify("ROLLBACK TO `a`").kind, Kind::rollback_to);
    EXPECT_EQ(classify("ROLLBACK WORK TO SAVEPOINT a").kind, Kind::rollback_to);
    EXPECT_EQ(classify("SAVEPOINT `s1`").kind, Kind::savepoint);
    EXPECT_EQ(classify("RELEASE SAVEPOINT `s1`").kind, Kind::savepoint);
    EXPECT_EQ(classify("").kind, Kind::other);
    EXPECT_EQ(classify("ALTER TABLE t ADD COMMIT INT").kind, Kind::other);
}

TEST(Statement, xa_steps_carry_their_identifier) {
    const Statement start = classify("XA START X'7831',X'62',7");
    EXPECT_EQ(start.kind, Kind::xa_start);
    EXPECT_EQ(start.xid, std::string("\x07\0\0\0\x02\x01x1b", 9));
    EXPECT_EQ(classify("XA END X'7831',X'62',7").kind, Kind::xa_end);
    EXPECT_EQ(classify("XA COMMIT X'7831',X'',1").xid, test::xid_bytes("x1"));
    EXPECT_EQ(classify("xa rollback 'x1'").xid, test::xid_bytes("x1"));
    EXPECT_TRUE(classify("XA COMMIT X'7831',X'',1 ONE PHASE").one_phase);
    EXPECT_EQ(classify("XA COMMIT 7").xid, "");
    EXPECT_EQ(classify("XA RECOVER").kind, Kind::other);
}

TEST(Statement, a_change_of_rows_names_its_table_where_that_is_certain) {
    const auto table = [](std::string_view text) {
        const Statement out = classify(text);
        EXPECT_EQ(out.kind, Kind::row_change) << text;
        return out.has_table ? out.database + "." + out.table : std::string("?");
    };
    EXPECT_EQ(table("insert into t values (1)"), ".t");
    EXPECT_EQ(table("INSERT IGNORE INTO `a``b`.`t` SET x=1"), "a`b.t");
    EXPECT_EQ(table("/* hint */ REPLACE LOW_PRIORITY shop.t(a) VALUES (1)"), "shop.t");
    EXPECT_EQ(table("/*!50000 insert */ into t select 1"), ".t");
    EXPECT_EQ(table("update t set a=1"), ".t");
    EXPECT_EQ(table("update t as x set a=1"), ".t");
    EXPECT_EQ(table("update t, u set t.a=1"), "?");
    EXPECT_EQ(table("update t join u using(id) set t.a=1"), "?");
    EXPECT_EQ(table("delete from shop.t where a=1"), "shop.t");
    EXPECT_EQ(table("delete from t"), ".t");
    EXPECT_EQ(table("delete t from t join u"), "?");
    EXPECT_EQ(table("delete from t using t join u"), "?");
    EXPECT_EQ(table("LOAD DATA LOCAL INFILE 'into table x' INTO TABLE `t` (a)"), ".t");
    EXPECT_EQ(table("with x as (select 1) update t set a=1"), "?");
    EXPECT_EQ(table("select f()"), "?");
    EXPECT_EQ(table("create table t (a int) as select 1"), ".t");
    EXPECT_EQ(table("CREATE TABLE IF NOT EXISTS shop.t SELECT 1"), "shop.t");
}

TEST(Statement, structure_is_not_a_change_of_rows) {
    EXPECT_EQ(classify("CREATE TABLE `c2` (\n  `id` int NOT NULL\n) START TRANSACTION").kind,
              Kind::other);
    EXPECT_EQ(classify("create table t (a int comment 'select')").kind, Kind::other);
    EXPECT_EQ(classify("create view v as select 1").kind, Kind::other);
    EXPECT_EQ(classify("create temporary table t as select 1").kind, Kind::other);
    const Statement truncate = classify("truncate table other.hidden");
    EXPECT_EQ(truncate.kind, Kind::truncate);
    EXPECT_EQ(truncate.database + "." + truncate.table, "other.hidden");
    EXPECT_EQ(classify("TRUNCATE t").table, "t");
}

TEST(Statement, a_text_that_is_cut_anywhere_is_still_read) {
    const std::string text = "/* a */ insert into `db`.`t` values (X'00', 'it''s', \"q\\\"\") -- x";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        static_cast<void>(classify(std::string_view(text).substr(0, size)));
    }
    EXPECT_EQ(classify("insert into `db").table, "db");
}

}  // namespace
}  // namespace tributary::mysql
