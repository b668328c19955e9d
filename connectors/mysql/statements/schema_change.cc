// Bytes of a schema change: schema_change.h has the layout.
#include "connectors/mysql/statements/schema_change.h"

#include <utility>

#include "base/bytes.h"
#include "model/errors.h"

namespace tributary::mysql {
namespace {

void append_column(std::string& out, const CatalogueColumn& column) {
    append_sized(out, column.name);
    append_sized(out, column.data_type);
    append_sized(out, column.column_type);
    append_sized(out, column.character_set);
    out.push_back(column.nullable ? '\1' : '\0');
    out.push_back(column.default_text ? '\1' : '\0');
    if (column.default_text) {
        append_sized(out, *column.default_text);
    }
    append_sized(out, column.extra);
    append_sized(out, column.generation_expression);
}

CatalogueColumn read_column(ByteReader& reader) {
    CatalogueColumn out;
    out.name = reader.sized();
    out.data_type = reader.sized();
    out.column_type = reader.sized();
    out.character_set = reader.sized();
    out.nullable = reader.fixed<std::uint8_t>() != 0;
    if (reader.fixed<std::uint8_t>() != 0) {
        out.default_text = reader.sized();
    }
    out.extra = reader.sized();
    out.generation_expression = reader.sized();
    return out;
}

TableStructure read_structure(ByteReader& reader) {
    TableStructure out;
    out.exists = true;
    out.character_set = reader.sized();
    for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
        out.columns.push_back(read_column(reader));
    }
    for (std::uint64_t left = reader.varint(); left > 0 && reader.ok(); --left) {
        out.primary_key.emplace_back(reader.sized());
    }
    return out;
}

}  // namespace

void append_schema_change(std::string& out, const SchemaChange& change) {
    out.push_back(static_cast<char>(change.kind));
    append_sized(out, change.text);
    out.push_back(change.structure ? '\1' : '\0');
    if (!change.structure) {
        return;
    }
    append_sized(out, change.structure->character_set);
    append_varint(out, change.structure->columns.size());
    for (const CatalogueColumn& column : change.structure->columns) {
        append_column(out, column);
    }
    append_varint(out, change.structure->primary_key.size());
    for (const std::string& name : change.structure->primary_key) {
        append_sized(out, name);
    }
}

Result<SchemaChange> parse_schema_change(std::string_view bytes) {
    ByteReader reader(bytes);
    SchemaChange out;
    const auto kind = reader.fixed<std::uint8_t>();
    out.kind = static_cast<DdlKind>(kind);
    out.text = reader.sized();
    if (reader.fixed<std::uint8_t>() != 0) {
        out.structure = read_structure(reader);
    }
    constexpr auto kFirst = static_cast<std::uint8_t>(DdlKind::create_table);
    constexpr auto kLast = static_cast<std::uint8_t>(DdlKind::database);
    if (!reader.ok() || !reader.at_end() || kind < kFirst || kind > kLast) {
        return Error(errors::kEntryCorrupt, "mysql entry: a schema change of wrong bytes");
    }
    return out;
}

}  // namespace tributary::mysql
