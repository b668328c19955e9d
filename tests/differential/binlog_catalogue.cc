// See binlog_catalogue.h.
#include "tests/differential/binlog_catalogue.h"

#include <algorithm>
#include <array>

namespace tributary::differential {
namespace {

std::vector<BinlogType> number_types() {
    return {
        {.name = "tinyint",
         .type = "tinyint",
         .values = {"7", "0", "-128", "127"},
         .default_value = "-7",
         .key = true},
        {.name = "tinyint_un",
         .type = "tinyint unsigned",
         .values = {"7", "0", "255"},
         .default_value = "200",
         .key = true},
        {.name = "tinyint_1",
         .type = "tinyint(1)",
         .values = {"1", "0", "-1", "99"},
         .default_value = "1"},
        {.name = "bool_type",
         .type = "boolean",
         .values = {"true", "false"},
         .default_value = "true"},
        {.name = "smallint",
         .type = "smallint",
         .values = {"7", "0", "-32768", "32767"},
         .default_value = "7",
         .key = true},
        {.name = "smallint_un",
         .type = "smallint unsigned",
         .values = {"7", "0", "65535"},
         .default_value = "40000",
         .key = true},
        {.name = "mediumint",
         .type = "mediumint",
         .values = {"7", "0", "-8388608", "8388607"},
         .default_value = "-1"},
        {.name = "mediumint_un",
         .type = "mediumint unsigned",
         .values = {"7", "0", "16777215"},
         .default_value = "16777215"},
        {.name = "int_type",
         .type = "int",
         .values = {"7", "0", "-2147483648", "2147483647"},
         .default_value = "'7'",
         .key = true},
        {.name = "int_un",
         .type = "int unsigned",
         .values = {"7", "0", "4294967295"},
         .default_value = "4294967295",
         .key = true},
        {.name = "int_zerofill",
         .type = "int(5) zerofill",
         .values = {"7", "0", "123456"},
         .default_value = "7"},
        {.name = "bigint",
         .type = "bigint",
         .values = {"7", "0", "-9223372036854775808", "9223372036854775807"},
         .default_value = "-9223372036854775808",
         .key = true},
        {.name = "bigint_un",
         .type = "bigint unsigned",
         .values = {"7", "0", "9223372036854775808", "18446744073709551615"},
         .default_value = "9",
         .key = true},
        {.name = "float_type",
         .type = "float",
         .values =
             {"1.5", "0", "-0.0", "3.3", "3.4028e38", "1.1754944e-38", "16777216", "1e7", "0.001"},
         .default_value = "1.5"},
        {.name = "float_7_2",
         .type = "float(7,2)",
         .values = {"12345.67", "0", "-1.5"},
         .default_value = "1.25"},
        {.name = "float_53", .type = "float(53)", .values = {"3.3", "0"}, .default_value = "3.3"},
        {.name = "double_type",
         .type = "double",
         .values = {"1.5",
                    "0",
                    "3.3",
                    "1.7976931348623157e308",
                    "2.2250738585072014e-308",
                    "123456789.125",
                    "1e7",
                    "0.001",
                    "9007199254740993"},
         .default_value = "3.3"},
        {.name = "double_10_3",
         .type = "double(10,3)",
         .values = {"1234567.891", "0"},
         .default_value = "0.5"},
        {.name = "real_type", .type = "real", .values = {"1.25", "0"}, .default_value = "1.25"},
        {.name = "decimal_plain",
         .type = "decimal",
         .values = {"7", "0", "-9999999999"},
         .default_value = "7",
         .key = true},
        {.name = "decimal_10_2",
         .type = "decimal(10,2)",
         .values = {"1.1", "0", "100", "-12345.67", "99999999.99", "1.28", "-1.28"},
         .default_value = "1.10",
         .key = true},
        {.name = "decimal_un",
         .type = "decimal(6,3) unsigned",
         .values = {"1.5", "0", "999.999"},
         .default_value = "1"},
        {.name = "decimal_65_30",
         .type = "decimal(65,30)",
         .values = {"99999999999999999999999999999999999.999999999999999999999999999999",
                    "-99999999999999999999999999999999999.999999999999999999999999999999",
                    "0",
                    "0.000000000000000000000000000001"},
         .default_value = "1.5"},
        {.name = "decimal_4",
         .type = "decimal(4)",
         .values = {"345.6", "0", "-9999"},
         .default_value = "0"},
        {.name = "numeric_3_3",
         .type = "numeric(3,3)",
         .values = {"0.123", "-0.999", "0"},
         .default_value = "0.5"},
        {.name = "bit_plain", .type = "bit", .values = {"b'1'", "b'0'"}, .default_value = "b'1'"},
        {.name = "bit_8",
         .type = "bit(8)",
         .values = {"b'01000000'", "0", "255"},
         .default_value = "b'101'"},
        {.name = "bit_12",
         .type = "bit(12)",
         .values = {"2049", "0", "8"},
         .default_value = "b'100000000001'"},
        {.name = "bit_64",
         .type = "bit(64)",
         .values = {"23989979", "0", "18446744073709551615"},
         .default_value = "b'1'"},
    };
}

std::vector<BinlogType> time_types() {
    return {
        {.name = "year_type",
         .type = "year",
         .values = {"2018", "1901", "2155", "1970", "'69'", "'70'"},
         .default_value = "2018",
         .key = true},
        {.name = "date_type",
         .type = "date",
         .values = {"'2018-04-01'", "'1970-01-01'", "'1000-01-01'", "'9999-12-31'", "'1582-10-10'"},
         .nullable_only = {"'0000-00-00'", "'2020-00-00'", "'2020-01-00'"},
         .default_value = "'2018-04-01'",
         .key = true},
        {.name = "time_type",
         .type = "time",
         .values = {"'13:51:30'", "'00:00:00'", "'23:59:59'"},
         .default_value = "'13:51:30'",
         .key = true},
        {.name = "time_3",
         .type = "time(3)",
         .values = {"'13:51:30.123'", "'00:00:00.001'"},
         .default_value = "'01:02:03.5'"},
        {.name = "time_6",
         .type = "time(6)",
         .values = {"'13:51:30.123456'", "'00:00:00.000001'", "'23:59:59.999999'"},
         .default_value = "'01:02:03.000004'"},
        {.name = "long_time",
         .type = "time",
         .values = {"'-00:00:01'", "'838:59:59'", "'-838:59:59'", "'24:00:00'", "'-13:14:50'"},
         .default_value = "'-01:00:00'",
         .long_time = true},
        {.name = "long_time_2",
         .type = "time(2)",
         .values = {"'517:51:04.77'", "'-00:00:00.01'"},
         .long_time = true},
        {.name = "long_time_6",
         .type = "time(6)",
         .values = {"'-838:59:58.999999'", "'-01:01:01.000001'", "'-00:00:00.000001'", "'0'"},
         .default_value = "'100:00:00.5'",
         .long_time = true},
        {.name = "datetime_type",
         .type = "datetime",
         .values = {"'2018-04-01 12:34:56'",
                    "'1970-01-01 00:00:00'",
                    "'1000-01-01 00:00:00'",
                    "'9999-12-31 23:59:59'"},
         .nullable_only = {"'0000-00-00 00:00:00'"},
         .default_value = "'2018-04-01 12:34:56'",
         .key = true},
        {.name = "datetime_3",
         .type = "datetime(3)",
         .values = {"'2018-04-01 12:34:56.789'", "'1936-10-25 22:10:12.608'"},
         .default_value = "'2018-04-01 12:34:56.789'"},
        {.name = "datetime_6",
         .type = "datetime(6)",
         .values = {"'2018-04-01 12:34:56.789012'",
                    "'1936-10-25 22:10:12.608001'",
                    "'1000-01-01 00:00:00.1'"},
         .default_value = "'2018-04-01 12:34:56.789012'"},
        {.name = "timestamp_type",
         .type = "timestamp",
         .values = {"'2018-04-01 12:34:56'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"},
         .nullable_only = {"'0000-00-00 00:00:00'"},
         .default_value = "'2018-04-01 12:34:56'",
         .key = true},
        {.name = "timestamp_3",
         .type = "timestamp(3)",
         .values = {"'2018-04-01 12:34:56.7'", "'2018-04-01 12:34:56'"},
         .default_value = "'2018-04-01 12:34:56.789'"},
        {.name = "timestamp_6",
         .type = "timestamp(6)",
         .values = {"'2018-04-01 12:34:56.789012'", "'2018-04-01 12:34:56'"},
         .default_value = "'2018-04-01 12:34:56.789012'"},
    };
}

std::vector<BinlogType> text_types() {
    const auto in_charset =
        [](std::string name, std::string charset, std::vector<std::string> values) {
            return BinlogType{.name = std::move(name),
                              .type = "varchar(20) CHARACTER SET " + charset,
                              .values = std::move(values),
                              .default_value = "'ab'"};
        };
    const std::string umlaut = "'\xC3\xBC\xC3\xA9'";           // ue, e acute
    const std::string euro = "'\xE2\x82\xAC\xC3\xBC'";         // euro, ue
    const std::string chinese = "'\xE4\xBA\xA7\xE5\x93\x81'";  // two ideographs
    const std::string smile = "'\xF0\x9F\x98\x80'";
    return {
        {.name = "char_5",
         .type = "char(5)",
         .values = {"'ab'", "''", "'abcde'"},
         .default_value = "'ab'",
         .key = true},
        {.name = "varchar_20",
         .type = "varchar(20)",
         .values = {"'plain'",
                    "''",
                    "'  spaces  '",
                    umlaut,
                    smile,
                    "'it''s'",
                    "'tab\\t\"q\" \\\\'",
                    "'NULL'",
                    "'line\\nbreak'",
                    "'\\x01\x7F'"},
         .default_value = "'plain'",
         .key = true},
        {.name = "varchar_300",
         .type = "varchar(300)",
         .values = {"'plain'", "REPEAT('x', 300)", "''"},
         .default_value = "'a b'"},
        {.name = "nchar_5",
         .type = "nchar(5)",
         .values = {"'ab'", umlaut},
         .default_value = "'ab'"},
        {.name = "nvarchar_5",
         .type = "nvarchar(5)",
         .values = {"'ab'", umlaut},
         .default_value = "'ab'"},
        {.name = "tinytext", .type = "tinytext", .values = {"'plain'", "''", umlaut}},
        {.name = "text_type",
         .type = "text",
         .values = {"'plain'", "''", smile, "REPEAT('y', 5000)"}},
        {.name = "mediumtext", .type = "mediumtext", .values = {"'plain'", "''"}},
        {.name = "longtext", .type = "longtext", .values = {"'plain'", "''", "REPEAT('z', 70000)"}},
        in_charset("latin1", "latin1", {"'plain'", umlaut, euro}),
        in_charset("latin2", "latin2", {"'plain'", "'\xC5\x82\xC5\x91'"}),
        in_charset("cp1251", "cp1251", {"'plain'", "'\xD0\x9F\xD1\x80'"}),
        in_charset("koi8r", "koi8r", {"'plain'", "'\xD0\x9F\xD1\x80'"}),
        in_charset("utf8mb3", "utf8mb3", {"'plain'", umlaut, chinese}),
        in_charset("ucs2", "ucs2", {"'plain'", umlaut, chinese}),
        in_charset("utf16", "utf16", {"'plain'", umlaut, smile}),
        in_charset("utf32", "utf32", {"'plain'", umlaut, smile}),
        in_charset("gbk", "gbk", {"'plain'", chinese}),
        in_charset("big5", "big5", {"'plain'", "'\xE4\xB8\xAD\xE6\x96\x87'"}),
        in_charset("sjis", "sjis", {"'plain'", "'\xE6\x97\xA5\xE6\x9C\xAC'"}),
        in_charset("ujis", "ujis", {"'plain'", "'\xE6\x97\xA5\xE6\x9C\xAC'"}),
        in_charset("euckr", "euckr", {"'plain'", "'\xED\x95\x9C\xEA\xB5\xAD'"}),
        in_charset("ascii", "ascii", {"'plain'", "''"}),
        {.name = "binary_3",
         .type = "binary(3)",
         .values = {"x'010203'", "x'01'", "x''", "x'FF00FE'"},
         .key = true},
        {.name = "varbinary_20",
         .type = "varbinary(20)",
         .values = {"x'4D7953514C'", "x''", "x'FF00'"},
         .default_value = "'ab'",
         .key = true},
        {.name = "char_binary", .type = "varchar(10) CHARACTER SET binary", .values = {"x'4D00'"}},
        {.name = "tinyblob", .type = "tinyblob", .values = {"x'010203'", "x''"}},
        {.name = "blob_type",
         .type = "blob",
         .values = {"x'010203'", "x''", "REPEAT(x'FF00', 3000)"}},
        {.name = "mediumblob", .type = "mediumblob", .values = {"x'010203'"}},
        {.name = "longblob", .type = "longblob", .values = {"x'010203'", "x'00'"}},
        {.name = "enum_type",
         .type = "enum('a','b,c','d''e','\xC3\xBC')",
         .values = {"'a'", "'b,c'", "'d''e'", "'\xC3\xBC'"},
         .nullable_only = {"0"},
         .default_value = "'b,c'",
         .key = true},
        {.name = "enum_latin1",
         .type = "enum('x','\xC3\xA9') CHARACTER SET latin1",
         .values = {"'x'", "'\xC3\xA9'"},
         .default_value = "'x'"},
        {.name = "set_type",
         .type = "set('x','y z','w''q','v')",
         .values = {"'v,x'", "''", "'y z,w''q'", "15"},
         .default_value = "'x,v'",
         .key = true},
    };
}

std::vector<BinlogType> other_types() {
    return {
        {.name = "json_type",
         .type = "json",
         .values =
             {R"('{"b": 1,  "a": [1, 2.50, null, true]}')",
              R"('null')",
              R"('"text"')",
              R"('[]')",
              R"('{}')",
              R"('18446744073709551615')",
              R"('-1')",
              R"('1.5e10')",
              R"('12345678901234567890.5')",
              R"('{"k": "quote \\" back \\\\ \\u00fc", "long": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}')"}},
        {.name = "json_opaque",
         .type = "json",
         .values =
             {"JSON_OBJECT('d', CAST('2015-01-15' AS DATE), 't', CAST('23:24:25.12' AS TIME(3)))",
              "JSON_ARRAY(CAST('2015-01-15 23:24:25.12' AS DATETIME(3)), CAST(1.10 AS "
              "DECIMAL(10,4)), x'cafebabe')",
              "CAST(CAST('2015-01-15 23:24:25' AS DATETIME) AS JSON)",
              "CAST(CAST('23:24:25' AS TIME) AS JSON)",
              "JSON_ARRAY(b'101', ST_GeomFromText('POINT(1 2)'), 1e0, 0.1e0)"},
         .server = Server::mysql},
        {.name = "point_type",
         .type = "point",
         .values = {"ST_GeomFromText('POINT(1 1)')", "ST_GeomFromText('POINT(-8.25554554 3.5)')"}},
        {.name = "geometry_type",
         .type = "geometry",
         .values = {"ST_GeomFromText('POINT(1 1)')",
                    "ST_GeomFromText('LINESTRING(0 0,1 2)')",
                    "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"}},
        {.name = "srid_type",
         .type = "geometry",
         .values = {"ST_GeomFromText('POINT(8.25 3.22)', 4326)",
                    "ST_GeomFromText('LINESTRING(0 0,1 2)', 3857)"}},
        {.name = "point_srid",
         .type = "point",
         .values = {"ST_GeomFromText('POINT(8.25 3.22)', 4326)"}},
        {.name = "linestring",
         .type = "linestring",
         .values = {"ST_GeomFromText('LINESTRING(0 0,1 2)')"}},
        {.name = "polygon",
         .type = "polygon",
         .values = {"ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"}},
        {.name = "multipoint",
         .type = "multipoint",
         .values = {"ST_GeomFromText('MULTIPOINT(0 0,1 2)')"}},
        {.name = "multiline",
         .type = "multilinestring",
         .values = {"ST_GeomFromText('MULTILINESTRING((0 0,1 2),(3 4,5 6))')"}},
        {.name = "multipolygon",
         .type = "multipolygon",
         .values = {"ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))')"}},
        {.name = "collection",
         .type = "geometrycollection",
         .values = {"ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 2))')"}},
        {.name = "vector_3",
         .type = "vector(3)",
         .values = {"STRING_TO_VECTOR('[1,2.5,-3]')", "STRING_TO_VECTOR('[0,1e10,0.1]')"},
         .server = Server::mysql},
        {.name = "uuid_type",
         .type = "uuid",
         .values = {"'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'",
                    "'00000000-0000-0000-0000-000000000000'"},
         .default_value = "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
         .key = true,
         .server = Server::mariadb},
    };
}

std::vector<BinlogType> make_types(bool mysql) {
    std::vector<BinlogType> all;
    for (auto* const some : {number_types, time_types, text_types, other_types}) {
        for (BinlogType& type : some()) {
            const Server other = mysql ? Server::mariadb : Server::mysql;
            if (type.server != other) {
                all.push_back(std::move(type));
            }
        }
    }
    return all;
}

// Tables of database `types`, by which types are in them.
struct Family {
    std::string name;
    std::vector<const BinlogType*> types;
    std::size_t rows = 0;
};

std::vector<Family> make_families(bool mysql) {
    constexpr std::size_t kTypesPerTable = 8;
    std::vector<Family> out;
    Family long_times{.name = "types.long_times", .types = {}};
    for (const BinlogType& type : binlog_types(mysql)) {
        if (!type.long_time && (out.empty() || out.back().types.size() == kTypesPerTable)) {
            out.push_back({.name = "types.t_" + std::to_string(out.size() + 1), .types = {}});
        }
        Family& family = type.long_time ? long_times : out.back();
        family.types.push_back(&type);
        family.rows = std::max(family.rows, type.values.size() + type.nullable_only.size());
    }
    out.push_back(std::move(long_times));
    return out;
}

const std::vector<Family>& families(bool mysql) {
    static const std::vector<Family> of_mysql = make_families(true);
    static const std::vector<Family> of_mariadb = make_families(false);
    return mysql ? of_mysql : of_mariadb;
}

std::string key_table(const BinlogType& type) {
    return "`keys`.t_" + type.name;
}

std::string create_family(const Family& family) {
    std::string sql = "CREATE TABLE " + family.name + " (id int PRIMARY KEY";
    for (const BinlogType* type : family.types) {
        sql += ", v_" + type->name + " " + type->type + " NULL, n_" + type->name + " " +
               type->type + " NOT NULL";
        if (!type->default_value.empty()) {
            sql += ", d_v_" + type->name + " " + type->type + " NULL DEFAULT " +
                   type->default_value + ", d_n_" + type->name + " " + type->type +
                   " NOT NULL DEFAULT " + type->default_value;
        }
    }
    return sql + ", x_out varchar(10))";
}

enum class Fill { every, defaults, nulls };

std::string insert_row(const Family& family, int id, std::size_t index, Fill fill) {
    std::string columns = "id";
    std::string values = std::to_string(id);
    const auto put = [&](const std::string& column, const std::string& value) {
        columns += ", " + column;
        values += ", " + value;
    };
    for (const BinlogType* type : family.types) {
        std::vector<std::string> nullable = type->values;
        nullable.insert(nullable.end(), type->nullable_only.begin(), type->nullable_only.end());
        const std::string& n = type->values[index % type->values.size()];
        put("n_" + type->name, n);
        if (fill == Fill::every) {
            put("v_" + type->name, nullable[index % nullable.size()]);
        }
        if (!type->default_value.empty() && fill != Fill::defaults) {
            put("d_v_" + type->name, fill == Fill::nulls ? "NULL" : n);
            put("d_n_" + type->name, n);
        }
    }
    return "INSERT INTO " + family.name + " (" + columns + ") VALUES (" + values + ")";
}

std::string update_row(const Family& family, int id) {
    std::string sql = "UPDATE " + family.name + " SET ";
    for (const BinlogType* type : family.types) {
        const std::string& last = type->values.back();
        sql += (sql.ends_with("SET ") ? "v_" : ", v_") + type->name + " = " + last + ", n_" +
               type->name + " = " + last;
    }
    return sql + " WHERE id = " + std::to_string(id);
}

void add_family(std::vector<std::string>& out, const Family& family) {
    for (std::size_t index = 0; index < family.rows; ++index) {
        out.push_back(insert_row(family, static_cast<int>(index) + 1, index, Fill::every));
    }
    out.push_back(insert_row(family, 100, 0, Fill::defaults));
    out.push_back(insert_row(family, 101, 0, Fill::nulls));
    out.push_back(update_row(family, 1));
    out.push_back("UPDATE " + family.name + " SET id = 200 WHERE id = 100");
    out.push_back("DELETE FROM " + family.name + " WHERE id IN (1, 101)");
}

void add_keys(std::vector<std::string>& out, const BinlogType& type) {
    const std::string table = key_table(type);
    for (const std::string& value : type.values) {
        out.push_back("INSERT IGNORE INTO " + table + " VALUES (1, " + value + ", " + value + ")");
    }
    out.push_back("UPDATE " + table + " SET x = 2");
    out.push_back("DELETE FROM " + table);
}

// More columns than any other table.
std::string wide_table() {
    constexpr int kWide = 400;
    std::string sql = "CREATE TABLE shapes.wide (id int PRIMARY KEY";
    for (int column = 0; column < kWide; ++column) {
        constexpr std::array kTypes{"int unsigned", "varchar(9)", "decimal(9,2)", "enum('a','b')"};
        sql += ", c" + std::to_string(column) + " " +
               kTypes[static_cast<std::size_t>(column) % kTypes.size()];
    }
    return sql + ")";
}

std::vector<std::string> create_shapes(bool mysql) {
    std::vector<std::string> out{
        wide_table(),
        "CREATE TABLE shapes.`select` (`order` int PRIMARY KEY, `Group` varchar(9), `1st` int, "
        "`dollar$` int, `dot.ted` int, `dash-ed` int, `quo\"te` int, `back``tick` int)",
        "CREATE TABLE shapes.key_of_many (v int, b binary(4), c varchar(9), e enum('x','y'), n "
        "decimal(9,3), t timestamp(3) NOT NULL DEFAULT '2020-01-01 00:00:00', d date, u bigint "
        "unsigned, PRIMARY KEY (e, u, b, c, n, t, d))",
        "CREATE TABLE shapes.sets (id int PRIMARY KEY, s set('\xC3\xBC','b c','\xE2\x82\xAC','') "
        "NOT "
        "NULL, e enum('','\xE2\x82\xAC',' lead','1') CHARACTER SET utf8mb4)",
        "CREATE TABLE shapes.tree (id int PRIMARY KEY, boss int, FOREIGN KEY (boss) REFERENCES "
        "shapes.tree (id) ON DELETE CASCADE)",
        "CREATE TABLE shapes.made (id int PRIMARY KEY, total int)",
        "CREATE TRIGGER shapes.make AFTER INSERT ON shapes.tree FOR EACH ROW INSERT INTO "
        "shapes.made "
        "VALUES (NEW.id, NEW.id * 2)",
        "CREATE TABLE shapes.nothing_but_key (id bigint unsigned PRIMARY KEY)",
        "CREATE TABLE shapes.serials (id int AUTO_INCREMENT PRIMARY KEY, d_now timestamp NOT NULL "
        "DEFAULT CURRENT_TIMESTAMP, d_maybe timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE "
        "CURRENT_TIMESTAMP, d_moment datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), "
        "d_quote varchar(20) NOT NULL DEFAULT 'it''s', d_empty varchar(20) NOT NULL DEFAULT '', "
        "d_null varchar(20) DEFAULT NULL, d_expression int NOT NULL DEFAULT (1 + 1), v int)",
        "CREATE TABLE shapes.comments (id int PRIMARY KEY COMMENT 'the key', v int COMMENT 'v') "
        "COMMENT 'a table'",
        "CREATE TABLE shapes.keyless (a int, b varchar(20))",
        "CREATE TABLE shapes.unique_only (a int, u int NOT NULL UNIQUE, b varchar(20))",
        "CREATE TABLE shapes.unique_two (a int NOT NULL, u int NOT NULL, b varchar(20), UNIQUE KEY "
        "second (u), UNIQUE KEY first (a))",
        "CREATE TABLE shapes.unique_null (a int, u int UNIQUE, b varchar(20))",
        "CREATE TABLE shapes.key_order (b varchar(20), second int, x int, first varchar(20), "
        "PRIMARY KEY (first, second))",
        "CREATE TABLE shapes.key_prefix (k varchar(100), v int, PRIMARY KEY (k(5)))",
        "CREATE TABLE shapes.parent (id int PRIMARY KEY)",
        "CREATE TABLE shapes.child (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) "
        "REFERENCES shapes.parent (id) ON DELETE CASCADE)",
        "CREATE TABLE shapes.parted (id int, region int, v varchar(20), PRIMARY KEY (id, region)) "
        "PARTITION BY LIST (region) (PARTITION p1 VALUES IN (1), PARTITION p2 VALUES IN (2))",
        "CREATE TABLE shapes.latin (id int PRIMARY KEY, v varchar(20), w text) DEFAULT CHARACTER "
        "SET latin1",
        "CREATE TABLE shapes.`Odd.le \xC3\xBC` (`Key k` int PRIMARY KEY, `a b` varchar(20), "
        "`\xC3\xB6` int)",
        "CREATE TABLE shapes.UPPER_Case (Id int PRIMARY KEY, MixedCase int)",
        "CREATE TABLE shapes.generated (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * "
        "2) VIRTUAL, s int GENERATED ALWAYS AS (a * 3) STORED)",
        "CREATE TABLE shapes.engine (id int PRIMARY KEY, v int) ENGINE=MyISAM",
        "CREATE TABLE shapes.xa (id int PRIMARY KEY)",
        "CREATE TABLE hidden.h (id int PRIMARY KEY, v int)",
    };
    if (mysql) {
        out.emplace_back(
            "CREATE TABLE shapes.invisible (id int PRIMARY KEY, i int INVISIBLE, v int)");
        out.emplace_back(
            "SET SESSION sql_generate_invisible_primary_key = ON; CREATE TABLE shapes.gipk (a int, "
            "b int); SET SESSION sql_generate_invisible_primary_key = OFF");
        out.emplace_back("CREATE TABLE shapes.partial_json (id int PRIMARY KEY, j json)");
    } else {
        out.emplace_back(
            "CREATE TABLE shapes.invisible (id int PRIMARY KEY, i int INVISIBLE, v int)");
    }
    return out;
}

std::vector<std::string> shape_statements(bool mysql) {
    std::vector<std::string> out{
        "INSERT INTO shapes.serials (v) VALUES (1), (2)",
        "UPDATE shapes.serials SET v = 3 WHERE id = 1",
        "DELETE FROM shapes.serials WHERE id = 1",
        "INSERT INTO shapes.comments VALUES (1, 1)",
        "INSERT INTO shapes.wide (id, c0, c1, c399) VALUES (1, 4294967295, 'x', 'b')",
        "UPDATE shapes.wide SET c398 = 1.5, c2 = -1.5",
        "DELETE FROM shapes.wide",
        "INSERT INTO shapes.`select` VALUES (1, 'x', 2, 3, 4, 5, 6, 7)",
        "UPDATE shapes.`select` SET `Group` = 'z'",
        "DELETE FROM shapes.`select`",
        "INSERT INTO shapes.key_of_many VALUES (1, x'00ff', 'MiXed', 'y', 1.1, '2020-01-01 "
        "00:00:00.5', '2020-02-29', 18446744073709551615)",
        "UPDATE shapes.key_of_many SET v = 2",
        "UPDATE shapes.key_of_many SET c = 'mixed', n = 2",
        "DELETE FROM shapes.key_of_many",
        "INSERT INTO shapes.sets VALUES (1, '\xC3\xBC,\xE2\x82\xAC', '\xE2\x82\xAC'), (2, '', ''), "
        "(3, 15, "
        "'1'), (4, 8, ' lead'), (5, 'none', 9)",
        "INSERT INTO shapes.tree VALUES (1, NULL), (2, 1), (3, 2)",
        "DELETE FROM shapes.tree WHERE id = 1",
        "UPDATE shapes.made JOIN shapes.parent ON parent.id <> made.id SET total = 0",
        "INSERT INTO shapes.nothing_but_key VALUES (1), (18446744073709551615)",
        "UPDATE shapes.nothing_but_key SET id = 2 WHERE id = 1",
        "INSERT INTO shapes.keyless VALUES (1, 'one'), (2, NULL)",
        "UPDATE shapes.keyless SET b = 'two' WHERE a = 2",
        "DELETE FROM shapes.keyless WHERE a = 1",
        "INSERT INTO shapes.unique_only VALUES (1, 1, 'one')",
        "UPDATE shapes.unique_only SET b = 'two'",
        "UPDATE shapes.unique_only SET u = 2",
        "DELETE FROM shapes.unique_only",
        "INSERT INTO shapes.unique_two VALUES (1, 2, 'one')",
        "UPDATE shapes.unique_two SET b = 'two'",
        "DELETE FROM shapes.unique_two",
        "INSERT INTO shapes.unique_null VALUES (1, 1, 'one'), (1, NULL, 'null')",
        "UPDATE shapes.unique_null SET b = 'two'",
        "DELETE FROM shapes.unique_null",
        "INSERT INTO shapes.key_order VALUES ('b', 2, 3, 'first')",
        "UPDATE shapes.key_order SET b = 'c'",
        "UPDATE shapes.key_order SET second = 7",
        "DELETE FROM shapes.key_order",
        "INSERT INTO shapes.key_prefix VALUES ('longer than five', 1)",
        "DELETE FROM shapes.key_prefix",
        "START TRANSACTION; INSERT INTO shapes.parent VALUES (1), (2); INSERT INTO shapes.child "
        "VALUES (1, 1), (2, 1), (3, 2); COMMIT",
        "UPDATE shapes.child SET id = id + 10 ORDER BY id DESC",
        "DELETE FROM shapes.parent WHERE id = 1",
        "INSERT INTO shapes.child VALUES (13, 2) ON DUPLICATE KEY UPDATE parent = NULL",
        "REPLACE INTO shapes.child VALUES (13, 2), (14, 2)",
        "START TRANSACTION; INSERT INTO shapes.parent VALUES (8); SAVEPOINT s; INSERT INTO "
        "shapes.parent VALUES (9); ROLLBACK TO SAVEPOINT s; INSERT INTO shapes.parent VALUES (10); "
        "COMMIT",
        "START TRANSACTION; INSERT INTO shapes.parent VALUES (11); ROLLBACK",
        "START TRANSACTION; INSERT INTO shapes.parent VALUES (12); UPDATE shapes.parent SET id = "
        "13 "
        "WHERE id = 12; UPDATE shapes.parent SET id = 12 WHERE id = 13; DELETE FROM shapes.parent "
        "WHERE id = 12; COMMIT",
        "START TRANSACTION; INSERT INTO hidden.h VALUES (1, 1); INSERT INTO shapes.parent VALUES "
        "(20); UPDATE hidden.h SET v = 2; INSERT INTO shapes.parent VALUES (21); COMMIT",
        "INSERT INTO hidden.h VALUES (2, 2)",
        "TRUNCATE TABLE shapes.child",
        "INSERT INTO shapes.child VALUES (30, 2)",
        "TRUNCATE shapes.keyless",
        "INSERT INTO shapes.parted VALUES (1, 1, 'one'), (2, 2, 'two')",
        "UPDATE shapes.parted SET region = 2 WHERE id = 1",
        "ALTER TABLE shapes.parted TRUNCATE PARTITION p2",
        "INSERT INTO shapes.latin VALUES (1, '\xC3\xBC', '\xC3\xA9')",
        "INSERT INTO shapes.`Odd.le \xC3\xBC` VALUES (1, 'x', 2)",
        "UPDATE shapes.`Odd.le \xC3\xBC` SET `a b` = 'y'",
        "DELETE FROM shapes.`Odd.le \xC3\xBC`",
        "INSERT INTO shapes.UPPER_Case VALUES (1, 2)",
        "INSERT INTO shapes.generated (id, a) VALUES (1, 2)",
        "UPDATE shapes.generated SET a = 3",
        "INSERT INTO shapes.invisible (id, v) VALUES (1, 2)",
        "INSERT INTO shapes.invisible (id, i, v) VALUES (2, 7, 2)",
        "INSERT INTO shapes.engine VALUES (1, 1), (2, 2)",
        "UPDATE shapes.engine SET v = v + 1",
        "CREATE TABLE shapes.selected AS SELECT * FROM shapes.parent",
        "CREATE TABLE shapes.alike LIKE shapes.serials",
        "INSERT INTO shapes.alike (v) VALUES (1)",
        "CREATE TEMPORARY TABLE shapes.temporary (id int); INSERT INTO shapes.temporary VALUES "
        "(1); DROP TEMPORARY TABLE shapes.temporary",
        "CREATE INDEX i ON shapes.latin (v)",
        "CREATE VIEW shapes.a_view AS SELECT 1",
        "DROP VIEW shapes.a_view",
        "XA START 'x1'; INSERT INTO shapes.xa VALUES (40); XA END 'x1'; XA PREPARE 'x1'; XA "
        "COMMIT 'x1'",
        "XA START 'x2'; INSERT INTO shapes.xa VALUES (41); XA END 'x2'; XA COMMIT 'x2' ONE "
        "PHASE",
        "DROP TABLE shapes.selected",
        "CREATE DATABASE other CHARACTER SET latin1",
        "CREATE TABLE other.o (id int PRIMARY KEY, v varchar(10), e enum('x','y'))",
        "INSERT INTO other.o VALUES (1, '\xC3\xA9', 'y')",
        "DROP DATABASE other",
    };
    if (mysql) {
        const std::vector<std::string> more{
            "INSERT INTO shapes.gipk VALUES (1, 2)",
            "UPDATE shapes.gipk SET b = 3",
            "DELETE FROM shapes.gipk",
            "SET SESSION binlog_transaction_compression = ON; START TRANSACTION; INSERT INTO "
            "shapes.parent VALUES (50), (51); INSERT INTO shapes.keyless VALUES (50, 'x'); COMMIT; "
            "SET SESSION binlog_transaction_compression = OFF",
        };
        out.insert(out.end(), more.begin(), more.end());
    }
    return out;
}

}  // namespace

const std::vector<BinlogType>& binlog_types(bool mysql) {
    static const std::vector<BinlogType> of_mysql = make_types(true);
    static const std::vector<BinlogType> of_mariadb = make_types(false);
    return mysql ? of_mysql : of_mariadb;
}

std::vector<std::string> create_binlog_catalogue(bool mysql) {
    std::vector<std::string> out;
    for (const Family& family : families(mysql)) {
        out.push_back(create_family(family));
    }
    for (const BinlogType& type : binlog_types(mysql)) {
        if (type.key) {
            out.push_back("CREATE TABLE " + key_table(type) + " (x int, k " + type.type +
                          " PRIMARY KEY, l " + type.type + ")");
        }
    }
    const std::vector<std::string> shapes = create_shapes(mysql);
    out.insert(out.end(), shapes.begin(), shapes.end());
    return out;
}

std::vector<std::string> binlog_catalogue_statements(bool mysql) {
    std::vector<std::string> out;
    for (const Family& family : families(mysql)) {
        add_family(out, family);
    }
    for (const BinlogType& type : binlog_types(mysql)) {
        if (type.key) {
            add_keys(out, type);
        }
    }
    const std::vector<std::string> shapes = shape_statements(mysql);
    out.insert(out.end(), shapes.begin(), shapes.end());
    return out;
}

std::vector<std::string> binlog_partitioned_tables(bool mysql) {
    std::vector<std::string> out;
    for (const BinlogType& type : binlog_types(mysql)) {
        if (type.key) {
            out.push_back("keys.t_" + type.name);
        }
    }
    return out;
}

}  // namespace tributary::differential
