// TABLE_MAP events: both servers' ways, and refusal of what is none.
#include <gtest/gtest.h>

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

TableMap parse(const MapSketch& sketch, ServerKind kind = ServerKind::mysql) {
    auto map = parse_table_map(map_body(sketch), kind);
    EXPECT_TRUE(map) << (map ? "" : map.error().message());
    return map ? std::move(map.value()) : TableMap{};
}

bool refuses(const MapSketch& sketch) {
    const auto map = parse_table_map(map_body(sketch), ServerKind::mysql);
    return !map && map.error().is(errors::kProtocolViolation);
}

TEST(TableMap, has_names_types_and_metadata) {
    // int, varchar(40 bytes), char(30 bytes), enum of 2 bytes, bit(12), decimal(10,2)
    const MapSketch sketch{.types = hex("030ffefe10f6"),
                           .metadata = hex("2800"
                                           "fe1e"
                                           "f702"
                                           "0401"
                                           "0a02"),
                           .nulls = hex("02")};
    const TableMap map = parse(sketch);
    EXPECT_EQ(map.database, "shop");
    EXPECT_EQ(map.table, "orders");
    EXPECT_EQ(map.table_id, 77U);
    EXPECT_EQ(map.flags, 1);
    ASSERT_EQ(map.columns.size(), 6U);
    EXPECT_EQ(map.columns[1].layout, (ColumnLayout{BinlogType::varchar, 40}));
    EXPECT_EQ(map.columns[2].layout, (ColumnLayout{BinlogType::string, 30}));
    EXPECT_EQ(map.columns[3].layout, (ColumnLayout{BinlogType::enumeration, 2}));
    EXPECT_EQ(map.columns[4].layout, (ColumnLayout{BinlogType::bit, 12}));
    EXPECT_EQ(map.columns[5].layout, (ColumnLayout{BinlogType::newdecimal, 0x0A02}));
    EXPECT_FALSE(map.columns[0].nullable);
    EXPECT_TRUE(map.columns[1].nullable);
    EXPECT_FALSE(map.has_names);
    EXPECT_FALSE(map.has_signedness);
    const std::string body = map_body(sketch);
    const auto name = parse_table_name(body);
    ASSERT_TRUE(name);
    EXPECT_EQ(name.value().table, "orders");
    EXPECT_EQ(table_id_of(body), 77U);
}

TEST(TableMap, a_long_char_hides_its_length_in_its_type_byte) {
    // CHAR(255) of utf8mb4: 1020 bytes
    const TableMap map = parse({.types = hex("fe"), .metadata = hex("cefc"), .nulls = hex("00")});
    EXPECT_EQ(map.columns[0].layout, (ColumnLayout{BinlogType::string, 1020}));
}

TEST(TableMap, signs_are_counted_over_numbers_only) {
    // int, varchar, int unsigned, bit, year
    const TableMap map = parse({.types = hex("030f03100d"),
                                .metadata = hex("28000401"),
                                .nulls = hex("00"),
                                .optional = field(1, hex("60"))});
    EXPECT_TRUE(map.has_signedness);
    EXPECT_FALSE(map.columns[0].is_unsigned);
    EXPECT_TRUE(map.columns[2].is_unsigned);
    EXPECT_TRUE(map.columns[4].is_unsigned);
}

TEST(TableMap, geometry_counts_as_a_character_column_on_mariadb_only) {
    const MapSketch mysql{.types = hex("03ff0f"),
                          .metadata = hex("04"
                                          "2800"),
                          .nulls = hex("00"),
                          .optional = field(3, hex("08")) + field(7, hex("01"))};
    EXPECT_EQ(parse(mysql).columns[2].collation, 8);
    EXPECT_EQ(parse(mysql).columns[1].geometry_type, 1);
    MapSketch mariadb = mysql;
    mariadb.optional = field(3, hex("3f08")) + field(7, hex("01"));
    EXPECT_EQ(parse(mariadb, ServerKind::mariadb).columns[2].collation, 8);
    EXPECT_TRUE(refuses(mariadb));
}

