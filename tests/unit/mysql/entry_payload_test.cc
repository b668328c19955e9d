// Bytes that stay in the log.
#include "connectors/mysql/entry_payload.h"

#include <gtest/gtest.h>

#include "connectors/mysql/statements/schema_change.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

std::string hex(const std::string& bytes) {
    std::string out;
    for (const char c : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        out.push_back(kDigits[static_cast<unsigned char>(c) >> 4U]);
        out.push_back(kDigits[static_cast<unsigned char>(c) & 15U]);
    }
    return out;
}

std::string context_bytes() {
    std::string out;
    append_context(out,
                   {.kind = ContextKind::transaction,
                    .server = ServerKind::mariadb,
                    .file = "b.1",
                    .offset = 1ULL << 33U,
                    .gtid = "0-1-5",
                    .server_id = 300,
                    .thread_id = 7,
                    .commit_time_us = 1'700'000'000'000'001,
                    .xid = "x",
                    .rows_file = "b.0"});
    return out;
}

TEST(EntryPayload, context_bytes_are_as_documented) {
    EXPECT_EQ(hex(context_bytes()),
              "010102"
              "03622e310000000200000000"
              "05302d312d35"
              "ac02"
              "07"
              "00060a24181e4001"
              "0178"
              "03622e30");
    std::string position;
    append_context(
        position,
        {.kind = ContextKind::position, .server = ServerKind::mysql, .file = "b.1", .offset = 4});
    EXPECT_EQ(hex(position), "03010103622e310000000000000004");
}

TEST(EntryPayload, context_comes_back_whole_and_no_other_does) {
    const std::string bytes = context_bytes();
    const auto context = parse_context(bytes);
    ASSERT_TRUE(context);
    EXPECT_EQ(context.value().server, ServerKind::mariadb);
    EXPECT_EQ(context.value().offset, 1ULL << 33U);
    EXPECT_EQ(context.value().gtid, "0-1-5");
    EXPECT_EQ(context.value().rows_file, "b.0");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_context(std::string_view(bytes).substr(0, size))) << size;
    }
    EXPECT_FALSE(parse_context(bytes + "x"));
    for (const std::size_t at : {0U, 1U, 2U}) {
        std::string wrong = bytes;
        wrong[at] = '\x7f';
        EXPECT_TRUE(parse_context(wrong).error().is(errors::kEntryCorrupt)) << at;
    }
}

TEST(EntryPayload, a_changes_head_and_images_come_back) {
    std::string bytes;
    append_event_head(bytes,
                      {.operation = 'U',
                       .order = 300,
                       .table_order = 2,
                       .offset = 5'000'000'000,
                       .inner = 3,
                       .row = 4,
                       .time_s = 0x01020304});
    EXPECT_EQ(hex(bytes), "55ac020280e497d012030401020304");
    bytes += "\x0f\x03image";
    const auto head = parse_event_head(bytes);
    ASSERT_TRUE(head);
    EXPECT_EQ(head.value().offset, 5'000'000'000U);
    EXPECT_EQ(head.value().inner, 3U);
    EXPECT_EQ(head.value().row, 4U);
    const auto images = split_images(head.value(), 5);
    ASSERT_TRUE(images);
    EXPECT_EQ(images.value().present_before, "\x0f");
    EXPECT_EQ(images.value().present_after, "\x03");
    EXPECT_EQ(images.value().images, "image");
    EXPECT_FALSE(split_images(head.value(), 100));
    for (std::size_t size = 0; size < 15; ++size) {
        EXPECT_FALSE(parse_event_head(std::string_view(bytes).substr(0, size))) << size;
    }
    bytes[0] = 'X';
    EXPECT_FALSE(parse_event_head(bytes));
}

TEST(EntryPayload, bitmaps_are_those_that_the_operation_has) {
    const std::string rest = "\x01\x02zz";
    const auto split = [&rest](char operation) {
        return split_images({.operation = operation, .rest = rest}, 8).value();
    };
    EXPECT_EQ(split('I').present_after, "\x01");
    EXPECT_EQ(split('I').present_before, "");
    EXPECT_EQ(split('D').present_before, "\x01");
    EXPECT_EQ(split('D').images, "\x02zz");
    EXPECT_EQ(split('P').images, "zz");
    EXPECT_TRUE(split_images({.operation = 'T'}, 8));
    EXPECT_FALSE(split_images({.operation = 'T', .rest = "x"}, 8));
}

TEST(EntryPayload, a_transactions_end_comes_back_whole_and_no_shorter_one_does) {
    std::string bytes;
    append_transaction_end(
        bytes,
        {.file = "b.1", .offset = 9, .event_count = 3, .tables = {{"shop.t", 2}, {"shop.u", 1}}});
    EXPECT_EQ(hex(bytes),
              "03622e310000000000000009"
              "0302"
              "0673686f702e7402"
              "0673686f702e7501");
    const auto end = parse_transaction_end(bytes);
    ASSERT_TRUE(end);
    EXPECT_EQ(end.value().tables[1].table, "shop.u");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_transaction_end(std::string_view(bytes).substr(0, size))) << size;
    }
}

TEST(EntryPayload, a_schema_change_comes_back_whole_and_no_other_does) {
    TableStructure structure;
    structure.exists = true;
    structure.character_set = "latin1";
    CatalogueColumn& column = structure.columns.emplace_back();
    column.name = "id";
    column.data_type = "int";
    column.column_type = "int unsigned";
    column.nullable = false;
    column.default_text = "7";
    structure.primary_key = {"id"};
    std::string bytes;
    append_schema_change(bytes,
                         {.kind = DdlKind::alter_table, .text = "ALTER", .structure = structure});
    EXPECT_EQ(hex(bytes),
              "02"
              "05414c544552"
              "01"
              "066c6174696e31"
              "01"
              "02696403696e740c696e7420756e7369676e656400"
              "00"
              "010137"
              "0000"
              "01026964");
    const auto read = parse_schema_change(bytes);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read.value().text, "ALTER");
    ASSERT_TRUE(read.value().structure);
    EXPECT_EQ(read.value().structure->columns[0].default_text, "7");
    EXPECT_EQ(read.value().structure->primary_key, (std::vector<std::string>{"id"}));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_schema_change(std::string_view(bytes).substr(0, size))) << size;
    }
    EXPECT_FALSE(parse_schema_change(bytes + "x"));
    bytes[0] = 5;
    EXPECT_FALSE(parse_schema_change(bytes));
    std::string bare;
    append_schema_change(bare, {.kind = DdlKind::database, .text = "D"});
    EXPECT_EQ(hex(bare), "04014400");
}

}  // namespace
}  // namespace tributary::mysql
