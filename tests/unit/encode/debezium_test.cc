// Envelope, keys, tombstones, key changes, replica identities, messages and transactions, against
// the literals of Debezium 3.6.1.
#include <gtest/gtest.h>

#include "fixture.h"
#include "format/record_header.h"
#include "model/errors.h"

namespace tributary::encode {
namespace {

std::vector<std::string> names_of(const Json& object) {
    std::vector<std::string> names;
    for (const auto& item : object.items()) {
        names.push_back(item.key());
    }
    return names;
}

TEST(DebeziumEncoder, writes_an_insert_byte_for_byte) {
    World world;
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    ASSERT_EQ(world.records.size(), 1U);
    const Record& record = world.records[0];
    EXPECT_EQ(record.topic, "p.public.customers");
    EXPECT_EQ(record.key, R"({"id":1})");
    EXPECT_EQ(
        record.value.value(),
        R"({"before":null,"after":{"id":1,"name":"Anne"},"source":{"version":"3.6.1.Final",)"
        R"("connector":"postgresql","name":"p","ts_ms":1559033904863,"snapshot":"false",)"
        R"("db":"postgres","sequence":"[\"24023119\",\"24023128\"]","ts_us":1559033904863123,)"
        R"("ts_ns":1559033904863123000,"schema":"public","table":"customers","txId":555,)"
        R"("lsn":24023128,"xmin":null,"origin":null,"origin_lsn":null},"transaction":null,)"
        R"("op":"c","ts_ms":1559033904863,"ts_us":1559033904863841,"ts_ns":1559033904863841000})");
    EXPECT_TRUE(record.headers.empty());
    const auto identity = format::parse_record_header(record.identity);
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity.value().source, "plant");
    EXPECT_EQ(identity.value().position, "pos");
    EXPECT_EQ(identity.value().ordinal, 3U);
    EXPECT_EQ(identity.value().sub_index, 0U);
    EXPECT_EQ(identity.value().sequence, Sequence(9));
}

TEST(DebeziumEncoder, writes_a_row_of_a_snapshot_with_its_marker) {
    World world;
    world.change.snapshot_marker = "first_in_data_collection";
    ASSERT_TRUE(world.run(Operation::read, {}, {number(1), text("Anne")}));
    EXPECT_EQ(world.value().at("op"), "r");
    EXPECT_EQ(world.value().at("source").at("snapshot"), "first_in_data_collection");
    EXPECT_TRUE(world.value().at("before").is_null());
    world.change.snapshot_marker = {};
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    EXPECT_EQ(world.value().at("source").at("snapshot"), "false");
}

TEST(DebeziumEncoder, writes_the_key_schema_beside_the_key_when_schemas_are_on) {
    World world(customers(), {.schemas = true});
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    EXPECT_EQ(world.records[0].key,
              R"({"schema":{"type":"struct","fields":[{"type":"int32","optional":false,)"
              R"("default":0,"field":"id"}],"optional":false,"name":"p.public.customers.Key"},)"
              R"("payload":{"id":1}})");
}

TEST(DebeziumEncoder, writes_keys_in_key_order_and_null_keys_without_key_columns) {
    TableSchema schema = customers();
    schema.columns = {key_column("b", TypeKind::text, 2), key_column("a", TypeKind::float64, 1)};
    World world(schema);
    ASSERT_TRUE(
        world.run(Operation::create, {}, {text("\xC3\xBC \xF0\x9F\x98\x80\x01"), real(0.5)}));
    EXPECT_EQ(world.records[0].key, "{\"a\":0.5,\"b\":\"\xC3\xBC \\uD83D\\uDE00\\u0001\"}");

    schema.columns[0].key_index = 0;
    schema.columns[1].key_index = 0;
    World keyless(schema);
    ASSERT_TRUE(keyless.run(Operation::remove, {text("x"), real(1)}, {}));
    ASSERT_EQ(keyless.records.size(), 1U) << "no tombstone can name a row without a key";
    EXPECT_FALSE(keyless.records[0].key.has_value());
}

TEST(DebeziumEncoder, follows_a_delete_with_a_tombstone_unless_told_not_to) {
    World world;
    ASSERT_TRUE(world.run(Operation::remove, {number(4), of_state(ValueState::absent)}, {}));
    ASSERT_EQ(world.records.size(), 2U);
    EXPECT_EQ(world.value()["before"].dump(), R"({"id":4,"name":""})");
    EXPECT_TRUE(world.value()["after"].is_null());
    EXPECT_EQ(world.value()["op"], "d");
    EXPECT_EQ(world.records[1].key, R"({"id":4})");
    EXPECT_FALSE(world.records[1].value.has_value());
    EXPECT_EQ(world.records[1].sub_index, 1U);

    World without(customers(), {.tombstones = false});
    ASSERT_TRUE(without.run(Operation::remove, {number(4), of_state(ValueState::absent)}, {}));
    EXPECT_EQ(without.records.size(), 1U);
}

TEST(DebeziumEncoder, splits_a_key_change_into_delete_tombstone_create) {
    World world;
    ASSERT_TRUE(world.run(
        Operation::update, {number(1), of_state(ValueState::absent)}, {number(2), text("Anne")}));
    ASSERT_EQ(world.records.size(), 3U);
    const auto header = [&](std::size_t index) {
        const RecordHeader& first = world.records[index].headers[0];
        return std::string(first.name) + "=" + std::string(first.value);
    };
    EXPECT_EQ(world.value(0)["op"], "d");
    EXPECT_EQ(world.records[0].key, R"({"id":1})");
    EXPECT_EQ(header(0), R"(__debezium.newkey={"id":2})");
    EXPECT_FALSE(world.records[1].value.has_value());
    EXPECT_EQ(header(1), R"(__debezium.newkey={"id":2})");
    EXPECT_EQ(world.value(2)["op"], "c");
    EXPECT_TRUE(world.value(2)["before"].is_null());
    EXPECT_EQ(world.records[2].key, R"({"id":2})");
    EXPECT_EQ(header(2), R"(__debezium.oldkey={"id":1})");
    for (std::uint16_t index = 0; index < 3; ++index) {
        EXPECT_EQ(world.records[index].sub_index, index);
        EXPECT_EQ(format::parse_record_header(world.records[index].identity).value().sub_index,
                  index);
    }
}

TEST(DebeziumEncoder, keeps_an_update_with_an_unchanged_key_whole) {
    World world;
    ASSERT_TRUE(world.run(Operation::update, {}, {number(1), text("Anne")}));
    ASSERT_EQ(world.records.size(), 1U);
    EXPECT_TRUE(world.value()["before"].is_null());
    ASSERT_TRUE(world.run(Operation::update, {number(1), text("Ann")}, {number(1), text("Anne")}));
    ASSERT_EQ(world.records.size(), 1U);
    EXPECT_EQ(world.value()["before"]["name"], "Ann");
    EXPECT_EQ(world.value()["op"], "u");
}

// PostgreSQL sends the old key of an update from 1.0 to 1.00: whether that is another key is a
// matter of how it is written.
TEST(DebeziumEncoder, splits_a_key_change_only_where_the_bytes_of_the_key_change) {
    TableSchema schema = customers();
    schema.columns[0] = key_column("id", TypeKind::decimal);
    const auto operations = [&schema](DecimalMode decimals) {
        World world(schema, {.decimals = decimals});
        EXPECT_TRUE(world.run(Operation::update,
                              {text("1.0"), of_state(ValueState::absent)},
                              {text("1.00"), text("Anne")}));
        std::string out;
        for (std::size_t index = 0; index < world.records.size(); ++index) {
            const bool tombstone = !world.records[index].value.has_value();
            out += tombstone ? "t" : world.value(index)["op"].get<std::string>();
            out += *world.records[index].key;
        }
        return out;
    };
    EXPECT_EQ(operations(DecimalMode::double_), R"(u{"id":1.0})");
    EXPECT_EQ(operations(DecimalMode::string), R"(d{"id":"1.0"}t{"id":"1.0"}c{"id":"1.00"})");
    EXPECT_EQ(operations(DecimalMode::precise), R"(u{"id":{"scale":0,"value":"AQ=="}})");
}

TEST(DebeziumEncoder, refuses_a_delete_whose_key_was_not_sent) {
    World world;
    const auto refused =
        world.run(Operation::remove, {of_state(ValueState::absent), text("Anne")}, {});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kValueUndecodable));
    EXPECT_NE(refused.error().what().find("column id"), std::string::npos);
    EXPECT_TRUE(world.records.empty());
}

