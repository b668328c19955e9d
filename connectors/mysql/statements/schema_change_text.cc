// A schema change as a consumer sees it: schema_change.h. Names and numbers of types are those that
// Debezium's connectors write (java.sql.Types); values are what the server's catalogue says.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "connectors/mysql/letters.h"
#include "connectors/mysql/statements/schema_change.h"
#include "connectors/mysql/values/column_types.h"

namespace tributary::mysql {
namespace {

constexpr std::int32_t kOther = 1111;

constexpr std::array<std::pair<std::string_view, std::int32_t>, 29> kJdbcTypes{{
    {"tinyint", 5},       {"smallint", 5},     {"mediumint", 4},   {"int", 4},
    {"bigint", -5},       {"float", 6},        {"double", 8},      {"decimal", 3},
    {"bit", -7},          {"year", 4},         {"date", 91},       {"time", 92},
    {"datetime", 93},     {"timestamp", 2014}, {"char", 1},        {"varchar", 12},
    {"tinytext", 12},     {"text", 12},        {"mediumtext", 12}, {"longtext", 12},
    {"binary", -2},       {"varbinary", -3},   {"tinyblob", 2004}, {"blob", 2004},
    {"mediumblob", 2004}, {"longblob", 2004},  {"enum", 1},        {"set", 1},
    {"json", kOther},
}};

std::int32_t jdbc_type_of(std::string_view data_type) {
    const auto* const found =
        std::find_if(kJdbcTypes.begin(), kJdbcTypes.end(), [data_type](const auto& each) {
            return each.first == data_type;
        });
    return found == kJdbcTypes.end() ? kOther : found->second;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

class Describer {
  public:
    Describer(ServerKind server, Arena& arena) : server_(server), arena_(arena) {}

    const StructureChange* describe(const SchemaChange& change) {
        auto* const out = arena_.make<StructureChange>(1).data();
        out->statement = arena_.copy(change.text);
        out->effect = change.kind == DdlKind::create_table  ? StructureEffect::create
                      : change.kind == DdlKind::alter_table ? StructureEffect::alter
                      : change.kind == DdlKind::drop_table  ? StructureEffect::drop
                                                            : StructureEffect::none;
        if (change.structure) {
            const TableStructure& structure = *change.structure;
            out->described = true;
            out->character_set = arena_.copy(structure.character_set);
            out->key = texts(structure.primary_key);
            const auto columns = arena_.make<ColumnDescription>(structure.columns.size());
            for (std::size_t index = 0; index < structure.columns.size(); ++index) {
                columns[index] = column(structure.columns[index]);
            }
            out->columns = columns;
        }
        return out;
    }

  private:
    std::span<const std::string_view> texts(const std::vector<std::string>& all) {
        const auto out = arena_.make<std::string_view>(all.size());
        std::transform(all.begin(), all.end(), out.begin(), [this](const std::string& text) {
            return arena_.copy(text);
        });
        return out;
    }

    ColumnDescription column(const CatalogueColumn& from) {
        ColumnDescription out;
        out.name = arena_.copy(from.name);
        out.jdbc_type = jdbc_type_of(from.data_type);
        out.type_name = arena_.copy(type_name(from));
        out.character_set = arena_.copy(from.character_set);
        out.optional = from.nullable;
        const bool by_server =
            contains(from.extra, "auto_increment") || contains(from.extra, "on update");
        out.auto_incremented = by_server;
        out.generated =
            by_server || contains(from.extra, "GENERATED") || !from.generation_expression.empty();
        if (from.default_text) {
            out.default_text = default_text(*from.default_text);
        }
        if (from.data_type == "enum" || from.data_type == "set") {
            add_labels(labels_of(from.column_type), from.data_type == "set", out);
        } else {
            add_length(from.column_type, out);
        }
        return out;
    }

    static std::string type_name(const CatalogueColumn& from) {
        std::string out =
            from.data_type == "geomcollection" ? "geometrycollection" : from.data_type;
        for (const char* const word : {" unsigned", " zerofill"}) {
            out += contains(from.column_type, word) ? word : "";
        }
        return upper(out);
    }

    // The numbers in "decimal(10,2) unsigned".
    static void add_length(std::string_view column_type, ColumnDescription& out) {
        const auto open = column_type.find('(');
        if (open == std::string_view::npos) {
            return;
        }
        const char* const end = column_type.data() + column_type.size();
        std::int32_t number = 0;
        auto read = std::from_chars(column_type.data() + open + 1, end, number);
        if (read.ec == std::errc()) {
            out.length = number;
        }
        if (read.ptr != end && *read.ptr == ',') {
            read = std::from_chars(read.ptr + 1, end, number);
            out.scale = read.ec == std::errc() ? std::optional(number) : std::nullopt;
        }
    }

    // A label is one character to Debezium, a set all of them with commas between.
    void add_labels(std::vector<std::string> labels, bool set, ColumnDescription& out) {
        out.length = set ? 2 * static_cast<std::int32_t>(labels.size()) - 1 : 1;
        for (std::string& label : labels) {
            std::string literal = "'";
            for (const char c : label) {
                literal.append(c == '\'' ? 2 : 1, c);
            }
            label = literal + "'";
        }
        out.labels = texts(labels);
    }

    // MariaDB writes literals, and NULL; both write bits as b'101'.
    std::optional<std::string_view> default_text(std::string_view text) {
        if (server_ == ServerKind::mariadb && text == "NULL") {
            return std::nullopt;
        }
        std::size_t start = text.starts_with("b'") ? 1 : 0;
        if (server_ == ServerKind::mysql && start == 0) {
            return arena_.copy(text);
        }
        text.remove_prefix(start);
        if (text.size() < 2 || text.front() != '\'' || text.back() != '\'') {
            return arena_.copy(text);
        }
        std::string plain;
        for (std::size_t index = 1; index + 1 < text.size(); ++index) {
            plain.push_back(text[index]);
            index += text.substr(index).starts_with("''") ? 1 : 0;
        }
        return arena_.copy(plain);
    }

    ServerKind server_;
    Arena& arena_;
};

}  // namespace

const StructureChange* describe(const SchemaChange& change, ServerKind server, Arena& arena) {
    return Describer(server, arena).describe(change);
}

}  // namespace tributary::mysql
