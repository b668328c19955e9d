// See schema_change.h.
#include "encode/schema_change.h"

#include <optional>
#include <span>
#include <string>

namespace tributary::encode {
namespace {

std::string_view to_string(StructureEffect effect) {
    switch (effect) {
        case StructureEffect::create:
            return "CREATE";
        case StructureEffect::alter:
            return "ALTER";
        case StructureEffect::drop:
            return "DROP";
        case StructureEffect::none:
            break;
    }
    return "";
}

// "database"."table"
std::string id_of(const TableSchema& table) {
    std::string out;
    for (const std::string& name : {table.database, table.table}) {
        out += out.empty() ? "\"" : ".\"";
        for (const char c : name) {
            out.append(c == '"' ? 2 : 1, c);
        }
        out += '"';
    }
    return out;
}

void write_text(JsonWriter& writer, std::string_view prefix, std::string_view text) {
    writer.raw(prefix);
    if (text.empty()) {
        writer.raw("null");
    } else {
        writer.text(text);
    }
}

void write_number(JsonWriter& writer, std::string_view prefix, std::optional<std::int32_t> number) {
    writer.raw(prefix);
    if (number) {
        writer.integer(*number);
    } else {
        writer.raw("null");
    }
}

void write_flag(JsonWriter& writer, std::string_view prefix, bool flag) {
    writer.raw(prefix);
    writer.raw(flag ? "true" : "false");
}

void write_texts(JsonWriter& writer, std::span<const std::string_view> texts) {
    writer.raw('[');
    for (std::size_t index = 0; index < texts.size(); ++index) {
        writer.raw(index == 0 ? "" : ",");
        writer.text(texts[index]);
    }
    writer.raw(']');
}

void write_column(JsonWriter& writer, const ColumnDescription& column, std::size_t position) {
    writer.raw(position == 1 ? "{\"name\":" : ",{\"name\":");
    writer.text(column.name);
    writer.raw(",\"jdbcType\":");
    writer.integer(column.jdbc_type);
    write_text(writer, ",\"nativeType\":null,\"typeName\":", column.type_name);
    write_text(writer, ",\"typeExpression\":", column.type_name);
    write_text(writer, ",\"charsetName\":", column.character_set);
    write_number(writer, ",\"length\":", column.length);
    write_number(writer, ",\"scale\":", column.scale);
    writer.raw(",\"position\":");
    writer.integer(position);
    write_flag(writer, ",\"optional\":", column.optional);
    write_flag(writer, ",\"autoIncremented\":", column.auto_incremented);
    write_flag(writer, ",\"generated\":", column.generated);
    writer.raw(",\"comment\":null,\"defaultValueExpression\":");
    if (column.default_text) {
        writer.text(*column.default_text);
    } else {
        writer.raw("null");
    }
    writer.raw(",\"enumValues\":");
    if (column.labels.empty()) {
        writer.raw("null");
    } else {
        write_texts(writer, column.labels);
    }
    writer.raw('}');
}

}  // namespace

std::string_view schema_change_fields() noexcept {
    return R"({"type":"int64","optional":false,"field":"ts_ms"},)"
           R"({"type":"string","optional":true,"field":"databaseName"},)"
           R"({"type":"string","optional":true,"field":"schemaName"},)"
           R"({"type":"string","optional":true,"field":"ddl"},)"
           R"({"type":"array","items":{"type":"struct","fields":[)"
           R"({"type":"string","optional":false,"field":"type"},)"
           R"({"type":"string","optional":false,"field":"id"},)"
           R"({"type":"struct","fields":[)"
           R"({"type":"string","optional":true,"field":"defaultCharsetName"},)"
           R"({"type":"array","items":{"type":"string","optional":false},"optional":true,)"
           R"("field":"primaryKeyColumnNames"},)"
           R"({"type":"array","items":{"type":"struct","fields":[)"
           R"({"type":"string","optional":false,"field":"name"},)"
           R"({"type":"int32","optional":false,"field":"jdbcType"},)"
           R"({"type":"int32","optional":true,"field":"nativeType"},)"
           R"({"type":"string","optional":false,"field":"typeName"},)"
           R"({"type":"string","optional":true,"field":"typeExpression"},)"
           R"({"type":"string","optional":true,"field":"charsetName"},)"
           R"({"type":"int32","optional":true,"field":"length"},)"
           R"({"type":"int32","optional":true,"field":"scale"},)"
           R"({"type":"int32","optional":false,"field":"position"},)"
           R"({"type":"boolean","optional":true,"field":"optional"},)"
           R"({"type":"boolean","optional":true,"field":"autoIncremented"},)"
           R"({"type":"boolean","optional":true,"field":"generated"},)"
           R"({"type":"string","optional":true,"field":"comment"},)"
           R"({"type":"string","optional":true,"field":"defaultValueExpression"},)"
           R"({"type":"array","items":{"type":"string","optional":false},"optional":true,)"
           R"("field":"enumValues"}],"optional":false,)"
           R"("name":"io.debezium.connector.schema.Column","version":1},"optional":false,)"
           R"("field":"columns"},{"type":"string","optional":true,"field":"comment"}],)"
           R"("optional":true,"name":"io.debezium.connector.schema.Table","version":1,)"
           R"("field":"table"}],"optional":false,"name":"io.debezium.connector.schema.Change",)"
           R"("version":1},"optional":false,"field":"tableChanges"})";
}

void write_table_changes(JsonWriter& writer, const Change& change) {
    const StructureChange& structure = *change.structure;
    const bool dropped = structure.effect == StructureEffect::drop;
    if (!structure.described && !dropped) {
        writer.raw("[]");
        return;
    }
    writer.raw("[{\"type\":");
    writer.text(to_string(structure.effect));
    writer.raw(",\"id\":");
    writer.text(id_of(*change.schema));
    writer.raw(",\"table\":");
    if (dropped) {
        writer.raw("null}]");
        return;
    }
    write_text(writer, "{\"defaultCharsetName\":", structure.character_set);
    writer.raw(",\"primaryKeyColumnNames\":");
    write_texts(writer, structure.key);
    writer.raw(",\"columns\":[");
    for (std::size_t index = 0; index < structure.columns.size(); ++index) {
        write_column(writer, structure.columns[index], index + 1);
    }
    writer.raw("],\"comment\":null}}]");
}

}  // namespace tributary::encode
