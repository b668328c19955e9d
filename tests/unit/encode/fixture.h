// What the encoder's tests share: a table, changes of it, and the records they become.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "encode/debezium.h"

namespace tributary::encode {

using Json = nlohmann::ordered_json;

inline Column column(std::string name, TypeKind kind, bool nullable = true) {
    Column result;
    result.name = std::move(name);
    result.type.kind = kind;
    result.nullable = nullable;
    return result;
}

inline Column key_column(std::string name, TypeKind kind, std::uint16_t place = 1) {
    Column result = column(std::move(name), kind, false);
    result.key_index = place;
    result.identity = true;
    return result;
}

inline Value number(std::int64_t value) {
    Value result;
    result.state = ValueState::value;
    result.integer = value;
    return result;
}

inline Value real(double value) {
    Value result;
    result.state = ValueState::value;
    result.real = value;
    return result;
}

inline Value text(std::string_view value) {
    Value result;
    result.state = ValueState::value;
    result.text = value;
    return result;
}

inline Value of_state(ValueState state) {
    Value result;
    result.state = state;
    return result;
}

inline const std::vector<SourceField>& postgresql_fields() {
    static const std::vector<SourceField> fields = {{"schema", TypeKind::text, false},
                                                    {"table", TypeKind::text, false},
                                                    {"txId", TypeKind::int64, true},
                                                    {"lsn", TypeKind::int64, true},
                                                    {"xmin", TypeKind::int64, true},
                                                    {"origin", TypeKind::text, true},
                                                    {"origin_lsn", TypeKind::int64, true}};
    return fields;
}

inline TableSchema customers() {
    TableSchema schema;
    schema.database = "postgres";
    schema.schema = "public";
    schema.table = "customers";
    schema.columns = {key_column("id", TypeKind::int32), column("name", TypeKind::text, false)};
    schema.columns[0].default_expression = "nextval('customers_id_seq'::regclass)";
    return schema;
}

// A table, an encoder of its events, and the change under test.
class World {
  public:
    explicit World(TableSchema table = customers(), DebeziumOptions options = {})
        : schema(std::move(table)) {
        options.pipeline = "plant";
        options.topic_prefix = "p";
        encoder = make_debezium_encoder(options, "postgresql", postgresql_fields());
        change.sequence = Sequence(9);
        change.ordinal = 3;
        change.schema_id = SchemaId(1);
        change.schema = &schema;
        change.intake_time_us = 1559033904863841;
        change.source_time_us = 1559033904863123;
        change.source_position = "pos";
        change.database = "postgres";
        change.source_sequence = R"(["24023119","24023128"])";
        source_values = {text("public"),
                         text("customers"),
                         number(555),
                         number(24023128),
                         Value{},
                         Value{},
                         Value{}};
        change.source_values = source_values;
    }

    Result<void> run(Operation operation, std::vector<Value> before, std::vector<Value> after) {
        before_row = std::move(before);
        after_row = std::move(after);
        change.operation = operation;
        change.before = before_row;
        change.after = after_row;
        records.clear();
        return encoder->encode(change, arena, records);
    }

    [[nodiscard]] Json value(std::size_t index = 0) const {
        return Json::parse(records.at(index).value.value());
    }

    TableSchema schema;
    Arena arena;
    std::unique_ptr<Encoder> encoder;
    std::vector<Value> source_values;
    std::vector<Value> before_row;
    std::vector<Value> after_row;
    Change change;
    std::vector<Record> records;
};

}  // namespace tributary::encode