TEST(DebeziumEncoder, refuses_a_row_of_another_width) {
    World world;
    const auto refused = world.run(Operation::create, {}, {number(1)});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kSchemaMismatch));
}

TEST(DebeziumEncoder, fills_a_partial_old_row_by_nullability_default_and_type) {
    TableSchema schema = customers();
    schema.columns = {key_column("id", TypeKind::int32),
                      column("nullable", TypeKind::int32),
                      column("ts", TypeKind::timestamp, false),
                      column("flag", TypeKind::boolean, false),
                      column("word", TypeKind::text, false)};
    schema.columns[2].type.precision = 6;
    schema.columns[4].default_expression = "'dflt'::text";
    World world(schema);
    const Value none = of_state(ValueState::absent);
    ASSERT_TRUE(world.run(Operation::remove, {number(7), none, none, none, none}, {}));
    EXPECT_EQ(world.value()["before"].dump(),
              R"({"id":7,"nullable":null,"ts":0,"flag":false,"word":"dflt"})");
}

TEST(DebeziumEncoder, ships_an_explicit_null_of_a_column_with_a_default_as_null) {
    TableSchema schema = customers();
    schema.columns[1].nullable = true;
    schema.columns[1].default_expression = "'it''s'::text";
    World world(schema, {.schemas = true});
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), Value{}}));
    EXPECT_TRUE(world.value()["payload"]["after"]["name"].is_null());
    EXPECT_EQ(world.value()["schema"]["fields"][1]["fields"][1]["default"], "it's");
}

