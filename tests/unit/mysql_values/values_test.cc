// Values that the captured rows do not have, and refusal of malformed ones.
#include <gtest/gtest.h>

#include <zlib.h>

#include "connectors/mysql/values/compressed_column.h"
#include "connectors/mysql/values/values.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::hex;

// A column and the arena that its values live in.
struct Fixture {
    Column column;
    Converters converters;
    Arena arena;
    Value value;

    Fixture(TypeKind kind, ColumnLayout layout, int collation = -1) {
        column.type.kind = kind;
        column.source_type_id = pack({layout, false, false, false});
        column.source_type_modifier = collation;
    }
    ValueFault decode(std::string_view bytes) {
        return decode_value(make_reader(column, converters), bytes, arena, value);
    }
};

TEST(MysqlValue, binary_and_uuid_get_back_the_zero_bytes_that_are_not_stored) {
    Fixture binary(TypeKind::bytes, {BinlogType::string, 4}, kBinaryCollation);
    EXPECT_EQ(binary.decode(hex("020102")), ValueFault::none);
    EXPECT_EQ(binary.value.text, std::string("\1\2\0\0", 4));
    Fixture uuid(TypeKind::uuid, {BinlogType::string, 16}, kBinaryCollation);
    EXPECT_EQ(uuid.decode(hex("03a0eebc")), ValueFault::none);
    EXPECT_EQ(uuid.value.text, "a0eebc00-0000-0000-0000-000000000000");
}

TEST(MysqlValue, inet_addresses_are_text) {
    Fixture four(TypeKind::text, {BinlogType::string, 4}, kBinaryCollation);
    four.column.source_type = "inet4";
    EXPECT_EQ(four.decode(hex("04c0a80201")), ValueFault::none);
    EXPECT_EQ(four.value.text, "192.168.2.1");
    EXPECT_EQ(four.decode(hex("00")), ValueFault::none);
    EXPECT_EQ(four.value.text, "0.0.0.0");
    Fixture six(TypeKind::text, {BinlogType::string, 16}, kBinaryCollation);
    six.column.source_type = "inet6";
    EXPECT_EQ(six.decode(hex("1020010db8000000000000000000000001")), ValueFault::none);
    EXPECT_EQ(six.value.text, "2001:db8::1");
    EXPECT_EQ(six.decode(hex("1000000000000000000000ffff01020304")), ValueFault::none);
    EXPECT_EQ(six.value.text, "::ffff:1.2.3.4");
}

TEST(MysqlValue, year_0000_is_0) {
    Fixture year(TypeKind::year, {BinlogType::year, 0});
    EXPECT_EQ(year.decode(hex("00")), ValueFault::none);
    EXPECT_EQ(year.value.integer, 0);
    EXPECT_EQ(year.decode(hex("ff")), ValueFault::none);
    EXPECT_EQ(year.value.integer, 2155);
}

// catalogue: F67
TEST(MysqlValue, a_zero_date_is_null_or_1970) {
    Fixture date(TypeKind::date, {BinlogType::date, 0});
    EXPECT_EQ(date.decode(hex("000000")), ValueFault::none);
    EXPECT_EQ(date.value.state, ValueState::null);
    date.column.nullable = false;
    EXPECT_EQ(date.decode(hex("000000")), ValueFault::none);
    EXPECT_EQ(date.value.state, ValueState::value);
    EXPECT_EQ(date.value.integer, 0);
    EXPECT_EQ(date.decode(hex("a1c90f")), ValueFault::malformed);  // month 13
}

TEST(MysqlValue, integers_extend_their_sign) {
    Fixture number(TypeKind::int32, {BinlogType::int24, 0});
    EXPECT_EQ(number.decode(hex("000080")), ValueFault::none);
    EXPECT_EQ(number.value.integer, -8388608);
    number.column.source_type_id = pack({{BinlogType::int24, 0}, true, false, false});
    EXPECT_EQ(number.decode(hex("000080")), ValueFault::none);
    EXPECT_EQ(number.value.integer, 8388608);
}

