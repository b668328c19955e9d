// Text values, each literal beside its refused neighbours (debezium-compat 3.5 and 8.4).
#include "connectors/postgresql/text_values.h"

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

}  // namespace
}  // namespace tributary::postgresql
