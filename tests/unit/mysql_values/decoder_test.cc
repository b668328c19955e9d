// Log entries to changes: operations, images that left columns out, the source block.
#include <gtest/gtest.h>

#include "connectors/mysql/decoder.h"
#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/statements/schema_change.h"
#include "model/errors.h"
#include "support.h"

namespace tributary::mysql {
namespace {

using test::hex;

std::shared_ptr<TableSchema> make_table() {
    auto table = std::make_shared<TableSchema>();
    table->database = "shop";
    table->table = "orders";
    table->old_row = OldRow::full;
    Column id;
    id.name = "id";
    id.type.kind = TypeKind::int32;
    id.source_type_id = pack({{BinlogType::long_, 0}, false, true, false});
    id.nullable = false;
    id.key_index = 1;
    Column note;
    note.name = "note";
    note.type.kind = TypeKind::text;
    note.source_type_id = pack({{BinlogType::varchar, 40}, false, true, false});
    note.source_type_modifier = 45;
    table->columns = {id, note};
    return table;
}

class DecoderTest : public ::testing::Test {
  protected:
    DecoderTest() {
        append_context(context_, head_context());
        decoder_->add_schema(SchemaId(1), table_);
    }

    static Context head_context() {
        Context context;
        context.server = ServerKind::mysql;
        context.file = "binlog.000003";
        context.offset = 157;
        context.gtid = "3e11fa47-71ca-11e1-9e33-c80aa9429562:23";
        context.server_id = 97;
        context.thread_id = 12;
        context.commit_time_us = 1'700'000'000'123'456;
        return context;
    }

    Result<bool> decode(char operation, std::string_view rest, const std::string& context) {
        payload_.clear();
        EventHead head;
        head.operation = operation;
        head.order = 2;
        head.table_order = 1;
        head.offset = 484;
        head.row = 3;
        head.time_s = 1'700'000'000;
        append_event_head(payload_, head);
        payload_ += hex(rest);
        Entry entry;
        entry.sequence = Sequence(5);
        entry.schema = SchemaId(1);
        entry.ordinal = 7;
        entry.context = context;
        entry.payload = payload_;
        return decoder_->decode(entry, arena_, change_);
    }
    Result<bool> decode(char operation, std::string_view rest) {
        return decode(operation, rest, context_);
    }

