// PostgreSQL types to model types: types.h. Oids are those of pg_type.dat, which never change.
#include "connectors/postgresql/values/types.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace tributary::postgresql {
namespace {

// How a type modifier is read.
enum class Modifier : std::uint8_t { none, fraction, numeric, money, bits, any_bits };

struct BuiltIn {
    std::uint32_t oid;
    std::uint32_t array_oid;
    TypeKind kind;
    Modifier modifier;
    std::string_view name;
};

constexpr std::array kBuiltIns{
    BuiltIn{16, 1000, TypeKind::boolean, Modifier::none, "boolean"},
    BuiltIn{17, 1001, TypeKind::bytes, Modifier::none, "bytea"},
    BuiltIn{18, 1002, TypeKind::text, Modifier::none, "\"char\""},
    BuiltIn{19, 1003, TypeKind::text, Modifier::none, "name"},
    BuiltIn{20, 1016, TypeKind::int64, Modifier::none, "bigint"},
    BuiltIn{21, 1005, TypeKind::int16, Modifier::none, "smallint"},
    BuiltIn{23, 1007, TypeKind::int32, Modifier::none, "integer"},
    BuiltIn{25, 1009, TypeKind::text, Modifier::none, "text"},
    BuiltIn{26, 1028, TypeKind::int64, Modifier::none, "oid"},
    BuiltIn{114, 199, TypeKind::json, Modifier::none, "json"},
    BuiltIn{142, 143, TypeKind::xml, Modifier::none, "xml"},
    BuiltIn{600, 1017, TypeKind::point, Modifier::none, "point"},
    BuiltIn{650, 651, TypeKind::text, Modifier::none, "cidr"},
    BuiltIn{700, 1021, TypeKind::float32, Modifier::none, "real"},
    BuiltIn{701, 1022, TypeKind::float64, Modifier::none, "double precision"},
    BuiltIn{790, 791, TypeKind::decimal, Modifier::money, "money"},
    BuiltIn{774, 775, TypeKind::text, Modifier::none, "macaddr8"},
    BuiltIn{829, 1040, TypeKind::text, Modifier::none, "macaddr"},
    BuiltIn{869, 1041, TypeKind::text, Modifier::none, "inet"},
    BuiltIn{1042, 1014, TypeKind::text, Modifier::none, "character"},
    BuiltIn{1043, 1015, TypeKind::text, Modifier::none, "character varying"},
    BuiltIn{1082, 1182, TypeKind::date, Modifier::none, "date"},
    BuiltIn{1083, 1183, TypeKind::time, Modifier::fraction, "time without time zone"},
    BuiltIn{1114, 1115, TypeKind::timestamp, Modifier::fraction, "timestamp without time zone"},
    BuiltIn{1184, 1185, TypeKind::timestamp_tz, Modifier::fraction, "timestamp with time zone"},
    BuiltIn{1186, 1187, TypeKind::interval, Modifier::none, "interval"},
    BuiltIn{1266, 1270, TypeKind::time_tz, Modifier::fraction, "time with time zone"},
    BuiltIn{1560, 1561, TypeKind::bytes, Modifier::bits, "bit"},
    BuiltIn{1562, 1563, TypeKind::bytes, Modifier::any_bits, "bit varying"},
    BuiltIn{1700, 1231, TypeKind::decimal, Modifier::numeric, "numeric"},
    BuiltIn{2950, 2951, TypeKind::uuid, Modifier::none, "uuid"},
    BuiltIn{3614, 3643, TypeKind::text, Modifier::none, "tsvector"},
    BuiltIn{3802, 3807, TypeKind::json, Modifier::none, "jsonb"},
    BuiltIn{3904, 3905, TypeKind::text, Modifier::none, "int4range"},
    BuiltIn{3906, 3907, TypeKind::text, Modifier::none, "numrange"},
    BuiltIn{3908, 3909, TypeKind::text, Modifier::none, "tsrange"},
    BuiltIn{3910, 3911, TypeKind::text, Modifier::none, "tstzrange"},
    BuiltIn{3912, 3913, TypeKind::text, Modifier::none, "daterange"},
    BuiltIn{3926, 3927, TypeKind::text, Modifier::none, "int8range"},
};

constexpr std::int32_t kFractionDigitsMax = 6;
constexpr std::int32_t kVarHeader = 4;  // VARHDRSZ, part of numeric's modifier
constexpr std::int32_t kMoneyScale = 2;
constexpr std::int32_t kBitsMax = std::numeric_limits<std::int32_t>::max();

const BuiltIn* find_scalar(std::uint32_t oid) {
    const auto at = std::find_if(
        kBuiltIns.begin(), kBuiltIns.end(), [oid](const BuiltIn& b) { return b.oid == oid; });
    return at == kBuiltIns.end() ? nullptr : &*at;
}

const BuiltIn* find_array(std::uint32_t oid) {
    const auto at = std::find_if(
        kBuiltIns.begin(), kBuiltIns.end(), [oid](const BuiltIn& b) { return b.array_oid == oid; });
    return at == kBuiltIns.end() ? nullptr : &*at;
}

// numeric: ((precision << 16) | (scale & 0x7ff)) + 4, the scale signed in 11 bits since PostgreSQL
// 15 (before, scale was 0 to 1000 and the same bits). numeric.c make_numeric_typmod().
// One bit is a truth value, as JDBC has it.
void set_bits(ColumnType& out, std::int32_t length) {
    if (length == 1) {
        out.kind = TypeKind::boolean;
    } else {
        out.precision = length;
    }
}

ColumnType scalar(const BuiltIn& type, std::int32_t modifier) {
    ColumnType out;
    out.kind = type.kind;
    switch (type.modifier) {
        case Modifier::none:
            break;
        case Modifier::fraction:
            out.precision =
                modifier >= 0 && modifier <= kFractionDigitsMax ? modifier : kFractionDigitsMax;
            break;
        case Modifier::numeric:
            if (modifier >= kVarHeader) {
                const std::int32_t bits = modifier - kVarHeader;
                out.precision = (bits >> 16) & 0xFFFF;
                out.scale = ((bits & 0x7FF) ^ 1024) - 1024;
            }
            break;
        case Modifier::money:
            out.scale = kMoneyScale;
            break;
        case Modifier::bits:
            set_bits(out, modifier > 0 ? modifier : 1);
            break;
        case Modifier::any_bits:
            set_bits(out, modifier > 0 ? modifier : kBitsMax);
            break;
    }
    return out;
}

ColumnType array_of(ColumnType element) {
    ColumnType out;
    if (element.kind == TypeKind::unsupported || element.kind == TypeKind::array) {
        return out;
    }
    out.kind = TypeKind::array;
    out.element = std::make_shared<const ColumnType>(std::move(element));
    return out;
}

struct ExtensionType {
    std::string_view name;
    TypeKind kind;
};

// Of pgvector and PostGIS.
constexpr std::array kValueTypes{
    ExtensionType{"vector", TypeKind::double_vector},
    ExtensionType{"halfvec", TypeKind::float_vector},
    ExtensionType{"sparsevec", TypeKind::sparse_vector},
    ExtensionType{"geometry", TypeKind::geometry},
    ExtensionType{"geography", TypeKind::geography},
};

// Base types of extensions have oids of their own in every database.
ColumnType of_extension(const CatalogueType& type) {
    ColumnType out;
    if ((type.name == "citext" && type.category == 'S') || type.name == "ltree" ||
        type.name == "isbn") {
        out.kind = TypeKind::text;
    } else if (type.name == "hstore") {
        out.kind = TypeKind::json;
        out.precision = kJsonOfMap;
    } else {
        const auto* const of_values =
            std::find_if(kValueTypes.begin(), kValueTypes.end(), [&type](const auto& each) {
                return each.name == type.name;
            });
        out.kind = of_values == kValueTypes.end() ? TypeKind::unsupported : of_values->kind;
    }
    return out;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by kTypeDepthMax
ColumnType map_at_depth(std::uint32_t oid,
                        std::int32_t modifier,
                        std::uint32_t dimensions,
                        std::span<const CatalogueType> types,
                        int depth) {
    if (const BuiltIn* type = find_scalar(oid)) {
        return scalar(*type, modifier);
    }
    if (dimensions > 1 || depth >= kTypeDepthMax) {
        return {};
    }
    if (const BuiltIn* element = find_array(oid)) {
        return array_of(scalar(*element, modifier));
    }
    const auto type = std::find_if(
        types.begin(), types.end(), [oid](const CatalogueType& t) { return t.oid == oid; });
    if (type == types.end()) {
        return {};
    }
    if (type->kind == 'd') {
        return map_at_depth(
            type->base_oid, type->base_modifier, type->base_dimensions, types, depth + 1);
    }
    if (type->kind == 'e') {
        ColumnType out;
        out.kind = TypeKind::enumeration;
        out.labels = type->labels;
        return out;
    }
    if (type->kind == 'b' && type->category == 'A' && type->element_oid != 0) {
        return array_of(map_at_depth(type->element_oid, modifier, 0, types, depth + 1));
    }
    return type->kind == 'b' ? of_extension(*type) : ColumnType();
}

}  // namespace

ColumnType map_type(std::uint32_t oid,
                    std::int32_t modifier,
                    std::uint32_t dimensions,
                    std::span<const CatalogueType> types) {
    return map_at_depth(oid, modifier, dimensions, types, 0);
}

bool default_is_shipped(std::uint32_t oid, TypeKind kind) {
    // boolean, bigint, smallint, integer, text, json, xml, real, double precision, character,
    // varchar, date, time, timestamp, timestamptz, interval, bit, varbit, numeric, uuid, jsonb
    constexpr std::array<std::uint32_t, 21> kShipped{16,   20,   21,   23,   25,   114,  142,
                                                     700,  701,  1042, 1043, 1082, 1083, 1114,
                                                     1184, 1186, 1560, 1562, 1700, 2950, 3802};
    return kind == TypeKind::enumeration ||
           std::find(kShipped.begin(), kShipped.end(), oid) != kShipped.end();
}

std::string_view built_in_name(std::uint32_t oid) {
    const BuiltIn* type = find_scalar(oid);
    return type == nullptr ? std::string_view() : type->name;
}

}  // namespace tributary::postgresql
