// Table structures from the row metadata and the catalogue.
#include <gtest/gtest.h>

#include "connectors/mysql/values/column_types.h"
#include "connectors/mysql/values/table_map.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::field;
using test::hex;
using test::map_body;
using test::MapSketch;
using test::names;

struct FixedCatalogue {
    TableStructure structure;
};

CatalogueColumn known(std::string name, std::string data_type, std::string column_type) {
    CatalogueColumn column;
    column.name = std::move(name);
    column.data_type = std::move(data_type);
    column.column_type = std::move(column_type);
    return column;
}

Result<TableSchema> schema_of(const MapSketch& sketch,
                              const FixedCatalogue* catalogue,
                              ServerKind kind) {
    const auto map = parse_table_map(map_body(sketch), kind);
    EXPECT_TRUE(map) << (map ? "" : map.error().message());
    return make_schema(
        map.value(), kind, catalogue == nullptr ? TableStructure{} : catalogue->structure);
}

const MapSketch kFull{
    .types = hex("0308f6"),
    .metadata = hex("0a02"),
    .nulls = hex("04"),
    .optional = field(1, hex("40")) + names({"id", "big", "price"}) + field(8, hex("00"))};

TEST(MysqlSchema, comes_from_full_row_metadata_alone) {
    const auto schema = schema_of(kFull, nullptr, ServerKind::mysql);
    ASSERT_TRUE(schema) << schema.error().message();
    const TableSchema& table = schema.value();
    EXPECT_EQ(table.database, "shop");
    EXPECT_EQ(table.schema, "");
    EXPECT_EQ(table.table, "orders");
    ASSERT_EQ(table.columns.size(), 3U);
    EXPECT_EQ(table.columns[0].key_index, 1);
    EXPECT_EQ(table.columns[0].type.kind, TypeKind::int32);
    EXPECT_EQ(table.columns[1].type.kind, TypeKind::uint64);
    EXPECT_EQ(table.columns[1].source_type, "bigint unsigned");
    EXPECT_EQ(table.columns[2].type.kind, TypeKind::decimal);
    EXPECT_EQ(table.columns[2].type.precision, 10);
    EXPECT_EQ(table.columns[2].type.scale, 2);
    EXPECT_TRUE(table.columns[2].nullable);
    EXPECT_FALSE(table.columns[2].default_expression);
    const StoredType stored = unpack(table.columns[1].source_type_id);
    EXPECT_EQ(stored.layout.type, BinlogType::longlong);
    EXPECT_TRUE(stored.is_unsigned);
    EXPECT_FALSE(stored.catalogue_known);
    EXPECT_EQ(row_end_column(table), 3U);
}

TEST(MysqlSchema, takes_defaults_from_a_catalogue_that_has_the_same_columns) {
    FixedCatalogue catalogue;
    catalogue.structure.exists = true;
    catalogue.structure.columns = {known("id", "int", "int"),
                                   known("big", "bigint", "bigint unsigned"),
                                   known("price", "decimal", "decimal(10,2)")};
    catalogue.structure.columns[1].default_text = "7";
    const auto default_of_big = [&] {
        const auto schema = schema_of(kFull, &catalogue, ServerKind::mysql);
        EXPECT_TRUE(schema);
        EXPECT_EQ(schema.value().columns[2].type.precision, 10);
        return schema.value().columns[1].default_expression;
    };
    EXPECT_EQ(default_of_big(), "7");
    const TableStructure same = catalogue.structure;
    catalogue.structure.columns[2].column_type = "decimal(12,2)";
    EXPECT_FALSE(default_of_big()) << "of another precision";
    catalogue.structure = same;
    catalogue.structure.columns.push_back(known("added", "int", "int"));
    EXPECT_FALSE(default_of_big()) << "a column more";
    catalogue.structure = same;
    std::swap(catalogue.structure.columns[0], catalogue.structure.columns[2]);
    EXPECT_FALSE(default_of_big()) << "another order";
    catalogue.structure = same;
    catalogue.structure.exists = false;
    EXPECT_FALSE(default_of_big()) << "dropped";
}

