// Which tables and columns are taken in.
#include "model/table_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/errors.h"

namespace tributary {
namespace {

TableFilter filter(FilterRules rules) {
    return TableFilter::make(rules).value();
}

TEST(TableFilterTest, without_rules_takes_everything) {
    const TableFilter all = filter({});
    EXPECT_TRUE(all.table_selected("public", "t"));
    EXPECT_TRUE(all.column_selected("public", "t", "c"));
}

TEST(TableFilterTest, an_expression_matches_the_whole_name_and_its_case) {
    const TableFilter one = filter({.include = {R"(public\.orders)"}});
    EXPECT_TRUE(one.table_selected("public", "orders"));
    EXPECT_FALSE(one.table_selected("public", "orders_old"));
    EXPECT_FALSE(one.table_selected("xpublic", "orders"));
    EXPECT_FALSE(one.table_selected("public", "Orders"));
    EXPECT_FALSE(one.table_selected("publicxorders", ""));
}

TEST(TableFilterTest, exclude_wins_over_include) {
    const TableFilter some =
        filter({.include = {R"(public\..*)", R"(audit\.log)"}, .exclude = {R"(public\.tmp_.*)"}});
    EXPECT_TRUE(some.table_selected("public", "orders"));
    EXPECT_TRUE(some.table_selected("audit", "log"));
    EXPECT_FALSE(some.table_selected("public", "tmp_1"));
    EXPECT_FALSE(some.table_selected("audit", "other"));
}

TEST(TableFilterTest, exclude_alone_leaves_the_rest) {
    const TableFilter rest = filter({.exclude = {R"(public\.secret)"}});
    EXPECT_FALSE(rest.table_selected("public", "secret"));
    EXPECT_TRUE(rest.table_selected("public", "secrets"));
}

TEST(TableFilterTest, columns_are_named_with_schema_and_table) {
    const TableFilter columns = filter({.exclude_columns = {R"(public\.users\.(ssn|photo))"}});
    EXPECT_FALSE(columns.column_selected("public", "users", "ssn"));
    EXPECT_FALSE(columns.column_selected("public", "users", "photo"));
    EXPECT_TRUE(columns.column_selected("public", "users", "ssn2"));
    EXPECT_TRUE(columns.column_selected("public", "user", "ssn"));
    EXPECT_TRUE(columns.table_selected("public", "users"));
}

TEST(TableFilterTest, refuses_what_is_no_expression_naming_key_and_text) {
    const struct {
        FilterRules rules;
        const char* key;
    } kCases[] = {{{.include = {"ok", "("}}, R"(tables.include: "(")"},
                  {{.exclude = {"["}}, R"(tables.exclude: "[")"},
                  {{.exclude_columns = {"*"}}, R"(tables.exclude_columns: "*")"},
                  {{.key_columns = {"+"}}, R"(tables.key_columns: "+")"}};
    for (const auto& each : kCases) {
        const auto made = TableFilter::make(each.rules);
        ASSERT_TRUE(made.has_error()) << each.key;
        EXPECT_TRUE(made.error().is(errors::kConfigInvalid));
        EXPECT_THAT(made.error().what(), testing::HasSubstr(each.key));
    }
}

TEST(TableFilterTest, columns_that_it_names_are_the_key_in_its_own_order) {
    const TableFilter some =
        filter({.key_columns = {"shop\\.t\\.b", "shop\\.t\\..", "crm\\.t\\.c"}});
    const auto keys = [&some](std::string database, std::string schema, std::string table) {
        TableSchema out{.database = std::move(database),
                        .schema = std::move(schema),
                        .table = std::move(table),
                        .columns = std::vector<Column>(3)};
        for (Column& column : out.columns) {
            column.type.kind = TypeKind::int32;
        }
        out.columns[0].name = "a";
        out.columns[1].name = "id";
        out.columns[1].key_index = 1;
        out.columns[2].name = "b";
        std::vector<int> places{some.settle_key(out).value() ? 1 : 0};
        for (const Column& column : out.columns) {
            places.push_back(column.key_index);
        }
        return places;
    };
    EXPECT_EQ(keys("shop", "", "t"), (std::vector<int>{1, 2, 0, 1}));
    EXPECT_EQ(keys("db", "shop", "t"), (std::vector<int>{1, 2, 0, 1}));
    EXPECT_EQ(keys("shop", "", "other"), (std::vector<int>{0, 0, 1, 0}));
    EXPECT_EQ(keys("crm", "", "t"), (std::vector<int>{0, 0, 1, 0}));  // it has no such column
}

TEST(TableFilterTest, neither_the_tables_own_key_nor_the_chosen_one_is_left_out) {
    const auto settle = [](const FilterRules& rules) {
        TableSchema table{
            .database = "d", .schema = "s", .table = "t", .columns = std::vector<Column>(2)};
        table.columns[0].name = "a";
        table.columns[0].key_index = 1;
        table.columns[1].name = "b";
        table.columns[1].type.kind = TypeKind::int32;
        return filter(rules).settle_key(table);
    };
    EXPECT_TRUE(settle({.exclude_columns = {"s\\.t\\.b"}}));
    for (const char* const left_out : {"s\\.t\\.a", "s\\.t\\.b"}) {
        const auto refused = settle({.exclude_columns = {left_out}, .key_columns = {"s\\.t\\.b"}});
        ASSERT_FALSE(refused) << left_out;
        EXPECT_TRUE(refused.error().is(errors::kConfigInvalid));
    }
    // A type that is not mapped has no value to be a key.
    EXPECT_FALSE(settle({.key_columns = {"s\\.t\\.a"}}).value());
}

TEST(TableFilterTest, a_schema_is_selected_where_a_table_of_it_may_be) {
    EXPECT_TRUE(filter({}).schema_selected("shop"));
    const TableFilter some = filter({.include = {"shop\\.orders", "(erp|crm)\\..*"}});
    EXPECT_TRUE(some.schema_selected("shop"));
    EXPECT_TRUE(some.schema_selected("crm"));
    EXPECT_FALSE(some.schema_selected("hidden"));
    EXPECT_TRUE(filter({.include = {"(shop\\.a|erp\\.b)"}}).schema_selected("hidden"));
    const TableFilter branches =
        filter({.include = {"shop\\.a|erp\\.b"}, .exclude = {"shop\\.secret|crm\\..*"}});
    EXPECT_TRUE(branches.schema_selected("shop"));
    EXPECT_TRUE(branches.schema_selected("erp"));
    const TableFilter inside = filter({.include = {"shop\\.(a|b)", "erp\\.[|(]", "x\\.a\\|b"}});
    EXPECT_TRUE(inside.schema_selected("shop"));
    EXPECT_FALSE(inside.schema_selected("hidden"));
    const TableFilter ahead = filter({.include = {"(?=.*orders).*\\..*", "(?!audit$)a\\w+\\..*"}});
    EXPECT_TRUE(ahead.schema_selected("shop"));
    EXPECT_TRUE(ahead.schema_selected("audit"));
    const TableFilter without = filter({.exclude = {"hidden\\..*", "shop\\.secret"}});
    EXPECT_FALSE(without.schema_selected("hidden"));
    EXPECT_TRUE(without.schema_selected("shop"));
}

}  // namespace
}  // namespace tributary
