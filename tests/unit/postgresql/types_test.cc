// What a column means, by oid, modifier, and the catalogue's word. PostgreSQL 15 pg_type.dat.
#include "connectors/postgresql/values/types.h"

#include <gtest/gtest.h>

namespace tributary::postgresql {
namespace {

ColumnType map(std::uint32_t oid,
               std::int32_t modifier = -1,
               std::uint32_t dimensions = 0,
               const std::vector<CatalogueType>& types = {}) {
    return map_type(oid, modifier, dimensions, types);
}

struct BuiltIn {
    std::uint32_t oid;
    std::uint32_t array_oid;
    TypeKind kind;
};

// Written from pg_type.dat, not from the table under test.
constexpr BuiltIn kBuiltIns[] = {
    {1560, 1561, TypeKind::boolean},  // bit without a length is bit(1)
    {16, 1000, TypeKind::boolean},     {17, 1001, TypeKind::bytes},
    {18, 1002, TypeKind::text},        {19, 1003, TypeKind::text},
    {20, 1016, TypeKind::int64},       {21, 1005, TypeKind::int16},
    {23, 1007, TypeKind::int32},       {25, 1009, TypeKind::text},
    {26, 1028, TypeKind::int64},       {114, 199, TypeKind::json},
    {142, 143, TypeKind::xml},         {650, 651, TypeKind::text},
    {700, 1021, TypeKind::float32},    {701, 1022, TypeKind::float64},
    {774, 775, TypeKind::text},        {790, 791, TypeKind::decimal},
    {829, 1040, TypeKind::text},       {869, 1041, TypeKind::text},
    {1042, 1014, TypeKind::text},      {1043, 1015, TypeKind::text},
    {1082, 1182, TypeKind::date},      {1083, 1183, TypeKind::time},
    {1114, 1115, TypeKind::timestamp}, {1184, 1185, TypeKind::timestamp_tz},
    {1186, 1187, TypeKind::interval},  {1266, 1270, TypeKind::time_tz},
    {1562, 1563, TypeKind::bytes},     {1700, 1231, TypeKind::decimal},
    {2950, 2951, TypeKind::uuid},      {3614, 3643, TypeKind::text},
    {3802, 3807, TypeKind::json},      {3904, 3905, TypeKind::text},
    {3906, 3907, TypeKind::text},      {3908, 3909, TypeKind::text},
    {3910, 3911, TypeKind::text},      {3912, 3913, TypeKind::text},
    {3926, 3927, TypeKind::text},      {600, 1017, TypeKind::point},
};

TEST(Types, each_built_in_type_and_its_array_have_their_kind) {
    for (const BuiltIn& each : kBuiltIns) {
        EXPECT_EQ(map(each.oid).kind, each.kind) << each.oid;
        EXPECT_FALSE(built_in_name(each.oid).empty()) << each.oid;
        const ColumnType array = map(each.array_oid);
        ASSERT_EQ(array.kind, TypeKind::array) << each.array_oid;
        EXPECT_EQ(array.element->kind, each.kind) << each.array_oid;
        EXPECT_TRUE(built_in_name(each.array_oid).empty()) << each.array_oid;
    }
}

TEST(Types, no_other_oid_below_16384_is_mapped) {
    std::size_t mapped = 0;
    for (std::uint32_t oid = 0; oid < 16384; ++oid) {
        mapped += map(oid).kind != TypeKind::unsupported ? 1U : 0U;
    }
    EXPECT_EQ(mapped, 2 * std::size(kBuiltIns));
}

TEST(Types, a_bit_string_of_one_is_a_truth_value_and_of_more_bytes_of_its_length) {
    for (const std::uint32_t oid : {1560U, 1562U}) {
        EXPECT_EQ(map(oid, 1).kind, TypeKind::boolean) << oid;
        EXPECT_EQ(map(oid, 2).kind, TypeKind::bytes) << oid;
        EXPECT_EQ(map(oid, 2).precision, 2) << oid;
    }
    EXPECT_EQ(map(1562).precision, 2147483647);
    EXPECT_EQ(map(17).precision, 0);
}

TEST(Types, money_has_a_scale_and_no_precision) {
    EXPECT_EQ(map(790).scale, 2);
    EXPECT_EQ(map(790).precision, 0);
}

TEST(Types, extensions_types_are_known_by_name_and_only_as_base_types) {
    CatalogueType type;
    type.oid = 20000;
    for (const char* name : {"ltree", "isbn"}) {
        type.name = name;
        EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::text) << name;
    }
    type.name = "hstore";
    EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::json);
    EXPECT_EQ(map(20000, -1, 0, {type}).precision, kJsonOfMap);
    const std::pair<const char*, TypeKind> kOthers[] = {{"vector", TypeKind::double_vector},
                                                        {"halfvec", TypeKind::float_vector},
                                                        {"sparsevec", TypeKind::sparse_vector},
                                                        {"geometry", TypeKind::geometry},
                                                        {"geography", TypeKind::geography}};
    for (const auto& [name, kind] : kOthers) {
        type.name = name;
        EXPECT_EQ(map(20000, -1, 0, {type}).kind, kind) << name;
    }
    type.kind = 'c';
    EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::unsupported);
    type.kind = 'b';
    type.name = "ean13";
    EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::unsupported);
}

TEST(Types, defaults_are_shipped_of_the_types_that_debezium_reads) {
    EXPECT_TRUE(default_is_shipped(23, TypeKind::int32));
    EXPECT_TRUE(default_is_shipped(1700, TypeKind::decimal));
    EXPECT_FALSE(default_is_shipped(26, TypeKind::int64));
    EXPECT_FALSE(default_is_shipped(20000, TypeKind::text));
    EXPECT_TRUE(default_is_shipped(20000, TypeKind::enumeration));
}