TEST(TableMap, vector_counts_as_a_character_column_on_mysql) {
    const TableMap map = parse({.types = hex("f20f"),
                                .metadata = hex("04"
                                                "2800"),
                                .nulls = hex("00"),
                                .optional = field(3, hex("3f08")) + field(13, hex("fc0008"))});
    EXPECT_EQ(map.columns[1].collation, 8);
    EXPECT_EQ(map.columns[0].vector_dimensions, 2048U);
}

TEST(TableMap, a_default_charset_has_exceptions_by_place_among_character_columns) {
    const TableMap map = parse({.types = hex("0f030f0f"),
                                .metadata = hex("280028002800"),
                                .nulls = hex("00"),
                                .optional = field(2, hex("fcff000208"))});
    EXPECT_EQ(map.columns[0].collation, 255);
    EXPECT_EQ(map.columns[2].collation, 255);
    EXPECT_EQ(map.columns[3].collation, 8);
    EXPECT_TRUE(map.has_charsets);
}

TEST(TableMap, labels_stand_in_the_charset_of_their_column) {
    const TableMap map = parse({.types = hex("fefe"),
                                .metadata = hex("f701f801"),
                                .nulls = hex("00"),
                                .optional = field(10, hex("2d0008")) + field(5, hex("010178")) +
                                            field(6, hex("0201e401df"))});
    EXPECT_EQ(map.columns[0].labels, (std::vector<std::string>{"ä", "ß"}));
    EXPECT_EQ(map.columns[1].labels, (std::vector<std::string>{"x"}));
    EXPECT_TRUE(map.has_labels);
}

TEST(TableMap, keys_are_listed_in_their_order_with_or_without_prefix) {
    MapSketch sketch{.types = hex("030303"),
                     .metadata = "",
                     .nulls = hex("00"),
                     .optional = names({"a", "b", "c"}) + field(8, hex("0200"))};
    TableMap map = parse(sketch);
    EXPECT_EQ(map.columns[2].key_index, 1);
    EXPECT_EQ(map.columns[0].key_index, 2);
    EXPECT_EQ(map.columns[1].key_index, 0);
    sketch.optional = names({"a", "b", "c"}) + field(9, hex("020a0000"));
    map = parse(sketch);
    EXPECT_EQ(map.columns[2].key_index, 1);
    EXPECT_EQ(map.columns[2].key_prefix, 10U);
    EXPECT_EQ(map.columns[0].key_index, 2);
    sketch.optional = field(8, hex("03"));
    EXPECT_TRUE(refuses(sketch));
}

TEST(TableMap, invisible_columns_are_told_and_unknown_metadata_is_passed_over) {
    const TableMap map = parse({.types = hex("0303"),
                                .metadata = "",
                                .nulls = hex("00"),
                                .optional = field(12, hex("40")) + field(99, "later")});
    EXPECT_FALSE(map.columns[0].visible);
    EXPECT_TRUE(map.columns[1].visible);
}

TEST(TableMap, cut_anywhere_within_its_columns_is_refused) {
    const std::string body = map_body({.types = hex("030ffe"),
                                       .metadata = hex("2800fe1e"),
                                       .nulls = hex("00"),
                                       .optional = names({"a", "b", "c"})});
    for (std::size_t size = 0; size < body.size(); ++size) {
        const auto map = parse_table_map(std::string_view(body).substr(0, size), ServerKind::mysql);
        const bool at_metadata = size == body.size() - 8;  // names: 2 and 6 bytes
        EXPECT_EQ(static_cast<bool>(map), at_metadata) << size;
    }
}

TEST(TableMap, of_a_type_that_is_not_known_is_refused) {
    EXPECT_TRUE(refuses({.types = hex("63"), .metadata = "", .nulls = hex("00")}));
    EXPECT_TRUE(refuses({.types = hex("fe"), .metadata = hex("0101"), .nulls = hex("00")}));
    EXPECT_TRUE(refuses({.types = hex("14"), .metadata = hex("03"), .nulls = hex("00")}));
}

}  // namespace
}  // namespace tributary::mysql