TEST(MysqlSchema, leaves_out_a_column_that_updates_do_not_have) {
    FixedCatalogue catalogue;
    catalogue.structure.exists = true;
    catalogue.structure.columns = {known("id", "int", "int"),
                                   known("big", "bigint", "bigint unsigned"),
                                   known("price", "decimal", "decimal(10,2)")};
    const auto kind_of_big = [&] {
        const auto schema = schema_of(kFull, &catalogue, ServerKind::mariadb);
        EXPECT_TRUE(schema);
        return schema.value().columns[1].type.kind;
    };
    EXPECT_EQ(kind_of_big(), TypeKind::uint64);
    catalogue.structure.columns[1].in_updates = false;
    EXPECT_EQ(kind_of_big(), TypeKind::unsupported);
}

const MapSketch kMinimal{
    .types = hex("0308f6"), .metadata = hex("0a02"), .nulls = hex("04"), .optional = ""};

TEST(MysqlSchema, without_names_needs_a_catalogue_that_fits) {
    FixedCatalogue catalogue;
    EXPECT_TRUE(
        schema_of(kMinimal, nullptr, ServerKind::mariadb).error().is(errors::kSchemaMismatch));
    EXPECT_TRUE(
        schema_of(kMinimal, &catalogue, ServerKind::mariadb).error().is(errors::kSchemaMismatch));
    catalogue.structure.exists = true;
    catalogue.structure.columns = {known("id", "int", "int(11)"),
                                   known("big", "bigint", "bigint(20) unsigned"),
                                   known("price", "decimal", "decimal(10,2)")};
    catalogue.structure.primary_key = {"big", "id"};
    const auto schema = schema_of(kMinimal, &catalogue, ServerKind::mariadb);
    ASSERT_TRUE(schema) << schema.error().message();
    EXPECT_EQ(schema.value().columns[0].key_index, 2);
    EXPECT_EQ(schema.value().columns[1].key_index, 1);
    EXPECT_EQ(schema.value().columns[1].type.kind, TypeKind::uint64);
    EXPECT_EQ(schema.value().columns[1].name, "big");
    catalogue.structure.columns[2].column_type = "decimal(10,3)";
    EXPECT_TRUE(
        schema_of(kMinimal, &catalogue, ServerKind::mariadb).error().is(errors::kSchemaMismatch));
    catalogue.structure.columns[2] = known("price", "double", "double");
    EXPECT_TRUE(
        schema_of(kMinimal, &catalogue, ServerKind::mariadb).error().is(errors::kSchemaMismatch));
    catalogue.structure.columns.pop_back();
    EXPECT_TRUE(
        schema_of(kMinimal, &catalogue, ServerKind::mariadb).error().is(errors::kSchemaMismatch));
}

TEST(MysqlSchema, of_a_sign_other_than_the_catalogue_has_is_a_mismatch) {
    MapSketch sketch = kMinimal;
    sketch.optional = field(1, hex("00"));
    FixedCatalogue catalogue;
    catalogue.structure.exists = true;
    catalogue.structure.columns = {known("id", "int", "int"),
                                   known("big", "bigint", "bigint unsigned"),
                                   known("price", "decimal", "decimal(10,2)")};
    EXPECT_TRUE(
        schema_of(sketch, &catalogue, ServerKind::mysql).error().is(errors::kSchemaMismatch));
    catalogue.structure.columns[1].column_type = "bigint";
    EXPECT_TRUE(schema_of(sketch, &catalogue, ServerKind::mysql));
}

TEST(MysqlSchema, the_catalogue_tells_mariadbs_uuid_and_inet_from_binary) {
    const MapSketch sketch{.types = hex("fefefefe"),
                           .metadata = hex("fe10fe10fe04fe10"),
                           .nulls = hex("0f"),
                           .optional = field(2, hex("3f")) + names({"u", "i6", "i4", "b"})};
    FixedCatalogue catalogue;
    catalogue.structure.exists = true;
    catalogue.structure.columns = {known("u", "uuid", "uuid"),
                                   known("i6", "inet6", "inet6"),
                                   known("i4", "inet4", "inet4"),
                                   known("b", "binary", "binary(16)")};
    const auto schema = schema_of(sketch, &catalogue, ServerKind::mariadb);
    ASSERT_TRUE(schema);
    EXPECT_EQ(schema.value().columns[0].type.kind, TypeKind::uuid);
    EXPECT_EQ(schema.value().columns[1].type.kind, TypeKind::text);
    EXPECT_EQ(schema.value().columns[2].source_type, "inet4");
    EXPECT_EQ(schema.value().columns[3].type.kind, TypeKind::bytes);
}