TEST(DebeziumEncoder, marks_an_unchanged_value_and_fills_it_from_a_full_old_row) {
    World world;
    const Value unchanged = of_state(ValueState::unchanged);
    ASSERT_TRUE(world.run(Operation::update, {}, {number(1), unchanged}));
    EXPECT_EQ(world.value()["after"]["name"], "__debezium_unavailable_value");
    ASSERT_TRUE(world.run(Operation::update, {number(1), text("old")}, {number(1), unchanged}));
    EXPECT_EQ(world.value()["after"]["name"], "old");
}

TEST(DebeziumEncoder, leaves_out_columns_that_are_not_decoded) {
    TableSchema schema = customers();
    schema.columns.insert(schema.columns.begin() + 1, column("odd", TypeKind::unsupported));
    World world(schema, {.schemas = true});
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), Value{}, text("Anne")}));
    EXPECT_EQ(world.value()["payload"]["after"].dump(), R"({"id":1,"name":"Anne"})");
    EXPECT_EQ(world.value()["schema"]["fields"][1]["fields"].size(), 2U);
}

TEST(DebeziumEncoder, skips_truncate_unless_told_not_to) {
    World world;
    ASSERT_TRUE(world.run(Operation::truncate, {}, {}));
    EXPECT_TRUE(world.records.empty());

    World kept(customers(), {.skipped_operations = {}});
    ASSERT_TRUE(kept.run(Operation::truncate, {}, {}));
    ASSERT_EQ(kept.records.size(), 1U);
    EXPECT_FALSE(kept.records[0].key.has_value());
    EXPECT_EQ(kept.value()["op"], "t");
    EXPECT_TRUE(kept.value()["before"].is_null());
    EXPECT_TRUE(kept.value()["after"].is_null());
}

TEST(DebeziumEncoder, writes_a_logical_message_without_finer_clocks) {
    World world;
    world.change.schema = nullptr;
    world.change.message_prefix = "foo";
    world.change.message_content = "a\xB7\xF2";
    ASSERT_TRUE(world.run(Operation::message, {}, {}));
    ASSERT_EQ(world.records.size(), 1U);
    EXPECT_EQ(world.records[0].topic, "p.message");
    EXPECT_EQ(world.records[0].key, R"({"prefix":"foo"})");
    const Json value = world.value();
    EXPECT_EQ(names_of(value),
              (std::vector<std::string>{"op", "ts_ms", "source", "transaction", "message"}));
    EXPECT_EQ(value["message"].dump(), R"({"prefix":"foo","content":"Ybfy"})");
    World with(customers(), {.schemas = true});
    with.change.message_prefix = "foo";
    ASSERT_TRUE(with.run(Operation::message, {}, {}));
    EXPECT_EQ(with.value()["schema"]["name"], "io.debezium.connector.postgresql.MessageValue");
    EXPECT_EQ(Json::parse(*with.records[0].key)["payload"].dump(), R"({"prefix":"foo"})");
}