TEST(MysqlValue, labels_are_looked_up_and_refused_when_there_are_none_such) {
    Fixture one(TypeKind::enumeration, {BinlogType::enumeration, 1});
    one.column.type.labels = {"a", "b"};
    EXPECT_EQ(one.decode(hex("02")), ValueFault::none);
    EXPECT_EQ(one.value.text, "b");
    EXPECT_EQ(one.decode(hex("00")), ValueFault::none);
    EXPECT_EQ(one.value.text, "");
    EXPECT_EQ(one.decode(hex("03")), ValueFault::malformed);
    Fixture many(TypeKind::set, {BinlogType::set, 1});
    many.column.type.labels = {"a", "b", "c"};
    EXPECT_EQ(many.decode(hex("05")), ValueFault::none);
    EXPECT_EQ(many.value.text, "a,c");
    EXPECT_EQ(many.decode(hex("08")), ValueFault::malformed);
    Fixture full(TypeKind::set, {BinlogType::set, 8});
    full.column.type.labels.assign(64, "x");
    EXPECT_EQ(full.decode(hex("ffffffffffffffff")), ValueFault::none);
    EXPECT_EQ(full.value.text.size(), 127U);
}

TEST(MysqlValue, that_is_longer_or_shorter_than_its_type_is_malformed) {
    Fixture number(TypeKind::int32, {BinlogType::long_, 0});
    EXPECT_EQ(number.decode(hex("010203")), ValueFault::malformed);
    EXPECT_EQ(number.decode(hex("0102030405")), ValueFault::malformed);
    Fixture shape(TypeKind::geometry, {BinlogType::geometry, 1});
    EXPECT_EQ(shape.decode(hex("03000000")), ValueFault::malformed);
    EXPECT_EQ(shape.decode(hex("05e610000001")), ValueFault::none);
    EXPECT_EQ(shape.value.integer, 4326);
}

// catalogue: F67
TEST(MysqlValue, text_of_every_charset_is_utf8) {
    Fixture text(TypeKind::text, {BinlogType::varchar, 40}, 28);
    EXPECT_EQ(text.decode(hex("02baba")), ValueFault::none);
    EXPECT_EQ(text.value.text, "汉");
}

std::string stored_of(std::string_view value, unsigned char head) {
    uLongf size = compressBound(value.size());
    std::string out(size, '\0');
    compress(reinterpret_cast<Bytef*>(out.data()),
             &size,
             reinterpret_cast<const Bytef*>(value.data()),
             value.size());
    out.resize(size);
    if ((head & 8U) != 0) {
        out = out.substr(2, out.size() - 6);  // without zlib's header and checksum
    }
    return static_cast<char>(head) + std::string(1, static_cast<char>(value.size())) + out;
}

TEST(CompressedColumn, is_inflated_with_and_without_zlibs_header) {
    Arena arena;
    std::string_view out;
    const std::string value(200, 'k');
    EXPECT_TRUE(inflate_column(stored_of(value, 0x89), arena, out));
    EXPECT_EQ(out, value);
    EXPECT_TRUE(inflate_column(stored_of(value, 0x81), arena, out));
    EXPECT_EQ(out, value);
    EXPECT_TRUE(inflate_column(std::string("\0plain", 6), arena, out));
    EXPECT_EQ(out, "plain");
    EXPECT_TRUE(inflate_column("", arena, out));
    EXPECT_EQ(out, "");
}

TEST(CompressedColumn, of_another_length_method_or_size_is_refused) {
    Arena arena;
    std::string_view out;
    std::string stored = stored_of(std::string(200, 'k'), 0x89);
    stored[1] = static_cast<char>(201);
    EXPECT_FALSE(inflate_column(stored, arena, out));
    stored[1] = static_cast<char>(199);
    EXPECT_FALSE(inflate_column(stored, arena, out));
    EXPECT_FALSE(inflate_column(stored_of("abc", 0x91), arena, out));
    EXPECT_FALSE(inflate_column(hex("8cffffffff4b"), arena, out)) << "4 GiB of one byte";
    EXPECT_FALSE(inflate_column(hex("8f"), arena, out));
    EXPECT_FALSE(inflate_column(hex("88"), arena, out));
}

}  // namespace
}  // namespace tributary::mysql
