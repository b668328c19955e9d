// See catalogue.h.
#include "tests/differential/catalogue.h"

#include <algorithm>
#include <array>

#include "tests/servers/sql.h"

namespace tributary::differential {
namespace {

using servers::sql_literal;

std::string key_table(const TypeCase& type) {
    return "keys.t_" + type.name;
}

std::vector<TypeCase> make_type_cases() {
    return {
        {.name = "boolean", .type = "boolean", .values = {"true", "false"}, .key = true},
        {.name = "int2", .type = "int2", .values = {"7", "0", "-32768", "32767"}, .key = true},
        {.name = "int4", .type = "int4", .values = {"7", "0", "-2147483648"}, .key = true},
        {.name = "int8",
         .type = "int8",
         .values = {"7", "0", "-9223372036854775808", "9223372036854775807"},
         .key = true},
        {.name = "oid", .type = "oid", .values = {"7", "0", "4294967295"}, .key = true},
        {.name = "float4",
         .type = "float4",
         .values = {"1.5",
                    "0",
                    "-0",
                    "3.3",
                    "3.4028235e38",
                    "1e-45",
                    "NaN",
                    "Infinity",
                    "-Infinity",
                    "16777216",
                    "1e7",
                    "0.001"}},
        {.name = "float8",
         .type = "float8",
         .values = {"1.5",
                    "0",
                    "-0",
                    "3.3",
                    "1.7976931348623157e308",
                    "5e-324",
                    "NaN",
                    "Infinity",
                    "-Infinity",
                    "123456789.125",
                    "1e7",
                    "0.001",
                    "9007199254740993"}},
        {.name = "numeric",
         .type = "numeric",
         .values = {"1.10",
                    "0",
                    "0.000",
                    "100",
                    "-12345.678900",
                    "99999999999999999999999999.5",
                    "1e30",
                    "-1e-20"},
         .nullable_only = {"NaN", "Infinity", "-Infinity"},
         .key = true},
        {.name = "numeric_10_2",
         .type = "numeric(10,2)",
         .values = {"1.1", "0", "100", "-12345.67", "99999999.99", "1.28", "-1.28"},
         .nullable_only = {"NaN"},
         .key = true},
        {.name = "numeric_5", .type = "numeric(5)", .values = {"7", "0", "-99999", "128"}},
        {.name = "numeric_38_10",
         .type = "numeric(38,10)",
         .values = {"1.1", "0", "-1234567890123456789012345678.0123456789"}},
        {.name = "money", .type = "money", .values = {"1234.11", "0", "-1234.11", "0.05"}},
        {.name = "text",
         .type = "text",
         .values = {"plain",
                    "",
                    "it's",
                    "tab\t\"quote\" \\ back",
                    "\xC3\xBC\xE2\x82\xAC",
                    "\xF0\x9F\x98\x80",
                    "line\nbreak",
                    "NULL",
                    "a,b {c} 'd'",
                    "\x01\x7F"},
         .key = true},
        {.name = "varchar",
         .type = "varchar(20)",
         .values = {"plain", "", "\xC3\xBC", "  spaces  "},
         .key = true},
        {.name = "char_5", .type = "char(5)", .values = {"ab", "", "abcde"}, .key = true},
        {.name = "one_char", .type = "\"char\"", .values = {"x", ""}},
        {.name = "name_type", .type = "name", .values = {"pg_name"}},
        {.name = "citext", .type = "citext", .values = {"MiXed", ""}, .key = true},
        {.name = "inet",
         .type = "inet",
         .values = {"192.168.2.1", "192.168.2.0/12", "::1", "fe80::1/64"},
         .key = true},
        {.name = "cidr", .type = "cidr", .values = {"192.168.100.128/25", "10.0.0.0/8"}},
        {.name = "macaddr", .type = "macaddr", .values = {"08-00-2b-01-02-03"}},
        {.name = "macaddr8", .type = "macaddr8", .values = {"08:00:2b:01:02:03:04:05"}},
        {.name = "int4range", .type = "int4range", .values = {"[1,5)", "empty", "(,7]", "(,)"}},
        {.name = "int8range", .type = "int8range", .values = {"[1,5]"}},
        {.name = "numrange", .type = "numrange", .values = {"[5.3,6.3)"}},
        {.name = "tsrange",
         .type = "tsrange",
         .values = {"[2019-03-31 15:30:00, infinity)",
                    "[2019-03-31 15:30:00,2019-04-30 15:30:00]"}},
        {.name = "tstzrange",
         .type = "tstzrange",
         .values = {"[2019-03-31 15:30:00+02,2019-04-30 15:30:00+02]"}},
        {.name = "daterange", .type = "daterange", .values = {"[2019-03-31, 2019-04-30)"}},
        {.name = "int4multirange", .type = "int4multirange", .values = {"{[1,5),[7,9)}"}},
        {.name = "bytea",
         .type = "bytea",
         .values = {"\\x010203", "\\x", "\\xff00fe"},
         .key = true},
        {.name = "bit_1", .type = "bit(1)", .values = {"1", "0"}, .array = false},
        {.name = "bit_plain", .type = "bit", .values = {"1", "0"}, .array = false},
        {.name = "bit_2", .type = "bit(2)", .values = {"11", "00", "01", "10"}, .array = false},
        {.name = "bit_12",
         .type = "bit(12)",
         .values = {"100000000001", "000000000000", "000000001000"},
         .array = false},
        {.name = "bit_64",
         .type = "bit(64)",
         .values = {"1000000000000000000000000000000000000000000000000000000000000000",
                    "0000000000000000000000000000000000000000000000000000000000000001"},
         .array = false},
        {.name = "varbit_1", .type = "bit varying(1)", .values = {"1", "0"}, .array = false},
        {.name = "varbit_8",
         .type = "bit varying(8)",
         .values = {"101", "", "00", "11111111"},
         .array = false},
        {.name = "varbit",
         .type = "bit varying",
         .values = {"101", "", "111011010001000110000001000000001"},
         .array = false},
        {.name = "uuid",
         .type = "uuid",
         .values = {"A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11"},
         .key = true},
        {.name = "json",
         .type = "json",
         .values = {"{\"b\": 1,  \"a\": [1, 2.50, null]}", "null", "\"text\"", "[]"}},
        {.name = "jsonb",
         .type = "jsonb",
         .values = {"{\"b\": 1,  \"a\": [1, 2.50, null]}", "null", "1e3"}},
        {.name = "xml", .type = "xml", .values = {"<foo>bar</foo><foo>bar</foo>", "<a b=\"c\"/>"}},
        {.name = "mood", .type = "mood", .values = {"sad", "ok", "it's \"q\", so"}, .key = true},
        {.name = "domain_int", .type = "domain_int", .values = {"7", "0"}, .key = true},
        {.name = "domain_numeric", .type = "domain_numeric", .values = {"7.125", "0"}},
        {.name = "domain_varchar", .type = "domain_varchar", .values = {"seven", ""}},
        {.name = "domain_of_domain", .type = "domain_of_domain", .values = {"8", "0"}},
        {.name = "domain_timestamp",
         .type = "domain_timestamp",
         .values = {"2016-11-04 13:51:30.123"}},
        {.name = "date",
         .type = "date",
         .values = {"2016-11-04",
                    "1970-01-01",
                    "0001-01-01",
                    "0044-03-15 BC",
                    "9999-12-31",
                    "1582-10-10",
                    "21016-11-04"},
         .nullable_only = {"infinity", "-infinity"},
         .key = true},
        {.name = "time",
         .type = "time",
         .values = {"13:51:30.123456", "00:00:00", "13:51:30", "23:59:59.999999", "24:00:00"},
         .key = true},
        {.name = "time_0", .type = "time(0)", .values = {"13:51:30", "24:00:00"}},
        {.name = "time_3", .type = "time(3)", .values = {"13:51:30.123", "00:00:00"}},
        {.name = "time_6", .type = "time(6)", .values = {"13:51:30.123456", "00:00:00.1"}},
        {.name = "timetz",
         .type = "timetz",
         .values = {"13:51:30.123789+02",
                    "00:00:00+00",
                    "13:51:30-11:30",
                    "01:00:00+05:45",
                    "24:00:00+00"}},
        {.name = "timetz_0", .type = "timetz(0)", .values = {"13:51:30+02"}},
        {.name = "timestamp",
         .type = "timestamp",
         .values = {"2016-11-04 13:51:30.123456",
                    "1970-01-01 00:00:00",
                    "1936-10-25 22:10:12.608",
                    "0001-01-01 00:00:00",
                    "0044-03-15 12:00:00 BC",
                    "21016-11-04 13:51:30.123456",
                    "4713-12-31 23:59:59.999999 BC",
                    "1582-10-10 01:02:03"},
         .nullable_only = {"infinity", "-infinity"},
         .key = true},
        {.name = "timestamp_0",
         .type = "timestamp(0)",
         .values = {"2016-11-04 13:51:30", "1936-10-25 22:10:12"}},
        {.name = "timestamp_3",
         .type = "timestamp(3)",
         .values = {"2016-11-04 13:51:30.123", "1936-10-25 22:10:12.608"},
         .nullable_only = {"infinity", "-infinity"}},
        {.name = "timestamptz",
         .type = "timestamptz",
         .values = {"2016-11-04 13:51:30.123456+02",
                    "1970-01-01 00:00:00+00",
                    "2016-11-04 13:51:30+00",
                    "0044-03-15 12:00:00+00 BC",
                    "21016-11-04 13:51:30+07",
                    "0001-01-01 00:00:00+00"},
         .nullable_only = {"infinity", "-infinity"},
         .key = true},
        {.name = "timestamptz_0", .type = "timestamptz(0)", .values = {"2016-11-04 13:51:30+02"}},
        {.name = "timestamptz_3",
         .type = "timestamptz(3)",
         .values = {"2016-11-04 13:51:30.1+02", "2016-11-04 13:51:30+02"}},
        {.name = "interval",
         .type = "interval",
         .values = {"1 year 2 mons 3 days 04:05:06.78",
                    "0",
                    "-1 year -2 mons +3 days -04:05:06.78",
                    "14 mons",
                    "-00:00:01.5",
                    "100:00:00",
                    "-40 days"}},
        {.name = "tsvector", .type = "tsvector", .values = {"a fat cat", "'cat':3 'fat':2A"}},
        {.name = "tsquery", .type = "tsquery", .values = {"fat & cat"}},
        {.name = "point", .type = "point", .values = {"(1,1)", "(-8.25,3.5)"}},
        {.name = "box", .type = "box", .values = {"(1,1),(0,0)"}},
        {.name = "circle", .type = "circle", .values = {"<(1,1),2>"}},
        {.name = "hstore",
         .type = "hstore",
         .values = {"\"key1\"=>\"val1\",\"key2\"=>NULL",
                    "",
                    "\"a \\\"b\"=>\"c\\\\d, e=>f\"",
                    "\"one\"=>\"1\""}},
        {.name = "ltree", .type = "ltree", .values = {"Top.Collections.Pictures", "a"}},
        {.name = "isbn", .type = "isbn", .values = {"978-0-393-04002-9"}},
        {.name = "isbn13", .type = "isbn13", .values = {"978-0-393-04002-9"}},
        {.name = "ean13", .type = "ean13", .values = {"978-0-393-04002-9"}},
        {.name = "pg_lsn", .type = "pg_lsn", .values = {"16/B374D848"}},
        {.name = "composite", .type = "pair", .values = {"(1,two)"}},
    };
}

// Tables of schema `types`, by which types are in them.
struct Family {
    std::string name;
    std::vector<TypeCase> types;
    std::size_t rows = 0;
};

const std::vector<Family>& families() {
    static const std::vector<Family> all = [] {
        constexpr std::size_t kTypesPerTable = 8;
        std::vector<Family> out;
        for (const TypeCase& type : type_cases()) {
            if (out.empty() || out.back().types.size() == kTypesPerTable) {
                out.push_back({.name = "types.t_" + std::to_string(out.size() + 1), .types = {}});
            }
            Family& family = out.back();
            family.types.push_back(type);
            family.rows = std::max(family.rows, type.values.size() + type.nullable_only.size());
        }
        return out;
    }();
    return all;
}

std::string create_types_sql() {
    std::string sql =
        "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;"
        "CREATE EXTENSION isn;"
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s \"q\", so');"
        "CREATE TYPE pair AS (a int, b text);"
        "CREATE DOMAIN domain_int AS int; CREATE DOMAIN domain_numeric AS numeric(8,3);"
        "CREATE DOMAIN domain_varchar AS varchar(8);"
        "CREATE DOMAIN domain_of_domain AS domain_int CHECK (value >= 0);"
        "CREATE DOMAIN domain_timestamp AS timestamp(3);"
        "CREATE SCHEMA types; CREATE SCHEMA keys; CREATE SCHEMA shapes;";
    for (const Family& family : families()) {
        sql += "CREATE TABLE " + family.name + " (id int PRIMARY KEY";
        for (const TypeCase& type : family.types) {
            const std::string literal = sql_literal(type.values.front());
            sql += ", v_" + type.name + " " + type.type + ", n_" + type.name + " " + type.type +
                   " NOT NULL, d_v_" + type.name + " " + type.type + " DEFAULT " + literal +
                   ", d_n_" + type.name + " " + type.type + " NOT NULL DEFAULT " + literal;
            if (type.array) {
                sql += ", a_" + type.name + " " + type.type + "[], b_" + type.name + " " +
                       type.type + "[] NOT NULL";
            }
        }
        sql += ");";
    }
    for (const TypeCase& type : type_cases()) {
        if (type.key) {
            sql += "CREATE TABLE " + key_table(type) + " (x int, k " + type.type +
                   " PRIMARY KEY, l " + type.type + ");";
        }
    }
    return sql;
}

constexpr const char* kShapesSql = R"sql(
CREATE TABLE shapes.serials (id serial PRIMARY KEY, d_big bigserial, d_ident int
    GENERATED ALWAYS AS IDENTITY, d_now timestamptz NOT NULL DEFAULT now(), d_maybe timestamptz
    DEFAULT now(), d_expression int NOT NULL DEFAULT 1 + 1, d_text text NOT NULL DEFAULT 'x' || 'y',
    d_null text DEFAULT NULL, d_negative int DEFAULT -7, d_uuid uuid NOT NULL
    DEFAULT gen_random_uuid(), d_array int[] NOT NULL DEFAULT '{}', d_user text NOT NULL
    DEFAULT current_user, d_date date NOT NULL DEFAULT current_date, v int);
CREATE TABLE shapes.keyless (a int, b text);
ALTER TABLE shapes.keyless REPLICA IDENTITY FULL;
CREATE TABLE shapes.keyless_default (a int, b text);
CREATE TABLE shapes.keyless_nothing (a int, b text);
ALTER TABLE shapes.keyless_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE shapes.unique_only (a int, u int NOT NULL UNIQUE, b text);
ALTER TABLE shapes.unique_only REPLICA IDENTITY FULL;
CREATE TABLE shapes.unique_null (a int, u int UNIQUE, b text);
ALTER TABLE shapes.unique_null REPLICA IDENTITY FULL;
CREATE TABLE shapes.unique_partial (id int NOT NULL, v text NOT NULL);
CREATE UNIQUE INDEX ON shapes.unique_partial (lower(v));
CREATE UNIQUE INDEX ON shapes.unique_partial (id) WHERE id > 0;
ALTER TABLE shapes.unique_partial REPLICA IDENTITY FULL;
CREATE TABLE shapes.unique_index (a int, u int NOT NULL UNIQUE, b text);
ALTER TABLE shapes.unique_index REPLICA IDENTITY USING INDEX unique_index_u_key;
CREATE TABLE shapes.index_covers (id int PRIMARY KEY, u int NOT NULL, b text, UNIQUE (id, u));
ALTER TABLE shapes.index_covers REPLICA IDENTITY USING INDEX index_covers_id_u_key;
CREATE TABLE shapes.index_other (id int PRIMARY KEY, u int NOT NULL UNIQUE, b text);
ALTER TABLE shapes.index_other REPLICA IDENTITY USING INDEX index_other_u_key;
CREATE TABLE shapes.key_order (b text, second int, x int, first text, PRIMARY KEY (first, second));
CREATE TABLE shapes.key_order_full (b text, second int, first text, PRIMARY KEY (first, second));
ALTER TABLE shapes.key_order_full REPLICA IDENTITY FULL;
CREATE TABLE shapes.generated (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE shapes.parted (id int, region int, v text, PRIMARY KEY (id, region))
    PARTITION BY LIST (region);
CREATE TABLE shapes.parted_1 PARTITION OF shapes.parted FOR VALUES IN (1);
CREATE TABLE shapes.parted_2 PARTITION OF shapes.parted FOR VALUES IN (2);
CREATE TABLE shapes.toast (id int PRIMARY KEY, t text, vc varchar, bp bytea, j json, jb jsonb,
    ta text[], ba bytea[], ia int[], la bigint[], ua uuid[], h hstore, x xml, ci citext, da date[], n int);
CREATE TABLE shapes.toast_full (id int PRIMARY KEY, t text, n int);
ALTER TABLE shapes.toast_full REPLICA IDENTITY FULL;
CREATE TABLE shapes.parent (id int PRIMARY KEY);
CREATE TABLE shapes.child (id int PRIMARY KEY, parent int REFERENCES shapes.parent);
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Tab.le-""q"" ü" ("Key ""k"" ü" int PRIMARY KEY, "a b" text, "öä" int);
CREATE TABLE shapes.only_unmapped (id int PRIMARY KEY, b box);
CREATE TABLE shapes.dimensions (id int PRIMARY KEY, g int[][], v int);
CREATE TABLE shapes."select" ("order" int PRIMARY KEY, "Group" text, "1st" int, "dollar$" int,
    "dot.ted" int, "dash-ed" int, " " int, "a""b" text);
CREATE TABLE shapes."UPPER" ("ID" int PRIMARY KEY, v int);
CREATE TABLE shapes.upper (id int PRIMARY KEY, v int);
CREATE TABLE shapes.key_of_many (v int, u uuid, c citext, m mood, n numeric, p numeric(8,3), z timestamptz, b bytea,
    d date, i inet, PRIMARY KEY (c, u, m, n, p, z, b, d, i));
CREATE TABLE shapes.base (id int PRIMARY KEY, v int);
CREATE TABLE shapes.heir (extra text, PRIMARY KEY (id)) INHERITS (shapes.base);
CREATE UNLOGGED TABLE shapes.unlogged (id int PRIMARY KEY, v int);
CREATE TABLE shapes.tree (id int PRIMARY KEY, boss int REFERENCES shapes.tree ON DELETE CASCADE);
CREATE TABLE shapes.identity (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text);
CREATE TABLE shapes.deep (id int, region int, day date, v text, PRIMARY KEY (id, region, day)) PARTITION BY LIST (region);
CREATE TABLE shapes.deep_1 PARTITION OF shapes.deep FOR VALUES IN (1) PARTITION BY RANGE (day);
CREATE TABLE shapes.deep_1_old PARTITION OF shapes.deep_1 FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE shapes.deep_1_new PARTITION OF shapes.deep_1 FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
CREATE TABLE shapes.deep_rest PARTITION OF shapes.deep DEFAULT;
CREATE TABLE shapes.nothing_but_key (id int PRIMARY KEY);
CREATE TABLE shapes.made (id int PRIMARY KEY, total int, ranges int4range[], spans tstzrange[], p pair[], a_domain domain_of_domain[]);
CREATE FUNCTION shapes.make() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO shapes.made (id, total) VALUES (NEW.id, NEW.id * 2); RETURN NEW; END$$;
CREATE TRIGGER make AFTER INSERT ON shapes.nothing_but_key FOR EACH ROW EXECUTE FUNCTION shapes.make();
)sql";

// More columns than any other table.
constexpr int kWide = 400;

std::string wide_table_sql() {
    std::string sql = "CREATE TABLE shapes.wide (id int PRIMARY KEY";
    for (int column = 0; column < kWide; ++column) {
        constexpr std::array kTypes{"int", "text", "numeric(9,2)", "timestamptz", "boolean"};
        sql += ", c" + std::to_string(column) + " " +
               kTypes[static_cast<std::size_t>(column) % kTypes.size()];
    }
    return sql + ");";
}

std::string toast_columns_sql() {
    std::string sql;
    for (const char* column :
         {"t", "vc", "bp", "j", "jb", "ta", "ba", "ia", "la", "ua", "h", "x", "ci", "da"}) {
        sql += "ALTER TABLE shapes.toast ALTER " + std::string(column) + " SET STORAGE EXTERNAL;";
    }
    return sql + "ALTER TABLE shapes.toast_full ALTER t SET STORAGE EXTERNAL;";
}

enum class Fill { every, defaults, nulls };

// INSERT of row `id` with the `index`th value of each type.
std::string insert_row(const Family& family, int id, std::size_t index, Fill fill) {
    std::string columns = "id";
    std::string values = std::to_string(id);
    const auto put = [&](const std::string& column, const std::string& value) {
        columns += ", " + column;
        values += ", " + value;
    };
    for (const TypeCase& type : family.types) {
        std::vector<std::string> nullable = type.values;
        nullable.insert(nullable.end(), type.nullable_only.begin(), type.nullable_only.end());
        const std::string v = sql_value(type, nullable[index % nullable.size()]);
        const std::string n = sql_value(type, type.values[index % type.values.size()]);
        put("n_" + type.name, n);
        if (type.array) {
            put("b_" + type.name, fill == Fill::every ? "ARRAY[" + n + "]" : "'{}'");
        }
        if (fill == Fill::every) {
            put("v_" + type.name, v);
            put("d_v_" + type.name, n);
            put("d_n_" + type.name, n);
        }
        if (fill == Fill::every && type.array) {
            put("a_" + type.name, "ARRAY[" + n + ", NULL, " + n + "]::" + type.type + "[]");
        }
        if (fill == Fill::nulls) {
            put("d_v_" + type.name, "NULL");
        }
    }
    return "INSERT INTO " + family.name + " (" + columns + ") VALUES (" + values + ")";
}

std::string update_row(const Family& family, int id) {
    std::string sql = "UPDATE " + family.name + " SET ";
    for (const TypeCase& type : family.types) {
        const std::string last = sql_value(type, type.values.back());
        sql += (sql.ends_with("SET ") ? "v_" : ", v_") + type.name + " = " + last + ", n_" +
               type.name + " = " + last;
    }
    return sql + " WHERE id = " + std::to_string(id);
}

void add_types(std::vector<std::string>& out, const Family& family) {
    for (std::size_t index = 0; index < family.rows; ++index) {
        out.push_back(insert_row(family, static_cast<int>(index) + 1, index, Fill::every));
    }
    out.push_back(insert_row(family, 100, 0, Fill::defaults));
    out.push_back(insert_row(family, 101, 0, Fill::nulls));
    out.push_back(update_row(family, 1));
    out.push_back("UPDATE " + family.name + " SET id = 200 WHERE id = 100");
    out.push_back("DELETE FROM " + family.name + " WHERE id IN (1, 101)");
}

void add_full(std::vector<std::string>& out, const Family& family) {
    out.push_back("ALTER TABLE " + family.name + " REPLICA IDENTITY FULL");
    out.push_back(insert_row(family, 300, 1, Fill::every));
    out.push_back(update_row(family, 300));
    out.push_back("UPDATE " + family.name + " SET id = 301 WHERE id = 300");
    out.push_back("DELETE FROM " + family.name + " WHERE id = 301");
}

void add_keys(std::vector<std::string>& out, const TypeCase& type) {
    const std::string table = key_table(type);
    for (const std::string& text : type.values) {
        const std::string v = sql_value(type, text);
        out.push_back("INSERT INTO " + table + " VALUES (1, " + v + ", " + v +
                      ") ON CONFLICT DO NOTHING");
    }
    out.push_back("UPDATE " + table + " SET x = 2");
    out.push_back("DELETE FROM " + table);
}

std::vector<std::string> shape_statements() {
    const std::string large = "repeat('x', 5000)";
    return {
        "INSERT INTO shapes.serials (v) VALUES (1), (2)",
        "UPDATE shapes.serials SET v = 3 WHERE id = 1",
        "DELETE FROM shapes.serials WHERE id = 1",
        "INSERT INTO shapes.keyless VALUES (1, 'one'), (2, NULL)",
        "UPDATE shapes.keyless SET b = 'two' WHERE a = 2",
        "DELETE FROM shapes.keyless WHERE a = 1",
        "INSERT INTO shapes.keyless_default VALUES (1, 'one')",
        "INSERT INTO shapes.keyless_nothing VALUES (1, 'one')",
        "INSERT INTO shapes.unique_only VALUES (1, 1, 'one')",
        "UPDATE shapes.unique_only SET b = 'two'",
        "UPDATE shapes.unique_only SET u = 2",
        "DELETE FROM shapes.unique_only",
        "INSERT INTO shapes.unique_null VALUES (1, 1, 'one'), (1, NULL, 'null')",
        "UPDATE shapes.unique_null SET b = 'two'",
        "DELETE FROM shapes.unique_null",
        "INSERT INTO shapes.unique_partial VALUES (1, 'x')",
        "UPDATE shapes.unique_partial SET v = 'z'",
        "DELETE FROM shapes.unique_partial",
        "INSERT INTO shapes.unique_index VALUES (1, 1, 'one')",
        "UPDATE shapes.unique_index SET b = 'two'",
        "UPDATE shapes.unique_index SET u = 2",
        "DELETE FROM shapes.unique_index",
        "INSERT INTO shapes.index_covers VALUES (1, 1, 'one')",
        "UPDATE shapes.index_covers SET b = 'two'",
        "UPDATE shapes.index_covers SET u = 2",
        "UPDATE shapes.index_covers SET id = 2",
        "DELETE FROM shapes.index_covers",
        "INSERT INTO shapes.index_other VALUES (1, 1, 'one')",
        "UPDATE shapes.index_other SET b = 'two'",
        "UPDATE shapes.index_other SET id = 2",
        "DELETE FROM shapes.index_other",
        "INSERT INTO shapes.key_order VALUES ('b', 2, 3, 'first')",
        "UPDATE shapes.key_order SET b = 'c'",
        "UPDATE shapes.key_order SET second = 7",
        "DELETE FROM shapes.key_order",
        "INSERT INTO shapes.key_order_full VALUES ('b', 2, 'first')",
        "UPDATE shapes.key_order_full SET b = 'c'",
        "UPDATE shapes.key_order_full SET second = 7",
        "DELETE FROM shapes.key_order_full",
        "INSERT INTO shapes.generated (id, a) VALUES (1, 2)",
        "UPDATE shapes.generated SET a = 3",
        "DELETE FROM shapes.generated",
        "INSERT INTO shapes.parted VALUES (1, 1, 'one'), (2, 2, 'two')",
        "UPDATE shapes.parted SET region = 2 WHERE id = 1",
        "DELETE FROM shapes.parted",
        "INSERT INTO shapes.toast VALUES (1, " + large + ", " + large + ", convert_to(" + large +
            ", 'UTF8'), to_json(" + large + "), to_jsonb(" + large + "), ARRAY[" + large +
            "], ARRAY[convert_to(" + large +
            ", 'UTF8')], array_fill(7, ARRAY[2000]), array_fill(7::bigint, ARRAY[2000]), "
            "array_fill('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, ARRAY[500]), "
            "hstore('k', " +
            large + "), xmlparse(CONTENT '<a>' || " + large + " || '</a>'), " + large +
            ", array_fill('2020-01-01'::date, ARRAY[2000]), 1)",
        "UPDATE shapes.toast SET n = 2",
        "UPDATE shapes.toast SET t = 'short'",
        "DELETE FROM shapes.toast",
        "INSERT INTO shapes.toast_full VALUES (1, " + large + ", 1)",
        "UPDATE shapes.toast_full SET n = 2",
        "DELETE FROM shapes.toast_full",
        "INSERT INTO shapes.parent VALUES (1)",
        "INSERT INTO shapes.child VALUES (1, 1)",
        "TRUNCATE shapes.child",
        "INSERT INTO shapes.child VALUES (2, 1)",
        "TRUNCATE shapes.parent CASCADE",
        "BEGIN; INSERT INTO shapes.parent VALUES (5); TRUNCATE shapes.parent CASCADE; "
        "INSERT INTO shapes.parent VALUES (6); COMMIT",
        "INSERT INTO \"Odd Schema\".\"Tab.le-\"\"q\"\" \xC3\xBC\" VALUES (1, 'x', 2)",
        "UPDATE \"Odd Schema\".\"Tab.le-\"\"q\"\" \xC3\xBC\" SET \"a b\" = 'y'",
        "DELETE FROM \"Odd Schema\".\"Tab.le-\"\"q\"\" \xC3\xBC\"",
        "INSERT INTO shapes.only_unmapped VALUES (1, '(1,1),(0,0)')",
        "INSERT INTO shapes.dimensions VALUES (1, NULL, 1)",
        "INSERT INTO shapes.wide (id, c0, c1, c399) VALUES (1, 7, 'x', true)",
        "UPDATE shapes.wide SET c398 = '2020-01-01 00:00:00Z', c2 = 1.5",
        "DELETE FROM shapes.wide",
        "INSERT INTO shapes.\"select\" VALUES (1, 'x', 2, 3, 4, 5, 6, 'y')",
        "UPDATE shapes.\"select\" SET \"Group\" = 'z'",
        "DELETE FROM shapes.\"select\"",
        "INSERT INTO shapes.\"UPPER\" VALUES (1, 1)",
        "INSERT INTO shapes.upper VALUES (2, 2)",
        "INSERT INTO shapes.key_of_many VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', "
        "'MiXed', "
        "'ok', 1.10, 1.1, '2020-01-01 00:00:00.5Z', '\\x00ff', '2020-02-29', '10.0.0.1/8')",
        "UPDATE shapes.key_of_many SET v = 2",
        "UPDATE shapes.key_of_many SET c = 'mixed', n = 1.1",
        "DELETE FROM shapes.key_of_many",
        "INSERT INTO shapes.base VALUES (1, 1)",
        "INSERT INTO shapes.heir VALUES (2, 2, 'x')",
        "UPDATE shapes.base SET v = v + 1",
        "DELETE FROM ONLY shapes.base",
        "TRUNCATE shapes.base",
        "INSERT INTO shapes.unlogged VALUES (1, 1)",
        "ALTER TABLE shapes.unlogged SET LOGGED",
        "INSERT INTO shapes.unlogged VALUES (2, 2)",
        "UPDATE shapes.unlogged SET v = 3",
        "INSERT INTO shapes.tree VALUES (1, NULL), (2, 1), (3, 2)",
        "DELETE FROM shapes.tree WHERE id = 1",
        "INSERT INTO shapes.identity (v) VALUES ('one')",
        "INSERT INTO shapes.identity VALUES (9223372036854775807, 'last')",
        "INSERT INTO shapes.identity VALUES (1, 'again') ON CONFLICT (id) DO UPDATE SET v = "
        "'merged'",
        "MERGE INTO shapes.identity USING (VALUES (1, 'm'), (5, 'n')) AS s (id, v) ON "
        "shapes.identity.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN "
        "INSERT (id, v) VALUES (s.id, s.v)",
        "INSERT INTO shapes.deep VALUES (1, 1, '2019-01-01', 'a'), (2, 7, '2019-01-01', 'b')",
        "UPDATE shapes.deep SET day = '2021-01-01' WHERE id = 1",
        "UPDATE shapes.deep SET region = 1, v = 'c' WHERE id = 2",
        "TRUNCATE shapes.deep",
        "INSERT INTO shapes.nothing_but_key VALUES (1), (2)",
        "UPDATE shapes.nothing_but_key SET id = 3 WHERE id = 1",
        "UPDATE shapes.made SET ranges = '{\"[1,5)\",empty}', spans = '{\"[2020-01-01 "
        "00:00:00Z,)\"}', "
        "p = '{\"(1,two)\"}', a_domain = '{1,2}' WHERE id = 1",
        "WITH gone AS (DELETE FROM shapes.made WHERE id = 2 RETURNING id) INSERT INTO shapes.upper "
        "SELECT id + 100, 1 FROM gone",
        "TRUNCATE shapes.upper, shapes.\"UPPER\", shapes.tree, shapes.identity RESTART IDENTITY "
        "CASCADE",
        "SELECT pg_logical_emit_message(true, 'prefix', 'content \xC3\xBC')",
        "SELECT pg_logical_emit_message(false, 'outside', 'content')",
        "BEGIN; INSERT INTO shapes.parent VALUES (7); "
        "SELECT pg_logical_emit_message(true, 'inside', '\\x00ff'::bytea); "
        "INSERT INTO shapes.child VALUES (7, 7); COMMIT",
        "BEGIN; INSERT INTO shapes.parent VALUES (8); SAVEPOINT s; "
        "INSERT INTO shapes.parent VALUES (9); ROLLBACK TO s; INSERT INTO shapes.parent VALUES "
        "(10); COMMIT",
        "BEGIN; INSERT INTO shapes.parent VALUES (11); ROLLBACK",
        "BEGIN; INSERT INTO shapes.parent VALUES (12); UPDATE shapes.parent SET id = 13 WHERE id = "
        "12; UPDATE shapes.parent SET id = 12 WHERE id = 13; DELETE FROM shapes.parent WHERE id = "
        "12; COMMIT",
    };
}

}  // namespace

const std::vector<TypeCase>& type_cases() {
    static const std::vector<TypeCase> cases = make_type_cases();
    return cases;
}

std::string sql_value(const TypeCase& type, const std::string& value) {
    return sql_literal(value) + "::" + type.type;
}

std::string create_catalogue_sql() {
    return create_types_sql() + kShapesSql + wide_table_sql() + toast_columns_sql();
}

std::vector<std::string> catalogue_statements() {
    std::vector<std::string> out;
    for (const Family& family : families()) {
        add_types(out, family);
    }
    for (const TypeCase& type : type_cases()) {
        if (type.key) {
            add_keys(out, type);
        }
    }
    const std::vector<std::string> shapes = shape_statements();
    out.insert(out.end(), shapes.begin(), shapes.end());
    for (const Family& family : families()) {
        add_full(out, family);
    }
    return out;
}

std::vector<std::string> partitioned_tables() {
    std::vector<std::string> out;
    for (const TypeCase& type : type_cases()) {
        if (type.key) {
            out.push_back(key_table(type));
        }
    }
    return out;
}

}  // namespace tributary::differential
