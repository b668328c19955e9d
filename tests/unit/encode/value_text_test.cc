// Column values by type and mode, against the values that Debezium 3.6.1 ships and its own tests
// assert; and defaults.
#include <gtest/gtest.h>

#include <limits>

#include "encode/default_value.h"
#include "encode/value_text.h"
#include "fixture.h"

namespace tributary::encode {
namespace {

ColumnType type_of(TypeKind kind, std::int32_t precision = 0, std::int32_t scale = 0) {
    ColumnType type;
    type.kind = kind;
    type.precision = precision;
    type.scale = scale;
    return type;
}

ColumnType array_of(ColumnType element) {
    ColumnType type = type_of(TypeKind::array);
    type.element = std::make_shared<const ColumnType>(std::move(element));
    return type;
}

std::string shown(const ColumnType& type,
                  const Value& value,
                  const DebeziumOptions& options = {},
                  std::string_view source_type = {}) {
    const auto format = make_format(type, source_type, options);
    if (!format) {
        return "unsupported";
    }
    Arena arena;
    JsonWriter writer;
    writer.begin(arena, 8);
    const Problem problem = write_value(writer, *format, value);
    return problem == Problem::none ? std::string(writer.finish())
                                    : "!" + std::string(to_string(problem));
}

std::string decimal(std::string_view digits, std::int32_t precision, std::int32_t scale) {
    return shown(type_of(TypeKind::decimal, precision, scale), text(digits));
}

TEST(DecimalValue, is_the_unscaled_value_in_twos_complement) {
    const std::vector<std::array<std::string, 3>> cases = {
        {"1.10", "2", "bg=="},
        {"1", "2", "ZA=="},
        {"3.30", "2", "AUo="},
        {"22.2200", "4", "A2P4"},
        {"22", "4", "A1tg"},
        {"10.1111", "4", "AYr3"},
        {"1234.11", "2", "AeIT"},
        {"-1234.11", "2", "/h3t"},
        {"0", "0", "AA=="},
        {"128", "0", "AIA="},
        {"-128", "0", "gA=="},
        {"-129", "0", "/38="},
        {"127", "0", "fw=="},
        {"-1", "0", "/w=="},
        {"123.4567", "4", "EtaH"},
        {"10", "0", "Cg=="},
        {"-0.00", "2", "AA=="},
        {"255", "0", "AP8="},
        {"18446744073709551615", "0", "AP//////////"},
        {"-18446744073709551616", "0", "/wAAAAAAAAAA"},
        {"-9223372036854775808", "0", "gAAAAAAAAAA="},
        {"9223372036854775808", "0", "AIAAAAAAAAAA"},
        {"340282366920938463463374607431768211455", "0", "AP////////////////////8="}};
    for (const auto& [digits, scale, expected] : cases) {
        EXPECT_EQ(decimal(digits, 39, std::stoi(scale)), "\"" + expected + "\"") << digits;
    }
}

TEST(DecimalValue, has_no_limit_of_digits) {
    const std::string nines(5000, '9');
    const std::string got = decimal(nines, 5000, 0);
    EXPECT_EQ(got.size(), 2 + (2077 + 2) / 3 * 4U);  // 5000 digits take 16610 bits
}

TEST(DecimalValue, of_any_scale_drops_trailing_zeros_but_never_goes_below_scale_zero) {
    EXPECT_EQ(decimal("10.1111", 0, 0), R"({"scale":4,"value":"AYr3"})");
    EXPECT_EQ(decimal("10", 0, 0), R"({"scale":0,"value":"Cg=="})");
    EXPECT_EQ(decimal("10.500", 0, 0), R"({"scale":1,"value":"aQ=="})");
    EXPECT_EQ(decimal("0.000", 0, 0), R"({"scale":0,"value":"AA=="})");
    EXPECT_EQ(decimal("1.1", 0, 0), R"({"scale":1,"value":"Cw=="})");
}

TEST(DecimalValue, refuses_what_a_precise_decimal_cannot_be) {
    for (const std::string_view special : {"NaN", "Infinity", "-Infinity"}) {
        EXPECT_EQ(decimal(special, 3, 2).front(), '!');
        EXPECT_EQ(decimal(special, 0, 0).front(), '!');
    }
    EXPECT_EQ(decimal("1.234", 3, 2).front(), '!') << "a digit would be lost";
    EXPECT_EQ(decimal("12a", 3, 0).front(), '!');
    EXPECT_EQ(decimal("", 3, 0).front(), '!');
    EXPECT_EQ(decimal("-", 3, 0).front(), '!');
    EXPECT_EQ(decimal("1.2.3", 3, 0).front(), '!');
}

TEST(DecimalValue, as_text_and_as_double) {
    const auto type = type_of(TypeKind::decimal, 6, 4);
    const DebeziumOptions as_text{.decimals = DecimalMode::string};
    const DebeziumOptions as_double{.decimals = DecimalMode::double_};
    EXPECT_EQ(shown(type, text("22.2200"), as_text), R"("22.2200")");
    EXPECT_EQ(shown(type, text("NaN"), as_text), R"("NAN")");
    EXPECT_EQ(shown(type, text("Infinity"), as_text), R"("POSITIVE_INFINITY")");
    EXPECT_EQ(shown(type, text("-Infinity"), as_text), R"("NEGATIVE_INFINITY")");
    EXPECT_EQ(shown(type, text("1.10"), as_double), "1.1");
    EXPECT_EQ(shown(type, text("1"), as_double), "1.0");
    EXPECT_EQ(shown(type, text("NaN"), as_double), R"("NaN")");
}

TEST(DateValue, counts_days) {
    const auto type = type_of(TypeKind::date);
    EXPECT_EQ(shown(type, number(17109)), "17109");
    EXPECT_EQ(shown(type, of_state(ValueState::positive_infinity)), "2147483647");
    EXPECT_EQ(shown(type, of_state(ValueState::negative_infinity)), "-2147472691");
    const DebeziumOptions iso{.times = TimePrecision::isostring};
    EXPECT_EQ(shown(type, number(17424), iso), R"("2017-09-15Z")");
    EXPECT_EQ(shown(type, number(-735160), iso), R"("-0043-03-15Z")");
    EXPECT_EQ(shown(type, of_state(ValueState::positive_infinity), iso), R"("infinity")");
}

TEST(TimeValue, follows_the_fraction_digits_and_the_mode) {
    const auto show = [](std::int32_t digits, std::int64_t us, TimePrecision mode) {
        return shown(type_of(TypeKind::time, digits), number(us), {.times = mode});
    };
    EXPECT_EQ(show(3, 49'890'123'000, TimePrecision::adaptive), "49890123");
    EXPECT_EQ(show(6, 49'890'000'000, TimePrecision::adaptive), "49890000000");
    EXPECT_EQ(show(6, 86'400'000'000, TimePrecision::adaptive), "86400000000");
    EXPECT_EQ(show(3, 49'890'123'000, TimePrecision::adaptive_time_microseconds), "49890123000");
    EXPECT_EQ(show(6, 49'890'123'999, TimePrecision::connect), "49890123");
    EXPECT_EQ(show(6, 1, TimePrecision::nanoseconds), "1000");
    EXPECT_EQ(show(6, 49'890'123'000, TimePrecision::isostring), R"("13:51:30.123Z")");
    EXPECT_EQ(show(6, 86'400'000'000, TimePrecision::isostring), R"("24:00:00Z")");
}

TEST(TimestampValue, follows_the_fraction_digits_and_the_mode) {
    const auto show = [](std::int32_t digits, const Value& value, TimePrecision mode) {
        return shown(type_of(TypeKind::timestamp, digits), value, {.times = mode});
    };
    constexpr auto kAdaptive = TimePrecision::adaptive;
    EXPECT_EQ(show(6, number(1478267490123456), kAdaptive), "1478267490123456");
    EXPECT_EQ(show(3, number(1478267490123000), kAdaptive), "1478267490123");
    EXPECT_EQ(show(3, number(-1), kAdaptive), "-1");
    EXPECT_EQ(show(6, number(-210831897600000001), kAdaptive), "-210831897600000001");
    EXPECT_EQ(show(6, of_state(ValueState::positive_infinity), kAdaptive), "9223372036825200000");
    EXPECT_EQ(show(6, of_state(ValueState::negative_infinity), kAdaptive), "-9223372036832400000");
    EXPECT_EQ(show(3, of_state(ValueState::positive_infinity), kAdaptive), "9223372036825200");
    EXPECT_EQ(show(6, of_state(ValueState::positive_infinity), TimePrecision::nanoseconds),
              "9223372036854775807");
    EXPECT_EQ(show(6, number(1478267490123456), TimePrecision::nanoseconds), "1478267490123456000");
    EXPECT_EQ(show(6, number(9223371331199999999), TimePrecision::nanoseconds).front(), '!')
        << "it would wrap";
    EXPECT_EQ(show(6, number(1478267490123456), TimePrecision::isostring),
              R"("2016-11-04T13:51:30.123456Z")");
}

TEST(ZonedValue, is_iso_8601_in_utc) {
    const auto zoned = type_of(TypeKind::timestamp_tz, 6);
    EXPECT_EQ(shown(zoned, number(1478260290123456)), R"("2016-11-04T11:51:30.123456Z")");
    EXPECT_EQ(shown(zoned, number(601060287090000000)), R"("+21016-11-04T06:51:30.000000Z")");
    EXPECT_EQ(shown(zoned, number(9223371331199999999)), R"("+294247-01-01T23:59:59.999999Z")");
    EXPECT_EQ(shown(zoned, number(-210863520000000001)), R"("-4713-12-31T23:59:59.999999Z")");
    EXPECT_EQ(shown(zoned, of_state(ValueState::positive_infinity)), R"("infinity")");
    EXPECT_EQ(shown(zoned, of_state(ValueState::negative_infinity)), R"("-infinity")");
    EXPECT_EQ(shown(type_of(TypeKind::timestamp_tz, 3), number(123000)),
              R"("1970-01-01T00:00:00.123Z")");
    EXPECT_EQ(shown(type_of(TypeKind::timestamp_tz, 0), number(-1'000'000)),
              R"("1969-12-31T23:59:59Z")");
    const auto time = type_of(TypeKind::time_tz, 6);
    EXPECT_EQ(shown(time, number(42690123789)), R"("11:51:30.123789Z")");
    EXPECT_EQ(shown(time, number(42690123000)), R"("11:51:30.123Z")");
    EXPECT_EQ(shown(time, number(42662000000)), R"("11:51:02Z")");
}

TEST(IntervalValue, is_microseconds_of_average_months_or_parts) {
    Value value = number(14'706'780'000);
    value.months = 14;
    value.days = 3;
    const auto type = type_of(TypeKind::interval);
    EXPECT_EQ(shown(type, value), "37091106780000");
    EXPECT_EQ(shown(type, value, {.intervals = IntervalMode::string}), R"("P1Y2M3DT4H5M6.78S")");
    EXPECT_EQ(shown(type, number(-500'000), {.intervals = IntervalMode::string}),
              R"("P0Y0M0DT0H0M-0.5S")");
    value.months = std::numeric_limits<std::int32_t>::max();
    value.integer = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(shown(type, value).front(), '!') << "Debezium clamps to the largest number";
    value = number(0);
    value.months = 178'000'000 * 12;  // PostgreSQL's longest
    EXPECT_EQ(shown(type, value).front(), '!');
    value.months = 292'271 * 12;
    EXPECT_EQ(shown(type, value), "9223371309600000000");
}

TEST(BinaryValue, follows_the_mode) {
    const auto type = type_of(TypeKind::bytes);
    const Value value = text("\x01\xFB\xFF");
    EXPECT_EQ(shown(type, value), R"("Afv/")");
    EXPECT_EQ(shown(type, value, {.binary = BinaryMode::base64}), R"("Afv/")");
    EXPECT_EQ(shown(type, value, {.binary = BinaryMode::base64_url_safe}), R"("Afv_")");
    EXPECT_EQ(shown(type, value, {.binary = BinaryMode::hex}), R"("01fbff")");
    EXPECT_EQ(shown(type, text("")), R"("")");
    EXPECT_EQ(shown(type, text("a")), R"("YQ==")");
}

TEST(ArrayValue, holds_elements_in_their_own_form) {
    const std::vector<Value> dates = {number(17109), number(17110), Value{}};
    Value value = of_state(ValueState::value);
    value.elements = dates;
    EXPECT_EQ(shown(array_of(type_of(TypeKind::date)), value), "[17109,17110,null]");
    const std::vector<Value> decimals = {text("1.20"), text("3.40"), text("NaN")};
    value.elements = decimals;
    EXPECT_EQ(shown(array_of(type_of(TypeKind::decimal, 10, 2)), value), R"(["eA==","AVQ=",null])");
    const std::vector<Value> nested = {value};
    Value outer = of_state(ValueState::value);
    outer.elements = nested;
    EXPECT_EQ(shown(array_of(type_of(TypeKind::decimal, 10, 2)), outer).front(), '!')
        << "two dimensions under a type of one";
    EXPECT_EQ(shown(array_of(type_of(TypeKind::unsupported)), value), "unsupported");
}

TEST(UnavailableValue, has_a_form_that_its_schema_allows) {
    const auto mark = [](const ColumnType& type, const DebeziumOptions& options = {}) {
        return make_format(type, "", options)->unavailable;
    };
    EXPECT_EQ(mark(type_of(TypeKind::json)), R"("__debezium_unavailable_value")");
    EXPECT_EQ(mark(type_of(TypeKind::bytes)), R"("X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==")");
    EXPECT_EQ(mark(type_of(TypeKind::bytes), {.binary = BinaryMode::hex}),
              R"("__debezium_unavailable_value")");
    EXPECT_EQ(mark(array_of(type_of(TypeKind::text))), R"(["__debezium_unavailable_value"])");
    EXPECT_EQ(mark(array_of(type_of(TypeKind::uuid))),
              R"(["b68a35a7-17ad-35b3-af2a-ae46edb4545a"])");
    EXPECT_TRUE(mark(type_of(TypeKind::double_vector)).starts_with("[95.0,95.0,100.0,"));
    EXPECT_TRUE(mark(type_of(TypeKind::sparse_vector))
                    .starts_with(R"({"dimensions":28,"vector":[[1,95.0],[2,95.0],)"));
    EXPECT_EQ(mark(type_of(TypeKind::geography)),
              R"({"wkb":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==","srid":null})");
    EXPECT_TRUE(mark(array_of(type_of(TypeKind::int32))).starts_with("[95,95,100,101,98,"));
    EXPECT_TRUE(mark(array_of(type_of(TypeKind::float64))).starts_with("[95.0,95.0,100.0,"));
    EXPECT_EQ(mark(array_of(type_of(TypeKind::boolean))), "") << "no such value: a named stop";
    EXPECT_EQ(mark(type_of(TypeKind::int32)), "") << "never stored out of line";
}

TEST(ColumnSchema, names_the_logical_type_and_its_parameters) {
    auto sized = make_format(type_of(TypeKind::decimal, 3, 2), "numeric(3,2)", {});
    EXPECT_EQ(sized->schema_head + sized->schema_tail,
              R"("type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,)"
              R"("parameters":{"scale":"2","connect.decimal.precision":"3"})");
    ColumnType mood = type_of(TypeKind::enumeration);
    mood.labels = {"sad", "ok", "hap,py", "it's \"q\""};
    EXPECT_EQ(make_format(mood, "mood", {})->schema_tail,
              R"(,"name":"io.debezium.data.Enum","version":1,)"
              R"("parameters":{"allowed":"sad,ok,hap,py,it's \"q\""})");
    EXPECT_EQ(make_format(type_of(TypeKind::bytes), "bit varying(24)", {})->schema_tail,
              R"(,"name":"io.debezium.data.Bits","version":1,"parameters":{"length":"24"})");
    EXPECT_EQ(make_format(array_of(type_of(TypeKind::int32)), "integer[]", {})->schema_head,
              R"("type":"array","items":{"type":"int32","optional":true})");
}

std::string default_of(std::string expression, ColumnType type, bool nullable) {
    Column column;
    column.name = "c";
    column.type = std::move(type);
    column.nullable = nullable;
    column.default_expression = std::move(expression);
    return default_json(column, *make_format(column.type, "", {})).value_or("none");
}

TEST(DefaultValue, is_the_literal_that_the_catalogue_prints) {
    EXPECT_EQ(default_of("42", type_of(TypeKind::int32), true), "42");
    EXPECT_EQ(default_of("'-5'::integer", type_of(TypeKind::int32), true), "-5");
    EXPECT_EQ(default_of("(-5)", type_of(TypeKind::int32), true), "-5");
    EXPECT_EQ(default_of("1.50", type_of(TypeKind::decimal, 5, 2), true), R"("AJY=")");
    EXPECT_EQ(default_of("'it''s'::character varying", type_of(TypeKind::text), true), R"("it's")");
    EXPECT_EQ(default_of("E'a\\\\b'::text", type_of(TypeKind::text), true), R"("a\\b")");
    EXPECT_EQ(default_of("true", type_of(TypeKind::boolean), true), "true");
    EXPECT_EQ(default_of("'2016-11-04'::date", type_of(TypeKind::date), true), "17109");
    EXPECT_EQ(default_of("'2016-11-04 13:51:30.5'::timestamp without time zone",
                         type_of(TypeKind::timestamp, 6),
                         true),
              "1478267490500000");
    EXPECT_EQ(default_of("'\\x0102'::bytea", type_of(TypeKind::bytes), true), R"("AQI=")");
}

TEST(BitsValue, has_its_length_from_the_type_or_its_name) {
    const auto schema = [](const ColumnType& type, std::string_view name) {
        return make_format(type, name, {}).value().schema_tail;
    };
    EXPECT_NE(schema(type_of(TypeKind::bytes, 12), "a_domain").find(R"("length":"12")"),
              std::string::npos);
    EXPECT_NE(schema(type_of(TypeKind::bytes), "bit(8)").find(R"("length":"8")"),
              std::string::npos);
    EXPECT_EQ(schema(type_of(TypeKind::bytes), "bytea"), "");
    EXPECT_EQ(default_of("'101'::\"bit\"", type_of(TypeKind::bytes, 12), true), R"("BQ==")");
    EXPECT_EQ(default_of("B'100000000001'::\"bit\"", type_of(TypeKind::bytes, 12), true),
              R"("AQg=")");
    EXPECT_EQ(default_of("B'1'::\"bit\"", type_of(TypeKind::boolean), true), "true");
}

TEST(MapValue, is_json_with_a_placeholder_and_a_zero_of_its_own) {
    const Format format = make_format(type_of(TypeKind::json, kJsonOfMap), "hstore", {}).value();
    EXPECT_EQ(format.zero, R"("{}")");
    EXPECT_EQ(format.unavailable,
              R"("{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}")");
    EXPECT_EQ(make_format(type_of(TypeKind::json), "json", {}).value().zero, R"("")");
}

TEST(ArrayValue, has_optional_items_of_every_type) {
    for (const TypeKind kind : {TypeKind::enumeration, TypeKind::text, TypeKind::int32}) {
        const std::string head = make_format(array_of(type_of(kind)), "", {}).value().schema_head;
        EXPECT_NE(head.find("\"optional\":true"), std::string::npos) << head;
        EXPECT_EQ(head.find("\"optional\":false"), std::string::npos) << head;
    }
}

TEST(DefaultValue, of_a_time_may_be_below_zero_and_over_a_day) {
    EXPECT_EQ(default_of("'-01:00:00'", type_of(TypeKind::time, 6), true), "-3600000000");
    EXPECT_EQ(default_of("'100:00:00.5'", type_of(TypeKind::time, 6), true), "360000500000");
    EXPECT_EQ(default_of("'1:00:00'", type_of(TypeKind::time, 6), true), "none");
    EXPECT_EQ(default_of("'01:00:00+'", type_of(TypeKind::time, 6), true), "none");
    EXPECT_EQ(default_of("'2016-11-04 25:00:00'", type_of(TypeKind::timestamp, 6), true), "none");
}

TEST(DefaultValue, of_a_decimal_has_the_columns_scale) {
    DebeziumOptions texts;
    texts.decimals = DecimalMode::string;
    Column column;
    column.type = type_of(TypeKind::decimal, 10, 2);
    column.default_expression = "1.1";
    const auto format = make_format(column.type, "numeric(10,2)", texts).value();
    EXPECT_EQ(default_json(column, format), R"("1.10")");
    // Without a scale there is none in the precise form, as in Debezium.
    EXPECT_EQ(default_of("1.1", type_of(TypeKind::decimal), true), "none");
}

TEST(DefaultValue, of_an_expression_is_the_types_zero_or_nothing) {
    EXPECT_EQ(default_of("now()", type_of(TypeKind::timestamp, 6), false), "0");
    EXPECT_EQ(default_of("now()", type_of(TypeKind::timestamp, 6), true), "none");
    EXPECT_EQ(default_of("nextval('s'::regclass)", type_of(TypeKind::int64), false), "0");
    EXPECT_EQ(default_of("('now'::text)::date", type_of(TypeKind::date), false), "none");
    EXPECT_EQ(default_of("('a'::text || 'b'::text)", type_of(TypeKind::text), false), "none");
    EXPECT_EQ(default_of("'a'::text || 'b'::text", type_of(TypeKind::text), false), "none");
    EXPECT_EQ(default_of("CURRENT_USER", type_of(TypeKind::text), false), "none");
    EXPECT_EQ(default_of("CURRENT_TIMESTAMP", type_of(TypeKind::timestamp_tz, 6), false),
              R"("1970-01-01T00:00:00.000000Z")");
    EXPECT_EQ(default_of("gen_random_uuid()", type_of(TypeKind::uuid), false),
              R"("00000000-0000-0000-0000-000000000000")");
    EXPECT_EQ(default_of("1 + 2", type_of(TypeKind::int32), true), "none");
    EXPECT_EQ(default_of("NULL::character varying", type_of(TypeKind::text), true), "none");
    EXPECT_EQ(default_of("'x", type_of(TypeKind::text), true), "none");
}

Value geometry(std::string_view wkb, std::int64_t srid) {
    Value value = text(wkb);
    value.integer = srid;
    return value;
}

std::string schema_of(const ColumnType& type,
                      std::string_view source_type = {},
                      const DebeziumOptions& options = {}) {
    const auto format = make_format(type, source_type, options);
    return format ? "{" + format->schema_head + format->schema_tail + "}" : "unsupported";
}

TEST(UnsignedValue, wraps_unless_it_is_asked_to_be_precise) {
    DebeziumOptions precise;
    precise.unsigned_bigints = UnsignedMode::precise;
    const ColumnType type = type_of(TypeKind::uint64);
    EXPECT_EQ(shown(type, number(-1)), "-1");
    EXPECT_EQ(shown(type, number(7)), "7");
    EXPECT_EQ(shown(type, number(-1), precise), "\"AP//////////\"");  // 2^64 - 1
    EXPECT_EQ(shown(type, number(0), precise), "\"AA==\"");
    EXPECT_EQ(shown(type, number(127), precise), "\"fw==\"");
    EXPECT_EQ(shown(type, number(128), precise), "\"AIA=\"");
    EXPECT_EQ(schema_of(type), R"({"type":"int64"})");
    EXPECT_EQ(schema_of(type, {}, precise),
              R"({"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,)"
              R"("parameters":{"scale":"0","connect.decimal.precision":"20"}})");
}

TEST(YearValue, is_a_number_with_a_name) {
    EXPECT_EQ(shown(type_of(TypeKind::year), number(2155)), "2155");
    EXPECT_EQ(schema_of(type_of(TypeKind::year)),
              R"({"type":"int32","name":"io.debezium.time.Year","version":1})");
}

TEST(LabelValue, of_mysql_has_its_commas_escaped_and_postgresqls_has_not) {
    ColumnType type = type_of(TypeKind::enumeration);
    type.labels = {"a", "b,c"};
    EXPECT_EQ(schema_of(type, "enum('a','b,c')"),
              R"({"type":"string","name":"io.debezium.data.Enum","version":1,)"
              R"("parameters":{"allowed":"a,b\\,c"}})");
    EXPECT_EQ(schema_of(type, "mood"),
              R"({"type":"string","name":"io.debezium.data.Enum","version":1,)"
              R"("parameters":{"allowed":"a,b,c"}})");
    type.kind = TypeKind::set;
    type.labels = {"x", "y"};
    EXPECT_EQ(schema_of(type, "set('x','y')"),
              R"({"type":"string","name":"io.debezium.data.EnumSet","version":1,)"
              R"("parameters":{"allowed":"x,y"}})");
    EXPECT_EQ(shown(type, text("x,y")), "\"x,y\"");
}

TEST(GeometryValue, is_its_bytes_and_its_reference_system) {
    const std::string wkb("\1\1\0\0\0\0\0\0\0\0\0\xF0\x3F\0\0\0\0\0\0\0\x40", 21);
    EXPECT_EQ(shown(type_of(TypeKind::geometry), geometry(wkb, 0)),
              R"({"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":null})");
    EXPECT_EQ(shown(type_of(TypeKind::point), geometry(wkb, 4326)),
              R"({"x":1.0,"y":2.0,"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":4326})");
    EXPECT_EQ(shown(type_of(TypeKind::point), geometry(wkb.substr(0, 20), 0)).front(), '!');
    std::string line = wkb;
    line[1] = 2;
    EXPECT_EQ(shown(type_of(TypeKind::point), geometry(line, 0)).front(), '!');
    EXPECT_TRUE(make_format(type_of(TypeKind::geometry), {}, {})->always_optional);
    EXPECT_FALSE(make_format(type_of(TypeKind::point), {}, {})->always_optional);
}

TEST(VectorValue, is_an_array_of_floats) {
    const std::string floats("\0\0\x80\x3F\0\0\x20\xC0", 8);
    EXPECT_EQ(shown(type_of(TypeKind::float_vector), text(floats)), "[1.0,-2.5]");
    EXPECT_EQ(shown(type_of(TypeKind::float_vector), text("")), "[]");
    EXPECT_EQ(shown(type_of(TypeKind::float_vector), text("abc")).front(), '!');
    EXPECT_EQ(schema_of(type_of(TypeKind::float_vector)),
              R"({"type":"array","items":{"type":"float","optional":false},)"
              R"("name":"io.debezium.data.FloatVector","version":1})");
}

TEST(VectorValue, may_be_wide_or_sparse) {
    const std::string one("\0\0\0\0\0\0\xF0\x3F", 8);
    EXPECT_EQ(shown(type_of(TypeKind::double_vector), text(one + one)), "[1.0,1.0]");
    EXPECT_EQ(shown(type_of(TypeKind::double_vector), text(one.substr(4))).front(), '!');
    EXPECT_EQ(schema_of(type_of(TypeKind::double_vector)),
              R"({"type":"array","items":{"type":"double","optional":false},)"
              R"("name":"io.debezium.data.DoubleVector","version":1})");
    const auto sparse = type_of(TypeKind::sparse_vector);
    const std::string element = std::string("\3\0\0\0", 4) + one;
    EXPECT_EQ(shown(sparse, geometry(element, 5)), R"({"dimensions":5,"vector":[[3,1.0]]})");
    EXPECT_EQ(shown(sparse, geometry("", 32767)), R"({"dimensions":32767,"vector":[]})");
    EXPECT_EQ(shown(sparse, geometry("", 32768)).front(), '!') << "more than its schema can say";
    EXPECT_EQ(shown(sparse, geometry(one, 5)).front(), '!');
}

TEST(TimeValue, of_mysql_may_be_negative_and_longer_than_a_day) {
    DebeziumOptions options;
    options.times = TimePrecision::adaptive_time_microseconds;
    EXPECT_EQ(shown(type_of(TypeKind::time), number(-3'020'399'000'000), options),
              "-3020399000000");
    options.times = TimePrecision::connect;
    EXPECT_EQ(shown(type_of(TypeKind::time), number(-1), options).front(), '!');
    EXPECT_EQ(shown(type_of(TypeKind::time), number(86'400'000'000), options), "86400000");
    options.times = TimePrecision::isostring;
    EXPECT_EQ(shown(type_of(TypeKind::time), number(86'400'000'001), options).front(), '!');
}

}  // namespace
}  // namespace tributary::encode
