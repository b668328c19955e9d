// The whole of a change event of MySQL and of MariaDB: source block, transaction block, key; the
// order and the forms are those of the Debezium 3.6 documentation's examples.
#include <gtest/gtest.h>

#include "connectors/mysql/decoder.h"
#include "connectors/mysql/entry_payload.h"
#include "connectors/mysql/values/table_map.h"
#include "encode/debezium.h"

namespace tributary::mysql::test {
namespace {

std::shared_ptr<TableSchema> customers() {
    auto table = std::make_shared<TableSchema>();
    table->database = "inventory";
    table->table = "customers";
    table->old_row = OldRow::full;
    Column id;
    id.name = "id";
    id.type.kind = TypeKind::int32;
    id.source_type_id = pack({{BinlogType::long_, 0}, false, true, false});
    id.nullable = false;
    id.key_index = 1;
    Column name;
    name.name = "first_name";
    name.type.kind = TypeKind::text;
    name.source_type_id = pack({{BinlogType::varchar, 40}, false, true, false});
    name.source_type_modifier = 45;
    table->columns = {id, name};
    return table;
}

struct Events {
    std::string key;
    std::string value;
    std::string topic;
};

Events update(ServerKind kind, std::string_view gtid) {
    Context context;
    context.server = kind;
    context.file = "mysql-bin.000003";
    context.offset = 4;
    context.gtid = gtid;
    context.server_id = 223344;
    context.thread_id = 7;
    context.commit_time_us = 1465581029000000;
    EventHead head;
    head.operation = 'U';
    head.order = 1;
    head.table_order = 1;
    head.offset = 484;
    head.time_s = 1465581029;
    std::string context_bytes;
    std::string payload;
    append_context(context_bytes, context);
    append_event_head(payload, head);
    payload += std::string("\3\3\0\xEC\3\0\0\4Anne\0\xEC\3\0\0\4Mary", 22);
    Entry entry;
    entry.sequence = Sequence(1);
    entry.schema = SchemaId(1);
    entry.intake_time_us = 1465581029523758;
    entry.context = context_bytes;
    entry.payload = payload;

    const auto decoder = make_decoder(kind);
    decoder->add_schema(SchemaId(1), customers());
    encode::DebeziumOptions options;
    options.topic_prefix = "fulfillment";
    options.transaction_metadata = true;
    const auto encoder = encode::make_debezium_encoder(
        options, std::string(decoder->connector_name()), decoder->source_fields());
    Arena arena;
    Change change;
    std::vector<Record> records;
    const auto decoded = decoder->decode(entry, arena, change);
    EXPECT_TRUE(decoded && decoded.value());
    EXPECT_TRUE(encoder->encode(change, arena, records));
    EXPECT_EQ(records.size(), 2U) << "BEGIN, then the change";
    const Record& record = records.back();
    return {std::string(record.key.value_or("none")),
            std::string(record.value.value_or("none")),
            std::string(record.topic)};
}

TEST(MysqlEnvelope, has_the_source_block_of_mysql) {
    const Events events = update(ServerKind::mysql, "3e11fa47-71ca-11e1-9e33-c80aa9429562:23");
    EXPECT_EQ(events.topic, "fulfillment.inventory.customers");
    EXPECT_EQ(events.key, R"({"id":1004})");
    EXPECT_EQ(
        events.value,
        R"({"before":{"id":1004,"first_name":"Anne"},"after":{"id":1004,"first_name":"Mary"},)"
        R"("source":{"version":"3.6.1.Final","connector":"mysql","name":"fulfillment",)"
        R"("ts_ms":1465581029000,"snapshot":"false","db":"inventory","sequence":null,)"
        R"("ts_us":1465581029000000,"ts_ns":1465581029000000000,"table":"customers",)"
        R"("server_id":223344,"gtid":"3e11fa47-71ca-11e1-9e33-c80aa9429562:23",)"
        R"("file":"mysql-bin.000003","pos":484,"row":0,"thread":7,"query":null},)"
        R"("transaction":{"id":"3e11fa47-71ca-11e1-9e33-c80aa9429562:23","total_order":1,)"
        R"("data_collection_order":1},"op":"u","ts_ms":1465581029523,)"
        R"("ts_us":1465581029523758,"ts_ns":1465581029523758000})");
}

TEST(MysqlEnvelope, of_mariadb_without_gtid_names_the_transaction_by_its_place) {
    const Events events = update(ServerKind::mariadb, "");
    EXPECT_NE(events.value.find(R"("connector":"mariadb")"), std::string::npos);
    EXPECT_NE(events.value.find(R"("gtid":null,"file":"mysql-bin.000003","pos":484)"),
              std::string::npos);
    EXPECT_NE(events.value.find(R"("transaction":{"id":"file=mysql-bin.000003,pos=4",)"),
              std::string::npos);
}

}  // namespace
}  // namespace tributary::mysql::test