    std::shared_ptr<TableSchema> table_ = make_table();
    std::unique_ptr<Decoder> decoder_ = make_decoder(ServerKind::mysql);
    std::string context_;
    std::string payload_;
    Arena arena_;
    Change change_;
};

TEST_F(DecoderTest, an_insert_has_its_row_and_the_source_block) {
    ASSERT_TRUE(decode('I',
                       "03"
                       "00"
                       "01000000"
                       "026162"));
    EXPECT_EQ(change_.operation, Operation::create);
    EXPECT_TRUE(change_.before.empty());
    EXPECT_EQ(change_.after[0].integer, 1);
    EXPECT_EQ(change_.after[1].text, "ab");
    EXPECT_EQ(change_.database, "shop");
    EXPECT_EQ(change_.ordinal, 7U);
    EXPECT_EQ(change_.source_time_us, 1'700'000'000'123'456);
    EXPECT_EQ(change_.transaction_id, "3e11fa47-71ca-11e1-9e33-c80aa9429562:23");
    EXPECT_EQ(change_.transaction_order, 2U);
    EXPECT_FALSE(change_.first_of_transaction);
    ASSERT_EQ(change_.source_values.size(), 8U);
    EXPECT_EQ(change_.source_values[0].text, "orders");
    EXPECT_EQ(change_.source_values[1].integer, 97);
    EXPECT_EQ(change_.source_values[2].text, "3e11fa47-71ca-11e1-9e33-c80aa9429562:23");
    EXPECT_EQ(change_.source_values[3].text, "binlog.000003");
    EXPECT_EQ(change_.source_values[4].integer, 484);
    EXPECT_EQ(change_.source_values[5].integer, 3);
    EXPECT_EQ(change_.source_values[6].integer, 12);
    EXPECT_EQ(change_.source_values[7].state, ValueState::null);
    EXPECT_EQ(decoder_->connector_name(), "mysql");
}

TEST_F(DecoderTest, without_gtid_a_transaction_is_named_by_its_place) {
    Context context = head_context();
    context.gtid = {};
    context.server = ServerKind::mariadb;
    std::string bytes;
    append_context(bytes, context);
    ASSERT_TRUE(decode('I',
                       "03"
                       "02"
                       "01000000",
                       bytes));
    EXPECT_EQ(change_.transaction_id, "file=binlog.000003,pos=157");
    EXPECT_EQ(change_.source_values[2].state, ValueState::null);
    EXPECT_EQ(change_.after[1].state, ValueState::null);
    EXPECT_EQ(change_.source_time_us, 1'700'000'000'000'000) << "the event's second, on MariaDB";
    EXPECT_EQ(make_decoder(ServerKind::mariadb)->connector_name(), "mariadb");
}

TEST_F(DecoderTest, an_update_and_a_delete_have_their_old_row) {
    ASSERT_TRUE(decode('U',
                       "03"
                       "03"
                       "00"
                       "01000000"
                       "0161"
                       "00"
                       "01000000"
                       "0162"));
    EXPECT_EQ(change_.operation, Operation::update);
    EXPECT_EQ(change_.before[1].text, "a");
    EXPECT_EQ(change_.after[1].text, "b");
    ASSERT_TRUE(decode('D',
                       "03"
                       "00"
                       "01000000"
                       "0161"));
    EXPECT_EQ(change_.operation, Operation::remove);
    EXPECT_EQ(change_.before[1].text, "a");
    EXPECT_TRUE(change_.after.empty());
}

TEST_F(DecoderTest, what_a_minimal_image_left_out_is_unchanged_and_not_null) {
    ASSERT_TRUE(decode('U',
                       "01"
                       "02"
                       "00"
                       "01000000"
                       "00"
                       "0162"));
    EXPECT_EQ(change_.before[0].integer, 1);
    EXPECT_EQ(change_.before[1].state, ValueState::unchanged);
    EXPECT_EQ(change_.after[0].integer, 1) << "from the old row";
    EXPECT_EQ(change_.after[1].text, "b");
    ASSERT_TRUE(decode('U',
                       "01"
                       "01"
                       "00"
                       "01000000"
                       "00"
                       "02000000"));
    EXPECT_EQ(change_.after[0].integer, 2);
    EXPECT_EQ(change_.after[1].state, ValueState::unchanged);
}

TEST_F(DecoderTest, what_an_insert_left_out_is_null_only_where_nothing_else_can_be) {
    ASSERT_TRUE(decode('I',
                       "01"
                       "00"
                       "01000000"));
    EXPECT_EQ(change_.after[1].state, ValueState::null);
    auto with_default = make_table();
    with_default->columns[1].default_expression = "'x'";
    decoder_->add_schema(SchemaId(1), with_default);
    ASSERT_TRUE(decode('I',
                       "01"
                       "00"
                       "01000000"));
    EXPECT_EQ(change_.after[1].state, ValueState::unchanged);
    auto unknown = make_table();
    unknown->columns[1].source_type_id = pack({{BinlogType::varchar, 40}, false, false, false});
    decoder_->add_schema(SchemaId(1), unknown);
    ASSERT_TRUE(decode('I',
                       "01"
                       "00"
                       "01000000"));
    EXPECT_EQ(change_.after[1].state, ValueState::unchanged);
}

TEST_F(DecoderTest, history_of_a_versioned_table_is_no_event_and_its_end_is_a_delete) {
    auto versioned = make_table();
    versioned->columns[1].type.kind = TypeKind::unsupported;
    versioned->columns[1].source_type_id = pack({{BinlogType::timestamp2, 6}, false, true, true});
    decoder_->add_schema(SchemaId(1), versioned);
    const std::string current =
        "00"
        "01000000"
        "7fffffff0f423f";
    const std::string ended =
        "00"
        "01000000"
        "6a46360d000001";
    EXPECT_TRUE(decode('I', "03" + current).value());
    EXPECT_FALSE(decode('I', "03" + ended).value());
    EXPECT_FALSE(decode('D', "03" + ended).value());
    EXPECT_TRUE(decode('U', "0303" + current + current).value());
    EXPECT_EQ(change_.operation, Operation::update);
    EXPECT_TRUE(decode('U', "0303" + current + ended).value());
    EXPECT_EQ(change_.operation, Operation::remove);
    EXPECT_TRUE(change_.after.empty());
}

TEST_F(DecoderTest, a_truncate_has_no_rows_no_transaction_and_a_time_in_milliseconds) {
    ASSERT_TRUE(decode('T', ""));
    EXPECT_EQ(change_.operation, Operation::truncate);
    EXPECT_TRUE(change_.before.empty() && change_.after.empty());
    EXPECT_TRUE(change_.transaction_id.empty());
    EXPECT_EQ(change_.source_time_us, 1'700'000'000'123'000);
}

TEST_F(DecoderTest, a_schema_change_has_its_text_and_its_columns_as_the_catalogue_has_them) {
    TableStructure structure;
    const auto add = [&](const char* name, const char* type, const char* full) -> auto& {
        CatalogueColumn& column = structure.columns.emplace_back();
        column.name = name;
        column.data_type = type;
        column.column_type = full;
        return column;
    };
    add("id", "bigint", "bigint(20) unsigned").extra = "auto_increment";
    add("price", "decimal", "decimal(10,2)").default_text = "1.10";
    add("size", "set", "set('a','b''c')").character_set = "latin1";
    add("bits", "bit", "bit(3)").default_text = "b'101'";
    add("twice", "int", "int").extra = "VIRTUAL GENERATED";
    structure.primary_key = {"id"};
    std::string statement;
    append_schema_change(statement,
                         {.kind = DdlKind::alter_table, .text = "ALTER", .structure = structure});
    payload_.clear();
    append_event_head(payload_, {.operation = 'S', .offset = 484, .time_s = 1'700'000'000});
    Entry entry;
    entry.schema = SchemaId(1);
    entry.context = context_;
    entry.payload = payload_ += statement;
    ASSERT_TRUE(decoder_->decode(entry, arena_, change_));
    EXPECT_EQ(change_.operation, Operation::schema_change);
    EXPECT_TRUE(change_.transaction_id.empty());
    EXPECT_EQ(change_.source_time_us, 1'700'000'000'123'000);
    ASSERT_NE(change_.structure, nullptr);
    EXPECT_EQ(change_.structure->statement, "ALTER");
    EXPECT_EQ(change_.structure->effect, StructureEffect::alter);
    const auto columns = change_.structure->columns;
    ASSERT_EQ(columns.size(), 5U);
    EXPECT_EQ(columns[0].type_name, "BIGINT UNSIGNED");
    EXPECT_TRUE(columns[0].auto_incremented && columns[0].generated);
    EXPECT_EQ(columns[1].length, 10);
    EXPECT_EQ(columns[1].scale, 2);
    EXPECT_EQ(columns[1].default_text, "1.10");
    EXPECT_EQ(columns[2].length, 3);
    EXPECT_EQ(columns[2].labels[1], "'b''c'");
    EXPECT_EQ(columns[3].default_text, "101");
    EXPECT_TRUE(columns[4].generated && !columns[4].auto_incremented);
    payload_.pop_back();
    entry.payload = payload_;
    EXPECT_TRUE(decoder_->decode(entry, arena_, change_).error().is(errors::kEntryCorrupt));
}

TEST_F(DecoderTest, the_end_of_a_truncate_alone_is_no_event) {
    for (const std::uint64_t count : {0U, 1U}) {
        std::string payload;
        append_transaction_end(payload, {.file = "f", .event_count = count, .tables = {}});
        Entry entry;
        entry.kind = EntryKind::transaction_end;
        entry.context = context_;
        entry.payload = payload;
        EXPECT_EQ(decoder_->decode(entry, arena_, change_).value(), count == 1);
    }
}

TEST_F(DecoderTest, bytes_that_are_cut_or_left_over_are_corrupt_and_a_bad_value_names_its_column) {
    for (const char* rest : {"03"
                             "00"
                             "01000000"
                             "0261",
                             "03"
                             "00"
                             "01000000"
                             "0161"
                             "ff",
                             "03"}) {
        const auto done = decode('I', rest);
        ASSERT_FALSE(done) << rest;
        EXPECT_TRUE(done.error().is(errors::kEntryCorrupt)) << rest;
    }
    auto dated = make_table();
    dated->columns[1].type.kind = TypeKind::date;
    dated->columns[1].source_type_id = pack({{BinlogType::date, 0}, false, true, false});
    decoder_->add_schema(SchemaId(1), dated);
    const auto done = decode('I',
                             "03"
                             "00"
                             "01000000"
                             "a1c90f");
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errors::kValueUndecodable));
    EXPECT_NE(done.error().what().find("shop.orders.note"), std::string::npos);
}

TEST_F(DecoderTest, the_end_of_a_transaction_has_its_counts) {
    TransactionEnd end;
    end.file = "binlog.000003";
    end.offset = 600;
    end.event_count = 3;
    end.tables = {{"shop.orders", 2}, {"shop.lines", 1}};
    payload_.clear();
    append_transaction_end(payload_, end);
    Entry entry;
    entry.kind = EntryKind::transaction_end;
    entry.context = context_;
    entry.payload = payload_;
    ASSERT_TRUE(decoder_->decode(entry, arena_, change_));
    EXPECT_EQ(change_.operation, Operation::transaction_end);
    EXPECT_EQ(change_.event_count, 3U);
    ASSERT_EQ(change_.table_counts.size(), 2U);
    EXPECT_EQ(change_.table_counts[0].table, "shop.orders");
}

}  // namespace
}  // namespace tributary::mysql
