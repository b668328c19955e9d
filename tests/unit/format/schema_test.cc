// Stored table structures: round trip and refusal of damage.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "format/block.h"
#include "model/errors.h"

namespace tributary::format {
namespace {

TableSchema sample() {
    TableSchema schema;
    schema.database = "plant";
    schema.schema = "public";
    schema.table = "orders";
    schema.source_table_id = 4'000'000'000U;
    schema.old_row = OldRow::full;
    Column id;
    id.name = "id";
    id.type.kind = TypeKind::int64;
    id.source_type = "bigint";
    id.source_type_id = 20;
    id.nullable = false;
    id.key_index = 1;
    id.identity = true;
    id.default_expression = "nextval('orders_id_seq')";
    Column price;
    price.name = "price";
    price.type.kind = TypeKind::decimal;
    price.type.precision = 5;
    price.type.scale = -2;
    price.source_type = "numeric(5,-2)";
    price.source_type_modifier = 334;
    Column moods;
    moods.name = "moods";
    moods.type.kind = TypeKind::array;
    ColumnType mood;
    mood.kind = TypeKind::enumeration;
    mood.labels = {"sad", "", "happy"};
    moods.type.element = std::make_shared<const ColumnType>(mood);
    moods.source_type = "mood[]";
    schema.columns = {id, price, moods};
    return schema;
}

TEST(StoredSchema, comes_back_whole) {
    const auto unpacked = unpack_schema(pack_schema(sample()));
    ASSERT_TRUE(unpacked) << unpacked.error().message();
    EXPECT_EQ(unpacked.value(), sample());
    const auto empty = unpack_schema(pack_schema(TableSchema{}));
    ASSERT_TRUE(empty);
    EXPECT_EQ(empty.value(), TableSchema{});
}

TEST(StoredSchema, is_refused_with_any_byte_changed_or_cut_off) {
    const std::string stored = pack_schema(sample());
    for (std::size_t at = 0; at < stored.size(); ++at) {
        std::string damaged = stored;
        damaged[at] = static_cast<char>(damaged[at] ^ 4);
        EXPECT_FALSE(unpack_schema(damaged)) << "byte " << at;
        EXPECT_FALSE(unpack_schema(stored.substr(0, at))) << "length " << at;
    }
    EXPECT_FALSE(unpack_schema(stored + "x"));
}

TEST(StoredSchema, of_a_later_format_is_too_new) {
    std::string stored = pack_schema(sample());
    stored[0] = 4;
    EXPECT_TRUE(unpack_schema(stored).error().is(errors::kLogTooNew));
}

TEST(StoredSchema, has_the_later_format_only_where_a_type_needs_it) {
    TableSchema schema = sample();
    EXPECT_EQ(pack_schema(schema)[0], 1) << "agents of before can read it";
    ColumnType set;
    set.kind = TypeKind::set;
    set.labels = {"x", "y"};
    schema.columns[0].type = set;
    std::string stored = pack_schema(schema);
    EXPECT_EQ(stored[0], 2);
    const auto unpacked = unpack_schema(stored);
    ASSERT_TRUE(unpacked) << unpacked.error().message();
    EXPECT_EQ(unpacked.value(), schema);
    stored[0] = 1;
    EXPECT_TRUE(unpack_schema(stored).error().is(errors::kEntryCorrupt));
    schema.columns[0].type = ColumnType{};
    schema.columns[0].type.kind = TypeKind::array;
    schema.columns[0].type.element = std::make_shared<const ColumnType>(set);
    EXPECT_EQ(pack_schema(schema)[0], 2) << "an element counts as well";
    schema.columns[0].type = ColumnType{};
    schema.columns[0].type.kind = TypeKind::geography;
    stored = pack_schema(schema);
    EXPECT_EQ(stored[0], 3);
    EXPECT_EQ(unpack_schema(stored).value(), schema);
    stored[0] = 2;
    EXPECT_TRUE(unpack_schema(stored).error().is(errors::kEntryCorrupt));
}

TEST(StoredSchema, refuses_arrays_nested_without_end) {
    ColumnType type;
    type.kind = TypeKind::array;
    for (int depth = 0; depth < 20; ++depth) {
        ColumnType outer;
        outer.kind = TypeKind::array;
        outer.element = std::make_shared<const ColumnType>(type);
        type = outer;
    }
    TableSchema schema;
    schema.columns.resize(1);
    schema.columns[0].type = type;
    EXPECT_FALSE(unpack_schema(pack_schema(schema)));
}

}  // namespace
}  // namespace tributary::format
