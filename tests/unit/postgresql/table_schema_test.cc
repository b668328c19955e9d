// A Relation message joined with the catalogue: keys by replica identity, nullability, names, and
// columns on which the two disagree.
#include "connectors/postgresql/values/table_schema.h"

#include <gtest/gtest.h>

#include "support.h"

namespace tributary::postgresql {
namespace {

using test::relation;
using test::WireColumn;

CatalogueColumn column(std::string name, std::uint32_t oid, std::string type) {
    CatalogueColumn out;
    out.name = std::move(name);
    out.type_oid = oid;
    out.type_name = std::move(type);
    return out;
}

CatalogueTable catalogue() {
    CatalogueTable table;
    table.exists = true;
    table.columns = {
        column("a", 23, "integer"), column("b", 25, "text"), column("c", 23, "integer")};
    return table;
}

TableSchema merge(const std::string& message, const CatalogueTable& table) {
    return merge_table("db", parse_relation(message).value(), table);
}

std::vector<int> keys(const TableSchema& schema) {
    std::vector<int> out;
    for (const Column& each : schema.columns) {
        out.push_back(each.key_index);
    }
    return out;
}

using Keys = std::vector<int>;
const std::vector<WireColumn> kFlagAC{{true, "a", 23}, {false, "b", 25}, {true, "c", 23}};
const std::vector<WireColumn> kFlagNone{{false, "a", 23}, {false, "b", 25}, {false, "c", 23}};
const std::vector<WireColumn> kFlagAll{{true, "a", 23}, {true, "b", 25}, {true, "c", 23}};

TEST(TableSchema, default_identity_gives_the_flagged_columns_in_the_primary_keys_order) {
    CatalogueTable table = catalogue();
    table.primary_key = {"c", "a"};
    const TableSchema schema = merge(relation(9, "t", kFlagAC), table);
    EXPECT_EQ(keys(schema), (Keys{2, 0, 1}));
    EXPECT_EQ(schema.old_row, OldRow::key);
    EXPECT_EQ(schema.source_table_id, 9U);
    EXPECT_EQ(schema.database, "db");
    // The primary key was changed since: the message is right.
    table.primary_key = {"b"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAC), table)), (Keys{1, 0, 2}));
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagNone), table)), (Keys{0, 0, 0}));
}

TEST(TableSchema, an_index_identity_gives_the_primary_key_if_the_index_has_it_all) {
    CatalogueTable table = catalogue();
    table.identity_index = {"c", "a"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAC, 'i'), table)), (Keys{2, 0, 1}));
    table.primary_key = {"a"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAC, 'i'), table)), (Keys{1, 0, 0}));
    table.primary_key = {"b"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAC, 'i'), table)), (Keys{2, 0, 1}));
    table.identity_index = {"b"};  // another index by now
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAC, 'i'), table)), (Keys{1, 0, 2}));
}

TEST(TableSchema, knows_which_column_of_a_chosen_key_old_rows_lack) {
    CatalogueTable table = catalogue();
    const auto unsent = [&table](const std::vector<WireColumn>& flags, char identity) {
        TableSchema schema = merge(relation(9, "t", flags, identity), table);
        schema.columns[0].key_index = 1;
        schema.columns[1].key_index = 2;
        return unsent_key(schema, table);
    };
    EXPECT_EQ(unsent(kFlagAll, 'f'), "");
    EXPECT_EQ(unsent(kFlagNone, 'n'), "");  // no update, no delete
    EXPECT_EQ(unsent(kFlagAC, 'd'), "b");
    table.primary_key = {"a"};
    table.partial_partitions = true;
    EXPECT_EQ(unsent(kFlagAll, 'f'), "b");
    table.primary_key = {"a", "b"};
    EXPECT_EQ(unsent(kFlagAll, 'f'), "");
}

TEST(TableSchema, a_key_is_carried_whole_or_not_at_all) {
    TableSchema table;
    table.columns = std::vector<Column>(2);
    table.columns[0].name = "a";
    table.columns[0].type.kind = TypeKind::int32;
    table.columns[0].key_index = 1;
    table.columns[1].name = "x";
    table.columns[1].source_type = "xid8";
    EXPECT_EQ(drop_uncarried_key(table), "") << "x is not of the key";
    EXPECT_EQ(table.columns[0].key_index, 1U);
    table.columns[1].key_index = 2;
    EXPECT_EQ(drop_uncarried_key(table), "x of type xid8");
    EXPECT_EQ(table.columns[0].key_index, 0U) << "rows would share what is left";
    EXPECT_EQ(table.columns[1].key_index, 0U);
}

TEST(TableSchema, full_and_nothing_give_the_primary_key_or_none) {
    CatalogueTable table = catalogue();
    for (const char identity : {'f', 'n'}) {
        const auto& flags = identity == 'f' ? kFlagAll : kFlagNone;
        table.primary_key = {"b"};
        EXPECT_EQ(keys(merge(relation(9, "t", flags, identity), table)), (Keys{0, 1, 0}));
        table.primary_key = {"b", "gone"};
        EXPECT_EQ(keys(merge(relation(9, "t", flags, identity), table)), (Keys{0, 0, 0}));
        table.primary_key = {};
        EXPECT_EQ(keys(merge(relation(9, "t", flags, identity), table)), (Keys{0, 0, 0}));
    }
}