const MapSketch kVersioned{
    .types = hex("03031111"),
    .metadata = hex("0606"),
    .nulls = hex("02"),
    .optional = names({"id", "v", "row_start", "row_end"}) + field(8, hex("0003"))};

TEST(MysqlSchema, hides_the_columns_of_implicit_system_versioning) {
    const auto check = [](const TableSchema& table) {
        EXPECT_EQ(table.columns[0].key_index, 1);
        EXPECT_EQ(table.columns[2].type.kind, TypeKind::unsupported);
        EXPECT_EQ(table.columns[3].type.kind, TypeKind::unsupported);
        EXPECT_EQ(table.columns[3].key_index, 0);
        EXPECT_EQ(row_end_column(table), 3U);
    };
    check(schema_of(kVersioned, nullptr, ServerKind::mariadb).value());
    FixedCatalogue catalogue;
    catalogue.structure.exists = true;
    catalogue.structure.system_versioned = true;
    catalogue.structure.columns = {known("id", "int", "int(11)"), known("v", "int", "int(11)")};
    catalogue.structure.primary_key = {"id"};
    check(schema_of(kVersioned, &catalogue, ServerKind::mariadb).value());
    MapSketch minimal = kVersioned;
    minimal.optional = "";
    check(schema_of(minimal, &catalogue, ServerKind::mariadb).value());
    EXPECT_EQ(row_end_column(schema_of(kVersioned, nullptr, ServerKind::mysql).value()), 4U);
}

TEST(MysqlSchema, keeps_period_columns_that_the_table_declares) {
    FixedCatalogue catalogue;
    catalogue.structure.exists = true;
    catalogue.structure.columns = {known("id", "int", "int(11)"),
                                   known("v", "int", "int(11)"),
                                   known("row_start", "timestamp", "timestamp(6)"),
                                   known("row_end", "timestamp", "timestamp(6)")};
    catalogue.structure.columns[3].generation_expression = "row end";
    const TableSchema table = schema_of(kVersioned, &catalogue, ServerKind::mariadb).value();
    EXPECT_EQ(table.columns[3].type.kind, TypeKind::timestamp_tz);
    EXPECT_EQ(table.columns[3].key_index, 0);
    EXPECT_EQ(row_end_column(table), 3U);
    catalogue.structure.columns[3].generation_expression = "";
    EXPECT_EQ(row_end_column(schema_of(kVersioned, &catalogue, ServerKind::mariadb).value()), 4U)
        << "an ordinary table that has such names";
}

TEST(MysqlSchema, refuses_a_collation_that_it_does_not_know) {
    const MapSketch sketch{.types = hex("0f"),
                           .metadata = hex("2800"),
                           .nulls = hex("00"),
                           .optional = field(3, hex("fc6017")) + names({"a"})};
    EXPECT_TRUE(schema_of(sketch, nullptr, ServerKind::mysql).error().is(errors::kSchemaMismatch));
}

TEST(MysqlSchema, labels_of_a_column_type_are_read_with_their_quotes) {
    EXPECT_EQ(labels_of("enum('a','it''s','b,c','')"),
              (std::vector<std::string>{"a", "it's", "b,c", ""}));
    EXPECT_EQ(labels_of("set('x')"), (std::vector<std::string>{"x"}));
    EXPECT_TRUE(labels_of("enum('a").empty());
    EXPECT_TRUE(labels_of("int(11)").empty());
}

// Both servers write them so, whatever sql_mode is.
TEST(MysqlSchema, labels_of_a_column_type_are_read_with_their_escapes) {
    EXPECT_EQ(labels_of(R"(enum('a\\b','c\nd','r\re','q''u','c,''d','\\'))"),
              (std::vector<std::string>{"a\\b", "c\nd", "r\re", "q'u", "c,'d", "\\"}));
    EXPECT_TRUE(labels_of(R"(enum('a\'))").empty());
}