constexpr std::int32_t numeric(int precision, int scale) {
    return ((precision << 16) | (scale & 0x7FF)) + 4;
}

TEST(Types, numeric_has_precision_and_signed_scale) {
    const struct {
        int precision;
        int scale;
    } kCases[] = {{10, 2}, {1, 0}, {1000, 1000}, {5, -3}, {3, -1000}, {2, 4}};
    for (const auto& each : kCases) {
        const ColumnType type = map(1700, numeric(each.precision, each.scale));
        EXPECT_EQ(type.precision, each.precision);
        EXPECT_EQ(type.scale, each.scale);
    }
    for (const std::int32_t none : {-1, 0, 3}) {
        EXPECT_EQ(map(1700, none).precision, 0) << none;
        EXPECT_EQ(map(1700, none).scale, 0) << none;
    }
}

TEST(Types, times_have_the_fraction_digits_of_the_modifier_and_six_without) {
    for (const std::uint32_t oid : {1083U, 1114U, 1184U, 1266U}) {
        for (std::int32_t digits = 0; digits <= 6; ++digits) {
            EXPECT_EQ(map(oid, digits).precision, digits) << oid;
        }
        EXPECT_EQ(map(oid, -1).precision, 6) << oid;
        EXPECT_EQ(map(oid, 7).precision, 6) << oid;
    }
}

TEST(Types, an_array_hands_its_modifier_to_its_elements) {
    EXPECT_EQ(map(1231, numeric(8, 3)).element->scale, 3);
    EXPECT_EQ(map(1115, 3).element->precision, 3);
}

TEST(Types, an_array_declared_with_several_dimensions_has_no_mapping) {
    EXPECT_EQ(map(1007, -1, 1).kind, TypeKind::array);
    EXPECT_EQ(map(1007, -1, 2).kind, TypeKind::unsupported);
}

CatalogueType domain(std::uint32_t oid, std::uint32_t base, std::int32_t modifier = -1) {
    CatalogueType type;
    type.oid = oid;
    type.name = "d" + std::to_string(oid);
    type.kind = 'd';
    type.base_oid = base;
    type.base_modifier = modifier;
    return type;
}

CatalogueType array(std::uint32_t oid, std::uint32_t element) {
    CatalogueType type;
    type.oid = oid;
    type.category = 'A';
    type.element_oid = element;
    return type;
}

TEST(Types, a_domain_is_its_base_with_the_domains_own_modifier) {
    const std::vector<CatalogueType> types{domain(20000, 1700, numeric(6, 1)),
                                           domain(20001, 20000)};
    EXPECT_EQ(map(20000, -1, 0, types).scale, 1);
    EXPECT_EQ(map(20001, -1, 0, types).scale, 1);
    EXPECT_EQ(map(20002, -1, 0, types).kind, TypeKind::unsupported);
}

TEST(Types, a_domain_over_an_array_and_an_array_of_a_domain_are_arrays) {
    std::vector<CatalogueType> types{domain(20000, 1007), domain(20001, 23), array(20002, 20001)};
    EXPECT_EQ(map(20000, -1, 0, types).element->kind, TypeKind::int32);
    EXPECT_EQ(map(20002, -1, 1, types).element->kind, TypeKind::int32);
    types[0].base_dimensions = 2;
    EXPECT_EQ(map(20000, -1, 0, types).kind, TypeKind::unsupported);
    // An array of a domain over an array would be nested, which arrays of ours are not.
    types.push_back(array(20003, 20000));
    types[0].base_dimensions = 1;
    EXPECT_EQ(map(20003, -1, 1, types).kind, TypeKind::unsupported);
}

TEST(Types, domains_that_lie_too_deep_or_in_a_circle_have_no_mapping) {
    std::vector<CatalogueType> types;
    for (std::uint32_t depth = 0; depth < 20; ++depth) {
        types.push_back(domain(20000 + depth, depth == 0 ? 23 : 20000 + depth - 1));
    }
    EXPECT_EQ(map(20000 + kTypeDepthMax - 1, -1, 0, types).kind, TypeKind::int32);
    EXPECT_EQ(map(20000 + kTypeDepthMax, -1, 0, types).kind, TypeKind::unsupported);
    EXPECT_EQ(map(20100, -1, 0, {domain(20100, 20100)}).kind, TypeKind::unsupported);
    EXPECT_EQ(map(20100, -1, 0, {array(20100, 20100)}).kind, TypeKind::unsupported);
}

TEST(Types, an_enumeration_has_its_labels_in_order) {
    CatalogueType mood;
    mood.oid = 20000;
    mood.kind = 'e';
    mood.category = 'E';
    mood.labels = {"sad", "ok", "happy"};
    EXPECT_EQ(map(20000, -1, 0, {mood}).kind, TypeKind::enumeration);
    EXPECT_EQ(map(20000, -1, 0, {mood}).labels, mood.labels);
    EXPECT_EQ(map(20001, -1, 1, {mood, array(20001, 20000)}).element->labels, mood.labels);
}

TEST(Types, of_other_types_only_citext_is_text) {
    CatalogueType type;
    type.oid = 20000;
    type.category = 'S';
    type.name = "citext";
    EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::text);
    type.category = 'U';
    EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::unsupported);
    type.category = 'S';
    type.name = "cube";
    EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::unsupported);
    for (const char kind : {'c', 'm', 'p', 'r'}) {
        type.name = "citext";
        type.kind = kind;
        EXPECT_EQ(map(20000, -1, 0, {type}).kind, TypeKind::unsupported) << kind;
    }
}

}  // namespace
}  // namespace tributary::postgresql