TEST(TableSchema, columns_that_were_renamed_since_are_known_by_their_places) {
    CatalogueTable table = catalogue();
    table.columns[0].name = "ident";
    table.columns[0].default_expression = "7";
    table.primary_key = {"c", "ident"};
    const TableSchema full = merge(relation(9, "t", kFlagAll, 'f'), table);
    EXPECT_EQ(keys(full), (Keys{2, 0, 1}));
    EXPECT_EQ(full.columns[0].name, "a");
    EXPECT_EQ(full.columns[0].default_expression, "7");
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagNone, 'n'), table)), (Keys{2, 0, 1}));
    table.primary_key.clear();
    table.unique_index = {"ident"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAll, 'f'), table)), (Keys{1, 0, 0}));
}

TEST(TableSchema, columns_that_are_not_in_their_places_are_not_taken_for_renamed) {
    CatalogueTable swapped = catalogue();  // a and c have changed their names
    swapped.columns[0].name = "c";
    swapped.columns[2].name = "a";
    swapped.primary_key = {"c"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAll, 'f'), swapped)), (Keys{0, 0, 1}));
    CatalogueTable retyped = catalogue();
    retyped.columns[0] = column("ident", 20, "bigint");
    retyped.primary_key = {"ident"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAll, 'f'), retyped)), (Keys{0, 0, 0}));
    CatalogueTable longer = catalogue();  // a dropped, ident added
    longer.columns.erase(longer.columns.begin());
    longer.columns.push_back(column("ident", 23, "integer"));
    longer.primary_key = {"ident"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAll, 'f'), longer)), (Keys{0, 0, 0}));
}

TEST(TableSchema, a_unique_index_is_the_key_of_a_table_without_a_primary_key) {
    CatalogueTable table = catalogue();
    table.unique_index = {"c", "b"};
    for (const char identity : {'f', 'n', 'd'}) {
        const auto& flags = identity == 'f' ? kFlagAll : kFlagNone;
        EXPECT_EQ(keys(merge(relation(9, "t", flags, identity), table)), (Keys{0, 2, 1}));
    }
    // The message names a key: there was a primary key.
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAC), table)), (Keys{1, 0, 2}));
    table.unique_index = {"c", "gone"};
    EXPECT_EQ(keys(merge(relation(9, "t", kFlagAll, 'f'), table)), (Keys{0, 0, 0}));
}

TEST(TableSchema, key_columns_are_not_null_but_not_those_of_full) {
    CatalogueTable table = catalogue();
    table.columns[1].not_null = true;
    const TableSchema by_key = merge(relation(9, "t", kFlagAC), table);
    EXPECT_FALSE(by_key.columns[0].nullable);
    EXPECT_FALSE(by_key.columns[1].nullable);
    const TableSchema full = merge(relation(9, "t", kFlagAll, 'f'), table);
    EXPECT_TRUE(full.columns[0].nullable);
    EXPECT_FALSE(full.columns[1].nullable);
    EXPECT_TRUE(full.columns[0].identity);
}

TEST(TableSchema, a_column_that_the_catalogue_has_otherwise_keeps_what_the_message_says) {
    CatalogueTable table = catalogue();
    table.columns[0].type_oid = 20;  // ALTER TYPE bigint since
    table.columns[0].default_expression = "7";
    table.columns[0].not_null = true;
    table.columns[2].default_expression = "8";
    table.columns[2].type_modifier = 5;
    table.columns.erase(table.columns.begin() + 1);  // dropped since
    const TableSchema schema = merge(relation(9, "t", kFlagNone), table);
    EXPECT_EQ(schema.columns[0].type.kind, TypeKind::int32);
    EXPECT_EQ(schema.columns[0].source_type, "integer");
    EXPECT_EQ(schema.columns[0].default_expression, std::nullopt);
    EXPECT_TRUE(schema.columns[0].nullable);
    EXPECT_EQ(schema.columns[1].source_type, "text");
    EXPECT_EQ(schema.columns[2].default_expression, std::nullopt);
}

TEST(TableSchema, a_table_dropped_since_has_the_messages_columns) {
    CatalogueTable gone;
    CatalogueType mood;
    mood.oid = 20000;
    mood.name = "mood";
    mood.kind = 'e';
    mood.labels = {"sad"};
    gone.types = {mood};
    const TableSchema schema =
        merge(relation(9, "t", {{true, "id", 23}, {false, "m", 20000}, {false, "x", 20001}}), gone);
    EXPECT_EQ(keys(schema), (Keys{1, 0, 0}));
    EXPECT_EQ(schema.columns[1].source_type, "mood");
    EXPECT_EQ(schema.columns[1].type.labels, mood.labels);
    EXPECT_EQ(schema.columns[2].source_type, "20001");
    EXPECT_EQ(schema.columns[2].type.kind, TypeKind::unsupported);
}

TEST(TableSchema, the_catalogue_names_types_dimensions_and_defaults) {
    CatalogueTable table = catalogue();
    table.columns = {column("a", 23, "integer"), column("m", 1007, "integer[]")};
    table.columns[0].default_expression = "nextval('s'::regclass)";
    table.columns[1].dimensions = 2;
    const TableSchema schema =
        merge(relation(9, "t", {{false, "a", 23}, {false, "m", 1007}}), table);
    EXPECT_EQ(schema.columns[0].default_expression, "nextval('s'::regclass)");
    EXPECT_EQ(schema.columns[1].source_type, "integer[]");
    EXPECT_EQ(schema.columns[1].type.kind, TypeKind::unsupported);
}

}  // namespace
}  // namespace tributary::postgresql