TEST(MysqlSchema, fractions_in_the_form_of_mariadb_5_3_are_refused_by_name) {
    const MapSketch sketch{.types = hex("030c"),
                           .metadata = "",
                           .nulls = hex("00"),
                           .optional = field(1, hex("00")) + names({"id", "d"})};
    FixedCatalogue catalogue;
    catalogue.structure.exists = true;
    catalogue.structure.columns = {known("id", "int", "int(11)"),
                                   known("d", "datetime", "datetime(6) /* mariadb-5.3 */")};
    const auto refused = schema_of(sketch, &catalogue, ServerKind::mariadb);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kSourceSettings)) << refused.error().message();
    EXPECT_NE(refused.error().what().find("ALTER TABLE shop.orders FORCE"), std::string::npos);
    catalogue.structure.columns[1].column_type = "datetime /* mariadb-5.3 */";
    EXPECT_TRUE(schema_of(sketch, &catalogue, ServerKind::mariadb));
}

TEST(MysqlSchema, defaults_become_literals) {
    const auto expression =
        [](std::string_view text, TypeKind kind, ServerKind server, std::string extra = "") {
            CatalogueColumn column;
            column.default_text = std::string(text);
            column.extra = std::move(extra);
            ColumnType type;
            type.kind = kind;
            return default_expression(column, type, server).value_or("none");
        };
    EXPECT_EQ(expression("d'ef", TypeKind::text, ServerKind::mysql), "'d''ef'");
    EXPECT_EQ(expression("'d''ef'", TypeKind::text, ServerKind::mariadb), "'d''ef'");
    EXPECT_EQ(expression("7", TypeKind::int32, ServerKind::mysql), "7");
    EXPECT_EQ(expression("NULL", TypeKind::text, ServerKind::mariadb), "none");
    EXPECT_EQ(expression("NULL", TypeKind::text, ServerKind::mysql), "'NULL'");
    EXPECT_EQ(
        expression("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", TypeKind::uuid, ServerKind::mariadb),
        "none");
    EXPECT_EQ(expression("b'1'", TypeKind::boolean, ServerKind::mysql), "true");
    EXPECT_EQ(expression("b'0'", TypeKind::boolean, ServerKind::mariadb), "false");
    EXPECT_EQ(expression("b'101'", TypeKind::bytes, ServerKind::mysql), R"('\x05')");
    EXPECT_EQ(expression("0x6162", TypeKind::bytes, ServerKind::mysql), R"('\x6162')");
    EXPECT_EQ(expression(R"('ab\0')", TypeKind::bytes, ServerKind::mariadb), R"('\x616200')");
    EXPECT_EQ(expression(R"('a\\b''c')", TypeKind::text, ServerKind::mariadb), R"('a\b''c')");
    EXPECT_EQ(expression("concat('a','b')", TypeKind::text, ServerKind::mariadb),
              "concat('a','b')");
    EXPECT_EQ(expression("(1 + 1)", TypeKind::int32, ServerKind::mysql, "DEFAULT_GENERATED"),
              "(1 + 1)");
    EXPECT_EQ(
        expression(
            "CURRENT_TIMESTAMP", TypeKind::timestamp_tz, ServerKind::mysql, "DEFAULT_GENERATED"),
        "CURRENT_TIMESTAMP");
}

TEST(MysqlSchema, of_not_null_columns_the_server_computes_no_default_but_the_time) {
    const auto expression = [](std::string_view text, TypeKind kind, ServerKind server) {
        CatalogueColumn column;
        column.nullable = false;
        column.default_text = std::string(text);
        column.extra = server == ServerKind::mysql ? "DEFAULT_GENERATED" : "";
        ColumnType type;
        type.kind = kind;
        return default_expression(column, type, server).value_or("none");
    };
    for (const ServerKind server : {ServerKind::mysql, ServerKind::mariadb}) {
        EXPECT_EQ(expression("uuid()", TypeKind::text, server), "none");
        EXPECT_EQ(expression("length('abc')", TypeKind::int32, server), "none");
        EXPECT_EQ(expression("current_timestamp(6)", TypeKind::timestamp_tz, server),
                  "current_timestamp(6)");
    }
    EXPECT_EQ(expression("-7", TypeKind::int32, ServerKind::mariadb), "-7");
    EXPECT_EQ(expression("1.5e-10", TypeKind::float64, ServerKind::mariadb), "1.5e-10");
    EXPECT_EQ(expression("'\\0?'", TypeKind::bytes, ServerKind::mariadb), "none")
        << "the catalogue's text has lost what it was";
    EXPECT_EQ(expression("'?'", TypeKind::text, ServerKind::mariadb), "'?'");
}

}  // namespace
}  // namespace tributary::mysql
