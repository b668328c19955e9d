// See plan.h. Key order inside a schema object is Kafka Connect's JsonConverter's: type, items or
// fields, optional, name, version, doc, parameters, default, field.
#include "encode/plan.h"

#include <algorithm>
#include <utility>

#include "encode/default_value.h"
#include "encode/json_writer.h"
#include "encode/topic_name.h"

namespace tributary::encode {
namespace {

std::string_view boolean(bool value) {
    return value ? "true" : "false";
}

// {"type":..,"optional":..,..,"default":..,"field":".."}
std::string field_schema(const Format& format,
                         bool optional,
                         std::string_view default_text,
                         std::string_view name) {
    std::string text = "{" + format.schema_head + ",\"optional\":";
    text += boolean(optional || format.always_optional);
    text += format.schema_tail;
    if (!default_text.empty()) {
        text += ",\"default\":";
        text += default_text;
    }
    return text + ",\"field\":" + json_text(name) + "}";
}

std::string primitive_schema(std::string_view type, bool optional, std::string_view name) {
    Format format;
    format.schema_head = "\"type\":\"" + std::string(type) + "\"";
    return field_schema(format, optional, {}, name);
}

std::string_view connect_type(TypeKind kind) {
    return kind == TypeKind::int64 ? "int64" : kind == TypeKind::int32 ? "int32" : "string";
}

std::string source_schema(std::string_view connector_name, std::span<const SourceField> fields) {
    std::string text = R"({"type":"struct","fields":[)";
    text += primitive_schema("string", false, "version") + "," +
            primitive_schema("string", false, "connector") + "," +
            primitive_schema("string", false, "name") + "," +
            primitive_schema("int64", false, "ts_ms") + ",";
    text +=
        R"({"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,)"
        R"("parameters":{"allowed":"true,first,first_in_data_collection,last_in_data_collection,)"
        R"(last,false,incremental"},"default":"false","field":"snapshot"},)";
    text += primitive_schema("string", false, "db") + "," +
            primitive_schema("string", true, "sequence") + "," +
            primitive_schema("int64", true, "ts_us") + "," +
            primitive_schema("int64", true, "ts_ns");
    for (const SourceField& field : fields) {
        text += "," + primitive_schema(connect_type(field.kind), field.optional, field.name);
    }
    return text + R"(],"optional":false,"name":"io.debezium.connector.)" +
           std::string(connector_name) + R"(.Source","version":1,"field":"source"})";
}

std::string row_schema(const std::string& fields, const std::string& topic, std::string_view name) {
    return R"({"type":"struct","fields":[)" + fields + R"(],"optional":true,"name":)" +
           json_text(topic + ".Value") + ",\"field\":\"" + std::string(name) + "\"}";
}

std::string envelope_start(const Plan& plan, const SourcePlan& source, const std::string& fields) {
    std::string text = R"({"schema":{"type":"struct","fields":[)";
    text += row_schema(fields, plan.topic, "before") + "," +
            row_schema(fields, plan.topic, "after") + "," + source.source_schema + ",";
    text += transaction_schema();
    text += "," + primitive_schema("string", false, "op") + "," +
            primitive_schema("int64", true, "ts_ms") + "," +
            primitive_schema("int64", true, "ts_us") + "," +
            primitive_schema("int64", true, "ts_ns");
    return text + R"(],"optional":false,"name":)" + json_text(plan.topic + ".Envelope") +
           R"(,"version":2},"payload":)";
}

struct KeySource {
    std::uint16_t place = 0;
    std::size_t column = 0;
    std::string schema;
};

void compile_keys(const DebeziumOptions& options, std::vector<KeySource> keys, Plan& plan) {
    std::sort(keys.begin(), keys.end(), [](const KeySource& left, const KeySource& right) {
        return left.place < right.place;
    });
    std::string fields;
    for (const KeySource& key : keys) {
        const bool first = plan.keys.empty();
        plan.keys.push_back(
            {key.column, (first ? "{" : ",") + json_text(plan.columns[key.column].name) + ":"});
        fields += (first ? "" : ",") + key.schema;
    }
    if (options.schemas) {
        plan.key_start = R"({"schema":{"type":"struct","fields":[)" + fields +
                         R"(],"optional":false,"name":)" + json_text(plan.topic + ".Key") +
                         R"(},"payload":)";
    }
}

}  // namespace

std::string json_text(std::string_view text) {
    Arena arena(512);
    JsonWriter writer;
    writer.begin(arena, text.size() + 16);
    writer.text(text);
    return std::string(writer.finish());
}

std::string_view transaction_schema() noexcept {
    return R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},)"
           R"({"type":"int64","optional":false,"field":"total_order"},)"
           R"({"type":"int64","optional":false,"field":"data_collection_order"}],"optional":true,)"
           R"("name":"event.block","version":1,"field":"transaction"})";
}

SourcePlan compile_source(const DebeziumOptions& options,
                          std::string_view connector_name,
                          std::span<const SourceField> fields) {
    SourcePlan plan;
    plan.source_start = "\"source\":{\"version\":" + json_text(options.version) +
                        ",\"connector\":" + json_text(connector_name) +
                        ",\"name\":" + json_text(options.topic_prefix) + ",\"ts_ms\":";
    for (const SourceField& field : fields) {
        plan.fields.push_back("," + json_text(field.name) + ":");
        plan.numeric.push_back(field.kind != TypeKind::text);
    }
    if (options.schemas) {
        plan.source_schema = source_schema(connector_name, fields);
    }
    plan.payload_end = options.schemas ? "}}" : "}";
    return plan;
}

Plan compile_plan(const DebeziumOptions& options,
                  const SourcePlan& source,
                  const TableSchema& schema) {
    Plan plan;
    plan.topic = debezium_topic(options, schema);
    plan.table = (schema.schema.empty() ? schema.database : schema.schema) + "." + schema.table;
    plan.row_columns = schema.columns.size();
    std::string fields;
    std::vector<KeySource> keys;
    for (std::size_t index = 0; index < schema.columns.size(); ++index) {
        const Column& column = schema.columns[index];
        auto format = make_format(column.type, column.source_type, options);
        if (!format) {
            continue;
        }
        const bool first = plan.columns.empty();
        const auto default_text = default_json(column, *format);
        const std::string field =
            field_schema(*format, column.nullable, default_text.value_or(""), column.name);
        fields += (first ? "" : ",") + field;
        if (column.key_index != 0) {
            keys.push_back({column.key_index, plan.columns.size(), field});
        }
        ColumnPlan compiled;
        compiled.index = index;
        compiled.prefix = (first ? "{" : ",") + json_text(column.name) + ":";
        compiled.fill = column.nullable ? "null" : default_text.value_or(format->zero);
        compiled.name = column.name;
        compiled.format = std::move(*format);
        compiled.nullable = column.nullable;
        plan.fixed_bytes += compiled.prefix.size() * 2 + compiled.fill.size() + 24;
        plan.columns.push_back(std::move(compiled));
    }
    compile_keys(options, std::move(keys), plan);
    plan.value_start =
        (options.schemas ? envelope_start(plan, source, fields) : std::string()) + "{\"before\":";
    plan.fixed_bytes += plan.value_start.size() + source.source_start.size() + 512;
    return plan;
}

std::string debezium_topic(const DebeziumOptions& options, const TableSchema& schema) {
    return sanitize_topic(options.topic_prefix + "." +
                          (schema.schema.empty() ? schema.database : schema.schema) + "." +
                          schema.table);
}

}  // namespace tributary::encode
