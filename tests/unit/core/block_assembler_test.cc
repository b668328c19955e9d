// BlockAssembler: schemas, bounds and positions beyond what the exhaustive model walks.
#include "core/intake/block_assembler.h"

#include <gtest/gtest.h>

namespace tributary::core {
namespace {

std::shared_ptr<const TableSchema> table(const std::string& name, std::size_t columns = 0) {
    auto made = std::make_shared<TableSchema>();
    made->table = name;
    made->columns.resize(columns);
    return made;
}

BlockAssembler::Start start(std::vector<NewSchema> schemas = {}) {
    return {.stream = StreamId(3),
            .next = Sequence(5),
            .resume = {"r0"},
            .done = {"d0"},
            .schemas = std::move(schemas)};
}

TEST(BlockAssembler, gives_equal_schemas_one_id_and_changed_ones_another) {
    BlockAssembler assembler(start({{SchemaId(4), table("old")}}), 1000);
    EXPECT_EQ(assembler.intern(table("old")), SchemaId(4));
    EXPECT_EQ(assembler.intern(table("new")), SchemaId(5));
    EXPECT_EQ(assembler.intern(table("new")), SchemaId(5));
    EXPECT_EQ(assembler.intern(table("new", 1)), SchemaId(6));
}

TEST(BlockAssembler, ships_each_new_schema_once_no_later_than_its_first_entry) {
    BlockAssembler assembler(start({{SchemaId(1), table("old")}}), 1000);
    assembler.context("tx", 1);
    assembler.append(EntryKind::change, assembler.intern(table("old")), 0, "a", {"d1"});
    assembler.append(EntryKind::change, assembler.intern(table("new")), 1, "b", {"d2"});
    const auto first = assembler.take();
    assembler.append(EntryKind::change, assembler.intern(table("new")), 2, "c", {"d3"});
    const auto second = assembler.take();
    ASSERT_EQ(first.size(), 1U);
    ASSERT_EQ(first[0]->schemas.size(), 1U);
    EXPECT_EQ(first[0]->schemas[0].id, SchemaId(2));
    ASSERT_EQ(second.size(), 1U);
    EXPECT_TRUE(second[0]->schemas.empty());
}

TEST(BlockAssembler, keeps_a_group_and_its_side_writes_in_one_block) {
    const std::string piece(20U << 10U, 'x');
    for (const bool together : {true, false}) {
        BlockAssembler assembler(start(), 1U << 20U);
        assembler.context("tx", 1);
        assembler.append(EntryKind::change, SchemaId(0), 0, piece, {"d1"});
        if (together) {
            assembler.keep_together(3 * piece.size());
        }
        assembler.put_side("k", "v");
        for (std::uint32_t ordinal = 1; ordinal <= 3; ++ordinal) {
            assembler.append(EntryKind::change, SchemaId(0), ordinal, piece, {"d2"});
        }
        const auto blocks = assembler.take();
        ASSERT_EQ(blocks.size(), 2U);
        EXPECT_EQ(blocks[1]->first, together ? Sequence(6) : Sequence(8));
        EXPECT_EQ(blocks[1]->side.size(), together ? 1U : 0U);
    }
}

TEST(BlockAssembler, is_full_at_its_bound_and_empty_again_after_a_hand_over) {
    BlockAssembler assembler(start(), format::kBlockBytesMax);
    assembler.context("tx", 1);
    const std::string large(format::kBlockBytesMax - 10, 'x');
    assembler.append(EntryKind::change, SchemaId(0), 0, large, {"d1"});
    EXPECT_FALSE(assembler.full());
    assembler.append(EntryKind::change, SchemaId(0), 1, large, {"d2"});
    EXPECT_FALSE(assembler.full() && assembler.take().size() < 2);
    assembler.append(EntryKind::change, SchemaId(0), 2, large, {"d3"});
    (void)assembler.take();
    EXPECT_FALSE(assembler.full());
    EXPECT_TRUE(assembler.take().empty());
}

TEST(BlockAssembler, hands_over_one_entry_above_the_block_size_in_a_block_of_its_own) {
    BlockAssembler assembler(start(), 1U << 30U);
    assembler.context("tx", 1);
    assembler.append(EntryKind::change, SchemaId(0), 0, "small", {"d1"});
    assembler.append(
        EntryKind::change, SchemaId(0), 1, std::string(3 * format::kBlockBytesMax, 'x'), {"d2"});
    assembler.append(EntryKind::change, SchemaId(0), 2, "small", {"d3"});
    const auto blocks = assembler.take();
    ASSERT_EQ(blocks.size(), 3U);
    EXPECT_EQ(blocks[1]->first, blocks[1]->last);
    EXPECT_EQ(blocks[0]->first, Sequence(5));
    EXPECT_EQ(blocks[2]->last, Sequence(7));
}

TEST(BlockAssembler, ships_side_writes_in_the_block_of_the_entry_that_follows) {
    BlockAssembler assembler(start(), 1U << 30U);
    assembler.context("tx", 1);
    const std::string large(format::kBlockBytesMax, 'x');
    assembler.append(EntryKind::change, SchemaId(0), 0, large, {"d1"});
    assembler.put_side("key", "value");
    assembler.erase_side("old");
    EXPECT_TRUE(assembler.take().front()->side.empty()) << "nothing carries it yet";
    assembler.append(EntryKind::position, SchemaId(0), 0, "", {"d2"});
    const auto blocks = assembler.take();
    ASSERT_EQ(blocks.size(), 1U);
    ASSERT_EQ(blocks[0]->side.size(), 2U);
    EXPECT_EQ(blocks[0]->side[0].value, "value");
    EXPECT_EQ(blocks[0]->side[1].key, "old");
    EXPECT_EQ(blocks[0]->side[1].value, std::nullopt);
}

TEST(BlockAssembler, knows_where_a_source_goes_on_before_and_after_an_entry) {
    BlockAssembler assembler(start(), 1000);
    EXPECT_EQ(assembler.position().resume.bytes, "r0");
    EXPECT_EQ(assembler.position().done.bytes, "d0");
    assembler.context("tx", 1);
    assembler.append(EntryKind::transaction_end, SchemaId(0), 0, "", {"d1"});
    EXPECT_EQ(assembler.position().resume.bytes, "r0");
    EXPECT_EQ(assembler.position().done.bytes, "d1");
    assembler.resume({"r1"});
    EXPECT_EQ(assembler.position().resume.bytes, "r1");
    const auto blocks = assembler.take();
    EXPECT_EQ(blocks.back()->resume.bytes, "r1");
    EXPECT_EQ(assembler.next_sequence(), Sequence(6));
}

}  // namespace
}  // namespace tributary::core