TEST(DebeziumEncoder, writes_a_schema_change_to_the_topic_that_is_the_prefix) {
    TableSchema table;
    table.database = "shop";
    table.table = "a\"b";
    const std::array<std::string_view, 1> key{"id"};
    const std::array<std::string_view, 2> labels{"'x'", "'y''z'"};
    ColumnDescription id{.name = "id", .jdbc_type = 4, .type_name = "INT", .optional = false};
    ColumnDescription size{.name = "size", .jdbc_type = 1, .type_name = "ENUM", .length = 1};
    size.character_set = "latin1";
    size.default_text = "";
    size.labels = labels;
    const std::array<ColumnDescription, 2> columns{id, size};
    StructureChange structure{.statement = "ALTER \"t\"",
                              .effect = StructureEffect::alter,
                              .described = true,
                              .character_set = "latin1",
                              .key = key,
                              .columns = columns};
    const auto run = [&](bool schemas) {
        World world(customers(), {.schemas = schemas});
        world.change.schema = &table;
        world.change.database = "shop";
        world.change.structure = &structure;
        EXPECT_TRUE(world.run(Operation::schema_change, {}, {}));
        EXPECT_EQ(world.records.size(), 1U);
        EXPECT_EQ(world.records[0].topic, "p");
        return std::pair(std::string(*world.records[0].key), world.value());
    };
    const auto [record_key, value] = run(false);
    EXPECT_EQ(record_key, R"({"databaseName":"shop"})");
    EXPECT_EQ(names_of(value),
              (std::vector<std::string>{
                  "source", "ts_ms", "databaseName", "schemaName", "ddl", "tableChanges"}));
    EXPECT_EQ(value["ddl"], "ALTER \"t\"");
    EXPECT_EQ(
        value["tableChanges"].dump(),
        R"([{"type":"ALTER","id":"\"shop\".\"a\"\"b\"","table":{"defaultCharsetName":"latin1",)"
        R"("primaryKeyColumnNames":["id"],"columns":[{"name":"id","jdbcType":4,"nativeType":null,)"
        R"("typeName":"INT","typeExpression":"INT","charsetName":null,"length":null,"scale":null,)"
        R"("position":1,"optional":false,"autoIncremented":false,"generated":false,)"
        R"("comment":null,"defaultValueExpression":null,"enumValues":null},)"
        R"({"name":"size","jdbcType":1,"nativeType":null,"typeName":"ENUM",)"
        R"("typeExpression":"ENUM","charsetName":"latin1","length":1,"scale":null,"position":2,)"
        R"("optional":true,"autoIncremented":false,"generated":false,"comment":null,)"
        R"("defaultValueExpression":"","enumValues":["'x'","'y''z'"]}],"comment":null}}])");
    EXPECT_EQ(run(true).second["schema"]["name"],
              "io.debezium.connector.postgresql.SchemaChangeValue");
    structure.described = false;
    structure.statement = {};
    EXPECT_EQ(run(false).second["tableChanges"].dump(), "[]");
    EXPECT_TRUE(run(false).second["ddl"].is_null());
    structure.effect = StructureEffect::drop;
    EXPECT_EQ(run(false).second["tableChanges"].dump(),
              R"([{"type":"DROP","id":"\"shop\".\"a\"\"b\"","table":null}])");
}

TEST(DebeziumEncoder, writes_transaction_metadata_only_when_asked) {
    World world(customers(), {.transaction_metadata = true});
    world.change.transaction_id = "571:53195829";
    world.change.first_of_transaction = true;
    world.change.transaction_order = 1;
    world.change.transaction_table_order = 1;
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    ASSERT_EQ(world.records.size(), 2U);
    EXPECT_EQ(world.records[0].topic, "p.transaction");
    EXPECT_EQ(world.records[0].key, R"({"id":"571:53195829"})");
    EXPECT_EQ(world.records[0].value,
              R"({"status":"BEGIN","id":"571:53195829","event_count":null,)"
              R"("data_collections":null,"ts_ms":1559033904863})");
    EXPECT_EQ(world.records[0].sub_index, kBeginRecord);
    EXPECT_EQ(world.value(1)["transaction"].dump(),
              R"({"id":"571:53195829","total_order":1,"data_collection_order":1})");

    const std::vector<TableCount> counts = {{"s1.a", 1}, {"s2.a", 1}};
    world.change.first_of_transaction = false;
    world.change.event_count = 2;
    world.change.table_counts = counts;
    ASSERT_TRUE(world.run(Operation::transaction_end, {}, {}));
    EXPECT_EQ(world.records.at(0).value,
              R"({"status":"END","id":"571:53195829","event_count":2,"data_collections":[)"
              R"({"data_collection":"s1.a","event_count":1},)"
              R"({"data_collection":"s2.a","event_count":1}],"ts_ms":1559033904863})");

    World without;
    without.change.transaction_id = "571:53195829";
    without.change.first_of_transaction = true;
    ASSERT_TRUE(without.run(Operation::create, {}, {number(1), text("Anne")}));
    EXPECT_EQ(without.records.size(), 1U);
    EXPECT_TRUE(without.value()["transaction"].is_null());
    ASSERT_TRUE(without.run(Operation::transaction_end, {}, {}));
    EXPECT_TRUE(without.records.empty());
}

