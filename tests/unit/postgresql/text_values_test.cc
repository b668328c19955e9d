// Text values, each literal beside its refused neighbours (debezium-compat 3.5 and 8.4).
#include "connectors/postgresql/values/text_values.h"

#include <gtest/gtest.h>

namespace tributary::postgresql {
namespace {

ColumnType type_of(TypeKind kind) {
    ColumnType type;
    type.kind = kind;
    return type;
}

struct Case {
    TypeKind kind;
    std::string_view text;
    std::int64_t integer;
};

TEST(TextValues, temporal_literals_have_the_oracles_numbers) {
    constexpr Case kCases[] = {
        {TypeKind::date, "2016-11-04", 17109},
        {TypeKind::date, "0044-03-15 BC", -735160},
        {TypeKind::time, "24:00:00", 86'400'000'000},
        {TypeKind::time, "13:51:30.123", 49'890'123'000},
        {TypeKind::time_tz, "13:51:30.123789+02", 42'690'123'789},
        {TypeKind::time_tz, "12:00:00.5+02:30:15", 34'185'500'000},
        {TypeKind::time_tz, "00:30:00+01", 84'600'000'000},
        {TypeKind::timestamp, "2016-11-04 13:51:30.123456", 1'478'267'490'123'456},
        {TypeKind::timestamp, "1936-10-25 22:10:12.608", -1'047'174'587'392'000},
        {TypeKind::timestamp, "21016-11-04 13:51:30.123456", 601'060'312'290'123'456},
        {TypeKind::timestamp, "294247-01-01 23:59:59.999999", 9'223'371'331'199'999'999},
        {TypeKind::timestamp, "4713-12-31 23:59:59.999999 BC", -210'831'897'600'000'001},
        {TypeKind::timestamp_tz, "2016-11-04 11:51:30.123456+00", 1'478'260'290'123'456},
    };
    Arena arena;
    for (const Case& each : kCases) {
        Value value;
        EXPECT_EQ(parse_value(type_of(each.kind), each.text, arena, value), ValueFault::none)
            << each.text;
        EXPECT_EQ(value.integer, each.integer) << each.text;
    }
}

std::string parsed(const ColumnType& type, std::string_view text) {
    Arena arena;
    Value value;
    const ValueFault fault = parse_value(type, text, arena, value);
    return fault == ValueFault::none ? std::string(value.text) : std::string(to_string(fault));
}

constexpr const char* kMalformed = "not the text form of its type";

TEST(TextValues, money_is_read_in_the_ways_that_locales_write_two_fraction_digits) {
    ColumnType money = type_of(TypeKind::decimal);
    money.scale = 2;
    EXPECT_EQ(parsed(money, "$1,234.11"), "1234.11");
    EXPECT_EQ(parsed(money, "-$92,233,720,368,547,758.08"), "-92233720368547758.08");
    EXPECT_EQ(parsed(money, "1.234,11 \xE2\x82\xAC"), "1234.11");
    EXPECT_EQ(parsed(money, "$0.05"), "0.05");
    EXPECT_EQ(parsed(money, "($0.05)"), "-0.05");
    for (const char* text : {"", "$", "$1,234", "$.05", "$1.234"}) {
        EXPECT_EQ(parsed(money, text), kMalformed) << text;
    }
}

TEST(TextValues, bit_strings_are_little_endian_bytes_without_zeros_at_the_end) {
    ColumnType bits = type_of(TypeKind::bytes);
    bits.precision = 64;
    EXPECT_EQ(parsed(bits, "101"), "\x05");
    EXPECT_EQ(parsed(bits, "00"), "");
    EXPECT_EQ(parsed(bits, ""), "");
    EXPECT_EQ(parsed(bits, "100000000001"), "\x01\x08");
    EXPECT_EQ(parsed(bits, "111011010001000110000001000000001"), "\x01\x02\x23\xDA\x01");
    EXPECT_EQ(parsed(bits, "2"), kMalformed);
    EXPECT_EQ(parsed(bits, "\\x01"), kMalformed);
}

TEST(TextValues, hstore_becomes_a_json_object) {
    ColumnType map = type_of(TypeKind::json);
    map.precision = kJsonOfMap;
    EXPECT_EQ(parsed(map, ""), "{}");
    EXPECT_EQ(parsed(map, R"("a"=>"1", "b"=>NULL)"), R"({"a":"1","b":null})");
    EXPECT_EQ(parsed(map, R"("a \"q\""=>"c\\d, e=>f")"), R"({"a \"q\"":"c\\d, e=>f"})");
    EXPECT_EQ(parsed(map, "\"k\"=>\"\x01\t\""), R"({"k":"\u0001\t"})");
    for (const char* text : {"a", R"("a")", R"("a"=>)", R"("a"=>"1",)", R"("a"=>"1)", "\"a\\"}) {
        EXPECT_EQ(parsed(map, text), kMalformed) << text;
    }
    EXPECT_EQ(parsed(map, "\"k\"=>\"\xFF\""), "not UTF-8");
}

TEST(TextValues, a_point_becomes_well_known_binary) {
    using namespace std::string_literals;
    EXPECT_EQ(parsed(type_of(TypeKind::point), "(1,-2.5)"),
              "\1\1\0\0\0\0\0\0\0\0\0\xF0?\0\0\0\0\0\0\4\xC0"s);
    for (const char* text : {"", "()", "(1)", "(1,)", "(,2)", "1,2", "(1,2", "(1,2,3)", "(1,x)"}) {
        EXPECT_EQ(parsed(type_of(TypeKind::point), text), kMalformed) << text;
    }
}

TEST(TextValues, refuses_what_is_next_to_a_literal) {
    constexpr Case kCases[] = {
        {TypeKind::date, "2016-13-04", 0},
        {TypeKind::date, "2016-11-04x", 0},
        {TypeKind::time, "24:00:00.000001", 0},
        {TypeKind::time_tz, "12:00:00", 0},
        {TypeKind::timestamp, "2016-11-04 13:51", 0},
        {TypeKind::int16, "32768", 0},
        {TypeKind::int32, "", 0},
        {TypeKind::boolean, "true", 0},
        {TypeKind::decimal, "1.", 0},
        {TypeKind::decimal, "1e5", 0},
        {TypeKind::bytes, "\\x0", 0},
        {TypeKind::uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", 0},
        {TypeKind::interval, "1 fortnight", 0},
        {TypeKind::text, "\xC3", 0},
    };
    Arena arena;
    for (const Case& each : kCases) {
        Value value;
        EXPECT_NE(parse_value(type_of(each.kind), each.text, arena, value), ValueFault::none)
            << each.text;
    }
    Value value;
    EXPECT_EQ(
        parse_value(type_of(TypeKind::timestamp), "294276-12-31 23:59:59.999999", arena, value),
        ValueFault::out_of_range);
}

TEST(ExtensionValues, vectors_are_the_bytes_of_their_numbers) {
    const auto halves = type_of(TypeKind::float_vector);
    EXPECT_EQ(parsed(halves, "[1,-2.5]"), std::string("\0\0\x80\x3F\0\0\x20\xC0", 8));
    EXPECT_EQ(parsed(halves, "[]"), "");
    const auto vector = type_of(TypeKind::double_vector);
    EXPECT_EQ(parsed(vector, "[1e-07]"), std::string("\x48\xAF\xBC\x9A\xF2\xD7\x7A\x3E"));
    for (const char* const text : {"", "[", "1", "[1", "[1,]", "[,1]", "[1 ,2]", "[1]]", "[1];"}) {
        EXPECT_EQ(parsed(vector, text), kMalformed) << text;
    }
}

TEST(ExtensionValues, a_sparse_vector_has_the_places_that_are_not_zero) {
    const auto sparse = type_of(TypeKind::sparse_vector);
    Arena arena;
    Value value;
    ASSERT_EQ(parse_value(sparse, "{2:1}/5", arena, value), ValueFault::none);
    EXPECT_EQ(value.integer, 5);
    EXPECT_EQ(value.text, std::string_view("\2\0\0\0\0\0\0\0\0\0\xF0\x3F", 12));
    EXPECT_EQ(parsed(sparse, "{1:1,2:2}/2").size(), 24U);
    EXPECT_EQ(parsed(sparse, "{}/3"), "");
    for (const char* const text :
         {"", "{", "{}", "{}/", "{}3", "{1}/3", "{1:}/3", "{1:2,}/3", "{}/3x"}) {
        EXPECT_EQ(parsed(sparse, text), kMalformed) << text;
    }
}

TEST(ExtensionValues, a_geometry_is_its_bytes_with_the_reference_system_that_they_name) {
    const auto geometry = type_of(TypeKind::geometry);
    Arena arena;
    Value value;
    ASSERT_EQ(parse_value(geometry, "0107000020E610000000000000", arena, value), ValueFault::none);
    EXPECT_EQ(value.integer, 4326);
    EXPECT_EQ(value.text, std::string_view("\1\7\0\0\x20\xE6\x10\0\0\0\0\0\0", 13));
    ASSERT_EQ(parse_value(geometry, "0020000007000010E600000000", arena, value), ValueFault::none);
    EXPECT_EQ(value.integer, 4326) << "big-endian";
    ASSERT_EQ(parse_value(geometry, "010700000000000000", arena, value), ValueFault::none);
    EXPECT_EQ(value.integer, 0);
    for (const char* const text :
         {"", "01", "0207000000", "010700002", "0107000020E610", "01070000zz"}) {
        EXPECT_EQ(parsed(geometry, text), kMalformed) << text;
    }
}

TEST(ExtensionValues, arrays_of_geometries_have_colons_between) {
    ColumnType array = type_of(TypeKind::array);
    array.element = std::make_shared<const ColumnType>(type_of(TypeKind::geography));
    Arena arena;
    Value value;
    ASSERT_EQ(parse_value(array, "{0107000000:NULL:0107000000}", arena, value), ValueFault::none);
    ASSERT_EQ(value.elements.size(), 3U);
    EXPECT_EQ(value.elements[1].state, ValueState::null);
    EXPECT_NE(parse_value(array, "{0107000000,0107000000}", arena, value), ValueFault::none);
}

}  // namespace
}  // namespace tributary::postgresql