TEST(DebeziumEncoder, adds_context_headers_only_when_asked) {
    World world(customers(), {.context_headers = true});
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    ASSERT_EQ(world.records[0].headers.size(), 3U);
    EXPECT_EQ(world.records[0].headers[0].value, "p");
    EXPECT_EQ(world.records[0].headers[2].value, "postgresql");
    world.change.message_prefix = "foo";
    ASSERT_TRUE(world.run(Operation::message, {}, {}));
    EXPECT_TRUE(world.records.at(0).headers.empty());
}

TEST(DebeziumEncoder, gives_the_create_of_a_key_change_the_next_place_in_its_transaction) {
    World world(customers(), {.transaction_metadata = true});
    world.change.transaction_id = "571:53195829";
    world.change.transaction_order = 4;
    world.change.transaction_table_order = 2;
    ASSERT_TRUE(world.run(
        Operation::update, {number(1), of_state(ValueState::absent)}, {number(2), text("Anne")}));
    ASSERT_EQ(world.records.size(), 3U);
    EXPECT_EQ(world.value(0)["transaction"]["total_order"], 4);
    EXPECT_EQ(world.value(2)["transaction"]["total_order"], 5);
    EXPECT_EQ(world.value(2)["transaction"]["data_collection_order"], 3);
}

TEST(DebeziumEncoder, gives_the_same_bytes_for_the_same_change) {
    World first;
    World second;
    ASSERT_TRUE(first.run(Operation::create, {}, {number(1), text("Anne")}));
    ASSERT_TRUE(second.run(Operation::create, {}, {number(2), text("Bob")}));
    ASSERT_TRUE(second.run(Operation::create, {}, {number(1), text("Anne")}));
    EXPECT_EQ(first.records[0].value, second.records[0].value);
    EXPECT_EQ(first.records[0].identity, second.records[0].identity);
}

TEST(DebeziumEncoder, follows_a_change_of_the_schema) {
    World world;
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    TableSchema wider = customers();
    wider.columns.push_back(column("age", TypeKind::int32));
    world.change.schema = &wider;
    world.change.schema_id = SchemaId(2);
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne"), number(40)}));
    EXPECT_EQ(world.value()["after"].dump(), R"({"id":1,"name":"Anne","age":40})");
    world.change.schema = &world.schema;
    world.change.schema_id = SchemaId(1);
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text("Anne")}));
    EXPECT_EQ(world.value()["after"].dump(), R"({"id":1,"name":"Anne"})");
}

TEST(DebeziumEncoder, grows_its_buffer_for_text_that_needs_escapes) {
    World world;
    const std::string noisy(100'000, '\x01');
    ASSERT_TRUE(world.run(Operation::create, {}, {number(1), text(noisy)}));
    EXPECT_EQ(world.value()["after"]["name"].get<std::string>(), noisy);
}

TEST(DebeziumEncoder, sanitises_topics_as_debezium_does) {
    TableSchema schema = customers();
    schema.schema = "Odd Schema";
    schema.table = "Tab.le-\"q\" \xC3\xBC";
    EXPECT_EQ(debezium_topic({.topic_prefix = "p"}, schema), "p.Odd_Schema.Tab.le-_q___");
    schema.table = "\xF0\x9F\x98\x80";
    EXPECT_EQ(debezium_topic({.topic_prefix = "p"}, schema), "p.Odd_Schema.__");
}

}  // namespace
}  // namespace tributary::encode
